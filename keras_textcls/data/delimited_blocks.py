"""Delimited text in blocks: where records end, and which blocks need the exact reader.

A block is regular if every quote in it opens a cell, closes one, or is one of
two. Then a line ends a record if an even number of quotes stands before it,
and Arrow's reader can have the block. Others go to `delimited_records`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from keras_textcls.data.delimited_records import MAX_RECORD, Dialect, Record, read_records

_NEWLINE, _RETURN = 10, 13


@dataclasses.dataclass(frozen=True)
class Block:
    """Whole records of a file.

    Args:
        data: bytes.
        records: list of `Record` where the exact reader has read the block,
            or `None` where the block is regular and yet to be read. Defaults
            to `None`.
        quotes: int array or `None`, where the quotes of a regular block stand.
            Defaults to `None`, not known.
    """

    data: bytes
    records: list[Record] | None = None
    quotes: np.ndarray | None = None

    def text(self) -> str:
        """The block as a string; bytes that are not UTF-8 are lone surrogates."""
        return self.data.decode("utf-8", "surrogateescape")


def split_blocks(pieces: Iterable[bytes], dialect: Dialect) -> Iterator[Block]:
    """Cut a stream of bytes where records end.

    Args:
        pieces: iterable of bytes, UTF-8 for the most part.
        dialect: `Dialect`.

    Returns:
        An iterator of `Block`.
    """
    rest = b""
    for piece in pieces:
        data = rest + piece if rest else piece
        end, quotes = _end_of_records(data, dialect)
        if end is not None:
            if end:
                yield Block(data[:end], quotes=quotes)
        else:
            block = _read_exactly(data, dialect, is_last=False)
            end = len(block.data)
            if end:
                yield block
        rest = data[end:]
    if rest:
        data = rest if rest.endswith(b"\n") else rest + b"\n"
        regular = _end_of_records(data, dialect)[0] == len(data)
        yield Block(rest) if regular else _read_exactly(rest, dialect, is_last=True)


def _end_of_records(data: bytes, dialect: Dialect) -> tuple[int | None, np.ndarray | None]:
    """Where the last whole record ends, 0 if it does not, `None` if irregular; and its quotes."""
    codes = np.frombuffer(data, np.uint8)
    if b"\r" in data:
        after = np.flatnonzero(codes[:-1] == _RETURN) + 1
        if (codes[after] != _NEWLINE).any():
            return None, None
    if dialect.quote is None:
        return data.rfind(b"\n") + 1, None
    quotes = np.flatnonzero(codes == ord(dialect.quote))
    end = data.rfind(b"\n") + 1
    while end:
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            is_regular = _is_regular(codes[:end], quotes[:before], dialect)
            return (end, quotes[:before]) if is_regular else (None, None)
        # Within a quoted cell: try the last line before it.
        end = data.rfind(b"\n", 0, int(quotes[before - 1])) + 1
    return (0 if len(data) < MAX_RECORD else None), None


def _is_regular(codes: np.ndarray, quotes: np.ndarray, dialect: Dialect) -> bool:
    """Whether every quote opens a cell, closes one, or is one of two."""
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
    """Lines on which the records of a regular block begin.

    Args:
        block: `Block` that is regular.
        dialect: `Dialect`.

    Returns:
        Int array, one a record that is no empty line, the first line being 0.
    """
    codes = np.frombuffer(block.data, np.uint8)
    newlines = np.flatnonzero(codes == _NEWLINE)
    ends = np.ones(len(newlines), bool)
    if dialect.quote is not None:
        quotes = block.quotes
        if quotes is None:
            quotes = np.flatnonzero(codes == ord(dialect.quote))
        ends = np.searchsorted(quotes, newlines) % 2 == 0
    # A record begins after the end of the one before, on the line after it.
    lines = np.concatenate([[0], np.flatnonzero(ends) + 1])
    begins = np.concatenate([[0], newlines[ends] + 1])
    stops = np.concatenate([newlines[ends], [len(codes)]])
    width = stops - begins
    first = codes[np.minimum(begins, len(codes) - 1)]
    is_blank = (width <= 0) | ((width == 1) & (first == _RETURN))
    return lines[~is_blank]
