"""The interface of a source of rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from keras_textcls.data.rows.invalid_rows import InvalidRow

# Rows that are read at a time where a source has no blocks of its own.
ROWS_PER_CHUNK = 16_384


@dataclasses.dataclass(frozen=True)
class RowChunk:
    """A chunk of the rows of a source, with the columns of the source.

    Args:
        columns: `pyarrow.Table`, or a mapping from column name to Python values.
        lines: function that returns an int array, the line of each row counted
            from the first line of the chunk, which is 0.
        num_lines: int, number of lines of the chunk.
        unreadable: list of `InvalidRow`, rows that are in no column because
            they could not be parsed; their lines are counted in the same way.
            Defaults to `()`.
        is_utf8: bool, whether strings of a table are known to be UTF-8.
            Defaults to `False`.
    """

    columns: pa.Table | Mapping[str, list[Any]]
    lines: Callable[[], np.ndarray]
    num_lines: int
    unreadable: Sequence[InvalidRow] = ()
    is_utf8: bool = False

    @classmethod
    def of_rows(cls, columns: pa.Table | Mapping[str, list[Any]], count: int) -> RowChunk:
        """Create a chunk of a source without lines; its rows are numbered instead.

        Args:
            columns: as for the class.
            count: int, number of rows.

        Returns:
            A `RowChunk`.
        """
        return cls(columns, lambda: np.arange(count), count)


class Source(Protocol):
    """Something that rows are read from.

    Attributes:
        name: string, what messages call it, such as a path.
        columns: list of strings, the names of its columns.
        details: dict from string to string, detected properties, such as the
            encoding.
    """

    name: str
    columns: list[str]
    details: dict[str, str]

    @property
    def first_line(self) -> int:
        """The line, or the number, of the first row; known once a chunk was read."""
        ...

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read one chunk each; they may be called in any thread.

        Args:
            columns: names of the columns that are wanted.

        Returns:
            An iterator of functions without arguments that return a `RowChunk`.
        """
        ...
