"""Downloads many addresses in parallel and yields their contents in order.

`download_policy` holds the limits, `http_client` fetches one address, and `download_cache`
stores the contents; this module combines them.
"""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import tempfile
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import IO, TypeAlias

from keras_textcls.data.downloads.addresses import AddressError, parse_address
from keras_textcls.data.downloads.download_cache import DownloadCache, download_folder
from keras_textcls.data.downloads.download_policy import DownloadPolicy, FetchFailure
from keras_textcls.data.downloads.http_client import HttpClient
from keras_textcls.data.downloads.http_connections import Transfer
from keras_textcls.errors import ArgumentError, shorten

__all__ = ["DEFAULT_POLICY", "DownloadPolicy", "FetchFailure", "fetch_all"]

DEFAULT_POLICY = DownloadPolicy()

# Maximum number of addresses, for each worker, that are fetched ahead of the next to yield.
_LOOKAHEAD = 16
# Seconds; some systems deliver Ctrl-C only between two waits.
_LONGEST_WAIT = 1.0
# Seconds after which a download that was aborted is aborted again.
_FAREWELL = 0.1
_THREAD_NAME = "keras-textcls download"

_Outcome: TypeAlias = "Future[bytes | FetchFailure]"


def fetch_all(
    urls: Sequence[str], policy: DownloadPolicy = DEFAULT_POLICY
) -> Iterator[bytes | FetchFailure]:
    """Download many addresses in parallel, and yield their contents in order.

    Downloads start when the first item is requested. An address that occurs several times
    is fetched once. Contents that are waiting or being downloaded take about
    `(workers + 1) * max_bytes` bytes at most. The usual environment variables for proxies
    and certificates are respected (`https_proxy`, `no_proxy`, `SSL_CERT_FILE`, ...).
    Addresses of this machine and of private networks are refused unless the policy allows
    them.

    Args:
        urls: sequence of strings, `http` or `https` addresses. They may contain
            `user:password@`, which no message repeats.
        policy: `DownloadPolicy`. Defaults to `DownloadPolicy()`.

    Returns:
        An iterator with one item for each address: the decompressed content as
        `bytes`, or a `FetchFailure`. Closing it ends the downloads.

    Raises:
        ArgumentError: `urls` is a single string, or `policy` is not a
            `DownloadPolicy`.

    Example:
    >>> next(fetch_all(["ftp://example.org/a.txt"]))
    FetchFailure(reason='the address does not start with http:// or https://')
    """
    if isinstance(urls, (str, bytes)):
        raise ArgumentError(
            f"`urls` must be a list of addresses. Received: urls={shorten(urls)}. "
            f"Wrap it in a list."
        )
    if not isinstance(policy, DownloadPolicy):
        raise ArgumentError(
            f"`policy` must be a DownloadPolicy. Received: policy={shorten(policy)}."
        )
    return _fetch_each_once(urls, policy)


def _fetch_each_once(urls: Sequence[str], policy: DownloadPolicy) -> Iterator[bytes | FetchFailure]:
    uses = collections.Counter(urls)
    downloads = _fetch_in_order(list(uses), policy)
    with contextlib.closing(downloads) as outcomes, contextlib.closing(_Kept()) as kept:
        for url in urls:
            if url in kept:
                yield kept[url]
                continue
            outcome = next(outcomes)
            if uses[url] > 1:
                kept[url] = outcome
            yield outcome


class _Kept:
    """Contents that are needed again later, in an unnamed temporary file."""

    def __init__(self) -> None:
        # The position and the length of each content in the file.
        self._outcomes: dict[str, bytes | FetchFailure | tuple[int, int]] = {}
        self._file: IO[bytes] | None = None

    def __contains__(self, url: str) -> bool:
        return url in self._outcomes

    def __setitem__(self, url: str, outcome: bytes | FetchFailure) -> None:
        self._outcomes[url] = outcome
        # If the disk is full, the content stays in memory.
        with contextlib.suppress(OSError):
            if isinstance(outcome, bytes):
                if self._file is None:
                    self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  see `close`
                start = self._file.seek(0, os.SEEK_END)
                if self._file.write(outcome) == len(outcome):
                    self._outcomes[url] = start, len(outcome)

    def __getitem__(self, url: str) -> bytes | FetchFailure:
        outcome = self._outcomes[url]
        if self._file is None or not isinstance(outcome, tuple):
            return outcome  # type: ignore[return-value]
        self._file.seek(outcome[0])
        return self._file.read(outcome[1])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _fetch_in_order(
    urls: list[str], policy: DownloadPolicy
) -> Generator[bytes | FetchFailure, None, None]:
    """Keep the workers busy, as far ahead as memory allows."""
    client, cache = HttpClient(policy), DownloadCache(download_folder(policy.cache))
    left = collections.deque(urls)
    waiting: collections.deque[_Outcome] = collections.deque()
    running: dict[_Outcome, Transfer] = {}
    finished: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
    held_bytes = 0
    pool = ThreadPoolExecutor(policy.workers, _THREAD_NAME)
    try:
        while left or waiting:
            # Contents held and being downloaded: at most `workers + 1` of the maximum size.
            room = policy.workers + 1 + -held_bytes // policy.max_bytes
            while left and len(running) < room and len(waiting) < _LOOKAHEAD * policy.workers:
                transfer = Transfer(policy)
                future = pool.submit(_fetch, client, cache, left.popleft(), transfer)
                waiting.append(future)
                running[future] = transfer
                future.add_done_callback(finished.put)
            with contextlib.suppress(queue.Empty):
                ended = finished.get(waiting[0] in running, _LONGEST_WAIT)
                del running[ended]
                held_bytes += _size(ended.result())
                continue
            if waiting[0] not in running:
                outcome = waiting.popleft().result()
                held_bytes -= _size(outcome)
                yield outcome
    finally:
        while not all(future.done() for future in running):
            # Repeated, since a connection may have been opened in between.
            for transfer in running.values():
                transfer.abort()
            wait(running, _FAREWELL)
        pool.shutdown()
        client.close()


def _fetch(
    client: HttpClient, cache: DownloadCache, url: str, transfer: Transfer
) -> bytes | FetchFailure:
    try:
        parse_address(url)
    except AddressError as error:
        return FetchFailure(str(error))
    content = cache.get(url, transfer.policy.max_bytes)
    if content is not None:
        return content
    outcome = client.fetch(url, transfer)
    if isinstance(outcome, bytes):
        cache.put(url, outcome)
    return outcome


def _size(outcome: bytes | FetchFailure) -> int:
    return len(outcome) if isinstance(outcome, bytes) else 0
