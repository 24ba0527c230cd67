"""Generation with PyTorch's own functions, for that backend, which compiles nothing.

Keras Hub's loop calls some 50 Keras layers for each token, each of which checks its
arguments, and copies the whole cache; for a small model that takes most of the
time. Here keys and values are written in place, and only those that are filled are
read.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_textcls.keras_compat.layers import all_layers


def serves(model: Any) -> bool:
    """Return whether a model has plain dense layers, one dtype and a sampler of single tokens.

    Args:
        model: `GPTNeoCausalLM` with a sampler.

    Returns:
        A bool.
    """
    import keras_hub

    sampler = getattr(model, "sampler", None)
    if sampler is None or type(sampler).__call__ is not keras_hub.samplers.Sampler.__call__:
        return False
    layers = all_layers(model.backbone)
    dense = [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
    # Adapters replace `call`; quantized weights are no numbers to multiply with.
    is_plain = all("call" not in vars(layer) and layer.quantization_mode is None for layer in dense)
    policies = {layer.compute_dtype for layer in layers} | {w.dtype for w in model.backbone.weights}
    return is_plain and len(policies) == 1


class _Reader:
    """Runs tokens through the layers, and keeps their keys and values."""

    def __init__(self, model: Any, batch: int, max_length: int) -> None:
        import torch

        backbone = model.backbone
        self._backbone = backbone
        self._window = [layer.attention.window_size for layer in backbone.transformer_layers]
        self._weights = [_weights_of(layer) for layer in backbone.transformer_layers]
        self._norm: Any = (_value(backbone.layer_norm.gamma), _value(backbone.layer_norm.beta))
        self._epsilon = backbone.layer_norm.epsilon
        self._tokens = _value(backbone.token_embedding.embeddings)
        self._places = _value(backbone.position_embedding.position_embeddings)
        self._heads = backbone.num_heads
        shape = (batch, self._heads, max_length, backbone.hidden_dim // self._heads)
        self._cache = [
            tuple(torch.empty(shape, dtype=self._tokens.dtype, device=self._tokens.device)
                  for _ in range(2))
            for _ in self._weights
        ]  # fmt: skip

    def logits(self, token_ids: Any, start: int) -> Any:
        """Logits after the last of some tokens, the first of which stands at `start`."""
        from torch.nn.functional import layer_norm

        stop = start + token_ids.shape[1]
        x = self._tokens[token_ids] + self._places[start:stop]
        for number, weights in enumerate(self._weights):
            x = self._block(x, weights, number, start, stop)
        gamma, beta = self._norm
        last = layer_norm(x[:, -1], x.shape[-1:], gamma, beta, self._epsilon)
        return last @ self._tokens.T

    def _block(self, x: Any, weights: Any, number: int, start: int, stop: int) -> Any:
        from torch.nn.functional import gelu, layer_norm, linear

        gamma, beta = weights["attention_norm"]
        normed = layer_norm(x, x.shape[-1:], gamma, beta, self._epsilon)
        query, key, value = (
            linear(normed, weights[name][0]).unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        keys, values = self._cache[number]
        keys[:, :, start:stop], values[:, :, start:stop] = key, value
        x = x + linear(self._attend(query, number, start, stop), *weights["output"])
        gamma, beta = weights["feedforward_norm"]
        normed = layer_norm(x, x.shape[-1:], gamma, beta, self._epsilon)
        hidden = gelu(linear(normed, *weights["intermediate"]), approximate="tanh")
        return x + linear(hidden, *weights["feedforward"])

    def _attend(self, query: Any, number: int, start: int, stop: int) -> Any:
        import torch

        window, first, mask = self._window[number], 0, None
        if stop - start > 1:
            places = torch.arange(start, stop, device=query.device)
            seen = torch.arange(stop, device=query.device)
            mask = seen <= places[:, None]
            if window is not None:
                mask &= seen > places[:, None] - window
        elif window is not None:
            first = max(0, stop - window)
        keys, values = (part[:, :, first:stop] for part in self._cache[number])
        mixed = torch.nn.functional.scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, scale=1.0
        )
        return mixed.transpose(1, 2).flatten(2)


def generate(model: Any, inputs: Any, stop_token_ids: Any) -> dict[str, Any]:
    """Complete a batch of token ids; the same as the loop of Keras Hub.

    Args:
        model: `GPTNeoCausalLM` for which `serves` returns `True`.
        inputs: dict of `token_ids` and `padding_mask`, of shape `(batch,
            max_length)`.
        stop_token_ids: list of ints, the tokens that end a text, or `None`.

    Returns:
        A dict of `token_ids` and `padding_mask`.
    """
    import torch

    token_ids = ops.convert_to_tensor(inputs["token_ids"]).clone()
    given = ops.cast(inputs["padding_mask"], "bool")
    real = torch.ones_like(given)
    stops = None if stop_token_ids is None else torch.tensor([*stop_token_ids]).to(token_ids)
    done = torch.zeros_like(given[:, 0])
    reader = _Reader(model, *token_ids.shape)
    index = int(given.sum(dim=1).min())
    logits = reader.logits(token_ids[:, :index], 0)
    for place in range(index, token_ids.shape[1]):
        chances = model.sampler.compute_probabilities(logits)
        chosen = model.sampler.get_next_token(chances).to(token_ids.dtype)
        chosen = torch.where(given[:, place], token_ids[:, place], chosen)
        token_ids[:, place], real[:, place] = chosen, ~done
        if stops is not None:
            done = done | (torch.isin(chosen, stops) & ~given[:, place])
            if bool(done.all()):
                real[:, place + 1 :] = False
                break
        if place + 1 < token_ids.shape[1]:
            logits = reader.logits(chosen[:, None], place)
    return {"token_ids": token_ids, "padding_mask": real}


def _value(weight: Any) -> Any:
    return ops.convert_to_tensor(weight).detach()


def _weights_of(layer: Any) -> dict[str, Any]:
    """Weights of a block, kernels as PyTorch has them."""
    attention = layer.attention
    norms = {"attention_norm": layer.attention_norm, "feedforward_norm": layer.feedforward_norm}
    dense = {
        "query": attention.query_dense,
        "key": attention.key_dense,
        "value": attention.value_dense,
        "output": attention.attention_output_dense,
        "intermediate": layer.feedforward_intermediate_dense,
        "feedforward": layer.feedforward_output_dense,
    }
    weights = {name: (_value(norm.gamma), _value(norm.beta)) for name, norm in norms.items()}
    for name, one in dense.items():
        bias = (_value(one.bias),) if one.use_bias else ()
        weights[name] = (_value(one.kernel).T, *bias)
    return weights
