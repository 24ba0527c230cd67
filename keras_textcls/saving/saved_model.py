"""Interfaces of the models that are saved and loaded.

The packages of `TextClassifier` and `TextToText` import this one, so these protocols
describe the attributes and methods that saving and loading use.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, TypeGuard, TypeVar

import keras

from keras_textcls.adapters.lora import Lora
from keras_textcls.labels import LabelSet
from keras_textcls.models.heads import HeadSpec
from keras_textcls.predictions.calibration import VectorScaling
from keras_textcls.saving.preset_files import ClassifierRecord, PresetFiles


@dataclasses.dataclass(frozen=True)
class BasePreset:
    """The preset from which the backbone of a model was loaded.

    Args:
        preset: string, as it was given to `from_preset`; of a directory, the absolute path.
        sample: string, a hash of a few numbers of each weight, which shows
            cheaply whether they were trained since.
    """

    preset: str
    sample: str


class SavedModel(Protocol):
    """A model that presets are made of: a `TextClassifier` or a `TextToText`.

    Attributes:
        backbone: `keras_hub.models.Backbone`.
        preprocessor: `keras_hub.models.Preprocessor` or `None`.
        sequence_length: int, longest sequence in tokens, or `None`. Settable.
        lora: `Lora`, the adapters, or `None`. Settable.
        base_preset: `BasePreset` that the backbone was loaded from, or `None`.
            Settable.
    """

    backbone: Any
    preprocessor: Any
    sequence_length: Any
    lora: Lora | None
    base_preset: BasePreset | None

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    @classmethod
    def load_whole(cls, files: PresetFiles, load_weights: bool, **kwargs: Any) -> Any:
        """Load a preset that is more than adapters.

        Args:
            files: `PresetFiles`.
            load_weights: bool.
            **kwargs: arguments of the constructor, and `dtype`.

        Returns:
            A model of this class.
        """

    @classmethod
    def recorded_arguments(
        cls, record: ClassifierRecord, sequence_length: int | None = None, fresh: bool = False
    ) -> dict[str, Any]:
        """Return the arguments of the constructor that `classifier.json` holds.

        Args:
            record: `ClassifierRecord`.
            sequence_length: int, that adapters were trained with. Defaults to
                `None`.
            fresh: bool, whether the caller has labels of their own. Defaults to
                `False`.

        Returns:
            A dict.
        """

    def save_whole(self, preset_dir: Any, max_shard_size: float | None) -> None:
        """Save all weights; adapters are merged already.

        Args:
            preset_dir: string or path.
            max_shard_size: int, float or `None`, in GB.
        """

    def head_arguments(self) -> dict[str, Any]:
        """Return what a preset of adapters keeps of the head, beside its weights.

        Returns:
            A dict of arguments of the constructor.
        """


class SavedAnswers(SavedModel, Protocol):
    """A model that answers in label names.

    Attributes:
        labels: `LabelSet`.
        num_classes: int.
        multi_label: bool.
        temperature: float.
        vector_scaling: `VectorScaling` or `None`.
        training_summary: dict or `None`.
    """

    labels: LabelSet
    num_classes: int
    multi_label: bool
    temperature: float
    vector_scaling: VectorScaling | None
    training_summary: dict[str, Any] | None

    def to_record(self) -> ClassifierRecord:
        """Return what `classifier.json` holds of this model."""

    def restore_record(self, record: ClassifierRecord) -> None:
        """Restore what `classifier.json` holds beside the labels.

        Args:
            record: `ClassifierRecord`.
        """


class SavedClassifier(SavedAnswers, Protocol):
    """A classifier with a head: a `TextClassifier`.

    Attributes:
        name: string.
        head: `HeadSpec`.
        pooling, hidden_dim, activation, dropout, normalize: as for the
            constructor.
        output_dense: `keras.layers.Dense` that gives the scores.
    """

    name: str
    head: HeadSpec
    pooling: str
    hidden_dim: int | None
    activation: Any
    dropout: float
    normalize: bool
    output_dense: keras.layers.Dense


Model = TypeVar("Model", bound=SavedModel)
Classifier = TypeVar("Classifier", bound=SavedClassifier)


def answers_in_labels(model: Any) -> TypeGuard[SavedAnswers]:
    """Return whether a model answers in label names, which `classifier.json` keeps.

    Args:
        model: a `TextClassifier` or a `TextToText`.

    Returns:
        A bool.
    """
    return hasattr(model, "labels")
