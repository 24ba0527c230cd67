"""Preset directories: locate, check, read and write them.

The files are Keras Hub's own, so that Keras Hub loads what is saved here. What
it has no place for (label names, multi-label, thresholds, temperature, long texts) stands
in `classifier.json`. Every file is checked before Keras sees it, by
`preset_checks`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import textwrap
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from keras_textcls.catalogue import (
    ADAPTER_FILE,
    DEFAULT_PRESET,
    PATH_VARIABLE,
    find_preset,
    presets,
    search_path,
    verify_bundled,
)
from keras_textcls.errors import ArgumentError, PresetError, did_you_mean, shorten
from keras_textcls.keras_compat.presets import (
    BACKBONE_WEIGHTS_FILE,
    CONFIG_FILE,
    PREPROCESSOR_FILE,
    SHARDS_FILE,
    TOKENIZER_FILE,
    kaggle_handle,
    local_file,
)
from keras_textcls.models.gelu import Gelu
from keras_textcls.predictions.calibration import VectorScaling
from keras_textcls.predictions.prediction import AnswerOptions
from keras_textcls.saving.preset_checks import check_config, check_entries, check_file_name
from keras_textcls.saving.weight_files import StoredArray, check_hdf5
from keras_textcls.utils.records import Bounds, JsonFile

CLASSIFIER_FILE = "classifier.json"
SCHEMA_VERSION = 1
# Where sentence-transformers puts a static model, which needs no `config.json`.
STATIC_FOLDERS = ("", "0_StaticEmbedding/")
_MODULES_FILE = "modules.json"
_LONGEST_NAME, _LONGEST_PATH = 255, 4095
LongTexts = Literal["truncate", "chunk"]
LONG_TEXTS = get_args(LongTexts)

_OWN_FILES = re.compile(
    r"(config|task|preprocessor|tokenizer|metadata|classifier|adapter)\.json"
    r"|(model(_\d+)?|task)\.weights\.(h5|json)|adapter\.safetensors|assets"
)


@dataclasses.dataclass(frozen=True)
class ClassifierRecord:
    """The contents of `classifier.json`.

    Args:
        labels: list of strings, names in the order of the outputs.
        multi_label: bool.
        thresholds: list of floats, one a label, or `None`.
        temperature: float, by which logits are divided in `predict_proba`.
        vector_scaling: `VectorScaling` of logits before that, or `None`.
        training: dict, a free summary of the training, or `None`.
        gelu: `"exact"` or `"tanh"` where the backbone computes another GELU than
            its class in Keras Hub, which has no argument for it, or `None`.
        answer_options: `AnswerOptions`, or `None` for its defaults.
        long_texts: string, one of `LONG_TEXTS`.
        text_to_text: dict, how a language model is asked for the labels (see
            `TextToTextClassifier`), or `None` for a model with a head.
    """

    labels: list[str]
    multi_label: bool = False
    thresholds: list[Annotated[float, Bounds()]] | None = None
    temperature: Annotated[float, Bounds(above=0)] = 1.0
    training: Any = None
    gelu: Gelu | None = None
    answer_options: AnswerOptions | None = None
    long_texts: LongTexts = "truncate"
    vector_scaling: VectorScaling | None = None
    text_to_text: dict[str, Any] | None = None


def is_own_file(name: str) -> bool:
    """Return whether saving a preset replaces this entry of the directory."""
    return _OWN_FILES.fullmatch(name) is not None


def place_of(preset: str | os.PathLike[str]) -> str:
    """Return a name or path of a preset that is valid in any working directory.

    Args:
        preset: string or path.

    Returns:
        A string: an absolute path for a directory, else what was given.
    """
    name = os.fspath(preset)
    return os.path.abspath(name) if not _is_name(name) and os.path.isdir(name) else name


def _is_name(preset: str) -> bool:
    """Return whether a preset is a known name or a handle; else it is a directory."""
    known = "://" in preset or kaggle_handle(preset) is not None
    return known or find_preset(preset) is not None


def _as_string(preset: Any) -> str:
    name = os.fspath(preset) if isinstance(preset, (str, os.PathLike)) else None
    if not isinstance(name, str):
        raise ArgumentError(
            "`preset` must be the name, the handle or the path of a preset, as a string or a "
            f"pathlib.Path. Received: preset={shorten(preset)} of type {type(preset).__name__}."
        )
    if "\0" in name:
        raise PresetError(f"There is no preset {shorten(name)}: no name holds a NUL.")
    if len(os.path.basename(name)) > _LONGEST_NAME or len(name) > _LONGEST_PATH:
        raise PresetError(f"There is no preset {shorten(name)}: no path is as long.")
    return name


class PresetFiles:
    """Checked access to the files of a preset, local or behind a handle.

    Args:
        preset: string or path: a built-in name, a `kaggle://`, `hf://` or
            `modelscope://` handle, or a directory.

    Attributes:
        config: dict, contents of `config.json`.
        adapter: dict, contents of `adapter.json` of a preset that holds nothing
            but adapters and a head, else `None`.

    Raises:
        PresetError: there is no such preset, or it has neither `config.json` nor
            `adapter.json`, or a file of it is broken or refused.
    """

    def __init__(self, preset: str | os.PathLike[str]) -> None:
        self.preset = _as_string(preset)
        self.directory = self._local_directory()
        if self.directory is not None:
            verify_bundled(self.directory)
            first = (CONFIG_FILE, ADAPTER_FILE, _MODULES_FILE)
            if any(os.path.lexists(self.directory / name) for name in first):
                check_entries(self.directory)
            self.preset = str(self.directory)
        config = self.json(CONFIG_FILE)
        self.adapter = self.json(ADAPTER_FILE) if config is None else None
        if config is None and self.adapter is None and self._is_static():
            config = {"model_type": "static_embedding"}
        if config is None and self.adapter is None:
            inner = os.path.join(self.preset, "preset")
            pass_on = (
                f"its preset, {inner!r}"
                if os.path.isdir(inner)
                else "the directory that `save_to_preset` wrote"
            )
            raise PresetError(
                f"The preset {self.preset!r} has no `config.json`, so it is no preset"
                f"{self._contents()}. Pass {pass_on}."
            )
        self.config = config or {}
        self._shards: list[str] = []
        if self._is_remote_checkpoint:
            return  # What follows are files of Keras Hub; without a network, asking for them fails.
        for name in (PREPROCESSOR_FILE, TOKENIZER_FILE):
            self.json(name)
        self._shards = self._read_shards()

    @property
    def is_keras(self) -> bool:
        """Whether the files are Keras Hub's own, not a Hugging Face checkpoint."""
        return "registered_name" in self.config

    @property
    def _is_remote_checkpoint(self) -> bool:
        return bool(self.config) and not self.is_keras and self.directory is None

    def path(self, name: str) -> str | None:
        """Return the local path of a file, downloaded if need be, or `None`."""
        try:
            return local_file(self.preset, name)
        except FileNotFoundError as error:
            # The Hugging Face hub says so of a file that is neither cached nor reachable, too.
            if type(error.__cause__).__name__ == "LocalEntryNotFoundError":
                raise self._unreachable(name, error) from error
            return None
        except (OSError, ValueError, ImportError) as error:
            raise self._unreachable(name, error) from error

    def json(self, name: str) -> dict[str, Any] | None:
        """Return the checked contents of a JSON file, or `None` if there is none."""
        path = self.path(name)
        if path is None:
            return None
        file = self.describe(name)
        contents = file.load(Path(path), "preset", "save_to_preset()")
        # A Hugging Face tokenizer.json is data for another library, not a Keras config.
        if "class_name" in contents or "registered_name" in contents:
            check_config(contents, file.name)
        return contents

    def json_list(self, name: str) -> list[Any] | None:
        """Return the contents of a JSON file that holds a list, or `None` if there is none."""
        path = self.path(name)
        return None if path is None else self.describe(name).load_list(Path(path))

    def weights(self, name: str) -> list[StoredArray] | None:
        """Return what an HDF5 file holds after checking it, or `None` if there is none."""
        path = self.path(name)
        return None if path is None else check_hdf5(path, f"{name} of the preset {self.preset!r}")

    def backbone_weights(self) -> list[StoredArray]:
        """Return what the HDF5 files of the backbone hold: the single file, or each shard."""
        whole = self.weights(BACKBONE_WEIGHTS_FILE)
        if whole is not None:
            return whole
        return [array for name in self._shards for array in self.weights(name) or ()]

    def record(self) -> ClassifierRecord | None:
        """Return the contents of `classifier.json`, or `None` if there is none."""
        contents = None if self._is_remote_checkpoint else self.json(CLASSIFIER_FILE)
        return None if contents is None else _read_record(contents, self.describe(CLASSIFIER_FILE))

    def describe(self, name: str, newest: int = SCHEMA_VERSION) -> JsonFile:
        """Return a JSON file as errors describe it; see `JsonFile`."""
        where = f"{name} of the preset {self.preset!r}"
        return JsonFile(where, PresetError, "Save or copy the whole preset again.", newest)

    def _unreachable(self, name: str, error: Exception) -> PresetError:
        handle = kaggle_handle(self.preset)
        where = f" at {handle}" if handle else ""
        return PresetError(
            f"The preset {self.preset!r} cannot be reached: {name} was looked for{where}, and is "
            f"not in the local cache either ({_first_line(error)}). Without a network, take a "
            f'preset that is here: "{DEFAULT_PRESET}" comes with the package, and '
            "`keras-textcls presets --here` lists all."
        )

    def _local_directory(self) -> Path | None:
        if _is_name(self.preset):
            return find_preset(self.preset)
        path = Path(self.preset)
        if path.is_dir():
            return path
        if path.exists():
            raise PresetError(f"The preset {self.preset!r} is a file. Pass its directory.")
        looked = ", ".join(str(directory) for directory in search_path())
        raise PresetError(
            f"There is no preset {self.preset!r}: neither a directory, nor in {looked} (set "
            f"{PATH_VARIABLE} to add others), nor a built-in name."
            f"{did_you_mean(self.preset, presets())} `keras-textcls presets` lists the names; "
            "handles begin with kaggle://, hf:// or modelscope://."
        )

    def _is_static(self) -> bool:
        names = (f"{place}model.safetensors" for place in STATIC_FOLDERS)
        has_weights = any(self.path(name) is not None for name in names)
        modules = self.json_list(_MODULES_FILE) if has_weights else None
        return any(
            isinstance(module, dict) and str(module.get("type")).endswith(".StaticEmbedding")
            for module in modules or ()
        )

    def _contents(self) -> str:
        if self.directory is None:
            return ""
        names = sorted(entry.name for entry in self.directory.iterdir())[:6]
        return f" (it holds {', '.join(names)})" if names else " (it is empty)"

    def _read_shards(self) -> list[str]:
        """The files over which the weights of the backbone are spread, each once."""
        contents = self.json(SHARDS_FILE)
        where = f"model.weights.json of the preset {self.preset!r}"
        shards = (contents or {}).get("weight_map", {})
        if not isinstance(shards, dict):
            raise PresetError(f"{where} has an unusable `weight_map`. Received {shorten(shards)}.")
        names = [n for s in shards.values() for n in (s if isinstance(s, list) else [s])]
        for name in names:
            check_file_name(name, where)
        return sorted(set(names))


