"""Contents of addresses, kept in a folder that many processes may share.

A file an address, named by the SHA-256 of the address. It starts with a SHA-256
of what it holds: a file that was cut short or written over counts as missing.
The cache never makes a download fail; at worst it holds nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Literal

from keras_textcls.data.downloads.regular_files import UnreadableFileError, read_regular_file
from keras_textcls.utils.atomic import remove_abandoned
from keras_textcls.utils.cache_folder import cache_folder

_DIGEST_SIZE = hashlib.sha256().digest_size

_log = logging.getLogger(__name__)


def download_folder(cache: str | os.PathLike[str] | Literal[False] | None) -> Path | None:
    """Say where contents are kept.

    Args:
        cache: the argument of `DownloadPolicy`.

    Returns:
        A `Path`, or `None` where nothing is kept: as asked for, or because the
        user has no home.
    """
    if cache is False:
        return None
    if cache is None:
        return cache_folder("downloads")
    try:
        return Path(cache).expanduser()
    except RuntimeError:
        return None


class DownloadCache:
    """Keeps contents by address.

    Args:
        folder: `Path`, made when there is something to keep, or `None` to keep
            nothing.

    Example:
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = DownloadCache(Path(folder))
    ...     cache.put("https://example.org/a.txt", b"a text")
    ...     cache.get("https://example.org/a.txt", max_bytes=100)
    b'a text'
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._is_swept = self._has_warned = False

    def get(self, url: str, max_bytes: int) -> bytes | None:
        """Look for the content of an address.

        Args:
            url: string.
            max_bytes: int, the largest content wanted.

        Returns:
            Bytes, or `None` if the cache does not have it whole.
        """
        if self._folder is None:
            return None
        try:
            entry = read_regular_file(self._folder / _name(url), max_bytes + _DIGEST_SIZE)
        except UnreadableFileError:
            return None
        digest, content = entry[:_DIGEST_SIZE], entry[_DIGEST_SIZE:]
        return content if digest == _digest(url, content) else None

    def put(self, url: str, content: bytes) -> None:
        """Keep the content of an address, if the folder can be written.

        Args:
            url: string.
            content: bytes.
        """
        if self._folder is None:
            return
        try:
            self._write(self._folder, url, content)
        except OSError as error:
            if not self._has_warned:
                _log.warning("Not all downloads are kept in the cache: %s.", error)
            self._has_warned = True

    def _write(self, folder: Path, url: str, content: bytes) -> None:
        unfinished = folder / "unfinished"
        unfinished.mkdir(parents=True, exist_ok=True)
        if not self._is_swept:
            remove_abandoned(unfinished.iterdir())
            self._is_swept = True
        descriptor, draft = tempfile.mkstemp(dir=unfinished)
        try:
            with open(descriptor, "wb") as file:
                file.write(_digest(url, content))
                file.write(content)
            os.replace(draft, folder / _name(url))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _digest(url: str, content: bytes) -> bytes:
    """The address counts too: a file under another's name is not an entry."""
    digest = hashlib.sha256(hashlib.sha256(url.encode()).digest())
    digest.update(content)
    return digest.digest()
