"""`Run`: one version of a model, as a directory; finding, starting and deleting runs.

OUTPUT/NAME/VERSION/
run.json        what it is and how it stands
run.yaml        template, parameters and preset, to train the same again
data/           the texts it was trained on
training.log    what happened
history.csv     metrics of every epoch
checkpoint/     where a killed run goes on; gone once it is trained
preset/         the model
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from keras_textcls.errors import ArgumentError, RunError, did_you_mean, shorten
from keras_textcls.preset_files import ADAPTER_FILE
from keras_textcls.training.run_record import RECORD_FILE, RunRecord
from keras_textcls.training.templates import Template, from_text

if TYPE_CHECKING:
    from keras_textcls.data.text_dataset import TextDataset
    from keras_textcls.text_to_text_classifier import Classifier

DEFAULT_OUTPUT = "runs"
_LOCK_FILE = "run.lock"
_NAME = re.compile(r"[\w][\w.-]*", re.ASCII)
# How long a start waits for someone who only looks whether the run is in use.
_LOCK_SECONDS = 2.0
_KILLED = "its process ended without a word; resume it"


class Run:
    """One version of a model: what it was trained with, how it stands, the model.

    `train` makes one; `runs` finds those there are.

    Args:
        directory: string or path of the run.

    Raises:
        RunError: it is no run, or its `run.json` is broken.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).absolute()
        RunRecord.read(self.directory)

    @property
    def record(self) -> RunRecord:
        """What `run.json` holds now, a `RunRecord`."""
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
        """One of `queued`, `training`, `trained`, `failed` and `stopped`.

        A run whose process was killed is `stopped`.
        """
        return self._standing()[0]

    @property
    def reason(self) -> str | None:
        """Why the run failed or stopped, or `None`."""
        return self._standing()[1]

    @property
    def metrics(self) -> dict[str, Any]:
        """What training found out, such as the validation loss of the epoch kept."""
        return self.record.metrics

    @property
    def template(self) -> Template:
        """The `Template`, with all its parameters."""
        record = self.record
        return from_text(record.template, record.parameters)

    @property
    def preset(self) -> Path:
        """Path of the preset that holds the model; it exists once the run is trained."""
        return self.directory / "preset"

    @property
    def log(self) -> str:
        """What `training.log` holds."""
        path = self.directory / "training.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def history(self) -> list[dict[str, float]]:
        """Metrics of every epoch, a dict each."""
        path = self.directory / "history.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]

    def load(self, **kwargs: Any) -> Classifier:
        """Load the trained model.

        Args:
            **kwargs: as for the `from_preset` of its class.

        Returns:
            A `TextClassifier`, or a `TextToTextClassifier`.

        Raises:
            RunError: the run is not trained.
        """
        from keras_textcls.text_to_text_classifier import classifier_from_preset

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
        """Load the texts given as validation data, or `None` if there were none."""
        from keras_textcls.data.text_dataset import TextDataset

        path = self.directory / "validation_data"
        return TextDataset.load(path) if path.exists() else None

    def resume(self, **kwargs: Any) -> Run:
        """Go on where the run was stopped or failed, with the texts that it holds.

        Args:
            **kwargs: `verbose`, `checkpoint_seconds` and `tensorboard`, as for
                `train`.

        Returns:
            This `Run`.
        """
        from keras_textcls.training.train import resume_run

        return resume_run(self, **kwargs)

    def rerun(self, **kwargs: Any) -> Run:
        """Train the same once more, as the next version.

        Args:
            **kwargs: as for `resume`.

        Returns:
            Another `Run`.
        """
        from keras_textcls.training.train import rerun

        return rerun(self, **kwargs)

    def needed_by(self) -> list[Run]:
        """Return the runs that would be lost with this one.

        Those are runs whose model is adapters of this one's, and those that
        continue it and are not trained yet.

        Returns:
            A list of `Run`.
        """
        others = [run for run in runs(self.directory.parent.parent) if run != self]
        return [run for run in others if self._is_base_of(run) or self._is_continued_by(run)]

    def _is_base_of(self, run: Run) -> bool:
        try:
            adapter = json.loads((run.preset / ADAPTER_FILE).read_text(encoding="utf-8"))
            return Path(adapter["base"]["preset"]).is_relative_to(self.directory)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _is_continued_by(self, run: Run) -> bool:
        itself = f"{self.name}/{self.directory.name}"
        return run.record.resume_from == itself and run.status != "trained"

    def delete(self, force: bool = False) -> None:
        """Delete the run and all that it holds.

        Args:
            force: bool, whether to delete it even where other runs need it.
                Defaults to `False`.

        Raises:
            RunError: a process is training it, or other runs need it.
        """
        needed_by = [] if force else self.needed_by()
        if needed_by:
            raise RunError(
                f"{self!r} is what {', '.join(f'{r.name}/{r.version}' for r in needed_by)} stands "
                "on. Delete that first, or force it, and lose both."
            )
        with self.locked():
            # Gone in one step: half a run is never seen.
            doomed = self.directory.with_name(f".{self.directory.name}.deleting-{os.getpid()}")
            os.rename(self.directory, doomed)
        # Of this one, and of others whose process was killed meanwhile.
        for left in self.directory.parent.glob(".*.deleting-*"):
            shutil.rmtree(left, ignore_errors=left != doomed)
        with contextlib.suppress(OSError):
            self.directory.parent.rmdir()  # The last version takes the name with it.

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no other process trains or deletes it.

        Raises:
            RunError: another process holds it.
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
            # Looked at again: it may have ended between the two.
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
            # A directory that this user may only read; another may train there.
            return _is_held_elsewhere(self.directory / _LOCK_FILE)
        lock.release()
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.directory == other.directory

    def __hash__(self) -> int:
        return hash(self.directory)

    def __repr__(self) -> str:
        return f"<Run {self.name}/{self.version} in {str(self.directory.parent.parent)!r}>"


