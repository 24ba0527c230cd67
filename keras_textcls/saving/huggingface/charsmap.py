"""Normalization rules as SentencePiece compiles them.

The normalizer of a `tokenizers` tokenizer (lower case, accents, quotes) is applied
to each character, and SentencePiece compiles the results into its own table. So
Keras Hub's SentencePiece tokenizers, which have no argument for normalization,
normalize in the same way.
"""

from __future__ import annotations

import functools
import itertools
import sys
import unicodedata
from typing import Any

import sentencepiece

from keras_textcls.utils.sentence_piece import read_charsmap

_HANGUL = range(0xAC00, 0xD7A4)
_SURROGATES = range(0xD800, 0xE000)
_CONTROLS = tuple(map(chr, range(1, 32)))


def compile_rules(rules: dict[str, str]) -> bytes:
    """Compile normalization rules.

    Args:
        rules: dict from a text to what replaces it; the longest match wins.

    Returns:
        Bytes, as in `NormalizerSpec.precompiled_charsmap`; none without rules.

    Example:
    >>> len(compile_rules({"A": "a"})) % 4
    2
    """
    kept = [text for text, target in rules.items() if text == target and len(text) > 1]
    changing = {text: target for text, target in rules.items() if text != target}
    stand_ins = _stand_ins(kept, set(changing.values()))
    compiled = [*changing.items(), *stand_ins.items()]
    if not compiled:
        return b""
    # Else it writes on the standard error how large the table is.
    sentencepiece.SetMinLogLevel(1)
    normalizer = sentencepiece.SentencePieceNormalizer(norm_map=compiled)
    table = read_charsmap(normalizer.serialized_normalizer_spec())
    # The size of the trie, the trie, then the replacements, each with a zero at its end.
    end = 4 + int.from_bytes(table[:4], "little")
    texts = b"\0" + table[end:]
    for text, stand_in in stand_ins.items():
        texts = texts.replace(f"\0{stand_in}\0".encode(), f"\0{text}\0".encode())
    return table[:end] + texts[1:]


def _stand_ins(texts: list[str], taken: set[str]) -> dict[str, str]:
    """Replacements of the same size for texts that stay, which SentencePiece refuses to compile."""
    sizes = {len(text.encode()) for text in texts}
    series = {size: map("".join, itertools.product(_CONTROLS, repeat=size)) for size in sizes}
    return {t: next(s for s in series[len(t.encode())] if s not in taken) for t in texts}


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
