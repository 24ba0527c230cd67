"""Checks of the tokenizer and the preprocessor of a preset, at load and not at first use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import keras

from keras_textcls.errors import PresetError, shorten
from keras_textcls.keras_compat.presets import PREPROCESSOR_FILE, TASK_FILE, TOKENIZER_FILE
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.utils.records import Bounds, fits, in_words

# More tokens than any model has positions for.
_MOST_TOKENS = 1 << 24
_SETTINGS: dict[str, Any] = {
    "sequence_length": Annotated[int, Bounds(low=1, high=_MOST_TOKENS)] | None,
    "truncate": Literal["round_robin", "waterfall"],
    "lowercase": bool | None,
    "strip_accents": bool | None,
    "split": bool | None,
    "split_on_cjk": bool | None,
    "add_start_token": bool,
    "add_end_token": bool,
    "add_prefix_space": bool,
    "special_tokens_in_strings": bool,
    "suffix_indicator": str | None,
    "oov_token": str | None,
}


def check_settings(files: PresetFiles) -> None:
    """Refuse settings of tokenizers and preprocessors that fail at first use.

    Args:
        files: `PresetFiles`.

    Raises:
        PresetError: a setting has a value that it cannot have.
    """
    for name in (TASK_FILE, PREPROCESSOR_FILE, TOKENIZER_FILE):
        contents = files.json(name) if files.is_keras else None
        _check(contents, name, files)


def _check(config: Any, name: str, files: PresetFiles) -> None:
    if isinstance(config, list):
        for entry in config:
            _check(entry, name, files)
    if not isinstance(config, dict):
        return
    for key, value in config.items():
        if key in _SETTINGS and not fits(value, _SETTINGS[key]):
            raise files.describe(name).broken(
                f"`{key}` must be {in_words(_SETTINGS[key])}. Received: {shorten(value)}"
            )
        _check(value, name, files)


def check_preprocessor(preprocessor: Any, backbone: keras.Model, files: PresetFiles) -> None:
    """Refuse a preprocessor whose tokens a backbone has no place for.

    Args:
        preprocessor: a `keras_hub.models.Preprocessor`.
        backbone: a `keras_hub.models.Backbone`.
        files: `PresetFiles`.

    Raises:
        PresetError: it gives other ids than there are embeddings for.
    """
    tokenizer = getattr(preprocessor, "tokenizer", None)
    for part, value in (("preprocessor", preprocessor), ("tokenizer", tokenizer)):
        # Of a config without the name of a class, Keras gives the config back.
        if isinstance(value, dict):
            raise PresetError(
                f"The {part} of the preset {files.preset!r} has no class in its JSON file. Copy "
                "the whole preset again."
            )
    for layer in (preprocessor, tokenizer):
        if isinstance(layer, keras.Layer) and not isinstance(layer.compute_dtype, str):
            raise PresetError(f"`dtype` of a {type(layer).__name__} cannot be used.")
    table = getattr(backbone, "token_embedding", None)
    size, rows = getattr(tokenizer, "vocabulary_size", None), getattr(table, "input_dim", None)
    if callable(size) and isinstance(rows, int) and size() > rows:
        raise PresetError(
            f"The tokenizer of the preset {files.preset!r} has {size():,} tokens, where its "
            f"backbone has embeddings for {rows:,}. Copy the whole preset again."
        )
