"""`LabelSet`: the ordered, immutable names of the classes of a model.

It maps names to class indices and back. It knows nothing of Keras, files or
thresholds.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError, shorten

# In the targets of a multi-label classifier: nobody has said whether the label is there.
UNKNOWN = -1.0
_MOST_NAMES_SHOWN = 8
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)


class LabelSet(Sequence[str]):
    """The ordered, immutable class names of a classifier.

    The order is the order of the model's outputs: it is kept exactly as given
    and never sorted.

    Args:
        names: iterable of distinct, non-empty strings. A mapping from index to
            name, such as the `id2label` of a Hugging Face checkpoint, is taken
            in index order.

    Raises:
        ArgumentError: `names` is a single string, is empty, repeats a name, or
            holds something that is not a string.

    Example:
    >>> labels = LabelSet(["ham", "spam"])
    >>> labels.index("spam")
    1
    >>> labels.encode(["spam", "ham"]).tolist()
    [1, 0]
    >>> labels[0], len(labels), "eggs" in labels
    ('ham', 2, False)
    """

    __slots__ = ("_index", "_names")

    def __init__(self, names: Iterable[str]) -> None:
        if isinstance(names, (str, bytes)):
            raise ArgumentError(
                f"`labels` must be a list of names, not a single string. Received: "
                f"labels={shorten(names)}. Wrap it in a list."
            )
        if isinstance(names, dict):
            names = _ordered_by_index(names)
        ordered = tuple(str(n) if isinstance(n, np.str_) else n for n in names)
        if not ordered:
            raise ArgumentError("`labels` must hold at least one name. Received an empty list.")
        index: dict[str, int] = {}
        for position, name in enumerate(ordered):
            if not isinstance(name, str) or not name.strip():
                raise ArgumentError(
                    f"`labels` must be non-empty strings. Received at position {position}: "
                    f"{shorten(name)} of type {type(name).__name__}."
                )
            if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
                raise ArgumentError(
                    f"`labels` must be text that a file can hold. Received at position {position} "
                    f"half of a character (a surrogate): {shorten(name)}."
                )
            if name in index:
                raise ArgumentError(
                    f"`labels` must not repeat a name. Received {shorten(name)} at positions "
                    f"{index[name]} and {position}."
                )
            index[name] = position
        self._names = ordered
        self._index = index

    @classmethod
    def numbered(cls, num_classes: int) -> LabelSet:
        """Return the placeholder names `"0"` to `str(num_classes - 1)`.

        Args:
            num_classes: int, at least 1.

        Returns:
            A `LabelSet` whose `is_numbered` is `True`.

        Example:
        >>> LabelSet.numbered(3)
        LabelSet(['0', '1', '2'])
        """
        if not isinstance(num_classes, (int, np.integer)) or num_classes < 1:
            raise ArgumentError(
                f"`num_classes` must be an integer of at least 1. Received: "
                f"num_classes={shorten(num_classes)}."
            )
        return cls(str(i) for i in range(num_classes))

    @classmethod
    def from_data(cls, y: Iterable[str] | Iterable[Iterable[str]]) -> LabelSet:
        """Collect the names that occur in `y`, sorted, so that row order does not matter.

        Args:
            y: iterable of names, or of lists of names (multi-label).

        Returns:
            A `LabelSet` of the distinct names, in the order of `sorted_names`.

        Example:
        >>> LabelSet.from_data(["spam", "ham", "spam"])
        LabelSet(['ham', 'spam'])
        """
        names: set[str] = set()
        for item in y:
            names.update([item] if isinstance(item, str) else item)
        return cls(sorted_names(names))

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of the model's outputs."""
        return self._names

    @property
    def is_numbered(self) -> bool:
        """Whether the names are the placeholders `"0"`, `"1"`, ... of `numbered`."""
        return all(name == str(i) for i, name in enumerate(self._names))

    def index(self, name: str, start: int = 0, stop: int | None = None) -> int:
        """Return the class index of `name`.

        Args:
            name: string, a label.
            start: int, lowest index looked at. Defaults to `0`.
            stop: int or `None`, index before which the search ends. Defaults to
                `None`.

        Returns:
            An int in `[0, len(self))`.

        Raises:
            UnknownLabelError: the name is not in the set; the message offers
                the nearest name.
        """
        position = self._index.get(name, -1) if isinstance(name, str) else -1
        if position < start or (stop is not None and position >= stop):
            raise UnknownLabelError(self.unknown(name))
        return position

    def encode(self, y: Iterable[str], where: str = "y") -> np.ndarray:
        """Map names to class indices.

        Args:
            y: iterable of names.
            where: string, what error messages call it. Defaults to `"y"`.

        Returns:
            An int32 array of shape `(len(y),)`.

        Raises:
            UnknownLabelError: a name is not in the set; the message gives its
                position and the nearest name.
        """
        indices = []
        for position, name in enumerate(y):
            if not isinstance(name, str) or name not in self._index:
                raise UnknownLabelError(self.unknown(name, f"{where}[{position}]"))
            indices.append(self._index[name])
        return np.asarray(indices, dtype="int32")

    def encode_multi(
        self, y: Iterable[Iterable[str] | Mapping[str, int]], where: str = "y"
    ) -> np.ndarray:
        """Map lists of names to rows of zeros and ones, and what is known of a text to a row.

        Args:
            y: iterable with one item a text: an iterable of the names of its
                labels (none of the others is there; an empty one is a text
                without any label), or a mapping from name to 1 (there) or 0
                (not there), in which the labels that it does not name are
                unknown.
            where: string, what error messages call it. Defaults to `"y"`.

        Returns:
            A float32 array of shape `(len(y), num_classes)` of 1, 0 and -1,
            which stands for unknown.

        Raises:
            InvalidDataError: a row is a single string, or says of a label
                neither 1 nor 0.
            UnknownLabelError: a name is not in the set.

        Example:
        >>> LabelSet(["ham", "spam"]).encode_multi([["spam"], {"ham": 0}]).tolist()
        [[0.0, 1.0], [0.0, -1.0]]
        """
        rows = [self._row(names, f"{where}[{i}]") for i, names in enumerate(y)]
        return np.stack(rows) if rows else np.zeros((0, len(self._names)), dtype="float32")

    def _row(self, names: Any, where: str) -> np.ndarray:
        if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
            raise InvalidDataError(
                f"A multi-label classifier takes a list of names for each text. Received "
                f"{where}={shorten(names)}. Pass [{shorten(names)}] instead."
            )
        judged = names if isinstance(names, Mapping) else None
        row = np.full(len(self._names), 0.0 if judged is None else UNKNOWN, dtype="float32")
        for name in names:
            if not isinstance(name, str) or name not in self._index:
                raise UnknownLabelError(self.unknown(name, where))
            value = 1 if judged is None else judged[name]
            if not isinstance(value, (int, float, np.bool_, np.number)) or value not in (0, 1):
                raise InvalidDataError(
                    f"{where}[{name!r}]={shorten(value)} is neither 1 (the label is there) nor 0 "
                    "(it is not). Leave a label out of the dict if it is unknown."
                )
            row[self._index[name]] = value
        return row

    def decode(self, indices: Iterable[int]) -> list[str]:
        """Map class indices to names.

        Args:
            indices: iterable of ints in `[0, len(self))`.

        Returns:
            A list of names.
        """
        return [self._names[int(i)] for i in indices]

    def unknown(self, name: object, where: str = "") -> str:
        """Return the message of a name that is not in the set.

        Args:
            name: what was given.
            where: string, what the message calls it. Defaults to `""`.

        Returns:
            A string, with the nearest name and the first names of the set.
        """
        place = f" at {where}" if where else ""
        message = f"Unknown label {shorten(name)}{place}."
        near = difflib.get_close_matches(str(name), self._names, n=1, cutoff=0.5)
        if near:
            message += f" Did you mean {near[0]!r}?"
        shown = ", ".join(repr(n) for n in self._names[:_MOST_NAMES_SHOWN])
        more = len(self._names) - _MOST_NAMES_SHOWN
        message += f" The labels are: {shown}{f' and {more} more' if more > 0 else ''}."
        if self.is_numbered and as_number(str(name)) is None:
            message += " They are placeholders: create the classifier with labels=[...]."
        return message

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, item: Any) -> Any:
        return self._names[item]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._index

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LabelSet):
            return self._names == other._names
        if isinstance(other, (list, tuple)):
            return self._names == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._names)

    def __repr__(self) -> str:
        return f"LabelSet({list(self._names)!r})"


