"""Checks the arguments of `train`, and creates a new run or finds the one to resume.

All errors in the arguments and the data are raised here.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, RunError, shorten
from keras_textcls.training.job_execution import execute
from keras_textcls.training.model_source import ModelSource, model_source
from keras_textcls.training.preparation import (
    as_dataset,
    check_validation,
    describe,
    hold_out,
    parts_of,
)
from keras_textcls.training.run_folders.checkpoint import CheckpointStore
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.run_folders.run_record import RunRecord, now
from keras_textcls.training.run_folders.versions import (
    check_output,
    find_version,
    find_versions,
    new_version,
    newest_version,
)
from keras_textcls.training.templates import GradientTraining, Template, template
from keras_textcls.training.trainers.callbacks import check_tensorboard, is_interactive
from keras_textcls.training.trainers.fine_tuning import check_fit
from keras_textcls.training.trainers.job import Job
from keras_textcls.utils.versions import installed_versions
from keras_textcls.version import __version__

# Packages whose versions are written into the record of every run.
_PACKAGES = ("keras", "keras-hub", "tensorflow", "jax", "torch", "numpy")
# Fields of the record that must be equal when a run is resumed.
_SAME = (
    "template", "parameters", "preset_fingerprint", "dataset", "validation", "resume_from",
    "backend",
)  # fmt: skip


def start_training(
    dataset: Any,
    preset: str | os.PathLike[str] | None,
    template: str | Template,
    output: str | os.PathLike[str],
    name: str,
    *,
    validation_data: Any = None,
    resume: bool | RunDirectory = False,
    resume_from: str | RunDirectory | None = None,
    checkpoint_seconds: float = 300.0,
    tensorboard: bool = False,
    verbose: str | int = "auto",
) -> RunDirectory:
    """Train; see `train`, whose arguments these are.

    Returns:
        The `RunDirectory` of the run: `resume` itself where that is one.
    """
    chosen, verbosity = as_template(template), _verbosity(verbose)
    folder = check_output(output, name)
    if tensorboard:
        check_tensorboard()
    _check_seconds(checkpoint_seconds)
    earlier = _find_earlier(output, _as_begun(output, name, resume, resume_from))
    if earlier is not None and preset is not None:
        raise ArgumentError(
            "`preset` and `resume_from` contradict each other: the earlier version is the preset. "
            "Leave `preset` out."
        )
    data = as_dataset(dataset, "dataset")
    validation = None if validation_data is None else as_dataset(validation_data, "validation_data")
    data, validation, notes = parts_of(data, validation)
    make, data = model_source(data, preset, chosen, earlier)
    describe_run = _checked_record(name, make, data, validation, earlier)
    run = _to_resume(output, name, describe_run, resume)
    if run is not None and run.status == "trained":
        return _finished(run)
    run = run or new_version(folder, describe_run)
    job = functools.partial(
        Job, run, chosen, data, validation, make,
        checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard, notes=notes,
    )  # fmt: skip
    with run.locked():
        if resume and run.status == "trained":
            return run  # Another process was faster.
        execute(run, job, verbosity)
    return run


def _check_seconds(checkpoint_seconds: Any) -> None:
    if not isinstance(checkpoint_seconds, (int, float)) or not checkpoint_seconds >= 0:
        raise ArgumentError(
            "`checkpoint_seconds` must be a number of at least 0. Received: checkpoint_seconds="
            f"{shorten(checkpoint_seconds)}."
        )


def _finished(run: RunDirectory) -> RunDirectory:
    """Return a trained run; remove its checkpoint, in case it was killed at the very end."""
    if run.checkpoint.exists():
        with contextlib.suppress(RunError), run.locked():
            CheckpointStore(run.checkpoint).clear()
    return run


def train_again(run: RunDirectory, **kwargs: Any) -> RunDirectory:
    """Train with the data, the preset and the parameters of a run.

    Args:
        run: `RunDirectory`.
        **kwargs: `resume` to continue that run, and further arguments of `train`.

    Returns:
        The `RunDirectory` that was trained.
    """
    record = run.record
    return start_training(
        run.dataset(),
        None if record.resume_from else record.preset,
        run.template,
        run.directory.parent.parent,
        run.name,
        validation_data=run.validation_dataset(),
        resume_from=record.resume_from,
        **kwargs,
    )


def as_template(given: Any) -> Template:
    """Return the given template, or the template with the given name.

    Args:
        given: string or `Template`.

    Returns:
        A `Template`.

    Raises:
        ArgumentError: `given` is neither a template nor the name of one.
    """
    if isinstance(given, Template):
        return given
    if isinstance(given, str):
        return template(given)
    raise ArgumentError(
        f"`template` must be a name or a Template. Received: template={shorten(given)}. Make one "
        'with keras_textcls.template("fine_tuning", epochs=5).'
    )


def _find_earlier(output: Any, which: Any) -> RunDirectory | None:
    if which is None:
        return None
    if not isinstance(which, (str, RunDirectory)):
        raise ArgumentError(
            "`resume_from` must be a Run, or its name and version, such as 'model/2'. Received: "
            f"resume_from={shorten(which)}."
        )
    run = which if isinstance(which, RunDirectory) else find_version(RunDirectory, output, which)
    if run.directory.parent.parent != Path(output).absolute():
        raise ArgumentError(
            f"`resume_from` names {run!r}, but the new version would be in {str(output)!r}. Pass "
            f"output={str(run.directory.parent.parent)!r}, or preset={str(run.preset)!r} for a "
            "model that is independent of that run."
        )
    if run.status != "trained":
        raise RunError(f"`resume_from` names {run!r}, which is {run.status}, not trained.")
    return run


def _checked_record(
    name: str,
    make: ModelSource,
    data: TextDataset,
    validation: TextDataset | None,
    earlier: RunDirectory | None,
) -> Callable[..., RunRecord]:
    """Check that data and template fit the preset; return a function that makes the record."""
    train_on = data
    if validation is not None:
        check_validation(data, validation, make.labels, make.multi_label)
    elif isinstance(make.template, GradientTraining):
        train_on, _ = hold_out(data, make.template)
    fingerprint = make.fingerprint()
    if isinstance(make.template, GradientTraining):
        assert make.first is not None
        check_fit(make.first, make.template, len(train_on))
    return functools.partial(
        RunRecord,
        name=name,
        template=make.template.name,
        parameters=make.template.to_dict(),
        preset=make.preset,
        preset_fingerprint=fingerprint,
        dataset=describe(data),
        validation=None if validation is None else describe(validation),
        resume_from=None if earlier is None else f"{earlier.name}/{earlier.version}",
        backend=keras.config.backend(),
        versions=installed_versions(_PACKAGES) | {"keras-textcls": __version__},
        created=now(),
    )


def _as_begun(output: Any, name: str, resume: bool | RunDirectory, resume_from: Any) -> Any:
    """Return the value of `resume_from` when the run to resume was started.

    A name without a version meant the newest version then, which now is that run itself.
    """
    there = _versions_to_resume(output, name, resume)
    begun = there[-1].record.resume_from if there else None
    if not isinstance(resume_from, str) or begun is None:
        return resume_from
    return begun if begun.partition("/")[0] == resume_from.strip("/") else resume_from


def _versions_to_resume(output: Any, name: str, resume: bool | RunDirectory) -> list[RunDirectory]:
    """The versions that `resume` may refer to, the newest last."""
    if isinstance(resume, RunDirectory):
        return [resume]
    return find_versions(RunDirectory, output, name) if resume else []


def _to_resume(
    output: Any, name: str, record: Callable[..., RunRecord], resume: bool | RunDirectory
) -> RunDirectory | None:
    """Return the run to resume, after checking that it was started with the same arguments."""
    there = _versions_to_resume(output, name, resume)
    if not there:
        return None  # A new version, also if the process was killed before it was created.
    run = there[-1]
    newest = newest_version(run.directory.parent)
    if not isinstance(resume, RunDirectory) and newest > run.version:
        raise RunError(
            f"{run.name}/{newest} cannot be resumed: its run.json is missing or broken. Remove "
            f"{str(run.directory.with_name(str(newest)))!r}, and leave `resume` out."
        )
    before, asked = run.record, record(version=run.version)
    differing = [
        f"{key}: {_difference(getattr(before, key), getattr(asked, key))}"
        for key in _SAME
        if getattr(before, key) != getattr(asked, key)
    ]
    if differing and run.status == "trained" and not isinstance(resume, RunDirectory):
        return None  # The process was killed before the requested version was created.
    if differing:
        raise RunError(
            f"{run!r} cannot be resumed with what was given: it differs in {'; '.join(differing)}. "
            "Give what it was begun with, or leave `resume` out for a new version."
        )
    return run


def _difference(before: Any, asked: Any) -> str:
    if isinstance(before, dict) and isinstance(asked, dict):
        keys = [k for k in {**before, **asked} if before.get(k) != asked.get(k)]
        return ", ".join(
            f"{k} was {_brief(before.get(k))}, is {_brief(asked.get(k))}" for k in keys
        )
    return f"was {_brief(before)}, is {_brief(asked)}"


def _brief(value: Any) -> str:
    # The beginning of a hash is enough.
    is_hash = isinstance(value, str) and len(value) == 64 and " " not in value
    return f"{value[:12]}..." if is_hash else shorten(value)


def _verbosity(verbose: Any) -> int:
    if verbose == "auto":
        return 1 if is_interactive() else 2
    if verbose not in (0, 1, 2):
        raise ArgumentError(
            f'`verbose` must be 0, 1, 2 or "auto". Received: verbose={shorten(verbose)}.'
        )
    return int(verbose)
