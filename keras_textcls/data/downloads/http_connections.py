"""Connections with a deadline, which refuse private hosts.

The timeout of a socket restarts with every byte, so a server that sends one byte now and
then could keep a connection open for ever. Before each operation, the sockets here ask the
`Transfer` of their thread how long they may wait.
"""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from functools import partial
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from keras_textcls.data.downloads.addresses import (
    AddressError,
    basic_authorization,
    refuse_private,
)
from keras_textcls.data.downloads.download_policy import DownloadPolicy

# The current transfer of each thread, which the connections of that thread serve.
_current = threading.local()


class Transfer:
    """The time limit of the download of one address; it can also be aborted.

    Args:
        policy: `DownloadPolicy`.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self.policy = policy
        self._end = math.inf
        self._aborted = threading.Event()
        self._end_wait: Callable[[], object] = bool

    def begin(self) -> None:
        """Start the clock; from now on, the connections of this thread belong to it."""
        self._end = time.monotonic() + self.policy.deadline
        _current.transfer = self

    @property
    def remaining(self) -> float:
        """Seconds that are left; 0 after the deadline or after `abort`."""
        return 0.0 if self._aborted.is_set() else max(0.0, self._end - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Sleep until the time is over or the transfer is aborted.

        Args:
            seconds: float.
        """
        self._aborted.wait(seconds)

    def begin_wait(self, end: Callable[[], object]) -> float:
        """Announce that the thread is about to wait.

        Args:
            end: function that ends the wait, called from another thread.

        Returns:
            A float, the seconds that the wait may take.

        Raises:
            TimeoutError: the time is over.
        """
        self._end_wait = end
        remaining = self.remaining
        if not remaining:
            raise TimeoutError("its time is over")
        return min(remaining, self.policy.timeout)

    def abort(self) -> None:
        """End the transfer now, from another thread; its waits are interrupted."""
        self._aborted.set()
        with contextlib.suppress(OSError):  # closed already, maybe
            self._end_wait()


class _TimedSocket(socket.socket):
    """A socket that waits no longer than the transfer of its thread has time."""

    def _limit(self) -> None:
        # `shutdown` of an encrypted socket may not be called from other threads.
        end = partial(socket.socket.shutdown, self, socket.SHUT_RDWR)
        self.settimeout(_current.transfer.begin_wait(end))

    def connect(self, address: Any) -> None:
        self._limit()
        super().connect(address)

    def recv(self, *args: Any) -> bytes:
        self._limit()
        return super().recv(*args)

    def recv_into(self, *args: Any) -> int:
        self._limit()
        return super().recv_into(*args)


class EncryptedSocket(_TimedSocket, ssl.SSLSocket):
    """An encrypted socket with a time limit: the `sslsocket_class` of a context."""

    def do_handshake(self, *args: Any) -> None:  # noqa: D102  the library's own
        self._limit()
        super().do_handshake(*args)


class _Timed:
    """A connection over a `_TimedSocket`, to the same address that was checked."""

    host: str
    port: int
    proxy: Any
    socket_options: Any

    def _new_conn(self) -> socket.socket:
        transfer: Transfer = _current.transfer
        this: Any = self
        try:
            places = _look_up(this._dns_host.strip("[]"), self.port, transfer)
            # A proxy is the user's own choice.
            if not (transfer.policy.allow_private or self.proxy):
                refuse_private(*(place[4][0] for place in places))
            return _connect_to_one(places, self.socket_options or ())
        except UnicodeError:
            raise AddressError("the address is not valid") from None
        except socket.gaierror as error:
            raise NameResolutionError(self.host, this, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(this, str(error)) from error
        except OSError as error:
            raise NewConnectionError(this, str(error)) from error


class _Connection(_Timed, HTTPConnection):
    pass


class _EncryptedConnection(_Timed, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _EncryptedPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


def _look_up(host: str, port: int, transfer: Transfer) -> list[Any]:
    """Look up a host in a thread, since the system call cannot be interrupted."""
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        with contextlib.suppress(InvalidStateError):  # nobody waits any more
            try:
                answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(transfer.begin_wait(answer.cancel))
    except CancelledError:
        raise TimeoutError("its time is over") from None
    finally:
        answer.cancel()


def _connect_to_one(places: list[Any], options: Any) -> socket.socket:
    failed = OSError("the host has no address")
    for family, kind, protocol, _, address in places:
        with contextlib.ExitStack() as opened:
            try:
                connected = opened.enter_context(_TimedSocket(family, kind, protocol))
                for option in options:
                    connected.setsockopt(*option)
                connected.connect(address)
            except OSError as error:
                failed = error
            else:
                opened.pop_all()
                return connected
    raise failed


def make_manager(
    workers: int, context: ssl.SSLContext, proxy: str | None = None
) -> urllib3.PoolManager:
    """Create connection pools, which threads may share.

    Args:
        workers: int, number of threads that use them.
        context: `ssl.SSLContext`, whose sockets are `EncryptedSocket`.
        proxy: string, the address of a proxy. Defaults to `None`.

    Returns:
        A `urllib3.PoolManager`.

    Raises:
        urllib3.exceptions.LocationValueError: the proxy is not an http proxy.
    """
    limits: dict[str, Any] = {"num_pools": 2 * workers, "maxsize": workers, "ssl_context": context}
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(**limits)
    else:
        address = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        secret = {"Proxy-Authorization": basic_authorization(address.auth)} if address.auth else {}
        manager = urllib3.ProxyManager(
            address._replace(auth=None).url,
            proxy_headers=secret,
            proxy_ssl_context=context,
            **limits,
        )
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _EncryptedPool}
    return manager
