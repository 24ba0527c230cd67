"""A file as a stream of bytes, compressed or not, in constant memory.

Compression is detected from the first bytes, not from the file name. A file that is
broken, or that expands to an implausible size, is refused.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from keras_textcls.errors import InvalidDataError

BLOCK_SIZE = 4 << 20
# A stream may be this many times as large as its file, or of `FREE_EXPANSION` bytes.
MAX_EXPANSION = 200
FREE_EXPANSION = 256 << 20

_MAGIC = {
    b"\x1f\x8b": "gz",
    b"\xfd7zXZ\x00": "xz",
    b"(\xb5/\xfd": "zst",
    b"BZh": "bz2",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
SUFFIXES = (".gz", ".xz", ".zst", ".bz2", ".zip")
_BROKEN = (
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    pa.ArrowException,
)


class ByteStream:
    """The bytes of a file, decompressed, block by block.

    Args:
        path: `Path` of a file.
        expands: bool, whether to decompress. Defaults to `True`.

    Raises:
        InvalidDataError: there is no such file, it is not a regular file, or it
            may not be read.
    """

    def __init__(self, path: Path, expands: bool = True) -> None:
        self.path = path
        self._closers = contextlib.ExitStack()
        self._raw = self._closers.enter_context(_open(path))
        self._compressed_size = os.fstat(self._raw.fileno()).st_size
        self.compression = _compression(self._raw) if expands else None
        self.inner_name = path.name
        self._size = 0
        try:
            self._stream: Any = self._decompressor()
        except _BROKEN as error:
            self._closers.close()
            raise self._broken(error) from None

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *error: object) -> None:
        # Closing a broken stream may fail again; nothing was written to it.
        with contextlib.suppress(*_BROKEN):
            self._closers.close()

    def read(self, size: int = BLOCK_SIZE) -> bytes:
        """Read the next bytes.

        Args:
            size: int, number of bytes. Defaults to 4 MiB.

        Returns:
            Bytes, fewer than `size` only at the end.

        Raises:
            InvalidDataError: the file is broken, or expands out of proportion.
        """
        chunks: list[bytes] = []
        missing = size
        while missing:
            try:
                chunk = bytes(self._stream.read(missing))
            except _BROKEN as error:
                raise self._broken(error) from None
            if not chunk:
                break
            chunks.append(chunk)
            missing -= len(chunk)
            self._count(len(chunk))
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def blocks(self, size: int = BLOCK_SIZE) -> Iterator[bytes]:
        """Yield the rest of the stream in blocks.

        Args:
            size: int, bytes of a block. Defaults to 4 MiB.

        Returns:
            An iterator of bytes.
        """
        while block := self.read(size):
            yield block

    def _count(self, size: int) -> None:
        self._size += size
        limit = max(FREE_EXPANSION, MAX_EXPANSION * self._compressed_size)
        if self.compression is not None and self._size > limit:
            raise InvalidDataError(
                f"{self.path} grows to more than {MAX_EXPANSION} times its size when it is "
                "decompressed, as files do that are made to fill a disk. If you trust it, "
                "decompress it yourself and read the result."
            )

    def _decompressor(self) -> Any:
        enter = self._closers.enter_context
        if self.compression is not None and self.path.suffix.lower() in SUFFIXES:
            self.inner_name = self.path.stem
        if self.compression == "gz":
            return enter(gzip.GzipFile(fileobj=self._raw))
        if self.compression == "xz":
            return enter(lzma.LZMAFile(self._raw))
        if self.compression == "bz2":
            return enter(bz2.BZ2File(self._raw))
        if self.compression == "zst":
            return enter(pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), "zstd"))
        if self.compression == "zip":
            archive = enter(zipfile.ZipFile(self._raw))
            member = self._only_member(archive)
            self.inner_name = Path(member).name
            return enter(archive.open(member))
        return self._raw

    def _only_member(self, archive: zipfile.ZipFile) -> str:
        names = [
            info.filename
            for info in archive.infolist()
            if not info.is_dir()
            and not info.filename.startswith("__MACOSX/")
            and not Path(info.filename).name.startswith(".")
        ]
        if len(names) != 1:
            shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "") if names else "none"
            raise InvalidDataError(
                f"{self.path} must hold one file to be read as it is. It holds {len(names)}: "
                f"{shown}. Unpack it and read the file, or the folder, that you mean."
            )
        return names[0]

    def _broken(self, error: BaseException) -> InvalidDataError:
        if isinstance(error, InvalidDataError):
            return error
        kind = f"{self.compression} file" if self.compression else "file"
        return InvalidDataError(
            f"{self.path} cannot be read: the {kind} is broken or cut short ({error}). Get it "
            "again from where it came."
        )


def _open(path: Path) -> IO[bytes]:
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidDataError(
            f"{path} cannot be read: {reason}. Check the path and its permissions."
        ) from None
    kind = "a directory" if stat.S_ISDIR(mode) else "no plain file"
    raise InvalidDataError(f"{path} is {kind}. Pass the path of a file.")


def _compression(raw: IO[bytes]) -> str | None:
    begin = raw.read(6)
    raw.seek(0)
    return next((name for magic, name in _MAGIC.items() if begin.startswith(magic)), None)
