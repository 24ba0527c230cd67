"""Collects record batches in memory, or in a temporary file if they are too large."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from types import TracebackType

import pyarrow as pa

# Bytes of Arrow data that are held in memory; more are kept in a temporary file.
MEMORY_LIMIT = 1 << 30


class Spool:
    """Collects record batches of one schema into one table.

    Beyond the memory limit, all batches are moved to a temporary file, which is mapped
    into memory at the end: the table then takes disk space, and memory only while it is
    read. The file is deleted with the table.

    Args:
        schema: `pyarrow.Schema`.
        memory_limit: int, maximum number of bytes in memory. Defaults to 1 GiB.
    """

    def __init__(self, schema: pa.Schema, memory_limit: int = MEMORY_LIMIT) -> None:
        self._schema = schema
        self._limit = memory_limit
        self._held: list[pa.RecordBatch] = []
        self._size = 0
        self._path: str | None = None
        self._writer: pa.RecordBatchFileWriter | None = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None
    ) -> None:
        # `table` clears the path: its file stays until the table is gone.
        if self._writer is not None:
            # A full disk refuses the end of the file, too.
            with contextlib.suppress(OSError):
                self._writer.close()
        if self._path is not None:
            _remove(self._path)

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch.

        Args:
            batch: `pyarrow.RecordBatch` of the schema.
        """
        if not batch.num_rows:
            return
        if self._writer is not None:
            with self._named_errors():
                self._writer.write_batch(batch)
            return
        self._held.append(batch)
        self._size += batch.nbytes
        if self._size > self._limit:
            self._move_to_file()

    def table(self) -> pa.Table:
        """Close the spool and return all batches that were added.

        Returns:
            A `pyarrow.Table`.
        """
        if self._writer is None:
            return pa.Table.from_batches(self._held, self._schema)
        with self._named_errors():
            self._writer.close()
        self._writer = None
        assert self._path is not None
        table = pa.ipc.open_file(pa.memory_map(self._path)).read_all()
        try:
            # The mapping stays valid after the file is removed, except on Windows.
            os.remove(self._path)
        except OSError:
            atexit.register(_remove, self._path)
        self._path = None
        return table

    def _move_to_file(self) -> None:
        with self._named_errors():
            handle, self._path = tempfile.mkstemp(prefix="keras-textcls-", suffix=".arrow")
            os.close(handle)
            self._writer = pa.ipc.new_file(self._path, self._schema)
            for batch in self._held:
                self._writer.write_batch(batch)
        self._held = []

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Name the folder that is full, or cannot be written to, and what to do about it."""
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise OSError(
                error.errno or errno.EIO,
                f"the temporary folder cannot take the texts, of which more than memory_limit="
                f"{self._limit:,} bytes are kept in a file: {reason}. Free space there, set TMPDIR "
                "to another folder, or pass a higher memory_limit",
                os.path.dirname(self._path) if self._path else tempfile.tempdir,
            ) from error


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)
