"""What a preset says of the head of its classifier, in `task.json` and `classifier.json`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import keras
import keras_hub

from keras_textcls.errors import PresetError
from keras_textcls.keras_compat.presets import TASK_FILE
from keras_textcls.saving.preset_checks import damage
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.saving.saved_model import Classifier
from keras_textcls.saving.weight_files import StoredArray
from keras_textcls.utils.records import Bounds


@dataclasses.dataclass(frozen=True)
class _SavedTask:
    """What `task.json` must hold."""

    registered_name: str
    config: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _SavedHead:
    """Arguments of the constructor in `config` of `task.json`, of a classifier."""

    num_classes: Annotated[int, Bounds(low=1)]
    labels: list[str] | None = None
    activation: str | dict[str, Any] | None = None
    hidden_dim: Annotated[int, Bounds(low=1)] | None = None
    dropout: Annotated[float, Bounds(low=0, below=1)] = 0.0
    pooling: str = "auto"
    multi_label: bool = False
    normalize: bool = False


def _read_task(files: PresetFiles) -> dict[str, Any] | None:
    """The contents of `task.json`, with the head checked if it is that of a classifier."""
    task = files.json(TASK_FILE) if files.is_keras else None
    if task is None:
        return None
    file = files.describe(TASK_FILE)
    file.read(_SavedTask, {"schema_version": 1, **task})
    if _is_classifier(task):
        names = {field.name for field in dataclasses.fields(_SavedHead)}
        head = {name: value for name, value in task["config"].items() if name in names}
        file.read(_SavedHead, head, "config.")
    return task


def _is_classifier(task: dict[str, Any]) -> bool:
    registered = keras.saving.get_registered_object(task["registered_name"])
    return isinstance(registered, type) and issubclass(registered, keras_hub.models.TextClassifier)


def read_saved_head(files: PresetFiles, fresh: bool) -> dict[str, Any]:
    """Read the arguments of the constructor that a preset holds.

    Args:
        files: `PresetFiles`.
        fresh: bool, whether the head is to be a new one: its classes are left out.

    Returns:
        A dict.

    Raises:
        PresetError: `task.json` or `classifier.json` is broken.
    """
    saved: dict[str, Any] = {}
    task = _read_task(files)
    config = task["config"] if task else {}
    if task and _is_classifier(task):
        names = [field.name for field in dataclasses.fields(_SavedHead)]
        saved = {name: config[name] for name in names if name in config}
        saved["labels"] = config.get("labels")
    elif task and "pooling_mode" in config:
        saved["pooling"] = config["pooling_mode"]
    elif not files.is_keras:
        saved.update(sentence_pooling(files))
    record = files.record()
    if record is not None and "num_classes" in saved:
        if len(record.labels) != saved["num_classes"]:
            raise PresetError(
                f"classifier.json of the preset {files.preset!r} names {len(record.labels)} "
                f"labels, but the head in task.json has {saved['num_classes']} outputs."
            )
        saved["labels"], saved["multi_label"] = record.labels, record.multi_label
    if fresh:
        for name in ("num_classes", "labels", "multi_label"):
            saved.pop(name, None)
    return saved


def check_head_size(saved: dict[str, Any], arrays: list[StoredArray], files: PresetFiles) -> None:
    """Compare the sizes in `task.json` with the weights of the head, before they are allocated.

    Args:
        saved: dict that `read_saved_head` returned.
        arrays: list of `StoredArray`, the weights of the head.
        files: `PresetFiles`.

    Raises:
        PresetError: they do not fit.
    """
    sizes = {size for array in arrays for size in array.shape}
    for name in ("num_classes", "hidden_dim"):
        size = saved.get(name)
        if isinstance(size, int) and size not in sizes:
            raise PresetError(
                f"task.weights.h5 of the preset {files.preset!r} does not fit its head: no array "
                f"in it has {name}={size:,} of task.json. Save or copy the whole preset again."
            )


def sentence_pooling(files: PresetFiles) -> dict[str, str]:
    """Read the pooling of a sentence-transformers folder.

    Args:
        files: `PresetFiles`.

    Returns:
        A dict with the argument `pooling`, empty if there is none.
    """
    if files.path("modules.json") is None:
        return {}
    config = files.json("1_Pooling/config.json") or {}
    modes = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max", "lasttoken": "last"}
    for mode, pooling in modes.items():
        if config.get(f"pooling_mode_{mode}"):
            return {"pooling": pooling}
    return {}


def make_model(
    cls: type[Classifier], saved: dict[str, Any], given: dict[str, Any], files: PresetFiles
) -> Classifier:
    """Call a constructor, whose errors are the preset's unless the caller gave arguments too.

    Args:
        cls: the class.
        saved: dict of arguments that the preset holds.
        given: dict of arguments of the caller, which replace those.
        files: `PresetFiles`.

    Returns:
        An instance of the class.

    Raises:
        PresetError: the preset holds what the class does not take.
    """
    try:
        return cls(**{**saved, **given})
    except damage() as error:
        if given or isinstance(error, PresetError):
            raise
        raise PresetError(
            f"The preset {files.preset!r} does not make a {cls.__name__}: {error}"
        ) from error
