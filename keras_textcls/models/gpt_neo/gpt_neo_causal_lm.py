"""`GPTNeoCausalLM`: GPT-Neo with an output layer, to predict and generate tokens."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub
from keras import ops

from keras_textcls.keras_compat.generation import OwnPromptCache
from keras_textcls.models.gpt_neo import torch_generation
from keras_textcls.models.gpt_neo.convert_gpt_neo import (
    checkpoint_loader,
    save_to_huggingface,
)
from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.models.gpt_neo.gpt_neo_causal_lm_preprocessor import GPTNeoCausalLMPreprocessor


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoCausalLM(OwnPromptCache, keras_hub.models.GPT2CausalLM):
    """GPT-Neo with its embedding as output layer: logits of the next token.

    `generate()` keeps keys and values of the tokens so far and takes any sampler
    of Keras Hub. Generation is that of GPT-2 in Keras Hub, whose blocks have the
    same arguments.

    Args:
        backbone: `GPTNeoBackbone`.
        preprocessor: `GPTNeoCausalLMPreprocessor`, or `None` for inputs that are
            token ids already. Defaults to `None`.
        **kwargs: further arguments of `keras_hub.models.CausalLM`.
    """

    backbone_cls = GPTNeoBackbone
    preprocessor_cls = GPTNeoCausalLMPreprocessor

    @classmethod
    def from_preset(cls, preset: Any, load_weights: bool = True, **kwargs: Any) -> GPTNeoCausalLM:
        """Load a preset, or a checkpoint of Hugging Face.

        Args:
            preset: string or path, as for `GPTNeoBackbone.from_preset`.
            load_weights: bool. Defaults to `True`.
            **kwargs: further arguments of the constructor, and `dtype`.

        Returns:
            A `GPTNeoCausalLM`.
        """
        loader = checkpoint_loader(preset)
        if loader is not None:
            return loader.load_task(cls, load_weights, False, **kwargs)
        return super().from_preset(preset, load_weights=load_weights, **kwargs)

    def call_with_cache(self, token_ids: Any, cache: Any, cache_update_index: Any) -> Any:
        """Run tokens that follow those whose keys and values are in the cache.

        Args:
            token_ids: int tensor of shape `(batch, num_tokens)`.
            cache: tuple of tuples of keys and values, one a layer, tensors of
                shape `(batch, num_heads, max_length, head_dim)`. They are separate
                tensors, so that a step need not copy all into one.
            cache_update_index: int or int tensor, position of the first token.

        Returns:
            A tuple of the logits, the hidden states and the updated cache.
        """
        hidden, cache = self._hidden_with_cache(token_ids, cache, cache_update_index)
        return self.backbone.token_embedding(hidden, reverse=True), hidden, cache

    def _hidden_with_cache(self, token_ids: Any, cache: Any, start: Any) -> Any:
        backbone = self.backbone
        tokens = backbone.token_embedding(token_ids)
        x = tokens + backbone.position_embedding(tokens, start_index=start)
        caches = []
        for layer, known in zip(backbone.transformer_layers, cache, strict=True):
            x, known = layer(x, self_attention_cache=known, self_attention_cache_update_index=start)
            caches.append(known)
        return backbone.layer_norm(x), tuple(caches)

    def build_cache(self, token_ids: Any) -> Any:
        """Return the hidden states and the cache of prompts, without their logits.

        Args:
            token_ids: int tensor of shape `(batch, num_tokens)`.

        Returns:
            A tuple of a tensor of hidden states, of shape `(batch, num_tokens,
            hidden_dim)`, and the cache as `call_with_cache` takes it.
        """
        backbone = self.backbone
        batch, length = ops.shape(token_ids)[0], ops.shape(token_ids)[1]
        shape = (batch, backbone.num_heads, length, backbone.hidden_dim // backbone.num_heads)
        cache = tuple(
            tuple(ops.zeros(shape, dtype=self.compute_dtype) for _ in range(2))
            for _ in backbone.transformer_layers
        )
        return self._hidden_with_cache(token_ids, cache, 0)

    def generate_step(self, inputs: Any, stop_token_ids: Any = None) -> Any:
        """Complete a batch of token ids; see `keras_hub.models.CausalLM`.

        Args:
            inputs: dict of `token_ids` and `padding_mask`, of shape `(batch,
                max_length)`.
            stop_token_ids: list of ints, the tokens that end a text, or `None`.
                Defaults to `None`.

        Returns:
            A dict of the two.
        """
        if keras.config.backend() == "torch" and torch_generation.serves(self):
            return torch_generation.generate(self, inputs, stop_token_ids)
        return super().generate_step(inputs, stop_token_ids)

    def call_with_branches(
        self, token_ids: Any, positions: Any, admitted: Any, memory: Any = None
    ) -> Any:
        """Run sequences that branch, such as a prompt with many answers, in one pass.

        Args:
            token_ids: int tensor of shape `(batch, num_tokens)`.
            positions: int tensor of the same shape, the place of each token in
                its own sequence.
            admitted: bool tensor of shape `(batch, num_tokens, num_tokens)`,
                which token (last axis) a token (axis before) comes after, or is.
            memory: list of tuples of keys and values, one a layer, of tokens
                that stand before those of every sequence, as returned for them
                (with a batch of one), or `None`. Defaults to `None`.

        Returns:
            A tuple of the hidden states, a tensor of shape `(batch, num_tokens,
            hidden_dim)`, and a list of tuples of keys and values, tensors of
            shape `(batch, num_heads, num_tokens, head_dim)`, with those of
            `memory` before them.
        """
        backbone = self.backbone
        learned = ops.convert_to_tensor(backbone.position_embedding.position_embeddings)
        tokens = backbone.token_embedding(token_ids)
        x = tokens + ops.cast(ops.take(learned, positions, axis=0), tokens.dtype)
        caches = []
        for i, layer in enumerate(backbone.transformer_layers):
            before = None if memory is None else memory[i]
            x, own = layer.call_with_branches(x, positions, admitted, before)
            caches.append(own)
        return backbone.layer_norm(x), caches

    def save_to_huggingface(self, directory: Any) -> None:
        """Save for the `transformers` library, or leave the directory as it was.

        Args:
            directory: string or path. Files there that are no part of a
                checkpoint are kept.
        """
        save_to_huggingface(self, directory)
