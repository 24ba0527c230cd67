"""Makes the reports of a comparison from models, reports and datasets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.evaluation.report.report import Report
from keras_textcls.evaluation.report.report_files import is_report


def reports_of(
    models: Iterable[Any] | Mapping[str, Any], datasets: Any, options: Mapping[str, Any]
) -> list[Report]:
    """Return a report for each model, or for each dataset; evaluate where needed.

    Args:
        models: as for `compare`.
        datasets: as for `compare`.
        options: dict of arguments of `evaluate`.

    Returns:
        A list of `Report`s with different names.

    Raises:
        ArgumentError: the numbers of models and datasets do not fit.
    """
    named = _named(models, "models")
    places = _datasets(datasets)
    if len(named) > 1 and len(places) > 1:
        raise ArgumentError(
            "Compare many models on one dataset, or one model on many datasets. Received: "
            f"{len(named)} models and {len(places)} datasets."
        )
    if len(places) <= 1:
        data = places[0][1] if places else None
        return _distinct([_report(model, name, data, options) for name, model in named])
    [(_, model)] = named
    if _stored(model) is not None:
        raise ArgumentError("A report is on its own texts. Pass a model to evaluate on `datasets`.")
    reports = [_report(model, name, data, options) for name, data in places]
    return _distinct(reports)


def _named(given: Any, what: str) -> list[tuple[str | None, Any]]:
    if isinstance(given, Mapping):
        return [(str(name), value) for name, value in given.items()]
    if isinstance(given, (str, bytes, os.PathLike)) or not isinstance(given, Iterable):
        return [(None, given)]
    pairs: list[tuple[str | None, Any]] = [(None, value) for value in given]
    if not pairs:
        raise ArgumentError(f"`{what}` must not be empty. Received: {what}={shorten(given)}.")
    return pairs


def _datasets(given: Any) -> list[tuple[str | None, Any]]:
    if given is None:
        return []
    if isinstance(given, TextDataset):
        return [(None, given)]
    is_list = isinstance(given, (list, tuple)) and all(
        isinstance(one, (str, os.PathLike, TextDataset)) for one in given
    )
    if not is_list and not isinstance(given, Mapping):
        return [(None, given)]
    return [(name or _name_of(one), one) for name, one in _named(given, "datasets")]


def _name_of(data: Any) -> str | None:
    if isinstance(data, TextDataset):
        return data.fingerprint[:12]
    return "/".join(Path(data).parts[-2:])


def _stored(model: Any) -> Report | None:
    if isinstance(model, Report):
        return model
    is_path = isinstance(model, (str, os.PathLike))
    return Report.load(model) if is_path and is_report(Path(model)) else None


def _report(model: Any, name: str | None, data: Any, options: Mapping[str, Any]) -> Report:
    from keras_textcls.evaluation.evaluate import evaluate

    stored = _stored(model)
    if stored is not None:
        return stored if name is None else stored.renamed(name)
    if data is None:
        raise ArgumentError(
            f"`datasets` is missing: {shorten(model)} is no report. Say what to evaluate it on."
        )
    return evaluate(model, data, name=name, **options)


def _distinct(reports: list[Report]) -> list[Report]:
    """Add numbers to equal names of reports."""
    names = [report.name for report in reports]
    return [
        report
        if names.count(name) == 1
        else report.renamed(f"{name} ({names[: i + 1].count(name)})")
        for i, (report, name) in enumerate(zip(reports, names, strict=True))
    ]
