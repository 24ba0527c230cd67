"""Checks of a preset before Keras reads it, and errors for what Keras cannot read.

Nothing in a preset may name code to run, or a path outside of the preset.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import struct
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import safetensors

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
_DRIVE = re.compile(r"[A-Za-z]:|\\\\")
# Under these keys stand names and pieces of texts, which may look like anything.
_FREE_TEXTS = re.compile(r"labels|\w*tokens?")
# What Keras, Keras Hub and the backends raise for a damaged preset.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    safetensors.SafetensorError,
    struct.error,
)


def check_entries(directory: Path) -> None:
    """Refuse what is no file of the preset: links that leave it or lead nowhere, and pipes.

    Links to the blobs of the Hugging Face cache are its files.

    Args:
        directory: `Path` of the preset.

    Raises:
        PresetError: there is such an entry.
    """
    root = directory.resolve()
    blobs = root.parent.parent / "blobs"
    for folder, folders, names in os.walk(root):
        for name in [*folders, *names]:
            entry = Path(folder, name)
            where = f"{entry.relative_to(root)} of the preset {str(directory)!r}"
            if entry.is_symlink():
                _check_link(entry, where, (root, blobs))
            mode = entry.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise PresetError(
                    f"{where} is a pipe, a socket or a device, which is not read. Put the file "
                    "itself there, or remove it."
                )


def _check_link(entry: Path, where: str, homes: tuple[Path, ...]) -> None:
    try:
        end = entry.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise PresetError(
            f"{where} is a link that leads nowhere. Replace it with the file itself."
        ) from error
    if not any(end.is_relative_to(home) for home in homes):
        raise PresetError(
            f"{where} is a link that leaves the preset. Replace it with the file itself."
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
    elif isinstance(config, str) and not _FREE_TEXTS.fullmatch(key):
        is_rooted = os.path.isabs(config) or config.startswith("~") or _DRIVE.match(config)
        outside = key in _ASSET_KEYS and is_rooted
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
    except (PresetError, MissingDependencyError):
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"The preset {preset!r} is a checkpoint to convert, which needs a package that "
            f"is not installed: {error}. Install it with pip."
        ) from error
    except damage() as error:
        # Some of them carry no words, others pages of them.
        told = textwrap.shorten(str(error), 600) or type(error).__name__
        raise PresetError(
            f"The {part} of the preset {preset!r} cannot be loaded: {told}{remedy and ' '}{remedy}"
        ) from error


def damage() -> tuple[type[Exception], ...]:
    """Return the exceptions that Keras and its backends raise for a damaged preset."""
    tensorflow = sys.modules.get("tensorflow")
    return _DAMAGE if tensorflow is None else (*_DAMAGE, tensorflow.errors.OpError)
