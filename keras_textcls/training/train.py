"""`train`: a dataset, a preset and a template become a run, the next version of a model."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import platform
import shlex
import time
from pathlib import Path
from typing import Any

import keras

import keras_textcls
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, KerasTextclsError, RunError, shorten
from keras_textcls.predictions.prediction import AnswerOptions
from keras_textcls.training.model_source import ModelSource, model_source
from keras_textcls.training.preparation import (
    as_dataset,
    check_validation,
    describe,
    hold_out,
    leakage,
    parts_of,
)
from keras_textcls.training.run_folders.checkpoint import CheckpointStore
from keras_textcls.training.run_folders.run import Run
from keras_textcls.training.run_folders.run_record import RunRecord, now
from keras_textcls.training.run_folders.runs import (
    DEFAULT_OUTPUT,
    check_output,
    find_run,
    new_run,
    newest_version,
    runs,
)
from keras_textcls.training.run_folders.training_log import TrainingLog
from keras_textcls.training.templates import (
    DEFAULT_TEMPLATE,
    GradientTraining,
    Template,
    template,
)
from keras_textcls.training.trainers.callbacks import (
    TrainingStopped,
    check_tensorboard,
    is_interactive,
)
from keras_textcls.training.trainers.fine_tuning import check_fit, fine_tune
from keras_textcls.training.trainers.job import Job, Outcome
from keras_textcls.training.trainers.transfer_learning import transfer
from keras_textcls.utils.versions import installed_versions

_PACKAGES = ("keras", "keras-hub", "tensorflow", "jax", "torch", "numpy")
_TRAINERS = {
    "transfer_learning": transfer, "fine_tuning": fine_tune, "lora": fine_tune,
    "text_to_text_lora": fine_tune,
}  # fmt: skip
# What a run that is taken up must have in common with the one that was begun.
_SAME = (
    "template", "parameters", "preset_fingerprint", "dataset", "validation", "resume_from",
    "backend",
)  # fmt: skip


def train(
    dataset: Any,
    preset: str | os.PathLike[str] | None = None,
    template: str | Template = DEFAULT_TEMPLATE,
    output: str | os.PathLike[str] = DEFAULT_OUTPUT,
    name: str = "classifier",
    *,
    validation_data: Any = None,
    resume: bool | Run = False,
    resume_from: str | Run | None = None,
    checkpoint_seconds: float = 300.0,
    tensorboard: bool = False,
    verbose: str | int = "auto",
) -> Run:
    """Train a classifier: the next version of a model, in a directory of its own.

    Whatever can be wrong with the arguments or the data is said before training
    starts. A run whose process was killed goes on with `resume=True`, and ends
    at the weights of the unbroken run, bit for bit on one backend and machine.
    Ctrl-C in a training of several epochs stops after the step, saves, and
    returns the run, whose `status` is `"stopped"`; elsewhere it stops at once.
    Where the dataset names its parts (a column `split`), `train` is trained on
    and `validation` validated on. The random generators of Keras, NumPy and
    Python are seeded.

    Args:
        dataset: `TextDataset`, or anything that `read` takes, such as the path
            of a CSV file.
        preset: string or path, what to start from, as for
            `TextClassifier.from_preset`. Defaults to `None`: the bundled
            encoder, or with `resume_from` the preset of that run.
        template: name of a template, with its defaults, or a `Template`.
            Defaults to `"transfer_learning"`.
        output: string or path, the directory of the runs. Defaults to `"runs"`.
        name: string, of the model. Defaults to `"classifier"`.
        validation_data: like `dataset`, what the epoch to keep is picked on.
            Defaults to `None`: a share of `dataset`, as the template says.
        resume: bool or `Run`: whether to go on with the newest version of the
            model, or which run to go on with. If it is trained already, it is
            returned as it is; if it was trained with something else, the next
            version is begun. Defaults to `False`, a new version.
        resume_from: `Run`, `"name/version"` or `"name"`: an earlier version
            whose training continues on new data. Fine-tuning starts from its
            weights; transfer learning solves the head on its data and the new
            ones together. Defaults to `None`.
        checkpoint_seconds: float, time between checkpoints within an epoch.
            Defaults to 300.
        tensorboard: bool, whether to write events for TensorBoard into the run.
            Defaults to `False`.
        verbose: 0 (silent), 1 (progress bar), 2 (a line an epoch) or `"auto"`:
            a bar on a terminal or in a notebook, else lines.

    Returns:
        A `Run`.

    Raises:
        InvalidDataError: the data cannot be trained on.
        ArgumentError: an argument is wrong, or two are at odds.
        PresetError: the preset is missing, broken or refused.
        RunError: the run is in use, differs from what is to be resumed, or
            fails.

    Example:
    >>> import tempfile
    >>> from keras_textcls import read
    >>> messages = read([
    ...     ("win cash now", "spam"), ("free prize, call now", "spam"),
    ...     ("see you at six", "ham"), ("are you at home?", "ham"),
    ... ])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = train(messages, output=folder, name="messages", verbose=0)
    ...     print(run.status, run.load().classify("free cash")[0].label)
    trained spam
    """
    chosen, verbosity = as_template(template), _verbosity(verbose)
    folder = check_output(output, name)
    if tensorboard:
        check_tensorboard()
    if not isinstance(checkpoint_seconds, (int, float)) or not checkpoint_seconds >= 0:
        raise ArgumentError(
            "`checkpoint_seconds` must be a number of at least 0. Received: checkpoint_seconds="
            f"{shorten(checkpoint_seconds)}."
        )
    earlier = _find_earlier(output, _as_begun(output, name, resume, resume_from))
    if earlier is not None and preset is not None:
        raise ArgumentError(
            "`preset` and `resume_from` are at odds: the earlier version is the preset. Leave "
            "`preset` out."
        )
    data = as_dataset(dataset, "dataset")
    validation = None if validation_data is None else as_dataset(validation_data, "validation_data")
    data, validation, notes = parts_of(data, validation)
    make, data = model_source(data, preset, chosen, earlier)
    train_on = data
    if validation is not None:
        check_validation(data, validation, make.labels, make.multi_label)
    elif isinstance(chosen, GradientTraining):
        train_on, _ = hold_out(data, chosen)
    describe_run = functools.partial(
        RunRecord,
        name=name,
        template=chosen.name,
        parameters=chosen.to_dict(),
        preset=make.preset,
        preset_fingerprint=_checked_fingerprint(make, chosen, train_on),
        dataset=describe(data),
        validation=None if validation is None else describe(validation),
        resume_from=None if earlier is None else f"{earlier.name}/{earlier.version}",
        backend=keras.config.backend(),
        versions=_versions(),
        created=now(),
    )
    run = _to_resume(output, name, describe_run, resume)
    if run is not None and run.status == "trained":
        return _finished(run)
    run = run or new_run(folder, describe_run)
    job = functools.partial(
        Job, run, chosen, data, validation, make,
        checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard, notes=notes,
    )  # fmt: skip
    with run.locked():
        if resume and run.status == "trained":
            return run  # Another process was faster.
        return _execute(run, job, verbosity)


def _finished(run: Run) -> Run:
    """A trained run, without the checkpoint that it has if it was killed at the very end."""
    if run.checkpoint.exists():
        with contextlib.suppress(RunError), run.locked():
            CheckpointStore(run.checkpoint).clear()
    return run


def resume_run(run: Run, **kwargs: Any) -> Run:
    """Go on with a run that was stopped or failed; see `Run.resume`."""
    return _again(run, resume=run, **kwargs)


def rerun(run: Run, **kwargs: Any) -> Run:
    """Train the same once more, as the next version; see `Run.rerun`."""
    return _again(run, **kwargs)


def _again(run: Run, **kwargs: Any) -> Run:
    record = run.record
    return train(
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
    """Return the template that was given, or the one of that name.

    Args:
        given: string or `Template`.

    Returns:
        A `Template`.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(given, Template):
        return given
    if isinstance(given, str):
        return template(given)
    raise ArgumentError(
        f"`template` must be a name or a Template. Received: template={shorten(given)}. Make one "
        'with keras_textcls.template("fine_tuning", epochs=5).'
    )


