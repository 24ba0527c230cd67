"""The answers of a language model to a prompt, one a label, as tokens and as a trie.

Answers with the same beginning share their first tokens, so a model needs to read
those only once. `AnswerTrie` lists the tokens to read (nodes) and the next tokens
to score after each node (entries). Plain NumPy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet

LONGEST_ANSWER = 64


@dataclasses.dataclass(frozen=True)
class AnswerEntries:
    """The tokens that are scored, each after some beginning of an answer, and once.

    Args:
        beginnings: list of tuples of token ids, one an entry: what of an answer
            comes before the token; shorter ones of an answer come first.
        tokens: int array of shape `(num_entries,)`, the token.
        members: float array of shape `(num_entries, num_labels)`, 1 where an
            entry is part of the answer of a label.
    """

    beginnings: list[tuple[int, ...]]
    tokens: np.ndarray
    members: np.ndarray

    @classmethod
    def of(cls, answers: Sequence[Sequence[int]]) -> AnswerEntries:
        """List the entries of answers.

        Args:
            answers: list of lists of token ids.

        Returns:
            `AnswerEntries`.
        """
        numbers: dict[tuple[tuple[int, ...], int], int] = {}
        parts = [
            [numbers.setdefault((tuple(ids[:i]), ids[i]), len(numbers)) for i in range(len(ids))]
            for ids in answers
        ]
        members = np.zeros((len(numbers), len(parts)), "float32")
        for label, part in enumerate(parts):
            members[part, label] = 1
        tokens = np.array([token for _, token in numbers], "int32")
        return cls([beginning for beginning, _ in numbers], tokens, members)


@dataclasses.dataclass(frozen=True)
class AnswerTrie:
    """All answers as one tree of tokens.

    Args:
        tokens: int array of shape `(num_nodes,)`, the token of each node that
            has others after it.
        ancestors: bool array of shape `(num_nodes, num_nodes)`: whether the node
            of a row comes after that of a column, or is it.
        depths: int array of shape `(num_nodes,)`, 0 for a first token.
        entry_nodes: int array of shape `(num_entries,)`, the node after which a
            token is scored; 0 is the end of the prompt, 1 the first node.
        entry_tokens: int array of shape `(num_entries,)`, that token.
        members: float array of shape `(num_entries, num_labels)`, 1 where a
            token is part of the answer of a label.
    """

    tokens: np.ndarray
    ancestors: np.ndarray
    depths: np.ndarray
    entry_nodes: np.ndarray
    entry_tokens: np.ndarray
    members: np.ndarray

    @classmethod
    def of(cls, answers: Sequence[Sequence[int]]) -> AnswerTrie:
        """Join answers.

        Args:
            answers: list of lists of token ids.

        Returns:
            An `AnswerTrie`.
        """
        entries = AnswerEntries.of(answers)
        nodes = [beginning for beginning in dict.fromkeys(entries.beginnings) if beginning]
        numbers = {beginning: number for number, beginning in enumerate(nodes, start=1)}
        ancestors = np.zeros((len(nodes), len(nodes)), bool)
        for number, node in enumerate(nodes):
            ancestors[number, [numbers[node[: i + 1]] - 1 for i in range(len(node))]] = True
        return cls(
            tokens=np.array([node[-1] for node in nodes], "int32"),
            ancestors=ancestors,
            depths=np.array([len(node) - 1 for node in nodes], "int32"),
            entry_nodes=np.array([numbers.get(b, 0) for b in entries.beginnings], "int32"),
            entry_tokens=entries.tokens,
            members=entries.members,
        )


@dataclasses.dataclass(frozen=True)
class Answers:
    """The answer of each label.

    Args:
        texts: tuple of strings, one a label.
        ids: tuple of tuples of token ids, one a label, as training and scoring
            read them.
        end: int, the token that ends a text.
        has_end: bool, whether `end` is scored too: where an answer is the
            beginning of another, only its end distinguishes the two.
    """

    texts: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    end: int
    has_end: bool

    @property
    def scored(self) -> tuple[tuple[int, ...], ...]:
        """The tokens that are scored, one tuple a label."""
        return tuple((*ids, self.end) for ids in self.ids) if self.has_end else self.ids

    @property
    def longest(self) -> int:
        """Most tokens of an answer, with its end."""
        return max(map(len, self.ids)) + 1


def read_answer_texts(answers: Any, labels: LabelSet) -> tuple[str, ...]:
    """Return the answer of each label as text.

    Args:
        answers: dict from label name to answer, a list of answers in the order
            of the labels, or `None`: the names themselves.
        labels: `LabelSet`.

    Returns:
        A tuple of strings.

    Raises:
        ArgumentError: an answer is missing, empty, or no string.
    """
    if answers is None:
        answers = list(labels)
    if isinstance(answers, Mapping):
        labels.encode(list(answers), "answers")
        answers = [answers.get(name) for name in labels]
    if isinstance(answers, str) or not isinstance(answers, Sequence) or len(answers) != len(labels):
        raise ArgumentError(
            f"`answers` must be a dict from label to answer, or a list of {len(labels)} answers. "
            f"Received: answers={shorten(answers)}."
        )
    for name, answer in zip(labels, answers, strict=True):
        if not isinstance(answer, str) or not answer.strip():
            raise ArgumentError(
                f"The label {name!r} has no answer: it must be a text that is not empty. Received: "
                f"{shorten(answer)}. Pass answers={{{name!r}: ...}}."
            )
    return tuple(answer.strip() for answer in answers)


def tokenize_answers(
    texts: Sequence[str], tokenize: Callable[[list[str]], list[np.ndarray]], end: int
) -> Answers:
    """Turn answers into tokens.

    Args:
        texts: list of strings, one a label.
        tokenize: function from a list of answers to their token ids, as they
            follow a prompt.
        end: int, the token that ends a text.

    Returns:
        `Answers`.

    Raises:
        ArgumentError: two answers have the same tokens, or one has none or too
            many.
    """
    ids = tuple(tuple(int(i) for i in tokens) for tokens in tokenize(list(texts)))
    known: dict[tuple[int, ...], str] = {}
    for text, tokens in zip(texts, ids, strict=True):
        if not 0 < len(tokens) <= LONGEST_ANSWER:
            raise ArgumentError(
                f"The answer {shorten(text)} has {len(tokens)} tokens; it must have between 1 and "
                f"{LONGEST_ANSWER}. Pass a shorter one: answers={{label: answer}}."
            )
        if tokens in known:
            raise ArgumentError(
                f"The answers {known[tokens]!r} and {text!r} have the same tokens, so the model "
                "cannot distinguish them. Pass different ones: answers={label: answer}."
            )
        known[tokens] = text
    beginnings = {tokens[:i] for tokens in ids for i in range(1, len(tokens))}
    return Answers(tuple(texts), ids, end, has_end=any(tokens in beginnings for tokens in ids))
