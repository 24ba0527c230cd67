"""Loading a Hugging Face checkpoint as a `TextClassifier`, with its head and label names."""

from __future__ import annotations

import math
from typing import Any

import keras
import keras_hub
import numpy as np

from keras_textcls.errors import ArgumentError, PresetError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.models.gelu import KINDS, gelu_kind, set_gelu
from keras_textcls.saving.allocation import build_for
from keras_textcls.saving.huggingface.architectures import ARCHITECTURES
from keras_textcls.saving.huggingface.checkpoint import Tensors
from keras_textcls.saving.huggingface.layout import Architecture
from keras_textcls.saving.huggingface.tokenizer_files import load_preprocessor
from keras_textcls.saving.huggingface.weights import (
    assign,
    check_excess,
    checked_size,
    head_links,
    links,
)
from keras_textcls.saving.preset_checks import loading
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.saving.saved_heads import make_model
from keras_textcls.saving.saved_model import Classifier, SavedClassifier
from keras_textcls.saving.weight_files import StoredArray
from keras_textcls.utils.records import fits

_MOST_LABELS = 1 << 24
_SUFFIX = "ForSequenceClassification"
_POOLER = tuple(f"pooler.{name}" for name in ("dense.weight", "dense.bias", "weight", "bias"))


def handles(files: PresetFiles, fresh: bool) -> bool:
    """Return whether this package loads a preset.

    Args:
        files: `PresetFiles`.
        fresh: bool, whether its head is not wanted.

    Returns:
        A bool.

    Raises:
        PresetError: it has a classification head of an unknown architecture.
    """
    if files.is_keras:
        return False
    entry = ARCHITECTURES.get(str(files.config.get("model_type")))
    task = _task(files.config)
    if task is not None and not fresh and (entry is None or entry.task != task):
        known = ", ".join(entry.task for entry in ARCHITECTURES.values())
        raise PresetError(
            f"The preset {files.preset!r} is a {shorten(task)} of the model type "
            f"{shorten(files.config.get('model_type'))}, whose head cannot be loaded. Known are: "
            f"{known}. Pass labels=[...] for a new head on its backbone, if Keras Hub has it."
        )
    return entry is not None


def load_checkpoint(
    cls: type[Classifier],
    files: PresetFiles,
    load_weights: bool,
    defaults: dict[str, Any],
    **kwargs: Any,
) -> Classifier:
    """Load a checkpoint of one of the known architectures.

    Args:
        cls: `TextClassifier`.
        files: `PresetFiles`, for which `handles` is true.
        load_weights: bool.
        defaults: dict of arguments of the constructor for a checkpoint without
            a head, such as the pooling of a sentence-transformers folder.
        **kwargs: arguments of the constructor, and `dtype`.

    Returns:
        A `TextClassifier`.

    Raises:
        PresetError: the checkpoint is broken, or cannot be expressed.
        ArgumentError: it has no head and no labels are given.
    """
    architecture = ARCHITECTURES[files.config["model_type"]]
    fresh = kwargs.get("num_classes") is not None or kwargs.get("labels") is not None
    has_head = _task(files.config) == architecture.task
    if not fresh and not has_head:
        raise ArgumentError(
            f"The preset {files.preset!r} holds no classification head. Pass labels=[...] or "
            "num_classes=... to give it a new one."
        )
    dtype = kwargs.pop("dtype", None)
    with loading("checkpoint", files.preset):
        saved = _head_arguments(files, architecture, fresh) if has_head else defaults
    if not fresh:
        _refuse_other_head(files, saved, kwargs)
    arguments = {**saved, **kwargs}
    backbone = arguments.get("backbone")
    own_backbone = backbone is None
    with loading("checkpoint", files.preset):
        arrays = None
        if load_weights:
            tensors = Tensors(files)
            tensors.rename(architecture.prefix)
            arrays = tensors.arrays()
        if own_backbone:
            backbone = arguments["backbone"] = _build_backbone(files, architecture, dtype, arrays)
        if "preprocessor" not in arguments:
            arguments["preprocessor"] = load_preprocessor(files, architecture, backbone)
    if load_weights and not fresh:
        _check_head_size(len(saved["labels"]), files, architecture, tensors)
    classifier = make_model(cls, arguments, kwargs, files)
    if load_weights:
        with loading("checkpoint", files.preset):
            _load_weights(classifier, files, architecture, tensors, own_backbone, not fresh)
    return classifier


