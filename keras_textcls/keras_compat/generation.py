"""The cache of Keras Hub's causal language models."""

from __future__ import annotations

from typing import Any


class OwnPromptCache:
    """Mixin of a causal language model whose cache is not that of its parent in Keras Hub.

    `generate_step` of Keras Hub reads prompts into a cache by a private method;
    a subclass defines `build_cache` for it.
    """

    def build_cache(self, token_ids: Any) -> Any:
        """Return the hidden states of prompts, and the cache of their tokens.

        Args:
            token_ids: int tensor of shape `(batch, num_tokens)`.

        Returns:
            A tuple of a tensor of hidden states and the cache.
        """
        raise NotImplementedError

    def _build_cache(self, token_ids: Any) -> Any:
        return self.build_cache(token_ids)


def has_prompt_cache(causal_lm: Any) -> bool:
    """Return whether a model reads prompts into a cache, and tokens after them from it.

    Args:
        causal_lm: a `keras_hub.models.CausalLM`.

    Returns:
        A bool.
    """
    return all(hasattr(causal_lm, name) for name in ("call_with_cache", "_build_cache"))


def prompt_cache(causal_lm: Any, token_ids: Any) -> Any:
    """Return the cache of prompts.

    Args:
        causal_lm: a `keras_hub.models.CausalLM` that `has_prompt_cache`.
        token_ids: int tensor of shape `(batch, num_tokens)`.

    Returns:
        A tensor, or a structure of them.
    """
    return causal_lm._build_cache(token_ids)[1]
