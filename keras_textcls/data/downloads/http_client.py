"""The content of one address, through urllib3, within limits of time and size.

urllib3 connects, checks certificates and keeps connections. Redirects and
retries are followed here, because urllib3 reads the rest of an answer before it
goes on, however long that is, and tries nothing again once a body has begun.
Decompression is here too, so that no version of urllib3 makes more of a body
than is asked for.
"""

from __future__ import annotations

import contextlib
import http
import socket
import ssl
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import urllib3
from urllib3 import exceptions
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url

from keras_textcls.data.downloads.addresses import AddressError, basic_authorization, parse_address
from keras_textcls.data.downloads.download_policy import DownloadPolicy, FetchFailure
from keras_textcls.data.downloads.http_connections import (
    Transfer,
    make_manager,
    set_current_transfer,
)
from keras_textcls.errors import shorten

_MAX_REDIRECTS = 10
_PIECE = 2**16
# Seconds; longer than any deadline that makes sense.
_LONGEST_PAUSE = 24 * 3600
_HEADERS = {"User-Agent": "keras-textcls", "Accept": "*/*", "Accept-Encoding": "gzip"}


class _Failure(NamedTuple):
    """How one attempt failed.

    Args:
        reason: string.
        may_pass: bool, whether another attempt may fare better.
        wait: float, seconds that the server wants to be left alone, if it said.
    """

    reason: str
    may_pass: bool = False
    wait: float | None = None