def _task(config: dict[str, Any]) -> str | None:
    """The class with the classification head that `config.json` names, if any."""
    names = config.get("architectures")
    names = names if isinstance(names, list) else [names]
    return next((str(name) for name in names if str(name).endswith(_SUFFIX)), None)


def _head_arguments(files: PresetFiles, architecture: Architecture, fresh: bool) -> dict[str, Any]:
    head, config = architecture.head, files.config
    hidden_size = architecture.setting(config, architecture.arguments["hidden_dim"])
    rates = (architecture.setting(config, name) for name in head.dropout_keys)
    arguments: dict[str, Any] = {
        "pooling": head.pooling,
        "hidden_dim": None if head.hidden is None else hidden_size,
        "dropout": float(next((rate for rate in rates if rate is not None), 0.0)),
    }
    if not fresh:
        arguments["labels"] = _label_names(files)
        arguments["multi_label"] = config.get("problem_type") == "multi_label_classification"
    return arguments


def _refuse_other_head(files: PresetFiles, saved: dict[str, Any], kwargs: dict[str, Any]) -> None:
    for name in ("pooling", "hidden_dim"):
        if kwargs.get(name, "auto") not in ("auto", saved[name]):
            raise ArgumentError(
                f"The head of the preset {files.preset!r} has {name}={saved[name]!r}. Received: "
                f"{name}={shorten(kwargs[name])}. Pass labels=[...] too for a new head."
            )
        kwargs.pop(name, None)


def _label_names(files: PresetFiles) -> LabelSet:
    config = files.config
    where = f"config.json of the preset {files.preset!r}"
    names = config.get("id2label")
    count = config.get("num_labels", 2)
    if names is None and config.get("label2id") is not None:
        names = _inverted(config["label2id"], where)
    if names is None:
        # What `transformers` leaves out when it is the default.
        checked_size(count, "num_labels", where)
        if count > _MOST_LABELS:
            raise PresetError(f"{where} has num_labels={count:,}, more than any head has outputs.")
        names = {str(i): f"LABEL_{i}" for i in range(count)}
    if not isinstance(names, dict) or not names:
        raise PresetError(f"{where}: `id2label` must map ids to names. Received {shorten(names)}.")
    if config.get("problem_type") == "regression" or len(names) == 1:
        raise PresetError(
            f"The preset {files.preset!r} is no classifier: it predicts a number "
            f"(problem_type={shorten(config.get('problem_type'))}, {len(names)} output). Pass "
            "labels=[...] for a new head on its backbone."
        )
    if sorted(names) != sorted(str(i) for i in range(len(names))):
        raise PresetError(
            f"{where}: the ids of `id2label` must run from 0 to {len(names) - 1}. Received "
            f"{shorten(sorted(names))}."
        )
    try:
        return LabelSet([names[str(i)] for i in range(len(names))])
    except ArgumentError as error:
        raise PresetError(f"{where}: `id2label` cannot be used: {error}") from error


def _inverted(ids: Any, where: str) -> dict[str, Any]:
    if not fits(ids, dict[str, int]) or len(set(ids.values())) != len(ids):
        raise PresetError(
            f"{where}: `label2id` must map names to different ids. Received {shorten(ids)}."
        )
    return {str(i): name for name, i in ids.items()}


def _build_backbone(
    files: PresetFiles,
    architecture: Architecture,
    dtype: Any,
    arrays: list[StoredArray] | None,
) -> keras.Model:
    _check_settings(files, architecture)
    arguments: dict[str, Any] = {}
    for argument, name in architecture.arguments.items():
        value = architecture.setting(files.config, name)
        if name == "n_inner" and value is None:
            value = 4 * architecture.setting(files.config, "n_embd")
        is_rate = argument == "dropout"
        arguments[argument] = float(value) if is_rate else checked_size(value, name, files.preset)
    arguments["max_sequence_length"] -= position_offset(architecture, files.config)
    backbone = getattr(keras_hub.models, architecture.backbone)

    def build() -> keras.Model:
        return backbone(dtype=dtype, **arguments)

    try:
        is_bounded, config = arrays is not None, files.config
        built = build_for(build, config, arrays or [], files.preset) if is_bounded else build()
    except PresetError:
        raise
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise PresetError(
            f"config.json of the preset {files.preset!r} does not describe a "
            f"{architecture.backbone}: {error}"
        ) from error
    wanted = KINDS[architecture.setting(files.config, architecture.activation)]
    if gelu_kind(built) != wanted:
        set_gelu(built, wanted)
    return built


