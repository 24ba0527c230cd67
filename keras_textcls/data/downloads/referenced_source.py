"""A source whose cells say where the texts are: addresses or paths of files."""

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
from keras_textcls.data.rows.source import Piece, Source

# Texts that are fetched at a time, since they are held in memory.
_CELLS_A_PIECE = 1024


class ReferencedSource:
    """Fetches the text of each row from where its cell says.

    Args:
        source: `Source` of the rows.
        text: string, the column whose cells are addresses or paths.
        kind: `"url"` or `"path"`.
        root: `Path`, the folder that paths are relative to and must not leave.
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

    def pieces(self, columns: Sequence[str]) -> Iterator[Callable[[], Piece]]:
        """Yield functions that read some rows each; see `Source`."""
        for read in self._source.pieces(columns):
            # The downloads are what runs in parallel, not the pieces.
            piece = read()
            rows = piece.columns
            values = rows.to_pydict() if isinstance(rows, pa.Table) else dict(rows)
            count = len(values[self._text])
            starts = range(0, count, _CELLS_A_PIECE) if count else [0]
            for start in starts:
                part = {n: v[start : start + _CELLS_A_PIECE] for n, v in values.items()}
                is_last = start + _CELLS_A_PIECE >= count
                fetched = self._fetched(part, piece, start, is_last)
                yield lambda fetched=fetched: fetched  # type: ignore[misc]

    def _fetched(
        self, rows: dict[str, list[Any]], piece: Piece, start: int, is_last: bool
    ) -> Piece:
        lines = piece.lines()[start : start + len(rows[self._text])]
        cells = [str(c).strip() if c is not None else "" for c in rows[self._text]]
        texts: list[str | None] = []
        failed: list[InvalidRow] = []
        good: list[int] = []
        results = resolve_cells(
            cells, self._kind, lambda data: decode(data, self._encoding), self._policy, self._root
        )
        # Closed, so that an interrupt here ends the downloads too.
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
        # The lines of the whole piece pass when its last part has been read.
        unreadable = [*failed, *(piece.unreadable if is_last else ())]
        remaining = np.asarray(lines)[good]
        return Piece(kept, lambda: remaining, piece.num_lines if is_last else 0, unreadable)
