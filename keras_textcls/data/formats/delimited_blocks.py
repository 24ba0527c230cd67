"""Splits delimited text into blocks of whole records, and finds blocks that Arrow can read.

A block is regular if every quote in it opens a cell, closes a cell, or is one of two
quotes that stand for one. In a regular block, the end of a line ends a record if the
number of quotes before it is even, and Arrow reads the block. Other blocks are read by
`delimited_records`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator

import numpy as np

from keras_textcls.data.formats.delimited_records import MAX_RECORD, Dialect, Record, read_records

_NEWLINE, _RETURN = 10, 13


@dataclasses.dataclass(frozen=True)
class Marks:
    """The positions of line ends and quotes in a block.

    Args:
        positions: int array, positions of the line ends and the quotes, ascending.
        is_quote: bool array of the same shape, which of them are quotes.
    """

    positions: np.ndarray
    is_quote: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, quote: str | None) -> Marks:
        """Find the marks of a block.

        Args:
            codes: uint8 array, the bytes of a block.
            quote: string of one character, or `None` if quotes are ordinary
                characters.

        Returns:
            `Marks`.
        """
        if quote is None:
            positions = np.flatnonzero(codes == _NEWLINE)
            return cls(positions, np.zeros(len(positions), bool))
        positions = np.flatnonzero((codes == _NEWLINE) | (codes == ord(quote)))
        return cls(positions, codes[positions] == ord(quote))

    @functools.cached_property
    def ends_record(self) -> np.ndarray:
        """Bool array, which of the marks are line ends outside of quotes."""
        is_inside = np.bitwise_xor.accumulate(self.is_quote)
        return ~(self.is_quote | is_inside)


@dataclasses.dataclass(frozen=True)
class Block:
    """Whole records of a file.

    Args:
        data: bytes, or a memory view.
        records: list of `Record` if the exact reader has read the block, or
            `None` if the block is regular and not read yet. Defaults to `None`.
        marks: `Marks` of a regular block, or `None`. Defaults to `None`, not
            known.
    """

    data: bytes | memoryview
    records: list[Record] | None = None
    marks: Marks | None = None

    def text(self) -> str:
        """The block as a string; bytes that are not UTF-8 are lone surrogates."""
        return str(self.data, "utf-8", "surrogateescape")


def split_blocks(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[Block]:
    """Split a stream of bytes into blocks of whole records.

    Args:
        chunks: iterable of bytes, mostly UTF-8.
        dialect: `Dialect`.

    Returns:
        An iterator of `Block`.
    """
    rest = b""
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        block = _whole_records(data, dialect)
        if block is None:
            block = _read_exactly(data, dialect, is_last=False)
        if block.data:
            yield block
        rest = data[len(block.data) :]
    if rest:
        regular = _whole_records(rest if rest.endswith(b"\n") else rest + b"\n", dialect)
        is_regular = regular is not None and len(regular.data) >= len(rest)
        yield Block(rest) if is_regular else _read_exactly(rest, dialect, is_last=True)


def _whole_records(data: bytes | memoryview, dialect: Dialect) -> Block | None:
    """The block up to the end of its last record, or `None` if it is irregular."""
    codes = np.frombuffer(data, np.uint8)
    if ((codes[:-1] == _RETURN) & (codes[1:] != _NEWLINE)).any():
        return None
    marks = Marks.of(codes, dialect.quote)
    ends = np.flatnonzero(marks.ends_record)
    if not len(ends):
        return Block(b"") if len(data) < MAX_RECORD else None
    end = int(marks.positions[ends[-1]]) + 1
    marks = Marks(marks.positions[: ends[-1] + 1], marks.is_quote[: ends[-1] + 1])
    if not _is_regular(codes[:end], marks.positions[marks.is_quote], dialect):
        return None
    # A view: the rest of the data is only the beginning of a record.
    return Block(memoryview(data)[:end], marks=marks)


def _is_regular(codes: np.ndarray, quotes: np.ndarray, dialect: Dialect) -> bool:
    """Whether every quote opens a cell, closes a cell, or is one of two for one quote."""
    if not len(quotes):
        return True
    around = np.zeros(256, bool)
    around[[ord(dialect.delimiter), _NEWLINE, _RETURN]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    opens = around[codes[opening - 1]]
    opens[0] |= opening[0] == 0
    # The second of two quotes within a cell.
    opens[1:] |= opening[1:] == closing[:-1] + 1
    if not opens.all():
        return False
    closes = around[codes[np.minimum(closing + 1, len(codes) - 1)]]
    closes[:-1] |= closing[:-1] + 1 == opening[1:]
    return bool(closes.all())


def _read_exactly(data: bytes, dialect: Dialect, is_last: bool) -> Block:
    text = data.decode("utf-8", "surrogateescape")
    records = list(read_records(text, dialect, is_last))
    if is_last or not records:
        return Block(data if is_last else b"", records)
    read = text[: records[-1].end].encode("utf-8", "surrogateescape")
    return Block(read, records)


def record_lines(block: Block, dialect: Dialect) -> np.ndarray:
    """Return the line on which each record of a regular block begins.

    Args:
        block: `Block` that is regular.
        dialect: `Dialect`.

    Returns:
        Int array, one line for each record that is not empty; the first line is 0.
    """
    codes = np.frombuffer(block.data, np.uint8)
    marks = block.marks or Marks.of(codes, dialect.quote)
    line_ends = np.flatnonzero(~marks.is_quote)
    ends = marks.ends_record[line_ends]
    stops = marks.positions[line_ends[ends]]
    # A record begins after the end of the one before, on the line after it.
    lines = np.concatenate([[0], np.flatnonzero(ends) + 1])
    begins = np.concatenate([[0], stops + 1])
    width = np.concatenate([stops, [len(codes)]]) - begins
    first = codes[np.minimum(begins, len(codes) - 1)]
    is_blank = (width <= 0) | ((width == 1) & (first == _RETURN))
    return lines[~is_blank]
