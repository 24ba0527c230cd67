"""`GPTNeoCausalLM`: the next token, and the ones after it."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub
from keras import ops

from keras_textcls.models.gpt_neo.convert_gpt_neo import (
    checkpoint_loader,
    save_to_huggingface,
)
from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.models.gpt_neo.gpt_neo_causal_lm_preprocessor import GPTNeoCausalLMPreprocessor


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoCausalLM(keras_hub.models.GPT2CausalLM):
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

    def call_with_branches(
        self, token_ids: Any, positions: Any, admitted: Any, memory: Any = None
    ) -> Any:
        """Run sequences that branch in one pass: one prompt, many answers to it.

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
            shape `(batch, num_tokens, num_heads, head_dim)`.
        """
        backbone = self.backbone
        learned = ops.convert_to_tensor(backbone.position_embedding.position_embeddings)
        tokens = backbone.token_embedding(token_ids)
        x = tokens + ops.cast(ops.take(learned, positions, axis=0), tokens.dtype)
        found = []
        for i, layer in enumerate(backbone.transformer_layers):
            before = None if memory is None else memory[i]
            x, own = layer.call_with_branches(x, positions, admitted, before)
            found.append(own)
        return backbone.layer_norm(x), found

    def save_to_huggingface(self, directory: Any) -> None:
        """Save for the `transformers` library, or leave the directory as it was.

        Args:
            directory: string or path. Files there that are no part of a
                checkpoint are kept.
        """
        save_to_huggingface(self, directory)
