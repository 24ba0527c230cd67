"""Callbacks of a training: checkpoints, early stopping, logs, and stopping on Ctrl-C."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np

from keras_textcls.errors import MissingDependencyError, RunError
from keras_textcls.training.run_folders.checkpoint import (
    CheckpointStore,
    Progress,
    is_better,
    read_state,
    read_weights,
    write_metrics,
    write_random_state,
    write_state,
    write_weights,
)
from keras_textcls.utils.atomic import replace_file

HISTORY_FILE = "history.csv"
# Reading the loss waits for the step, so the loss is not checked after every step.
_STEPS_BETWEEN_LOOKS = 20


class TrainingStopped(Exception):  # noqa: N818 - it is no error
    """The user stopped the training, and the checkpoint is written."""


class StopRequest:
    """Whether the user has requested to stop."""

    def __init__(self) -> None:
        self.is_set = False


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[StopRequest]:
    """Treat the first Ctrl-C as a request to stop after the step; the second one interrupts.

    Returns:
        A context manager that yields a `StopRequest`.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # Only the main thread may handle signals.
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        if request.is_set:
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt
        request.is_set = True

    signal.signal(signal.SIGINT, ask)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)


class Checkpointing(keras.callbacks.Callback):
    """Saves checkpoints, stops early and keeps the best weights.

    Args:
        store: `CheckpointStore`.
        progress: `Progress`, updated during training.
        state: dict of arrays from a checkpoint, or `None` for a new training.
        epochs: int, number of epochs of the whole training.
        seconds: float, seconds between checkpoints within an epoch.
        monitor: string, the metric that determines the best epoch; if it is not
            in the logs, as without validation data, the last epoch is kept.
        patience: int or `None`, number of epochs without a better value after
            which training stops.
        stop: `StopRequest`.
        directory: `Path` of the run, for the history.
        advice: string, remedy in the error message if the loss is not finite.
    """

    def __init__(
        self,
        store: CheckpointStore,
        progress: Progress,
        state: dict[str, np.ndarray] | None,
        epochs: int,
        seconds: float,
        monitor: str,
        patience: int | None,
        stop: StopRequest,
        directory: Path,
        advice: str,
    ) -> None:
        super().__init__()
        self._store = store
        self._progress = progress
        self._state = state
        self._epochs = epochs
        self._seconds = seconds
        self._monitor = monitor
        self._patience = patience
        self._stop = stop
        self._directory = directory
        self._advice = advice
        self._first_batch = progress.batch
        self._saved = self._started = time.monotonic()
        self._seconds_before = progress.seconds

    def on_train_begin(self, logs: Any = None) -> None:
        """Restore the state of a checkpoint."""
        if self._state is not None:
            write_state(self.model, self._state)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restore the running metrics of an interrupted epoch."""
        if self._state is not None and self._first_batch:
            write_metrics(self.model, self._state)
        else:
            self._state, self._first_batch = None, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Restore the random state of an interrupted epoch."""
        if self._state is not None:
            # Only now: on PyTorch, creating the iterator of an epoch draws a random number.
            write_random_state(self._state)
            self._state = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save if a checkpoint is due, or if the user wants to stop."""
        self._progress.batch = self._first_batch + batch + 1
        is_due = time.monotonic() - self._saved >= self._seconds
        if is_due or self._stop.is_set or batch % _STEPS_BETWEEN_LOOKS == 0:
            self._check(logs)
        is_last = batch + 1 == self.params.get("steps")
        # After the last batch, `on_epoch_end` saves.
        if (is_due or self._stop.is_set) and not is_last:
            self._save()
            if self._stop.is_set:
                raise TrainingStopped

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the weights if they are the best, and save."""
        self._check(logs)
        progress = self._progress
        row = {name: float(value) for name, value in (logs or {}).items()}
        progress.history.append({"epoch": epoch + 1, **row})
        progress.epoch, progress.batch = epoch + 1, 0
        self._first_batch = 0
        value = row.get(self._monitor)
        higher = not self._monitor.endswith("loss")
        if value is not None and not is_better(value, progress.best, higher):
            progress.wait += 1
        else:
            progress.best, progress.best_epoch, progress.wait = value, epoch, 0
            if value is not None:
                self._store.save_best(epoch, read_weights(self.model))
        is_over = self._patience is not None and progress.wait >= self._patience
        progress.finished = is_over or progress.epoch == self._epochs
        self._save()
        write_history(progress, self._directory)
        if progress.finished:
            self.model.stop_training = True
        elif self._stop.is_set:
            raise TrainingStopped

    def _check(self, logs: Any) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            where = f"epoch {self._progress.epoch + 1}, step {self._progress.batch}"
            raise RunError(f"The loss became {loss} at {where}. {self._advice}")

    def _save(self) -> None:
        self._progress.seconds = self._seconds_before + time.monotonic() - self._started
        self._store.save(self._progress, read_state(self.model))
        self._saved = time.monotonic()


def restore_best(model: keras.Model, store: CheckpointStore, progress: Progress) -> None:
    """Restore the weights of the best epoch.

    Args:
        model: a `keras.Model`.
        store: `CheckpointStore`.
        progress: `Progress`; without a best value, the last weights are kept.
    """
    if progress.best is not None and progress.best_epoch is not None:
        write_weights(model, store.load_best(progress.best_epoch))


def write_history(progress: Progress, directory: Path) -> None:
    """Write `history.csv`, with a row for each epoch.

    Args:
        progress: `Progress`.
        directory: `Path` of the run.
    """
    names = list(dict.fromkeys(name for row in progress.history for name in row))
    with replace_file(directory / HISTORY_FILE) as draft, draft.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(progress.history)


class EpochLines(keras.callbacks.Callback):
    """Reports the metrics of each epoch in one line.

    Args:
        tell: function that shows or logs the line.
        epochs: int, number of epochs.
    """

    def __init__(self, tell: Callable[[str], None], epochs: int) -> None:
        super().__init__()
        self._tell = tell
        self._epochs = epochs
        self._begun = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._begun = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the metrics and the time."""
        numbers = ", ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        seconds = time.monotonic() - self._begun
        self._tell(f"epoch {epoch + 1}/{self._epochs}: {numbers} ({seconds:.1f} s)")


def is_interactive() -> bool:
    """Return whether a progress bar can be shown: in a terminal or a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules


def check_tensorboard() -> None:
    """Check that TensorBoard is installed, before a training starts.

    Raises:
        MissingDependencyError: `tensorboard` is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingDependencyError(
            "`tensorboard=True` needs the package tensorboard: pip install "
            "'keras-textcls[tensorboard]'."
        )
