"""Many addresses, downloaded in parallel and handed out in order.

`download_policy` says within which limits, `http_client` fetches one address,
`download_cache` keeps what was fetched; this file puts them to work.
"""

from __future__ import annotations

import collections
import contextlib
import ssl
import tempfile
import threading
import time
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from typing import IO

from keras_textcls.data.downloads.addresses import AddressError, parse_address
from keras_textcls.data.downloads.download_cache import DownloadCache, download_folder
from keras_textcls.data.downloads.download_policy import DownloadPolicy, FetchFailure
from keras_textcls.data.downloads.http_client import HttpClient, out_of_time
from keras_textcls.data.downloads.http_connections import Transfer
from keras_textcls.errors import ArgumentError, shorten

__all__ = ["DEFAULT_POLICY", "DownloadPolicy", "FetchFailure", "fetch_all"]

DEFAULT_POLICY = DownloadPolicy()

# How many addresses a worker may be ahead of the one whose turn it is.
_LOOKAHEAD = 16
# Seconds: some systems deliver Ctrl-C only between two waits.
_LONGEST_WAIT = 1.0
# Seconds that workers have to close their connections.
_FAREWELL = 1.0
_THREAD_NAME = "keras-textcls download"


def fetch_all(
    urls: Sequence[str], policy: DownloadPolicy = DEFAULT_POLICY
) -> Iterator[bytes | FetchFailure]:
    """Download many addresses, in parallel, and yield what they hold, in order.

    Nothing is asked before the first item is taken. An address that stands in
    the list many times is fetched once. Contents that wait for their turn and
    those that are under way take about `(workers + 1) * max_bytes` at most.
    The usual environment variables for proxies and certificates count
    (`https_proxy`, `no_proxy`, `SSL_CERT_FILE`, ...).

    Args:
        urls: sequence of strings, `http` or `https` addresses. They may hold
            `user:password@`, which no message repeats.
        policy: `DownloadPolicy`. Defaults to `DownloadPolicy()`.

    Returns:
        An iterator over `bytes`, decompressed, or a `FetchFailure` where there
        are none; one for each address. Closing it ends the downloads.

    Raises:
        ArgumentError: `urls` is a single string, or `policy` is no policy.

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
    downloads = _Downloads(list(uses), policy)
    kept = _Kept()
    with contextlib.closing(downloads.run()) as outcomes, contextlib.closing(kept):
        for url in urls:
            if url in kept:
                yield kept[url]
                continue
            outcome = next(outcomes)
            if uses[url] > 1:
                kept[url] = outcome
            yield outcome


class _Kept:
    """What is asked for again later: contents in a file without a name, not in memory."""

    def __init__(self) -> None:
        self._outcomes: dict[str, bytes | FetchFailure] = {}
        # Start and length in the file.
        self._places: dict[str, tuple[int, int]] = {}
        self._file: IO[bytes] | None = None
        self._end = 0

    def __contains__(self, url: str) -> bool:
        return url in self._places or url in self._outcomes

    def __setitem__(self, url: str, outcome: bytes | FetchFailure) -> None:
        if isinstance(outcome, FetchFailure) or not self._write(outcome):
            self._outcomes[url] = outcome
            return
        self._places[url] = self._end, len(outcome)
        self._end += len(outcome)

    def __getitem__(self, url: str) -> bytes | FetchFailure:
        if self._file is None or url not in self._places:
            return self._outcomes[url]
        start, length = self._places[url]
        self._file.seek(start)
        return self._file.read(length)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, content: bytes) -> bool:
        """Append to the file; where the disk is full, memory must do."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  see `close`
            self._file.seek(self._end)
            return self._file.write(content) == len(content)
        except OSError:
            return False


class _Job:
    """One address that a worker has taken; `outcome` is `None` until it has one."""

    def __init__(self, url: str, seconds: float) -> None:
        self.url = url
        self.transfer = Transfer(seconds)
        self.outcome: bytes | FetchFailure | BaseException | None = None


