"""Loading and saving presets of causal language models."""

from __future__ import annotations

from typing import Any, Protocol

import keras
import keras_hub

from keras_textcls.catalogue import subclasses
from keras_textcls.errors import (
    ArgumentError,
    InvalidDataError,
    PresetError,
    did_you_mean,
    shorten,
)
from keras_textcls.keras_compat.presets import TASK_FILE, TASK_WEIGHTS_FILE
from keras_textcls.labels import LabelSet
from keras_textcls.models import GPTNeoCausalLM
from keras_textcls.models.gpt_neo.convert_gpt_neo import checkpoint_loader
from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.saving import classifier_presets
from keras_textcls.saving.backbones import check_size, load_backbone
from keras_textcls.saving.preprocessors import check_preprocessor
from keras_textcls.saving.preset_checks import loading
from keras_textcls.saving.preset_files import ClassifierRecord, PresetFiles
from keras_textcls.saving.saved_model import SavedModel, answers_in_labels
from keras_textcls.text_to_text.answers import read_answer_texts
from keras_textcls.text_to_text.few_shot import read_examples
from keras_textcls.text_to_text.prompt_template import PromptTemplate
from keras_textcls.utils.paths import read_path

# What `classifier.json` may say of how a language model is asked.
ASKED = (
    "prompt", "answers", "examples", "embedding_preset", "num_examples", "length_normalized",
    "content_free",
)  # fmt: skip


class SavedLanguageModel(SavedModel, Protocol):
    """A `TextToText`.

    Attributes:
        causal_lm: `keras_hub.models.CausalLM`.
    """

    causal_lm: Any


def load_causal_lm(files: PresetFiles, load_weights: bool, dtype: Any = None) -> Any:
    """Load the causal language model of a preset.

    Args:
        files: `PresetFiles`.
        load_weights: bool.
        dtype: dtype policy, or `None`. Defaults to `None`.

    Returns:
        A `keras_hub.models.CausalLM`.

    Raises:
        PresetError: it holds none, or a broken one.
    """
    _check_kind(files)
    arguments = {} if dtype is None else {"dtype": dtype}
    with loading("language model", files.preset):
        if not files.is_keras:
            is_gpt_neo = checkpoint_loader(files.preset) is not None
            cls = GPTNeoCausalLM if is_gpt_neo else keras_hub.models.CausalLM
            base = GPTNeoBackbone if is_gpt_neo else keras_hub.models.Backbone
            if load_weights:
                check_size(
                    files, lambda: base.from_preset(files.preset, load_weights=False, **arguments)
                )
            return cls.from_preset(files.preset, load_weights=load_weights, **arguments)
        backbone = load_backbone(files, load_weights, dtype)
        task = files.json(TASK_FILE)
        model = keras_hub.models.CausalLM.from_preset(
            files.preset, load_weights=False, backbone=backbone
        )
        if load_weights and task is not None and files.weights(TASK_WEIGHTS_FILE) is not None:
            model.load_task_weights(files.path(TASK_WEIGHTS_FILE))
        check_preprocessor(model.preprocessor, backbone, files)
        return model


def _check_kind(files: PresetFiles) -> None:
    """Refuse a preset without a causal language model, with the task that fits it."""
    if not files.is_keras:
        kinds = files.config.get("architectures") or []
        if any("Classification" in str(kind) or "MaskedLM" in str(kind) for kind in kinds):
            raise PresetError(
                f"The preset {files.preset!r} holds {kinds[0]}, which is no causal language model. "
                "TextClassifier.from_preset loads it."
            )
        return
    name = files.config["registered_name"]
    backbone = keras.saving.get_registered_object(str(name))
    known = [
        task
        for task in subclasses(keras_hub.models.CausalLM)
        if backbone is not None and task.backbone_cls is backbone
    ]
    if not known:
        raise PresetError(
            f"The preset {files.preset!r} holds {name}, which is no causal language model. "
            "TextClassifier.from_preset(preset, labels=[...]) puts a head on it."
        )


