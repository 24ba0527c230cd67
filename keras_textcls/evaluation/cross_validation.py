"""Cross-validation and learning curves of a template."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, RunError, shorten
from keras_textcls.evaluation.evaluate import actual_labels, evaluated_part, texts_table
from keras_textcls.evaluation.metrics.scores import encoded_scores
from keras_textcls.evaluation.report.plots import draw_learning_curve
from keras_textcls.evaluation.report.report import Report
from keras_textcls.evaluation.report.report_info import ReportInfo
from keras_textcls.labels import LabelSet
from keras_textcls.training.templates import DEFAULT_TEMPLATE, Template, TransferLearning
from keras_textcls.training.train import train
from keras_textcls.training.trainers.embedding_cache import EmbeddingCache, embed_cached
from keras_textcls.training.training_start import as_template
from keras_textcls.utils.result_table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
_TEST_SHARE = 0.2
_SHOWN = ("accuracy", "subset_accuracy", "balanced_accuracy", "macro_f1", "micro_f1",
          "macro_roc_auc", "log_loss")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """The result of `cross_validate`.

    Args:
        report: `Report` of all texts. The scores of each text are from the model
            that was not trained on it, so `suspected_label_errors` of this
            report are likely errors of the data.
        reports: tuple of `Report`s, one for the held-out texts of each fold.
        fold: int array of shape `(num_texts,)`, the fold that held each text out.
    """

    report: Report
    reports: tuple[Report, ...]
    fold: np.ndarray

    def summary(self) -> ResultTable:
        """Return the mean of each metric over folds.

        Returns:
            A `ResultTable` of metric, mean over folds, standard deviation over folds,
            and the value over all texts.
        """
        rows = []
        for name in self.report.values:
            values = np.array([one[name] for one in self.reports])
            mean, spread = values.mean(), values.std(ddof=1)
            rows.append((name, float(mean), float(spread), self.report[name]))
        return ResultTable(("metric", "mean", "std", "all texts"), tuple(rows))

    def __str__(self) -> str:
        return f"{len(self.reports)} folds of {len(self.report):,} texts\n{self.summary()}"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def cross_validate(
    dataset: Any,
    preset: str | os.PathLike[str] | None = None,
    template: str | Template = DEFAULT_TEMPLATE,
    folds: int = 5,
    *,
    seed: int = 0,
    name: str | None = None,
    top_k: int | None = None,
) -> CrossValidation:
    """Train and evaluate once for each fold; each text is held out once.

    Folds are stratified, for multi-label data too, and duplicates are in the same fold.
    With `transfer_learning`, every text is embedded only once for all folds, since
    embeddings are cached.

    Args:
        dataset: `TextDataset`, or anything that `read` takes. If it has several
            parts (a column `split`), pass the part to train on.
        preset: string or path, as for `train`. Defaults to `None`, the bundled
            encoder.
        template: name of a template, or a `Template`. Defaults to
            `"transfer_learning"`.
        folds: int, number of folds. Defaults to `5`.
        seed: int, random seed of the folds. Defaults to `0`.
        name: string, name of the report in comparisons. Defaults to `None`, the
            name of the template.
        top_k: int, for `top_K_accuracy`. Defaults to `None`: half the labels, at
            most 5.

    Returns:
        A `CrossValidation`.

    Raises:
        InvalidDataError: a label has fewer than two texts, or there are fewer
            texts than folds.
        ArgumentError: an argument is wrong.

    Example:
    >>> from keras_textcls import read
    >>> rows = [(f"win {prize}", "spam") for prize in ("cash", "a car", "money", "gold")]
    >>> rows += [(f"see you at {time}", "ham") for time in ("six", "noon", "five", "ten")]
    >>> result = cross_validate(read(rows), preset="static_embedding_en_uncased", folds=2)
    >>> len(result.reports), len(result.report)
    (2, 8)
    """
    chosen = as_template(template)
    notes = [f"{folds} folds, each text judged by a model that was not trained on it"]
    texts = evaluated_part(dataset, notes)
    fold = texts.folds(folds, seed=seed)
    labels = texts.labels
    assert labels is not None
    y_score = np.zeros((len(texts), len(labels)), np.float32)
    for i in range(folds):
        train_on, held_out = (texts.take(np.flatnonzero(rows)) for rows in (fold != i, fold == i))
        y_score[fold == i], multi_label = _train_and_predict(
            train_on, held_out, preset, chosen, labels
        )
    y_true, extra = actual_labels(texts, labels, multi_label)
    info = ReportInfo.now(
        name=name or chosen.name,
        model={"template": chosen.name, "preset": None if preset is None else os.fspath(preset)},
        data={"fingerprint": texts.fingerprint},
        notes=tuple(notes),
    )
    report = Report.from_scores(
        encoded_scores(y_true, extra, y_score, labels), texts_table(texts), info, top_k=top_k
    )
    parts = tuple(report.take(fold == i).renamed(f"fold {i + 1}") for i in range(folds))
    return CrossValidation(report, parts, fold)


@dataclasses.dataclass(frozen=True)
class LearningCurve:
    """The result of `learning_curve`.

    Args:
        sizes: tuple of ints, numbers of training texts.
        values: dict from the name of a metric to a float array of shape
            `(num_sizes, repeats)`.
    """

    sizes: tuple[int, ...]
    values: dict[str, np.ndarray]

    def table(self) -> ResultTable:
        """Return the mean and the standard deviation of each metric at each size.

        Returns:
            A `ResultTable`.
        """
        columns = [c for name in self.values for c in (name, f"{name} std")]
        rows = []
        for i, size in enumerate(self.sizes):
            cells = [f(v[i]) for v in self.values.values() for f in (np.mean, np.std)]
            rows.append((size, *map(float, cells)))
        return ResultTable(("texts", *columns), tuple(rows))

    def plot(self, metric: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw a metric over the number of training texts.

        Args:
            metric: string. Defaults to `None`, the first.
            ax: matplotlib axes to draw on. Defaults to `None`, new ones.

        Returns:
            The axes.
        """
        metric = metric or next(iter(self.values))
        if metric not in self.values:
            raise ArgumentError(
                f"`metric` must be one of {', '.join(self.values)}. Received: "
                f"metric={shorten(metric)}."
            )
        return draw_learning_curve(self.sizes, self.values[metric], metric, ax)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def learning_curve(
    dataset: Any,
    preset: str | os.PathLike[str] | None = None,
    template: str | Template = DEFAULT_TEMPLATE,
    sizes: Sequence[float] = _SHARES,
    *,
    test: Any = None,
    repeats: int = 3,
    seed: int = 0,
) -> LearningCurve:
    """Train on increasing shares of the texts, to see whether more texts would help.

    Args:
        dataset: `TextDataset`, or anything that `read` takes.
        preset: string or path, as for `train`. Defaults to `None`, the bundled
            encoder.
        template: name of a template, or a `Template`. Defaults to
            `"transfer_learning"`.
        sizes: sequence of floats in `(0, 1]`, shares of the training texts.
            Defaults to `(0.1, 0.2, 0.4, 0.7, 1.0)`.
        test: like `dataset`, texts to evaluate on. Defaults to `None`: a fifth
            of `dataset` is held out.
        repeats: int, number of random samples of each size. Defaults to `3`.
        seed: int, random seed of the split and the samples. Defaults to `0`.

    Returns:
        A `LearningCurve`.

    Raises:
        ArgumentError: a size is not in `(0, 1]`, or leaves too few texts of a
            label.
        InvalidDataError: a label has fewer than two texts.
    """
    chosen, shares = as_template(template), sorted({_read_share(size) for size in sizes})
    is_int = isinstance(repeats, (int, np.integer)) and not isinstance(repeats, bool)
    if not is_int or repeats < 1:
        raise ArgumentError(
            f"`repeats` must be an integer from 1 on. Received: repeats={shorten(repeats)}."
        )
    texts = evaluated_part(dataset, [])
    if test is None:
        parts = texts.split(1 - _TEST_SHARE, 0.0, _TEST_SHARE, seed=seed)
        texts, held_out = parts.train, parts.test
    else:
        held_out = evaluated_part(test, [])
    assert texts is not None and held_out is not None and texts.labels is not None
    counts, values = [], []
    for share in shares:
        drawn = [_draw(texts, share, seed + i) for i in range(repeats if share < 1 else 1)]
        repetitions = [_score(part, held_out, preset, chosen, texts.labels) for part in drawn]
        counts.append(len(drawn[0]))
        values.append(repetitions * (repeats // len(repetitions)))
    names = [name for name in _SHOWN if name in values[0][0]]
    arrays = {name: np.array([[one[name] for one in row] for row in values]) for name in names}
    return LearningCurve(tuple(counts), arrays)


def _read_share(size: Any) -> float:
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0 < size <= 1:
        raise ArgumentError(
            f"`sizes` must be shares above 0 and up to 1. Received: {shorten(size)}."
        )
    return float(size)


def _draw(texts: TextDataset, share: float, seed: int) -> TextDataset:
    """A stratified sample of the texts."""
    if share == 1:
        return texts
    part = texts.split(share, 0.0, 1 - share, seed=seed).train
    assert part is not None
    return part


def _train_and_predict(
    part: TextDataset,
    held_out: TextDataset,
    preset: str | os.PathLike[str] | None,
    chosen: Template,
    labels: LabelSet,
) -> tuple[np.ndarray, bool]:
    """Probabilities of the held-out texts, and whether the model is multi-label."""
    with tempfile.TemporaryDirectory(prefix="keras-textcls-") as folder:
        run = train(part, preset, chosen, output=folder, verbose=0)
        if run.status != "trained":
            raise RunError(f"The training of a fold ended as {run.status}: {run.reason}.")
        classifier = run.load()
    probabilities = np.zeros((len(held_out), len(labels)), np.float32)
    # A label that does not occur in the other folds has the probability 0 here.
    probabilities[:, labels.encode(classifier.labels)] = _probabilities(
        classifier, held_out, chosen
    )
    return probabilities, classifier.multi_label


def _score(
    part: TextDataset,
    held_out: TextDataset,
    preset: str | os.PathLike[str] | None,
    chosen: Template,
    labels: LabelSet,
) -> dict[str, float]:
    """The metrics of the held-out texts."""
    y_score, multi_label = _train_and_predict(part, held_out, preset, chosen, labels)
    y_true, extra = actual_labels(held_out, labels, multi_label)
    scores = encoded_scores(y_true, extra, y_score, labels)
    return Report.from_scores(scores, None, ReportInfo()).values


def _probabilities(
    classifier: TextClassifier, held_out: TextDataset, chosen: Template
) -> np.ndarray:
    if not isinstance(chosen, TransferLearning) or not chosen.cache:
        return classifier.predict_proba(held_out, verbose=0)
    features, _ = embed_cached(classifier, held_out, EmbeddingCache())
    return classifier.predict_proba_from_features(features)