def _read_record(contents: dict[str, Any], file: JsonFile) -> ClassifierRecord:
    record = file.read(ClassifierRecord, contents)
    labels, thresholds, scaling = record.labels, record.thresholds, record.vector_scaling
    if thresholds is not None and len(thresholds) != len(labels):
        raise file.broken(f"it has {len(labels)} labels but {len(thresholds)} thresholds")
    if scaling is not None and not all(
        len(numbers) == len(labels) and all(map(math.isfinite, numbers))
        for numbers in (scaling.scale, scaling.bias)
    ):
        raise file.broken(
            f"`vector_scaling` must hold {len(labels)} finite numbers each of `scale` and `bias`. "
            f"Received: {shorten(contents['vector_scaling'])}"
        )
    options = record.answer_options or AnswerOptions()
    unknown = [name for name in options.select_labels or () if name not in labels]
    if unknown:
        raise file.broken(f"`answer_options` selects {unknown[0]!r}, which is no label")
    return record


def write_record(record: ClassifierRecord, directory: Path) -> None:
    """Write `classifier.json`.

    Args:
        record: `ClassifierRecord`.
        directory: `Path` of the preset.
    """
    contents = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(record)}
    text = json.dumps(contents, indent=2, ensure_ascii=False) + "\n"
    (directory / CLASSIFIER_FILE).write_text(text, encoding="utf-8")


def _first_line(error: Exception) -> str:
    # What the Hugging Face hub says stands in the cause.
    told = str(error.__cause__ or error).strip().split("\n")[0]
    return textwrap.shorten(told, 200)


def describe_presets() -> dict[str, Any]:
    """Return every preset that has a name, in the form of Keras Hub's `cls.presets`.

    Returns:
        A dict from name to a dict with `metadata`, and where it comes from as
        `kaggle_handle` or `directory`.
    """
    described: dict[str, Any] = {}
    for name, info in sorted(presets().items()):
        metadata = {"description": info.description, "params": info.parameters}
        is_local = info.source in ("path", "bundled")
        place = "directory" if is_local else "kaggle_handle"
        described[name] = {"metadata": metadata, place: info.origin}
    return described
