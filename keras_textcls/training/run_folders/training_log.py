"""`training.log`: a line for everything that happens, warnings too.

Not by `logging`: its `captureWarnings` takes a warning away from whoever trains
or records warnings, and adds the file and the line of code; and its handler of
files, on a full disk, shows a traceback in place of the message.
"""

from __future__ import annotations

import contextlib
import datetime
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class TrainingLog:
    """Writes lines with the time to a file, and shows some of them.

    Args:
        path: `Path` of the file, which is continued.
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
            # Opened anew each time: what was written is there, whatever happens next.
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # A full disk must not hide what was to be said.
            with contextlib.suppress(OSError, ValueError):
                print(f"{message}\n({self._path} cannot be written: {error})", flush=True)

    def tell(self, message: str) -> None:
        """Write a message and show it."""
        self.write(message)
        if self._verbose:
            # Whoever read the output may be gone; the training goes on.
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
