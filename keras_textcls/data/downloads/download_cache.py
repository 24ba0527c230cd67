"""A cache of downloaded contents, in a folder that many processes may share.

There is one file for each address, named by the SHA-256 of the address. It starts with a
SHA-256 of its content: a file that is truncated or overwritten counts as missing. An error
of the cache never makes a download fail.
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
    """Return the folder of the cache.

    Args:
        cache: the argument of `DownloadPolicy`.

    Returns:
        A `Path`, or `None` if there is no cache: because it is switched off, or
        because the user has no home directory.
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
    """Stores contents by address.

    Args:
        folder: `Path`, created when the first content is stored, or `None` to
            store nothing.

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
            max_bytes: int, maximum size of the content.

        Returns:
            Bytes, or `None` if the cache does not hold the complete content.
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
        """Store the content of an address, if the folder can be written.

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
    """The digest includes the address, so that a renamed file is not an entry."""
    digest = hashlib.sha256(hashlib.sha256(url.encode()).digest())
    digest.update(content)
    return digest.digest()
