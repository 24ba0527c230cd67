"""`DownloadPolicy`, the limits of downloads, and `FetchFailure`, the result of a failed one."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any, Literal

from keras_textcls.errors import ArgumentError, shorten


@dataclasses.dataclass(frozen=True)
class FetchFailure:
    """The result of a download that failed, in place of the content.

    Args:
        reason: string, without the address, which may contain a password.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class DownloadPolicy:
    """The limits and the cache of downloads.

    Args:
        timeout: float, maximum seconds to wait for a connection, and for each
            further chunk of a response. Defaults to `10.0`.
        deadline: float, maximum seconds for an address in total, with its
            redirects and retries, from the start of its download. Defaults to
            `60.0`.
        retries: int, number of retries after a failure that may be temporary: no
            connection, a broken connection, status 429 or 5xx. Defaults to `3`.
        max_bytes: int, maximum size of a content, after decompression. Defaults
            to 20 MiB.
        workers: int, number of parallel downloads. Defaults to `8`.
        cache: path of a folder in which contents are stored for later runs.
            `None` uses `downloads` in the folder that the environment variable
            `KERAS_TEXTCLS_CACHE` names (`~/.cache/keras_textcls` if it is not
            set); `False` uses no cache. An address in the cache is not requested
            again: delete the folder to download again. Defaults to `None`.
        backoff: float, seconds before the first retry; each further retry waits
            twice as long. A header `Retry-After` of the server takes precedence.
            Defaults to `0.5`.
        allow_private: bool, whether addresses of this machine and of private
            networks are allowed. If not, they are refused, and so are names and
            redirects that lead to them. Proxies of the environment are used in
            any case; behind a proxy, only hosts that are IP addresses are
            checked. Defaults to `False`.

    Raises:
        ArgumentError: a value is out of its range.

    Example:
    >>> DownloadPolicy(deadline=5.0, cache=False).retries
    3
    """

    timeout: float = 10.0
    deadline: float = 60.0
    retries: int = 3
    max_bytes: int = 20 * 2**20
    workers: int = 8
    cache: str | os.PathLike[str] | Literal[False] | None = None
    backoff: float = 0.5
    allow_private: bool = False

    def __post_init__(self) -> None:
        _check_seconds("timeout", self.timeout)
        _check_seconds("deadline", self.deadline)
        _check_seconds("backoff", self.backoff, zero=True)
        check_count("retries", self.retries, least=0)
        check_count("max_bytes", self.max_bytes)
        check_count("workers", self.workers)
        if not isinstance(self.allow_private, bool):
            raise ArgumentError(
                "`allow_private` must be `True` or `False`. "
                f"Received: allow_private={shorten(self.allow_private)}."
            )
        if self.cache is not None and self.cache is not False:
            is_path = isinstance(self.cache, (str, os.PathLike))
            if not is_path or not os.fspath(self.cache):
                raise ArgumentError(
                    "`cache` must be the path of a folder, `None` for the default folder or "
                    f"`False` for no cache. Received: cache={shorten(self.cache)}."
                )


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Check that an argument is an integer of at least some size.

    Args:
        name: string, the name of the argument.
        value: the value that was passed.
        least: int, the smallest value allowed. Defaults to `1`.

    Raises:
        ArgumentError: the value is not such an integer.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ArgumentError(
            f"`{name}` must be an integer, at least {least}. Received: {name}={shorten(value)}."
        )


def _check_seconds(name: str, value: Any, zero: bool = False) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        wanted = "zero or more" if zero else "more than zero"
        raise ArgumentError(
            f"`{name}` must be a number of seconds, {wanted}. Received: {name}={shorten(value)}."
        )
