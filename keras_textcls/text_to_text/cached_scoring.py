"""`CachedScorer`: scores all answers to a prompt from copies of the cache of the prompt."""

from __future__ import annotations

import dataclasses
import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_textcls.batching.batch_source import BatchSource
from keras_textcls.batching.bucket_plan import PlannedBatch, fixed_widths
from keras_textcls.batching.planner import Planner
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.execution.predict import predict_source
from keras_textcls.keras_compat.generation import has_prompt_cache, prompt_cache
from keras_textcls.text_to_text.answers import AnswerEntries, Answers
from keras_textcls.text_to_text.plain_scoring import CompiledCall, PlainScorer
from keras_textcls.tokenization.encoded_texts import EncodedTexts

# Numbers of logits, and of a cache, that may be in memory at once.
_MOST_LOGITS = 2**26
_MOST_CACHED = 2**27
# Tokens by which the prompts of a batch may differ in length, where each is read once a label;
# few choices, as each is a program to compile.
_RAGGED = (1, 3, 7, 15)
# What a batch costs beside its tokens, in tokens: 200 of a model of 5 million weights on
# PyTorch, 25 of GPT-2.
_BATCH_COST = 64
# Which axis of a part of a cache are the tokens, by how many axes it has: Keras Hub has one
# array `(batch, layers, 2, tokens, heads, size)`, GPT-Neo `(batch, heads, tokens, size)` a layer.
_LENGTH_AXIS = {6: 3, 4: 2}
# What a model raises whose cache is of another kind.
_FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    tf.errors.OpError,
)


class CachedScorer:
    """Scores all labels from copies of the cache of their prompt; the opening of all is read once.

    Args:
        causal_lm: a `keras_hub.models.CausalLM` with `call_with_cache`.
        answers: `Answers`.
        opening: int array, the tokens with which every prompt begins. They are
            left out of the prompts that are scored.
    """

    reads_opening = True

    def __init__(self, causal_lm: Any, answers: Answers, opening: np.ndarray) -> None:
        self._groups, self._opening = AnswerPaths.of(answers).groups(), opening
        self._paths = [path for group in self._groups for path in group.tokens]
        self._longest = max(map(len, self._paths))
        self.compute_dtype = causal_lm.backbone.compute_dtype
        self._model = _CachedModel(causal_lm, self._groups)
        backbone = causal_lm.backbone
        self._vocabulary = backbone.vocabulary_size
        self._cached = 2 * backbone.num_layers * backbone.hidden_dim

    @staticmethod
    def serves(causal_lm: Any) -> bool:
        """Return whether a cached scorer may work for a model; only a trial can tell."""
        return has_prompt_cache(causal_lm)

    def score(self, prompts: EncodedTexts, planner: Planner, **kwargs: Any) -> np.ndarray:
        """Score all labels; see `PlainScorer.score`. Prompts come without their opening."""
        self._model.read_opening(self._opening)
        batch_size = kwargs.pop("batch_size", None)
        tail = 1 + self._longest + self._ragged(prompts.lengths, planner)
        plan = self._plan(prompts.lengths, tail, planner, batch_size)

        def element(window: Window, batch: PlannedBatch) -> tuple[dict[str, np.ndarray]]:
            return (self._features(window.texts, batch, tail),)

        source = BatchSource(Windows.of(Window(prompts)), lambda *_: plan, element=element)
        return predict_source(self._model, source, **kwargs)

    def _ragged(self, lengths: np.ndarray, planner: Planner) -> int:
        """Choose how many tokens prompts of a batch may differ by: more waste or more batches."""
        spread = int(lengths.max() - lengths.min())
        waste = len(lengths) * (0.5 + len(self._paths))
        best = np.sqrt(spread * _BATCH_COST / waste)
        ragged = min(_RAGGED, key=lambda number: abs(number - best))
        # A prompt that fills the sequence leaves no room for that, and a batch of one has no use.
        tail = 1 + self._longest + ragged
        width = len(self._opening) + int(lengths.max()) - 1 + tail
        fits = planner.longest is None or width <= planner.longest
        return ragged if fits and self._most_rows(width, tail, planner) > 1 else 0

    def _plan(
        self, lengths: np.ndarray, tail: int, planner: Planner, batch_size: int | None
    ) -> list[PlannedBatch]:
        """Plan batches of prompts of similar length; the difference is read once for each label."""
        order = np.argsort(lengths, kind="stable")
        ascending = lengths[order]
        ragged = tail - 1 - self._longest
        widths = None if planner.policy.is_dynamic else fixed_widths(int(ascending[-1]) + tail)
        opening, first = len(self._opening), 0
        batches: list[PlannedBatch] = []
        while first < len(order):
            longest = int(ascending[first]) + ragged
            width = int(ascending[first]) + tail - 1
            if widths is not None:
                width = int(widths[min(int(np.searchsorted(widths, width)), len(widths) - 1)])
                width = min(width, (planner.longest or opening + width) - opening)
            rows = batch_size
            if rows is None:
                rows = self._most_rows(opening + width, tail, planner)
            stop = min(first + rows, int(np.searchsorted(ascending, longest, side="right")))
            filled = rows if widths is not None else stop - first
            batches.append(PlannedBatch(order[first:stop], width, filled))
            first = stop
        return batches

    def _most_rows(self, width: int, tail: int, planner: Planner) -> int:
        """Most prompts of a batch that fit in memory; `width` includes the opening."""
        number = max(len(group.tokens) for group in self._groups)
        limits = (
            planner.token_budget // width,
            _MOST_LOGITS // (number * tail * self._vocabulary),
            _MOST_CACHED // (number * width * self._cached),
        )
        return max(1, min(limits))

    def _features(
        self, prompts: EncodedTexts, batch: PlannedBatch, tail: int
    ) -> dict[str, np.ndarray]:
        features = prompts.batch(batch.indices, batch.padded_length, batch.rows)
        lengths = prompts.lengths[batch.indices]
        lengths = np.append(lengths, np.repeat(lengths[-1:], batch.rows - len(lengths)))
        # What is read anew begins with the last token of the shortest prompt.
        start = int(lengths.min()) - 1
        paths = self._paths
        tails = np.zeros((batch.rows, len(paths), tail), "int32")
        for row, length in enumerate(lengths):
            rest = features["token_ids"][row, start:length]
            tails[row, :, : len(rest)] = rest
            for number, path in enumerate(paths):
                tails[row, number, len(rest) : len(rest) + len(path)] = path
        return {
            "token_ids": features["token_ids"],
            "tails": tails,
            "start": np.full(batch.rows, start, "int32"),
            "ends": (lengths - 1 - start).astype("int32"),
        }


