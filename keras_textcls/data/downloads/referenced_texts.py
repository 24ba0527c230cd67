"""Reads the texts that the cells of a table refer to, by address or by path."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import Literal

from keras_textcls.data.downloads.download_policy import check_count
from keras_textcls.data.downloads.downloads import (
    DEFAULT_POLICY,
    DownloadPolicy,
    FetchFailure,
    fetch_all,
)
from keras_textcls.data.downloads.regular_files import UnreadableFileError, read_regular_file
from keras_textcls.errors import ArgumentError, shorten


def resolve_cells(
    cells: Sequence[str],
    kind: Literal["url", "path"],
    decode: Callable[[bytes], str],
    policy: DownloadPolicy = DEFAULT_POLICY,
    root: str | os.PathLike[str] = ".",
    max_bytes: int | None = None,
) -> Generator[str | FetchFailure, None, None]:
    """Read the texts that the cells of a table refer to.

    Paths outside of a folder are refused: an untrusted table cannot refer to other files
    of the machine, neither directly nor through `..` or a symbolic link.

    Args:
        cells: sequence of strings. Addresses may have spaces around them.
        kind: string, what the cells hold: `"url"` for `http` or `https`
            addresses, `"path"` for paths of files, relative to `root`.
        decode: function from the bytes of a text to the text; it may raise
            `UnicodeDecodeError`.
        policy: `DownloadPolicy`, how addresses are downloaded. Defaults to
            `DownloadPolicy()`.
        root: path of the folder that paths are relative to. Defaults to the
            current folder.
        max_bytes: int, maximum size of a text in bytes; `None` for
            `policy.max_bytes`. Defaults to `None`.

    Returns:
        A generator with one item for each cell, in order: a string, or a
        `FetchFailure` if the text cannot be read. Closing it ends the downloads.

    Raises:
        ArgumentError: `kind` or `max_bytes` is wrong.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("Refund me")
    ...     list(resolve_cells(["a.txt", "../b.txt"], "path", bytes.decode, root=folder))
    ['Refund me', FetchFailure(reason='the path leaves the folder of the table')]
    """
    if kind not in ("url", "path"):
        raise ArgumentError(f'`kind` must be "url" or "path". Received: kind={shorten(kind)}.')
    if max_bytes is not None:
        check_count("max_bytes", max_bytes)
        policy = dataclasses.replace(policy, max_bytes=max_bytes)
    contents: Iterator[bytes | FetchFailure]
    if kind == "url":
        contents = fetch_all([cell.strip() for cell in cells], policy)
    else:
        folder = os.path.realpath(root)
        contents = (_read(cell, folder, policy.max_bytes) for cell in cells)
    return (_decode(content, decode) for content in contents)


def _read(cell: str, root: str, max_bytes: int) -> bytes | FetchFailure:
    if not cell:
        return FetchFailure("the path is empty")
    if "://" in cell:
        return FetchFailure('this is an address, not a path; for addresses pass kind="url"')
    # A path that is absolute on any system is refused on all, so that a table is portable.
    if os.path.isabs(cell) or PureWindowsPath(cell).is_absolute():
        return FetchFailure("the path is absolute; it must start at the folder of the table")
    try:
        target = Path(os.path.realpath(os.path.join(root, cell)))
    except ValueError:
        return FetchFailure("the path holds characters that no path may hold")
    if not target.is_relative_to(root):
        return FetchFailure("the path leaves the folder of the table")
    try:
        return read_regular_file(target, max_bytes)
    except UnreadableFileError as error:
        return FetchFailure(str(error))


def _decode(content: bytes | FetchFailure, decode: Callable[[bytes], str]) -> str | FetchFailure:
    if isinstance(content, FetchFailure):
        return content
    try:
        return decode(content)
    except UnicodeDecodeError as error:
        return FetchFailure(f"bytes that are not {error.encoding} (byte {error.start})")
