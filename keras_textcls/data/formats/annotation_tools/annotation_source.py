"""An export of an annotation tool as a source of rows, annotators resolved."""

from __future__ import annotations

import array
import collections
import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textcls.data.formats.annotation_tools.agreement import DETAIL, agreement_of
from keras_textcls.data.formats.annotation_tools.judgements import (
    ALL,
    Entry,
    Judgement,
    Reader,
    RowError,
    ToolOptions,
    latest,
    resolve,
)
from keras_textcls.data.formats.annotation_tools.records import Records
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.columns import choose_roles
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.partial_labels import judged
from keras_textcls.data.rows.source import RowChunk

COLUMNS = ("text", "label", "id", "metadata")
# Texts with these reasons have no label, and nothing else is wrong with them.
_UNLABELLED = (reasons.NOT_ANNOTATED, reasons.NO_CHOICE, reasons.DRAFT)
_NAMED = 10


@dataclasses.dataclass(frozen=True)
class Form:
    """How the records of an export are read.

    Args:
        tool: string, such as `"Label Studio"`.
        form: string, such as `"JSON_MIN"`.
        text: string, the field of the texts.
        read: function from a record to its entries; it raises `RowError` if the
            record cannot be used.
        extra: list of strings, the other fields of the entries. Defaults to none.
        details: dict of strings, what else was detected. Defaults to none.
        is_grouped: bool, whether several records may have the same text.
            Defaults to `False`.
        is_judged_once: bool, whether a record holds one judgement of one
            annotator. Defaults to `False`.
    """

    tool: str
    form: str
    text: str
    read: Reader
    extra: Sequence[str] = ()
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_grouped: bool = False
    is_judged_once: bool = False


