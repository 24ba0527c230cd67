"""Texts without labels from files of one passage a line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_textcls.errors import ArgumentError, InvalidDataError

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+")
# In characters.
_SHORTEST, _LONGEST, _LONGEST_QUESTION = 8, 300, 160
# Shares of what is sampled; the rest are single sentences.
_PASSAGES, _PAIRS, _QUESTIONS = 0.15, 0.20, 0.18


def sample_texts(files: Sequence[Path], count: int, seed: int = 0) -> list[str]:
    """Sample sentences, pairs of them and passages, in equal number from each file.

    Of what comes from a file up to 18 % are questions, which are rare in prose
    and frequent in what people classify; of the others 65 % are sentences, 20 %
    two sentences that follow each other, and 15 % whole passages.

    Args:
        files: sequence of `Path`, UTF-8, plain or compressed by `.gz`, `.bz2`
            or `.xz`; a passage a line.
        count: int, how many texts to sample; fewer where the files hold fewer.
        seed: int. Defaults to `0`.

    Returns:
        A list of strings in random order.

    Raises:
        ArgumentError: `count` is not positive.
        InvalidDataError: a file cannot be read, or is not UTF-8.
    """
    if count <= 0:
        raise ArgumentError(f"`count` must be positive. Received: count={count}.")
    rng = random.Random(seed)
    sampled: list[str] = []
    for file in files:
        sampled += _sample(read_passages(file), count // len(files), rng)
    rng.shuffle(sampled)
    return sampled


def read_passages(file: Path) -> list[str]:
    """Read the lines of a file that are not empty.

    Args:
        file: `Path`, UTF-8, plain or compressed.

    Returns:
        A list of strings.

    Raises:
        InvalidDataError: the file cannot be read, or is not UTF-8.
    """
    opener = _OPENERS.get(file.suffix, open)
    try:
        with opener(file, "rt", encoding="utf-8-sig") as lines:
            return [line.strip() for line in lines if line.strip()]
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise InvalidDataError(f"The file {str(file)!r} cannot be read: {error}.") from error


def _sample(passages: list[str], quota: int, rng: random.Random) -> list[str]:
    rng.shuffle(passages)
    chosen: list[str] = []
    questions: list[str] = []
    most = round(quota * (1 - _QUESTIONS))
    for passage in passages:
        sentences = [s for s in _SENTENCE_END.split(passage) if _SHORTEST < len(s) < _LONGEST]
        if not sentences:
            continue
        if len(chosen) < most:
            chosen.append(_piece(passage, sentences, rng))
        questions += [s for s in sentences if s.endswith("?") and len(s) < _LONGEST_QUESTION]
    rng.shuffle(questions)
    return chosen + questions[: quota - most]


def _piece(passage: str, sentences: list[str], rng: random.Random) -> str:
    chance = rng.random()
    if chance < _PASSAGES:
        return passage
    if chance < _PASSAGES + _PAIRS and len(sentences) > 1:
        first = rng.randrange(len(sentences) - 1)
        return f"{sentences[first]} {sentences[first + 1]}"
    return rng.choice(sentences)
