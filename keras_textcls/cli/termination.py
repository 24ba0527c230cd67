"""SIGTERM: a command that is ended by it removes its temporary files first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def cleaning_up_when_terminated() -> Iterator[None]:
    """Let SIGTERM end the process as Ctrl-C does, so that temporary files are removed.

    Returns:
        A context manager, also to be used as a decorator.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread may handle signals.
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