class _AttemptError(Exception):
    """Carries a `_Failure`; not kept, since it keeps alive what was read so far."""

    def __init__(self, reason: str, may_pass: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.failure = _Failure(reason, may_pass, wait)


class HttpClient:
    """Fetches addresses one after another, on connections that it keeps.

    Args:
        policy: `DownloadPolicy`.
        context: `ssl.SSLContext`, decides which certificates are good.
        proxies: dict from scheme to the address of a proxy.
    """

    def __init__(
        self, policy: DownloadPolicy, context: ssl.SSLContext, proxies: dict[str, str]
    ) -> None:
        self._policy = policy
        self._context = context
        self._proxies = proxies
        self._managers: dict[str | None, urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close the connections."""
        for manager in self._managers.values():
            # Forgetting a pool closes it only when it is collected.
            for key in manager.pools.keys():  # noqa: SIM118
                manager.pools[key].close()
            manager.clear()

    def fetch(self, url: str, transfer: Transfer) -> bytes | FetchFailure:
        """Fetch one address, trying again where that may help.

        Args:
            url: string, an address that `parse_address` accepts.
            transfer: `Transfer`, the time there is.

        Returns:
            The content, decompressed, or a `FetchFailure`.
        """
        set_current_transfer(transfer)
        pause = self._policy.backoff
        for retries_left in reversed(range(self._policy.retries + 1)):
            try:
                return self._attempt(url, transfer)
            except _AttemptError as error:
                failed = error.failure
            except exceptions.HTTPError as error:
                failed = _explain(error, self._policy.timeout)
            if not transfer.remaining:
                return out_of_time(self._policy)
            if not (failed.may_pass and retries_left):
                break
            wait = pause if failed.wait is None else failed.wait
            if wait >= transfer.remaining:
                return FetchFailure(
                    f"{failed.reason}; the next try would be in {wait:g} s, after "
                    f"deadline={self._policy.deadline:g} s"
                )
            transfer.pause(wait)
            pause *= 2
        return FetchFailure(failed.reason)

    def _attempt(self, url: str, transfer: Transfer) -> bytes:
        response = self._follow(url, transfer)
        try:
            _check_status(response, transfer)
            return _read(response, transfer, self._policy.max_bytes)
        finally:
            # After a whole body, the connection is back in its pool and stays open.
            response.close()

    def _follow(self, url: str, transfer: Transfer) -> BaseHTTPResponse:
        """Ask, and ask where the answer says, until there is an answer."""
        target = parse_address(url)
        headers = dict(_HEADERS)
        for _ in range(_MAX_REDIRECTS + 1):
            if target.auth is not None:
                headers["Authorization"] = basic_authorization(target.auth)
            response = self._ask(target, headers, transfer)
            location = response.get_redirect_location()
            if not location:
                return response
            _discard(response, transfer)
            before, target = target, _redirected(target, location)
            if (before.scheme, before.netloc) != (target.scheme, target.netloc):
                headers.pop("Authorization", None)
        raise _AttemptError(f"the server redirects more than {_MAX_REDIRECTS} times")

    def _ask(self, target: Url, headers: dict[str, str], transfer: Transfer) -> BaseHTTPResponse:
        limit = min(self._policy.timeout, transfer.remaining)
        if not limit:
            raise _AttemptError("its time is over")
        return self._manager(target).urlopen(
            "GET",
            target._replace(auth=None, fragment=None).url,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=limit, read=limit),
            preload_content=False,
        )

    def _manager(self, target: Url) -> urllib3.PoolManager:
        """The connections to a proxy, or those to servers."""
        proxy = self._proxies.get(target.scheme or "", self._proxies.get("all"))
        if proxy and urllib.request.proxy_bypass(target.netloc or ""):
            proxy = None
        if proxy not in self._managers:
            self._managers[proxy] = make_manager(self._context, proxy)
        return self._managers[proxy]


def out_of_time(policy: DownloadPolicy) -> FetchFailure:
    """Say that an address took too long.

    Args:
        policy: `DownloadPolicy`.

    Returns:
        A `FetchFailure`.
    """
    return FetchFailure(f"the download took longer than deadline={policy.deadline:g} s")


def _redirected(target: Url, location: str) -> Url:
    # Header fields come as Latin-1; addresses that are not ASCII are sent as UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode()
    try:
        return parse_address(urllib.parse.urljoin(target._replace(auth=None).url, location))
    except AddressError as error:
        raise _AttemptError(f"the server redirects, but {error}") from None
    except ValueError:
        raise _AttemptError("the server redirects to an address that is not valid") from None


def _discard(response: BaseHTTPResponse, transfer: Transfer) -> None:
    """Read a short body that nobody wants, so that its connection can be used again."""
    num_bytes = 0
    with contextlib.closing(response), contextlib.suppress(exceptions.HTTPError):
        for piece in _pieces(response, transfer):
            num_bytes += len(piece)
            if num_bytes > _PIECE:
                break


def _check_status(response: BaseHTTPResponse, transfer: Transfer) -> None:
    status = response.status
    if status in (http.HTTPStatus.OK, http.HTTPStatus.NON_AUTHORITATIVE_INFORMATION):
        return
    _discard(response, transfer)
    phrases = {known.value: f" {known.phrase}" for known in http.HTTPStatus}
    wait = None
    # A number that is absurd, or a date that is none, counts as not given.
    with contextlib.suppress(exceptions.InvalidHeader, ValueError, OverflowError):
        wait = urllib3.Retry().get_retry_after(response)
        wait = None if wait is None else float(min(wait, _LONGEST_PAUSE))
    raise _AttemptError(
        f"the server answered {status}{phrases.get(status, '')}",
        may_pass=status == http.HTTPStatus.TOO_MANY_REQUESTS or status >= 500,
        wait=wait,
    )


def _read(response: BaseHTTPResponse, transfer: Transfer, max_bytes: int) -> bytes:
    length: int | None = response.length_remaining
    if length is not None and length > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    for piece in _decoded(response, transfer):
        content += piece
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(content)


def _too_large(max_bytes: int) -> _AttemptError:
    return _AttemptError(f"the content is larger than max_bytes={max_bytes}")


def _decoded(response: BaseHTTPResponse, transfer: Transfer) -> Iterator[bytes]:
    sent = response.headers.get("Transfer-Encoding", "chunked").strip().lower()
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    pieces = _pieces(response, transfer)
    if sent == "chunked" and coding in ("gzip", "x-gzip"):
        return _decompress(pieces)
    if sent == "chunked" and coding in ("identity", ""):
        return pieces
    raise _AttemptError(
        f"the content is encoded in a way not asked for: {shorten(f'{coding}, {sent}')}"
    )


def _pieces(response: BaseHTTPResponse, transfer: Transfer) -> Iterator[bytes]:
    while True:
        piece = response.read1(_PIECE, decode_content=False)
        # Also where nothing came: a connection that was shut looks like the end of a body.
        if not transfer.remaining:
            raise _AttemptError("its time is over")
        if not piece:
            return
        yield piece


def _decompress(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip members, no more than a piece at a time."""
    decoder = None
    try:
        for piece in pieces:
            while piece:
                if decoder is None or decoder.eof:
                    decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
                yield decoder.decompress(piece, _PIECE)
                piece = decoder.unconsumed_tail or decoder.unused_data
    except zlib.error:
        raise _AttemptError("the content cannot be decompressed") from None
    if decoder is not None and not decoder.eof:
        raise _AttemptError("the content ends too early", may_pass=True)


def _explain(error: BaseException, timeout: float) -> _Failure:
    """Put an error of urllib3 into plain words."""
    if isinstance(error, exceptions.ProxyError):
        inner = _explain(error.original_error, timeout)
        return _Failure(f"through the proxy: {inner.reason}", inner.may_pass)
    if isinstance(error, exceptions.ProxySchemeUnknown):
        return _Failure("the proxy that the environment names is no http proxy")
    if isinstance(error, OSError):
        return _Failure(str(error), may_pass=True)
    cause = error.__cause__
    detail = f" ({cause.strerror})" if isinstance(cause, OSError) and cause.strerror else ""
    if isinstance(error, exceptions.NameResolutionError):
        may_pass = isinstance(cause, OSError) and cause.errno == socket.EAI_AGAIN
        return _Failure("the host of the address cannot be found", may_pass)
    if isinstance(error, exceptions.NewConnectionError):
        return _Failure(f"there is no connection to the server{detail}", may_pass=True)
    if isinstance(error, exceptions.ConnectTimeoutError):
        return _Failure(f"there was no connection within {timeout:g} s", may_pass=True)
    if isinstance(error, exceptions.TimeoutError):
        return _Failure(f"the server sent nothing for {timeout:g} s", may_pass=True)
    if isinstance(error, exceptions.SSLError):
        return _Failure(_explain_encryption(error))
    if isinstance(error, exceptions.LocationValueError):
        return _Failure("the address is not valid")
    return _Failure("the connection broke off or what came is not HTTP", may_pass=True)


def _explain_encryption(error: exceptions.SSLError) -> str:
    problem = error.args[0] if error.args else None
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"the certificate of the server is not trusted: {problem.verify_message}"
    return "there is no encrypted connection to the server"