def load_text_to_text(
    cls: Any, files: PresetFiles, load_weights: bool, dtype: Any = None, **kwargs: Any
) -> Any:
    """Load a `TextToText` or a `TextToTextClassifier`; see their `from_preset`.

    Args:
        cls: the class.
        files: `PresetFiles`.
        load_weights: bool.
        dtype: dtype policy, or `None`. Defaults to `None`.
        **kwargs: arguments of the constructor.

    Returns:
        A model of the class.
    """
    record = files.record() if hasattr(cls, "classify") else None
    asks = record is not None and record.text_to_text is not None
    given = set(kwargs)
    if record is not None and asks:
        fresh = kwargs.get("labels") is not None
        kwargs = {**cls.recorded_arguments(record, fresh=fresh), **kwargs}
    elif record is not None and "labels" not in kwargs:
        raise PresetError(
            f"The preset {files.preset!r} holds a classifier with a head, which TextClassifier."
            "from_preset loads. Pass labels=[...] to ask its language model instead."
        )
    if hasattr(cls, "classify") and kwargs.get("labels") is None:
        raise ArgumentError(
            f"The preset {files.preset!r} names no labels. Pass labels=[...], the answers to "
            "choose from."
        )
    causal_lm = load_causal_lm(files, load_weights, dtype)
    try:
        model = cls(causal_lm, **kwargs)
    except (ArgumentError, InvalidDataError, PresetError) as error:
        if not asks or given:
            raise
        raise _broken_record(error, files) from error
    # With labels of the caller it is asked otherwise, so its calibration would not hold.
    if record is not None and "labels" not in given:
        classifier_presets.restore_record(model, record, given)
    return model


def kept_prompt(files: PresetFiles) -> PromptTemplate:
    """Return the prompt that a preset keeps, or the default.

    Args:
        files: `PresetFiles`.

    Returns:
        A `PromptTemplate`.

    Raises:
        PresetError: what it keeps is broken.
    """
    record = files.record()
    if record is None or record.text_to_text is None:
        return PromptTemplate()
    check_asking(record)
    return PromptTemplate.read(record.text_to_text.get("prompt"))


def check_asking(record: ClassifierRecord) -> None:
    """Refuse what `classifier.json` cannot say of how a language model is asked.

    Args:
        record: `ClassifierRecord`.

    Raises:
        PresetError: it has an unknown entry, or one of a wrong type.
    """
    asking = record.text_to_text or {}
    kinds = {
        "embedding_preset": (str, type(None)),
        "num_examples": (int,),
        "length_normalized": (bool,),
        "content_free": (str, type(None)),
    }
    try:
        for name, value in asking.items():
            if name not in ASKED:
                raise ArgumentError(f"an unknown entry {shorten(name)}.{did_you_mean(name, ASKED)}")
            if name in kinds and type(value) not in kinds[name]:
                raise ArgumentError(f"{name} cannot be {shorten(value)}.")
        labels = LabelSet(record.labels)
        PromptTemplate.read(asking.get("prompt"))
        read_answer_texts(asking.get("answers"), labels)
        read_examples(asking.get("examples"), labels)
    except (ArgumentError, InvalidDataError) as error:
        raise _broken_record(error) from error


def _broken_record(error: Exception, files: PresetFiles | None = None) -> PresetError:
    where = "" if files is None else f" of the preset {files.preset!r}"
    return PresetError(f"`text_to_text` in classifier.json{where} is broken: {error}")


def save_text_to_text(
    model: SavedLanguageModel, preset_dir: Any, max_shard_size: float | None
) -> None:
    """Save a language model with what it answers; see `TextToText.save_to_preset`.

    Args:
        model: a `TextToText`.
        preset_dir: string or path.
        max_shard_size: int, float or `None`, in GB.
    """
    target = read_path(preset_dir, "preset_dir")
    task = model.causal_lm
    portable = type(task).__module__.startswith("keras_hub.")
    with (
        classifier_presets.replacing_preset(target) as draft,
        classifier_presets.with_new_optimizer(task),
    ):
        keras_hub.models.Task.save_to_preset(task, str(draft), max_shard_size=max_shard_size)
        if answers_in_labels(model):
            classifier_presets.write_names(model, target, draft, portable=portable)
