"""Trains by a template without a run: nothing stays behind but the classifier."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, RunError
from keras_textcls.predictions.prediction import AnswerOptions
from keras_textcls.text_to_text.text_to_text_classifier import Classifier
from keras_textcls.training.model_source import model_source
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.runs import Run
from keras_textcls.training.templates import Template, TransferLearning
from keras_textcls.training.train import train
from keras_textcls.training.trainers.job import Job
from keras_textcls.training.trainers.transfer_learning import transfer


def train_unrecorded(
    dataset: TextDataset,
    preset: str | os.PathLike[str] | None,
    template: Template,
    sample_weight: np.ndarray | None = None,
) -> Classifier:
    """Train a classifier and leave no run behind.

    Args:
        dataset: `TextDataset`.
        preset: string or path, or `None` for the bundled encoder.
        template: `Template`.
        sample_weight: float array of shape `(num_texts,)`, for
            `transfer_learning`, or `None`. Defaults to `None`.

    Returns:
        A classifier.

    Raises:
        ArgumentError: weights are given to a template that does not take them.
        RunError: the training does not end.
    """
    with tempfile.TemporaryDirectory(prefix="keras-textcls-") as folder:
        if isinstance(template, TransferLearning):
            return _transfer(dataset, preset, template, sample_weight, folder)
        if sample_weight is not None:
            raise ArgumentError(
                "`sample_weight` is for the template 'transfer_learning'. Received it with the "
                f"template {template.name!r}. Leave it out."
            )
        run: Run = train(dataset, preset, template, output=folder, verbose=0)
        if run.status != "trained":
            raise RunError(f"The training ended as {run.status}: {run.reason}.")
        return run.load()


def _transfer(
    dataset: TextDataset,
    preset: str | os.PathLike[str] | None,
    template: TransferLearning,
    sample_weight: np.ndarray | None,
    folder: str,
) -> Classifier:
    make, data = model_source(dataset, preset, template, None)

    def say_nothing(line: str) -> None:
        """Take the place of a log."""

    job = Job(
        RunDirectory(folder),
        template,
        data,
        None,
        make,
        say_nothing,
        say_nothing,
        verbose=0,
        checkpoint_seconds=0,
        tensorboard=False,
        sample_weight=sample_weight,
    )
    classifier: Any = transfer(job).classifier
    classifier.answer_options = AnswerOptions(
        template.select_labels, template.min_score, template.max_labels
    )
    return classifier
