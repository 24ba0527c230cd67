"""Downloads one address with urllib3, within limits of time and size.

urllib3 connects, checks certificates and reuses connections. Retries and redirects are
handled here: urllib3 does not retry after the body has begun, writes addresses to the log
when it retries, and uses the same proxy after a redirect.
"""

from __future__ import annotations

import contextlib
import gzip
import http
import socket
import ssl
import urllib.parse
import urllib.request
import zlib
from typing import NamedTuple

import urllib3
from urllib3 import exceptions
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url

from keras_textcls.data.downloads.addresses import (
    AddressError,
    basic_authorization,
    parse_address,
    refuse_private,
)
from keras_textcls.data.downloads.download_policy import DownloadPolicy, FetchFailure
from keras_textcls.data.downloads.http_connections import (
    EncryptedSocket,
    Transfer,
    make_manager,
)
from keras_textcls.errors import shorten

_MAX_REDIRECTS = 10
_CHUNK = 2**16
# Seconds; longer than any deadline that makes sense.
_LONGEST_PAUSE = 24 * 3600
_HEADERS = {"User-Agent": "keras-textcls", "Accept": "*/*", "Accept-Encoding": "gzip"}
_PHRASES = {known.value: f" {known.phrase}" for known in http.HTTPStatus}


class _Failure(NamedTuple):
    """Why an attempt failed, whether a retry may succeed, and how long to wait before it."""

    reason: str
    may_pass: bool = False
    wait: float | None = None


class _AttemptError(Exception):
    """An attempt failed; the arguments are those of `_Failure`.

    The error itself is not kept, since it would keep the content in memory.
    """


class HttpClient:
    """Fetches addresses and reuses connections; threads may share it.

    Args:
        policy: `DownloadPolicy`.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self._policy = policy
        self._context = ssl.create_default_context()
        self._context.sslsocket_class = EncryptedSocket
        self._proxies = urllib.request.getproxies()
        self._managers: dict[str | None, urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close the connections."""
        for manager in self._managers.values():
            # Clearing the pools would close them only when they are garbage-collected.
            for key in manager.pools.keys():  # noqa: SIM118
                manager.pools[key].close()

    def fetch(self, url: str, transfer: Transfer) -> bytes | FetchFailure:
        """Fetch one address, with retries after temporary failures.

        Args:
            url: string.
            transfer: `Transfer`, the time limit of this address.

        Returns:
            The content, decompressed, or a `FetchFailure`.
        """
        transfer.begin()
        deadline = f"deadline={self._policy.deadline:g} s"
        pause = self._policy.backoff
        for retries_left in reversed(range(self._policy.retries + 1)):
            try:
                return self._follow(url, transfer)
            except (_AttemptError, AddressError, exceptions.HTTPError) as error:
                failed = _explain(error, self._policy.timeout)
            if not transfer.remaining:
                return FetchFailure(f"the download took longer than {deadline}")
            if not (failed.may_pass and retries_left):
                break
            wait = pause if failed.wait is None else failed.wait
            if wait >= transfer.remaining:
                return FetchFailure(
                    f"{failed.reason}; the next try would be in {wait:g} s, after {deadline}"
                )
            transfer.pause(wait)
            pause *= 2
        return FetchFailure(failed.reason)

    def _follow(self, url: str, transfer: Transfer) -> bytes:
        """Request an address and follow redirects up to the content."""
        prefix, server, headers = "", None, dict(_HEADERS)
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                target = parse_address(url)
                if server not in (None, (target.scheme, target.netloc)):
                    headers.pop("Authorization", None)
                if target.auth is not None:
                    headers["Authorization"] = basic_authorization(target.auth)
                response = self._ask(target, headers)
            except AddressError as error:
                raise AddressError(f"{prefix}{error}") from None
            # After a complete body, the connection is returned to its pool and stays open.
            with contextlib.closing(response):
                location = response.get_redirect_location()
                if not location:
                    return _content(response, transfer)
                _discard(response)
            prefix, server = "the server redirects, but ", (target.scheme, target.netloc)
            url = _joined(target, location)
        raise _AttemptError(f"the server redirects more than {_MAX_REDIRECTS} times")

    def _ask(self, target: Url, headers: dict[str, str]) -> BaseHTTPResponse:
        return self._manager(target).urlopen(
            "GET",
            target._replace(auth=None, fragment=None).url,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(self._policy.timeout),
            preload_content=False,
            decode_content=False,
        )

    def _manager(self, target: Url) -> urllib3.PoolManager:
        """The connections of a proxy, or the direct connections."""
        proxy = self._proxies.get(target.scheme or "", self._proxies.get("all"))
        if proxy and urllib.request.proxy_bypass(target.netloc or ""):
            proxy = None
        # Only the proxy resolves host names, so only IP addresses are checked here.
        if proxy and not self._policy.allow_private:
            refuse_private(target.host or "")
        if proxy not in self._managers:
            manager = make_manager(self._policy.workers, self._context, proxy)
            self._managers.setdefault(proxy, manager)
        return self._managers[proxy]


