"""The one door through which texts come in.

Everything that `fit`, `predict`, `evaluate`, `embed` and `classify` accept as
texts is turned here into plain Python strings (`TextColumns`), or refused with
the index, the type and the remedy. Streams of batches go through the same
checks, batch by batch. Labels and weights: see `targets.py`.
"""

from __future__ import annotations

import collections
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.labels import LabelSet

# One list of strings a segment: one for single texts, two for pairs.
TextColumns = tuple[list[str], ...]


@dataclasses.dataclass(frozen=True)
class Batch:
    """One batch of a stream, checked.

    Args:
        texts: `TextColumns`, or a dict of arrays where inputs come preprocessed.
        y: raw labels of the batch, or `None`.
        sample_weight: raw weights of the batch, or `None`.
    """

    texts: Any
    y: Any = None
    sample_weight: Any = None

    def __len__(self) -> int:
        is_dict = isinstance(self.texts, dict)
        return len(next(iter(self.texts.values())) if is_dict else self.texts[0])


@runtime_checkable
class LabelledTexts(Protocol):
    """A data set that knows its labels and hands out its texts in pieces.

    Any object with these members serves as `x` of `fit`, `evaluate`, `predict`
    and their like; it need not inherit from this class. Its texts are
    tokenized piece by piece, so that they are never all in memory as strings.

    Example:
    >>> class Messages:
    ...     multi_label = False
    ...     labels = LabelSet(["ham", "spam"])
    ...
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def chunks(self, rows):
    ...         texts, names = ["see you", "win cash", "hi"], ["ham", "spam", "ham"]
    ...         for i in range(0, 3, rows):
    ...             yield (texts[i : i + rows],), names[i : i + rows]
    >>> isinstance(Messages(), LabelledTexts)
    True
    """

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels, or none."""

    @property
    def labels(self) -> LabelSet | None:
        """The names of the labels, or `None` for texts without labels."""

    def __len__(self) -> int: ...

    def chunks(self, rows: int) -> Iterator[tuple[TextColumns, list[Any] | None]]:
        """Hand out all texts in their order, in pieces.

        Args:
            rows: int, most texts in a piece.

        Returns:
            An iterator of `(texts, targets)`: `TextColumns`, and one target a
            text: a name; for multi-label, a list of names, or a dict
            `{name: 1 or 0}` where labels that it does not name are unknown.
            `None` in place of the targets if there are no labels.
        """


def read_texts(x: Any, name: str = "x", first_index: int = 0) -> TextColumns:
    """Turn any accepted container of texts into lists of strings.

    Args:
        x: a list of strings, a numpy string array, a pandas, polars or Arrow
            column, a tensor of strings, or a tuple of those for text pairs.
        name: string, what error messages call it. Defaults to `"x"`.
        first_index: int, index of the first text, for messages about streams.
            Defaults to `0`.

    Returns:
        A tuple with one list of strings for each segment, all of one length.

    Raises:
        InvalidDataError: it is a single string, is empty, or holds something
            that is not text.

    Example:
    >>> read_texts((["a", "b"], ["c", "d"]))
    (['a', 'b'], ['c', 'd'])
    """
    if isinstance(x, (str, bytes)):
        raise InvalidDataError(
            f"`{name}` must be a list of texts, not a single text. Received: {name}={shorten(x)}. "
            f"Wrap it in a list: [{shorten(x)}]."
        )
    segments = x if isinstance(x, tuple) else (x,)
    if isinstance(x, tuple) and (not x or any(isinstance(s, (str, bytes)) for s in x)):
        raise InvalidDataError(
            f"`{name}` is a tuple, which stands for text pairs: (first texts, second texts). "
            f"Received: {name}={shorten(x)}. For single texts pass a list."
        )
    columns = tuple(
        _read_column(s, name if len(segments) == 1 else f"{name}[{i}]", first_index)
        for i, s in enumerate(segments)
    )
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise InvalidDataError(
            f"The segments of `{name}` must have the same length. Received lengths {lengths}."
        )
    if lengths[0] == 0:
        raise InvalidDataError(f"`{name}` is empty. Pass at least one text.")
    return columns


def _read_column(column: Any, name: str, first_index: int) -> list[str]:
    values = to_list(column)
    if values is None:
        raise InvalidDataError(
            f"`{name}` must be a list of texts, a string array, a column of a data frame, a "
            f"(first, second) tuple of those, or a stream of batches. Received "
            f"{shorten(column)} of type {type(column).__name__}."
        )
    # The fast path: one pass in C for what nearly every caller passes.
    if all(map(str.__instancecheck__, values)):
        try:
            "".join(values).encode("utf-8")
            return values if type(values) is list else list(values)
        except UnicodeEncodeError:
            pass
    return [_read_text(v, name, first_index + i) for i, v in enumerate(values)]


def _read_text(value: Any, name: str, index: int) -> str:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidDataError(
                f"{name}[{index}] holds bytes that are not UTF-8 (byte {error.start}: "
                f"{shorten(value[error.start : error.start + 8])}). Decode the texts with their "
                f'own encoding first, e.g. text.decode("cp1252").'
            ) from None
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidDataError(
                f"{name}[{index}] holds a lone surrogate at character {error.start}, which is no "
                f"text: {shorten(value)}. Read the file with the right encoding."
            ) from None
        return str(value)
    what = "is missing" if _is_missing(value) else "is not a text"
    raise InvalidDataError(
        f"{name}[{index}] {what}: {shorten(value)} of type {type(value).__name__}. Every text "
        "must be a string; drop the row, or convert it with str()."
    )


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def to_list(column: Any) -> list[Any] | None:
    """Return the elements of a column of any library.

    Args:
        column: a list, an array, a tensor, or a column of a data frame.

    Returns:
        A list, or `None` if it is no column.
    """
    if isinstance(column, list):
        return column
    # Arrow; polars and pandas; numpy and PyTorch; TensorFlow.
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            values = getattr(column, method)()
            return values if isinstance(values, list) else None
    if hasattr(column, "numpy"):
        values = column.numpy()
        return values.tolist() if isinstance(values, np.ndarray) and values.ndim else None
    if isinstance(column, (Sequence, collections.deque)) and not isinstance(column, (str, bytes)):
        return list(column)
    return None


def open_stream(x: Any) -> Callable[[], Iterator[Any]] | None:
    """Return a function that starts one pass over a stream of batches.

    Args:
        x: anything.

    Returns:
        A function without arguments that returns an iterator of raw batches,
        or `None` if `x` is not a `tf.data.Dataset`, a grain dataset, a
        `keras.utils.PyDataset` or a PyTorch `DataLoader`.

    Raises:
        ArgumentError: `x` is a generator, which can be read only once.
    """
    if isinstance(x, Iterator):
        raise ArgumentError(
            f"`x` is a {type(x).__name__}, which can be read only once. Pass a list, a "
            "`tf.data.Dataset`, a grain dataset, a `keras.utils.PyDataset` or a `DataLoader`."
        )
    if _is_from(x, "tensorflow", "DatasetV2"):
        return lambda: x.as_numpy_iterator()
    if _is_from(x, "grain", "MapDataset", "IterDataset", "DataLoader"):
        return lambda: iter(x)
    if _is_from(x, "torch", "DataLoader"):
        return lambda: iter(x)
    if _is_from(x, "keras", "PyDataset"):
        return lambda: _iterate_py_dataset(x)
    return None


def _is_from(x: Any, package: str, *names: str) -> bool:
    """Whether a base class of `x` has such a name, without importing the package."""
    return package in sys.modules and any(
        base.__name__ in names and base.__module__.split(".")[0] == package
        for base in type(x).__mro__
    )


def _iterate_py_dataset(dataset: Any) -> Iterator[Any]:
    if dataset.num_batches is None:
        raise ArgumentError("A PyDataset without `num_batches` never ends. Give it a length.")
    dataset.on_epoch_begin()
    for i in range(dataset.num_batches):
        yield dataset[i]
    dataset.on_epoch_end()


def read_features(x: Any) -> dict[str, np.ndarray]:
    """Check inputs that are preprocessed already.

    Args:
        x: dict from input name to an array of shape `(num_texts, ...)`.

    Returns:
        A dict of numpy arrays.

    Raises:
        InvalidDataError: it is not a dict of arrays of one length.
    """
    if not isinstance(x, dict) or not x:
        raise InvalidDataError(
            "The classifier has no preprocessor, so `x` must be a dict of preprocessed inputs such "
            f"as token_ids. Received {shorten(x)} of type {type(x).__name__}. Set "
            "classifier.preprocessor to pass texts."
        )
    features = {name: np.asarray(values) for name, values in x.items()}
    lengths = {name: values.shape[:1] for name, values in features.items()}
    if len(set(lengths.values())) > 1 or () in lengths.values():
        raise InvalidDataError(f"The inputs in `x` differ in length: {lengths}.")
    return features


def read_batch(
    batch: Any, first_index: int, needs_labels: bool, preprocessed: bool = False
) -> Batch:
    """Check one raw batch of a stream.

    Args:
        batch: texts, `(texts, labels)` or `(texts, labels, weights)`, where
            texts may be a tuple of two for pairs.
        first_index: int, number of texts before this batch.
        needs_labels: bool, whether labels must be there.
        preprocessed: bool, whether the stream yields dicts of model inputs
            instead of texts. Defaults to `False`.

    Returns:
        A `Batch`.

    Raises:
        InvalidDataError: there are no labels, or a text is not a text.
    """
    parts = batch if isinstance(batch, (tuple, list)) and not _is_texts(batch) else (batch,)
    if len(parts) > 3:
        raise InvalidDataError(
            f"A batch of the stream must be texts, (texts, labels) or (texts, labels, weights). "
            f"Received {len(parts)} parts."
        )
    texts = read_features(parts[0]) if preprocessed else _read_batch_texts(parts[0], first_index)
    y = parts[1] if len(parts) > 1 else None
    if needs_labels and y is None:
        raise InvalidDataError("The stream has no labels; yield (texts, labels) batches.")
    return Batch(texts, y, parts[2] if len(parts) > 2 else None)


def _read_batch_texts(raw: Any, first_index: int) -> TextColumns:
    if isinstance(raw, dict):
        raise InvalidDataError(
            "The stream yields dicts, which are preprocessed inputs. Set `preprocessor = None` to "
            "feed them to the model as they are, or yield texts."
        )
    if isinstance(raw, (str, bytes)) or getattr(raw, "ndim", None) == 0:
        raise InvalidDataError(
            "The stream yields single texts, not batches. Batch it first, e.g. dataset.batch(32)."
        )
    # PyTorch's default collation hands out tuples of strings, and lists of those for pairs.
    if isinstance(raw, tuple) and _is_texts(raw):
        raw = list(raw)
    elif isinstance(raw, list) and raw and isinstance(raw[0], (tuple, list)):
        raw = tuple(raw)
    return read_texts(raw, first_index=first_index)


def _is_texts(batch: Any) -> bool:
    return len(batch) > 0 and all(isinstance(text, (str, bytes)) for text in batch)
