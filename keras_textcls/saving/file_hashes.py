"""Hashes of the files of a preset, recorded by saving and compared by loading.

A vocabulary in another order, or a number in `config.json`, loads without an error and
answers nonsense. The hashes stand in `metadata.json`, which Keras Hub writes and does not
read, or in `adapter.json`. `classifier.json` has none: its numbers and names are meant to be
edited, and are checked when they are read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from keras_textcls.catalogue import ADAPTER_FILE, file_hash, is_bundled
from keras_textcls.errors import PresetError
from keras_textcls.keras_compat.presets import CONFIG_FILE, PREPROCESSOR_FILE, TOKENIZER_FILE
from keras_textcls.saving.preset_files import CLASSIFIER_FILE, PresetFiles
from keras_textcls.utils.records import fits

METADATA_FILE = "metadata.json"
KEY = "sha256"
_NOT_HASHED = (METADATA_FILE, ADAPTER_FILE, CLASSIFIER_FILE, "README.md")
# Without these a preset loads, as another than was saved; others are missed where they are read.
_NEEDED = (CONFIG_FILE, PREPROCESSOR_FILE, TOKENIZER_FILE)


def record_hashes(directory: Path) -> None:
    """Write the hashes of the files of a preset into one of them.

    Args:
        directory: `Path` of a preset whose files are written.
    """
    record = next(p for n in (METADATA_FILE, ADAPTER_FILE) if (p := directory / n).exists())
    contents: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    names = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    contents[KEY] = {name: file_hash(p) for name, p in names.items() if name not in _NOT_HASHED}
    text = json.dumps(contents, indent=2, ensure_ascii=False) + "\n"
    record.write_text(text, encoding="utf-8")


def renew_hashes(directory: Path) -> None:
    """Write the hashes anew after a file was changed on purpose, where there are any.

    Args:
        directory: `Path` of a preset.
    """
    record = directory / METADATA_FILE
    if record.exists() and KEY in json.loads(record.read_text(encoding="utf-8")):
        record_hashes(directory)


def check_hashes(files: PresetFiles, with_weights: bool) -> None:
    """Compare the files of a preset with the hashes recorded when it was saved, if any.

    Args:
        files: `PresetFiles`.
        with_weights: bool, whether files of weights are read too.

    Raises:
        PresetError: a file was changed since, or is missing.
    """
    name = METADATA_FILE if files.adapter is None else ADAPTER_FILE
    # A preset from elsewhere has none; asking for files of a handle may need a network.
    if files.directory is None and files.record() is None:
        return
    # Those of a bundled preset are compared with the catalogue, when its files are located.
    if files.directory is not None and is_bundled(files.directory):
        return
    contents = (files.json(name) if files.adapter is None else files.adapter) or {}
    recorded = contents.get(KEY, {})
    if not fits(recorded, dict[str, str]):
        raise files.describe(name).broken(f"`{KEY}` must be an object whose values are strings")
    for file, wanted in recorded.items():
        if file.endswith(".h5") and not with_weights:
            continue
        if ".." in file or file.startswith("/") or file in _NOT_HASHED:
            raise files.describe(name).broken(f"`{KEY}` names {file!r}, which is no file of it")
        path = files.path(file)
        if path is None and file in _NEEDED:
            raise PresetError(
                f"{file} of the preset {files.preset!r} is missing. Copy the whole directory."
            )
        if path is not None and not (Path(path).is_file() and file_hash(Path(path)) == wanted):
            raise PresetError(
                f"{file} of the preset {files.preset!r} was changed after it was saved: its "
                f"SHA-256 is not the one in {name}. Copy the whole preset again. If it was changed "
                f"on purpose, pass check_hashes=False, or remove `{KEY}` from {name}."
            )
