"""Clarifai's instruction form for text-to-text data: instruction, text and answer in one cell.

    ### Instruction: Choose an answer from {ham, spam} ### Human: win cash ### Assistant: spam

The marks may be written in upper or lower case and on lines of their own; the instruction
may be missing. `clarifai_formats` reads the other two forms.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from keras_textcls.data.formats.clarifai_formats import is_concept, json_object, split_concepts
from keras_textcls.data.formats.delimited import DelimitedSource
from keras_textcls.data.formats.instruction_marks import ASSISTANT, HUMAN, INSTRUCTION, QUESTION
from keras_textcls.data.formats.json_text import JsonSource
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.columns import choose_roles
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.row_reader import plain, to_json
from keras_textcls.data.rows.source import RowChunk, Source
from keras_textcls.errors import ArgumentError

DEFAULT_INSTRUCTION = QUESTION + " {labels}"
_MARKS = (INSTRUCTION, HUMAN, ASSISTANT)
_BY_NAME = {mark.lower(): mark for mark in _MARKS}
MARK = re.compile(f"({'|'.join(map(re.escape, _MARKS))})", re.IGNORECASE | re.ASCII)
# The text between the braces around labels: braces occur in quotes only.
_IN_BRACES = re.compile(r'(?:"(?:[^"]|"")*+"|[^{}"])*+')
_NEEDS_QUOTES = re.compile(r'[,{}"]')
_LOOKED_AT = 200


def parse_cell(cell: str) -> tuple[str, str, str] | tuple[str, str]:
    """Parse a cell.

    Args:
        cell: string.

    Returns:
        A tuple of the instruction, the text and the answer, each without
        surrounding white space, `""` if it is missing; or, if the cell does not
        have the form, a tuple of the reason and a detail of the reason.

    Example:
    >>> parse_cell("### Human: win cash ### Assistant: spam")
    ('', 'win cash', 'spam')
    """
    parts = MARK.split(cell)
    marks = parts[1::2]
    if len(marks) == 3 and tuple(marks) == _MARKS and not parts[0].strip():
        return parts[2].strip(), parts[4].strip(), parts[6].strip()
    names = [_BY_NAME[mark.lower()] for mark in marks]
    fault = _fault(names, parts[0])
    if fault is not None:
        return fault
    instruction = parts[2].strip() if len(names) == 3 else ""
    return instruction, parts[-3].strip(), parts[-1].strip()


def _fault(names: list[str], before: str) -> tuple[str, str] | None:
    for mark in (HUMAN, ASSISTANT):
        if mark not in names:
            return reasons.NOT_OF_THE_FORM, f"it has no {mark!r}"
    for mark in _MARKS:
        if names.count(mark) > 1:
            detail = f"{names.count(mark)} times {mark!r}; text=... reads the cells as they are"
            return reasons.SEVERAL_TURNS, detail
    if names not in ([*_MARKS], [HUMAN, ASSISTANT]):
        return reasons.NOT_OF_THE_FORM, f"{names[0]!r} comes before {names[1]!r}"
    if before.strip():
        return reasons.NOT_OF_THE_FORM, f"other text comes before {names[0]!r}"
    return None


def format_cell(instruction: str, text: str, answer: str) -> str:
    """Write a cell that `parse_cell` reads.

    Args:
        instruction: string, `""` for a cell without one.
        text: string.
        answer: string.

    Returns:
        A string.

    Raises:
        ArgumentError: `parse_cell` would not return the same parts.
    """
    begin = f"{INSTRUCTION} {instruction} " if instruction else ""
    cell = f"{begin}{HUMAN} {text} {ASSISTANT} {answer}"
    if parse_cell(cell) == (instruction, text, answer):
        return cell
    for name, part in {"text": text, "label": answer, "instruction": instruction}.items():
        if mark := MARK.search(part):
            raise ArgumentError(f"its {name} holds {mark[0]!r}, which separates the parts")
    raise ArgumentError("its instruction or label has space around it")


def braced(labels: Sequence[str]) -> str:
    """Write labels in braces; labels with commas, braces or quotes are quoted.

    Args:
        labels: sequence of strings.

    Returns:
        A string.

    Example:
    >>> braced(["ham", "spam, eggs"])
    '{ham, "spam, eggs"}'
    """
    return "{" + ", ".join(map(_quoted, labels)) + "}"


def _quoted(label: str) -> str:
    if not _NEEDS_QUOTES.search(label) and len(label.splitlines()) < 2:
        return label
    return '"' + label.replace('"', '""') + '"'


def labels_in_braces(instruction: str) -> list[str] | None:
    """Return the labels that an instruction names in braces.

    Args:
        instruction: string.

    Returns:
        A list of strings, or `None` if there are no braces, or several pairs.

    Example:
    >>> labels_in_braces("Is it one of {ham, spam}?")
    ['ham', 'spam']
    """
    begin, end = instruction.find("{"), instruction.rfind("}")
    inside = instruction[begin + 1 : end]
    if begin < 0 or end < begin or not _IN_BRACES.fullmatch(inside):
        return None
    return list(dict.fromkeys(split_concepts(inside))) or None


def instruction_column(source: Source) -> str | None:
    """Detect from the first cells whether a file has the instruction form.

    Args:
        source: `Source`.

    Returns:
        The name of the column of texts if the file has no column of labels and at
        least half of the cells have both marks; otherwise `None`.
    """
    if not isinstance(source, (DelimitedSource, JsonSource)):
        return None
    try:
        roles = choose_roles(source.columns, needs_label=False, source=source.name)
    except ArgumentError:
        # The error is raised again, with more detail, when the file is read without the form.
        return None
    if roles.label is not None or any(map(is_concept, source.columns)):
        return None
    cells = _first_cells(source, roles.text)
    marked = sum(_has_both_marks(cell) for cell in cells)
    return roles.text if marked and 2 * marked >= len(cells) else None


def _first_cells(source: Source, column: str) -> list[str]:
    with contextlib.closing(source.chunks([column])) as chunks:  # type: ignore[type-var]
        for read in chunks:
            rows = read().columns
            cells = rows.column(column).slice(0, _LOOKED_AT).to_pylist() if isinstance(
                rows, pa.Table
            ) else rows[column][:_LOOKED_AT]  # fmt: skip
            filled = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
            if filled:
                return filled
    return []


def _has_both_marks(cell: str) -> bool:
    marks = {mark.lower() for mark in MARK.findall(cell)}
    return {HUMAN.lower(), ASSISTANT.lower()} <= marks


class InstructionSource:
    """A file in the instruction form, with the columns of the file, `label` and `metadata`.

    Args:
        source: `Source` of the file.
        text: string, the column of the cells.
    """

    def __init__(self, source: Source, text: str) -> None:
        self._source = source
        self._text = text
        # The different lists of labels in the instructions; if there is one, it is the order.
        self._lists: set[tuple[str, ...] | None] = set()
        self.name = source.name
        self.details = source.details
        self.details["form"] = "instruction"
        self.columns = [*(c for c in source.columns if c != "metadata"), "label", "metadata"]

    @property
    def first_line(self) -> int:
        """The line of the first row."""
        return self._source.first_line

    @property
    def class_names(self) -> dict[str, list[str]]:
        """The labels in their order if all instructions name the same; known after reading."""
        names = next(iter(self._lists)) if len(self._lists) == 1 else None
        return {"label": list(names)} if names else {}

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some rows each; see `Source`."""
        own = [name for name in columns if name in self._source.columns]
        for read in self._source.chunks(own):
            yield lambda read=read: self._converted(read(), columns)  # type: ignore[misc]

    def _converted(self, chunk: RowChunk, columns: Sequence[str]) -> RowChunk:
        given = chunk.columns
        rows = given.to_pydict() if isinstance(given, pa.Table) else given
        parts, kept, faults = _parse_cells(rows[self._text])
        self._note_lists({instruction for instruction, text, answer in parts if text and answer})
        converted = {n: [rows[n][i] for i in kept] for n in rows if n != self._text}
        own = converted.get("metadata", itertools.repeat(None))
        converted[self._text] = [text for _, text, _ in parts]
        converted["label"] = [answer for _, _, answer in parts]
        converted["metadata"] = _metadata((instruction for instruction, _, _ in parts), own)
        some, is_utf8 = _as_table({name: converted[name] for name in columns})
        if not faults:
            return dataclasses.replace(chunk, columns=some, is_utf8=is_utf8)
        lines = chunk.lines()
        unreadable = [
            InvalidRow(int(lines[i]), reason, self._text, detail, excerpt(rows[self._text][i]))
            for i, (reason, detail) in faults.items()
        ]
        unreadable = sorted([*chunk.unreadable, *unreadable], key=lambda row: row.line)
        return RowChunk(some, lambda: lines[kept], chunk.num_lines, unreadable, is_utf8)

    def _note_lists(self, instructions: set[str]) -> None:
        if len(self._lists) < 2:
            named = (labels_in_braces(instruction) for instruction in instructions)
            self._lists.update(None if names is None else tuple(names) for names in named)


