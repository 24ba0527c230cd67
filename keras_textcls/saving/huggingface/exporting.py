"""Saving a `TextClassifier` as a directory that `transformers` loads."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save_file

from keras_textcls.errors import ArgumentError, PresetError
from keras_textcls.models.gelu import gelu_kind
from keras_textcls.saving.huggingface.architectures import BY_BACKBONE
from keras_textcls.saving.huggingface.checkpoint import INDEX_FILE, WEIGHTS_FILE
from keras_textcls.saving.huggingface.layout import Architecture
from keras_textcls.saving.huggingface.tokenizer_export import write_tokenizer
from keras_textcls.saving.huggingface.weights import head_links, links
from keras_textcls.saving.saved_model import SavedClassifier
from keras_textcls.utils.atomic import replace_directory
from keras_textcls.utils.paths import read_path

_GELUS = {"exact": "gelu", "tanh": "gelu_new"}
_OWN_FILES = (
    "config.json", WEIGHTS_FILE, INDEX_FILE, "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
    "spm.model", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip
_DEBERTA = {
    "relative_attention": True,
    "position_biased_input": False,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "pos_att_type": ["p2c", "c2p"],
    "max_relative_positions": -1,
    "type_vocab_size": 0,
    "pooler_hidden_act": "gelu",
    "pooler_dropout": 0.0,
}


def save_to_huggingface(classifier: SavedClassifier, directory: Any) -> None:
    """Save a classifier for `transformers`; see `TextClassifier.save_to_huggingface`.

    Args:
        classifier: a `TextClassifier`.
        directory: string or path.

    Raises:
        ArgumentError: `transformers` has no class for this backbone or head.
        PresetError: the directory cannot be written.
    """
    architecture = _architecture(classifier)
    _check_head(classifier, architecture)
    tensors, offset = _tensors(classifier, architecture)
    config = _config(classifier, architecture, offset)
    if architecture.model_type == "gpt2":
        config["pad_token_id"] = _add_padding_token(tensors, config, classifier)
    target = read_path(directory, "directory")
    try:
        with replace_directory(target, lambda name: name not in _OWN_FILES) as draft:
            text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
            (draft / "config.json").write_text(text, encoding="utf-8")
            save_file(tensors, str(draft / WEIGHTS_FILE), metadata={"format": "pt"})
            write_tokenizer(classifier.preprocessor, architecture, draft)
    except OSError as error:
        raise PresetError(
            f"The checkpoint cannot be written to {str(target)!r}: {error.strerror or error}. "
            "What stood there is as it was."
        ) from error


def _architecture(classifier: SavedClassifier) -> Architecture:
    backbone = classifier.backbone
    entry = BY_BACKBONE.get(type(backbone).__name__)
    if entry is None or not type(backbone).__module__.startswith("keras_hub."):
        known = ", ".join(name.removesuffix("Backbone") for name in BY_BACKBONE)
        raise ArgumentError(
            f"A {type(backbone).__name__} cannot be saved for `transformers`. Supported are the "
            f"backbones of {known}. `save_to_preset` saves every classifier."
        )
    if getattr(backbone, "quantization_mode", None) or any(
        "int" in str(w.dtype) for w in backbone.weights
    ):
        raise ArgumentError(
            "A quantized backbone cannot be saved for `transformers`. Save the classifier before "
            "`quantize`, or use `save_to_preset`."
        )
    if classifier.preprocessor is None:
        raise ArgumentError(
            "The classifier has preprocessor=None, but a checkpoint needs a tokenizer. Create it "
            "with a preprocessor."
        )
    return entry


def _check_head(classifier: SavedClassifier, architecture: Architecture) -> None:
    head = architecture.head
    hidden = None if head.hidden is None else classifier.backbone.hidden_dim
    if classifier.normalize:
        raise ArgumentError(
            f"{architecture.task} has no head that normalizes. This classifier has normalize=True. "
            "Train it with normalize=False, or use save_to_preset."
        )
    if (classifier.pooling, classifier.hidden_dim) != (head.pooling, hidden):
        raise ArgumentError(
            f"{architecture.task} has a head with pooling={head.pooling!r} and hidden_dim={hidden}."
            f" This classifier has pooling={classifier.pooling!r} and "
            f"hidden_dim={classifier.hidden_dim}. Train it with the former, or use "
            "`save_to_preset`."
        )
    probability = keras.activations.sigmoid if classifier.multi_label else keras.activations.softmax
    if classifier.activation not in (keras.activations.linear, probability):
        raise ArgumentError(
            "The head of `transformers` answers in logits. This classifier has activation="
            f"{keras.activations.serialize(classifier.activation)!r}; use activation=None."
        )


def _tensors(
    classifier: SavedClassifier, architecture: Architecture
) -> tuple[dict[str, np.ndarray], int]:
    """All tensors by name, and how many positions RoBERTa's table has for padding."""
    backbone = classifier.backbone
    tensors = {
        architecture.prefix + link.name: link.extract() for link in links(architecture, backbone)
    }
    offset = 0
    if "RobertaBackbone" in architecture.backbone:
        offset = int(classifier.preprocessor.tokenizer.pad_token_id) + 1
        name = f"{architecture.prefix}embeddings.position_embeddings.weight"
        table = tensors[name]
        tensors[name] = np.concatenate([np.zeros_like(table[:offset]), table])
        segments = f"{architecture.prefix}embeddings.token_type_embeddings.weight"
        tensors[segments] = np.zeros_like(table[:1])
    top = {link.name: link.extract() for link in head_links(architecture, classifier)}
    if classifier.vector_scaling is not None:
        raise ArgumentError(
            "`transformers` has no place for `vector_scaling`. Call calibrate() with "
            'method="temperature", or set vector_scaling = None.'
        )
    _fold_temperature(top, architecture, classifier.temperature)
    if not architecture.head.output_bias:
        _fold_bias(tensors, top, architecture, classifier)
    return {**tensors, **top}, offset


