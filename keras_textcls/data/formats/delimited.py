"""Delimited files (CSV, TSV) as a source of rows."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from keras_textcls.data.formats.byte_streams import ByteStream
from keras_textcls.data.formats.delimited_blocks import Block, record_lines, split_blocks
from keras_textcls.data.formats.delimited_records import (
    MAX_RECORD,
    Dialect,
    Record,
    read_preface,
    read_records,
    sniff_dialect,
    title_lines,
)
from keras_textcls.data.formats.encodings import Utf8Blocks, check_encoding
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.source import RowChunk
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten

_SAMPLE = 1 << 18
_LONE_RETURN = re.compile(r"\r(?!\n)")


class DelimitedSource:
    """A CSV or TSV file, plain or compressed.

    Args:
        path: `Path`.
        encoding: string, `"auto"` or a codec. Defaults to `"auto"`.
        delimiter: string of one character, or `None` to detect it. Defaults to
            `None`.
        quote: string of one character, `None` if quotes are ordinary characters,
            or `"auto"` to detect it. Defaults to `"auto"`.
        header: bool, whether the first record holds the names of the columns,
            or a list of their names if it does not. Defaults to `True`; with
            `False` the names are `"0"`, `"1"` and so on.
        skip_rows: int, number of lines before the table. A first line `sep=;`,
            which Excel reads as the delimiter, is left out in any case.
            Defaults to `0`.

    Raises:
        InvalidDataError: the file cannot be read, or is empty.
        ArgumentError: a value is wrong.
    """

    def __init__(
        self,
        path: Path,
        encoding: str = "auto",
        delimiter: str | None = None,
        quote: str | None = "auto",
        header: bool | Sequence[str] = True,
        skip_rows: int = 0,
    ) -> None:
        self.name = str(path)
        self.path = path
        _check_character("delimiter", delimiter)
        if quote != "auto":
            _check_character("quote", quote)
        self._encoding = check_encoding(encoding)
        for size in (_SAMPLE, MAX_RECORD):
            with ByteStream(path) as stream:
                blocks = Utf8Blocks(stream.blocks(size), self._encoding)
                sample = next(iter(blocks), b"")
                is_whole = not stream.read(1)
                self.details = blocks.details
                if stream.compression:
                    self.details["compression"] = stream.compression
            if is_whole or b"\n" in sample or b"\r" in sample:
                break
        if not sample.isascii():
            # The encoding of the beginning is that of the header and of the rest.
            self._encoding = blocks.encoding
        text = sample.decode("utf-8", "surrogateescape")
        if not is_whole and "\n" in text:
            text = text[: text.rindex("\n") + 1]
        preface, told = read_preface(text, skip_rows)
        if preface is None:
            raise ArgumentError(
                f"`skip_rows={skip_rows}` leaves no row of {path}, or none in its first "
                f"{len(text):,} characters. Pass a lower number."
            )
        delimiter, table = delimiter or told, text[preface:]
        self.dialect = sniff_dialect(table, delimiter, quote)
        self.details["delimiter"] = repr(self.dialect.delimiter)
        if self.dialect.quote != '"':
            self.details["quote"] = repr(self.dialect.quote)
        first = next((r for r in read_records(table, self.dialect) if not r.is_blank), None)
        if first is None:
            raise InvalidDataError(f"{path} is empty. A file of texts has at least one row.")
        self.columns = self._names(first, header)
        self.hint = _hint(table, self.dialect, delimiter, quote, skip_rows)
        head = text[: preface + (first.end if header is True else 0)]
        self._header_size = len(head.encode("utf-8", "surrogateescape"))
        self.first_line = 1 + _count_lines(head)

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read one block each; see `Source`."""
        wanted = {name: self.columns.index(name) for name in columns}
        with ByteStream(self.path) as stream:
            utf8 = Utf8Blocks(stream.blocks(), self._encoding)
            for block in split_blocks(self._without_header(iter(utf8)), self.dialect):
                yield lambda block=block: self._read(block, wanted)  # type: ignore[misc]
            self.details.update(utf8.details)

    def _without_header(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        missing = self._header_size
        for chunk in chunks:
            if chunk[missing:]:
                yield chunk[missing:]
            missing = max(0, missing - len(chunk))

    def _names(self, first: Record, header: bool | Sequence[str]) -> list[str]:
        if header is True:
            cells = [c.encode("utf-8", "replace").decode("utf-8") for c in first.cells]
            return [cell.strip() for cell in cells]
        if header is False:
            return [str(i) for i in range(len(first.cells))]
        if isinstance(header, str) or len(list(header)) != len(first.cells):
            raise ArgumentError(
                "`header` must be True, False or a list with a name for each column. Received: "
                f"header={shorten(header)}; {self.name} has {len(first.cells)} columns."
            )
        return [str(name) for name in header]

    def _read(self, block: Block, wanted: dict[str, int]) -> RowChunk:
        if block.records is None:
            table = self._read_regular(block, wanted)
            if table is not None:
                codes = np.frombuffer(block.data, np.uint8)
                num_lines = int(np.count_nonzero(codes == 10))
                lines = functools.cache(lambda: record_lines(block, self.dialect))
                return RowChunk(table, lines, num_lines, is_utf8=True)
        return self._read_exact(block, wanted)

    def _read_regular(self, block: Block, wanted: dict[str, int]) -> pa.Table | None:
        names = [f"{i}" for i in range(len(self.columns))]
        included = [names[i] for i in wanted.values()]
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(pa.py_buffer(block.data)),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=names, block_size=len(block.data) + 1, use_threads=False
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self.dialect.delimiter,
                    quote_char=self.dialect.quote or False,
                    newlines_in_values=True,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=included,
                    column_types={name: pa.string() for name in included},
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            # Another number of cells, or bytes that are not UTF-8.
            return None
        return table.rename_columns(list(wanted))

    def _read_exact(self, block: Block, wanted: dict[str, int]) -> RowChunk:
        text = block.text()
        records = block.records
        if records is None:
            records = list(read_records(text, self.dialect))
        columns: dict[str, list[str]] = {name: [] for name in wanted}
        lines: list[int] = []
        unreadable: list[InvalidRow] = []
        line = position = 0
        for record in records:
            line += _count_lines(text[position : record.begin])
            position = record.begin
            if record.is_blank:
                continue
            fault = self._fault(record, line, text)
            if fault is not None:
                unreadable.append(fault)
                continue
            lines.append(line)
            for name, i in wanted.items():
                columns[name].append(record.cells[i])
        line += _count_lines(text[position:])
        return RowChunk(columns, lambda: np.asarray(lines, int), line, unreadable)

    def _fault(self, record: Record, line: int, text: str) -> InvalidRow | None:
        cells, width = record.cells, len(self.columns)
        shown = excerpt(text[record.begin : min(record.end, record.begin + 400)])
        if record.end - record.begin >= MAX_RECORD:
            detail = f"more than {MAX_RECORD >> 20} MiB without an end"
            return InvalidRow(line, reasons.TOO_LONG, detail=detail, excerpt=shown)
        if record.is_unclosed:
            detail = "if quotes are no more than characters in this file, pass quote=None"
            return InvalidRow(line, reasons.UNCLOSED_QUOTE, detail=detail, excerpt=shown)
        # Additional empty cells at the end are harmless.
        if len(cells) < width or any(cells[width:]):
            detail = f"{len(cells)} cells, the header has {width}"
            return InvalidRow(line, reasons.WRONG_COLUMN_COUNT, detail=detail, excerpt=shown)
        return None


def _hint(
    table: str, dialect: Dialect, delimiter: str | None, quote: str | None, skipped: int
) -> str:
    """What to do if the table begins with lines that are not part of it."""
    lines = title_lines(table, dialect, delimiter, quote)
    if not lines:
        return ""
    return f"If its first lines are a title or a comment, pass skip_rows={skipped + lines}."


def _count_lines(text: str) -> int:
    return text.count("\n") + (len(_LONE_RETURN.findall(text)) if "\r" in text else 0)


def _check_character(name: str, value: str | None) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\r\n\0":
        raise ArgumentError(
            f"`{name}` must be one ASCII character, or None. Received: {name}={shorten(value)}."
        )
