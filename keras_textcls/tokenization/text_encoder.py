"""`TextEncoder`: turns texts into token ids in large batches, without padding.

A preprocessor of Keras Hub pads every text to `sequence_length`. Here it runs
over large batches, and the padding is removed afterwards. Which values are padding
is learnt from the preprocessor itself, so that any preprocessor works. Texts take a
fast path where there is one: only the tokenizer runs, and NumPy does what the
preprocessor does around it (`packing.py`). Only on the fast path can a text be cut
into chunks instead of truncated.

Preprocessors and tokenizers of Keras Hub need no TensorFlow here. Others run in
`tf.data`, as a graph, which is some 13 times as fast as their Python code.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textcls.errors import ArgumentError
from keras_textcls.inputs.texts import TextColumns
from keras_textcls.keras_compat.forked import check_process
from keras_textcls.tokenization.chunks import Chunks, cut_evenly
from keras_textcls.tokenization.encoded_texts import EncodedTexts, concatenate
from keras_textcls.tokenization.fast_tokenization import Tokenize, fast_tokenizer, needs_no_graph
from keras_textcls.tokenization.packing import Packing, learn_packing, probe_texts
from keras_textcls.tokenization.prefixes import first_ids
from keras_textcls.tokenization.preprocessor_fingerprint import preprocessor_fingerprint
from keras_textcls.tokenization.stand_in import with_tokenizer
from keras_textcls.tokenization.traced_graphs import TextGraph

TEXTS_AT_ONCE = 1024
# Fewer texts than these take less time without a packing than learning it (some 0.3 s).
MIN_TEXTS_FOR_PACKING = 2048
_MASKS = ("padding_mask", "encoder_padding_mask")
_IDS = ("token_ids", "encoder_token_ids")
# What a preprocessor or tokenizer raises that TensorFlow cannot trace.
_NOT_IN_GRAPHS = (tf.errors.OpError, ValueError, TypeError, AttributeError)


class TextEncoder:
    """Runs a preprocessor over texts and removes the padding.

    Args:
        preprocessor: a `keras_hub.models.Preprocessor`, or any layer or
            callable from a batch of strings to a dict of arrays.
    """

    def __init__(self, preprocessor: Any) -> None:
        self.preprocessor = preprocessor
        self._runners: dict[tuple[int, int | None], _Runner] = {}

    def encode(self, columns: TextColumns) -> EncodedTexts:
        """Tokenize texts.

        Args:
            columns: `TextColumns`.

        Returns:
            `EncodedTexts`.
        """
        runner = self._runner(len(columns))
        packed = runner.pack(columns[0]) if len(columns) == 1 else None
        return _wrap(runner, packed or _unpad(runner, columns))

    def encode_in_chunks(self, columns: TextColumns) -> EncodedTexts:
        """Tokenize texts, long ones in chunks; pairs are truncated.

        Args:
            columns: `TextColumns`.

        Returns:
            `EncodedTexts`, with `chunks` if a text was cut.

        Raises:
            ArgumentError: the preprocessor is not one that can be packed.
        """
        if len(columns) > 1:
            return self.encode(columns)
        self.check_can_cut()
        runner = self._runner(1)
        tokens, counts = runner.tokenize(columns[0])
        parts, sizes, owners, padded = runner.pack_chunks(tokens, counts)
        encoded = _wrap(runner, parts)
        if len(padded):
            # As above: only the preprocessor knows what becomes of its padding token. In a text
            # that is cut, it is a token as any other.
            whole = _wrap(runner, _unpad(runner, ([columns[0][i] for i in owners[padded]],)))
            rows = np.arange(len(owners))
            rows[padded] = len(owners) + np.arange(len(padded))
            encoded = concatenate([encoded, whole]).take(rows)
        if len(owners) == len(counts):
            return encoded
        return dataclasses.replace(encoded, chunks=Chunks(owners, np.maximum(sizes, 1.0)))

    def check_can_cut(self) -> None:
        """Refuse a preprocessor that does more than to add tokens before and after a text.

        Raises:
            ArgumentError: it does, or leaves no room for a text.
        """
        if not self._runner(1).is_packed:
            name = type(self.preprocessor).__name__
            length = getattr(self.preprocessor, "sequence_length", None)
            raise ArgumentError(
                f"Long texts cannot be cut into chunks with this preprocessor ({name}, "
                f"sequence_length={length}): it does more than to put tokens before and after "
                'those of the text, or leaves no room for them. Set long_texts = "truncate".'
            )

    def _runner(self, num_columns: int) -> _Runner:
        """The traced preprocessor, made anew only when its settings changed."""
        check_process()
        key = num_columns, getattr(self.preprocessor, "sequence_length", None)
        if key not in self._runners:
            self._runners[key] = _Runner(self.preprocessor, num_columns)
        return self._runners[key]


_Parts = tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]


def _wrap(runner: _Runner, parts: _Parts) -> EncodedTexts:
    lengths, flat, fixed = parts
    return EncodedTexts(
        lengths=lengths.astype("int32"),
        flat=flat,
        fixed=fixed,
        padding={name: values.item() for name, values in runner.padding.items()},
        full_length=runner.full_length,
    )


def _unpad(runner: _Runner, columns: TextColumns) -> _Parts:
    """Run the whole preprocessor and cut its padding off."""
    lengths: list[np.ndarray] = []
    flat: dict[str, list[np.ndarray]] = {}
    fixed: dict[str, list[np.ndarray]] = {}
    for features in runner.run(columns):
        real = _count_real_tokens(features, runner.padding, runner.full_length)
        lengths.append(real)
        keep = np.arange(runner.full_length) < real[:, None]
        for name, values in features.items():
            if name in runner.padding:
                flat.setdefault(name, []).append(values[keep])
            else:
                fixed.setdefault(name, []).append(values)
    joined = ({n: np.concatenate(p) for n, p in parts.items()} for parts in (flat, fixed))
    return (np.concatenate(lengths), *joined)  # type: ignore[return-value]


class _Runner:
    """A preprocessor for a number of segments, traced once if it must be.

    Where texts can be tokenized without a graph, the preprocessor runs without
    one, and with that tokenizer.
    """

    def __init__(self, preprocessor: Any, num_columns: int) -> None:
        self._preprocessor = preprocessor
        # Texts of different lengths: some tokenizers fail on them, but only in a graph.
        self._probe = (["", "two words"],) * num_columns
        self.is_graph_free = preprocessor_fingerprint(preprocessor) is not None and needs_no_graph(
            getattr(preprocessor, "tokenizer", None)
        )
        features = self._run_batch(None if self.is_graph_free else self._graph, *self._probe)
        self.full_length = max(
            (v.shape[1] for n, v in features.items() if n in _IDS + _MASKS), default=0
        )
        # What the last cell of an empty text holds.
        self.padding = {
            name: values[0, -1]
            for name, values in features.items()
            if values.ndim == 2 and values.shape[1] == self.full_length
        }
        if self.is_graph_free:
            # The layer is built by now, so that its copy makes no parts of its own.
            self._preprocessor = with_tokenizer(preprocessor, fast_tokenizer, self.full_length)
        self._fast_path: tuple[Tokenize, Packing] | None = None
        self._is_learnt = False

    @functools.cached_property
    def _graph(self) -> TextGraph | None:
        """The preprocessor as a graph, if it needs and can be one."""
        if self.is_graph_free:
            return None
        columns = len(self._probe)
        try:
            graph = TextGraph("features", self._preprocess, columns, self._preprocessor)
            graph(*self._probe)
        except _NOT_IN_GRAPHS:
            return None
        return graph

    def run(self, columns: TextColumns) -> Iterator[dict[str, np.ndarray]]:
        """Yield the padded features of the texts, batch by batch."""
        starts = range(0, len(columns[0]), TEXTS_AT_ONCE)
        batches = ([column[s : s + TEXTS_AT_ONCE] for column in columns] for s in starts)
        if len(starts) == 1 or self._graph is None:
            yield from (self._run_batch(self._graph, *batch) for batch in batches)
            return
        dataset = tf.data.Dataset.from_tensor_slices(columns).batch(TEXTS_AT_ONCE)
        dataset = dataset.map(self._graph.for_dataset(), num_parallel_calls=tf.data.AUTOTUNE)
        yield from dataset.prefetch(1).as_numpy_iterator()

    def pack(self, texts: list[str]) -> _Parts | None:
        """Tokenize and pack texts on the fast path; `None` where it is not available."""
        is_slow = not self._is_learnt and not self.is_graph_free
        if is_slow and len(texts) < MIN_TEXTS_FOR_PACKING:
            return None
        if not self.is_packed:
            return None
        tokens, counts = first_ids(self.tokenize, texts, self._packing.room)
        if self._is_padding(tokens).any():
            return None  # A text that spells the padding token out; some masks hide it there.
        return self._apply(tokens, counts)

    def pack_chunks(
        self, tokens: np.ndarray, counts: np.ndarray
    ) -> tuple[_Parts, np.ndarray, np.ndarray, np.ndarray]:
        """Cut tokens into chunks and pack them.

        Args:
            tokens: int array, as `tokenize` returned it; so `counts`.
            counts: int array.

        Returns:
            A tuple of the parts of the chunks, how many tokens each has, the
            text of each, and which of them are whole texts that spell the
            padding token out.
        """
        room = self._packing.room
        sizes, owners = cut_evenly(counts, room)
        spells = np.unique(np.repeat(np.arange(len(sizes)), sizes)[self._is_padding(tokens)])
        is_whole = counts[owners[spells]] <= room
        return self._apply(tokens, sizes), sizes, owners, spells[is_whole]

    @property
    def is_packed(self) -> bool:
        """Whether there is a fast path; the first call learns the packing."""
        if not self._is_learnt:
            self._is_learnt = True
            if self.is_graph_free or self._graph is not None:
                self._fast_path = self._learn_packing()
        return self._fast_path is not None

    @property
    def tokenize(self) -> Tokenize:
        """From texts to all tokens end to end, and how many each has; if `is_packed`."""
        assert self._fast_path is not None
        return self._fast_path[0]

    @property
    def _packing(self) -> Packing:
        assert self._fast_path is not None
        return self._fast_path[1]

    def _is_padding(self, tokens: np.ndarray) -> np.ndarray:
        return tokens == self.padding[self._packing.ids_name]

    def _apply(self, tokens: np.ndarray, counts: np.ndarray) -> _Parts:
        lengths, flat, fixed = self._packing.apply(tokens, counts)
        return lengths, {n: v.astype(self.padding[n].dtype) for n, v in flat.items()}, fixed

    def _learn_packing(self) -> tuple[Tokenize, Packing] | None:
        tokenizer = getattr(self._preprocessor, "tokenizer", None)
        ids_name = next((name for name in _IDS if name in self.padding), None)
        if tokenizer is None or ids_name is None:
            return None
        try:
            tokenize = tokenizer.ids if self.is_graph_free else fast_tokenizer(tokenizer)
        except _NOT_IN_GRAPHS:
            return None
        texts = probe_texts(self.full_length)
        features = self._run_batch(self._graph, *[texts])
        lengths = _count_real_tokens(features, self.padding, self.full_length)
        flat, counts = tokenize(texts)
        tokens = np.split(flat, np.cumsum(counts)[:-1])
        packing = learn_packing(features, self.padding, lengths, tokens, ids_name)
        return None if packing is None else (tokenize, packing)

    def _run_batch(self, graph: TextGraph | None, *columns: list[str]) -> dict[str, np.ndarray]:
        if graph is None:
            features = self._preprocess(*columns)
            return {name: keras.ops.convert_to_numpy(v) for name, v in features.items()}
        features = graph(*columns)
        return {name: values.numpy() for name, values in features.items()}

    def _preprocess(self, *columns: Any) -> Any:
        x = columns if len(columns) > 1 else columns[0]
        # By name: Keras Hub takes a lone tuple of two for (texts, labels).
        is_layer = isinstance(self._preprocessor, keras.Layer)
        features = self._preprocessor(x=x) if is_layer else self._preprocessor(x)
        # A causal language model's preprocessor returns (features, targets, weights).
        features = features[0] if isinstance(features, tuple) else features
        if not isinstance(features, dict):
            raise ArgumentError(
                "`preprocessor` must return a dict of model inputs. It returned a "
                f"{type(features).__name__}."
            )
        return features


def _count_real_tokens(
    features: dict[str, np.ndarray], padding: dict[str, np.ndarray], full_length: int
) -> np.ndarray:
    """Real tokens of each row: up to the last cell that is not padding."""
    for name in _MASKS + _IDS:
        if name in padding:
            real = features[name] if name in _MASKS else features[name] != padding[name]
            from_end = np.argmax(real.astype(bool)[:, ::-1], axis=1)
            return np.where(real.any(axis=1), full_length - from_end, 1)
    return np.full(len(next(iter(features.values()))), full_length)
