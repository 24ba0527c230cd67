"""How likely a language model finds each answer to a prompt.

Three ways, which agree to rounding:

- `TreeScorer`: the prompt and all answers, as a tree, in one pass. Models with
  `call_with_branches`, which GPT-Neo here has.
- `CachedScorer`: the prompt once, then all answers on copies of its cache. Any
  model of Keras Hub whose `call_with_cache` reads several tokens.
- `PlainScorer`: one pass a label. Every model; what the others are checked
  against.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_textcls.batch_source import BatchSource, Encoded, quiet
from keras_textcls.batching import PlannedBatch, ladder
from keras_textcls.encoded_texts import EncodedTexts
from keras_textcls.feeding import Feeder
from keras_textcls.text_to_text.answer_model import answer_logits, log_likelihoods
from keras_textcls.text_to_text.answers import Answers, AnswerTrie
from keras_textcls.text_to_text.prompt_encoding import with_answers

# Numbers of logits, and of a cache, that may be in memory at once.
_MOST_LOGITS = 2**26
_MOST_CACHED = 2**27
# Tokens by which the prompts of a batch may differ in length, where each is read once a label.
_RAGGED = 3


class PlainScorer:
    """Scores every label by a pass of its own over the prompt and its answer.

    Args:
        causal_lm: a `keras_hub.models.CausalLM`.
        head: what `output_layers` returned for it.
        answers: `Answers`.
    """

    reads_opening = False

    def __init__(self, causal_lm: Any, head: keras.Model, answers: Answers) -> None:
        self._answers = answers
        inputs, logits = answer_logits(causal_lm, head)
        tokens = keras.Input((None,), dtype="int32", name="answer_ids")
        likelihoods = log_likelihoods(logits, tokens)
        scores = ops.sum(ops.cast(tokens >= 0, "float32") * likelihoods, axis=-1, keepdims=True)
        self._model = keras.Model({**inputs, "answer_ids": tokens}, scores)

    def score(self, prompts: EncodedTexts, feeder: Feeder, **kwargs: Any) -> np.ndarray:
        """Score all labels.

        Args:
            prompts: `EncodedTexts`, whole prompts.
            feeder: `Feeder`, which plans batches.
            **kwargs: `batch_size`, and arguments of `keras.Model.predict`.

        Returns:
            A float32 array of shape `(num_texts, num_labels)`, the logarithm of
            the probability of each answer.
        """
        batch_size = kwargs.pop("batch_size", None)
        ids = [np.array(tokens, "int32") for tokens in self._answers.scored]
        count, number = len(prompts), len(ids)
        repeated = prompts.take(np.repeat(np.arange(count), number))
        texts, targets = with_answers(repeated, ids * count, max(map(len, ids)))
        texts = dataclasses.replace(texts, fixed={**texts.fixed, "answer_ids": targets})
        size = None if batch_size is None else batch_size * number
        return predict_source(
            self._model, feeder.inference(Encoded(texts), size), **kwargs
        ).reshape(count, number)


class _TreeModel(keras.Model):
    """From prompts to the scores of all answers, in one pass."""

    def __init__(self, causal_lm: Any, head: keras.Model, trie: AnswerTrie, opening: int) -> None:
        super().__init__(name="tree_scorer")
        self.causal_lm, self.head = causal_lm, head
        self._trie, self._opening = trie, opening
        backbone = causal_lm.backbone
        shape = (1, backbone.num_heads, opening, backbone.hidden_dim // backbone.num_heads)
        self.memory = [
            [
                self.add_weight(
                    shape=shape, initializer="zeros", trainable=False, name=f"memory_{i}_{part}",
                    dtype=backbone.compute_dtype,
                )
                for part in ("key", "value")
            ]
            for i in range(backbone.num_layers if opening else 0)
        ]  # fmt: skip

    def read_opening(self, tokens: np.ndarray) -> None:
        """Read what every prompt begins with; to be done anew when weights change."""
        if not self.memory:
            return
        place = np.arange(len(tokens), dtype="int32")
        with _no_gradient():
            _, found = self.causal_lm.call_with_branches(
                ops.convert_to_tensor(tokens[None].astype("int32")),
                ops.convert_to_tensor(place[None]),
                ops.convert_to_tensor((place[:, None] >= place)[None]),
            )
            for variables, values in zip(self.memory, found, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value)

    def call(self, inputs: dict[str, Any]) -> Any:
        token_ids, mask = inputs["token_ids"], ops.cast(inputs["padding_mask"], "int32")
        trie, nodes = self._trie, len(self._trie.tokens)
        batch, width = ops.shape(token_ids)[0], ops.shape(token_ids)[1]
        lengths = ops.sum(mask, axis=1, keepdims=True)
        place = ops.arange(width, dtype="int32")
        positions = ops.repeat(place[None], batch, axis=0)
        admitted = ops.repeat((place[:, None] >= place)[None], batch, axis=0)
        if nodes:
            token_ids = ops.concatenate(
                [token_ids, ops.repeat(ops.convert_to_tensor(trie.tokens)[None], batch, axis=0)], 1
            )
            depths = ops.convert_to_tensor(trie.depths[None])
            positions = ops.concatenate([positions, lengths + depths], axis=1)
            # A prompt reads no answer; an answer reads the real tokens of its prompt, and itself.
            above = ops.concatenate([admitted, ops.zeros((batch, width, nodes), "bool")], axis=2)
            prompt = ops.repeat((place[None] < lengths)[:, None], nodes, axis=1)
            itself = ops.repeat(ops.convert_to_tensor(trie.ancestors)[None], batch, axis=0)
            admitted = ops.concatenate([above, ops.concatenate([prompt, itself], axis=2)], axis=1)
        hidden, _ = self.causal_lm.call_with_branches(
            token_ids, positions + self._opening, admitted, self.memory or None
        )
        last = ops.take_along_axis(hidden, ops.expand_dims(lengths - 1, -1), axis=1)
        if nodes:
            last = ops.concatenate([last, hidden[:, width:]], axis=1)
        return self._label_scores(self.head(last))

    def _label_scores(self, logits: Any) -> Any:
        """Scores of the labels from logits at the end of the prompt and at every node."""
        trie = self._trie
        logits = ops.cast(logits, "float32")
        norms = ops.logsumexp(logits, axis=-1)
        vocabulary = ops.shape(logits)[2]
        flat = ops.reshape(logits, (-1, ops.shape(logits)[1] * vocabulary))
        nodes, tokens = (ops.convert_to_tensor(a) for a in (trie.entry_nodes, trie.entry_tokens))
        cells = nodes * vocabulary + tokens
        found = ops.take(flat, cells, axis=1) - ops.take(norms, nodes, axis=1)
        return ops.matmul(found, ops.convert_to_tensor(trie.members))


class TreeScorer:
    """Scores all labels of a prompt in one pass; the opening of all prompts is read once.

    Args:
        causal_lm: a `keras_hub.models.CausalLM` with `call_with_branches`.
        head: what `output_layers` returned for it.
        answers: `Answers`.
        opening: int array, the tokens with which every prompt begins. They are
            left out of the prompts that are scored.
    """

    reads_opening = True

    def __init__(
        self, causal_lm: Any, head: keras.Model, answers: Answers, opening: np.ndarray
    ) -> None:
        self._trie, self._opening = AnswerTrie.of(answers.scored), opening
        self._model = _TreeModel(causal_lm, head, self._trie, len(opening))
        self._vocabulary = causal_lm.backbone.vocabulary_size

    @staticmethod
    def serves(causal_lm: Any) -> bool:
        """Whether a model can be scored so."""
        return hasattr(causal_lm, "call_with_branches")

    def score(self, prompts: EncodedTexts, feeder: Feeder, **kwargs: Any) -> np.ndarray:
        """Score all labels; see `PlainScorer.score`. Prompts come without their opening."""
        self._model.read_opening(self._opening)
        batch_size = kwargs.pop("batch_size", None)
        nodes = len(self._trie.tokens)
        # The answers stand in each row beside the prompt.
        width = float(prompts.lengths.mean())
        budget = feeder.token_budget * width / (width + nodes)
        rows = max(1, _MOST_LOGITS // ((nodes + 1) * self._vocabulary))
        budget = min(budget, rows * max(8.0, float(prompts.lengths.min())))
        feeder = dataclasses.replace(feeder, token_budget=max(1, int(budget)))
        return predict_source(self._model, feeder.inference(Encoded(prompts), batch_size), **kwargs)


class _CachedModel(keras.Model):
    """From prompts, and what continues them, to the scores of all answers."""

    def __init__(self, causal_lm: Any, paths: AnswerPaths) -> None:
        super().__init__(name="cached_scorer")
        self.causal_lm, self._paths = causal_lm, paths

    def call(self, inputs: dict[str, Any]) -> Any:
        paths = self._paths
        number = len(paths.tokens)
        tails, ends = inputs["tails"], ops.cast(inputs["ends"], "int32")
        batch, width = ops.shape(tails)[0], ops.shape(tails)[2]
        _, cache = self.causal_lm._build_cache(inputs["token_ids"])
        cache = keras.tree.map_structure(lambda part: ops.repeat(part, number, axis=0), cache)
        rows = ops.reshape(tails, (batch * number, width))
        start = ops.cast(inputs["start"][0], "int32")
        logits = ops.cast(self.causal_lm.call_with_cache(rows, cache, start)[0], "float32")
        vocabulary = ops.shape(logits)[2]
        norms = ops.reshape(ops.logsumexp(logits, axis=-1), (batch, number * width))
        # Cell of each entry: its path, its place in that.
        row, depth = (
            ops.convert_to_tensor(a[None]) for a in (paths.entry_paths, paths.entry_depths)
        )
        place = row * width + ends[:, None] + depth
        flat = ops.reshape(logits, (batch, number * width * vocabulary))
        cells = place * vocabulary + ops.convert_to_tensor(paths.entry_tokens[None])
        found = ops.take_along_axis(flat, cells, axis=1)
        found = found - ops.take_along_axis(norms, place, axis=1)
        return ops.matmul(found, ops.convert_to_tensor(paths.members))


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

    @classmethod
    def of(cls, answers: Answers) -> AnswerPaths:
        """Join answers that begin alike."""
        heads = {tuple(ids[:-1]) for ids in answers.scored}
        inner = {head[:i] for head in heads for i in range(len(head))}
        tokens = sorted(heads - inner)
        home = {path[:i]: row for row, path in enumerate(tokens) for i in range(len(path) + 1)}
        entries: dict[tuple[tuple[int, ...], int], int] = {}
        parts = [
            [entries.setdefault((ids[:i], ids[i]), len(entries)) for i in range(len(ids))]
            for ids in answers.scored
        ]
        members = np.zeros((len(entries), len(parts)), "float32")
        for label, part in enumerate(parts):
            members[part, label] = 1
        return cls(
            tokens,
            np.array([home[head] for head, _ in entries], "int32"),
            np.array([len(head) for head, _ in entries], "int32"),
            np.array([token for _, token in entries], "int32"),
            members,
        )


class CachedScorer:
    """Scores all labels from copies of the cache of their prompt.

    Args:
        causal_lm: a `keras_hub.models.CausalLM` with `call_with_cache`.
        answers: `Answers`.
    """

    reads_opening = False

    def __init__(self, causal_lm: Any, answers: Answers) -> None:
        self._paths = AnswerPaths.of(answers)
        self.compute_dtype = causal_lm.backbone.compute_dtype
        self._model = _CachedModel(causal_lm, self._paths)
        backbone = causal_lm.backbone
        self._vocabulary = backbone.vocabulary_size
        self._cached = 2 * backbone.num_layers * backbone.hidden_dim

    @staticmethod
    def serves(causal_lm: Any) -> bool:
        """Whether a model can be scored so, as far as can be seen without trying."""
        return all(hasattr(causal_lm, n) for n in ("call_with_cache", "_build_cache"))

    def score(self, prompts: EncodedTexts, feeder: Feeder, **kwargs: Any) -> np.ndarray:
        """Score all labels; see `PlainScorer.score`."""
        batch_size = kwargs.pop("batch_size", None)
        longest, path = int(prompts.lengths.max()), max(map(len, self._paths.tokens), default=0)
        # A prompt that fills the sequence leaves no room for that.
        fits = feeder.longest is None or longest + 2 * _RAGGED + path <= feeder.longest
        tail = 1 + path + (_RAGGED if fits else 0)
        plan = self._plan(prompts.lengths, tail, feeder, batch_size)

        def generate(_: int) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
            for batch in plan:
                filling = np.full(batch.rows - len(batch.indices), -1)
                yield (
                    (self._features(prompts, batch, tail),),
                    np.append(batch.indices, filling),
                )

        source = BatchSource(generate, (self._features(prompts, plan[0], tail),), len(plan))
        return predict_source(self._model, source, **kwargs)

    def _plan(
        self, lengths: np.ndarray, tail: int, feeder: Feeder, batch_size: int | None
    ) -> list[PlannedBatch]:
        """Batches of prompts of nearly the same length: the difference is read once a label."""
        order = np.argsort(lengths, kind="stable")
        ragged = tail - 1 - max(map(len, self._paths.tokens), default=0)
        rungs = None if feeder.policy.is_dynamic else ladder(int(lengths.max()) + tail)
        number, first = len(self._paths.tokens), 0
        batches: list[PlannedBatch] = []
        while first < len(order):
            longest = int(lengths[order[first]]) + ragged
            width = longest + tail - 1
            if rungs is not None:
                width = int(rungs[min(int(np.searchsorted(rungs, width)), len(rungs) - 1)])
                width = min(width, feeder.longest or width)
            limits = (
                feeder.token_budget // width,
                _MOST_LOGITS // (number * tail * self._vocabulary),
                _MOST_CACHED // (number * width * self._cached),
            )
            rows = max(1, min(limits)) if batch_size is None else batch_size
            stop = min(first + rows, int(np.searchsorted(lengths[order], longest, side="right")))
            filled = rows if rungs is not None else stop - first
            batches.append(PlannedBatch(order[first:stop], width, filled))
            first = stop
        return batches

    def _features(
        self, prompts: EncodedTexts, batch: PlannedBatch, tail: int
    ) -> dict[str, np.ndarray]:
        features = prompts.batch(batch.indices, batch.padded_length, batch.rows)
        lengths = prompts.lengths[batch.indices]
        lengths = np.append(lengths, np.repeat(lengths[-1:], batch.rows - len(lengths)))
        # What is read anew begins with the last token of the shortest prompt.
        start = int(lengths.min()) - 1
        paths = self._paths.tokens
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


def predict_source(model: keras.Model, source: BatchSource, **kwargs: Any) -> np.ndarray:
    """Run a model over a source.

    Args:
        model: a `keras.Model`.
        source: `BatchSource`.
        **kwargs: arguments of `keras.Model.predict`.

    Returns:
        A float32 array, in the order of the texts.
    """
    with quiet(source):
        outputs = keras.Model.predict(model, source.for_keras(), **kwargs)
    return source.restore_order(np.asarray(outputs).astype("float32"))


def _no_gradient() -> Any:
    if keras.config.backend() == "torch":
        import torch

        return torch.no_grad()
    import contextlib

    return contextlib.nullcontext()


Scorer = PlainScorer | TreeScorer | CachedScorer


def agrees_with(
    scorer: CachedScorer, plain: PlainScorer, sample: EncodedTexts, feeder: Feeder
) -> bool:
    """Whether a scorer works for a model, and gives what a pass a label gives.

    Some caches take one token at a time, or windows of them.

    Args:
        scorer: `CachedScorer`.
        plain: `PlainScorer` of the same model.
        sample: `EncodedTexts` to try it with.
        feeder: `Feeder`.

    Returns:
        A bool.
    """
    expected = plain.score(sample, feeder, verbose=0)
    try:
        found = scorer.score(sample, feeder, verbose=0)
    except Exception:  # Whatever a model of another library raises, there is another way.
        return False
    # Reduced precision rounds on either way.
    loose = 1.0 if scorer.compute_dtype == "float32" else 50.0
    return bool(np.allclose(found, expected, rtol=1e-4 * loose, atol=1e-3 * loose))
