"""Inputs of `fit`, `evaluate` and `predict`, as batches of checked texts.

`open_texts` reads all kinds of inputs: lists and columns, data sets that have
labels, streams of batches, and inputs that are preprocessed already. It also checks
which arguments go together: texts in memory come with labels and weights as
arguments of their own, a data set contains its labels, a stream contains both.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.columns import to_list
from keras_textcls.inputs.frames import is_frame, refuse_frame
from keras_textcls.inputs.targets import names_in
from keras_textcls.inputs.texts import LabelledTexts, TextColumns, read_texts
from keras_textcls.labels import LabelSet
from keras_textcls.utils.forked import refuse_lost

# Texts of a data set that are held as strings while they are tokenized.
DATASET_ROWS = 16384


@dataclasses.dataclass(frozen=True)
class Batch:
    """Some texts, checked, with labels and weights as the caller gave them.

    Args:
        texts: `TextColumns`, or a dict of arrays where inputs come preprocessed.
        y: labels, or `None`.
        sample_weight: weights of a batch of a stream, or `None`.
        name: string, what error messages call the labels. Defaults to `"y"`.
    """

    texts: Any
    y: Any = None
    sample_weight: Any = None
    name: str = "y"

    def __len__(self) -> int:
        is_dict = isinstance(self.texts, dict)
        return len(next(iter(self.texts.values())) if is_dict else self.texts[0])


@dataclasses.dataclass(frozen=True)
class TextBatches:
    """Texts of any kind, as batches that can be read several times.

    Args:
        read: function without arguments that returns an iterator of `Batch`.
        size: int, number of texts, or `None` for a stream.
        labels: `LabelSet` of a data set, or `None`. Defaults to `None`.
        y: labels beside texts in memory, or `None`. Defaults to `None`.
    """

    read: Callable[[], Iterator[Batch]]
    size: int | None
    labels: LabelSet | None = None
    y: Any = None

    def adopted_names(self, labels: LabelSet) -> LabelSet:
        """Return the names in the data if none were given and their number fits.

        Args:
            labels: `LabelSet` of the classifier.

        Returns:
            A `LabelSet`: in place of numbered placeholders the names of the data
            set in its order, or those in `y` in sorted order; otherwise `labels`.

        Raises:
            InvalidDataError: the number of names is not that of the outputs.
        """
        if not labels.is_numbered:
            return labels
        names = self.labels if self.labels is not None else names_in(self.y)
        if names is None or set(names) <= set(labels):
            return labels
        if len(names) != len(labels):
            holder = "`x`" if self.labels is not None else "`y`"
            raise InvalidDataError(
                f"{holder} holds {len(names)} different label names ({', '.join(names[:6])}), but "
                f"the classifier has num_classes={len(labels)} and no names of its own. Create it "
                "with labels=[...] instead of num_classes."
            )
        return names


def open_texts(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    labelled: bool = True,
    multi_label: bool = False,
    preprocessed: bool = False,
) -> TextBatches:
    """Open the texts that a caller passes, of any kind.

    Args:
        x: texts, as `read_texts` takes them, a data set (`LabelledTexts`), a
            stream of batches, or a dict of arrays where inputs come
            preprocessed.
        y: labels, or `None` for a data set or a stream. Defaults to `None`.
        sample_weight: numbers, or `None`. Defaults to `None`.
        labelled: bool, whether labels must be there; otherwise those that a
            data set or a stream has are ignored. Defaults to `True`.
        multi_label: bool, whether a text may have several labels. Defaults to
            `False`.
        preprocessed: bool, whether inputs are those of the model instead of
            texts. Defaults to `False`.

    Returns:
        `TextBatches`.

    Raises:
        InvalidDataError: a text is not a text, or labels are missing.
        ArgumentError: there are two sets of labels, or `x` can be read only
            once.

    Example:
    >>> opened = open_texts(["see you", "win cash"], ["ham", "spam"])
    >>> opened.size, [batch.y for batch in opened.read()]
    (2, [['ham', 'spam']])
    """
    refuse_frame(x, labelled=labelled)
    start = open_stream(x)
    if start is not None:
        refuse_beside_stream(y=y, sample_weight=sample_weight)
        return TextBatches(lambda: _batches_of_stream(start, labelled, preprocessed), None)
    if isinstance(x, LabelledTexts):
        if preprocessed:
            read_features(x)  # Refuses texts, and says why.
        if labelled:
            _check_labels(x, y, multi_label)
        split = labelled and multi_label and not x.multi_label
        return TextBatches(
            lambda: _batches_of_dataset(x, labelled, split),
            len(x),
            x.labels if labelled else None,
        )
    if labelled and y is None:
        raise InvalidDataError(
            "`y` is missing. Pass the labels of the texts, a data set that has them, or a stream "
            f"of (texts, labels).{_hint_of_rows(x)}"
        )
    if not labelled:
        y = None
    elif not is_frame(y):
        y = to_list(y) or y
    whole = Batch(read_features(x) if preprocessed else read_texts(x), y)
    return TextBatches(lambda: iter((whole,)), len(whole), y=y)


def _hint_of_rows(x: Any) -> str:
    """What to do with texts and labels that stand together."""
    if _is_from(x, "torch", "Dataset"):
        return " Of a PyTorch dataset make a `DataLoader` with a batch_size."
    if isinstance(x, list) and x and isinstance(x[0], (tuple, list)):
        return " Rows of (text, label) are read by keras_textcls.read(x); pass the dataset."
    return ""


def _check_labels(x: LabelledTexts, y: Any, multi_label: bool) -> None:
    if y is not None:
        raise ArgumentError(
            f"`x` is a data set with labels of its own, so `y` cannot be given beside it. "
            f"Received: y={shorten(y)}. Leave `y` out."
        )
    if x.labels is None:
        raise InvalidDataError(
            "`x` is a data set without labels. Pass one with labels, or a list of texts as `x` "
            "and their labels as `y`."
        )
    if x.multi_label and not multi_label:
        raise InvalidDataError(
            "`x` is a multi-label data set, but this classifier takes one label a text. Create "
            "a `TextClassifier` with `multi_label=True`."
        )


def _batches_of_dataset(x: LabelledTexts, labelled: bool, split: bool) -> Iterator[Batch]:
    total = 0
    for columns, targets in x.chunks(DATASET_ROWS):
        checked = read_texts(columns, first_index=total)
        end = total + len(checked[0])
        if split and targets is not None:
            targets = [[name] for name in targets]
        name = f"targets[{total}:{end}]"
        batch = Batch(checked, targets if labelled else None, name=name)
        del columns, checked, targets  # Before the next chunk is made.
        yield batch
        del batch
        total = end
    if not total:
        raise InvalidDataError("`x` is a data set without texts. Pass at least one text.")
    if total != len(x):
        raise InvalidDataError(f"`x` is a data set of {len(x)} texts, but its chunks hold {total}.")


def _batches_of_stream(
    start: Callable[[], Iterator[Any]], labelled: bool, preprocessed: bool
) -> Iterator[Batch]:
    total = 0
    for raw in start():
        batch = read_batch(raw, total, labelled, preprocessed)
        total += len(batch)
        yield batch
    if not total:
        raise InvalidDataError("The stream `x` is empty. It must yield at least one batch.")


def unpack_validation_data(validation_data: Any) -> tuple[Any, Any, Any]:
    """Return `(x, y, sample_weight)` of the argument `validation_data`.

    Args:
        validation_data: `(x, y)`, `(x, y, sample_weight)`, a data set or a
            stream.

    Returns:
        A tuple of three, with `None` for what is not there.

    Raises:
        ArgumentError: it is none of those.
    """
    refuse_frame(validation_data, "validation_data")
    if isinstance(validation_data, LabelledTexts) or open_stream(validation_data) is not None:
        return validation_data, None, None
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise ArgumentError(
            "`validation_data` must be (x, y), (x, y, sample_weight), a data set with labels or a "
            f"stream of batches. Received {shorten(validation_data)}."
        )
    x, y, *weight = validation_data
    return x, y, weight[0] if weight else None


def refuse_beside_stream(**arguments: Any) -> None:
    """Refuse arguments that cannot be given beside a stream of batches.

    Args:
        **arguments: their names and values; `None` and 0.0 stand for not given.

    Raises:
        ArgumentError: one is given.
    """
    for name, value in arguments.items():
        if value is not None and not (isinstance(value, float) and value == 0.0):
            raise ArgumentError(
                f"`x` is a stream of batches, so `{name}` cannot be given beside it. Let the "
                "stream yield (texts, labels, weights), and pass `validation_data`."
            )


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
        ProcessError: `x` needs threads that this process lacks (when it is read).
    """
    if isinstance(x, Iterator):
        raise ArgumentError(
            f"`x` is a {type(x).__name__}, which can be read only once. Pass a list, a "
            "`tf.data.Dataset`, a grain dataset, a `keras.utils.PyDataset` or a `DataLoader`."
        )
    if _is_from(x, "tensorflow", "DatasetV2"):
        return lambda: _iterate_dataset(x)
    if _is_from(x, "grain", "MapDataset", "IterDataset", "DataLoader"):
        return lambda: iter(x)
    if _is_from(x, "torch", "DataLoader"):
        return lambda: iter(x)
    if _is_from(x, "keras", "PyDataset"):
        return lambda: _iterate_py_dataset(x)
    return None