def _joined(target: Url, location: str) -> str:
    # Headers are decoded as Latin-1, but servers send non-ASCII addresses as UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode()
    try:
        return urllib.parse.urljoin(target._replace(auth=None).url, location)
    except ValueError:
        raise _AttemptError("the server redirects to an address that is not valid") from None


def _discard(response: BaseHTTPResponse) -> None:
    """Read a short body that is not needed, so that its connection can be reused."""
    with contextlib.suppress(exceptions.HTTPError):
        response.read(_CHUNK)


def _content(response: BaseHTTPResponse, transfer: Transfer) -> bytes:
    status, max_bytes = response.status, transfer.policy.max_bytes
    if status not in (http.HTTPStatus.OK, http.HTTPStatus.NON_AUTHORITATIVE_INFORMATION):
        _discard(response)
        may_pass = status == http.HTTPStatus.TOO_MANY_REQUESTS or status >= 500
        reason = f"the server answered {status}{_PHRASES.get(status, '')}"
        raise _AttemptError(reason, may_pass, _retry_after(response))
    # A body that is announced as too long is not read.
    length: int | None = response.length_remaining
    content = b"" if (length or 0) > max_bytes else _read(response, max_bytes + 1)
    if max(length or 0, len(content)) > max_bytes:
        raise _AttemptError(f"the content is larger than max_bytes={max_bytes}")
    # A connection that was shut down looks like the end of a body.
    if not transfer.remaining:
        raise _AttemptError("its time is over")
    return content


def _retry_after(response: BaseHTTPResponse) -> float | None:
    # An invalid number or date is ignored.
    with contextlib.suppress(exceptions.InvalidHeader, ValueError, OverflowError):
        wait = urllib3.Retry().get_retry_after(response)
        return None if wait is None else float(min(wait, _LONGEST_PAUSE))
    return None


def _read(response: BaseHTTPResponse, num_bytes: int) -> bytes:
    """Read the beginning of a body; a compressed body is decompressed only up to there."""
    sent = response.headers.get("Transfer-Encoding", "chunked").strip().lower()
    coding = response.headers.get("Content-Encoding", "").strip().lower() or "identity"
    if sent != "chunked" or coding not in ("gzip", "x-gzip", "identity"):
        raise _AttemptError(
            f"the content is encoded in a way not asked for: {shorten(f'{coding}, {sent}')}"
        )
    stream = response if coding == "identity" else gzip.GzipFile(fileobj=response)
    content = bytearray()
    try:
        while chunk := stream.read(min(_CHUNK, num_bytes - len(content))):
            content += chunk
    except EOFError:
        raise _AttemptError("the content ends too early", True) from None
    except (gzip.BadGzipFile, zlib.error):
        raise _AttemptError("the content cannot be decompressed") from None
    return bytes(content)


def _explain(error: BaseException, timeout: float) -> _Failure:
    """Describe an error for the user."""
    if isinstance(error, (_AttemptError, AddressError)):
        return _Failure(*error.args)
    if isinstance(error, exceptions.ProxyError):
        inner = _explain(error.original_error, timeout)
        return _Failure(f"through the proxy: {inner.reason}", inner.may_pass)
    if isinstance(error, exceptions.ProxySchemeUnknown):
        return _Failure("the proxy that the environment names is no http proxy")
    if isinstance(error, OSError):
        return _Failure(str(error), may_pass=True)
    cause = error.__cause__
    if isinstance(error, exceptions.NameResolutionError):
        may_pass = isinstance(cause, OSError) and cause.errno == socket.EAI_AGAIN
        return _Failure("the host of the address cannot be found", may_pass)
    if isinstance(error, exceptions.NewConnectionError):
        detail = f" ({cause.strerror})" if isinstance(cause, OSError) and cause.strerror else ""
        return _Failure(f"there is no connection to the server{detail}", may_pass=True)
    if isinstance(error, exceptions.ConnectTimeoutError):
        return _Failure(f"there was no connection within {timeout:g} s", may_pass=True)
    if isinstance(error, exceptions.TimeoutError):
        return _Failure(f"the server sent nothing for {timeout:g} s", may_pass=True)
    if isinstance(error, exceptions.SSLError):
        problem = error.args[0] if error.args else None
        if isinstance(problem, ssl.SSLCertVerificationError):
            reason = f"the certificate of the server is not trusted: {problem.verify_message}"
            return _Failure(reason)
        return _Failure("there is no encrypted connection to the server")
    if isinstance(error, exceptions.LocationValueError):
        return _Failure("the address is not valid")
    return _Failure("the connection broke off or what came is not HTTP", may_pass=True)
