"""Targets of classifiers with one label a text: names, numbers and one-hot rows.

A string is a name. A number is a class index, unless the names are numbers
themselves: then it is the name of that value, so that the classes `"1"` to `"5"`
take 1 to 5. A row of zeros and a single 1 stands for the class of the 1.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_textcls.errors import InvalidDataError, UnknownLabelError, shorten
from keras_textcls.inputs.columns import is_missing, to_list
from keras_textcls.labels import LabelSet, as_number

_WORDS = {"false": 0.0, "true": 1.0}
_ROWS = (list, tuple, set, frozenset, np.ndarray, Mapping)


class ClassNumbers:
    """Which class a number, a boolean or a name stands for.

    Args:
        labels: `LabelSet`.

    Example:
    >>> ratings = ClassNumbers(LabelSet(["1", "2", "3"]))
    >>> ratings.index(1, "y[0]"), ClassNumbers(LabelSet(["ham", "spam"])).index(1, "y[0]")
    (0, 1)
    """

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        words = [_WORDS.get(name.strip().lower()) for name in labels]
        values = [as_number(n) if w is None else w for n, w in zip(labels, words, strict=True)]
        numbers = [value for value in values if value is not None]
        # Two names of one value, such as "1" and "1.0": it stands for neither.
        times = collections.Counter(numbers)
        self._by_value = {v: i for i, v in enumerate(values) if v is not None and times[v] == 1}
        self._all_numbers = len(numbers) == len(labels)
        self._are_positions = self._by_value == dict(enumerate(range(len(labels))))
        # Some names are numbers, and the classes of these numbers are others.
        self._is_ambiguous = not self._all_numbers and any(
            value is not None and value != index for index, value in enumerate(values)
        )
        has_words = any(word is not None for word in words)
        self._takes_booleans = has_words or (self._all_numbers and set(numbers) <= {0.0, 1.0})

    @property
    def are_positions(self) -> bool:
        """Whether a number is a class index, and not the name of a class."""
        return not (self._is_ambiguous or (self._all_numbers and not self._are_positions))

    def index(self, value: Any, where: str) -> int:
        """Return the class that a value stands for.

        Args:
            value: string, number or boolean.
            where: string, what error messages call it.

        Returns:
            An int in `[0, num_classes)`.

        Raises:
            UnknownLabelError: a name, or a number that is a name, is not among
                the labels.
            InvalidDataError: it stands for no class.
        """
        if isinstance(value, str):
            if value not in self.labels:
                raise UnknownLabelError(self.labels.unknown(value, where))
            return self.labels.index(value)
        if isinstance(value, bool):
            if not self._takes_booleans:
                raise InvalidDataError(
                    f"{where} is not a label: {value} of type bool. Which of {self._shown()} is "
                    "True? Pass label names, such as numpy.where(y, "
                    f"{self.labels[-1]!r}, {self.labels[0]!r})."
                )
            return self._of_number(float(value), value, where)
        if not isinstance(value, (int, float)):
            raise InvalidDataError(
                f"{where} is not a label: {shorten(value)} of type {type(value).__name__}. "
                "Pass class indices, or label names, for every text."
            )
        return self._of_number(float(value), value, where)

    def _of_number(self, number: float, value: Any, where: str) -> int:
        if self._is_ambiguous:
            raise InvalidDataError(
                f"{where}={shorten(value)} may be a label name or a class index: some of the "
                f"labels {self._shown()} are numbers. Pass label names, as strings."
            )
        if not self.are_positions:
            if number not in self._by_value:
                raise UnknownLabelError(
                    f"{where}={shorten(value)} is none of the labels {self._shown()}. They are "
                    "numbers, so numbers are taken as their names and not as class indices."
                )
            return self._by_value[number]
        if not number.is_integer():
            raise InvalidDataError(
                f"{where} is not a label: {shorten(value)} of type {type(value).__name__}. "
                "Pass class indices, or label names, for every text."
            )
        if not 0 <= number < len(self.labels):
            named = "" if not self.labels.is_numbered else (
                " If these numbers are the names of the classes, create the classifier with "
                'labels=["1", "2", ...] instead of num_classes: it then takes them as names.'
            )  # fmt: skip
            raise InvalidDataError(
                f"{where}={shorten(value)} is out of range: class indices of this classifier "
                f"run from 0 to {len(self.labels) - 1}.{named}"
            )
        return int(number)

    def _shown(self) -> str:
        names = ", ".join(map(repr, self.labels[:6]))
        return names + (f" and {len(self.labels) - 6} more" if len(self.labels) > 6 else "")


def read_classes(values: list[Any], labels: LabelSet, name: str) -> np.ndarray:
    """Turn one label a text into class indices.

    Args:
        values: list of names, numbers or one-hot rows, one a text.
        labels: `LabelSet` of the model.
        name: string, what error messages call it.

    Returns:
        An int32 array of shape `(num_texts,)`.

    Raises:
        InvalidDataError: a value stands for no class, or for several.
        UnknownLabelError: a name is not among the labels.
    """
    classes = ClassNumbers(labels)
    if len(set(map(type, values))) == 1 and isinstance(values[0], (int, float)):
        known: dict[Any, int] = {}
        for i, value in enumerate(values):
            if value not in known:
                known[value] = _class_of(value, classes, name, i)
        return np.fromiter(map(known.__getitem__, values), "int32", len(values))
    values = [_only_one(plain_label(v)) for v in values]
    if all(map(str.__instancecheck__, values)):
        return labels.encode(values, name)
    # Before a name among numbers, for which NaN would be taken, is refused.
    missing = next((i for i, value in enumerate(values) if is_missing(value)), None)
    if missing is not None:
        raise missing_label(name, missing)
    if any(isinstance(value, (int, float)) for value in values):
        _refuse_names_among_numbers(values, name)
    return np.asarray([_class_of(v, classes, name, i) for i, v in enumerate(values)], "int32")


def _class_of(value: Any, classes: ClassNumbers, name: str, index: int) -> int:
    where = f"{name}[{index}]"
    if isinstance(value, _ROWS):
        return _class_of_row(value, classes, where)
    if is_missing(value):
        raise missing_label(name, index)
    return classes.index(value, where)


def _refuse_names_among_numbers(values: list[Any], name: str) -> None:
    for i, value in enumerate(values):
        if isinstance(value, str):
            raise InvalidDataError(
                f"{name}[{i}] is not a label: {shorten(value)} of type str. "
                "Pass class indices, or label names, for every text."
            )


def missing_label(name: str, index: int) -> InvalidDataError:
    """Return the error of a text without a label."""
    return InvalidDataError(
        f"{name}[{index}] is missing: every text needs its label here. Leave texts without a "
        "label out, of a TextDataset with dataset.filter(lambda row: row.label is not None)."
    )


def plain_label(value: Any) -> Any:
    """Return a label as Python has it: a scalar of an array library, or bytes, converted."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (str, int, float, *_ROWS)) and not isinstance(value, np.ndarray):
        return value
    if hasattr(value, "as_py"):  # Arrow
        return value.as_py()
    if getattr(value, "ndim", None) == 0:
        value = value.numpy() if hasattr(value, "numpy") else value
        return plain_label(value.item()) if hasattr(value, "item") else plain_label(value)
    if getattr(value, "ndim", 0):
        rows = to_list(value)
        return value if rows is None else rows
    return value


