"""`evaluate`: evaluates a classifier, a run or a preset on labelled texts."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa

from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.data.reading import read
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.evaluation.metrics.scores import encoded_scores
from keras_textcls.evaluation.report.report import Report
from keras_textcls.evaluation.report.report_info import ReportInfo
from keras_textcls.inputs.targets import read_targets
from keras_textcls.labels import UNKNOWN, LabelSet
from keras_textcls.text_to_text.text_to_text_classifier import (
    Classifier,
    TextToTextClassifier,
    classifier_from_preset,
)
from keras_textcls.training.run_folders.run_record import RECORD_FILE
from keras_textcls.training.runs import Run

# Number of texts that are predicted at a time; their tokens are in memory together.
_CHUNK = 100_000
_SPLITS = ("test", "validation")
_MOST_COLUMNS = 50
EVALUATION_FOLDER = "evaluation"


def evaluate(
    model: Any,
    dataset: Any,
    *,
    name: str | None = None,
    thresholds: Any = None,
    batch_size: int | None = None,
    top_k: int | None = None,
    seed: int = 0,
    save: bool = True,
) -> Report:
    """Evaluate a model on labelled texts.

    Probabilities are those of `predict_proba`; they are calibrated if the model is.
    Decisions are those of `classify`, at the model's thresholds. Labels of the data that
    the model does not have are part of the evaluation: the predictions for their texts
    are always wrong. Texts without a label are left out; the notes of the report give
    their number, and the number of texts that the run was trained on.

    Args:
        model: `TextClassifier`, `Run`, or name or path of a preset or run.
        dataset: `TextDataset`, or anything that `read` takes, such as the path
            of a CSV file. If it has a column `split` with a part `test`, or else
            `validation`, only that part is evaluated.
        name: string, name of the model in comparisons. Defaults to `None`: name
            and version of the run, or the name of the preset.
        thresholds: as in `classify`. Defaults to `None`, those of the model.
        batch_size: int, number of texts in a batch. Defaults to `None`, chosen
            by `predict_proba`.
        top_k: int, for `top_K_accuracy`. Defaults to `None`: half the labels, at
            most 5.
        seed: int, random seed of the bootstrap. Defaults to `0`.
        save: bool, whether the report of a `Run` is saved in its directory, in
            `evaluation/`. Defaults to `True`.

    Returns:
        A `Report`.

    Raises:
        InvalidDataError: there are no labelled texts, or a text has several
            labels and the model predicts one.
        ArgumentError: an argument is wrong.
        PresetError: the preset is missing, broken or refused.
        RunError: the run has no trained model.

    Example:
    >>> from keras_textcls import TextClassifier, read
    >>> messages = read([("win cash now", "spam"), ("see you at six", "ham")])
    >>> preset = "static_embedding_en_uncased"
    >>> classifier = TextClassifier.from_preset(preset, labels=["ham", "spam"])
    >>> report = evaluate(classifier, messages)
    >>> len(report), report.labels
    (2, LabelSet(['ham', 'spam']))
    """
    run = _as_run(model)
    notes: list[str] = []
    texts = evaluated_part(dataset, notes)
    if run is not None:
        notes += _texts_trained_on(run, texts)
    classifier = _load(model, run)
    y_true, extra = actual_labels(texts, classifier.labels, classifier.multi_label)
    y_score = _predict(classifier, texts, batch_size)
    report = Report.from_scores(
        encoded_scores(y_true, extra, y_score, classifier.labels),
        texts_table(texts),
        thresholds=classifier.thresholds if thresholds is None else thresholds,
        top_k=top_k,
        seed=seed,
        info=ReportInfo.now(
            name=name or _name_of(model, run),
            model=_describe_model(model, run, classifier),
            data={"fingerprint": texts.fingerprint, **texts.details},
            notes=tuple(notes),
        ),
    )
    if run is not None and save:
        _keep(report, run)
    return report


def _keep(report: Report, run: Run) -> None:
    """Save a report in the directory of a run; warn where that cannot be written."""
    directory = run.directory / EVALUATION_FOLDER / report.fingerprint[:12]
    try:
        report.save(directory)
    except OSError as error:
        warnings.warn(
            f"The report is not kept in the run: {directory} cannot be written "
            f"({error.strerror or error}). `report.save(directory)` saves it elsewhere; "
            "save=False does without.",
            stacklevel=3,
        )


def _predict(classifier: Classifier, texts: TextDataset, batch_size: int | None) -> np.ndarray:
    """Predict probabilities in chunks, whose tokens fit into memory."""
    parts = [
        classifier.predict_proba(
            texts if len(texts) <= _CHUNK else texts[i : i + _CHUNK], batch_size, verbose=0
        )
        for i in range(0, len(texts), _CHUNK)
    ]
    return np.concatenate(parts)


def evaluated_part(data: Any, notes: list[str]) -> TextDataset:
    """Return the labelled texts to evaluate on.

    Args:
        data: `TextDataset`, or anything that `read` takes.
        notes: list of strings; notes on the texts that are left out are appended.

    Returns:
        A `TextDataset`.

    Raises:
        InvalidDataError: no text has a label.
    """
    dataset = data if isinstance(data, TextDataset) else read(data)
    if dataset.invalid_rows:
        notes.append(f"{len(dataset.invalid_rows):,} rows of the data could not be used")
    parts = dataset.splits
    chosen = next((part for part in _SPLITS if part in parts), None)
    if chosen is not None and len(parts) > 1:
        notes.append(f"of the parts {', '.join(parts)} only {chosen!r} is evaluated")
        dataset = parts[chosen]
    unlabelled = dataset.stats().unlabelled if dataset.labels is not None else len(dataset)
    if unlabelled:
        dataset = dataset.filter(lambda row: row.label is not None)
        notes.append(f"{unlabelled:,} texts without a label are left out")
    if not len(dataset):
        raise InvalidDataError(
            "`dataset` has no texts with labels, so there is nothing to evaluate. Say which column "
            "holds them: evaluate(model, keras_textcls.read(source, label=...))."
        )
    return dataset


def actual_labels(
    dataset: TextDataset, labels: LabelSet, multi_label: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the actual labels in the order of a model's outputs.

    Args:
        dataset: `TextDataset` whose texts all have labels.
        labels: `LabelSet` of the model.
        multi_label: bool, whether the model predicts any number of labels.

    Returns:
        A tuple of an array like `Scores.y_true`, and a tuple of the labels of the
        data that the model does not have.

    Raises:
        InvalidDataError: a text has several labels, or none, and the model
            predicts one; or the model has none of the labels.
    """
    named = dataset.labels
    assert named is not None
    matrix = _matrix(dataset, named, multi_label)
    if not multi_label and dataset.multi_label:
        several = (matrix == 1).sum(axis=1) != 1
        if several.any():
            raise InvalidDataError(
                f"The model gives one label a text, and {several.sum():,} texts have several or "
                f"none, the first in row {int(np.argmax(several))}. Pass a model that was trained "
                "with multi_label=True, or texts of one label."
            )
        matrix = (matrix == 1).argmax(axis=1)
    if multi_label:
        occurs = (matrix == 1).any(axis=0)
    else:
        occurs = np.bincount(matrix, minlength=len(named)) > 0
    occurring = [name for name, there in zip(named, occurs, strict=True) if there]
    extra = tuple(name for name in occurring if name not in labels)
    if extra and len(extra) == len(occurring):
        raise InvalidDataError(
            f"None of the labels of the data, {shorten(list(extra))}, is one of the model, "
            f"{shorten(list(labels))}. Pass data with the names of the model; if they are class "
            "indices, read them with read(data, labels=model.labels), and label_offset=1 if they "
            "are counted from 1."
        )
    order = {label: i for i, label in enumerate((*labels, *extra))}
    if not multi_label:
        places = np.array([order.get(label, -1) for label in named])
        return places[matrix].astype(np.int32), extra
    # A label that the data never name is unknown for texts with other unknown labels.
    unknown = (matrix == UNKNOWN).any(axis=1)
    targets = np.where(unknown[:, None], np.int8(-1), np.zeros((1, len(order)), np.int8))
    for i, label in enumerate(named):
        if label in order:
            targets[:, order[label]] = matrix[:, i]
    return targets, extra


