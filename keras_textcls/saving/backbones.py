"""Loading the backbone of a preset, which may not be larger than its weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import keras_hub

from keras_textcls.keras_compat.presets import load_backbone_weights
from keras_textcls.saving.allocation import build_for
from keras_textcls.saving.huggingface.checkpoint import Tensors
from keras_textcls.saving.preset_checks import loading
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.saving.weight_files import check_left_over


class _Checked(Exception):  # noqa: N818
    """A model was built as far as its shapes, and nothing more is wanted of it."""


def load_backbone(files: PresetFiles, load_weights: bool, dtype: Any = None) -> keras.Model:
    """Load the backbone of a preset.

    Args:
        files: `PresetFiles`.
        load_weights: bool.
        dtype: dtype policy, or `None`. Defaults to `None`.

    Returns:
        A `keras_hub.models.Backbone`.

    Raises:
        PresetError: the preset is broken, or its weights are another model's.
    """
    if dtype is None and files.is_keras:
        dtype = _saved_dtype(files)
    build = functools.partial(keras_hub.models.Backbone.from_preset, files.preset, dtype=dtype)
    with loading("backbone", files.preset):
        if not load_weights:
            return build(load_weights=False)
        if not files.is_keras:
            check_size(files, lambda: build(load_weights=False))
            return build()
        arrays = files.backbone_weights()
        if not arrays:
            return build()  # Keras Hub says what is missing.
        backbone = build_for(
            lambda: build(load_weights=False), files.config.get("config"), arrays, files.preset
        )
        load_backbone_weights(files.preset, backbone)
        where = f"The weights file of the preset {files.preset!r}"
        check_left_over(arrays, backbone.variables, where)
        return backbone


def check_size(files: PresetFiles, build: Callable[[], Any]) -> None:
    """Refuse a checkpoint of Hugging Face whose `config.json` asks for more than its weights.

    Args:
        files: `PresetFiles`.
        build: function without arguments that builds the model.

    Raises:
        PresetError: it asks for more.
    """

    def stop(built: Any) -> None:
        raise _Checked

    try:
        build_for(build, files.config, Tensors(files).arrays(), files.preset, stop)
    except _Checked:
        return


def _saved_dtype(files: PresetFiles) -> Any:
    """As Keras Hub does for tasks: plain floats follow the current policy, quantized ones stay."""
    config = files.config.get("config")
    saved = config.get("dtype") if isinstance(config, dict) else None
    if isinstance(saved, dict) and saved.get("class_name") != "DTypePolicy":
        return saved
    return None
