"""A source whose cells are the addresses or paths of the texts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from keras_textcls.data.downloads.downloads import DownloadPolicy, FetchFailure
from keras_textcls.data.downloads.referenced_texts import resolve_cells
from keras_textcls.data.formats.encodings import decode
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.source import RowChunk, Source

# Number of texts that are fetched at a time; they are held in memory.
_CELLS_PER_CHUNK = 1024


class ReferencedSource:
    """Fetches the text of each row from the address or path in its cell.

    Args:
        source: `Source` of the rows.
        text: string, the column whose cells are addresses or paths.
        kind: `"url"` or `"path"`.
        root: `Path`, the folder that paths are relative to; others are refused.
        encoding: string, encoding of the texts. Defaults to `"auto"`.
        policy: `DownloadPolicy`.
    """

    def __init__(
        self,
        source: Source,
        text: str,
        kind: Literal["url", "path"],
        root: Path,
        encoding: str = "auto",
        policy: DownloadPolicy | None = None,
    ) -> None:
        self._source = source
        self._text = text
        self._kind = kind
        self._root = root
        self._encoding = encoding
        self._policy = policy or DownloadPolicy()
        self.name = source.name
        self.columns = source.columns
        self.details = {**source.details, "cells": kind}

    @property
    def first_line(self) -> int:
        """The line of the first row."""
        return self._source.first_line

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some rows each; see `Source`."""
        for read in self._source.chunks(columns):
            # The downloads run in parallel, not the chunks.
            chunk = read()
            rows = chunk.columns
            values = rows.to_pydict() if isinstance(rows, pa.Table) else dict(rows)
            count = len(values[self._text])
            starts = range(0, count, _CELLS_PER_CHUNK) if count else [0]
            for start in starts:
                part = {n: v[start : start + _CELLS_PER_CHUNK] for n, v in values.items()}
                is_last = start + _CELLS_PER_CHUNK >= count
                fetched = self._fetched(part, chunk, start, is_last)
                yield lambda fetched=fetched: fetched  # type: ignore[misc]

    def _fetched(
        self, rows: dict[str, list[Any]], chunk: RowChunk, start: int, is_last: bool
    ) -> RowChunk:
        lines = chunk.lines()[start : start + len(rows[self._text])]
        cells = [str(c).strip() if c is not None else "" for c in rows[self._text]]
        texts: list[str | None] = []
        failed: list[InvalidRow] = []
        good: list[int] = []
        results = resolve_cells(
            cells, self._kind, lambda data: decode(data, self._encoding), self._policy, self._root
        )
        # Closing the generator ends the downloads, also after an interrupt.
        with contextlib.closing(results):
            for i, (cell, result) in enumerate(zip(cells, results, strict=True)):
                reason = result.reason if isinstance(result, FetchFailure) else ""
                if reason and cell:
                    place = int(lines[i]), reasons.UNREADABLE, self._text
                    failed.append(InvalidRow(*place, reason, excerpt(cell)))
                    continue
                good.append(i)
                texts.append(None if isinstance(result, FetchFailure) else result)
        kept = {name: [values[i] for i in good] for name, values in rows.items()}
        kept[self._text] = texts
        # The lines of the whole chunk are counted with its last part.
        unreadable = [*failed, *(chunk.unreadable if is_last else ())]
        remaining = np.asarray(lines)[good]
        return RowChunk(kept, lambda: remaining, chunk.num_lines if is_last else 0, unreadable)
