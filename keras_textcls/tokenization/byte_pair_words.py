"""How Keras Hub's graph splits texts for byte pairs, done in Python.

The graph stands in for the published pattern, which TensorFlow's regular expressions
cannot express, with marks of its own: texts that hold these marks, special tokens or rare
kinds of space are split otherwise than the pattern says. Here they are split as in the
graph, step by step.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import regex

# Of TensorFlow's `\s`, and the kinds of space that Keras Hub lists.
_BLANK = r" \t\n\r\f"
_LISTED = r"\u00a0\u2009\u202f\u3000"
_MARK = "\u096c"
_STAND_IN = "\u0134"
_BEFORE_WORD = regex.compile(rf"( )([^{_BLANK}{_LISTED}])")
_AT_END = regex.compile(r"([ \t\n\r\f]\u00a0\u2009\u202f\u3000)\Z")
_WORD = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d"
    rf"|[{_BLANK}{_LISTED}]+[\n\r\t\f{_MARK}{_LISTED}]| ?\p{{L}}+"
    rf"| ?\p{{N}}+| ?[^{_BLANK}\p{{L}}\p{{N}}{_LISTED}]+"
)
_APART_AT_END = frozenset(" \t\r\f\v\u00a0\u2009\u202f\u3000" + _MARK)


def split_for_byte_pairs(text: str, special_tokens: tuple[str, ...]) -> list[str]:
    """Split a text into the words whose bytes Keras Hub's graph merges.

    Args:
        text: string.
        special_tokens: tuple of strings that are kept whole.

    Returns:
        A list of strings.
    """
    # The pattern would look for an end of these spaces from each of them.
    surplus = max(len(text) - len(text.rstrip(" ")) - 2, 0)
    text = text[: len(text) - surplus]
    text = _AT_END.sub(rf"\1{_MARK}", _BEFORE_WORD.sub(rf"{_MARK}\1\2", text))
    parts = [text]
    pairs = list(zip(special_tokens, _stand_ins(len(special_tokens)), strict=True))
    for token, stand_in in pairs:
        parts = [stand_in if p == token else p for part in parts for p in _apart(part, token)]
    words = []
    for part in parts:
        for word in _words(part):
            for token, stand_in in pairs:
                word = word.replace(stand_in, token)
            words.append(word)
    words = [word for word in words if word != _MARK]
    if surplus:
        words[-2] += " " * surplus
    return words


def cuts_between_words(special_tokens: Iterable[str]) -> Any:
    """Return a pattern that searches backwards for an end of a word, wherever the text goes on.

    A run of letters or of numbers ends before what is none, in every text. What a
    special token holds does not count, as the token may lie across.

    Args:
        special_tokens: iterable of strings that are kept whole.

    Returns:
        A pattern of the `regex` library, which matches the last character
        before the cut.
    """
    held = re.escape("".join(sorted(set("".join(special_tokens)))))
    # The marks are a number and a letter.
    return regex.compile(
        rf"(?r)(?![{_MARK}{_STAND_IN}])"
        rf"(?:\p{{L}}(?=[^\p{{L}}{held}])|\p{{N}}(?=[^\p{{N}}{held}]))"
    )


def _apart(text: str, token: str) -> Iterator[str]:
    """Split a text at a token, which is kept."""
    first, *others = text.split(token)
    if first:
        yield first
    for other in others:
        yield token
        if other:
            yield other


def _words(text: str) -> Iterator[str]:
    """Split by the pattern; what lies between two matches is a word, too."""
    done = 0
    for match in _WORD.finditer(text):
        if match.start() > done:
            yield from _without_end(text[done : match.start()])
        yield from _without_end(match.group())
        done = match.end()
    if done < len(text):
        yield from _without_end(text[done:])


def _without_end(word: str) -> Iterator[str]:
    if len(word) > 1 and word[-1] in _APART_AT_END:
        yield word[:-1]
        yield word[-1]
    else:
        yield word


@functools.cache
def _stand_ins(count: int) -> list[str]:
    """Return what stands for special tokens meanwhile: a rare letter and their number."""
    return [_STAND_IN + "".join(chr(ord("A") + int(d)) for d in str(i)) for i in range(count)]
