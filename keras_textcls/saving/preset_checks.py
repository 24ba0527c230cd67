"""Checks of a preset before Keras reads it, and errors for what Keras cannot read.

Nothing in a preset may name code to run, or a path outside of the preset.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from keras_textcls.errors import MissingDependencyError, PresetError, shorten

# Packages whose classes a preset may name, and classes of theirs that run
# code or unpickle what the preset brings along.
_TRUSTED_PACKAGES = ("keras", "keras_hub", "keras_textcls")
_CODE_RUNNERS = (
    "Lambda",
    "__lambda__",
    "TorchModuleWrapper",
    "TFSMLayer",
    "JaxLayer",
    "FlaxLayer",
)
_ASSET_KEYS = ("vocabulary", "merges", "proto", "config_file", "vocabulary_file")
_LEAVES_DIRECTORY = re.compile(r"(^|[\\/])\.\.([\\/]|$)")


def check_links(directory: Path) -> None:
    """Refuse links that leave the preset, but for the blobs of the Hugging Face cache.

    Args:
        directory: `Path` of the preset.

    Raises:
        PresetError: there is such a link.
    """
    root = directory.resolve()
    blobs = root.parent.parent / "blobs"
    for entry in root.rglob("*"):
        if not entry.is_symlink():
            continue
        end = entry.resolve()
        if not end.is_relative_to(root) and not end.is_relative_to(blobs):
            raise PresetError(
                f"{entry.relative_to(root)} of the preset {str(directory)!r} is a link that leaves "
                "the preset. Replace it with the file itself."
            )


def check_config(config: Any, where: str, key: str = "") -> None:
    """Refuse a Keras config that names foreign classes, code, or paths elsewhere.

    Args:
        config: what a JSON file holds.
        where: string, the file, for messages.
        key: string, under which it stands there. Defaults to `""`.

    Raises:
        PresetError: it names one of those.
    """
    if isinstance(config, dict):
        if "class_name" in config:
            _check_class(config, where)
        for name, value in config.items():
            check_config(value, where, str(name))
    elif isinstance(config, list):
        for value in config:
            check_config(value, where, key)
    elif isinstance(config, str):
        outside = key in _ASSET_KEYS and (os.path.isabs(config) or config.startswith("~"))
        if outside or _LEAVES_DIRECTORY.search(config):
            raise PresetError(
                f"{where} names a path outside of the preset: {key}={shorten(config)}. It was "
                "refused; a preset brings its own files."
            )


def _check_class(config: dict[str, Any], where: str) -> None:
    name = str(config["class_name"])
    registered = config.get("registered_name")
    module = config.get("module")
    if name in _CODE_RUNNERS or str(registered).split(">")[-1] in _CODE_RUNNERS:
        raise PresetError(
            f"{where} holds a {name!r}, which runs code when it is loaded. It was refused."
        )
    # `registered_name` is only present in configs of objects, not in plain values.
    if registered is not None and keras.saving.get_registered_object(str(registered)) is not None:
        return
    trusted = module is None or str(module).split(".")[0] in _TRUSTED_PACKAGES
    is_function = module == "builtins" and name == "function"
    known_to_keras = registered is None or ">" not in str(registered)
    if not (trusted and known_to_keras) and not is_function:
        raise PresetError(
            f"{where} names the class {shorten(registered or name)} of {module!r}, which is not "
            f"one of {', '.join(_TRUSTED_PACKAGES)}. If you trust it, import it first and register "
            "it with keras.saving.register_keras_serializable()."
        )


def check_hdf5(path: str, where: str) -> None:
    """Refuse an HDF5 file that is broken, or whose data lie elsewhere.

    Args:
        path: string.
        where: string, the file, for messages.

    Raises:
        PresetError: it is such a file.
    """
    try:
        with h5py.File(path, "r") as file:
            _check_group(file, where)
    except OSError as error:
        raise PresetError(f"{where} is broken or cut short: {error}") from error


def _check_group(group: Any, where: str) -> None:
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise PresetError(f"{where} links to another place at {name!r}. It was refused.")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_group(item, where)
        elif item.external or item.is_virtual:
            raise PresetError(f"{where} keeps {name!r} in another file. It was refused.")


def check_file_name(name: Any, where: str) -> None:
    """Refuse anything but the name of a file in the directory of the preset itself.

    Args:
        name: what stands for one, on Windows too.
        where: string, the file that names it, for messages.

    Raises:
        PresetError: it is a path, or no name.
    """
    text = str(name)
    if os.path.basename(text) != name or "\\" in text or text in ("", ".", ".."):
        raise PresetError(
            f"{where} names a file outside of the preset: {shorten(name)}. It was refused."
        )


@contextlib.contextmanager
def loading(part: str, preset: str, remedy: str = "") -> Iterator[None]:
    """Turn errors of Keras and Keras Hub into a `PresetError` that names the part.

    Args:
        part: string, such as `"backbone"`, for messages.
        preset: string, for messages.
        remedy: string, a sentence that ends the message. Defaults to `""`.

    Returns:
        A context manager.

    Raises:
        PresetError: what Keras raised, from a damaged preset.
        MissingDependencyError: a package for the conversion is not installed.
    """
    try:
        yield
    except PresetError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"The preset {preset!r} is a checkpoint to convert, which needs a package that "
            f"is not installed: {error}. Install it with pip."
        ) from error
    except (ValueError, KeyError, TypeError, OSError, AttributeError) as error:
        raise PresetError(
            f"The {part} of the preset {preset!r} cannot be loaded: {error}{remedy and ' '}{remedy}"
        ) from error