def _matrix(dataset: TextDataset, named: LabelSet, multi_label: bool) -> np.ndarray:
    targets = dataset.targets
    assert targets is not None
    if multi_label and not dataset.multi_label:
        targets = [[name] for name in targets]
    return read_targets(targets, named, multi_label or dataset.multi_label, len(dataset))


def texts_table(dataset: TextDataset) -> pa.Table:
    """Return texts, ids and metadata as columns.

    Args:
        dataset: `TextDataset`.

    Returns:
        A `pyarrow.Table` with the column `text`, the columns `text_pair`, `id` and
        `split` if they exist, and a column of strings for each key of the metadata.
    """
    table = dataset.table
    kept = [n for n in ("text", "text_pair", "id", "split") if n in table.schema.names]
    columns = table.select(kept)
    if "metadata" not in table.schema.names:
        return columns
    rows = dataset.metadata
    keys = list(dict.fromkeys(key for row in rows for key in row))[:_MOST_COLUMNS]
    for key in keys:
        if key not in kept:
            values = [_as_string(row.get(key)) for row in rows]
            columns = columns.append_column(key, pa.array(values, pa.string()))
    return columns


def _as_string(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _as_run(model: Any) -> Run | None:
    if isinstance(model, Run):
        return model
    is_path = isinstance(model, (str, os.PathLike))
    return Run(model) if is_path and os.path.isfile(Path(model) / RECORD_FILE) else None


def _load(model: Any, run: Run | None) -> Classifier:
    if isinstance(model, (TextClassifier, TextToTextClassifier)):
        return model
    if run is not None:
        return run.load()
    if isinstance(model, (str, os.PathLike)):
        return classifier_from_preset(model)
    raise ArgumentError(
        "`model` must be a TextClassifier, a Run, or the name or path of a preset or a run. "
        f"Received: model={shorten(model)} of type {type(model).__name__}."
    )


def _name_of(model: Any, run: Run | None) -> str:
    if run is not None:
        return f"{run.name}/{run.version}"
    return Path(model).name if isinstance(model, (str, os.PathLike)) else "classifier"


def _describe_model(model: Any, run: Run | None, classifier: Classifier) -> dict[str, Any]:
    description: dict[str, Any] = {
        "backend": keras.backend.backend(),
        "backbone": type(classifier.backbone).__name__,
        "parameters": classifier.count_params(),
        "temperature": classifier.temperature,
    }
    if run is not None:
        description |= {"run": run.name, "version": run.version, "template": run.record.template}
    elif isinstance(model, (str, os.PathLike)):
        description["preset"] = os.fspath(model)
    return description


def _texts_trained_on(run: Run, dataset: TextDataset) -> list[str]:
    """A note on texts of the dataset that are also in the training data of the run."""
    if not (run.directory / "data").exists():
        return []
    shared = len(dataset.shared_with(run.dataset()))
    if not shared:
        return []
    return [
        f"{shared:,} of {len(dataset):,} texts are among those the model was trained on: the "
        "numbers are better than they will be on new texts"
    ]
