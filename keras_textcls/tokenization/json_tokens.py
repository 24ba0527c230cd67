"""A `tokenizer.json` run by the `tokenizers` library, which needs no TensorFlow."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import regex

from keras_textcls.tokenization.prefixes import last_match

# What looks at one character, or at one that combines with those before it.
_LOCAL_NORMALIZERS = {
    *("BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled"),
    *("Sequence", "Strip", "StripAccents"),
}
# What a space always separates, and what separates more.
_AT_SPACES = {"BertPreTokenizer", "ByteLevel", "Metaspace", "Whitespace", "WhitespaceSplit"}
_WITHIN_WORDS = {"Digits", "Punctuation", "Sequence"}
# No character of a letter or number and a space is normalized together.
_CUTS = regex.compile(r"(?r)[\p{L}\p{N}](?<!\p{GCB=Prepend})(?= [\p{L}\p{N}])")


class FastJson:
    """A tokenizer that itself gives the ids of many texts.

    Args:
        tokenizer: a `keras_textcls.models.JsonTokenizer`.

    Call arguments:
        texts: list of strings.

    Returns:
        A tuple of an int array of all ids end to end, and an int array of how
        many each text has.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @staticmethod
    def serves(tokenizer: Any) -> bool:
        """Return whether a tokenizer gives the ids of many texts.

        Args:
            tokenizer: any tokenizer.

        Returns:
            A bool.
        """
        return hasattr(type(tokenizer), "ids_of_texts")

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize `texts`."""
        flat, counts = self._tokenizer.ids_of_texts(texts)
        return flat, counts

    def last_cut(self, text: str, size: int) -> int:
        """Return where to cut a text so that the tokens before are those of the whole.

        Args:
            text: string.
            size: int, the end of the part to look at.

        Returns:
            An int, at most `size`; 0 where no place is known.
        """
        return last_match(_CUTS, text, size) if self._is_cut_at_spaces else 0

    @functools.cached_property
    def _is_cut_at_spaces(self) -> bool:
        return cuts_at_spaces(json.loads(self._tokenizer.contents))


def cuts_at_spaces(contents: dict[str, Any]) -> bool:
    """Return whether a space between two words separates all that a tokenizer does to them.

    Args:
        contents: dict, of a `tokenizer.json`.

    Returns:
        A bool; `False` where it is not known.
    """
    if any(re.search(r"\s", token["content"]) for token in contents.get("added_tokens") or ()):
        return False
    normalizers = list(_steps(contents.get("normalizer"), "normalizers"))
    if not all(_is_local(step) for step in normalizers):
        return False
    splits = list(_steps(contents.get("pre_tokenizer"), "pretokenizers"))
    kinds = {step["type"] for step in splits}
    if not kinds <= _AT_SPACES | _WITHIN_WORDS or not kinds & _AT_SPACES:
        return False
    whole = [step for step in splits if not step.get("split", True)]
    whole += [step for step in splits if not step.get("use_regex", True)]
    return not whole and not contents["model"].get("dropout")


def _is_local(step: dict[str, Any]) -> bool:
    # Of two spaces or more, as SentencePiece does it.
    is_of_spaces = step["type"] == "Replace" and step["pattern"] == {"Regex": " {2,}"}
    return is_of_spaces or step["type"] in _LOCAL_NORMALIZERS


def _steps(step: dict[str, Any] | None, name: str) -> Iterator[dict[str, Any]]:
    """Yield a step and the steps of a sequence."""
    if step is not None:
        yield step
        for inner in step.get(name) or ():
            yield from _steps(inner, name)
