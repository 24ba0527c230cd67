"""Makes the model of a training: a preset with a new head, or an earlier version."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import keras

from keras_textcls.catalogue import DEFAULT_PRESET
from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.saving.preset_files import PresetFiles, place_of
from keras_textcls.saving.weight_fingerprint import weight_fingerprint
from keras_textcls.text_to_text.loading import kept_prompt
from keras_textcls.text_to_text.text_to_text_classifier import Classifier, TextToTextClassifier
from keras_textcls.training.preparation import check_labels, check_pairs, is_multi_label
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.templates import Template, TextToTextLora, TransferLearning

# Sequence length after training on chunks, where the preset's may be that of short chunks.
_WHOLE = 512


@dataclasses.dataclass
class ModelSource:
    """Makes the classifier to train; it is equal every time.

    Args:
        preset: string.
        labels: `LabelSet`.
        multi_label: bool.
        template: `Template`.
        keeps_head: bool, whether the head of the preset is trained further.
            Defaults to `False`.
        after_chunks: bool, whether that head was trained on long texts in
            chunks. Defaults to `False`.
    """

    preset: str
    labels: LabelSet
    multi_label: bool
    template: Template
    keeps_head: bool = False
    after_chunks: bool = False
    # The first classifier is made before the run is created, to check the preset.
    first: Classifier | None = None

    def fingerprint(self) -> str:
        """Return the hash of the weights that training starts from."""
        self.first = self()
        return weight_fingerprint(self.first if self.keeps_head else self.first.backbone)

    def __call__(self) -> Classifier:
        """Return the classifier."""
        if self.first is not None:
            classifier, self.first = self.first, None
            return classifier
        keras.utils.set_random_seed(self.template.seed)
        precision = getattr(self.template, "mixed_precision", None)
        arguments: dict[str, Any] = {"dtype": f"mixed_{precision}"} if precision else {}
        classifier = self._load(arguments)
        if classifier.lora is not None:
            if getattr(self.template, "save", "") == "adapter":
                raise ArgumentError(
                    f"The preset {self.preset!r} holds adapters alone, so adapters on it cannot be "
                    'saved alone. Use save="merged".'
                )
            # From here on, the adapters are part of the backbone.
            classifier.merge_lora()
            classifier.lora.remove()
        if isinstance(classifier, TextClassifier):
            self._set_length(classifier)
        return classifier

    def _set_length(self, classifier: TextClassifier) -> None:
        wanted = self.template.sequence_length
        positions = getattr(classifier.backbone, "max_sequence_length", None)
        if wanted is not None and positions is not None and wanted > positions:
            raise ArgumentError(
                f"`sequence_length` of the template must be at most {positions}, the positions of "
                f"the backbone of {self.preset!r}. Received: sequence_length={wanted}."
            )
        if wanted is None and self.after_chunks and classifier.long_texts == "chunk":
            # Its length may be that of short chunks, and training reads only the first chunk.
            wanted = min(_WHOLE, positions or _WHOLE)
        if wanted is not None:
            classifier.sequence_length = wanted

    def _load(self, arguments: dict[str, Any]) -> Classifier:
        if not isinstance(self.template, TextToTextLora):
            if not self.keeps_head:
                arguments |= {"labels": self.labels, "multi_label": self.multi_label}
            return TextClassifier.from_preset(self.preset, **arguments)
        if not self.keeps_head:
            arguments["labels"] = self.labels
        wanted = {"instruction": self.template.instruction, "turn": self.template.turn}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if wanted:
            arguments["prompt"] = {**kept_prompt(PresetFiles(self.preset)).to_dict(), **wanted}
        arguments["sequence_length"] = self.template.sequence_length
        return TextToTextClassifier.from_preset(self.preset, content_free=None, **arguments)


def model_source(
    data: TextDataset, preset: Any, chosen: Template, earlier: RunDirectory | None
) -> tuple[ModelSource, TextDataset]:
    """Return the `ModelSource` of a training, and the texts to train on.

    Args:
        data: `TextDataset`.
        preset: string or path, or `None` for the bundled encoder.
        chosen: `Template`.
        earlier: `RunDirectory` of the version whose training continues, or `None`.

    Returns:
        A tuple of a `ModelSource` and a `TextDataset`.

    Raises:
        InvalidDataError: a model cannot be trained on the labels.
        ArgumentError: the template, the preset and the data do not fit together.
    """
    if isinstance(chosen, TextToTextLora):
        _check_text_to_text(data, preset, chosen, earlier)
    _check_kind(chosen, earlier)
    if earlier is None:
        start = _place_of(DEFAULT_PRESET if preset is None else preset)
    else:
        start = str(earlier.preset)
    if isinstance(chosen, TransferLearning) and chosen.piece_length and data.text_pairs is not None:
        raise ArgumentError(
            "`piece_length` of the template is for single texts: text pairs are not split into "
            "chunks. Leave it out."
        )
    if earlier is None or isinstance(chosen, TransferLearning):
        if earlier is not None:
            check_pairs(data, earlier.dataset(), "resume_from")
            # The head is solved on all texts; of duplicates, the new text counts.
            data = data.concat(earlier.dataset()).without_duplicates()
        labels = check_labels(data, chosen)
        return ModelSource(start, labels, is_multi_label(data, chosen), chosen), data
    continued = earlier.load()
    if chosen.multi_label is False and continued.multi_label:
        raise ArgumentError(
            f"`multi_label=False` of the template does not hold: {earlier!r} is multi-label. Leave "
            "it out, or train a new version without `resume_from`."
        )
    if is_multi_label(data, chosen) and not continued.multi_label:
        raise ArgumentError(
            f"{earlier!r} answers one label a text, but the dataset is multi-label. Train a new "
            "version without `resume_from`."
        )
    labels = check_labels(data, chosen, continued.labels, continued.multi_label)
    in_chunks = earlier.record.template == TransferLearning.name
    return ModelSource(start, labels, continued.multi_label, chosen, True, in_chunks), data


def _check_kind(chosen: Template, earlier: RunDirectory | None) -> None:
    """Refuse a template for language models with a classifier that has a head, and vice versa."""
    if earlier is None:
        return
    asks = earlier.record.template == TextToTextLora.name
    if asks != isinstance(chosen, TextToTextLora):
        kind = "TextToTextClassifier" if asks else "TextClassifier"
        raise ArgumentError(
            f"{earlier!r} is a {kind}, which the template {chosen.name!r} cannot train further. "
            "Pass a template of its kind, or a preset in place of `resume_from`."
        )


def _check_text_to_text(
    data: TextDataset, preset: Any, chosen: Template, earlier: RunDirectory | None
) -> None:
    if preset is None and earlier is None:
        raise ArgumentError(
            f"The template {chosen.name!r} needs a preset of a causal language model, and none "
            'comes with the package. Pass preset="gpt_neo_125m_en", or a directory.'
        )
    if is_multi_label(data, chosen):
        raise ArgumentError(
            f"The template {chosen.name!r} answers one label a text, but the dataset is "
            "multi-label. Take fine_tuning, lora or transfer_learning."
        )
    if data.text_pairs is not None:
        raise ArgumentError(
            f"The template {chosen.name!r} has no place for text pairs. Join the two texts into "
            "one column."
        )


def _place_of(preset: Any) -> str:
    """The name or the absolute path of the preset."""
    if not isinstance(preset, (str, os.PathLike)) or not os.fspath(preset):
        raise ArgumentError(
            f"`preset` must be a name or a path. Received: preset={shorten(preset)}."
        )
    return place_of(preset)
