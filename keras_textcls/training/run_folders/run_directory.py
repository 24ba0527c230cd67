"""`RunDirectory`: one version of a model on disk, its files and its status.

OUTPUT/NAME/VERSION/
run.json        description and status
run.yaml        template, parameters and preset, to train the same again
data/           the texts it was trained on
training.log    what happened
history.csv     metrics of every epoch
checkpoint/     from which a killed run continues; removed after training
preset/         the model
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from keras_textcls.errors import RunError
from keras_textcls.training.run_folders.run_record import RunRecord
from keras_textcls.training.templates import Template, from_text
from keras_textcls.utils.paths import read_path

if TYPE_CHECKING:
    from keras_textcls.data.text_dataset import TextDataset
    from keras_textcls.text_to_text.text_to_text_classifier import Classifier

_LOCK_FILE = "run.lock"
# How long a start waits for a process that only checks whether the run is in use.
_LOCK_SECONDS = 2.0
_KILLED = "its process ended without a word; resume it"


class RunDirectory:
    """The directory of one version of a model: its record, status, lock and contents.

    Args:
        directory: string or path of the run. It may be incomplete: `run.json` is
            read only by the properties that need it.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = read_path(directory, "directory").absolute()

    @property
    def record(self) -> RunRecord:
        """The current contents of `run.json`, a `RunRecord`."""
        return RunRecord.read(self.directory)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.directory.parent.name

    @property
    def version(self) -> int:
        """Version of the model."""
        named = self.directory.name
        return int(named) if named.isdigit() else self.record.version

    @property
    def status(self) -> str:
        """The status: `queued`, `training`, `trained`, `failed` or `stopped`.

        The status of a run whose process was killed is `stopped`.
        """
        return self._standing()[0]

    @property
    def reason(self) -> str | None:
        """Why the run failed or stopped, or `None`."""
        return self._standing()[1]

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics of the training, such as the validation loss of the best epoch: a dict."""
        return self.record.metrics

    @property
    def template(self) -> Template:
        """The `Template`, with all its parameters."""
        record = self.record
        return from_text(record.template, record.parameters)

    @property
    def preset(self) -> Path:
        """Path of the preset with the model; it exists after the run is trained."""
        return self.directory / "preset"

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint of a killed run; it is removed after training."""
        return self.directory / "checkpoint"

    @property
    def log(self) -> str:
        """The contents of `training.log`, a string."""
        path = self.directory / "training.log"
        # A text for people: one damaged letter is no reason to show none.
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    @property
    def history(self) -> list[dict[str, float]]:
        """The metrics of every epoch, a list of dicts."""
        path = self.directory / "history.csv"
        if not path.is_file():
            return []
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
        except (OSError, ValueError, TypeError, csv.Error) as error:
            raise RunError(f"{path} is broken: {error}. The model does not need it.") from error

    def load(self, **kwargs: Any) -> Classifier:
        """Load the trained model.

        Args:
            **kwargs: as for `from_preset` of the class of the model.

        Returns:
            A `TextClassifier`, or a `TextToTextClassifier`.

        Raises:
            RunError: the run is not trained.
        """
        from keras_textcls.text_to_text.text_to_text_classifier import classifier_from_preset

        status, reason = self._standing()
        if status != "trained":
            why = f" ({reason})" if reason else ""
            raise RunError(f"{self!r} has no model: it is {status}{why}.")
        return classifier_from_preset(self.preset, **kwargs)

    def dataset(self) -> TextDataset:
        """Load the texts that the run was trained on, a `TextDataset`."""
        from keras_textcls.data.text_dataset import TextDataset

        path = self.directory / "data"
        if not path.exists():
            raise RunError(
                f"{self!r} has no texts: it ended before they were written down. Call train() with "
                "the dataset and resume=True."
            )
        return TextDataset.load(path)

    def validation_dataset(self) -> TextDataset | None:
        """Load the texts that were given as validation data, or `None` if there were none."""
        from keras_textcls.data.text_dataset import TextDataset

        path = self.directory / "validation_data"
        return TextDataset.load(path) if path.exists() else None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run, so that no other process trains or deletes it.

        Raises:
            RunError: another process holds the lock.
        """
        lock = filelock.FileLock(self.directory / _LOCK_FILE)
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except filelock.Timeout:
            raise RunError(f"{self!r} is in use: another process is training it.") from None
        except OSError as error:
            raise RunError(f"{self!r} cannot be written to: {error.strerror}.") from error
        try:
            yield
        finally:
            lock.release()

    def _standing(self) -> tuple[str, str | None]:
        record = self.record
        if record.status in ("queued", "training") and not self._is_held():
            # Read again: the run may have ended after the first reading.
            record = self.record
            if record.status in ("queued", "training"):
                return "stopped", _KILLED
        return record.status, record.reason

    def _is_held(self) -> bool:
        lock = filelock.FileLock(self.directory / _LOCK_FILE)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return True
        except OSError:
            # This user may only read the directory; another user may train there.
            return _is_held_elsewhere(self.directory / _LOCK_FILE)
        lock.release()
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunDirectory) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)

    def __repr__(self) -> str:
        return f"<Run {self.name}/{self.version} in {str(self.directory.parent.parent)!r}>"


def _is_held_elsewhere(lock: Path) -> bool:
    """Whether a lock file that may not be written is locked."""
    try:
        import fcntl

        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False  # There is no lock, or this system cannot detect it.
    return False
