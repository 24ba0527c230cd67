"""The catalogue of presets that have a name: their origin, and which are available.

A name is looked for in the directories of `KERAS_TEXTCLS_PRESET_PATH`, in
`textcls/presets` of the user's Keras folder, among the presets that ship with
the package, and among Keras Hub's own.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_textcls.errors import PresetError, did_you_mean

PATH_VARIABLE = "KERAS_TEXTCLS_PRESET_PATH"
CATALOGUE_FILE = "catalogue.json"
DEFAULT_PRESET = "mini_encoder_en_uncased"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,200}")
_LANGUAGES = {"en": "English", "multi": "many", "zh": "Chinese", "ko": "Korean", "vi": "Vietnamese"}
_BYTES_A_PARAMETER = 4
# Checkpoints of Hugging Face that have a name here: handle and parameters.
_GPT_NEO = {
    "gpt_neo_125m_en": ("hf://EleutherAI/gpt-neo-125m", 125_198_592),
    "gpt_neo_1.3b_en": ("hf://EleutherAI/gpt-neo-1.3B", 1_315_575_808),
    "gpt_neo_2.7b_en": ("hf://EleutherAI/gpt-neo-2.7B", 2_651_307_520),
}
# Of a preset that holds low-rank adapters and names the preset of the backbone they belong to.
ADAPTER_FILE = "adapter.json"
# One of them makes a directory a preset.
_MAIN_FILES = ("config.json", ADAPTER_FILE)


@dataclasses.dataclass(frozen=True)
class PresetInfo:
    """Information about a preset that has a name.

    Args:
        name: string, what `from_preset` takes.
        source: string: `"path"` (a directory of the search path), `"bundled"`,
            `"hugging_face"` or `"keras_hub"`.
        description: string.
        parameters: int, parameters of the backbone, or `None` if not known.
        languages: tuple of strings; empty if not known.
        size_bytes: int, size on disk; of a preset that is not here, of its
            parameters in float32; `None` if not known.
        has_head: bool, whether a classification head comes with it.
        labels: tuple of strings, label names that come with it.
        origin: string, where it comes from: a directory or a handle.
        licence: string; empty if not known.
        is_available: bool, whether it loads now without a network.
    """

    name: str
    source: str
    description: str = ""
    parameters: int | None = None
    languages: tuple[str, ...] = ()
    size_bytes: int | None = None
    has_head: bool = False
    labels: tuple[str, ...] = ()
    origin: str = ""
    licence: str = ""
    is_available: bool = False


class PresetCatalogue(Mapping[str, PresetInfo]):
    """Presets by name; prints as a table.

    Args:
        infos: iterable of `PresetInfo`, of which the first of a name counts.
    """

    def __init__(self, infos: Iterable[PresetInfo]) -> None:
        self._infos: dict[str, PresetInfo] = {}
        for info in infos:
            self._infos.setdefault(info.name, info)

    def __getitem__(self, name: str) -> PresetInfo:
        if name not in self._infos:
            raise KeyError(f"There is no preset {name!r}.{did_you_mean(name, self._infos)}")
        return self._infos[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._infos)

    def __len__(self) -> int:
        return len(self._infos)

    @property
    def available(self) -> PresetCatalogue:
        """The presets that load now without a network."""
        return PresetCatalogue(info for info in self._infos.values() if info.is_available)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table that is shown, its head first.

        Returns:
            A list of tuples of strings.
        """
        head = ("name", "source", "here", "parameters", "size", "languages", "head", "licence")
        return [head, *(_row(info) for info in self._infos.values())]

    def __repr__(self) -> str:
        rows = self.rows()
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head, *body = (
            "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
            for tag, row in zip(["th", *["td"] * len(self)], self.rows(), strict=True)
        )
        lines = "".join(f"<tr>{cells}</tr>" for cells in body)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def presets() -> PresetCatalogue:
    """List every preset that has a name: yours, the bundled ones, Keras Hub's.

    Returns:
        A `PresetCatalogue`, a mapping from name to `PresetInfo`.

    Example:
    >>> catalogue = presets()
    >>> catalogue["bert_tiny_en_uncased_sst2"].parameters
    4385920
    """
    return PresetCatalogue([*_on_search_path(), *_bundled(), *_gpt_neo(), *_of_keras_hub()])