def _is_from(x: Any, package: str, *names: str) -> bool:
    """Return whether a base class of `x` has such a name, without importing the package."""
    return package in sys.modules and any(
        base.__name__ in names and base.__module__.split(".")[0] == package
        for base in type(x).__mro__
    )


def _iterate_dataset(dataset: Any) -> Iterator[Any]:
    refuse_lost("tensorflow")
    yield from dataset.as_numpy_iterator()


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
    is_tuple = isinstance(batch, tuple)
    if (is_tuple and _is_texts(batch)) or (is_tuple and len(batch) > 1 and _is_scalar(batch[1])):
        raise InvalidDataError(
            f"The stream yields single texts, not batches: {shorten(batch)}. Batch it first, e.g. "
            "dataset.batch(32). A batch of texts without labels is a list or an array."
        )
    parts = batch if isinstance(batch, (tuple, list)) and not _is_texts(batch) else (batch,)
    if len(parts) > 3:
        raise InvalidDataError(
            f"A batch of the stream must be texts, (texts, labels) or (texts, labels, weights). "
            f"Received {len(parts)} parts."
        )
    texts = read_features(parts[0]) if preprocessed else _read_batch_texts(parts[0], first_index)
    y = parts[1] if len(parts) > 1 else None
    if needs_labels and y is None:
        raise InvalidDataError(
            "The stream has no labels; yield (texts, labels) batches. If it yields a text with its "
            "label at a time, batch it first."
        )
    return Batch(texts, y, parts[2] if len(parts) > 2 else None)


def _read_batch_texts(raw: Any, first_index: int) -> TextColumns:
    if isinstance(raw, dict):
        names = [name for name, cells in raw.items() if _holds_texts(cells)]
        if names:
            raise InvalidDataError(
                f"The stream yields dicts with the texts {', '.join(map(repr, names))}. Yield "
                f'(texts, labels) instead, such as (row[{names[0]!r}], row["label"]).'
            )
        raise InvalidDataError(
            "The stream yields dicts, which are preprocessed inputs. Set `preprocessor = None` to "
            "feed them to the model as they are, or yield texts."
        )
    if _is_scalar(raw):
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


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, bytes, int, float)) or getattr(value, "ndim", None) == 0


def _holds_texts(cells: Any) -> bool:
    values = [cells] if _is_scalar(cells) else to_list(cells) or []
    return any(isinstance(value, (str, bytes)) for value in values[:1])