def _only_one(value: Any) -> Any:
    """The label in a row of one, as arrays of shape `(num_texts, 1)` have them."""
    if not isinstance(value, _ROWS) or isinstance(value, Mapping) or len(value) != 1:
        return value
    (inner,) = value
    return plain_label(inner)


def _class_of_row(row: Any, classes: ClassNumbers, where: str) -> int:
    if isinstance(row, Mapping):
        indices = [classes.index(plain_label(key), where) for key in row]
        cells = [plain_label(cell) for cell in row.values()]
    else:
        cells = [plain_label(cell) for cell in row]
        indices = list(range(len(cells)))
    if any(isinstance(cell, str) for cell in cells):
        raise InvalidDataError(
            f"{where}={shorten(row)} holds several labels, but this classifier takes one a text. "
            "Pass one label a text. If a text may have several labels, create the classifier "
            "with multi_label=True."
        )
    num_classes = len(classes.labels)
    is_whole = isinstance(row, (list, tuple)) and len(cells) == num_classes
    if not (is_whole or isinstance(row, Mapping)):
        raise InvalidDataError(
            f"{where}={shorten(row)} is neither a label nor a row of {num_classes} zeros and ones, "
            f"one a label: it has {len(cells)} values. Pass one class index or label name a text, "
            f"or a matrix of shape (num_texts, {num_classes})."
        )
    if any(isinstance(cell, _ROWS) or cell not in (0, 1) for cell in cells):
        raise InvalidDataError(
            f"{where}={shorten(row)} is not a row of zeros and a single 1. Pass one class index or "
            "label name a text; of probabilities, y.argmax(axis=1)."
        )
    if sum(cells) != 1:
        raise InvalidDataError(
            f"{where}={shorten(row)} has {sum(map(bool, cells))} ones, but each text has one label "
            "here, so one 1 a row. If a text may have several labels or none, create the "
            "classifier with multi_label=True."
        )
    return indices[cells.index(1)]
