"""The training of a causal language model on answers: model, loss and metric.

Hidden states are read at the answers only, before the output layer: of a prompt
with 500 tokens and an answer of two, 2 rows of logits are made instead of 500.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_hub
from keras import ops

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.keras_compat.layers import outputs_within

_INPUTS = {"token_ids", "padding_mask"}


def check_causal_lm(causal_lm: Any) -> None:
    """Raise an error for anything but a causal language model for text.

    Args:
        causal_lm: anything.

    Raises:
        ArgumentError: it is none.
    """
    if not isinstance(causal_lm, keras_hub.models.CausalLM):
        kind = type(causal_lm).__name__
        raise ArgumentError(
            "`causal_lm` must be a causal language model, a keras_hub.models.CausalLM. Received: "
            f"causal_lm={shorten(kind)}. For other models, TextClassifier(backbone, ...) puts a "
            "head on any text backbone."
        )
    inputs = causal_lm.backbone.input
    if not isinstance(inputs, dict) or set(inputs) != _INPUTS:
        is_dict = isinstance(inputs, dict)
        names = sorted(inputs) if is_dict else [t.name for t in keras.tree.flatten(inputs)]
        raise ArgumentError(
            "`causal_lm` must take a dict of token_ids and padding_mask, no more. Received: "
            f"causal_lm={type(causal_lm).__name__}, which takes a {type(inputs).__name__} of "
            f"{shorten(names)}. Pass another model, such as GPT-Neo or GPT-2."
        )


def output_layers(causal_lm: Any) -> keras.Model:
    """Return the output layers of a causal language model: from hidden states to logits.

    Args:
        causal_lm: a `keras_hub.models.CausalLM`.

    Returns:
        A `keras.Model` from hidden states of shape `(..., num_tokens,
        hidden_dim)` to logits. It shares the weights.

    Raises:
        ArgumentError: its backbone gives logits, or is no layer of it.
    """
    backbone = causal_lm.backbone
    # A backbone may be called elsewhere too; its place in this model is asked for.
    hidden = outputs_within(causal_lm, backbone)
    if not hidden:
        raise ArgumentError(
            "`causal_lm` must be a backbone with an output layer after it. Received: causal_lm="
            f"{type(causal_lm).__name__}, whose backbone is no layer of it. Pass another model, "
            "such as GPT-Neo or GPT-2."
        )
    return keras.Model(hidden[0], causal_lm.outputs[0], name="output_layers")


def answer_logits(causal_lm: Any, head: keras.Model) -> tuple[dict[str, Any], Any]:
    """Build the functional model from prompts with answers to the logits of the answers.

    Args:
        causal_lm: a `keras_hub.models.CausalLM`.
        head: what `output_layers` returned for it.

    Returns:
        A tuple of the inputs by name, `token_ids`, `padding_mask` and
        `answer_positions`, and the logits, of shape `(batch, num_answer_tokens,
        vocabulary_size)`.
    """
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask", "answer_positions")
    }
    hidden = causal_lm.backbone({name: inputs[name] for name in _INPUTS})
    positions = ops.expand_dims(inputs["answer_positions"], -1)
    return inputs, head(ops.take_along_axis(hidden, positions, axis=1))


def log_likelihoods(logits: Any, tokens: Any) -> Any:
    """Return the logarithm of the probability of each token.

    Args:
        logits: float tensor of shape `(..., vocabulary_size)`.
        tokens: int tensor of shape `(...)`; those below 0 count as 0.

    Returns:
        A float32 tensor of shape `(...)`.
    """
    logits = ops.cast(logits, "float32")
    chosen = ops.expand_dims(ops.maximum(ops.cast(tokens, "int32"), 0), -1)
    return ops.take_along_axis(logits, chosen, axis=-1)[..., 0] - ops.logsumexp(logits, axis=-1)


def answer_log_likelihoods(logits: Any, tokens: Any) -> Any:
    """Return the logarithm of the probability of each answer, the sum over its tokens.

    Args:
        logits: float tensor of shape `(batch, num_answer_tokens,
            vocabulary_size)`.
        tokens: int tensor of shape `(batch, num_answer_tokens)`, -1 after the
            end of an answer.

    Returns:
        A float32 tensor of shape `(batch,)`.
    """
    counts = ops.cast(tokens >= 0, "float32")
    return ops.sum(counts * log_likelihoods(logits, tokens), axis=-1)


@keras.saving.register_keras_serializable(package="keras_textcls")
class AnswerLoss(keras.losses.Loss):
    """Minus the logarithm of the probability of an answer: the sum over its tokens.

    Call arguments:
        y_true: int tensor of shape `(batch, num_answer_tokens)`, -1 after the
            end of an answer.
        y_pred: float tensor of shape `(batch, num_answer_tokens,
            vocabulary_size)`, logits.

    Example:
    >>> import numpy as np
    >>> loss = AnswerLoss()(np.array([[1, -1]]), np.zeros((1, 2, 4), "float32"))
    >>> round(float(loss), 4)  # log 4
    1.3863
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each text, of shape `(batch,)`."""
        return -answer_log_likelihoods(y_pred, y_true)


@keras.saving.register_keras_serializable(package="keras_textcls")
class AnswerAccuracy(keras.metrics.Mean):
    """Share of the texts for which every token of the answer is the most likely one.

    Args:
        name: string. Defaults to `"answer_accuracy"`.
        dtype: dtype of the result. Defaults to `None`.
    """

    def __init__(self, name: str = "answer_accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count a batch; its arguments are those of `AnswerLoss`."""
        y_true = ops.cast(y_true, "int32")
        likeliest = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        right = ops.logical_or(ops.equal(likeliest, y_true), y_true < 0)
        return super().update_state(ops.cast(ops.all(right, axis=-1), "float32"), sample_weight)