def _find_earlier(output: Any, which: Any) -> Run | None:
    if which is None:
        return None
    if not isinstance(which, (str, Run)):
        raise ArgumentError(
            "`resume_from` must be a Run, or its name and version, such as 'model/2'. Received: "
            f"resume_from={shorten(which)}."
        )
    run = which if isinstance(which, Run) else find_run(output, which)
    if run.directory.parent.parent != Path(output).absolute():
        raise ArgumentError(
            f"`resume_from` names {run!r}, but the new version would be in {str(output)!r}. Pass "
            f"output={str(run.directory.parent.parent)!r}, or preset={str(run.preset)!r} for a "
            "model that stands alone."
        )
    if run.status != "trained":
        raise RunError(f"`resume_from` names {run!r}, which is {run.status}, not trained.")
    return run


def _checked_fingerprint(make: ModelSource, chosen: Template, train_on: TextDataset) -> str:
    """The hash of what training starts from, once the template is known to fit it."""
    fingerprint = make.fingerprint()
    if isinstance(chosen, GradientTraining):
        assert make.first is not None
        check_fit(make.first, chosen, len(train_on))
    return fingerprint


def _as_begun(output: Any, name: str, resume: bool | Run, resume_from: Any) -> Any:
    """What `resume_from` meant when the run that is resumed was begun.

    The name of a model meant its newest version, which since is that run.
    """
    there = [resume] if isinstance(resume, Run) else runs(output, name) if resume else []
    begun = there[-1].record.resume_from if there else None
    if not isinstance(resume_from, str) or begun is None:
        return resume_from
    return begun if begun.partition("/")[0] == resume_from.strip("/") else resume_from


