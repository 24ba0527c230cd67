"""The records of any source as dicts, as often as they are needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import pyarrow as pa

from keras_textcls.data.formats.json_text import JsonSource
from keras_textcls.data.formats.tables import RowsSource
from keras_textcls.data.rows.source import RowChunk, Source
from keras_textcls.errors import InvalidDataError

_LOOKED_AT = 200


class Records:
    """The records of a source as dicts.

    A source that can be read only once is kept in memory if it is read again.

    Args:
        source: `Source`.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._is_read_once = isinstance(source, RowsSource) and source.begin is not None
        self._held: list[tuple[RowChunk, list[Mapping[str, Any]]]] | None = None

    def first(self) -> list[Mapping[str, Any]]:
        """Return the first records, at most 200, without using up the source."""
        if isinstance(self.source, RowsSource) and self.source.begin is not None:
            return [row for row in self.source.begin[:_LOOKED_AT] if isinstance(row, Mapping)]
        with contextlib.closing(self._chunks()) as chunks:
            for _, rows in chunks:
                if rows:
                    return rows[:_LOOKED_AT]
        return []

    def chunks(self) -> Iterator[tuple[RowChunk, list[Mapping[str, Any]]]]:
        """Yield each chunk of the source with its records."""
        if self._is_read_once and self._held is None:
            self._held = list(self._chunks())
        yield from self._chunks() if self._held is None else self._held

    def _chunks(self) -> Generator[tuple[RowChunk, list[Mapping[str, Any]]], None, None]:
        for read in self._reads():
            chunk = read()
            columns = chunk.columns
            if isinstance(columns, pa.Table):
                yield chunk, self._rows_of(columns)
            elif isinstance(self.source, JsonSource):
                yield chunk, columns["row"]
            else:
                names = list(columns)
                rows = zip(*columns.values(), strict=True)
                yield chunk, [dict(zip(names, row, strict=True)) for row in rows]

    def _rows_of(self, table: pa.Table) -> list[Mapping[str, Any]]:
        try:
            return table.to_pylist()
        except UnicodeDecodeError as error:
            raise InvalidDataError(
                f"{self.source.name} holds strings that are not UTF-8 ({error.reason}). Export it "
                "again as UTF-8."
            ) from None

    def _reads(self) -> Iterator[Callable[[], RowChunk]]:
        if isinstance(self.source, JsonSource):
            return self.source.object_chunks()
        names = self.source.columns
        return self.source.chunks([name for name in names if names.count(name) == 1])