def _parse_cells(
    cells: Sequence[Any],
) -> tuple[list[tuple[str, Any, str]], list[int], dict[int, tuple[str, str]]]:
    """The parts of the cells that have the form, their rows, and the faults of the others."""
    matching: list[tuple[str, Any, str]] = []
    kept: list[int] = []
    faults: dict[int, tuple[str, str]] = {}
    for i, cell in enumerate(cells):
        # A cell without text is passed on: `row_reader` refuses it.
        parts = parse_cell(cell) if isinstance(cell, str) and cell.strip() else ("", cell, "")
        if len(parts) == 3:
            matching.append(parts)
            kept.append(i)
        else:
            faults[i] = parts
    return matching, kept, faults


def _with_instruction(cell: Any, instruction: str) -> Any:
    try:
        fields = plain(cell) if isinstance(cell, Mapping) else json_object(str(cell))
        return to_json({**fields, "instruction": plain(instruction)})
    except RecursionError:
        # `row_reader` refuses this cell.
        return cell


def _metadata(instructions: Iterable[str], own: Iterable[Any]) -> list[Any]:
    """JSON objects with the instruction, also an empty one, so that `write` adds none."""
    known: dict[str, str] = {}
    objects: list[Any] = []
    for instruction, cell in zip(instructions, own, strict=False):
        if cell:
            objects.append(_with_instruction(cell, instruction))
            continue
        if instruction not in known:
            known[instruction] = to_json({"instruction": plain(instruction)})
        objects.append(known[instruction])
    return objects


def _as_table(columns: dict[str, list[Any]]) -> tuple[pa.Table | dict[str, list[Any]], bool]:
    """Arrow columns if all cells are valid strings, and whether they are."""
    try:
        return pa.table({n: pa.array(c, pa.string()) for n, c in columns.items()}), True
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return columns, False