def _is_held_elsewhere(lock: Path) -> bool:
    """Whether a lock that may not be written to is held."""
    try:
        import fcntl

        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False  # There is no lock, or none to be seen on this system.
    return False


def runs(output: str | os.PathLike[str] = DEFAULT_OUTPUT, name: str | None = None) -> list[Run]:
    """Find the runs in a directory.

    Args:
        output: string or path, as given to `train`. Defaults to `"runs"`.
        name: string, the model whose versions are wanted. Defaults to `None`,
            all.

    Returns:
        A list of `Run`, by name and version. Directories that are no run, or
        whose `run.json` is broken, are left out.

    Example:
    >>> runs("no-such-directory")
    []
    """
    found = []
    _check_path(output)
    for record in Path(output).glob(f"*/*/{RECORD_FILE}"):
        directory = record.parent
        if directory.name.isdigit() and name in (None, directory.parent.name):
            with contextlib.suppress(RunError):
                found.append(Run(directory))
    return sorted(found, key=lambda run: (run.name, run.version))


def broken_runs(output: str | os.PathLike[str], name: str | None = None) -> dict[Path, str]:
    """Find the versions that `runs` leaves out, because their `run.json` is broken or missing.

    Args:
        output: string or path, as given to `train`.
        name: string, the model whose versions are wanted. Defaults to `None`,
            all.

    Returns:
        A dict from the `Path` of a version to what is wrong with it.
    """
    found = {}
    models = (m for m in _entries(Path(output)) if name in (None, m.name) and _is_model(m))
    for directory in sorted(entry for model in models for entry in _entries(model)):
        try:
            RunRecord.read(directory)
        except RunError as error:
            found[directory] = str(error)
    return found


