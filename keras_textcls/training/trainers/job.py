"""The input and the result of a training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.text_to_text.text_to_text_classifier import Classifier
from keras_textcls.training.run_folders.run_directory import RunDirectory


@dataclasses.dataclass(frozen=True)
class Job:
    """One training: everything that a template needs.

    Args:
        run: `RunDirectory`.
        template: `Template`.
        dataset: `TextDataset`.
        validation: `TextDataset` or `None`.
        load: function that makes the classifier; it is equal every time.
        tell: function that shows and logs a line.
        log: function that logs a line.
        verbose: int, 0 silent, 1 progress bar, 2 one line for each epoch.
        checkpoint_seconds: float, seconds between checkpoints within an epoch.
        tensorboard: bool, whether to write events for TensorBoard.
        notes: tuple of strings, notes on the data for the log. Defaults to `()`.
        sample_weight: float array of shape `(num_texts,)` for
            `transfer_learning`, or `None`. Defaults to `None`.
    """

    run: RunDirectory
    template: Any
    dataset: TextDataset
    validation: TextDataset | None
    load: Callable[[], Classifier]
    tell: Callable[[str], None]
    log: Callable[[str], None]
    verbose: int
    checkpoint_seconds: float
    tensorboard: bool
    notes: tuple[str, ...] = ()
    sample_weight: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a training.

    Args:
        classifier: a trained classifier.
        metrics: dict of training metrics.
        adapter_only: bool, whether to save the adapters alone. Defaults to
            `False`.
    """

    classifier: Classifier
    metrics: dict[str, Any]
    adapter_only: bool = False