def _to_resume(output: Any, name: str, record: Any, resume: bool | Run) -> Run | None:
    """The run to go on with, after a look at whether it is the same."""
    if not resume:
        return None
    there = [resume] if isinstance(resume, Run) else runs(output, name)
    if not there:
        return None  # Killed before it began: it begins now.
    run = there[-1]
    newest = newest_version(run.directory.parent)
    if not isinstance(resume, Run) and newest > run.version:
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
    if differing and run.status == "trained" and not isinstance(resume, Run):
        return None  # Killed before the version that was asked for began.
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
    # Of a hash, the beginning says enough.
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


def _versions() -> dict[str, str]:
    return installed_versions(_PACKAGES) | {"keras-textcls": keras_textcls.__version__}


def _execute(run: Run, job: Any, verbose: int) -> Run:
    """Train, and write down how it ended, whatever happens."""
    begun, before = time.monotonic(), run.record

    def update(status: str, **changes: Any) -> None:
        seconds = round(before.seconds + time.monotonic() - begun, 3)
        dataclasses.replace(run.record, status=status, seconds=seconds, **changes).write(
            run.directory
        )

    with TrainingLog(run.directory / "training.log", verbose) as log:
        try:
            update("training", started=now(), starts=before.starts + 1, reason=None, ended=None)
            ready: Job = job(tell=log.tell, log=log.write, verbose=verbose)
            _write_inputs(ready)
            outcome = _TRAINERS[ready.template.name](ready)
            _save(ready, outcome)
            update("trained", ended=now(), metrics=outcome.metrics)
        except (TrainingStopped, KeyboardInterrupt) as stop:
            with contextlib.suppress(OSError):
                update("stopped", ended=now(), reason="interrupted")
            log.tell(f"Stopped. {_how_to_go_on(run)}")
            if isinstance(stop, KeyboardInterrupt):
                raise
            return run
        except BaseException as error:
            reason = str(error) or type(error).__name__
            log.write(f"Failed: {type(error).__name__}: {reason}")
            # On a full disk the reason is told, not written.
            with contextlib.suppress(OSError):
                update("failed", ended=now(), reason=reason)
            if isinstance(error, OSError) and not isinstance(error, KerasTextclsError):
                raise RunError(
                    f"{run!r} failed: {error}. Earlier versions are as they were. "
                    f"{_how_to_go_on(run)}"
                ) from error
            raise
        CheckpointStore(run.checkpoint).clear()
        log.tell(f"Trained {run.name}/{run.version}: {_summary(outcome.metrics)}.")
    return run


def _how_to_go_on(run: Run) -> str:
    output = shlex.quote(str(run.directory.parent.parent))
    return (
        f"Go on with: keras-textcls runs resume {run.name}/{run.version} --output {output} "
        "(in Python: run.resume())."
    )


def _write_inputs(job: Job) -> None:
    """Put down what the run is trained with, before it begins."""
    directory, record = job.run.directory, job.run.record
    # The texts last: a run that has them has all that it needs to be resumed.
    if job.validation is not None and not (directory / "validation_data").exists():
        job.validation.save(directory / "validation_data")
    if not (directory / "data").exists():
        job.dataset.save(directory / "data")
    beside: dict[str, Any] = {"preset": record.preset}
    if record.resume_from is not None:
        beside = {"resume_from": record.resume_from}
    for name, described in (("dataset", record.dataset), ("validation", record.validation)):
        if described is not None:
            beside[name] = {key: described[key] for key in ("fingerprint", "rows")}
    job.template.to_yaml(directory / "run.yaml", **beside)
    job.log(f"{record.name}/{record.version}, start {record.starts}: {record.template}")
    for name, value in record.parameters.items():
        job.log(f"  {name}: {value}")
    job.log(f"preset {record.preset}, weights {record.preset_fingerprint}")
    job.log(", ".join(f"{package} {version}" for package, version in record.versions.items()))
    job.log(f"backend {record.backend}, {os.cpu_count()} processors, {platform.platform()}")
    job.log(str(job.dataset.stats()))
    for note in job.notes:
        job.log(note)
    if job.validation is not None:
        warning = leakage(job.dataset, job.validation)
        if warning:
            job.tell(f"Warning: {warning}")


def _save(job: Job, outcome: Outcome) -> None:
    classifier, template = outcome.classifier, job.template
    classifier.training_summary = {
        "run": f"{job.run.name}/{job.run.version}",
        "template": template.name,
        "texts": len(job.dataset),
        "dataset": job.dataset.fingerprint,
        **outcome.metrics,
    }
    classifier.answer_options = AnswerOptions(
        template.select_labels, template.min_score, template.max_labels
    )
    if outcome.adapter_only:
        classifier.save_to_preset(job.run.preset, adapter_only=True)
    else:
        classifier.save_to_preset(job.run.preset)


def _summary(metrics: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" for name, value in metrics.items() if isinstance(value, (int, float))
    )
