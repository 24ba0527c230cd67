"""A hash of a preprocessor: two with the same hash give the same token ids."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

_KNOWN = ("keras_hub.", "keras_textcls.")


def preprocessor_fingerprint(layer: Any) -> str | None:
    """Hash everything, except the texts, that the outputs of a preprocessor depend on.

    Args:
        layer: a `keras_hub.models.Preprocessor`, a `keras_hub.models.Tokenizer`,
            or anything else.

    Returns:
        A string of 64 hexadecimal digits (SHA-256); `None` for a class that is
        not of Keras Hub or of this library, which may keep more than it tells.
    """
    tokenizer = getattr(layer, "tokenizer", layer)
    kinds = [f"{type(part).__module__}.{type(part).__qualname__}" for part in (layer, tokenizer)]
    if not all(kind.startswith(_KNOWN) for kind in kinds):
        return None
    parts = {
        "kinds": kinds,
        "config": without_names(layer.get_config()),
        "assets": asset_hashes(tokenizer),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def without_names(config: Any) -> Any:
    """Leave the names of layers out, which Keras numbers as they are made.

    Args:
        config: what `get_config` returned.

    Returns:
        A copy of it.
    """
    if isinstance(config, dict):
        return {k: without_names(v) for k, v in config.items() if k != "name"}
    if isinstance(config, (list, tuple)):
        return [without_names(value) for value in config]
    return config


def asset_hashes(tokenizer: Any) -> dict[str, str]:
    """Hash the vocabulary, which is no part of a tokenizer's config.

    Args:
        tokenizer: a `keras_hub.models.Tokenizer`, or `None`.

    Returns:
        A dict from the names of its files to 64 hexadecimal digits (SHA-256).
    """
    if not hasattr(tokenizer, "save_assets"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_assets(folder)
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