def _fold_temperature(
    top: dict[str, np.ndarray], architecture: Architecture, temperature: float
) -> None:
    """Divide the logits by the temperature: `transformers` has no place for one."""
    for part in ("weight", "bias"):
        name = f"{architecture.head.output}.{part}"
        if name in top:
            top[name] = (top[name] / temperature).astype("float32")


def _fold_bias(
    tensors: dict[str, np.ndarray],
    top: dict[str, np.ndarray],
    architecture: Architecture,
    classifier: SavedClassifier,
) -> None:
    """Move the bias of the scores, which GPT-2's head lacks, into the last layer norm.

    Only the head reads the outputs of that layer norm, so the logits stay the same.
    """
    bias = keras.ops.convert_to_numpy(classifier.output_dense.bias).astype("float64")
    bias = bias / classifier.temperature
    kernel = top[f"{architecture.head.output}.weight"].astype("float64")
    shift, *_ = np.linalg.lstsq(kernel, bias, rcond=None)
    if not np.allclose(kernel @ shift, bias, atol=1e-6):
        raise ArgumentError(
            f"{architecture.task} has no bias in its head, and that of this classifier cannot be "
            "moved elsewhere: its labels outnumber the dimensions of the backbone. Use "
            "`save_to_preset`."
        )
    name = f"{architecture.prefix}ln_f.bias"
    tensors[name] = (tensors[name] + shift).astype("float32")


def _add_padding_token(
    tensors: dict[str, np.ndarray], config: dict[str, Any], classifier: SavedClassifier
) -> int:
    """A padding token of its own: GPT-2's head looks for the last token that is none."""
    name = "transformer.wte.weight"
    table = tensors[name]
    token = len(classifier.preprocessor.tokenizer.get_vocabulary())
    rows = np.zeros((max(0, token + 1 - len(table)), table.shape[1]), "float32")
    tensors[name] = np.concatenate([table, rows])
    config["vocab_size"] = len(tensors[name])
    return token


def _config(classifier: SavedClassifier, architecture: Architecture, offset: int) -> dict[str, Any]:
    backbone, tokenizer = classifier.backbone, classifier.preprocessor.tokenizer
    config: dict[str, Any] = {
        "architectures": [architecture.task],
        "model_type": architecture.model_type,
        **{name: getattr(backbone, own) for own, name in architecture.arguments.items()},
        architecture.epsilon[0]: architecture.epsilon[1],
        architecture.activation: _GELUS[str(gelu_kind(backbone))],
        "pad_token_id": getattr(tokenizer, "pad_token_id", 0),
        "bos_token_id": getattr(tokenizer, "start_token_id", None),
        "eos_token_id": getattr(tokenizer, "end_token_id", None),
        "id2label": {str(i): name for i, name in enumerate(classifier.labels)},
        "label2id": {name: i for i, name in enumerate(classifier.labels)},
        "problem_type": "multi_label_classification"
        if classifier.multi_label
        else "single_label_classification",
    }
    if "hidden_dropout_prob" in config:
        config["attention_probs_dropout_prob"] = config["hidden_dropout_prob"]
    if offset:
        config["max_position_embeddings"] += offset
        config["type_vocab_size"] = 1
    if architecture.model_type == "deberta-v2":
        config.update(_DEBERTA, pooler_hidden_size=backbone.hidden_dim)
    for key in architecture.head.dropout_keys[:1]:
        config[key] = classifier.dropout
    return config
