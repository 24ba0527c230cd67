"""From texts to the tokens of prompts, parts of which are fixed.

The fixed parts of a prompt are tokenized once. A text that is too long loses
its end, never the instruction or the place of the answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError
from keras_textcls.text_to_text.answers import Answers, tokenize_answers
from keras_textcls.text_to_text.prompt_template import PromptTemplate
from keras_textcls.tokenization.encoded_texts import EncodedTexts
from keras_textcls.tokenization.fast_tokenization import fast_tokenizer
from keras_textcls.utils.ragged import spans

# Before whatever continues a text: tokenizers treat the beginning of a text otherwise.
_ANCHOR = ":"
_LEAST_ROOM = 4


class PromptTokenizer:
    """Tokenizes the parts of a prompt: its beginning, and what continues it.

    Args:
        preprocessor: a `keras_hub.models.CausalLMPreprocessor`.
    """

    def __init__(self, preprocessor: Any) -> None:
        self.preprocessor = preprocessor
        self._tokenize = fast_tokenizer(preprocessor.tokenizer)
        self._anchor = self._tokenize([_ANCHOR])[0]

    @property
    def end(self) -> int:
        """The token that ends a text."""
        return int(self.preprocessor.tokenizer.end_token_id)

    def beginning(self, text: str) -> np.ndarray:
        """Return the tokens of a text that stands at the beginning, with the start token."""
        tokens = self._tokenize([text])[0] if text else np.zeros(0, "int64")
        start = self._start
        return tokens if start is None else np.concatenate([[start], tokens])

    def end_of(self, tokens: np.ndarray, count: int) -> np.ndarray:
        """Return the last tokens of what `beginning` returned, after its start token.

        Args:
            tokens: int array of shape `(num_tokens,)`.
            count: int of at least 2, how many to return at most.

        Returns:
            An int array.
        """
        if len(tokens) <= count or self._start is None:
            return tokens[-count:]
        return np.concatenate([tokens[:1], tokens[1 - count :]])

    @property
    def _start(self) -> int | None:
        if not getattr(self.preprocessor, "add_start_token", True):
            return None
        return getattr(self.preprocessor.tokenizer, "start_token_id", None)

    def continuations(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens of texts that continue one, end to end, and how many each has."""
        flat, counts = self._tokenize([_ANCHOR + text for text in texts])
        drop = len(self._anchor)
        starts = np.cumsum(counts) - counts
        whole = counts >= drop
        cells = starts[whole, None] + np.arange(drop)
        apart = np.zeros(len(texts), bool)
        apart[whole] = (flat[cells] == self._anchor).all(axis=1)
        if apart.all():
            within = spans(0, counts)
            return flat[within >= drop], counts - drop
        # The anchor runs into some of the texts: those are tokenized by themselves.
        lists = [
            flat[s + drop : s + n] if a else self._tokenize([t.strip()])[0]
            for t, s, n, a in zip(texts, starts, counts, apart, strict=True)
        ]
        sizes = np.array([len(tokens) for tokens in lists], "int64")
        return np.concatenate([np.zeros(0, "int64"), *lists]), sizes

    def lists(self, texts: list[str]) -> list[np.ndarray]:
        """Return the tokens of texts that continue one, an array each."""
        flat, counts = self.continuations(texts)
        return np.split(flat, np.cumsum(counts)[:-1])


@dataclasses.dataclass(frozen=True)
class PromptParts:
    """The fixed tokens of a prompt, and its answers.

    Args:
        opening: int array, the tokens at the beginning of every prompt, up to
            the first that differs from text to text.
        before: int array, the tokens directly before each text, where each
            text has examples of its own; else empty, as `opening` has them.
        after: int array, the tokens between a text and its answer.
        space: string, white space before a text.
        answers: `Answers`.
    """

    opening: np.ndarray
    before: np.ndarray
    after: np.ndarray
    space: str
    answers: Answers

    @property
    def fixed(self) -> int:
        """Number of tokens of a prompt and its answer, without the text and its own examples."""
        return len(self.opening) + len(self.before) + len(self.after) + self.answers.longest

    def has_room(self, sequence_length: int, examples: int = 0) -> bool:
        """Return whether a text fits beside examples; see `room`."""
        return sequence_length - self.fixed - examples >= _LEAST_ROOM

    def room(self, sequence_length: int, examples: int = 0) -> int:
        """Return how many tokens of a text fit.

        Args:
            sequence_length: int.
            examples: int, tokens of examples. Defaults to `0`.

        Returns:
            An int.

        Raises:
            ArgumentError: fewer than 4 tokens of a text fit.
        """
        room = sequence_length - self.fixed - examples
        if not self.has_room(sequence_length, examples):
            raise ArgumentError(
                f"The prompt leaves no room for a text: of sequence_length={sequence_length} "
                "tokens, the instruction, the examples and the answer take "
                f"{self.fixed + examples}. "
                "Shorten the instruction or the names in it (prompt=...), pass fewer examples, or "
                "set a larger sequence_length."
            )
        return room


def prompt_parts(
    tokenizer: PromptTokenizer,
    prompt: PromptTemplate,
    answer_texts: Sequence[str],
    examples: Sequence[tuple[str, str]],
    own_examples: bool,
) -> PromptParts:
    """Tokenize the fixed parts of a prompt and its answers.

    Args:
        tokenizer: `PromptTokenizer`.
        prompt: `PromptTemplate`.
        answer_texts: list of strings, one a label.
        examples: list of tuples of a text and its answer, those of every prompt.
        own_examples: bool, whether each text has further examples.

    Returns:
        `PromptParts`.
    """
    first, space, after, answer_space = prompt.pieces
    answers = tokenize_answers(
        answer_texts, lambda texts: tokenizer.lists([answer_space + t for t in texts]),
        tokenizer.end,
    )  # fmt: skip
    text = prompt.opening(answer_texts) + prompt.turns(examples)
    if not own_examples:
        text += first
    opening = tokenizer.beginning(text.strip())
    before = tokenizer.lists([first])[0] if own_examples else opening[:0]
    tail = tokenizer.lists([after])[0]
    if not len(before) and not len(tail):
        # What is read for each text must not be empty where the text is.
        opening, before = opening[:-1], opening[-1:]
    return PromptParts(opening, before, tail, space, answers)