class AnnotationSource:
    """An export of an annotation tool, with one row for each text that has labels.

    Its columns are `text`, `label` (a list, or a mapping from label to 1 or 0), `id`,
    `metadata` with who said what, and the other fields of the records.

    Args:
        records: `Records`.
        form: `Form`.
        options: `ToolOptions`.
    """

    def __init__(self, records: Records, form: Form, options: ToolOptions) -> None:
        self._records = records
        self._form = form
        self._options = options
        self._is_multi = bool(options.multi_label)
        # Judgements of the texts that occur in several records.
        self._groups: dict[Hashable, list[Judgement]] = {}
        self._names: dict[str, None] = {}
        self.name = records.source.name
        self.details = records.source.details
        self.details |= {"tool": form.tool, "form": self.details.get("form", form.form)}
        self.details |= form.details
        self._extra = {_free(name): name for name in form.extra}
        self.columns = [*COLUMNS, *self._extra]
        self.usual_roles: dict[str, str] = {}
        pair = choose_roles([form.text, *form.extra], text=form.text, needs_label=False).text_pair
        if pair is not None:
            self.usual_roles["text_pair"] = _free(pair)

    @property
    def first_line(self) -> int:
        """The line of the first row."""
        return self._records.source.first_line

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that give some rows each; see `Source`."""
        if not self._form.is_judged_once:
            self._survey()
        done: set[Hashable] = set()
        for chunk, rows in self._records.chunks():
            converted = self._converted(chunk, rows, columns, done)
            yield lambda converted=converted: converted  # type: ignore[misc]

    # --- What must be known of all records before the first text is resolved ---

    def _survey(self) -> None:
        """Learn which texts have several judgements, and whether they have several labels."""
        hashes = array.array("q")
        several: list[list[Judgement]] = []
        left_out: collections.Counter[str] = collections.Counter()
        given = self._options.multi_label
        for entry in self._entries():
            hashes.append(hash(entry.key))
            for judgement in entry.judgements:
                if judgement.status:
                    left_out[judgement.status] += 1
                elif judgement.counts:
                    if given is None and len(judgement.labels or ()) > 1:
                        self._is_multi = True
                    if judgement.annotator is not None:
                        self._names[judgement.annotator] = None
            if entry.key is None and len(entry.judgements) > 1:
                several.append(list(entry.judgements))
        if self._form.is_grouped:
            self._collect(np.frombuffer(hashes, np.int64) if len(hashes) else np.zeros(0, int))
        everything = [*several, *self._groups.values()]
        said = ([j for j in latest(held) if j.counts] for held in everything)
        agreement = agreement_of(said, self._is_multi)
        if self._names:
            shown = ", ".join(list(self._names)[:_NAMED])
            more = ", ..." if len(self._names) > _NAMED else ""
            self.details["annotators"] = f"{len(self._names):,} ({shown}{more})"
        if left_out:
            counts = (f"{count:,} {status}" for status, count in left_out.most_common())
            self.details["judgements left out"] = ", ".join(counts)
        if agreement is not None:
            self.details["several annotators"] = self._options.annotators
            self.details[DETAIL] = agreement.to_json()

    def _collect(self, hashes: np.ndarray) -> None:
        values, counts = np.unique(hashes, return_counts=True)
        repeated = set(values[counts > 1].tolist())
        groups: dict[Hashable, list[Judgement]] = collections.defaultdict(list)
        for entry in self._entries():
            if entry.key is not None and (len(entry.judgements) > 1 or hash(entry.key) in repeated):
                groups[entry.key] += entry.judgements
        self._groups = dict(groups)

    def _entries(self) -> Iterator[Entry]:
        for _, rows in self._records.chunks():
            for row in rows:
                try:
                    yield from self._read(row)
                except RowError:
                    # It is listed when the rows are converted.
                    continue

    def _read(self, row: Mapping[str, Any]) -> list[Entry]:
        try:
            return list(self._form.read(row))
        except (ValueError, RecursionError):
            # A number of thousands of digits, a list in a list in a list.
            raise RowError(reasons.NOT_OF_THE_TOOL, "a value that cannot be shown") from None

    # --- Rows ---

    def _converted(
        self,
        chunk: RowChunk,
        rows: Sequence[Mapping[str, Any]],
        columns: Sequence[str],
        done: set[Hashable],
    ) -> RowChunk:
        places = chunk.lines()
        cells: dict[str, list[Any]] = {name: [] for name in columns}
        lines: list[int] = []
        listed: list[InvalidRow] = list(chunk.unreadable)
        for place, row in zip(places.tolist(), rows, strict=True):
            try:
                entries = self._read(row)
            except RowError as fault:
                listed.append(
                    InvalidRow(place, fault.reason, fault.column, fault.detail, excerpt(row))
                )
                continue
            for entry in entries:
                for answer, values in self._rows_of(entry, done):
                    if answer.status:
                        shown = excerpt(entry.text)
                        listed.append(InvalidRow(place, answer.status, "", answer.detail, shown))
                        continue
                    lines.append(place)
                    for name in columns:
                        cells[name].append(values[name])
        listed.sort(key=lambda row: row.line)
        return RowChunk(cells, lambda: np.asarray(lines, int), chunk.num_lines, listed)

    def _rows_of(
        self, entry: Entry, done: set[Hashable]
    ) -> Iterator[tuple[Judgement, dict[str, Any]]]:
        """The answers for a text, with the cells of the row of each."""
        judgements: Sequence[Judgement] = entry.judgements
        if entry.key is not None and entry.key in self._groups:
            if entry.key in done:
                return
            done.add(entry.key)
            judgements = self._groups[entry.key]
        judgements = latest(judgements)
        said = [judgement for judgement in judgements if judgement.counts]
        if self._options.annotators == ALL and len(said) > 1:
            for number, judgement in enumerate(said, 1):
                who = str(number) if judgement.annotator is None else judgement.annotator
                name = None if entry.id is None else f"{entry.id}/{who}"
                yield judgement, self._cells(entry, judgement, [judgement], name)
            return
        answer = resolve(judgements, self._options.annotators, self._is_multi)
        if answer.status in _UNLABELLED and self._options.keeps_unlabelled:
            answer = Judgement(None)
        yield answer, self._cells(entry, answer, said, entry.id)

    def _cells(
        self, entry: Entry, answer: Judgement, said: Sequence[Judgement], name: Any
    ) -> dict[str, Any]:
        named = {j.annotator: j.answer for j in said if j.annotator is not None}
        label: Any = None if answer.labels is None else list(answer.labels)
        if answer.absent is not None:
            label = judged(answer.labels or (), answer.absent)
        return {
            "text": entry.text,
            "label": label,
            "id": name,
            "metadata": {"annotators": named} if named else None,
            **{free: entry.extra.get(own) for free, own in self._extra.items()},
        }


def _free(name: str) -> str:
    """A name of a column that is none of ours."""
    return f"data_{name}" if name in COLUMNS else name
