"""`train`: a dataset, a preset and a template become a run, the next version of a model."""

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
    run = start_training(
        dataset, preset, template, output, name,
        validation_data=validation_data, resume=resume, resume_from=resume_from,
        checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard, verbose=verbose,
    )  # fmt: skip
    return run if isinstance(run, Run) else Run(run.directory)