class _CachedModel(keras.Model):
    """Model from prompts and the tokens after them to the scores of all answers."""

    def __init__(self, causal_lm: Any, groups: list[AnswerPaths]) -> None:
        super().__init__(name="cached_scorer")
        self.causal_lm, self._groups = causal_lm, groups
        # Hidden from attribute tracking, which on TensorFlow wraps tuples.
        self._memory = types.SimpleNamespace(cache=None)
        self._reader = types.SimpleNamespace(model=CompiledCall(causal_lm, self._read))

    def read_opening(self, tokens: np.ndarray) -> None:
        """Read the opening of all prompts; call it again when weights change."""
        if not len(tokens):
            return
        cache = self._reader.model.of_arrays(tokens[None].astype("int32"))
        if self._memory.cache is None:
            self._memory.cache = keras.tree.map_structure(self._remembered, cache)
        memory = keras.tree.flatten(self._memory.cache)
        for known, part in zip(memory, keras.tree.flatten(cache), strict=True):
            known.assign(part)

    def _read(self, token_ids: Any) -> Any:
        return prompt_cache(self.causal_lm, token_ids)

    def _remembered(self, part: Any) -> Any:
        if len(part.shape) not in _LENGTH_AXIS:
            raise ValueError(f"a cache of shape {tuple(part.shape)}")
        return self.add_weight(
            shape=tuple(part.shape),
            initializer="zeros",
            trainable=False,
            name="memory",
            dtype=keras.backend.standardize_dtype(part.dtype),
        )

    def call(self, inputs: dict[str, Any]) -> Any:
        tails, ends = inputs["tails"], ops.cast(inputs["ends"], "int32")
        cache, opening = self._prompt_cache(inputs["token_ids"])
        start = ops.cast(inputs["start"][0], "int32") + opening
        longest = max(group.longest for group in self._groups)
        first, scores = 0, []
        for group in self._groups:
            stop = first + len(group.tokens)
            rows = tails[:, first:stop, : ops.shape(tails)[2] - (longest - group.longest)]
            scores.append(self._group_scores(group, rows, cache, start, ends))
            first = stop
        return sum(scores)

    def _group_scores(
        self, group: AnswerPaths, tails: Any, cache: Any, start: Any, ends: Any
    ) -> Any:
        """Return what the tokens on some paths add to the score of each label."""
        number = len(group.tokens)
        batch, width = ops.shape(tails)[0], ops.shape(tails)[2]
        cache = keras.tree.map_structure(lambda part: ops.repeat(part, number, axis=0), cache)
        rows = ops.reshape(tails, (batch * number, width))
        logits = ops.cast(self.causal_lm.call_with_cache(rows, cache, start)[0], "float32")
        vocabulary = ops.shape(logits)[2]
        norms = ops.reshape(ops.logsumexp(logits, axis=-1), (batch, number * width))
        # Cell of each entry: its path, its place in that.
        row, depth = (
            ops.convert_to_tensor(a[None]) for a in (group.entry_paths, group.entry_depths)
        )
        place = row * width + ends[:, None] + depth
        flat = ops.reshape(logits, (batch, number * width * vocabulary))
        cells = place * vocabulary + ops.convert_to_tensor(group.entry_tokens[None])
        log_probabilities = ops.take_along_axis(flat, cells, axis=1)
        log_probabilities = log_probabilities - ops.take_along_axis(norms, place, axis=1)
        return ops.matmul(log_probabilities, ops.convert_to_tensor(group.members))

    def _prompt_cache(self, token_ids: Any) -> tuple[Any, int]:
        """The cache of the prompts, after that of their opening; tokens of the opening."""
        memory = self._memory.cache
        if memory is None:
            return prompt_cache(self.causal_lm, token_ids), 0
        batch, width = ops.shape(token_ids)[0], ops.shape(token_ids)[1]
        parts = keras.tree.flatten(memory)
        opening = parts[0].shape[_LENGTH_AXIS[len(parts[0].shape)]]

        def opened(known: Any) -> Any:
            axis = _LENGTH_AXIS[len(known.shape)]
            shape = (batch, *known.shape[1:axis], width, *known.shape[axis + 1 :])
            read = ops.repeat(ops.convert_to_tensor(known), batch, axis=0)
            return ops.concatenate([read, ops.zeros(shape, known.dtype)], axis=axis)

        cache = keras.tree.map_structure(opened, memory)
        # Some models take a tensor alone.
        index = ops.convert_to_tensor(opening, "int32")
        return self.causal_lm.call_with_cache(token_ids, cache, index)[2], opening


