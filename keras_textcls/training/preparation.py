"""What is wrong with a training can be said before it starts."""

from __future__ import annotations

from typing import Any

from keras_textcls.data.reading import read
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, InvalidDataError
from keras_textcls.labels import LabelSet
from keras_textcls.training.templates import Template

_FEWEST_TEXTS = 2
_SHOWN = 5


def as_dataset(data: Any, name: str) -> TextDataset:
    """Return what was given as a dataset.

    Args:
        data: `TextDataset`, or anything that `keras_textcls.read` takes.
        name: string, what error messages call it.

    Returns:
        A `TextDataset`.

    Raises:
        InvalidDataError: it has no labels, or a text without one.
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
    dataset: TextDataset, template: Template, continued: LabelSet | None = None
) -> LabelSet:
    """Check that a model can be trained on the labels of a dataset.

    Args:
        dataset: `TextDataset`.
        template: `Template`.
        continued: `LabelSet` of the model whose training continues, or `None`
            for a new one. Defaults to `None`.

    Returns:
        The `LabelSet` of the model.

    Raises:
        InvalidDataError: there is one label only, or a label has fewer than two
            texts.
        UnknownLabelError: the model that training continues, or the dataset,
            lacks a label.
        ArgumentError: the template asks for what the labels do not allow.
    """
    labels = dataset.labels
    assert labels is not None
    multi_label = is_multi_label(dataset, template)
    if continued is None and len(labels) < 2 and not multi_label:
        raise InvalidDataError(
            f"The dataset has one label only, {labels[0]!r}; there is nothing to tell apart. Add "
            'texts of another label, or of none with multi_label=True (label "not there").'
        )
    if continued is not None:
        continued.encode(labels, "dataset.labels")
    else:
        _check_counts(dataset)
    if multi_label and template.class_weight is not None:
        raise ArgumentError(
            f"`class_weight={template.class_weight!r}` is for one label a text; the dataset is "
            "multi-label. Leave it out."
        )
    if template.select_labels is not None:
        (continued or labels).encode(template.select_labels, "select_labels")
    return continued or labels


def is_multi_label(dataset: TextDataset, template: Template) -> bool:
    """Whether a text may have any number of labels.

    Args:
        dataset: `TextDataset`.
        template: `Template`, which may say so.

    Returns:
        A bool.

    Raises:
        ArgumentError: the template says one a text, and the data have more.
    """
    if template.multi_label is False and dataset.multi_label:
        raise ArgumentError(
            "`multi_label=False` of the template does not hold: the dataset has texts with several "
            "labels or none."
        )
    return dataset.multi_label if template.multi_label is None else template.multi_label


def _check_counts(dataset: TextDataset) -> None:
    counts = dataset.stats().labels
    few = {name: count for name, count in counts.items() if count < _FEWEST_TEXTS}
    if few:
        shown = ", ".join(f"{n!r} ({c})" for n, c in list(few.items())[:_SHOWN])
        more = f" and {len(few) - _SHOWN} more" if len(few) > _SHOWN else ""
        raise InvalidDataError(
            f"A label needs {_FEWEST_TEXTS} texts at the least. With fewer: {shown}{more}. Add "
            "texts, merge labels with dataset.relabel({...}), or leave them out with "
            "dataset.filter(...)."
        )


def describe(dataset: TextDataset) -> dict[str, Any]:
    """Return what `run.json` says of a dataset.

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
    """Say how many validation texts stand in the training data.

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
        f"{shared:,} of {len(validation):,} validation texts stand in the training data too: what "
        "is measured on them says nothing of new texts."
    )
