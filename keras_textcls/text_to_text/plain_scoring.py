"""`PlainScorer`: scores each answer to a prompt in a pass of its own.

It works for every model; the faster scorers in `tree_scoring` and
`cached_scoring` are checked against it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_textcls.batching.planner import Planner
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.execution.backend_policy import keeping_state
from keras_textcls.execution.predict import predict_source
from keras_textcls.text_to_text.answer_model import answer_log_likelihoods, answer_logits
from keras_textcls.text_to_text.answers import Answers
from keras_textcls.text_to_text.prompt_encoding import with_answers
from keras_textcls.tokenization.encoded_texts import EncodedTexts


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
        scores = ops.expand_dims(answer_log_likelihoods(logits, tokens), -1)
        self._model = keras.Model({**inputs, "answer_ids": tokens}, scores)

    def score(self, prompts: EncodedTexts, planner: Planner, **kwargs: Any) -> np.ndarray:
        """Score all labels.

        Args:
            prompts: `EncodedTexts`, whole prompts.
            planner: `Planner`.
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
            self._model, planner.inference(Windows.of(Window(texts)), size), **kwargs
        ).reshape(count, number)


class CompiledCall(keras.Model):
    """A function of arrays, compiled as one program on JAX instead of operation by operation.

    Args:
        causal_lm: the `keras_hub.models.CausalLM` whose weights `function` uses.
        function: callable from a tensor, or a dict of them, to tensors.
    """

    def __init__(self, causal_lm: Any, function: Callable[[Any], Any]) -> None:
        super().__init__(name="compiled_call")
        self.causal_lm, self._function = causal_lm, function
        # Tracing for TensorFlow takes longer than the one call.
        self.compile(run_eagerly=keras.config.backend() != "jax")

    def call(self, inputs: Any) -> Any:
        """Return what the function returns."""
        return self._function(inputs)

    def of_arrays(self, inputs: Any) -> Any:
        """Apply the function.

        Args:
            inputs: what it takes, as arrays.

        Returns:
            What it returns, as arrays.
        """
        with keeping_state(self):
            return self.predict_on_batch(inputs)
