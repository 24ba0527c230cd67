"""Checks of the data and the template before a training starts."""

from __future__ import annotations

from typing import Any

from keras_textcls.data.reading import read
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.labels import LabelSet
from keras_textcls.training.templates import Template, TransferLearning

_FEWEST_TEXTS = 2
_SHOWN = 5


def as_dataset(data: Any, name: str) -> TextDataset:
    """Return the data as a dataset.

    Args:
        data: `TextDataset`, or anything that `keras_textcls.read` takes.
        name: string, name of the argument in error messages.

    Returns:
        A `TextDataset`.

    Raises:
        InvalidDataError: the data have no labels, or a text has no label.
    """
    dataset = data if isinstance(data, TextDataset) else read(data)
    if dataset.labels is None:
        raise InvalidDataError(
            f"`{name}` has no labels. Say which column holds them: "
            "train(keras_textcls.read(source, label=...))."
        )
    unlabelled = dataset.stats().unlabelled
    if unlabelled:
        raise InvalidDataError(
            f"`{name}` has {unlabelled:,} texts without a label. Leave them out with "
            "dataset.filter(lambda row: row.label is not None)."
        )
    return dataset


def check_labels(
    dataset: TextDataset,
    template: Template,
    continued: LabelSet | None = None,
    multi_label: bool | None = None,
) -> LabelSet:
    """Check that a model can be trained on the labels of a dataset.

    Args:
        dataset: `TextDataset`.
        template: `Template`.
        continued: `LabelSet` of the model whose training continues, or `None`
            for a new model. Defaults to `None`.
        multi_label: bool, whether the model is multi-label. Defaults to `None`,
            determined from the dataset and the template.

    Returns:
        The `LabelSet` of the model.

    Raises:
        InvalidDataError: there is only one label, or a label has fewer than two
            texts.
        UnknownLabelError: a label of the dataset is missing in the model whose
            training continues, or a label of `select_labels` is unknown.
        ArgumentError: a parameter of the template does not fit the labels.
    """
    labels = dataset.labels
    assert labels is not None
    if multi_label is None:
        multi_label = is_multi_label(dataset, template)
    if continued is None and len(labels) < 2 and not multi_label:
        raise InvalidDataError(
            f"The dataset has one label only, {labels[0]!r}; there is nothing to learn. Add texts "
            "of another label, or with multi_label=True texts without a label."
        )
    if continued is None and len(labels) == 1 and not _has_negatives(dataset, template):
        raise InvalidDataError(
            f"Every text has the label {labels[0]!r}, the only one; there is nothing to learn. Add "
            "texts without it."
        )
    if continued is not None:
        continued.encode(labels, "dataset.labels")
    else:
        _check_counts(dataset)
    if multi_label and template.class_weight is not None:
        raise ArgumentError(
            f"`class_weight={template.class_weight!r}` is for one label a text; the "
            f"{'dataset' if continued is None else 'model'} is multi-label. Leave it out."
        )
    if template.select_labels is not None:
        (continued or labels).encode(template.select_labels, "select_labels")
    return continued or labels


def is_multi_label(dataset: TextDataset, template: Template) -> bool:
    """Return whether a text may have any number of labels.

    Args:
        dataset: `TextDataset`.
        template: `Template`; its parameter `multi_label` has priority.

    Returns:
        A bool.

    Raises:
        ArgumentError: `multi_label` of the template is false, and texts have
            several labels or none.
    """
    if template.multi_label is False and dataset.multi_label:
        raise ArgumentError(
            "`multi_label=False` of the template does not hold: the dataset has texts with several "
            "labels or none."
        )
    return dataset.multi_label if template.multi_label is None else template.multi_label


def _has_negatives(dataset: TextDataset, template: Template) -> bool:
    """Whether a text does not have the only label, or neutral sentences are used instead."""
    if isinstance(template, TransferLearning) and template.enrich != "disabled":
        return True
    statistics = dataset.stats()
    return statistics.without_label > 0 or sum(statistics.negatives.values()) > 0


def _check_counts(dataset: TextDataset) -> None:
    counts = dataset.stats().labels
    few = {name: count for name, count in counts.items() if count < _FEWEST_TEXTS}
    if few:
        shown = ", ".join(f"{n!r} ({c})" for n, c in list(few.items())[:_SHOWN])
        more = f" and {len(few) - _SHOWN} more" if len(few) > _SHOWN else ""
        raise InvalidDataError(
            f"A label needs at least {_FEWEST_TEXTS} texts. With fewer: {shown}{more}. Add "
            "texts, merge labels with dataset.relabel({...}), or leave them out with "
            "dataset.filter(...)."
        )


def describe(dataset: TextDataset) -> dict[str, Any]:
    """Return the description of a dataset in `run.json`.

    Args:
        dataset: `TextDataset`.

    Returns:
        A dict.
    """
    return {
        "fingerprint": dataset.fingerprint,
        "rows": len(dataset),
        "labels": list(dataset.labels or ()),
        "multi_label": dataset.multi_label,
    }


