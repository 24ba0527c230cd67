"""Deletes versions of a model, and finds the versions that depend on one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

from keras_textcls.catalogue import ADAPTER_FILE
from keras_textcls.errors import RunError
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.run_folders.versions import Kind, find_versions


def needed_by(run: Kind) -> list[Kind]:
    """Return the versions that cannot be used without this one; see `Run.needed_by`.

    Args:
        run: `RunDirectory` or `Run`.

    Returns:
        A list of objects of the same class.
    """
    others = [one for one in find_versions(type(run), run.directory.parent.parent) if one != run]
    return [one for one in others if _is_base_of(run, one) or _is_continued_by(run, one)]


def _is_base_of(run: RunDirectory, other: RunDirectory) -> bool:
    path = other.preset / ADAPTER_FILE
    if not path.is_file():
        return False  # A pipe would be waited for.
    try:
        adapter = json.loads(path.read_text(encoding="utf-8"))
        base = Path(adapter["base"]["preset"])
        return base.resolve().is_relative_to(run.directory.resolve())
    except (OSError, ValueError, KeyError, TypeError, RecursionError, RuntimeError):
        return False


def _is_continued_by(run: RunDirectory, other: RunDirectory) -> bool:
    itself = f"{run.name}/{run.directory.name}"
    return other.record.resume_from == itself and other.status != "trained"


def delete_version(run: RunDirectory, force: bool = False) -> None:
    """Delete a version and all its files, even if its `run.json` is broken.

    Args:
        run: `RunDirectory`.
        force: bool, whether to delete it even if other versions need it.
            Defaults to `False`.

    Raises:
        RunError: a process is training it, or other versions need it.
    """
    others = [] if force else needed_by(run)
    if others:
        raise RunError(
            f"{run!r} is needed by {', '.join(f'{r.name}/{r.version}' for r in others)}. "
            "Delete that first, or lose both with force=True (--force)."
        )
    with run.locked():
        # Renamed first, so that nobody sees a partly deleted run.
        doomed = run.directory.with_name(f".{run.directory.name}.deleting-{os.getpid()}")
        os.rename(run.directory, doomed)
    # Remove this run, and others whose deletion was interrupted.
    for left in run.directory.parent.glob(".*.deleting-*"):
        shutil.rmtree(left, ignore_errors=left != doomed)
    with contextlib.suppress(OSError):
        run.directory.parent.rmdir()  # With the last version, remove the folder of the model.
