"""`PromptTemplate`: turns a text into a prompt for a language model, in plain Python."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Mapping, Sequence
from typing import Any

from keras_textcls.data.formats.instruction_marks import ASSISTANT, HUMAN, INSTRUCTION, QUESTION
from keras_textcls.errors import ArgumentError, did_you_mean, shorten

_SLOTS = {"instruction": ("labels",), "turn": ("text", "answer")}


@dataclasses.dataclass(frozen=True)
class PromptTemplate:
    """An instruction, and turns of a text and its answer.

    A prompt is the instruction, a turn for each example, and the turn of the
    text up to its answer. White space before a slot is tokenized together with
    the text that fills the slot. Braces that are no slot are doubled, as in
    `str.format`.

    Args:
        instruction: string. `{labels}` in it stands for the answers to choose
            from, with commas between. Defaults to one in the instruction
            form of Clarifai's text-to-text data.
        turn: string with `{text}` and, at its end, `{answer}`. Defaults to
            `" ### Human: {text} ### Assistant: {answer}"`.

    Raises:
        ArgumentError: a slot is missing, unknown, or in the wrong place.

    Example:
    >>> template = PromptTemplate("Is it spam?", " Message: {text} Answer: {answer}")
    >>> template.prompt("win cash", ["yes", "no"], examples=[("see you", "no")])
    'Is it spam? Message: see you Answer: no Message: win cash Answer:'
    """

    instruction: str = INSTRUCTION + " " + QUESTION + " {{{labels}}}"
    turn: str = " " + HUMAN + " {text} " + ASSISTANT + " {answer}"

    def __post_init__(self) -> None:
        """Check the slots."""
        for name, slots in _SLOTS.items():
            _check_slots(name, getattr(self, name), slots)
        slots_of_turn = [slot for _, slot in _slots(self.turn)]
        if slots_of_turn != ["text", "answer"] or not self.turn.endswith("{answer}"):
            raise ArgumentError(
                "`turn` of a prompt template must hold {text} once, and {answer} once after it, at "
                f"the very end. Received: turn={shorten(self.turn)}."
            )

    def before(self, answers: Sequence[str], examples: Sequence[tuple[str, str]] = ()) -> str:
        """Return the part of a prompt before its text.

        Args:
            answers: list of strings to choose from.
            examples: list of tuples of a text and its answer. Defaults to none.

        Returns:
            A string without white space at its end.
        """
        return self.opening(answers) + self.turns(examples) + self.pieces[0]

    def opening(self, answers: Sequence[str]) -> str:
        """Return the instruction with the answers to choose from.

        Args:
            answers: list of strings.

        Returns:
            A string.
        """
        return self.instruction.format(labels=", ".join(answers))

    def turns(self, examples: Sequence[tuple[str, str]]) -> str:
        """Return the turns of examples, end to end.

        Args:
            examples: list of tuples of a text and its answer.

        Returns:
            A string.
        """
        space = self.pieces[3]
        return "".join(self._up_to_answer(text) + space + answer for text, answer in examples)

    @property
    def pieces(self) -> tuple[str, str, str, str]:
        """The four fixed parts of a turn, a tuple of strings.

        They are the characters before the text, the white space directly before
        the text, the characters between text and answer, and the white space
        directly before the answer.
        """
        (first, _), (second, _) = _slots(self.turn)
        return (
            first.rstrip(),
            first[len(first.rstrip()) :],
            second.rstrip(),
            second[len(second.rstrip()) :],
        )

    def prompt(
        self, text: str, answers: Sequence[str], examples: Sequence[tuple[str, str]] = ()
    ) -> str:
        """Return the whole prompt of a text.

        Args:
            text: string.
            answers: list of strings to choose from.
            examples: list of tuples of a text and its answer. Defaults to none.

        Returns:
            A string that the answer continues.
        """
        return self.opening(answers) + self.turns(examples) + self._up_to_answer(text)

    def _up_to_answer(self, text: str) -> str:
        first, space, after, _ = self.pieces
        text = text.strip()
        return first + (space + text if text else "") + after

    def to_dict(self) -> dict[str, str]:
        """Return the arguments, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def read(cls, given: Any, name: str = "prompt") -> PromptTemplate:
        """Make a template from an argument or from the contents of a preset.

        Args:
            given: `PromptTemplate`, a dict of its arguments, or `None` for the
                default.
            name: string, what error messages call it. Defaults to `"prompt"`.

        Returns:
            A `PromptTemplate`.
        """
        if isinstance(given, PromptTemplate):
            return given
        if given is None:
            return cls()
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(given, Mapping) or not set(given) <= set(known):
            raise ArgumentError(
                f"`{name}` must be a PromptTemplate, or a dict with {' and '.join(known)}. "
                f"Received: {name}={shorten(given)}."
            )
        return cls(**given)


def _slots(text: str) -> list[tuple[str, str]]:
    """Each slot with the text before it."""
    slots: list[tuple[str, str]] = []
    # A doubled brace ends a part, too.
    before = ""
    for literal, slot, _, _ in string.Formatter().parse(text):
        before += literal
        if slot is not None:
            slots.append((before, slot))
            before = ""
    return slots


def _check_slots(name: str, text: Any, slots: tuple[str, ...]) -> None:
    if not isinstance(text, str):
        raise ArgumentError(
            f"`{name}` of a prompt template must be a string. Received: {name}={shorten(text)}."
        )
    try:
        parts = [part for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise ArgumentError(
            f"`{name}` of a prompt template has a lone brace: {error}. Double a brace that is no "
            f"slot. Received: {name}={shorten(text)}."
        ) from error
    taken = " and ".join(f"{{{slot}}}" for slot in slots)
    for _, slot, form, conversion in parts:
        if slot not in slots or form or conversion:
            raise ArgumentError(
                f"`{name}` of a prompt template has no slot {slot!r}."
                f"{did_you_mean(str(slot), slots)} It takes {taken}; double other braces."
            )
