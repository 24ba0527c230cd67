"""Keras Hub's handling of presets: names of files, finding them, loaders, registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_hub.src.utils import preset_utils
from keras_hub.src.utils.python_utils import classproperty
from keras_hub.src.utils.transformers.preset_loader import TransformersPresetLoader

__all__ = [
    "BACKBONE_WEIGHTS_FILE",
    "CONFIG_FILE",
    "PREPROCESSOR_FILE",
    "SHARDS_FILE",
    "TASK_FILE",
    "TASK_WEIGHTS_FILE",
    "TOKENIZER_FILE",
    "CheckpointLoader",
    "classproperty",
    "has_file",
    "kaggle_handle",
    "load_backbone_weights",
    "load_preprocessor",
    "local_file",
    "read_json",
    "register_presets",
]

# The files of a preset.
CONFIG_FILE = preset_utils.CONFIG_FILE
TASK_FILE = preset_utils.TASK_CONFIG_FILE
PREPROCESSOR_FILE = preset_utils.PREPROCESSOR_CONFIG_FILE
TOKENIZER_FILE = preset_utils.TOKENIZER_CONFIG_FILE
BACKBONE_WEIGHTS_FILE = preset_utils.MODEL_WEIGHTS_FILE
TASK_WEIGHTS_FILE = preset_utils.TASK_WEIGHTS_FILE
SHARDS_FILE = preset_utils.SHARDED_MODEL_WEIGHTS_CONFIG_FILE


def kaggle_handle(preset: str) -> str | None:
    """Return where Keras Hub has a preset that it knows by name.

    Args:
        preset: string.

    Returns:
        A string, a `kaggle://` handle, or `None` for any other preset.
    """
    entry = preset_utils.BUILTIN_PRESETS.get(preset)
    return None if entry is None else entry["kaggle_handle"]


def local_file(preset: str, name: str) -> str:
    """Return the local path of a file of a preset, which is downloaded if need be.

    Args:
        preset: string, a directory, handle or name that Keras Hub knows.
        name: string, the file.

    Returns:
        A string.

    Raises:
        FileNotFoundError: the preset has no such file.
    """
    return str(preset_utils.get_file(preset, name))


def has_file(preset: str, name: str) -> bool:
    """Return whether a preset has a file.

    Args:
        preset: string, as for `local_file`.
        name: string.

    Returns:
        A bool.
    """
    return preset_utils.check_file_exists(preset, name)


def read_json(preset: str, name: str) -> Any:
    """Return the contents of a JSON file of a preset.

    Args:
        preset: string, as for `local_file`.
        name: string.

    Returns:
        What the file holds.
    """
    return preset_utils.load_json(preset, name)


def load_backbone_weights(preset: str, backbone: Any) -> None:
    """Read the weights of a preset of Keras Hub into its backbone.

    Args:
        preset: string, as for `local_file`.
        backbone: a `keras_hub.models.Backbone`.
    """
    preset_utils.get_preset_loader(preset)._load_backbone_weights(backbone)


def load_preprocessor(preset: str, cls: type) -> Any:
    """Load the preprocessor of a preset as a class that Keras Hub would not choose for it.

    Args:
        preset: string, as for `local_file`.
        cls: a subclass of `keras_hub.models.Preprocessor`.

    Returns:
        An instance of `cls`.
    """
    return preset_utils.get_preset_loader(preset).load_preprocessor(cls)


def register_presets(presets: Mapping[str, Any], backbone_cls: type) -> None:
    """Register presets by name for `from_preset` of a backbone class of this library.

    Args:
        presets: mapping from name to a dict with `metadata` and `kaggle_handle`.
        backbone_cls: a subclass of `keras_hub.models.Backbone`.
    """
    preset_utils.register_presets(presets, backbone_cls)


class CheckpointLoader(TransformersPresetLoader):
    """Loads a Hugging Face checkpoint of a model that Keras Hub has no converter for.

    Args:
        preset: string, a directory or handle.
        config: dict, contents of its `config.json`.
        converter: module or object with the functions that Keras Hub's loader
            asks of a converter.
    """

    def __init__(self, preset: str, config: dict[str, Any], converter: Any) -> None:
        # Not that of the parent, which refuses model types that it does not know.
        self.preset = preset
        self.config = config
        self.converter = converter