def leakage(dataset: TextDataset, validation: TextDataset) -> str | None:
    """Return a warning if validation texts are in the training data.

    Args:
        dataset: `TextDataset`, to train on.
        validation: `TextDataset`.

    Returns:
        A warning, or `None`.
    """
    shared = len(validation.shared_with(dataset))
    if not shared:
        return None
    return (
        f"{shared:,} of {len(validation):,} validation texts are in the training data too: metrics "
        "on them say nothing about new texts."
    )


def hold_out(dataset: TextDataset, template: Any) -> tuple[TextDataset, TextDataset | None]:
    """Split off the validation texts, which determine the best epoch.

    Args:
        dataset: `TextDataset`.
        template: `GradientTraining`.

    Returns:
        A tuple of the `TextDataset` to train on and the `TextDataset` to validate
        on, or `None` if there are too few texts.

    Raises:
        InvalidDataError: a label has a single text.
        ArgumentError: a label would have no text to train on.
    """
    share = template.validation_share
    if not share:
        return dataset, None
    try:
        parts = dataset.split(1 - share, share, 0, seed=template.seed)
    except InvalidDataError as error:
        alone = [name for name, count in dataset.stats().labels.items() if count == 1]
        if not alone:
            raise
        raise InvalidDataError(
            f"A stratified share of the texts is held out, which takes two texts of each label. "
            f"With one only: {shorten(alone)}. Add texts, pass `validation_data`, "
            "or set validation_share=0 in the template."
        ) from error
    if parts.validation is None or not len(parts.validation):
        return dataset, None
    gone = [name for name, count in parts.train.stats().labels.items() if not count]
    if gone:
        raise ArgumentError(
            f"`validation_share={share:g}` leaves no text to train on for "
            f"{shorten(gone)}. Take a smaller share, or pass `validation_data`."
        )
    return parts.train, parts.validation


def check_validation(dataset: TextDataset, validation: TextDataset, labels: LabelSet,
                     multi_label: bool) -> None:  # fmt: skip
    """Check that validation data are of the same kind as the training data.

    Args:
        dataset: `TextDataset`, to train on.
        validation: `TextDataset`.
        labels: `LabelSet` of the model.
        multi_label: bool, of the model.

    Raises:
        InvalidDataError: only one of the two datasets has text pairs, or the
            validation data are multi-label and the model is not.
        UnknownLabelError: the validation data have a label that the model does
            not have.
    """
    labels.encode(validation.labels or (), "validation_data.labels")
    check_pairs(dataset, validation, "validation_data")
    if validation.multi_label and not multi_label:
        raise InvalidDataError(
            "`validation_data` has several labels a text, or none; the dataset has one each. Pass "
            "multi_label=True in the template, or other validation data."
        )


def check_pairs(dataset: TextDataset, other: TextDataset, name: str) -> None:
    """Check that both datasets have text pairs, or neither has.

    Args:
        dataset: `TextDataset`.
        other: `TextDataset`.
        name: string, name of `other` in error messages.

    Raises:
        InvalidDataError: they differ.
    """
    if (dataset.text_pairs is None) != (other.text_pairs is None):
        raise InvalidDataError(
            f"The dataset has {'single texts' if dataset.text_pairs is None else 'text pairs'}, "
            f"`{name}` has not. Pass data of the same kind."
        )


def parts_of(
    dataset: TextDataset, validation: TextDataset | None
) -> tuple[TextDataset, TextDataset | None, tuple[str, ...]]:
    """Return the training and validation parts of a dataset; other parts are not used.

    Args:
        dataset: `TextDataset`; it may have a column `split`.
        validation: `TextDataset` that was passed as validation data, or `None`.

    Returns:
        A tuple of the `TextDataset` to train on, the `TextDataset` to validate on or
        `None`, and a tuple of strings, notes on the other parts for the log.

    Raises:
        ArgumentError: there are several parts and none of them is `train`.
        InvalidDataError: texts belong to no part.
    """
    parts = dataset.splits
    if len(parts) < 2:
        return dataset, validation, ()
    nowhere = len(dataset) - sum(map(len, parts.values()))
    if nowhere:
        raise InvalidDataError(
            f"`dataset` has the parts {', '.join(map(repr, parts))}, and {nowhere:,} texts of "
            "none. Fill their `split` in, or pass the part to train on: dataset.splits['train']."
        )
    if "train" not in parts:
        raise ArgumentError(
            f"`dataset` has the parts {', '.join(map(repr, parts))}, none of which is 'train'. "
            "Pass the one to train on: dataset.splits[name]."
        )
    used = ("train",) if validation is not None else ("train", "validation")
    notes = tuple(
        f"Part {name!r} of the dataset, {len(part):,} texts: not trained on."
        for name, part in parts.items()
        if name not in used
    )
    held = parts.get("validation") if validation is None else validation
    return parts["train"], held, notes