def sorted_names(names: Iterable[str]) -> list[str]:
    """Sort label names: by value if all of them are numbers, else as text.

    Args:
        names: iterable of strings.

    Returns:
        A list of strings.

    Example:
    >>> sorted_names(["10", "9", "1"]), sorted_names(["b", "10", "a"])
    (['1', '9', '10'], ['10', 'a', 'b'])
    """
    ordered = sorted(names)
    values = {name: as_number(name) for name in ordered}
    if None in values.values():
        return ordered
    return sorted(ordered, key=lambda name: values[name] or 0.0)


def as_number(name: str) -> float | None:
    """Return the value of a name that is a decimal number, such as `"1"` or `"-2.5"`.

    Args:
        name: string.

    Returns:
        A float, or `None`.

    Example:
    >>> as_number("10"), as_number("1e3"), as_number("ten")
    (10.0, None, None)
    """
    return float(name) if _NUMBER.fullmatch(name) else None


def _ordered_by_index(names: dict[Any, Any]) -> list[str]:
    """Turn `{0: "a", 1: "b"}` (or string keys) into `["a", "b"]`."""
    try:
        ordered = {int(k): v for k, v in names.items()}
    except (TypeError, ValueError):
        ordered = {}
    if not ordered or sorted(ordered) != list(range(len(names))):
        raise ArgumentError(
            f"A mapping given as `labels` must have the keys 0 to {max(len(names) - 1, 0)}. "
            f"Received: labels={shorten(names)}."
        )
    return [ordered[i] for i in range(len(ordered))]
