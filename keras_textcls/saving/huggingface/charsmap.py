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


# How far back from the last used cell room is looked for: little is lost, and time is saved.
_WINDOW = 2048


def _double_array(values: dict[bytes, int]) -> np.ndarray:
    root: dict[int, Any] = {}
    for key, value in values.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[-1] = value
    units = np.zeros(1 << 13, "uint32")
    # The first cell is the root's; a base that two nodes shared would mix up their children.
    used, is_base = units > 0, units > 0
    used[0] = is_base[0] = True
    end = 1
    pending = [(0, root)]
    while pending:
        position, node = pending.pop()
        if end + 2 * _WINDOW > len(units):
            units = np.append(units, units * 0)
            used, is_base = np.append(used, used & False), np.append(is_base, is_base & False)
        labels = np.array([max(label, 0) for label in node])
        bases = np.arange(max(1, end - _WINDOW), end + 512)
        fits = ~is_base[bases] & ~used[bases[:, None] ^ labels].any(axis=1)
        base = int(bases[fits.argmax()])
        used[base ^ labels] = is_base[base] = True
        end = max(end, int((base ^ labels).max()) + 1)
        leaf = -1 in node
        units[position] |= np.uint32((position ^ base) << 10 | leaf << 8)
        if leaf:
            units[base] = np.uint32(node[-1] | 1 << 31)
        for label, child in node.items():
            if label >= 0:
                units[base ^ label] = np.uint32(label)
                pending.append((base ^ label, child))
    # Whole blocks of 256: lookups of absent bytes stay within the array.
    return units[: (max(end, int(np.flatnonzero(is_base)[-1]) + 1) | 255) + 1]


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