def gpt_neo_presets() -> dict[str, dict[str, Any]]:
    """Describe the published GPT-Neo checkpoints in the form that Keras Hub registers.

    Returns:
        A dict from name to a dict with `metadata` and `kaggle_handle`, which
        here is a handle of Hugging Face.
    """
    return {
        info.name: {
            "metadata": {"description": info.description, "params": info.parameters},
            "kaggle_handle": info.origin,
        }
        for info in _gpt_neo()
    }


def find_preset(name: str) -> Path | None:
    """Return the directory of a preset on the search path, or a bundled one.

    Args:
        name: string.

    Returns:
        A `Path`, or `None` if there is none of that name.
    """
    if not _PLAIN_NAME.fullmatch(name):
        return None
    for directory in [*search_path(), bundled_directory()]:
        if any((directory / name / file).is_file() for file in _MAIN_FILES):
            return directory / name
    return None


def search_path() -> list[Path]:
    """Return the user's directories of presets, in the order in which they are searched.

    Returns:
        A list of `Path`.
    """
    given = [entry for entry in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if entry]
    folder = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return [Path(entry).expanduser() for entry in given] + [Path(folder) / "textcls" / "presets"]


def bundled_directory() -> Path:
    """Return the directory of the presets that ship with the package.

    Returns:
        A `Path`.
    """
    package = Path(__file__).resolve().parent
    # In a checkout the presets stand beside the package.
    installed = package / "_presets"
    return installed if installed.is_dir() else package.parent / "presets"


@functools.cache
def bundled_records() -> dict[str, dict[str, Any]]:
    """Return what `catalogue.json` says of the bundled presets.

    Returns:
        A dict from name to a dict with `backbone`, `description`,
        `parameters`, `languages`, `licence` and `sha256` (of each file).
    """
    path = bundled_directory() / CATALOGUE_FILE
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    records: dict[str, dict[str, Any]] = contents["presets"]
    return records


def shipped_presets(backbone: str) -> dict[str, dict[str, Any]]:
    """Describe the bundled presets of a backbone in the form that Keras Hub registers.

    Args:
        backbone: string, the name of its class.

    Returns:
        A dict from name to a dict with `metadata` and `kaggle_handle`, which
        here is a directory.
    """
    return {
        name: {
            "metadata": {"description": record["description"], "params": record["parameters"]},
            "kaggle_handle": str(bundled_directory() / name),
        }
        for name, record in bundled_records().items()
        if record["backbone"] == backbone
    }


def verify_bundled(directory: Path) -> None:
    """Compare the files of a bundled preset with their pinned hashes.

    Args:
        directory: `Path` of a preset; one that is not bundled passes.

    Raises:
        PresetError: a file is missing, was changed, or came in addition.
    """
    if not is_bundled(directory):
        return
    pinned = bundled_records()[directory.name]["sha256"]
    # File managers leave hidden files about, which nothing loads.
    files = (p for p in directory.rglob("*") if p.is_file() and not p.name.startswith("."))
    hashes = {path.relative_to(directory).as_posix(): file_hash(path) for path in files}
    wrong = sorted(n for n in {*pinned, *hashes} if pinned.get(n) != hashes.get(n))
    if wrong:
        raise PresetError(
            f"The bundled preset {directory.name!r} is not as it was shipped: {', '.join(wrong)} "
            "differs from its pinned SHA-256, is missing or was added. Reinstall keras-textcls."
        )


def is_bundled(directory: Path) -> bool:
    """Return whether a directory is a preset that ships with the package.

    Args:
        directory: `Path`.

    Returns:
        A bool; false for a copy of one elsewhere.
    """
    is_there = directory.resolve().parent == bundled_directory().resolve()
    return is_there and directory.name in bundled_records()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file.

    Args:
        path: `Path`.

    Returns:
        A string of 64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _row(info: PresetInfo) -> tuple[str, ...]:
    labels = f"{len(info.labels)} labels" if info.labels else "yes"
    return (
        info.name,
        info.source,
        "yes" if info.is_available else "no",
        "" if info.parameters is None else f"{info.parameters:,}",
        "" if info.size_bytes is None else f"{info.size_bytes / 1e6:,.1f} MB",
        ", ".join(info.languages),
        labels if info.has_head else "",
        info.licence,
    )


