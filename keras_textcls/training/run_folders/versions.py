"""Finds the versions in a directory of runs, creates the next one, and checks the directory."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from keras_textcls.errors import ArgumentError, RunError, did_you_mean, shorten
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.run_folders.run_record import RECORD_FILE, RunRecord
from keras_textcls.utils.paths import read_path

DEFAULT_OUTPUT = "runs"
Kind = TypeVar("Kind", bound=RunDirectory)

_NAME = re.compile(r"[\w][\w.-]*", re.ASCII)


def find_versions(
    kind: type[Kind], output: str | os.PathLike[str], name: str | None = None
) -> list[Kind]:
    """Find the versions in a directory of runs; see `runs`.

    Args:
        kind: `RunDirectory` or a subclass, the class of the objects.
        output: string or path, as given to `train`.
        name: string, name of the model whose versions are listed. Defaults to
            `None`, all models.

    Returns:
        A list, sorted by name and version, without versions whose record is
        broken.
    """
    versions = []
    for record in read_path(output, "output").glob(f"*/*/{RECORD_FILE}"):
        directory = record.parent
        if directory.name.isdigit() and name in (None, directory.parent.name):
            with contextlib.suppress(RunError):
                RunRecord.read(directory)
                versions.append(kind(directory))
    return sorted(versions, key=lambda run: (run.name, run.version))


def broken_versions(output: str | os.PathLike[str], name: str | None = None) -> dict[Path, str]:
    """Find the versions whose `run.json` is broken or missing.

    Args:
        output: string or path, as given to `train`.
        name: string, name of the model whose versions are listed. Defaults to
            `None`, all models.

    Returns:
        A dict from the `Path` of a version to an error message.
    """
    errors = {}
    folders = _entries(read_path(output, "output"))
    models = (m for m in folders if name in (None, m.name) and _is_model(m))
    for directory in sorted(entry for model in models for entry in _entries(model)):
        try:
            RunRecord.read(directory)
        except RunError as error:
            errors[directory] = str(error)
    return errors


def find_version(kind: type[Kind], output: str | os.PathLike[str], which: str) -> Kind:
    """Return one version by name and number; see `find_run`.

    Args:
        kind: `RunDirectory` or a subclass, the class of the object.
        output: string or path, as given to `train`.
        which: `"name/version"`, or `"name"` for the newest version.

    Returns:
        An object of the class `kind`.

    Raises:
        RunError: there is no such version, or its `run.json` is broken.
    """
    if not isinstance(which, str):
        raise ArgumentError(
            '`which` must be a string, "name/version", or "name" for the newest version. '
            f"Received: which={shorten(which)}."
        )
    name, _, version = which.strip("/").partition("/")
    there = find_versions(kind, output)
    versions = [run for run in there if run.name == name]
    if version:
        directory = Path(output) / name / version
        # One name of a directory; what is no file gives false, and `kind` tells of other errors.
        if "/" not in version and os.path.lexists(directory / RECORD_FILE):
            return kind(directory)
    else:
        _refuse_broken_newest(output, name, versions[-1].version if versions else 0)
        if versions:
            return versions[-1]
    names = [f"{run.name}/{run.version}" for run in there] + sorted({r.name for r in there})
    known = f" There are {', '.join(names[: len(there)][-8:])}." if there else " There is none."
    raise RunError(
        f"There is no run {shorten(which)} in {str(output)!r}.{did_you_mean(which, names)}{known}"
    )


def _refuse_broken_newest(output: str | os.PathLike[str], name: str, readable: int) -> None:
    """An older version must not stand in for a newer one whose record cannot be read."""
    broken = broken_versions(output, name)
    newest = max(broken, key=lambda directory: int(directory.name), default=None)
    if newest is not None and int(newest.name) > readable:
        older = f" Ask for '{name}/{readable}' to use the one before." if readable else ""
        raise RunError(
            f"The newest run of {name!r} is {name}/{newest.name}, and {broken[newest].rstrip()}"
            f"{older}"
        )


def check_output(output: str | os.PathLike[str], name: str) -> Path:
    """Check the directory for new runs.

    Args:
        output: string or path.
        name: string, name of the model.

    Returns:
        The `Path` of the model's versions, which may not exist yet.

    Raises:
        ArgumentError: the name is not a valid name of a directory, or the
            directory contains other files than runs.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ArgumentError(
            "`name` must consist of letters, digits, dots, dashes and underscores, and begin with "
            f"no dot or dash. Received: name={shorten(name)}."
        )
    folder = read_path(output, "output")
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"`output` must be a directory. {str(folder)!r} is a file.")
    strangers = [entry for entry in _entries(folder) if not _is_model(entry)]
    if strangers and (
        not find_versions(RunDirectory, folder) or name in [entry.name for entry in strangers]
    ):
        raise ArgumentError(
            f"`output` must be a directory of runs, a new one or an empty one. {str(folder)!r} "
            f"holds {shorten(sorted(map(_stranger, strangers)))}."
        )
    return folder / name


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _is_model(folder: Path) -> bool:
    """Whether a directory contains only versions."""
    return folder.is_dir() and all(entry.name.isdigit() for entry in _entries(folder))


def _stranger(entry: Path) -> str:
    """The path of an entry that is not a run: a file, or an entry beside versions of a model."""
    inside = [child.name for child in _entries(entry) if not child.name.isdigit()]
    return f"{entry.name}/{min(inside)}" if inside else entry.name


def newest_version(folder: Path) -> int:
    """Return the highest version number in the folder of a model, or 0.

    Args:
        folder: `Path` of the model's versions.

    Returns:
        An int.
    """
    return max((int(entry.name) for entry in _entries(folder) if entry.name.isdigit()), default=0)


def new_version(folder: Path, record: Callable[..., RunRecord]) -> RunDirectory:
    """Create the directory of the next version.

    Args:
        folder: `Path` of the model's versions.
        record: function from `version` to the `RunRecord`.

    Returns:
        A `RunDirectory` with the status `"queued"`.

    Raises:
        RunError: the directory cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            directory = folder / str(newest_version(folder) + 1)
            # Renamed when complete, so that no version lacks its record if the process is killed.
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
            return RunDirectory(directory)
    except OSError as error:
        raise RunError(f"No run can be made in {str(folder)!r}: {error.strerror}.") from error