def position_offset(architecture: Architecture, config: dict[str, Any]) -> int:
    """Return how many rows of the position table stand for no position.

    Args:
        architecture: `Architecture`.
        config: dict, the contents of `config.json`.

    Returns:
        An int: RoBERTa counts on from the id of its padding token.
    """
    if "RobertaBackbone" not in architecture.backbone:
        return 0
    return int(architecture.setting(config, "pad_token_id")) + 1


def _check_settings(files: PresetFiles, architecture: Architecture) -> None:
    """Refuse what the backbone of Keras Hub has no argument for, by name."""
    config = files.config

    def refuse(name: str, needed: Any) -> None:
        raise PresetError(
            f"config.json of the preset {files.preset!r} has {name}="
            f"{shorten(architecture.setting(config, name))}, which Keras Hub's "
            f"{architecture.backbone} cannot express: it has {needed}."
        )

    for name, values in architecture.required.items():
        if architecture.setting(config, name) not in values:
            refuse(name, " or ".join(map(repr, values)))
    name, epsilon = architecture.epsilon
    if not math.isclose(architecture.setting(config, name), epsilon, rel_tol=1e-3):
        refuse(name, epsilon)
    if architecture.setting(config, architecture.activation) not in KINDS:
        refuse(architecture.activation, ", ".join(KINDS))
    if architecture.model_type == "deberta-v2":
        _check_attention(config, architecture, refuse)


def _check_attention(config: dict[str, Any], architecture: Architecture, refuse: Any) -> None:
    """Refuse positions of DeBERTa other than those of version 3, which Keras Hub has."""
    kinds = architecture.setting(config, "pos_att_type")
    kinds = kinds.split("|") if isinstance(kinds, str) else kinds
    if {str(kind).strip() for kind in kinds} != {"c2p", "p2c"}:
        refuse("pos_att_type", "'c2p|p2c'")
    if architecture.setting(config, "position_buckets") < 1:
        refuse("position_buckets", "a positive number of buckets")
    hidden, heads, longest = (
        architecture.setting(config, name)
        for name in ("hidden_size", "num_attention_heads", "max_position_embeddings")
    )
    reach = config.get("max_relative_positions", -1)
    if reach >= 1 and reach != longest:
        refuse("max_relative_positions", f"max_position_embeddings, here {longest}")
    sizes = {
        "embedding_size": hidden,
        "pooler_hidden_size": hidden,
        "attention_head_size": hidden // heads,
    }
    for name, size in sizes.items():
        if config.get(name, size) != size:
            refuse(name, size)


def _load_weights(
    classifier: SavedClassifier,
    files: PresetFiles,
    architecture: Architecture,
    tensors: Tensors,
    own_backbone: bool,
    with_head: bool,
) -> None:
    of_backbone = list(links(architecture, classifier.backbone)) if own_backbone else []
    on_top = list(head_links(architecture, classifier)) if with_head else []
    if own_backbone:
        check_excess(architecture, tensors, [*of_backbone, *on_top], files.preset, with_head)

    def read(name: str) -> Any:
        array = tensors.read(name)
        is_positions = name == "embeddings.position_embeddings.weight"
        offset = position_offset(architecture, files.config)
        if is_positions and offset:
            # RoBERTa has one type of segment: what it adds is the same for every token.
            segments = "embeddings.token_type_embeddings.weight"
            array = array[offset:] + (tensors.read(segments)[0] if segments in tensors else 0)
        return array

    optional = () if with_head else _POOLER
    assign([*of_backbone, *on_top], tensors, read, files.preset, optional)
    if with_head and not architecture.head.output_bias:
        bias = classifier.output_dense.bias
        bias.assign(np.zeros(tuple(bias.shape)))


def _check_head_size(
    count: int, files: PresetFiles, architecture: Architecture, tensors: Tensors
) -> None:
    name = f"{architecture.head.output}.weight"
    if name in tensors and tensors.shape(name)[:1] != (count,):
        raise PresetError(
            f"config.json of the preset {files.preset!r} names {count} labels "
            f"in `id2label`, but the head has {tensors.shape(name)[0]} outputs ({name}). Correct "
            "`id2label`, or pass labels=[...] for a new head."
        )