def delete_broken(directory: Path, force: bool = False) -> None:
    """Delete a version that is no `Run`, as its `run.json` is broken.

    Args:
        directory: `Path`, one of those that `broken_runs` finds.
        force: bool, as in `Run.delete`. Defaults to `False`.

    Raises:
        RunError: a process is training it, or other runs need it.
    """
    run = object.__new__(Run)  # Its constructor reads the record.
    run.directory = directory.absolute()
    run.delete(force)


def find_run(output: str | os.PathLike[str], which: str) -> Run:
    """Return one run by name and version.

    Args:
        output: string or path, as given to `train`.
        which: `"name/version"`, or `"name"` for the newest version.

    Returns:
        A `Run`.

    Raises:
        RunError: there is none, or its `run.json` is broken.
    """
    name, _, version = which.strip("/").partition("/")
    there = runs(output)
    versions = [run for run in there if run.name == name]
    if version:
        if (Path(output) / name / version / RECORD_FILE).exists():
            return Run(Path(output) / name / version)
    elif versions:
        return versions[-1]
    names = [f"{run.name}/{run.version}" for run in there] + sorted({r.name for r in there})
    known = f" There are {', '.join(names[: len(there)][-8:])}." if there else " There is none."
    raise RunError(
        f"There is no run {which!r} in {str(output)!r}.{did_you_mean(which, names)}{known}"
    )


def check_output(output: str | os.PathLike[str], name: str) -> Path:
    """Check where runs are to be written.

    Args:
        output: string or path.
        name: string, of the model.

    Returns:
        The `Path` of the model's versions, which need not exist.

    Raises:
        ArgumentError: the name serves for no directory, or the directory holds
            something else.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ArgumentError(
            "`name` must consist of letters, digits, dots, dashes and underscores, and begin with "
            f"no dot or dash. Received: name={shorten(name)}."
        )
    _check_path(output)
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"`output` must be a directory. {str(folder)!r} is a file.")
    strangers = [entry for entry in _entries(folder) if not _is_model(entry)]
    if strangers and (not runs(folder) or name in [entry.name for entry in strangers]):
        raise ArgumentError(
            f"`output` must be a directory of runs, a new one or an empty one. {str(folder)!r} "
            f"holds {shorten(sorted(map(_stranger, strangers)))}."
        )
    return folder / name


def _check_path(output: Any) -> None:
    if not isinstance(output, (str, os.PathLike)):
        raise ArgumentError(f"`output` must be a path. Received: output={shorten(output)}.")


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _is_model(folder: Path) -> bool:
    """Whether a directory holds versions and nothing else."""
    return folder.is_dir() and all(entry.name.isdigit() for entry in _entries(folder))


def _stranger(entry: Path) -> str:
    """What in a directory is no run: a file, or what stands beside the versions of a model."""
    inside = [found.name for found in _entries(entry) if not found.name.isdigit()]
    return f"{entry.name}/{min(inside)}" if inside else entry.name


def newest_version(folder: Path) -> int:
    """Return the highest number that a directory in the folder of a model has, or 0.

    Args:
        folder: `Path` of the model's versions.

    Returns:
        An int.
    """
    return max((int(entry.name) for entry in _entries(folder) if entry.name.isdigit()), default=0)


def new_run(folder: Path, record: Callable[..., RunRecord]) -> Run:
    """Make the directory of the next version.

    Args:
        folder: `Path` of the model's versions.
        record: function from `version` to the `RunRecord`.

    Returns:
        A `Run`, queued.

    Raises:
        RunError: the directory cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            directory = folder / str(newest_version(folder) + 1)
            # Never a version without its record, whenever the process is killed.
            draft = folder / f".{directory.name}.new-{secrets.token_hex(4)}"
            draft.mkdir()
            try:
                record(version=int(directory.name)).write(draft)
                draft.rename(directory)
            except OSError:
                shutil.rmtree(draft, ignore_errors=True)
                if not directory.exists():
                    raise
                continue  # Another process was faster.
            return Run(directory)
    except OSError as error:
        raise RunError(f"No run can be made in {str(folder)!r}: {error.strerror}.") from error
