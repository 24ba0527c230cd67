"""The one source of batches that Keras reads, for texts in memory and for streams.

It turns windows of texts and a plan for them into a Keras data adapter, which
`keras.Model.fit`, `evaluate` and `predict` take on every backend. On TensorFlow
the width of a batch is declared as `None`: otherwise Keras would infer it from
the first batches and fail on batches of another width.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textcls.batching.bucket_plan import PlannedBatch
from keras_textcls.batching.windows import Window, Windows, join_windows
from keras_textcls.keras_compat.trainers import BatchAdapter
from keras_textcls.tokenization.chunks import Chunks, join_chunks
from keras_textcls.tokenization.encoded_texts import EncodedTexts

# From a window and a plan to one element `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
Element = Callable[[Window, PlannedBatch], tuple[Any, ...]]
# From texts, the index of a pass and whether these are its last texts to batches.
Plan = Callable[[EncodedTexts, int, bool], list[PlannedBatch]]


@dataclasses.dataclass(frozen=True)
class _WholeTexts:
    """The part of a window in chunks that is kept after its tokens were read."""

    chunks: Chunks
    y: np.ndarray | None
    sample_weight: np.ndarray | None

    @classmethod
    def of(cls, window: Window) -> _WholeTexts:
        chunks = window.texts.chunks or Chunks.whole(len(window.texts))
        return cls(chunks, window.y, window.sample_weight)


class BatchSource:
    """Yields batches in the order of a plan, window by window, in each pass.

    The caller sets the attribute `epoch`, so that the order of epoch `n` is the
    same whether training began at epoch 0 or was resumed.

    Args:
        windows: `Windows`.
        plan: function from `EncodedTexts`, epoch and whether no window follows
            to a list of `PlannedBatch`.
        fixed_length: int or `None`, the width of every batch if there is only
            one. Defaults to `None`.
        element: function from a `Window` and a `PlannedBatch` to an element.
            Defaults to `Window.element`.
        keeps_rest: bool, whether texts that a plan leaves out are moved to the
            next window. Defaults to `False`.
    """

    def __init__(
        self,
        windows: Windows,
        plan: Plan,
        fixed_length: int | None = None,
        element: Element = Window.element,
        keeps_rest: bool = False,
    ) -> None:
        self._windows, self._plan, self._element = windows, plan, element
        self._fixed_length, self._keeps_rest = fixed_length, keeps_rest
        self._planned: tuple[int, list[PlannedBatch]] | None = None
        # Of the windows of the last pass, where rows may be chunks.
        self._whole_texts: list[_WholeTexts] = []
        self.epoch = 0
        # Batches of the pass that are done already.
        self.done = 0
        self.order: list[np.ndarray] = []
        whole = windows.whole
        if whole is not None and self.in_chunks:
            self._whole_texts = [_WholeTexts.of(whole)]
        first = self._served(next(iter(windows)) if whole is None else whole)
        # Batches a pass, or `None` if not known.
        self.num_batches: int | None = None
        batch = PlannedBatch(np.arange(1), int(first.texts.lengths[0]), 1)
        if whole is not None:
            planned = self._batches(whole.texts, 0, True)
            self.num_batches, batch = len(planned), planned[0]
        self._example = element(first, batch)

    def _served(self, window: Window) -> Window:
        return Window(window.texts) if self.in_chunks else window

    def _batches(self, texts: EncodedTexts, epoch: int, is_last: bool) -> list[PlannedBatch]:
        if self._windows.whole is None:
            return self._plan(texts, epoch, is_last)
        if self._planned is None or self._planned[0] != epoch:
            self._planned = epoch, self._plan(texts, epoch, is_last)
        return self._planned[1]

    def _generate(self, epoch: int) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
        """Elements of a pass, each with the indices of its texts; -1 for rows that fill a batch."""
        first_index, waiting = 0, None
        whole_texts: list[_WholeTexts] = []
        for window, is_last in _mark_last(iter(self._windows)):
            if self.in_chunks:
                whole_texts.append(_WholeTexts.of(window))
            window = self._served(window)
            if waiting is not None:
                window = join_windows([waiting, window])
            batches = self._batches(window.texts, epoch, is_last)
            for batch in batches:
                yield self._element(window, batch), _row_indices(batch, first_index)
            if self._keeps_rest and not is_last:
                used = np.concatenate([b.indices for b in batches] or [np.empty(0, int)])
                waiting = window.take(np.setdiff1d(np.arange(len(window.texts)), used))
            else:
                first_index += len(window.texts)
        # At the end only: Keras begins passes that it does not finish.
        self._whole_texts = whole_texts

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
        """Return the `tf.TensorSpec`s of an element; axes that may vary are `None`."""

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
            An array of shape `(num_texts, ...)`; of a source whose rows may be
            chunks, the average over the chunks of each text.
        """
        order = np.concatenate(self.order)
        real = order >= 0
        restored = np.empty((int(real.sum()), *rows.shape[1:]), dtype=rows.dtype)
        restored[order[real]] = rows[real]
        if not self.in_chunks:
            return restored
        return join_chunks(part.chunks for part in self._whole_texts).average(restored)

    @property
    def in_chunks(self) -> bool:
        """Whether rows may be chunks of texts; elements are then `(x,)`."""
        return self._windows.in_chunks

    def targets(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the targets of the texts of the last pass, for a source in chunks.

        Returns:
            A tuple of an array of targets and one of weights, or `None` where
            there are none.
        """
        columns = zip(*((part.y, part.sample_weight) for part in self._whole_texts), strict=True)
        y, weight = (
            None if any(part is None for part in parts) else np.concatenate(parts)
            for parts in columns
        )
        return y, weight


class _SourceAdapter(BatchAdapter):
    """Gives the batches of a `BatchSource` to the trainer of each backend in the form it takes.

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


class _Filters:
    """Filters of warnings that stay until the last thread that wants them has ended.

    `warnings.catch_warnings` puts back what it found, which in another thread's
    midst are the filters of that thread.
    """

    _lock = threading.Lock()
    _wanted: collections.Counter[str] = collections.Counter()

    @classmethod
    def enter(cls, messages: list[str]) -> None:
        """Ignore warnings whose messages begin so."""
        with cls._lock:
            for message in messages:
                if not cls._wanted[message]:
                    warnings.filterwarnings("ignore", message)
                cls._wanted[message] += 1

    @classmethod
    def leave(cls, messages: list[str]) -> None:
        """End what `enter` began."""
        with cls._lock:
            cls._wanted.subtract(messages)
            ended = {message for message in messages if not cls._wanted[message]}
            warnings.filters[:] = [  # type: ignore[index]
                entry
                for entry in warnings.filters
                if getattr(entry[1], "pattern", entry[1]) not in ended
            ]


@contextlib.contextmanager
def quiet(*sources: BatchSource | None) -> Iterator[None]:
    """Suppress warnings of Keras that do not apply to these batches.

    Args:
        *sources: `BatchSource` or `None`, what Keras is about to read.

    Returns:
        A context manager.
    """
    # What a backbone may have beside the hidden states that the head reads.
    unread = "(pooled_dense|decoder|reverse_embeddings)"
    messages = [
        f"Gradients do not exist for variables .*{unread}",
        # The decoder of an encoder-decoder reads one token, and so attends to one.
        "(?s).*You are using a softmax over axis -1 of a tensor",
    ]
    if any(source is not None and source.num_batches is None for source in sources):
        # Said at the end of every stream whose length is not known beforehand.
        messages.append("Your input ran out of data")
    _Filters.enter(messages)
    try:
        yield
    finally:
        _Filters.leave(messages)


class EpochSetter(keras.callbacks.Callback):
    """Callback that sets the epoch of a source, from which the order of its texts follows.

    Args:
        source: `BatchSource`.
    """

    def __init__(self, source: BatchSource) -> None:
        super().__init__()
        self._source = source

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the epoch of the source."""
        self._source.epoch = epoch


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
