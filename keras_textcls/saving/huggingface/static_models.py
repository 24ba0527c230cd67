"""Static models of other projects: folders of `model2vec` and sentence-transformers.

`model2vec` keeps one vector a token, or one a cluster of tokens with a `mapping`, and
`weights` of the tokens; a classifier of it has a `head.safetensors`. The `StaticEmbedding`
of sentence-transformers keeps one vector a token. Both come with a `tokenizer.json`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from keras_textcls.errors import ArgumentError, PresetError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.models import (
    JsonTokenizer,
    StaticEmbeddingBackbone,
    StaticEmbeddingTextClassifierPreprocessor,
)
from keras_textcls.saving.preset_checks import loading
from keras_textcls.saving.preset_files import STATIC_FOLDERS, PresetFiles
from keras_textcls.saving.saved_heads import make_model
from keras_textcls.saving.saved_model import Classifier
from keras_textcls.utils.records import fits

_WEIGHTS, _HEAD = "model.safetensors", "head.safetensors"
_OF_MODEL2VEC, _OF_SENTENCE_TRANSFORMERS = "embeddings", "embedding.weight"
_TABLES = {_OF_MODEL2VEC, _OF_SENTENCE_TRANSFORMERS, "weights", "mapping"}
# Of `model2vec` where its config is silent, and of sentence-transformers, which never truncates.
_SEQUENCE_LENGTH, _LONG = 512, 2048
_MOST_TOKENS = 1 << 24


@dataclasses.dataclass(frozen=True)
class StaticFolder:
    """A folder with a static model.

    Args:
        place: string, where its files are within the preset, such as
            `"0_StaticEmbedding/"`.
        path: string, the file with the vectors.
        names: frozenset of strings, its tensors.
    """

    place: str
    path: str
    names: frozenset[str]

    @property
    def is_model2vec(self) -> bool:
        """Whether `model2vec` wrote it."""
        return _OF_MODEL2VEC in self.names


def find_static(files: PresetFiles) -> StaticFolder | None:
    """Return where a preset holds a static model, or `None` for any other.

    Args:
        files: `PresetFiles`.

    Returns:
        A `StaticFolder`, or `None`.
    """
    if files.is_keras or files.adapter is not None:
        return None
    for place in STATIC_FOLDERS:
        path = files.path(place + _WEIGHTS)
        if path is None or files.path(f"{place}tokenizer.json") is None:
            continue
        try:
            with safetensors.safe_open(path, framework="numpy") as tensors:
                names = frozenset(tensors.keys())
        except (safetensors.SafetensorError, OSError):
            return None  # Who reads it as another kind of model says what is wrong.
        if names <= _TABLES and len(names & {_OF_MODEL2VEC, _OF_SENTENCE_TRANSFORMERS}) == 1:
            return StaticFolder(place, path, names)
    return None


def load_static(
    cls: type[Classifier],
    files: PresetFiles,
    folder: StaticFolder,
    load_weights: bool,
    **kwargs: Any,
) -> Classifier:
    """Load a static model as a classifier on a `StaticEmbeddingBackbone`.

    Args:
        cls: `TextClassifier`.
        files: `PresetFiles`.
        folder: `StaticFolder`.
        load_weights: bool.
        **kwargs: arguments of the constructor, and `dtype`.

    Returns:
        A `TextClassifier`.

    Raises:
        PresetError: the folder is broken.
        ArgumentError: it has no head and no labels are given.
    """
    fresh = kwargs.get("num_classes") is not None or kwargs.get("labels") is not None
    dtype = kwargs.pop("dtype", None)
    with loading("static model", files.preset):
        head = None if fresh else _read_head(files)
        vectors = _read_vectors(files, folder)
        arguments = {} if head is None else head.arguments()
        if "backbone" not in kwargs:
            rows, size = vectors.shape
            backbone = StaticEmbeddingBackbone(
                rows,
                size,
                normalize=_normalizes(files),
                head_activation="gelu" if head is None else "relu",
                dtype=dtype,
            )
            if load_weights:
                backbone.token_embedding.set_weights([vectors])
            arguments["backbone"] = backbone
        if "preprocessor" not in kwargs:
            arguments["preprocessor"] = _preprocessor(files, folder, len(vectors))
    if head is None and not fresh:
        raise ArgumentError(
            f"The preset {files.preset!r} holds no classification head. Pass labels=[...] or "
            "num_classes=... to give it a new one."
        )
    classifier = make_model(cls, arguments, kwargs, files)
    if head is not None and load_weights:
        head.assign(classifier, files.preset)
    return classifier


def _read_vectors(files: PresetFiles, folder: StaticFolder) -> np.ndarray:
    """One float32 vector a token, whatever the file shares among tokens."""
    where = f"{folder.place}{_WEIGHTS} of the preset {files.preset!r}"
    with safetensors.safe_open(folder.path, framework="numpy") as tensors:
        read = {name: tensors.get_tensor(name) for name in folder.names}
    table = read[_OF_MODEL2VEC if folder.is_model2vec else _OF_SENTENCE_TRANSFORMERS]
    if table.ndim != 2 or not table.size or table.dtype.kind not in "fi":
        raise PresetError(f"{where} has vectors of shape {table.shape} in {table.dtype}.")
    mapping, weights = read.get("mapping"), read.get("weights")
    if mapping is not None:
        if mapping.ndim != 1 or mapping.dtype.kind not in "iu" or not mapping.size:
            raise PresetError(f"{where} has no vector of numbers of rows as `mapping`.")
        if mapping.min() < 0 or mapping.max() >= len(table):
            raise PresetError(f"{where}: `mapping` names rows that `embeddings` does not have.")
        if len(mapping) * table.shape[1] > 64 * table.size + (1 << 26):
            raise PresetError(f"{where}: `mapping` makes {len(mapping):,} of {len(table):,} rows.")
        table = table[mapping]
    vectors = table.astype("float32")
    if weights is not None:
        if weights.shape != (len(vectors),):
            raise PresetError(
                f"{where} has `weights` of shape {weights.shape} for {len(vectors):,} tokens."
            )
        vectors = vectors * weights.astype("float32")[:, None]
    return vectors


def _normalizes(files: PresetFiles) -> bool:
    """Whether vectors of texts have length 1: a setting of one, a module of the other."""
    setting = files.config.get("normalize")
    if setting is not None and not isinstance(setting, bool):
        raise PresetError(f"config.json has normalize={shorten(setting)}; true or false is needed.")
    modules = files.json_list("modules.json") or []
    kinds = [str(module.get("type")) for module in modules if isinstance(module, dict)]
    return bool(setting) or any(kind.endswith(".Normalize") for kind in kinds)


def _preprocessor(files: PresetFiles, folder: StaticFolder, rows: int) -> Any:
    contents = Path(str(files.path(f"{folder.place}tokenizer.json"))).read_text(encoding="utf-8")
    tokenizer = JsonTokenizer(contents, skips_unknown=folder.is_model2vec)
    if tokenizer.vocabulary_size() > rows:
        raise PresetError(
            f"tokenizer.json has {tokenizer.vocabulary_size():,} tokens, where there are vectors "
            f"for {rows:,}. Copy the whole folder again."
        )
    length = files.config.get("max_length", _SEQUENCE_LENGTH if folder.is_model2vec else None)
    length = _LONG if length is None else length
    if not fits(length, int) or not 1 <= length <= _MOST_TOKENS:
        raise PresetError(f"config.json has max_length={shorten(length)}; no number of tokens.")
    return StaticEmbeddingTextClassifierPreprocessor(tokenizer, sequence_length=length)


@dataclasses.dataclass(frozen=True)
class _Head:
    """The head of a classifier of `model2vec`: one or two dense layers, with ReLU between."""

    labels: LabelSet
    multi_label: bool
    layers: list[tuple[np.ndarray, np.ndarray]]

    def arguments(self) -> dict[str, Any]:
        """Return arguments of the constructor."""
        return {
            "labels": self.labels,
            "multi_label": self.multi_label,
            "hidden_dim": len(self.layers[0][1]) if len(self.layers) > 1 else None,
            "dropout": 0.0,
        }

    def assign(self, classifier: Any, preset: str) -> None:
        """Write the layers into a classifier."""
        names = ["pooled_dense", "output_dense"][-len(self.layers) :]
        for name, (weight, bias) in zip(names, self.layers, strict=True):
            layer = getattr(classifier, name)
            if tuple(layer.kernel.shape) != weight.T.shape or layer.bias.shape != bias.shape:
                raise PresetError(
                    f"{_HEAD} of the preset {preset!r} has a layer of shape {weight.shape}, where "
                    f"{tuple(layer.kernel.shape)[::-1]} is needed."
                )
            layer.set_weights([weight.T, bias])


def _read_head(files: PresetFiles) -> _Head | None:
    path, config = files.path(_HEAD), files.config.get("head_config")
    if path is None:
        return None
    where = f"`head_config` in config.json of the preset {files.preset!r}"
    fresh = "Pass labels=[...] for a new head."
    if not isinstance(config, dict):
        raise PresetError(f"{where} must be an object. Received: {shorten(config)}. {fresh}")
    count, classes, kind = (config.get(name) for name in ("n_layers", "classes", "activation"))
    if kind not in ("softmax", "sigmoid") or not isinstance(classes, list):
        raise PresetError(f"{where} is no classifier's: activation={shorten(kind)}. {fresh}")
    if not fits(count, int) or count not in (1, 2):
        raise PresetError(f"{where} has n_layers={shorten(count)}; 1 or 2 can be loaded. {fresh}")
    if not all(isinstance(name, str) or fits(name, int) for name in classes):
        raise PresetError(f"{where} has classes that are no names: {shorten(classes)}.")
    with safetensors.safe_open(path, framework="numpy") as tensors:
        layers = [
            tuple(
                tensors.get_tensor(f"head.{i}.{part}").astype("float32")
                for part in ("weight", "bias")
            )
            for i in range(count)
        ]
    if any(weight.ndim != 2 or bias.ndim != 1 for weight, bias in layers):
        raise PresetError(f"{_HEAD} of the preset {files.preset!r} holds no dense layers.")
    return _Head(LabelSet([str(name) for name in classes]), kind == "sigmoid", layers)
