"""`SklearnTextClassifier`: a template of this library as an estimator of scikit-learn."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d

from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.columns import is_missing, to_list
from keras_textcls.inputs.targets import read_sample_weight
from keras_textcls.inputs.texts import TextColumns, read_texts
from keras_textcls.text_to_text.text_to_text_classifier import classifier_from_preset
from keras_textcls.training.templates import DEFAULT_TEMPLATE, Template
from keras_textcls.training.training_start import as_template
from keras_textcls.training.unrecorded_training import train_unrecorded

_HALF = 0.5


class SklearnTextClassifier(ClassifierMixin, BaseEstimator):
    """A text classifier for `cross_val_score`, `GridSearchCV`, `Pipeline` and the like.

    `fit` trains by a template as `train` does, but leaves no run behind. A fitted
    estimator can be pickled and copied; `classifier_` is the trained `TextClassifier`,
    which `save_to_preset` saves.

    Args:
        preset: string or path, as for `train`. Defaults to `None`, the bundled
            encoder.
        template: name of a template, or a `Template`. Defaults to
            `"transfer_learning"`.
        parameters: dict of parameters of the template that replace its own.
            Defaults to `None`, none.
        random_state: int, `numpy.random.RandomState` or `None`, from which the
            seed of the template follows. Defaults to `0`.

    Attributes:
        classes_: array of shape `(num_classes,)`, the distinct labels, sorted;
            of an indicator matrix the numbers of its columns.
        classifier_: the trained classifier. Its label names are `classes_` as
            strings.

    Example:
    >>> from sklearn.model_selection import cross_val_score
    >>> texts = [f"win {prize}" for prize in ("cash", "a car", "money", "gold")]
    >>> texts += [f"see you at {time}" for time in ("six", "noon", "five", "ten")]
    >>> estimator = SklearnTextClassifier(preset="static_embedding_en_uncased")
    >>> cross_val_score(estimator, texts, ["spam"] * 4 + ["ham"] * 4, cv=2).shape
    (2,)
    >>> estimator.fit(texts, ["spam"] * 4 + ["ham"] * 4).predict(["win a prize"]).tolist()
    ['spam']
    """

    def __init__(
        self,
        preset: Any = None,
        template: Any = DEFAULT_TEMPLATE,
        parameters: dict[str, Any] | None = None,
        random_state: Any = 0,
    ) -> None:
        self.preset = preset
        self.template = template
        self.parameters = parameters
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SklearnTextClassifier:  # noqa: N803
        """Train on texts and labels.

        Args:
            X: list or array of texts, or a column of a data frame; an array or a
                data frame of one column of texts, or of two for pairs.
            y: labels of any type; for several labels a text an indicator matrix
                of shape `(num_texts, num_classes)`.
            sample_weight: numbers, one a text, for `transfer_learning`. Defaults
                to `None`.

        Returns:
            The estimator.

        Raises:
            InvalidDataError: texts or labels cannot be used.
            ArgumentError: the template has no such parameter.
        """
        columns = _columns_of(X)
        template = self._template()
        names = self._read_labels(y, len(columns[0]))
        given = None if sample_weight is None else np.asarray(sample_weight)
        weights = read_sample_weight(given, len(names))
        if weights is not None:
            names, columns, weights = _with_weight(names, columns, weights)
        table = {"text": columns[0], "labels": pa.array(names, pa.list_(pa.string()))}
        if len(columns) > 1:
            table["text_pair"] = columns[1]
        labels = [str(label) for label in self.classes_.tolist()]
        used = {name for row in names for name in row}
        kept = labels if self._is_multi_label else [n for n in labels if n in used]
        if len(kept) < 2 and not self._is_multi_label:
            raise InvalidDataError(
                f"A classifier needs texts of two classes or more; `y` has one class: {kept}."
            )
        data = TextDataset(pa.table(table), kept, self._is_multi_label)
        self.classifier_ = train_unrecorded(data, self.preset, template, weights)
        return self

    def _template(self) -> Template:
        template = as_template(self.template)
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
        if not isinstance(self.parameters, (Mapping, type(None))):
            raise ArgumentError(
                "`parameters` must be a dict of parameters of the template, or None. Received: "
                f"parameters={shorten(self.parameters)}."
            )
        changes = {"seed": int(seed), **(self.parameters or {})}
        known = {field.name for field in dataclasses.fields(template)}
        for name in changes:
            if name not in known:
                raise ArgumentError(
                    f"`parameters` names {name!r}, which the template {template.name!r} does not "
                    f"have. It has {', '.join(sorted(known))}."
                )
        return dataclasses.replace(template, **changes)

    def _read_labels(self, y: Any, num_texts: int) -> list[list[str]]:
        """The names of each text; `classes_` is set."""
        if y is None:
            raise InvalidDataError(
                "This SklearnTextClassifier estimator requires y to be passed, but the target y is "
                "None."
            )
        y = _plain_targets(y)
        if not hasattr(y, "__array__") and not hasattr(y, "toarray"):
            y = np.asarray(y, None if _is_plain(y) else object)
        if not hasattr(y, "toarray") and np.asarray(y).dtype.kind == "f":
            assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self._is_multi_label = type_of_target(y) == "multilabel-indicator"
        if self._is_multi_label:
            matrix = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
            self.classes_ = np.arange(matrix.shape[1])
            names = [[str(i) for i in np.flatnonzero(row)] for row in matrix]
        else:
            values = column_or_1d(y, warn=True)
            self.classes_, places = np.unique(values, return_inverse=True)
            strings = [str(label) for label in self.classes_.tolist()]
            if len(set(strings)) < len(strings):
                raise InvalidDataError(
                    f"`y` has labels that are equal as strings: {shorten(strings)}."
                )
            names = [[strings[i]] for i in places]
        if len(names) != num_texts:
            raise InvalidDataError(f"`X` holds {num_texts} texts, and `y` {len(names)} labels.")
        return names

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the probability of each class.

        Args:
            X: texts, as in `fit`.

        Returns:
            A float array of shape `(num_texts, num_classes)`; of several labels a
            text each is a probability of its own.
        """
        check_is_fitted(self, "classifier_")
        known = self.classifier_.predict_proba(_as_input(_columns_of(X)), verbose=0)
        # A class whose texts all had the weight 0 is never predicted.
        probabilities = np.zeros((len(known), len(self.classes_)), known.dtype)
        place = {str(label): i for i, label in enumerate(self.classes_.tolist())}
        probabilities[:, [place[name] for name in self.classifier_.labels]] = known
        return probabilities

    def predict_log_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the logarithms of what `predict_proba` returns."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return scores that grow with the probabilities.

        Args:
            X: texts, as in `fit`.

        Returns:
            A float array of shape `(num_texts, num_classes)`: log odds of each
            class; of two classes of shape `(num_texts,)`, those of the second.
        """
        probabilities = np.clip(self.predict_proba(X).astype("float64"), 1e-300, None)
        others = np.clip(1 - probabilities, 1e-16, None)
        if self._is_multi_label or len(self.classes_) > 2:
            return np.log(probabilities) - np.log(others)
        return np.log(probabilities[:, 1]) - np.log(probabilities[:, 0])

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the label of each text.

        Args:
            X: texts, as in `fit`.

        Returns:
            An array of shape `(num_texts,)` of the type of `classes_`; of several
            labels a text an indicator matrix, 1 where the probability is 0.5 or
            more.
        """
        probabilities = self.predict_proba(X)
        if self._is_multi_label:
            return (probabilities >= _HALF).astype(int)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "classifier_" in state:
            # The files of its preset hold all that it answers with.
            with tempfile.TemporaryDirectory(prefix="keras-textcls-") as folder:
                state["classifier_"].save_to_preset(folder)
                files = (path for path in Path(folder).rglob("*") if path.is_file())
                state["classifier_"] = {
                    path.relative_to(folder).as_posix(): path.read_bytes() for path in files
                }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.get("classifier_")
        if files is not None:
            with tempfile.TemporaryDirectory(prefix="keras-textcls-") as folder:
                for name, content in files.items():
                    path = Path(folder, name)
                    os.makedirs(path.parent, exist_ok=True)
                    path.write_bytes(content)
                state = {**state, "classifier_": classifier_from_preset(folder)}
        super().__setstate__(state)


