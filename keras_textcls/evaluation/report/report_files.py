"""A saved report: `report.json` for people, and `predictions.arrow` for arrays and texts.

Metrics are written for readers of the JSON only. When a report is loaded, they are computed
again from the predictions.
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from keras_textcls.errors import InvalidDataError, KerasTextclsError
from keras_textcls.evaluation.metrics.scores import Scores, encoded_scores
from keras_textcls.evaluation.report.report_info import ReportInfo
from keras_textcls.evaluation.report.report_numbers import ReportNumbers, read_seed, read_top_k
from keras_textcls.evaluation.report.text_table import are_texts
from keras_textcls.labels import LabelSet
from keras_textcls.predictions.decisions import read_thresholds
from keras_textcls.utils.atomic import is_free, replace_directory
from keras_textcls.utils.records import JsonFile

# 2: `top_k`, `seed` and the notes of `info`; a report of schema 1 has their defaults.
SCHEMA_VERSION = 2
REPORT_FILE, PREDICTIONS_FILE = "report.json", "predictions.arrow"
_FILES = (REPORT_FILE, PREDICTIONS_FILE)
_ACTUAL, _SCORES = "actual", "scores"
_REMEDY = "Evaluate again."

Kind = TypeVar("Kind", bound=ReportNumbers)


@dataclasses.dataclass(frozen=True)
class _Description:
    """What is read of `report.json`."""

    labels: list[str]
    extra_labels: list[str]
    multi_label: bool
    thresholds: list[float] | None
    rows: int
    info: ReportInfo
    top_k: int | None = None
    seed: int = 0
    fingerprint: str = ""


def is_report(directory: Path) -> bool:
    """Return whether `save_report` wrote the directory."""
    return (directory / REPORT_FILE).is_file() and (directory / PREDICTIONS_FILE).is_file()


def save_report(report: ReportNumbers, directory: Path) -> None:
    """Save a report; see `Report.save`."""
    if not is_free(directory) and not is_report(directory):
        raise InvalidDataError(
            f"{directory} holds other files and is no saved report, so it is not replaced. Choose "
            "another directory, or empty this one."
        )
    # Other files in the directory, such as HTML pages, are kept.
    with replace_directory(directory, keep=lambda name: name not in _FILES) as draft:
        text = json.dumps(
            _describe(report), indent=2, ensure_ascii=False, allow_nan=False, default=_plain
        )
        (draft / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
        table = _predictions(report)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(str(draft / PREDICTIONS_FILE), table.schema, options=options) as file:
            file.write_table(table)


def _describe(report: ReportNumbers) -> dict[str, Any]:
    described = {
        "schema_version": SCHEMA_VERSION,
        "name": report.name,
        "rows": len(report),
        "fingerprint": report.fingerprint,
        "labels": list(report.labels),
        "extra_labels": list(report.extra_labels),
        "multi_label": report.multi_label,
        "thresholds": None if report.thresholds is None else list(report.thresholds.values()),
        "top_k": report.top_k,
        "seed": report.seed,
        "info": dataclasses.asdict(report.info),
        "metrics": {name: dataclasses.asdict(one) for name, one in report.metrics.items()},
        "per_label": list(report.per_label()),
    }
    return _finite(described)


def _plain(value: Any) -> Any:
    """Numbers of numpy, which `info` may hold, as those of Python."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _finite(value: Any) -> Any:
    """JSON has no `nan`: an undefined number is null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _predictions(report: ReportNumbers) -> pa.Table:
    table = report.table if report.table is not None else pa.table({})
    columns = {f"column:{name}": table.column(name) for name in table.schema.names}
    columns[_ACTUAL] = _rows_of(report.y_true)
    columns[_SCORES] = _rows_of(report.y_score)
    return pa.table(columns)


def _rows_of(array: np.ndarray) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array)
    flat = pa.array(np.ascontiguousarray(array).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, array.shape[1])


def load_report(directory: Path, kind: type[Kind]) -> Kind:
    """Load a report of a class; see `Report.load`."""
    described = _read_description(directory)
    path = directory / PREDICTIONS_FILE
    if path.exists() and not path.is_file():
        # Opening a pipe waits for ever.
        raise _broken(directory, f"{path.name} is no file")
    try:
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
            table = file.read_all()
        table.validate(full=True)
        scores = _read_scores(table, described)
        names = [name for name in table.schema.names if name.startswith("column:")]
        texts = pa.table({n.removeprefix("column:"): table.column(n) for n in names})
        for name in {"text", "text_pair"} & set(texts.schema.names):
            if not are_texts(texts.schema.field(name).type):
                raise InvalidDataError(f"the column {name} holds no texts")
        report = kind(
            scores,
            texts if names else None,
            described.info,
            read_thresholds(described.thresholds, scores.labels),
            read_top_k(described.top_k, scores),
            read_seed(described.seed),
        )
        if described.fingerprint not in ("", report.fingerprint):
            raise InvalidDataError("texts and labels do not match its fingerprint")
        return report
    except KerasTextclsError as error:
        raise _broken(directory, str(error)) from None
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise _broken(directory, f"{path.name}: {error!s:.200}") from None


def _read_description(directory: Path) -> _Description:
    path = directory / REPORT_FILE
    file = JsonFile(str(path), InvalidDataError, _REMEDY, SCHEMA_VERSION)
    return file.read(_Description, file.load(path, "saved report", "Report.save()"))


def _read_scores(table: pa.Table, described: _Description) -> Scores:
    y_true, y_score = (_array(table.column(name)) for name in (_ACTUAL, _SCORES))
    labels, extra = described.labels, tuple(described.extra_labels)
    names = [*labels, *extra]
    if extra:
        LabelSet(names)  # Refuses invalid names and duplicates.
    if y_score.ndim != 2:
        raise InvalidDataError("the scores are no matrix")
    if y_true.dtype.kind not in "iu":
        raise InvalidDataError("the actual labels are no integers")
    if table.num_rows != described.rows:
        raise InvalidDataError(f"{table.num_rows:,} rows, {described.rows:,} were saved")
    if y_true.ndim == 1 and not ((y_true >= 0) & (y_true < len(names))).all():
        raise InvalidDataError("an actual label is out of range")
    if y_true.ndim == 2 and (
        y_true.shape[1] != len(names) or not np.isin(y_true, (-1, 0, 1)).all()
    ):
        raise InvalidDataError("the actual labels do not fit the names")
    if y_true.ndim != (2 if described.multi_label else 1):
        raise InvalidDataError("`multi_label` does not fit the actual labels")
    return encoded_scores(y_true, extra, y_score, LabelSet(labels))


def _array(column: pa.ChunkedArray) -> np.ndarray:
    chunk = column.combine_chunks()
    chunk = chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk
    if column.null_count:
        raise InvalidDataError("a value is missing")
    if pa.types.is_fixed_size_list(chunk.type):
        return chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, chunk.type.list_size)
    return chunk.to_numpy(zero_copy_only=False)


def _broken(directory: Path, why: str) -> InvalidDataError:
    return InvalidDataError(f"The report in {directory} is broken: {why}. {_REMEDY}")
