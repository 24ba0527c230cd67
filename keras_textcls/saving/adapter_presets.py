"""Presets that hold adapters and a head, and name the preset of their backbone.

Every model loads and saves presets of all kinds by `load` and `save`, which call
methods of the model for a preset that holds all weights.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from keras_textcls import adapters
from keras_textcls.adapters.low_rank import low_rank
from keras_textcls.adapters.targets import layer_paths
from keras_textcls.catalogue import ADAPTER_FILE, find_preset
from keras_textcls.errors import ArgumentError, PresetError, did_you_mean
from keras_textcls.keras_compat.forked import check_process
from keras_textcls.saving import classifier_presets, huggingface
from keras_textcls.saving.adapter_files import (
    AdapterBase,
    AdapterRecord,
    read_record,
    read_weights,
    write_adapter,
)
from keras_textcls.saving.file_hashes import check_hashes
from keras_textcls.saving.preprocessors import check_settings
from keras_textcls.saving.preset_files import PresetFiles, place_of
from keras_textcls.saving.saved_model import BasePreset, Model, SavedModel, answers_in_labels
from keras_textcls.saving.weight_files import check_finite
from keras_textcls.saving.weight_fingerprint import weight_fingerprint
from keras_textcls.utils.paths import read_path

# Numbers of each weight that are compared.
_SAMPLED = 16


def load(cls: type[Model], preset: Any, load_weights: bool, **kwargs: Any) -> Model:
    """Load a model; see `TextClassifier.from_preset`.

    Args:
        cls: its class.
        preset: string or path.
        load_weights: bool.
        **kwargs: arguments of the constructor, `dtype`, `base` and `check_hashes`.

    Returns:
        A model of that class.

    Raises:
        ProcessError: the backend ran in the parent of this process, which was
            forked.
    """
    check_process()
    files = PresetFiles(preset)
    base = kwargs.pop("base", None)
    compares = kwargs.pop("check_hashes", True)
    check_settings(files)
    if compares:
        check_hashes(files, load_weights)
    if files.adapter is not None:
        return _load_adapter(cls, files, base, load_weights, compares, **kwargs)
    if base is not None:
        raise ArgumentError(
            f"`base` is for presets that hold adapters; {files.preset!r} is a whole one. Leave "
            f"`base` out. Received: base={base!r}."
        )
    model: Model = cls.load_whole(files, load_weights, **kwargs)
    if load_weights:
        check_finite(cast(keras.Model, model), files.preset)
    if load_weights and "backbone" not in kwargs:
        model.base_preset = BasePreset(place_of(preset), _sample(model.backbone))
    return model


def save(
    model: SavedModel, preset_dir: Any, max_shard_size: float | None, adapter_only: bool
) -> None:
    """Save a model; see `TextClassifier.save_to_preset`.

    Args:
        model: a `TextClassifier` or a `TextToText`.
        preset_dir: string or path.
        max_shard_size: int, float or `None`, in GB.
        adapter_only: bool.
    """
    if adapter_only:
        _save_adapter(model, read_path(preset_dir, "preset_dir"))
        return
    with adapters.folded(model.lora):
        model.save_whole(preset_dir, max_shard_size)


def _load_adapter(
    cls: type[Model],
    files: PresetFiles,
    base: Any,
    load_weights: bool,
    compares: bool,
    **kwargs: Any,
) -> Model:
    record, names = read_record(files), files.record()
    fresh = kwargs.get("num_classes") is not None or kwargs.get("labels") is not None
    arguments = dict(record.head)
    if names is not None:
        arguments.update(cls.recorded_arguments(names, record.sequence_length, fresh))
    elif not fresh and hasattr(cls, "classify"):
        raise PresetError(
            f"The preset {files.preset!r} has no classifier.json, which would name its labels. "
            "Copy the whole directory, or pass labels=[...]."
        )
    base = record.base.preset if base is None else os.fspath(base)
    base_files = _base_files(files, base)
    check_settings(base_files)
    if compares:
        check_hashes(base_files, load_weights)
    arguments.update(kwargs)
    model = cls.load_whole(base_files, load_weights, **arguments)
    backbone = model.backbone
    if names is not None and names.gelu not in (None, huggingface.changed_gelu(backbone)):
        huggingface.set_gelu(backbone, names.gelu)
    if load_weights:
        _check_base(model, files, record, base, base_files)
        model.base_preset = BasePreset(place_of(base), _sample(backbone))
    _attach(model, files, record, load_weights, fresh)
    if load_weights:
        check_finite(cast(keras.Model, model), files.preset)
    if names is not None and not fresh and answers_in_labels(model):
        classifier_presets.restore_record(model, names, kwargs)
    if record.sequence_length and model.sequence_length and "preprocessor" not in kwargs:
        model.sequence_length = record.sequence_length
    return model


def _base_files(files: PresetFiles, base: str) -> PresetFiles:
    where = f"The base preset {base!r} of the adapters in {files.preset!r}"
    try:
        base_files = PresetFiles(base)
    except PresetError as error:
        raise PresetError(
            f"{where} cannot be loaded: {error} Where it is elsewhere now, pass base=... with its "
            "name or directory."
        ) from error
    if base_files.adapter is not None:
        raise PresetError(f"{where} holds adapters itself. Pass base=... with a whole preset.")
    return base_files


def _check_base(
    model: SavedModel,
    files: PresetFiles,
    record: AdapterRecord,
    base: str,
    base_files: PresetFiles,
) -> None:
    """Compare the backbone with the one that the adapters were trained on."""
    backbone = model.backbone
    if backbone.dtype_policy.variable_dtype != record.base.dtype:
        # Rounded numbers have another hash.
        labels = {"labels": ["0", "1"]} if answers_in_labels(model) else {}
        as_trained = type(model).load_whole(base_files, True, dtype=record.base.dtype, **labels)
        backbone = as_trained.backbone
    fingerprint = weight_fingerprint(backbone)
    if fingerprint != record.base.fingerprint:
        raise PresetError(
            f"The base preset {base!r} is not the one that the adapters in {files.preset!r} were "
            f"trained on: its backbone has the hash {fingerprint[:12]}, theirs had "
            f"{record.base.fingerprint[:12]}. Pass base=... with the preset that they were "
            "trained on."
        )


def _attach(
    model: SavedModel,
    files: PresetFiles,
    record: AdapterRecord,
    load_weights: bool,
    fresh: bool,
) -> None:
    """Attach the adapters of a preset to a model, and its head unless `fresh`."""
    layers = _checked_layers(model, files, record)
    values = {}
    if load_weights:
        head = {} if fresh else _head_weights(model)
        shapes = {name: tuple(weight.shape) for name, weight in head.items()}
        for path, named in record.layers.items():
            shapes |= {f"lora/{path}/{name}": tuple(shape) for name, shape in named.items()}
        values = read_weights(files, shapes, "head/" if fresh else None)
    lora = adapters.add_lora(model, record.lora, seed=0, layers=layers)
    model.lora = lora
    weights = {**_lora_weights(lora), **_head_weights(model)}
    for name, value in values.items():
        weights[name].assign(value)


def _checked_layers(
    model: SavedModel, files: PresetFiles, record: AdapterRecord
) -> dict[str, keras.layers.Layer]:
    """The layers that `adapter.json` names, which take adapters of the shapes it says."""
    where = f"{ADAPTER_FILE} of the preset {files.preset!r}"
    known = layer_paths(model.backbone)
    for path, shapes in record.layers.items():
        if path not in known:
            raise PresetError(
                f"{where} names the layer {path!r}, which the {type(model.backbone).__name__} "
                f"does not have.{did_you_mean(path, known)}"
            )
        try:
            axes = low_rank(known[path], path)
        except ArgumentError as error:
            raise PresetError(f"{where} does not fit the backbone: {error}") from error
        rank = record.lora.rank
        needed = {"a": list(axes.a_shape(rank)), "b": list(axes.b_shape(rank))}
        if needed != shapes:
            raise PresetError(
                f"{where} has shapes {shapes} for the layer {path!r}, which takes {needed}."
            )
    return {path: known[path] for path in record.layers}


def _save_adapter(model: SavedModel, target: Path) -> None:
    lora, base, fingerprint = _adapters_and_base(model, target)
    weights = {
        name: np.ascontiguousarray(keras.ops.convert_to_numpy(weight).astype("float32"))
        for name, weight in {**_lora_weights(lora), **_head_weights(model)}.items()
    }
    record = AdapterRecord(
        lora=lora.config,
        layers={
            path: {"a": list(a.shape), "b": list(b.shape)}
            for path, (a, b) in lora.weights().items()
        },
        base=AdapterBase(base.preset, fingerprint, model.backbone.dtype_policy.variable_dtype),
        head=model.head_arguments(),
        sequence_length=model.sequence_length,
    )
    with classifier_presets.replacing_preset(target) as draft:
        write_adapter(record, weights, draft)
        if answers_in_labels(model):
            classifier_presets.write_names(model, target, draft, base=base.preset)


def _adapters_and_base(model: SavedModel, target: Path) -> tuple[adapters.Lora, BasePreset, str]:
    """The adapters, the preset of the backbone and its hash, if they can be saved alone."""
    lora, base = model.lora, model.base_preset
    if lora is None:
        raise ArgumentError(
            "`adapter_only=True` needs adapters, and the classifier has none. Call `add_lora()` "
            "and train them, or leave `adapter_only` out."
        )
    if base is None:
        raise ArgumentError(
            "`adapter_only=True` needs a base preset, and the classifier was not loaded from one. "
            "Before `add_lora()`, save it with `save_to_preset(directory)` and load it with "
            "`from_preset(directory)`; or leave `adapter_only` out to save all of it."
        )
    if target.resolve() == _directory_of(base.preset):
        raise ArgumentError(
            f"The adapters cannot take the place of their own base. Received: preset_dir="
            f"{str(target)!r}. Pass another directory."
        )
    with lora.hidden(merged=False):
        if _sample(model.backbone) != base.sample:
            raise ArgumentError(
                f"The backbone is no longer that of the preset {base.preset!r}: its weights were "
                "changed beside the adapters, which would not be saved. Leave `adapter_only` out "
                "to save all of it."
            )
        return lora, base, weight_fingerprint(model.backbone)


def _lora_weights(lora: adapters.Lora) -> dict[str, Any]:
    pairs = lora.weights().items()
    return {f"lora/{path}/{n}": w for path, (a, b) in pairs for n, w in (("a", a), ("b", b))}


def _head_weights(model: SavedModel) -> dict[str, Any]:
    layers = {name: getattr(model, name, None) for name in classifier_presets.WEIGHTED_LAYERS}
    return {
        f"head/{name}/{weight.name}": weight
        for name, layer in layers.items()
        if layer is not None
        for weight in layer.weights
    }


def _directory_of(preset: str) -> Path | None:
    if "://" in preset:
        return None
    return (find_preset(preset) or Path(preset)).resolve()


def _sample(backbone: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in backbone.weights:
        first = keras.ops.reshape(weight, (-1,))[:_SAMPLED]
        digest.update(keras.ops.convert_to_numpy(first).tobytes())
    return digest.hexdigest()
