"""The one source of batches that Keras reads, for texts in memory and for streams.

It turns a plan of `batching.py`, or a stream, into a Keras data adapter, which
`keras.Model.fit`, `evaluate` and `predict` take on every backend. Under
TensorFlow the shapes are declared open: Keras would otherwise fix them from
the first batches and fail on the next width.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textcls.batching.bucket_plan import PlannedBatch
from keras_textcls.keras_compat.trainers import BatchAdapter
from keras_textcls.tokenization.chunks import Pieces, join_pieces
from keras_textcls.tokenization.encoded_texts import EncodedTexts, concatenate


@dataclasses.dataclass(frozen=True)
class Encoded:
    """Encoded texts with their targets.

    Args:
        texts: `EncodedTexts`. Where it has `pieces`, targets and weights are
            those of the whole texts.
        y: array of targets, or `None`.
        sample_weight: float array of shape `(num_texts,)`, or `None`.
    """

    texts: EncodedTexts
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None

    def element(self, batch: PlannedBatch) -> tuple[Any, ...]:
        """Cut one element `(x,)`, `(x, y)` or `(x, y, sample_weight)` of a dataset."""
        rows = batch.rows if self.y is None else len(batch.indices)
        x = self.texts.batch(batch.indices, batch.padded_length, rows)
        targets = (self.y, self.sample_weight)
        return (x, *(t[batch.indices] for t in targets if t is not None))

    def take(self, indices: np.ndarray) -> Encoded:
        """Return some of the texts, in the order of `indices`."""
        y, weight = (None if t is None else t[indices] for t in (self.y, self.sample_weight))
        return Encoded(self.texts.take(indices), y, weight)

    def join(self, other: Encoded) -> Encoded:
        """Return the texts of both, these first."""
        y, weight = (
            None if a is None or b is None else np.concatenate([a, b])
            for a, b in ((self.y, other.y), (self.sample_weight, other.sample_weight))
        )
        return Encoded(concatenate([self.texts, other.texts]), y, weight)


@dataclasses.dataclass(frozen=True)
class Window:
    """What belongs to whole texts, not to their pieces.

    Args:
        pieces: `Pieces`.
        y: array of targets, one a text, or `None`.
        sample_weight: float array of shape `(num_texts,)`, or `None`.
    """

    pieces: Pieces
    y: np.ndarray | None
    sample_weight: np.ndarray | None

    @classmethod
    def of(cls, encoded: Encoded) -> Window:
        """Return what stays when the tokens of some texts have been read."""
        texts = encoded.texts
        pieces = Pieces.whole(len(texts)) if texts.pieces is None else texts.pieces
        return cls(pieces, encoded.y, encoded.sample_weight)


class BatchSource:
    """Batches in the order of a plan or a stream, pass after pass.

    The epoch is set from outside (`epoch`), so that the order of epoch `n` is
    the same whether training began at 0 or was resumed.

    Args:
        generate: function from epoch to an iterator of `(element, indices)`,
            where `indices` says which texts the rows are, `-1` for filling.
        example: one element, from which dtypes and ranks are read.
        num_batches: int, batches a pass, or `None` if not known.
        fixed_length: int or `None`, the width of every batch if there is only
            one. Defaults to `None`.
        windows: list of `Window` or `None`, set where rows may be pieces of
            texts: what belongs to the whole texts, complete at the end of a
            pass. Defaults to `None`.
    """

    def __init__(
        self,
        generate: Callable[[int], Iterator[tuple[tuple[Any, ...], np.ndarray]]],
        example: tuple[Any, ...],
        num_batches: int | None,
        fixed_length: int | None = None,
        windows: list[Window] | None = None,
    ) -> None:
        self._fixed_length = fixed_length
        self._windows = windows
        self._generate = generate
        self._example = example
        self.num_batches = num_batches
        self.epoch = 0
        # Batches of the pass that are done already.
        self.done = 0
        self.order: list[np.ndarray] = []

    @classmethod
    def from_plan(
        cls,
        encoded: Encoded,
        plan: Callable[[int], list[PlannedBatch]],
        fixed_length: int | None = None,
    ) -> BatchSource:
        """Serve texts in memory.

        Args:
            encoded: `Encoded`.
            plan: function from epoch to a list of `PlannedBatch`.
            fixed_length: int or `None`, as for the class. Defaults to `None`.

        Returns:
            A `BatchSource`.
        """
        is_cut = encoded.texts.pieces is not None
        windows = [Window.of(encoded)] if is_cut else None
        served = Encoded(encoded.texts) if is_cut else encoded

        def generate(epoch: int) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
            for batch in plan(epoch):
                yield served.element(batch), _row_indices(batch, 0)

        first = plan(0)
        return cls(generate, served.element(first[0]), len(first), fixed_length, windows)

    def elements(self, endless: bool = False) -> Iterator[tuple[Any, ...]]:
        """Yield one pass, from the `epoch` that is set when it begins.

        Args:
            endless: bool, whether epoch follows epoch, as `steps_per_epoch`
                needs. Defaults to `False`.

        Returns:
            An iterator of `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
        """
        epoch = self.epoch
        order: list[np.ndarray] = []
        self.order = order
        while True:
            for element, indices in itertools.islice(self._generate(epoch), self.done, None):
                order.append(indices)
                yield element
            if not endless:
                return
            epoch += 1

    def signature(self) -> tuple[Any, ...]:
        """Return the `tf.TensorSpec`s of an element, open in what may vary."""

        def spec_of(array: np.ndarray) -> tf.TensorSpec:
            # Beside the tokens may stand features of another width, as fixed.
            inner = array.shape[1:] if self._fixed_length else [None] * (array.ndim - 1)
            return tf.TensorSpec([None, *inner], array.dtype)

        # Targets keep their own width: the number of classes.
        x, *targets = self._example
        specs = (tf.TensorSpec([None, *t.shape[1:]], t.dtype) for t in targets)
        return (tf.nest.map_structure(spec_of, x), *specs)

    def for_keras(self, endless: bool = False, pipelined: bool = True) -> BatchAdapter:
        """Return what `keras.Model.fit`, `evaluate` and `predict` take as `x`.

        Args:
            endless: bool, as in `elements`. Defaults to `False`.
            pipelined: bool, whether TensorFlow makes batches beside the model.
                Defaults to `True`; it takes 0.1 s to begin.

        Returns:
            A Keras data adapter.
        """
        return _SourceAdapter(self, endless, pipelined)

    def restore_order(self, rows: np.ndarray) -> np.ndarray:
        """Put the outputs of the last pass back into the order of the texts.

        Args:
            rows: array of shape `(num_rows, ...)`, as the batches came.

        Returns:
            An array of shape `(num_texts, ...)`; of a source that `is_cut`, the
            average over the pieces of each text.
        """
        order = np.concatenate(self.order)
        real = order >= 0
        restored = np.empty((int(real.sum()), *rows.shape[1:]), dtype=rows.dtype)
        restored[order[real]] = rows[real]
        if self._windows is None:
            return restored
        return join_pieces(window.pieces for window in self._windows).average(restored)

    @property
    def is_cut(self) -> bool:
        """Whether the rows may be pieces of texts; elements are then `(x,)`."""
        return self._windows is not None

    def targets(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the targets of the texts of the last pass, of a source that `is_cut`.

        Returns:
            A tuple of an array of targets and one of weights, or `None` where
            there are none.
        """
        columns = zip(*((w.y, w.sample_weight) for w in self._windows or ()), strict=True)
        y, weight = (
            None if any(part is None for part in parts) else np.concatenate(parts)
            for parts in columns
        )
        return y, weight


class _SourceAdapter(BatchAdapter):
    """Hands a `BatchSource` to the trainer of each backend in its own currency.

    Only TensorFlow's trainer gets a `tf.data.Dataset`: its threads would take
    the cores from PyTorch's (measured: half the speed).
    """

    def __init__(self, source: BatchSource, endless: bool, pipelined: bool) -> None:
        self._source = source
        self._endless = endless
        self._pipelined = pipelined

    @property
    def num_batches(self) -> int | None:
        total = self._source.num_batches
        return None if self._endless or total is None else total - self._source.done

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._source.elements(self._endless)

    def get_tf_dataset(self) -> Any:
        if not self._pipelined:
            return self  # Keras on one device only iterates over it.
        dataset = tf.data.Dataset.from_generator(
            lambda: iter(self), output_signature=self._source.signature()
        )
        options = tf.data.Options()
        options.autotune.enabled = False
        return dataset.prefetch(2).with_options(options)


@contextlib.contextmanager
def quiet(*sources: BatchSource | None) -> Iterator[None]:
    """Hold back warnings of Keras that are false here.

    Args:
        *sources: `BatchSource` or `None`, what Keras is about to read.

    Returns:
        A context manager.
    """
    with warnings.catch_warnings():
        # What a backbone may have beside the hidden states that the head reads.
        unread = "(pooled_dense|decoder|reverse_embeddings)"
        warnings.filterwarnings("ignore", f"Gradients do not exist for variables .*{unread}")
        # The decoder of an encoder-decoder reads one token, and so attends to one.
        warnings.filterwarnings("ignore", "(?s).*You are using a softmax over axis -1 of a tensor")
        if any(source is not None and source.num_batches is None for source in sources):
            # Said at the end of every stream whose length is not known beforehand.
            warnings.filterwarnings("ignore", "Your input ran out of data")
        yield


class EpochSetter(keras.callbacks.Callback):
    """Tells a source which epoch begins, so that its order follows from the epoch.

    Args:
        source: `BatchSource`.
    """

    def __init__(self, source: BatchSource) -> None:
        super().__init__()
        self._source = source

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the epoch of the source."""
        self._source.epoch = epoch


def stream_source(
    windows: Callable[[], Iterator[Encoded]],
    plan: Callable[[EncodedTexts, int, bool], list[PlannedBatch]],
    keep_partial: bool,
    fixed_length: int | None = None,
    is_cut: bool = False,
) -> BatchSource:
    """Serve a stream, bucketed within windows of it, in constant memory.

    Args:
        windows: function that starts a pass over the stream in windows.
        plan: function from texts, epoch and whether the stream has ended to a
            list of `PlannedBatch`.
        keep_partial: bool, whether texts that a plan leaves out wait for the
            next window.
        fixed_length: int or `None`, as for `BatchSource`. Defaults to `None`.
        is_cut: bool, whether rows may be pieces of texts. Defaults to `False`.

    Returns:
        A `BatchSource` whose `num_batches` is `None`.
    """
    read: list[Window] = []

    def generate(epoch: int) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
        first_index, waiting = 0, None
        passed = []
        for window, is_last in _mark_last(windows()):
            if is_cut:
                passed.append(Window.of(window))
                window = Encoded(window.texts)
            window = waiting.join(window) if waiting else window
            planned = plan(window.texts, epoch, is_last)
            for batch in planned:
                yield window.element(batch), _row_indices(batch, first_index)
            if keep_partial and not is_last:
                used = np.concatenate([b.indices for b in planned] or [np.empty(0, int)])
                waiting = window.take(np.setdiff1d(np.arange(len(window.texts)), used))
            else:
                first_index += len(window.texts)
        # At the end only: Keras begins passes that it does not finish.
        read[:] = passed

    example = next(iter(windows()))
    example = Encoded(example.texts) if is_cut else example
    element = example.element(PlannedBatch(np.arange(1), int(example.texts.lengths[0]), 1))
    return BatchSource(generate, element, None, fixed_length, read if is_cut else None)


def _mark_last(items: Iterator[Any]) -> Iterator[tuple[Any, bool]]:
    previous = next(items, None)
    while previous is not None:
        current = next(items, None)
        yield previous, current is None
        previous = current


def _row_indices(batch: PlannedBatch, first_index: int) -> np.ndarray:
    rows = np.full(max(batch.rows, len(batch.indices)), -1)
    rows[: len(batch.indices)] = batch.indices + first_index
    return rows
