"""Normalization rules as SentencePiece compiles them.

A table of rules is a double-array trie over UTF-8 bytes (J. Aoe, "An efficient
digital search algorithm by using a double-array structure", 1989, in the layout
of Darts-clone) followed by the replacements. What `tokenizers` does to a text
before it is cut (lower case, accents, quotes) is asked of it character by
character and becomes such a table, so that Keras Hub's SentencePiece tokenizers,
which have no argument for it, do the same.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from typing import Any

import numpy as np

_HANGUL = range(0xAC00, 0xD7A4)
_SURROGATES = range(0xD800, 0xE000)


def compile_rules(rules: dict[str, str]) -> bytes:
    """Compile normalization rules.

    Args:
        rules: dict from a text to what replaces it; the longest match wins.

    Returns:
        Bytes, as in `NormalizerSpec.precompiled_charsmap`.

    Example:
    >>> len(compile_rules({"A": "a"})) % 4
    2
    """
    texts: dict[str, int] = {}
    values, replacements = {}, bytearray()
    for source, target in rules.items():
        if target not in texts:
            texts[target] = len(replacements)
            replacements += target.encode() + b"\0"
        values[source.encode()] = texts[target]
    trie = _double_array(values)
    return np.uint32(len(trie) * 4).tobytes() + trie.tobytes() + bytes(replacements)


def _double_array(values: dict[bytes, int]) -> np.ndarray:
    root: dict[int, Any] = {}
    for key, value in values.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[-1] = value
    units = np.zeros(1024, "uint32")
    used = np.zeros(1024, bool)
    used[0] = True
    start = 1
    pending = [(0, root)]
    while pending:
        position, node = pending.pop()
        labels = np.array([max(label, 0) for label in node])
        while (base := _free_base(used, labels, start, position)) is None:
            units, used = np.append(units, units * 0), np.append(used, used & False)
        used[base ^ labels] = True
        while used[start]:
            start += 1
        offset = position ^ base
        leaf = -1 in node
        units[position] |= np.uint32(_offset_bits(offset) | leaf << 8)
        if leaf:
            units[base] = np.uint32(node[-1] | 1 << 31)
        for label, child in node.items():
            if label >= 0:
                units[base ^ label] = np.uint32(label)
                pending.append((base ^ label, child))
    # Whole blocks of 256: lookups of absent bytes stay within the array.
    return units[: (int(np.flatnonzero(used)[-1]) | 255) + 1]


def _offset_bits(offset: int) -> int:
    """21 bits of offset, or 29 whose low 8 are zero."""
    return offset << 10 if offset < 1 << 21 else (offset >> 8) << 10 | 1 << 9


def _free_base(used: np.ndarray, labels: np.ndarray, start: int, position: int) -> int | None:
    """The lowest place where the children of a node fit, if there is one."""
    for cell in range(start, len(used) - 256):
        base = cell ^ int(labels[0])
        far = base ^ position
        if far and (far < 1 << 21 or not far & 255):
            cells = base ^ labels
            if cells.min() > 0 and not used[cells].any():
                return base
    return None


@functools.cache
def _candidates() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Characters that a normalizer may change, and sequences that it may compose."""
    single, several = [], set()
    for code in range(1, sys.maxunicode + 1):
        if code in _SURROGATES or code in _HANGUL:
            continue
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Cn", "Co"):
            continue
        decomposed = unicodedata.normalize("NFKD", char)
        if decomposed != char or char.lower() != char or category[0] in "MZC":
            single.append(char)
            canonical = unicodedata.normalize("NFD", char)
            if len(canonical) > 1:
                several.add(canonical)
                # Composed but for the last accent.
                several.add(unicodedata.normalize("NFC", canonical[:-1]) + canonical[-1])
    return tuple(single), (*sorted(several), "``", "''")


def rules_of(normalize: Any) -> dict[str, str]:
    """Return the rules that a normalizer follows.

    Args:
        normalize: function from string to string.

    Returns:
        A dict from text to replacement, without those that change nothing.
        White space becomes a plain space.
    """

    def between(text: str) -> str:
        # Ends are stripped by some normalizers.
        return str(normalize(f"a{text}a"))[1:-1]

    single, several = _candidates()
    rules = {}
    for char in single:
        target = " " if char.isspace() else between(char)
        if target != char:
            rules[char] = target
    for text in several:
        target = between(text)
        if target != "".join(rules.get(char, char) for char in text):
            rules[text] = target
    return rules