def _on_search_path() -> Iterator[PresetInfo]:
    for directory in search_path():
        directories = {path.parent for name in _MAIN_FILES for path in directory.glob(f"*/{name}")}
        for preset in sorted(directories):
            if _PLAIN_NAME.fullmatch(preset.name):
                yield _local_info(preset, "path")


def _bundled() -> Iterator[PresetInfo]:
    for name, record in bundled_records().items():
        known = {k: record[k] for k in ("description", "parameters", "licence")}
        info = _local_info(bundled_directory() / name, "bundled")
        yield dataclasses.replace(info, languages=tuple(record["languages"]), **known)


def _local_info(directory: Path, source: str) -> PresetInfo:
    files = [p for p in directory.rglob("*") if p.is_file()]
    labels: tuple[str, ...] = ()
    try:
        contents = json.loads((directory / "classifier.json").read_text(encoding="utf-8"))
        labels = tuple(str(name) for name in contents["labels"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # A preset without names, or one that `from_preset` will refuse.
    base = _base_of(directory)
    return PresetInfo(
        name=directory.name,
        source=source,
        description="" if base is None else f"Low-rank adapters and a head for {base}",
        size_bytes=sum(p.stat().st_size for p in files),
        has_head=base is not None or (directory / "task.weights.h5").is_file(),
        labels=labels,
        origin=str(directory),
        is_available=True,
    )


def _base_of(directory: Path) -> str | None:
    """What a directory of adapters names as its base, or `None` for a whole preset."""
    if (directory / "config.json").is_file():
        return None
    try:
        contents = json.loads((directory / "adapter.json").read_text(encoding="utf-8"))
        return str(contents["base"]["preset"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _gpt_neo() -> Iterator[PresetInfo]:
    for name, (handle, parameters) in _GPT_NEO.items():
        yield PresetInfo(
            name=name,
            source="hugging_face",
            description="GPT-Neo, a causal language model of English, trained on the Pile.",
            parameters=parameters,
            languages=("English",),
            size_bytes=parameters * _BYTES_A_PARAMETER,
            origin=handle,
            licence="mit",
            is_available=_is_in_hub_cache(handle),
        )


def _is_in_hub_cache(handle: str) -> bool:
    """Return whether the cache of the Hugging Face hub holds the checkpoint of a `hf://` handle."""
    home = os.environ.get("HF_HOME") or os.path.join(os.path.expanduser("~"), ".cache/huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub"))
    folder = "models--" + handle.removeprefix("hf://").replace("/", "--")
    return any(cache.joinpath(folder).glob("snapshots/*/config.json"))


def _of_keras_hub() -> Iterator[PresetInfo]:
    import keras_hub

    entries: dict[str, Any] = {}
    for cls in subclasses(keras_hub.models.Tokenizer):
        backbone_cls = getattr(cls, "backbone_cls", None)
        if backbone_cls is not None and backbone_cls.__module__.startswith("keras_hub."):
            entries.update(backbone_cls.presets)
    for name, entry in sorted(entries.items()):
        metadata = entry["metadata"]
        parameters = metadata.get("params")
        languages = (_LANGUAGES[p] for p in name.split("_") if p in _LANGUAGES)
        yield PresetInfo(
            name=name,
            source="keras_hub",
            description=metadata.get("description", ""),
            parameters=parameters,
            languages=tuple(languages),
            size_bytes=None if parameters is None else parameters * _BYTES_A_PARAMETER,
            has_head="classifier" in metadata.get("description", "") or "_sst2" in name,
            origin=entry["kaggle_handle"],
            is_available=_is_cached(entry["kaggle_handle"]),
        )


def subclasses(cls: type) -> list[Any]:
    """Return all subclasses of a class, near ones first, in the order of their definition.

    Args:
        cls: a class, such as `keras_hub.models.CausalLM`.

    Returns:
        A list of classes.
    """
    direct: list[Any] = cls.__subclasses__()
    return direct + [deeper for child in direct for deeper in subclasses(child)]


def _is_cached(handle: str) -> bool:
    """Return whether Kaggle's cache holds the preset of a `kaggle://` handle."""
    default = os.path.join(os.path.expanduser("~"), ".cache", "kagglehub")
    cache = Path(os.environ.get("KAGGLEHUB_CACHE") or default)
    parts = handle.removeprefix("kaggle://").split("/")
    return (cache.joinpath("models", *parts) / "config.json").is_file()
