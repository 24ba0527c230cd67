"""How downloads are made, and what stands for one that failed."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any, Literal

from keras_textcls.errors import ArgumentError, shorten


@dataclasses.dataclass(frozen=True)
class FetchFailure:
    """Stands in the place of a content that could not be had.

    Args:
        reason: string, in plain words and without the address, which may hold
            a password.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class DownloadPolicy:
    """How texts are downloaded, and where that ends.

    Args:
        timeout: float, seconds to wait for a connection, and then for each next
            piece of an answer. Defaults to `10.0`.
        deadline: float, seconds that an address may take in all, with its
            redirects and retries, from when its turn comes. Defaults to `60.0`.
        retries: int, how often to try again after a failure that may pass: no
            connection, a broken one, status 429 or 5xx. Defaults to `3`.
        max_bytes: int, the largest content, after decompression. Defaults to
            20 MiB.
        workers: int, downloads at a time. Defaults to `8`.
        cache: path of a folder that keeps contents from one run to the next;
            `None` for `downloads` in the folder that the environment variable
            `KERAS_TEXTCLS_CACHE` names, which is `~/.cache/keras_textcls` where
            it is not set; `False` for none. An address that is there is not
            asked again: delete the folder to see what has changed. Defaults to
            `None`.
        backoff: float, seconds before the first retry, twice as many before
            each next. A server's own `Retry-After` comes first. Defaults to
            `0.5`.
        allow_private: bool, whether addresses may lead to this machine or into a
            private network. Otherwise they are refused, and so are names and
            redirects that lead there. Proxies of the environment are asked in
            any case; behind one, only addresses that hold a number are checked.
            Defaults to `False`.

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
    """Check that an argument is a whole number that is large enough.

    Args:
        name: string, the argument.
        value: what was passed.
        least: int, the smallest that is right. Defaults to `1`.

    Raises:
        ArgumentError: it is not.
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
