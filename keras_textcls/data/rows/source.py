"""What every source of rows offers to the reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from keras_textcls.data.rows.invalid_rows import InvalidRow

# Rows that are read at a time where a source has no blocks of its own.
ROWS_A_PIECE = 16_384


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some rows of a source, in its own columns.

    Args:
        columns: `pyarrow.Table`, or a mapping from column name to Python values.
        lines: function that returns an int array, the line of each row counted
            from the first line of the piece, which is 0.
        num_lines: int, lines that the piece takes.
        unreadable: list of `InvalidRow`, rows that are in no column because
            they could not be taken apart; their lines are counted likewise.
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
    def of_rows(cls, columns: pa.Table | Mapping[str, list[Any]], count: int) -> Piece:
        """Rows that are numbered, since the source has no lines.

        Args:
            columns: as for the class.
            count: int, number of rows.

        Returns:
            A `Piece`.
        """
        return cls(columns, lambda: np.arange(count), count)


class Source(Protocol):
    """Something that rows are read from.

    Attributes:
        name: string, what messages call it, such as a path.
        columns: list of strings, the names of its columns.
        details: dict from string to string, what was found out about it, such
            as its encoding.
    """

    name: str
    columns: list[str]
    details: dict[str, str]

    @property
    def first_line(self) -> int:
        """The line, or the number, of the first row; known once a piece is there."""
        ...

    def pieces(self, columns: Sequence[str]) -> Iterator[Callable[[], Piece]]:
        """Yield functions that read one piece each, to be called in any thread.

        Args:
            columns: names of the columns that are wanted.

        Returns:
            An iterator of functions without arguments that return a `Piece`.
        """
        ...
