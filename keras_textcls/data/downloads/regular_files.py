"""Reads regular files up to a maximum size; other files, such as pipes, are refused."""

from __future__ import annotations

import os
import stat

# Do not wait for a writer, and do not follow a symbolic link that replaced the file.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class UnreadableFileError(Exception):
    """A file is refused. The message gives the reason."""


def read_regular_file(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a complete file, if it is a regular file and not too large.

    Pipes, devices and sockets are not opened, and symbolic links are not followed.

    Args:
        path: path of the file.
        max_bytes: int, maximum size.

    Returns:
        Its bytes.

    Raises:
        UnreadableFileError: the file is missing, not a regular file, too large, or
            may not be read.
    """
    try:
        _check(os.stat(path, follow_symlinks=False), max_bytes)
        descriptor = os.open(path, _FLAGS)
        try:
            # Checked again: the file may have been replaced since the first check.
            _check(os.fstat(descriptor), max_bytes)
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(max_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise UnreadableFileError("there is no such file") from None
    except OSError as error:
        raise UnreadableFileError(
            f"the file cannot be read: {error.strerror or type(error).__name__}"
        ) from error
    # A file may grow while it is read, or report a wrong size.
    if len(content) > max_bytes:
        raise UnreadableFileError(_too_large(max_bytes))
    return content


def _check(status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFileError("it is a folder, not a file")
    if stat.S_ISLNK(status.st_mode):
        raise UnreadableFileError("it is a link that leads nowhere")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("it is a pipe, a device or a socket, not a file")
    if status.st_size > max_bytes:
        raise UnreadableFileError(_too_large(max_bytes))


def _too_large(max_bytes: int) -> str:
    return f"the file is larger than max_bytes={max_bytes}"
