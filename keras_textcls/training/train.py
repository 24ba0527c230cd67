"""`train`: trains a preset on a dataset with a template; the result is a run."""

from __future__ import annotations

import os
from typing import Any

from keras_textcls.training.run_folders.versions import DEFAULT_OUTPUT
from keras_textcls.training.runs import Run
from keras_textcls.training.templates import DEFAULT_TEMPLATE, Template
from keras_textcls.training.training_start import start_training


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
    """Train a classifier as the next version of a model, in a directory of its own.

    The arguments and the data are checked before training starts. A run whose process was
    killed continues with `resume=True`, and ends with the same weights as an uninterrupted
    run, bit for bit on one backend and machine. Ctrl-C during a training of several epochs
    finishes the current step, saves a checkpoint and returns the run with the `status`
    `"stopped"`; at other times it stops at once. If the dataset has a column `split`, the
    part `train` is used for training and the part `validation` for validation. The random
    generators of Keras, NumPy and Python are seeded.

    Args:
        dataset: `TextDataset`, or anything that `read` takes, such as the path
            of a CSV file.
        preset: string or path, the preset to train, as for
            `TextClassifier.from_preset`. Defaults to `None`: the bundled
            encoder, or with `resume_from` the preset of that run.
        template: name of a template, for its default parameters, or a
            `Template`. Defaults to `"transfer_learning"`.
        output: string or path, the directory of the runs. Defaults to `"runs"`.
        name: string, name of the model. Defaults to `"classifier"`.
        validation_data: like `dataset`, texts that determine the best epoch.
            Defaults to `None`: a share of `dataset`, set by the template.
        resume: bool or `Run`: whether to continue the newest version of the
            model, or the run to continue. If that run is already trained, it is
            returned; if it was trained with other arguments, the next version is
            started. Defaults to `False`, a new version.
        resume_from: `Run`, `"name/version"` or `"name"`: an earlier version
            whose training continues on new data. Fine-tuning starts from its
            weights; transfer learning solves the head on its data together with
            the new data. Defaults to `None`.
        checkpoint_seconds: float, seconds between checkpoints within an epoch.
            Defaults to `300.0`.
        tensorboard: bool, whether to write events for TensorBoard into the run.
            Defaults to `False`.
        verbose: 0 (silent), 1 (progress bar), 2 (one line for each epoch) or
            `"auto"`: a progress bar on a terminal or in a notebook, otherwise
            lines. Defaults to `"auto"`.

    Returns:
        A `Run`.

    Raises:
        InvalidDataError: the data cannot be trained on.
        ArgumentError: an argument is wrong, or two arguments contradict each
            other.
        PresetError: the preset is missing, broken or refused.
        RunError: the run is in use, the run to resume was started with other
            arguments, or the training fails.

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
    run = start_training(
        dataset, preset, template, output, name,
        validation_data=validation_data, resume=resume, resume_from=resume_from,
        checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard, verbose=verbose,
    )  # fmt: skip
    return run if isinstance(run, Run) else Run(run.directory)
