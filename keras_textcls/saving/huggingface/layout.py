"""Descriptions of Hugging Face architectures; `architectures` lists them."""

from __future__ import annotations

import dataclasses
from typing import Any

# The parts of one transformer block that are layer norms.
NORMS = ("attention_norm", "output_norm")


@dataclasses.dataclass(frozen=True)
class Head:
    """The classification head of an architecture.

    Args:
        pooling: string, as in `HeadSpec`.
        output: string, name of the module with the scores.
        hidden: string or `None`, name of the dense module before it.
        activation: string or `None`, what follows that module.
        output_bias: bool, whether the scores have a bias.
        dropout_keys: tuple of strings, settings that hold the dropout rate,
            the first that is set counts.
    """

    pooling: str
    output: str
    hidden: str | None = None
    activation: str | None = None
    output_bias: bool = True
    dropout_keys: tuple[str, ...] = ("classifier_dropout", "hidden_dropout_prob")


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The layout of the checkpoints of one architecture.

    Args:
        model_type: string, as in `config.json`.
        task: string, the class with the classification head in `transformers`.
        backbone: string, name of the Keras Hub backbone.
        prefix: string, before the names of the backbone's tensors.
        arguments: dict from an argument of the backbone to a setting.
        defaults: dict from setting to what it is where `config.json` is silent.
        required: dict from setting to the values that the backbone can express.
        epsilon: tuple of setting and value, that of the layer norms.
        activation: string, the setting that names the activation.
        modules: dict from the attribute of the backbone to the module, for the
            parts that stand outside of the blocks.
        tables: dict from the attribute of a weight to the tensor.
        block: dict from a key of `BLOCK_PARTS` to the module within a block.
        block_path: string, a format of the block's number.
        head: `Head`.
        tokenizer: string, `"WordPiece"`, `"BPE"` or `"Unigram"`.
        tokenizer_class: string, name of the Keras Hub tokenizer.
        input_names: tuple of strings, what the model of `transformers` takes.
        double_separator: bool, whether two end tokens part a pair.
    """

    model_type: str
    task: str
    backbone: str
    prefix: str
    arguments: dict[str, str]
    defaults: dict[str, Any]
    required: dict[str, tuple[Any, ...]]
    epsilon: tuple[str, float]
    activation: str
    modules: dict[str, str]
    tables: dict[str, str]
    block: dict[str, str]
    block_path: str
    head: Head
    tokenizer: str
    tokenizer_class: str
    input_names: tuple[str, ...] = ("input_ids", "attention_mask")
    double_separator: bool = False

    def setting(self, config: dict[str, Any], name: str) -> Any:
        """Return a setting of `config.json`, or its default there."""
        value = config.get(name)
        return self.defaults.get(name) if value is None else value
