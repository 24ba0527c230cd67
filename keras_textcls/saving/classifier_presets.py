"""Loading and saving classifiers, and converting them from and to Keras Hub's own.

A classifier whose head Keras Hub has is saved as Keras Hub's class, so that a
project without keras-textcls loads it; `preset_files` guards what is read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import keras_hub

from keras_textcls.errors import ArgumentError, PresetError, shorten
from keras_textcls.keras_compat.presets import (
    PREPROCESSOR_FILE,
    TASK_WEIGHTS_FILE,
    load_preprocessor,
)
from keras_textcls.models.heads import DEFAULT_LEARNING_RATE, backbone_inputs, subclass_for
from keras_textcls.saving import huggingface
from keras_textcls.saving.backbones import load_backbone
from keras_textcls.saving.file_hashes import record_hashes
from keras_textcls.saving.model_card import CARD_FILE, is_own_card, write_card
from keras_textcls.saving.preprocessors import check_preprocessor
from keras_textcls.saving.preset_checks import damage, loading
from keras_textcls.saving.preset_files import (
    ClassifierRecord,
    PresetFiles,
    is_own_file,
    write_record,
)
from keras_textcls.saving.saved_heads import (
    check_head_size,
    make_model,
    read_saved_head,
    sentence_pooling,
)
from keras_textcls.saving.saved_model import Classifier, SavedAnswers, SavedClassifier
from keras_textcls.saving.weight_files import StoredArray, check_left_over
from keras_textcls.tokenization.preprocessor import TextClassifierPreprocessor
from keras_textcls.utils.atomic import replace_directory
from keras_textcls.utils.paths import read_path

# Layers of a head that have weights, where it has them.
WEIGHTED_LAYERS = ("pooled_dense", "output_dense")
# Of scikit-learn, as SetFit and older versions of model2vec write them.
_PICKLES = (".pkl", ".pickle", ".joblib", ".skops")
_HEAD_ARGUMENTS = ("num_classes", "activation", "dropout", "hidden_dim")


def load_classifier(
    cls: type[Classifier], files: PresetFiles, load_weights: bool, **kwargs: Any
) -> Classifier:
    """Load a classifier; see `TextClassifier.from_preset`.

    Args:
        cls: `TextClassifier`.
        files: `PresetFiles`.
        load_weights: bool.
        **kwargs: arguments of the constructor, and `dtype`.

    Returns:
        A `TextClassifier`.
    """
    fresh = kwargs.get("num_classes") is not None or kwargs.get("labels") is not None
    _tell_unread_head(files)
    static = huggingface.find_static(files)
    if static is not None:
        return huggingface.load_static(cls, files, static, load_weights, **kwargs)
    if huggingface.handles(files, fresh):
        defaults = sentence_pooling(files)
        return huggingface.load_checkpoint(cls, files, load_weights, defaults, **kwargs)
    saved = read_saved_head(files, fresh)
    if not fresh and "num_classes" not in saved:
        record = files.record()
        if record is not None and record.text_to_text is not None:
            raise PresetError(
                f"The preset {files.preset!r} holds a language model that is asked for its labels. "
                "TextToTextClassifier.from_preset loads it; labels=[...] gives its backbone a head."
            )
        raise ArgumentError(
            f"The preset {files.preset!r} holds no classification head. Pass labels=[...] or "
            "num_classes=... to give it a new one."
        )
    weights = None
    if load_weights and not fresh:
        weights = files.weights(TASK_WEIGHTS_FILE)
        if weights is None:
            raise ArgumentError(
                f"The preset {files.preset!r} has a head without weights (no task.weights.h5). "
                "Pass labels=[...] or num_classes=... for a new head, or load_weights=False."
            )
        check_head_size(saved, weights, files)
    dtype = kwargs.pop("dtype", None)
    own = {}
    if "backbone" not in kwargs:
        own["backbone"] = _load_backbone(files, load_weights, dtype)
    if "preprocessor" not in kwargs:
        backbone = kwargs.get("backbone", own.get("backbone"))
        own["preprocessor"] = _load_preprocessor(files, backbone)
    classifier = make_model(cls, {**saved, **own}, kwargs, files)
    if weights is not None:
        _load_head_weights(classifier, weights, files)
    record = files.record()
    if record is not None and not fresh:
        restore_record(classifier, record, kwargs)
    return classifier


def restore_record(model: SavedAnswers, record: ClassifierRecord, given: Iterable[str]) -> None:
    """Restore what `classifier.json` holds, except what the caller gave.

    Args:
        model: a model that answers in label names.
        record: `ClassifierRecord`.
        given: iterable of strings, arguments of the constructor.
    """
    own = model.to_record()
    names = {{"training_summary": "training"}.get(name, name) for name in given}
    fields = {field.name for field in dataclasses.fields(record)}
    model.restore_record(
        dataclasses.replace(record, **{name: getattr(own, name) for name in names & fields})
    )


def _tell_unread_head(files: PresetFiles) -> None:
    """Warn of a trained head that is a pickle: it is not read, as it can run code."""
    if files.is_keras or files.directory is None:
        return
    heads = sorted(
        p.name for p in files.directory.iterdir() if p.suffix in _PICKLES and p.is_file()
    )
    if heads:
        warnings.warn(
            f"The preset {files.preset!r} holds a trained head in {heads[0]}, which is not read: "
            "a pickle can run code. Its backbone is loaded without that head. Train a new one on "
            'it, for example with train(..., preset=..., template="transfer_learning").',
            stacklevel=2,
        )


def _load_backbone(files: PresetFiles, load_weights: bool, dtype: Any) -> keras.Model:
    backbone = load_backbone(files, load_weights, dtype)
    record = files.record()
    if record is not None and record.gelu is not None:
        huggingface.set_gelu(backbone, record.gelu)
    return backbone


def _load_preprocessor(files: PresetFiles, backbone: keras.Model) -> Any:
    base = keras_hub.models.TextClassifierPreprocessor
    config = files.json(PREPROCESSOR_FILE) if files.is_keras else None
    remedy = "Pass preprocessor=None to feed token ids yourself."
    with loading("tokenizer", files.preset, remedy):
        preprocessor = None
        if config is not None:
            saved = keras.saving.get_registered_object(config["registered_name"])
            if isinstance(saved, type) and issubclass(saved, base):
                preprocessor = load_preprocessor(files.preset, saved)
        native: Any = subclass_for(base, backbone)
        if preprocessor is None and native is not None:
            preprocessor = native.from_preset(files.preset)
        if preprocessor is None:
            tokenizer = keras_hub.models.Tokenizer.from_preset(files.preset)
            preprocessor = TextClassifierPreprocessor(tokenizer, features=backbone_inputs(backbone))
        check_preprocessor(preprocessor, backbone, files)
    return preprocessor


def _load_head_weights(
    classifier: SavedClassifier, arrays: list[StoredArray], files: PresetFiles
) -> None:
    is_native = classifier.head.keras_hub is not None
    task: Any = to_keras_hub(classifier) if is_native else classifier
    where = f"task.weights.h5 of the preset {files.preset!r}"
    try:
        with warnings.catch_warnings(record=True) as held:
            warnings.simplefilter("always")
            task.load_task_weights(files.path(TASK_WEIGHTS_FILE))
    except damage() as error:
        raise PresetError(f"{where} does not fit its head: {error!s:.600}") from error
    of_backbone = {id(variable) for variable in task.backbone.variables}
    check_left_over(arrays, (v for v in task.variables if id(v) not in of_backbone), where)
    for warning in held:
        if "variable loading for optimizer" in str(warning.message):
            continue  # The state of an earlier training, which is not taken up.
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if is_native:
        _copy_head_weights(task, classifier)


def from_keras_hub(
    cls: type[Classifier], task: keras_hub.models.TextClassifier, **kwargs: Any
) -> Classifier:
    """Convert a classifier of Keras Hub; see `TextClassifier.from_keras_hub`.

    Args:
        cls: `TextClassifier`.
        task: a `keras_hub.models.TextClassifier` instance.
        **kwargs: further arguments of the constructor.

    Returns:
        A `TextClassifier`.
    """
    if not isinstance(task, keras_hub.models.TextClassifier):
        raise ArgumentError(
            f"`task` must be a keras_hub.models.TextClassifier. Received: task={shorten(task)}."
        )
    config = {n: getattr(task, n) for n in _HEAD_ARGUMENTS if hasattr(task, n)}
    if "labels" in kwargs:
        config.pop("num_classes")
    arguments = {"backbone": task.backbone, "preprocessor": task.preprocessor, **config, **kwargs}
    classifier = cls(**arguments)
    _copy_head_weights(task, classifier)
    return classifier


def to_keras_hub(classifier: SavedClassifier) -> keras_hub.models.TextClassifier:
    """Return Keras Hub's own classifier; see `TextClassifier.to_keras_hub`.

    Args:
        classifier: a `TextClassifier`.

    Returns:
        A `keras_hub.models.TextClassifier`.
    """
    native = subclass_for(keras_hub.models.TextClassifier, classifier.backbone)
    if native is None or classifier.head.keras_hub is None:
        raise ArgumentError(
            f"Keras Hub has no classifier for {type(classifier.backbone).__name__} with "
            f"pooling={classifier.pooling!r} and hidden_dim={classifier.hidden_dim}. Its own heads "
            'come with pooling="auto" and hidden_dim="auto", for: ALBERT, BERT, DeBERTaV3, '
            "DistilBERT, ESM, FNet, RoBERTa, RoFormerV2 and XLM-RoBERTa."
        )
    arguments = {
        "backbone": classifier.backbone,
        "num_classes": classifier.num_classes,
        "preprocessor": classifier.preprocessor,
        "activation": classifier.activation,
        "dropout": classifier.dropout,
        "name": classifier.name,
    }
    if classifier.hidden_dim is not None:
        arguments["hidden_dim"] = classifier.hidden_dim
    task = native(**arguments)
    _copy_head_weights(classifier, task)
    return task


def _copy_head_weights(source: Any, target: Any) -> None:
    for name in WEIGHTED_LAYERS:
        layer = getattr(source, name, None)
        if layer is not None:
            getattr(target, name).set_weights(layer.get_weights())


def is_portable(classifier: SavedClassifier) -> bool:
    """Return whether a project without keras-textcls can load what is saved.

    Args:
        classifier: a `TextClassifier`.

    Returns:
        A bool: head and preprocessor are Keras Hub's own.
    """
    preprocessor = classifier.preprocessor
    return classifier.head.keras_hub is not None and (
        preprocessor is None or type(preprocessor).__module__.startswith("keras_hub.")
    )


@contextlib.contextmanager
def with_new_optimizer(task: Any) -> Iterator[None]:
    """Keep the optimizer's state, twice the size of the model, out of `task.weights.h5`.

    An optimizer there must be: Keras compares it with that of the task that it loads.

    Args:
        task: a Keras Hub task.

    Returns:
        A context manager.
    """
    optimizer = task.optimizer
    task.optimizer = keras.optimizers.Adam(DEFAULT_LEARNING_RATE)
    try:
        yield
    finally:
        task.optimizer = optimizer


def save_classifier(
    classifier: SavedClassifier, preset_dir: Any, max_shard_size: float | None
) -> None:
    """Save a classifier; see `TextClassifier.save_to_preset`.

    Args:
        classifier: a `TextClassifier`.
        preset_dir: string or path.
        max_shard_size: int, float or `None`, in GB.
    """
    target = read_path(preset_dir, "preset_dir")
    portable = is_portable(classifier)
    task = to_keras_hub(classifier) if portable else classifier
    hidden = contextlib.nullcontext() if portable else with_new_optimizer(task)
    with replacing_preset(target) as draft, hidden:
        keras_hub.models.Task.save_to_preset(task, str(draft), max_shard_size=max_shard_size)
        write_names(classifier, target, draft, portable=portable)


@contextlib.contextmanager
def replacing_preset(target: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes the preset `target` when the block ends well.

    Args:
        target: `Path`. Files there that are no part of a preset are kept.

    Returns:
        A context manager that yields the `Path` to write to.

    Raises:
        PresetError: the directory cannot be written.
    """

    def keep(name: str) -> bool:
        if name == CARD_FILE:
            return not is_own_card(target / name)
        return not is_own_file(name)

    try:
        with replace_directory(target, keep) as draft:
            yield draft
            record_hashes(draft)
    except OSError as error:
        raise PresetError(
            f"The preset cannot be written to {str(target)!r}: {error.strerror or error}. What "
            "stood there is as it was, and so is the model in memory: free space or choose another "
            "directory, and save again (a run goes on with `resume()`)."
        ) from error


def write_names(
    classifier: SavedAnswers,
    target: Path,
    draft: Path,
    *,
    portable: bool = False,
    base: str | None = None,
) -> None:
    """Write `classifier.json`, and the model card unless the user wrote one.

    Args:
        classifier: a model that answers in label names.
        target: `Path` of the preset that is replaced.
        draft: `Path` to write to.
        portable: bool, whether Keras Hub alone can load the preset.
        base: string, the preset whose adapters it holds, or `None`.
    """
    write_record(classifier.to_record(), draft)
    if not (target / CARD_FILE).exists() or is_own_card(target / CARD_FILE):
        write_card(classifier, portable, draft, base)
