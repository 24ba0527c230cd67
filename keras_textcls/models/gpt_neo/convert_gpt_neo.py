"""Conversion of GPT-Neo checkpoints from and to the format of Hugging Face.

The functions are those that Keras Hub's loader of such checkpoints asks a
converter for; that loader knows no GPT-Neo, so the classes here call it with
this module. Only safetensors are read: nothing of a checkpoint is executed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from keras_textcls.adapters.lora_layer import ATTRIBUTE
from keras_textcls.errors import ArgumentError, PresetError, shorten
from keras_textcls.keras_compat.layers import all_layers
from keras_textcls.keras_compat.presets import (
    CONFIG_FILE,
    CheckpointLoader,
    has_file,
    local_file,
    read_json,
)
from keras_textcls.utils.atomic import replace_directory

MODEL_TYPE = "gpt_neo"
WEIGHTS_FILE = "model.safetensors"
_PREFIX = "transformer."
_ACTIVATION = "gelu_new"
# What saving a checkpoint replaces, in the directory it is saved to.
_OWN_FILES = frozenset(
    [CONFIG_FILE, WEIGHTS_FILE, "model.safetensors.index.json", "vocab.json", "merges.txt"]
)


def checkpoint_loader(preset: Any) -> CheckpointLoader | None:
    """Return the loader of a GPT-Neo checkpoint.

    Args:
        preset: string or path: a directory, or a handle such as
            `"hf://EleutherAI/gpt-neo-125m"`.

    Returns:
        A `CheckpointLoader`, or `None` for anything else.
    """
    preset = os.fspath(preset)
    if not has_file(preset, CONFIG_FILE):
        return None
    config = read_json(preset, CONFIG_FILE)
    if not isinstance(config, dict) or config.get("model_type") != MODEL_TYPE:
        return None
    return CheckpointLoader(preset, config, sys.modules[__name__])


def convert_backbone_config(config: dict[str, Any]) -> dict[str, Any]:
    """Turn `config.json` into the arguments of `GPTNeoBackbone`.

    Args:
        config: dict.

    Returns:
        A dict.

    Raises:
        PresetError: it asks for what `GPTNeoBackbone` does not have.
    """
    activation = config.get("activation_function", _ACTIVATION)
    epsilon = config.get("layer_norm_epsilon", 1e-5)
    if activation != _ACTIVATION or epsilon != 1e-5:
        raise PresetError(
            f"GPTNeoBackbone has activation_function={_ACTIVATION!r} and layer_norm_epsilon=1e-05. "
            f"{CONFIG_FILE} has {shorten(activation)} and {shorten(epsilon)}."
        )
    if config.get("tie_word_embeddings", True) is not True:
        raise PresetError(
            "GPTNeoBackbone uses its token embeddings as output layer too. "
            f"{CONFIG_FILE} has tie_word_embeddings="
            f"{shorten(config['tie_word_embeddings'])}, a separate output layer."
        )
    dropout = config.get("resid_dropout", 0.0)
    embed_dropout = config.get("embed_dropout", 0.0)
    if embed_dropout != dropout:
        raise PresetError(
            "GPTNeoBackbone has one dropout rate for embeddings and blocks. "
            f"{CONFIG_FILE} has embed_dropout={shorten(embed_dropout)} and "
            f"resid_dropout={shorten(dropout)}; make them equal."
        )
    try:
        types = [kind for kinds, times in config["attention_types"] for kind in kinds * times]
        return {
            "vocabulary_size": config["vocab_size"],
            "num_layers": config["num_layers"],
            "num_heads": config["num_heads"],
            "hidden_dim": config["hidden_size"],
            "intermediate_dim": config.get("intermediate_size"),
            "attention_types": types,
            "window_size": config.get("window_size", 256),
            "dropout": dropout,
            "attention_dropout": config.get("attention_dropout", 0.0),
            "max_sequence_length": config["max_position_embeddings"],
        }
    except (KeyError, TypeError, ValueError) as error:
        raise PresetError(
            f"{CONFIG_FILE} of a GPT-Neo checkpoint is broken: {type(error).__name__} {error}."
        ) from error


def _links(backbone: Any) -> Iterator[tuple[str, Any, bool]]:
    """Names of a checkpoint, variables here, and whether the one is the transpose of the other."""
    yield "wte.weight", backbone.token_embedding.embeddings, False
    yield "wpe.weight", backbone.position_embedding.position_embeddings, False
    for i, layer in enumerate(backbone.transformer_layers):
        norms = {"ln_1": layer.attention_norm, "ln_2": layer.feedforward_norm}
        for name, norm in norms.items():
            yield f"h.{i}.{name}.weight", norm.gamma, False
            yield f"h.{i}.{name}.bias", norm.beta, False
        attention = layer.attention
        dense = {
            "attn.attention.q_proj": attention.query_dense,
            "attn.attention.k_proj": attention.key_dense,
            "attn.attention.v_proj": attention.value_dense,
            "attn.attention.out_proj": attention.attention_output_dense,
            "mlp.c_fc": layer.feedforward_intermediate_dense,
            "mlp.c_proj": layer.feedforward_output_dense,
        }
        for name, one in dense.items():
            yield f"h.{i}.{name}.weight", one.kernel, True
            if one.use_bias:
                yield f"h.{i}.{name}.bias", one.bias, False
    yield "ln_f.weight", backbone.layer_norm.gamma, False
    yield "ln_f.bias", backbone.layer_norm.beta, False


def convert_weights(backbone: Any, loader: Any, config: dict[str, Any]) -> None:
    """Assign the weights of a checkpoint.

    Args:
        backbone: `GPTNeoBackbone`.
        loader: Keras Hub's loader of safetensors, of one file or of several.
        config: dict, contents of `config.json`.

    Raises:
        PresetError: a weight is missing, or has another shape.
    """
    for name, variable, is_transposed in _links(backbone):
        try:
            tensor = loader.get_tensor(name)
        except (KeyError, OSError, ValueError, SafetensorError) as error:
            raise PresetError(f"The checkpoint has no weight {name!r}: {error!s:.200}.") from error
        tensor = tensor.T if is_transposed else tensor
        if tuple(tensor.shape) != tuple(variable.shape):
            raise PresetError(
                f"The weight {name!r} has shape {tensor.shape}, but {CONFIG_FILE} asks for "
                f"{tuple(variable.shape)}."
            )
        variable.assign(tensor)


def convert_tokenizer(cls: Any, preset: str, **kwargs: Any) -> Any:
    """Make the tokenizer of a checkpoint.

    Args:
        cls: `GPTNeoTokenizer`.
        preset: string.
        **kwargs: further arguments of it.

    Returns:
        A `GPTNeoTokenizer`.
    """
    files = (local_file(preset, name) for name in ("vocab.json", "merges.txt"))
    vocabulary, merges = files
    return cls(vocabulary=vocabulary, merges=merges, **kwargs)


def save_to_huggingface(model: Any, directory: str | os.PathLike[str]) -> None:
    """Save a causal language model for `transformers`, or leave the directory as it was.

    Args:
        model: `GPTNeoCausalLM`.
        directory: string or path. Files there that are no part of a checkpoint
            are kept.

    Raises:
        ArgumentError: the layers have adapters, which a checkpoint has no place for.
    """
    backbone = model.backbone
    for layer in all_layers(backbone):
        adapter = getattr(layer, ATTRIBUTE, None)
        if adapter is not None and not adapter.is_merged:
            raise ArgumentError(
                f"The layer {layer.path!r} has an adapter, and a checkpoint has no place for it. "
                "Call merge_lora() before, and unmerge_lora() after."
            )
    tensors = {}
    for name, variable, is_transposed in _links(backbone):
        values = keras.ops.convert_to_numpy(variable).astype("float32")
        tensors[_PREFIX + name] = np.ascontiguousarray(values.T if is_transposed else values)
    with replace_directory(Path(directory), lambda name: name not in _OWN_FILES) as draft:
        text = json.dumps(_config(backbone, model.preprocessor), indent=2)
        (draft / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
        save_file(tensors, str(draft / WEIGHTS_FILE), metadata={"format": "pt"})
        if model.preprocessor is not None:
            tokenizer = model.preprocessor.tokenizer
            vocabulary = json.dumps(dict(tokenizer.vocabulary), ensure_ascii=False)
            (draft / "vocab.json").write_text(vocabulary, encoding="utf-8")
            # Keras Hub keeps the head of the file that it read as a rule.
            rules = [rule for rule in tokenizer.merges if not rule.startswith("#version")]
            merges = "\n".join(["#version: 0.2", *rules])
            (draft / "merges.txt").write_text(merges + "\n", encoding="utf-8")


def _config(backbone: Any, preprocessor: Any) -> dict[str, Any]:
    end = None if preprocessor is None else preprocessor.tokenizer.end_token_id
    return {
        "architectures": ["GPTNeoForCausalLM"],
        "model_type": MODEL_TYPE,
        "activation_function": _ACTIVATION,
        "vocab_size": backbone.vocabulary_size,
        "hidden_size": backbone.hidden_dim,
        "num_layers": backbone.num_layers,
        "num_heads": backbone.num_heads,
        "intermediate_size": backbone.intermediate_dim,
        "attention_types": [[[kind], 1] for kind in backbone.attention_types],
        "window_size": backbone.window_size,
        "max_position_embeddings": backbone.max_sequence_length,
        "resid_dropout": backbone.dropout,
        "embed_dropout": backbone.dropout,
        "attention_dropout": backbone.attention_dropout,
        "layer_norm_epsilon": 1e-5,
        "bos_token_id": end,
        "eos_token_id": end,
        "torch_dtype": "float32",
    }
