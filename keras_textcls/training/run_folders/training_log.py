"""`training.log`: the log of a run, with warnings.

This does not use `logging`: its `captureWarnings` hides warnings from the caller and from
code that records warnings, and adds the file and the line of code; its file handler shows a
traceback in place of the message if the disk is full.
"""

from __future__ import annotations

import contextlib
import datetime
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class TrainingLog:
    """Appends lines with the time to a file, and shows some of them.

    Args:
        path: `Path` of the file; lines are appended.
        verbose: int, 0 to show nothing.
    """

    def __init__(self, path: Path, verbose: int) -> None:
        self._path = path
        self._verbose = verbose
        self._show_warning: Any = None

    def write(self, message: str) -> None:
        """Write a message, of one line or several."""
        time = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = "".join(f"{time} {line}\n" for line in message.splitlines() or [""])
        try:
            # Opened for each message, so that it is on disk if the process is killed.
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # On a full disk, the message is shown instead.
            with contextlib.suppress(OSError, ValueError):
                print(f"{message}\n({self._path} cannot be written: {error})", flush=True)

    def tell(self, message: str) -> None:
        """Write a message and show it."""
        self.write(message)
        if self._verbose:
            # The output may be closed; the training continues.
            with contextlib.suppress(OSError, ValueError):
                print(message, flush=True)

    def __enter__(self) -> Self:
        self._show_warning = warnings.showwarning
        warnings.showwarning = self._on_warning
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        warnings.showwarning = self._show_warning

    def _on_warning(self, message: Any, category: Any, *args: Any, **kwargs: Any) -> None:
        self.write(f"{category.__name__}: {message}")
        self._show_warning(message, category, *args, **kwargs)
