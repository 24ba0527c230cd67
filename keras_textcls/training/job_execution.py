"""Executes a run: trains, saves the model, and records the result or the error."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import shlex
import time
from collections.abc import Callable
from typing import Any

from keras_textcls.errors import KerasTextclsError, RunError
from keras_textcls.predictions.prediction import AnswerOptions
from keras_textcls.training.preparation import leakage
from keras_textcls.training.run_folders.checkpoint import CheckpointStore
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.run_folders.run_record import Status, now
from keras_textcls.training.run_folders.training_log import TrainingLog
from keras_textcls.training.trainers.callbacks import TrainingStopped
from keras_textcls.training.trainers.fine_tuning import fine_tune
from keras_textcls.training.trainers.job import Job, Outcome
from keras_textcls.training.trainers.transfer_learning import transfer

_TRAINERS = {
    "transfer_learning": transfer, "fine_tuning": fine_tune, "lora": fine_tune,
    "text_to_text_lora": fine_tune,
}  # fmt: skip


def execute(run: RunDirectory, job: Callable[..., Job], verbose: int) -> None:
    """Train, and record the result or the error in the run.

    Args:
        run: `RunDirectory`, locked.
        job: function from `tell`, `log` and `verbose` to the `Job`.
        verbose: int, 0 silent, 1 progress bar, 2 one line for each epoch.

    Raises:
        KerasTextclsError: the training failed; the record of the run holds the
            reason.
    """
    begun, before = time.monotonic(), run.record

    def update(status: Status, **changes: Any) -> None:
        seconds = round(before.seconds + time.monotonic() - begun, 3)
        dataclasses.replace(run.record, status=status, seconds=seconds, **changes).write(
            run.directory
        )

    with TrainingLog(run.directory / "training.log", verbose) as log:
        try:
            update("training", started=now(), starts=before.starts + 1, reason=None, ended=None)
            ready = job(tell=log.tell, log=log.write, verbose=verbose)
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
            return
        except BaseException as error:
            reason = str(error) or type(error).__name__
            log.write(f"Failed: {type(error).__name__}: {reason}")
            # On a full disk the record cannot be written; the error is still raised.
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


def _how_to_go_on(run: RunDirectory) -> str:
    output = shlex.quote(str(run.directory.parent.parent))
    return (
        f"Go on with: keras-textcls runs resume {run.name}/{run.version} --output {output} "
        "(in Python: run.resume())."
    )


def _write_inputs(job: Job) -> None:
    """Save the data and the parameters of the run, and log them, before training."""
    directory, record = job.run.directory, job.run.record
    # The training texts are saved last: a run that has them can be resumed.
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
