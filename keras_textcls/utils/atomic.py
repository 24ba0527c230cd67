"""Replace a directory or a file in one step, so that a killed save leaves the old one whole."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
# Seconds after which an unfinished file is no process's any more.
_ABANDONED = 24 * 3600
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DRAFT = re.compile(r"\.saving-((?P<host>[0-9a-f]{8})-)?(?P<pid>\d{1,9})-[0-9a-f]{8}(?![0-9a-f])")
# Folders in which this process has looked for what killed processes left.
_cleaned: set[Path] = set()


@contextlib.contextmanager
def replace_directory(target: Path, keep: Callable[[str], bool]) -> Iterator[Path]:
    """Yield an empty directory that becomes `target` when the block ends well.

    The new directory is written beside the old one and takes its place with one
    rename (an exchange of the two where the system offers it). If the block
    raises, or the process dies, the old directory stands untouched; leftovers
    of killed processes are removed by the next call.

    Args:
        target: `Path`, the directory to make or replace.
        keep: function from a file name in the old directory to whether that
            entry is carried over.

    Returns:
        A context manager that yields the `Path` to write to.

    Raises:
        OSError: the target is a file, a mount point, or cannot be written.
    """
    target = Path(os.path.abspath(target))
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is a file, not a directory", str(target))
    if os.path.ismount(target):
        raise OSError(errno.EBUSY, "is a mount point; save to a directory in it", str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    # A link keeps pointing to where it pointed; one that goes round is an OSError below.
    target = Path(os.path.realpath(target))
    _remove_leftovers(target)
    draft = target.parent / f".{target.name}.saving-{os.getpid()}-{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        with _plain_errors(target, draft):
            yield draft
        if target.exists():
            _carry_over(target, draft, keep)
        _flush(draft)
        _swap(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def is_free(target: Path) -> bool:
    """Return whether a path is free: it does not exist, or is an empty directory.

    Args:
        target: `Path`.

    Returns:
        A bool.
    """
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


@contextlib.contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` that takes its place when the block ends well.

    Args:
        target: `Path`, the file to make or replace.

    Returns:
        A context manager that yields the `Path` to write to.

    Raises:
        OSError: the target is a directory, a pipe, a socket, a device or a link
            that goes round, or cannot be written.
    """
    _refuse_special(target)
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    # The suffixes stay: libraries read the format from them.
    suffixes = "".join(target.suffixes[-2:])[-20:]
    _remove_drafts(target.parent)
    draft = target.with_name(f".saving-{_host()}-{os.getpid()}-{secrets.token_hex(4)}{suffixes}")
    try:
        with _plain_errors(target, draft):
            yield draft
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _refuse_special(target: Path) -> None:
    try:
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return  # What follows says of a parent that is a file.
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory, not a file", str(target))
    if not stat.S_ISREG(mode):
        # A file would take its place: /dev/null would be gone.
        raise OSError(errno.EINVAL, "is a pipe, a socket or a device, not a file", str(target))


def remove_abandoned(drafts: Iterable[Path]) -> None:
    """Remove files that killed processes left in a folder that many share.

    Args:
        drafts: iterable of `Path`s, unfinished files; those written to within a
            day stay, as a process may be at work on them.
    """
    oldest = time.time() - _ABANDONED
    for draft in drafts:
        with contextlib.suppress(OSError):
            if draft.stat().st_mtime < oldest:
                draft.unlink()


@contextlib.contextmanager
def _plain_errors(target: Path, draft: Path) -> Iterator[None]:
    """Name what the caller writes and not the draft, and a full disk as the system does."""
    try:
        yield
    except OSError as error:
        is_of_draft = isinstance(error.filename, (str, Path)) and str(error.filename) == str(draft)
        if error.errno is None or (error.errno not in _FULL and not is_of_draft):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(target)) from None


def _remove_drafts(folder: Path) -> None:
    """Remove files that killed processes left in a folder, once a process.

    Those of living processes stay, and those of other machines for a day.
    """
    if folder in _cleaned:
        return
    _cleaned.add(folder)
    oldest = time.time() - _ABANDONED
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _DRAFT.match(entry.name)
            if found is None or not entry.is_file(follow_symlinks=False):
                continue
            is_dead = found["host"] == _host() and not _is_alive(int(found["pid"]))
            if is_dead or entry.stat(follow_symlinks=False).st_mtime < oldest:
                os.unlink(entry.path)


@functools.cache
def _host() -> str:
    """Eight digits that tell this machine, whose processes have the numbers, from others."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _carry_over(old: Path, new: Path, keep: Callable[[str], bool]) -> None:
    for entry in old.iterdir():
        if not keep(entry.name) or (new / entry.name).exists():
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, new / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, new / entry.name, follow_symlinks=False)


def _flush(directory: Path) -> None:
    """Put the files on the disk before they replace others."""
    for folder, _, names in os.walk(directory):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                with open(os.path.join(folder, name), "rb") as file:
                    os.fsync(file.fileno())


def _swap(draft: Path, target: Path) -> None:
    if not target.exists():
        os.rename(draft, target)
        return
    shutil.copymode(target, draft)
    if _exchange(draft, target):
        return
    # No exchange on this system: two renames, the second undone if it fails.
    backup = draft.with_name(draft.name + "-old")
    os.rename(target, backup)
    try:
        os.rename(draft, target)
    except OSError:
        os.rename(backup, target)
        raise
    shutil.rmtree(backup, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two directories atomically; `False` where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    paths = os.fsencode(one), os.fsencode(other)
    return renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0


def _remove_leftovers(target: Path) -> None:
    """Remove drafts of processes that died, and restore what they had set aside."""
    prefix = f".{target.name}.saving-"
    for entry in target.parent.glob(f"{prefix}*"):
        pid = entry.name[len(prefix) :].split("-")[0]
        if pid.isdigit() and _is_alive(int(pid)):
            continue
        if entry.name.endswith("-old") and not target.exists():
            os.rename(entry, target)
        else:
            shutil.rmtree(entry, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