def _plain_targets(y: Any) -> Any:
    """Labels as scikit-learn reads them; refuses what it would refuse in words of its own."""
    if hasattr(y, "to_numpy") and len(getattr(y, "shape", ())) == 1:
        y = y.to_numpy()
    values = to_list(y) or []
    missing = next((i for i, value in enumerate(values) if is_missing(value)), None)
    if missing is not None:
        raise InvalidDataError(
            f"`y` contains NaN or None: y[{missing}] is missing. Every text needs its label here."
        )
    if len({isinstance(value, str) for value in values}) > 1:
        raise InvalidDataError(
            f"Unknown label type: `y` has labels of several types: {shorten(values)}. Pass "
            "labels of one type, such as strings."
        )
    rows = [v for v in values if isinstance(v, (list, tuple, set, frozenset))]
    if any(isinstance(v, str) for row in rows for v in row) and {len(row) for row in rows} != {1}:
        raise InvalidDataError(
            f"`y` has lists of labels: {shorten(values[0])}. For several labels a text pass an "
            "indicator matrix, as sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y) "
            "makes it."
        )
    return y


def _is_plain(y: Any) -> bool:
    """Whether a list holds values of one kind, which an array of it does not change."""
    return isinstance(y, (list, tuple)) and len(set(map(type, y))) <= 1


def _columns_of(x: Any) -> TextColumns:
    """The texts, or the two texts of each pair, as `read_texts` returns them."""
    if len(getattr(x, "shape", ())) == 2:
        columns = [x.iloc[:, i] if hasattr(x, "iloc") else x[:, i] for i in range(x.shape[1])]
        if len(columns) > 2:
            raise InvalidDataError(
                f"`X` must hold one column of texts, or two of text pairs. Received "
                f"{len(columns)} columns."
            )
        return read_texts(tuple(columns) if len(columns) > 1 else columns[0], "X")
    values = to_list(x)
    return read_texts(x if values is None else values, "X")


def _as_input(columns: TextColumns) -> Any:
    return columns if len(columns) > 1 else columns[0]


def _with_weight(
    names: list[list[str]], columns: TextColumns, weights: np.ndarray
) -> tuple[list[list[str]], TextColumns, np.ndarray]:
    """Leave out texts of weight 0."""
    kept = np.flatnonzero(weights)
    if not kept.size:
        raise InvalidDataError("`sample_weight` is zero for all texts. Leave it out.")
    taken = tuple([column[i] for i in kept] for column in columns)
    return [names[i] for i in kept], taken, weights[kept]
