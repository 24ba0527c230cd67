"""Connections that can be ended from another thread, at whatever point they are.

A timeout of a socket starts anew with every byte, so a server that sends one
byte now and then could go on for ever. A `Transfer` knows the socket that a
thread is waiting for and shuts it when its time is over.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from keras_textcls.data.downloads.addresses import basic_authorization

# The transfer that a thread is at: how a connection finds the one it serves.
_current = threading.local()


class Transfer:
    """The time that one address has, and the way to end it early.

    Args:
        seconds: float, from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._aborted = threading.Event()
        self._socket: Any = None

    @property
    def remaining(self) -> float:
        """Seconds that are left; 0 when it is over."""
        return 0.0 if self._aborted.is_set() else max(0.0, self._end - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Sleep, unless it is ended meanwhile.

        Args:
            seconds: float.
        """
        self._aborted.wait(seconds)

    def attach(self, connected: Any) -> None:
        """Remember the socket in use.

        Args:
            connected: a socket, or what stands for one.
        """
        self._socket = connected
        if self._aborted.is_set():
            self._shut()

    def abort(self) -> None:
        """End it now, from another thread: what waits for bytes gets none."""
        self._aborted.set()
        self._shut()

    def _shut(self) -> None:
        if isinstance(self._socket, socket.socket):
            # Closed already, maybe. The method of an encrypted socket is not for other threads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Attached:
    """A connection that tells the transfer of its thread which socket to shut."""

    sock: Any

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # type: ignore[misc]
        _current.transfer.attach(self.sock)


class _Connection(_Attached, HTTPConnection):
    pass


class _EncryptedConnection(_Attached, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _EncryptedPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


def set_current_transfer(transfer: Transfer) -> None:
    """Say which transfer the connections of this thread serve from now on.

    Args:
        transfer: `Transfer`.
    """
    _current.transfer = transfer


def make_manager(context: ssl.SSLContext, proxy: str | None = None) -> urllib3.PoolManager:
    """Make pools of such connections, for one thread.

    Args:
        context: `ssl.SSLContext`, decides which certificates are good.
        proxy: string, the address of a proxy. Defaults to `None`.

    Returns:
        A `urllib3.PoolManager`.

    Raises:
        urllib3.exceptions.LocationValueError: the proxy is no http proxy.
    """
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(ssl_context=context)
    else:
        address = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        credentials = {}
        if address.auth is not None:
            credentials["Proxy-Authorization"] = basic_authorization(address.auth)
        manager = urllib3.ProxyManager(
            address._replace(auth=None).url, proxy_headers=credentials, ssl_context=context
        )
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _EncryptedPool}
    return manager