class PromptEncoder:
    """Tokenizes texts as prompts: the `Encoder` of a `TextReader`.

    Args:
        tokenizer: `PromptTokenizer`.
        parts: `PromptParts`.
        sequence_length: int, most tokens of a prompt and its answer.
        is_open: bool, whether `parts.opening` is left out, because the model
            has read it already.
        own_examples: function from a list of texts to a list of lists of
            strings, the turns of examples for each, or `None`. Turns that would
            leave no room for the text are left out, the longest first. Defaults
            to `None`.
    """

    def __init__(
        self,
        tokenizer: PromptTokenizer,
        parts: PromptParts,
        sequence_length: int,
        is_open: bool,
        own_examples: Callable[[list[str]], list[list[str]]] | None = None,
    ) -> None:
        self.preprocessor = tokenizer.preprocessor
        self._tokenizer = tokenizer
        self._parts = parts
        self._sequence_length = sequence_length
        self._is_open = is_open
        self._own_examples = own_examples

    def encode(self, columns: tuple[list[str], ...]) -> EncodedTexts:
        """Tokenize texts into prompts.

        Args:
            columns: tuple of one list of texts.

        Returns:
            `EncodedTexts`.
        """
        if len(columns) > 1:
            raise ArgumentError(
                "Text pairs have no place in a prompt. Join the two texts into one, as in "
                "f'{first} Second: {second}'."
            )
        texts = [text.strip() for text in columns[0]]
        parts = self._parts
        examples = self._examples(texts)
        tokens = self._tokenizer.lists([parts.space + text if text else "" for text in texts])
        opening = parts.opening[:0] if self._is_open else parts.opening
        rows: list[np.ndarray] = []
        lengths = np.empty(len(texts), "int32")
        for i, (example, text) in enumerate(zip(examples, tokens, strict=True)):
            room = parts.room(self._sequence_length, len(example))
            row = (opening, example, parts.before, text[:room], parts.after)
            lengths[i] = sum(map(len, row))
            rows += row
        if not lengths.all():
            raise InvalidDataError(
                f"Text {int(np.argmin(lengths))} is empty, and so is its prompt. Pass a prompt "
                "with an instruction."
            )
        flat = np.concatenate(rows).astype("int32")
        # Positions go on after the opening, so fewer are left.
        return as_encoded(lengths, flat, self._sequence_length - len(parts.opening) + len(opening))

    def _examples(self, texts: list[str]) -> list[np.ndarray]:
        """The tokens of the examples of each text."""
        if self._own_examples is None:
            return [np.zeros(0, "int64")] * len(texts)
        turns = self._own_examples(texts)
        tokens = self._tokenizer.lists(["".join(own) for own in turns])
        for i, own in enumerate(turns):
            while own and not self._parts.has_room(self._sequence_length, len(tokens[i])):
                longest = max(range(len(own)), key=lambda place: len(own[place]))
                own = own[:longest] + own[longest + 1 :]
                tokens[i] = self._tokenizer.lists(["".join(own)])[0]
        return tokens

    # Nothing is cut into chunks here: a long text loses its end.
    encode_in_chunks = encode


def as_encoded(lengths: np.ndarray, tokens: np.ndarray, sequence_length: int) -> EncodedTexts:
    """Wrap token ids for a causal language model.

    Args:
        lengths: int array, tokens of each text.
        tokens: int array, those of all texts end to end.
        sequence_length: int.

    Returns:
        `EncodedTexts`.
    """
    return EncodedTexts(
        lengths=lengths,
        flat={"token_ids": tokens, "padding_mask": np.ones(len(tokens), "int32")},
        fixed={},
        padding={"token_ids": 0, "padding_mask": 0},
        full_length=sequence_length,
    )


def with_answers(
    prompts: EncodedTexts, answers: Sequence[np.ndarray], longest: int
) -> tuple[EncodedTexts, np.ndarray]:
    """Put an answer after each prompt.

    Args:
        prompts: `EncodedTexts`.
        answers: list of int arrays, the tokens of the answer to each.
        longest: int, tokens of the longest answer there may be.

    Returns:
        A tuple of `EncodedTexts`, which have an `answer_positions` of shape
        `(num_texts, longest)` too, and an int array of that shape: the tokens of
        the answers, and -1 after their end. The last token of an answer is
        predicted, never read.
    """
    sizes = np.array([len(a) for a in answers], "int32")
    tokens, ends = prompts.flat["token_ids"], np.cumsum(prompts.lengths)
    parts: list[np.ndarray] = []
    for answer, end, length in zip(answers, ends, prompts.lengths, strict=True):
        parts += (tokens[end - length : end], answer[:-1])
    lengths = prompts.lengths + sizes - 1
    encoded = as_encoded(lengths, np.concatenate(parts).astype("int32"), prompts.full_length)
    place = np.arange(longest)[None]
    targets = np.full((len(answers), longest), -1, "int32")
    targets[place < sizes[:, None]] = np.concatenate(answers)
    positions = np.minimum(prompts.lengths[:, None] - 1 + place, lengths[:, None] - 1)
    fixed = {"answer_positions": positions.astype("int32")}
    return dataclasses.replace(encoded, fixed=fixed), targets