class _Downloads:
    """Workers take the addresses in order; whoever waits for the next outcome keeps the time.

    The threads are daemons, because the system's look-up of a host cannot be
    interrupted and must not keep the program from ending.
    """

    def __init__(self, urls: list[str], policy: DownloadPolicy) -> None:
        self._urls = urls
        self._policy = policy
        self._cache = DownloadCache(download_folder(policy.cache))
        # Guards all that follows, and is notified when any of it changes.
        self._changed = threading.Condition()
        self._num_taken = 0
        self._waiting: collections.deque[_Job] = collections.deque()
        self._running: set[_Job] = set()
        self._held_bytes = 0
        self._is_closed = False

    def run(self) -> Generator[bytes | FetchFailure, None, None]:
        threads: list[threading.Thread] = []
        context = ssl.create_default_context()
        proxies = urllib.request.getproxies()
        try:
            for _ in range(min(self._policy.workers, len(self._urls))):
                client = HttpClient(self._policy, context, proxies)
                thread = threading.Thread(
                    target=self._work, args=(client,), name=_THREAD_NAME, daemon=True
                )
                thread.start()
                threads.append(thread)
            for _ in self._urls:
                yield self._next_outcome()
        finally:
            self._close(threads)

    # === Workers ===

    def _work(self, client: HttpClient) -> None:
        with contextlib.closing(client):
            while (job := self._take()) is not None:
                outcome: bytes | FetchFailure | BaseException
                try:
                    outcome = self._fetch(client, job)
                except BaseException as error:  # raised again where the outcome is awaited
                    outcome = error
                self._finish(job, outcome)

    def _take(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_over() or self._has_room())
            if self._is_over():
                return None
            job = _Job(self._urls[self._num_taken], self._policy.deadline)
            self._num_taken += 1
            self._waiting.append(job)
            self._running.add(job)
            return job

    def _is_over(self) -> bool:
        return self._is_closed or self._num_taken == len(self._urls)

    def _has_room(self) -> bool:
        """Whether one more content fits, even if all under way are as large as they may be."""
        workers, largest = self._policy.workers, self._policy.max_bytes
        expected = (len(self._running) + 1) * largest
        fits = self._held_bytes + expected <= (workers + 1) * largest
        return fits and len(self._waiting) < _LOOKAHEAD * workers

    def _fetch(self, client: HttpClient, job: _Job) -> bytes | FetchFailure:
        try:
            parse_address(job.url)
        except AddressError as error:
            return FetchFailure(str(error))
        content = self._cache.get(job.url, self._policy.max_bytes)
        if content is not None:
            return content
        outcome = client.fetch(job.url, job.transfer)
        if isinstance(outcome, bytes):
            self._cache.put(job.url, outcome)
        return outcome

    def _finish(self, job: _Job, outcome: bytes | FetchFailure | BaseException) -> None:
        with self._changed:
            self._running.remove(job)
            if job.outcome is None:
                job.outcome = outcome
                self._held_bytes += _size(outcome)
            self._changed.notify_all()

    # === The one who waits ===

    def _next_outcome(self) -> bytes | FetchFailure:
        with self._changed:
            while not self._waiting or (outcome := self._waiting[0].outcome) is None:
                self._changed.wait(self._end_overdue())
            self._waiting.popleft()
            self._held_bytes -= _size(outcome)
            self._changed.notify_all()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _end_overdue(self) -> float:
        """End what has had its time; give the seconds until the next may have."""
        patience = _LONGEST_WAIT
        for job in self._running:
            if job.outcome is None:
                remaining = job.transfer.remaining
                patience = min(patience, remaining)
                if not remaining:
                    job.outcome = out_of_time(self._policy)
                    job.transfer.abort()
        return patience

    def _close(self, threads: list[threading.Thread]) -> None:
        with self._changed:
            self._is_closed = True
            for job in self._running:
                job.transfer.abort()
            self._changed.notify_all()
        end = time.monotonic() + _FAREWELL
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def _size(outcome: object) -> int:
    return len(outcome) if isinstance(outcome, bytes) else 0
