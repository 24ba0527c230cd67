"""`TreeScorer`: scores all answers to a prompt as a tree, in one pass of the model."""

from __future__ import annotations

import dataclasses
import types
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_textcls.batching.planner import Planner
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.execution.predict import predict_source
from keras_textcls.text_to_text.answers import Answers, AnswerTrie
from keras_textcls.text_to_text.plain_scoring import CompiledCall
from keras_textcls.tokenization.encoded_texts import EncodedTexts

# Numbers of logits that may be in memory at once.
_MOST_LOGITS = 2**26


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
        """Return whether a model has `call_with_branches`."""
        return hasattr(causal_lm, "call_with_branches")

    def score(self, prompts: EncodedTexts, planner: Planner, **kwargs: Any) -> np.ndarray:
        """Score all labels; see `PlainScorer.score`. Prompts come without their opening."""
        self._model.read_opening(self._opening)
        batch_size = kwargs.pop("batch_size", None)
        nodes = len(self._trie.tokens)
        # The answers stand in each row beside the prompt.
        width = float(prompts.lengths.mean())
        budget = planner.token_budget * width / (width + nodes)
        rows = max(1, _MOST_LOGITS // ((nodes + 1) * self._vocabulary))
        budget = min(budget, rows * max(8.0, float(prompts.lengths.min())))
        planner = dataclasses.replace(planner, token_budget=max(1, int(budget)))
        source = planner.inference(Windows.of(Window(prompts)), batch_size)
        return predict_source(self._model, source, **kwargs)


class _TreeModel(keras.Model):
    """Model from prompts to the scores of all answers, in one pass."""

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
        # Hidden from attribute tracking: it holds the same layers.
        self._reader = types.SimpleNamespace(model=CompiledCall(causal_lm, self._read))

    def read_opening(self, tokens: np.ndarray) -> None:
        """Read the opening of all prompts; call it again when weights change."""
        if not self.memory:
            return
        place = np.arange(len(tokens), dtype="int32")
        caches = self._reader.model.of_arrays(
            {
                "token_ids": tokens[None].astype("int32"),
                "positions": place[None],
                "admitted": (place[:, None] >= place)[None],
            }
        )
        for variables, values in zip(self.memory, caches, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _read(self, inputs: dict[str, Any]) -> Any:
        return self.causal_lm.call_with_branches(**inputs)[1]

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
        log_probabilities = ops.take(flat, cells, axis=1) - ops.take(norms, nodes, axis=1)
        return ops.matmul(log_probabilities, ops.convert_to_tensor(trie.members))
