"""`LabelAnswers`: from scores to label names, for every model that scores labels.

It holds what `TextClassifier` and `TextToTextClassifier` have in common:
probabilities, decisions, calibration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from keras_textcls.batching.text_reader import TextReader
from keras_textcls.batching.windows import Windows
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.models.gelu import changed_gelu
from keras_textcls.predictions.calibration import (
    METHODS,
    Calibration,
    VectorScaling,
    fit_calibration,
)
from keras_textcls.predictions.decisions import read_thresholds
from keras_textcls.predictions.prediction import (
    AnswerOptions,
    Prediction,
    to_logits,
    to_predictions,
    to_probabilities,
)
from keras_textcls.saving.preset_files import ClassifierRecord

# The attributes that decide how scores become answers, each an argument of the constructors.
ANSWERING = ("thresholds", "temperature", "vector_scaling", "answer_options", "training_summary")
_Value = TypeVar("_Value", VectorScaling, AnswerOptions)


class LabelAnswers:
    """Probabilities and label names, for a model with `predict` and labels.

    A subclass has the attributes `backbone`, `labels`, `num_classes`,
    `multi_label` and `activation`, defines `_reader` and `_score_windows`, and has a
    namespace `_runtime` with the entries of `answering_state`.
    """

    labels: LabelSet
    num_classes: int
    multi_label: bool
    activation: Any
    backbone: Any
    _runtime: Any

    def _reader(self, use: str) -> TextReader:
        raise NotImplementedError

    def _score_windows(
        self, windows: Windows, batch_size: int | None, verbose: str | int, **kwargs: Any
    ) -> np.ndarray:
        """Return the scores of encoded texts."""
        raise NotImplementedError

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: str | int = "auto", **kwargs: Any
    ) -> np.ndarray:
        """Return the score of every label, as the model gives it.

        For a `TextClassifier` these are the outputs of the model: logits,
        unless `activation` is set. For a `TextToTextClassifier` it is the
        log-likelihood of each label's answer; if `content_free` is set, minus
        the log-likelihood after that text, and if `length_normalized` is set,
        divided by the number of tokens.

        Args:
            x: texts, a data set or a stream, as in `fit`; labels in it are
                ignored.
            batch_size: int, texts a batch. Defaults to `None`, as many as suit
                the model.
            verbose: as in `keras.Model.predict`. Defaults to `"auto"`.
            **kwargs: further arguments of `keras.Model.predict`.

        Returns:
            A float32 array of shape `(num_texts, num_classes)`, in the order of
            the texts.
        """
        windows = self._reader("predict").read(x, labelled=False)
        return self._score_windows(windows, batch_size, verbose, **kwargs)

    def predict_proba(
        self, x: Any, batch_size: int | None = None, verbose: str | int = "auto"
    ) -> np.ndarray:
        """Return probabilities: softmax, or sigmoid for multi-label.

        Args:
            x: texts, a data set or a stream, as in `predict`.
            batch_size: int, texts a batch. Defaults to `None`.
            verbose: as in `keras.Model.predict`. Defaults to `"auto"`.

        Returns:
            A float32 array of shape `(num_texts, num_classes)`.
        """
        return self._to_probabilities(self.predict(x, batch_size, verbose))

    def classify(
        self,
        x: Any,
        threshold: Any = None,
        top_k: int | None = None,
        batch_size: int | None = None,
        select_labels: Any = None,
        min_score: float | None = None,
    ) -> list[Prediction]:
        """Predict label names.

        Args:
            x: one text, or texts, a data set or a stream as in `predict`.
            threshold: float in `[0, 1]`, one a label, or a dict from label name
                to float: the probability that a label must reach. Defaults to
                `None`: the classifier's `thresholds`, else 0.5 for multi-label
                and none otherwise.
            top_k: int, most labels a text. Defaults to `None`: that of
                `answer_options`, else no limit.
            batch_size: int, texts a batch. Defaults to `None`.
            select_labels: list of label names, the only ones to answer.
                Defaults to `None`: those of `answer_options`, else all.
            min_score: float in `[0, 1]`, lowest probability of a label that is
                listed. Defaults to `None`: that of `answer_options`, else 0.

        Returns:
            A list of `Prediction`, one a text.
        """
        x = [x] if isinstance(x, str) else x
        thresholds = read_thresholds(
            self.thresholds if threshold is None else threshold, self.labels
        )
        given = {"max_labels": top_k, "select_labels": select_labels, "min_score": min_score}
        changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        options = dataclasses.replace(self.answer_options, **changes)
        if options.select_labels is not None:
            self.labels.encode(options.select_labels, "select_labels")
        probabilities = self.predict_proba(x, batch_size, verbose=0)
        return to_predictions(probabilities, self.labels, self.multi_label, thresholds, options)

    def calibrate(
        self, x: Any, y: Any = None, method: str = "temperature", batch_size: int | None = None
    ) -> Calibration:
        """Calibrate the probabilities on texts that the model was not trained on.

        Sets `temperature` or `vector_scaling`, and replaces earlier values.
        `predict_proba` and `classify` use them and presets keep them; `predict`
        does not change.

        Args:
            x: texts, or a data set with labels.
            y: labels, as in `fit`, or `None` for a data set. Defaults to `None`.
            method: string: `"temperature"` divides all logits by one number and
                changes no answer; `"vector"` gives each label a factor and a
                bias, for more texts ([Guo et al., 2017](
                https://arxiv.org/abs/1706.04599)). Defaults to
                `"temperature"`.
            batch_size: int, texts a batch. Defaults to `None`.

        Returns:
            A `Calibration`: calibration error and loss before and after.

        Raises:
            ArgumentError: the method is unknown, or `x` is a stream.
            InvalidDataError: a label is missing.
        """
        if method not in METHODS:
            raise ArgumentError(f"`method` must be one of {METHODS}. Received: method={method!r}.")
        windows = self._reader("predict").read(x, y)
        if windows.whole is None:
            raise ArgumentError(
                "`x` is a stream of batches. To calibrate on, pass texts and labels in memory, or "
                "a data set with labels."
            )
        outputs = self._score_windows(windows, batch_size, verbose=0)
        logits = to_logits(outputs, self.activation, self.multi_label)
        calibration = fit_calibration(logits, np.asarray(windows.whole.y), method)
        self.temperature, self.vector_scaling = calibration.temperature, calibration.vector_scaling
        return calibration

    @property
    def thresholds(self) -> list[float] | None:
        """Probability that each label must reach in `classify`, or `None`. Settable."""
        return self._runtime.thresholds

    @thresholds.setter
    def thresholds(self, value: Any) -> None:
        values = read_thresholds(value, self.labels)
        self._runtime.thresholds = None if values is None else values.tolist()

    @property
    def temperature(self) -> float:
        """Number by which `predict_proba` divides logits; 1.0 if not calibrated. Settable."""
        return self._runtime.temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or not value > 0 or not np.isfinite(value):
            raise ArgumentError(
                f"`temperature` must be a positive number. Received: temperature={shorten(value)}."
            )
        self._runtime.temperature = float(value)

    @property
    def vector_scaling(self) -> VectorScaling | None:
        """Factors and biases of logits, a `VectorScaling`, or `None`. Settable, by a dict too."""
        return self._runtime.vector_scaling

    @vector_scaling.setter
    def vector_scaling(self, value: VectorScaling | Mapping[str, Any] | None) -> None:
        scaling = None if value is None else _read(VectorScaling, value, "vector_scaling")
        for numbers in () if scaling is None else (scaling.scale, scaling.bias):
            if len(numbers) != self.num_classes or not np.isfinite(numbers).all():
                raise ArgumentError(
                    f"`vector_scaling` must have {self.num_classes} factors and biases. Received: "
                    f"vector_scaling={shorten(value)}."
                )
        self._runtime.vector_scaling = scaling

    @property
    def answer_options(self) -> AnswerOptions:
        """Defaults of the arguments of `classify`, an `AnswerOptions`. Settable, by a dict too."""
        return self._runtime.answer_options

    @answer_options.setter
    def answer_options(self, value: AnswerOptions | Mapping[str, Any] | None) -> None:
        options = AnswerOptions() if value is None else value
        options = _read(AnswerOptions, options, "answer_options")
        if options.select_labels is not None:
            self.labels.encode(options.select_labels, "select_labels")
        self._runtime.answer_options = options

    @property
    def training_summary(self) -> dict[str, Any] | None:
        """A free JSON summary of the training, kept in the preset. Settable."""
        return self._runtime.training

    @training_summary.setter
    def training_summary(self, value: dict[str, Any] | None) -> None:
        self._runtime.training = value

    def to_record(self) -> ClassifierRecord:
        """Return what `classifier.json` holds of this model.

        Returns:
            A `ClassifierRecord`.
        """
        return ClassifierRecord(
            labels=list(self.labels),
            multi_label=self.multi_label,
            thresholds=self.thresholds,
            temperature=self.temperature,
            vector_scaling=self.vector_scaling,
            training=self.training_summary,
            gelu=changed_gelu(self.backbone),
            answer_options=self.answer_options,
        )

    def restore_record(self, record: ClassifierRecord) -> None:
        """Restore what `classifier.json` holds beside the labels.

        Args:
            record: `ClassifierRecord`.
        """
        self.thresholds = record.thresholds
        self.temperature = record.temperature
        self.vector_scaling = record.vector_scaling
        self.training_summary = record.training
        if record.answer_options is not None:
            self.answer_options = record.answer_options

    def _answering_config(self) -> dict[str, Any]:
        """What `get_config` holds of the attributes that decide how scores become answers."""
        values = {name: getattr(self, name) for name in ANSWERING}
        for name in ("vector_scaling", "answer_options"):
            if values[name] is not None:
                values[name] = _as_json(dataclasses.asdict(values[name]))
        return values

    def _set_answering(self, given: Mapping[str, Any]) -> None:
        """Set those attributes, as they were given to the constructor or stand in a config."""
        for name in ANSWERING:
            if name in given:
                setattr(self, name, given[name])

    def _to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return to_probabilities(
            outputs, self.activation, self.multi_label, self.temperature, self.vector_scaling
        )


def take_answering(arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the arguments out of those of a constructor that are named in `ANSWERING`.

    Args:
        arguments: dict, from which they are removed.

    Returns:
        A dict.
    """
    return {name: arguments.pop(name) for name in ANSWERING if name in arguments}


def answering_state() -> dict[str, Any]:
    """Return what `LabelAnswers` keeps in `_runtime`, uncalibrated.

    Returns:
        A dict.
    """
    return {
        "thresholds": None,
        "temperature": 1.0,
        "vector_scaling": None,
        "training": None,
        "answer_options": AnswerOptions(),
    }


def _read(kind: type[_Value], value: Any, name: str) -> _Value:
    """A value of a class, which may be given as a dict of its arguments, as configs hold it."""
    if isinstance(value, kind):
        return value
    fields = {field.name for field in dataclasses.fields(kind)}
    if not isinstance(value, Mapping) or set(value) - fields:
        raise ArgumentError(
            f"`{name}` must be {kind.__name__}, or a dict with {' and '.join(sorted(fields))}. "
            f"Received: {name}={shorten(value)}."
        )
    arguments: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in value.items()
    }
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ArgumentError(
            f"`{name}` is incomplete: {error}. Received: {name}={shorten(value)}."
        ) from None


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