@dataclasses.dataclass(frozen=True)
class AnswerPaths:
    """Answers as rows of tokens to read after a prompt, each row read once.

    Args:
        tokens: list of tuples of token ids: of each answer all but the last
            token, unless another begins so.
        entry_paths: int array, in which row a token is scored.
        entry_depths: int array, after how many tokens of that row.
        entry_tokens: int array, the token.
        members: float array of shape `(num_entries, num_labels)`, 1 where a
            token is part of the answer of a label.
    """

    tokens: list[tuple[int, ...]]
    entry_paths: np.ndarray
    entry_depths: np.ndarray
    entry_tokens: np.ndarray
    members: np.ndarray

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(map(len, self.tokens))

    def groups(self) -> list[AnswerPaths]:
        """Split into paths of similar length, which are read together."""
        sizes = np.array([len(path) for path in self.tokens])
        widths, counts = np.unique(sizes, return_counts=True)
        # Cheapest split of the widths up to each, by the tokens that are read, padding too.
        costs, firsts = [0.0], [0]
        for stop in range(1, len(widths) + 1):
            reads = 1 + widths[stop - 1]
            options = [
                costs[first] + counts[first:stop].sum() * reads + _BATCH_COST
                for first in range(stop)
            ]
            firsts.append(int(np.argmin(options)))
            costs.append(options[firsts[-1]])
        groups, stop = [], len(widths)
        while stop:
            chosen = np.isin(sizes, widths[firsts[stop] : stop])
            groups.append(self._only(np.flatnonzero(chosen)))
            stop = firsts[stop]
        return groups

    def _only(self, rows: np.ndarray) -> AnswerPaths:
        kept = np.isin(self.entry_paths, rows)
        return AnswerPaths(
            [self.tokens[row] for row in rows],
            np.searchsorted(rows, self.entry_paths[kept]).astype("int32"),
            self.entry_depths[kept],
            self.entry_tokens[kept],
            self.members[kept],
        )

    @classmethod
    def of(cls, answers: Answers) -> AnswerPaths:
        """Join answers that have the same beginning."""
        heads = {tuple(ids[:-1]) for ids in answers.scored}
        inner = {head[:i] for head in heads for i in range(len(head))}
        tokens = sorted(heads - inner)
        home = {path[:i]: row for row, path in enumerate(tokens) for i in range(len(path) + 1)}
        entries = AnswerEntries.of(answers.scored)
        return cls(
            tokens,
            np.array([home[beginning] for beginning in entries.beginnings], "int32"),
            np.array([len(beginning) for beginning in entries.beginnings], "int32"),
            entries.tokens,
            entries.members,
        )


def agrees_with(
    scorer: CachedScorer,
    plain: PlainScorer,
    samples: tuple[EncodedTexts, EncodedTexts],
    planner: Planner,
) -> bool:
    """Return whether a scorer works for a model, and gives the scores of one pass for each label.

    Some caches take one token at a time, or windows of them.

    Args:
        scorer: `CachedScorer`.
        plain: `PlainScorer` of the same model.
        samples: tuple of two `EncodedTexts` to try it with, prompts without
            their opening and the same whole.
        planner: `Planner`.

    Returns:
        A bool.
    """
    expected = plain.score(samples[1], planner, verbose=0)
    try:
        scores = scorer.score(samples[0], planner, verbose=0)
    except _FAILURES:
        return False
    # Both scorers round where the precision is reduced.
    loose = 1.0 if scorer.compute_dtype == "float32" else 50.0
    return bool(np.allclose(scores, expected, rtol=1e-4 * loose, atol=1e-3 * loose))
