"""Writes datasets as files that other programs read, and as objects of other libraries."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from keras_textcls.data.formats.clarifai_formats import (
    PORTAL_ID,
    PORTAL_METADATA,
    PORTAL_TEXT,
    SDK_COLUMNS,
    join_concepts,
)
from keras_textcls.data.formats.instruction_form import (
    DEFAULT_INSTRUCTION,
    braced,
    format_cell,
    labels_in_braces,
)
from keras_textcls.data.labelled_table import Example, LabelledTable
from keras_textcls.data.rows.written_values import parse_list
from keras_textcls.data.tool_writing import write_doccano, write_fasttext, write_label_studio
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.targets import read_targets
from keras_textcls.utils.atomic import replace_file
from keras_textcls.utils.forked import refuse_lost

_SEPARATOR = "|"
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
FORMS = (
    "csv",
    "tsv",
    "jsonl",
    "parquet",
    "portal",
    "sdk",
    "instruction",
    "fasttext",
    "doccano",
    "label_studio",
)


def write_dataset(
    dataset: LabelledTable, path: Path, form: str = "auto", instruction: str | None = None
) -> Path:
    """Write a dataset; see `TextDataset.write`."""
    if form == "auto":
        form = _SUFFIXES.get(path.suffix.lower(), "")
    if form not in FORMS:
        raise ArgumentError(
            f"`form` must be one of {', '.join(map(repr, FORMS))}; it is known from the suffix "
            f"{', '.join(_SUFFIXES)}. Received: form={shorten(form)} for {path.name}."
        )
    if instruction is not None and (form != "instruction" or not isinstance(instruction, str)):
        raise ArgumentError(
            '`instruction` must be a string, and goes with form="instruction". Received: '
            f"instruction={shorten(instruction)}, form={form!r}."
        )
    written = [n for n in dataset.labels or () if parse_list(n) is not None]
    if written and form not in ("portal", "sdk"):
        raise ArgumentError(
            f"The label {shorten(written[0])} would be read back as a list of labels. Rename it "
            "with relabel()."
        )
    writers: dict[str, Callable[[LabelledTable, Path], None]] = {
        "csv": lambda d, p: _write_delimited(d, p, ","),
        "tsv": lambda d, p: _write_delimited(d, p, "\t"),
        "jsonl": _write_json_lines,
        "parquet": lambda d, p: pyarrow.parquet.write_table(plain_table(d), p),
        "portal": _write_portal,
        "sdk": _write_sdk,
        "instruction": lambda d, p: _write_instructions(d, p, instruction),
        "fasttext": write_fasttext,
        "doccano": write_doccano,
        "label_studio": write_label_studio,
    }
    try:
        with replace_file(path) as draft:
            writers[form](dataset, draft)
    except OSError as error:
        # The message names the file itself, not the temporary draft.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    return path


def plain_table(dataset: LabelledTable) -> pa.Table:
    """Return the rows; single-label datasets get a column `label` of strings."""
    table = dataset.table
    if dataset.multi_label or "labels" not in table.schema.names:
        return table
    labels = pa.array(dataset.targets, pa.string())
    return table.set_column(table.schema.names.index("labels"), "label", labels)


def _write_delimited(dataset: LabelledTable, path: Path, delimiter: str) -> None:
    _refuse_texts_without_label(dataset)
    if dataset.labels is not None and dataset.multi_label:
        _refuse_in_labels(dataset, _SEPARATOR, "JSON Lines or Parquet")
        if dataset.has_column("negatives"):
            raise ArgumentError(
                "A plain CSV has no place for labels that are known not to hold. Write the portal "
                'form (form="portal"), JSON Lines or Parquet.'
            )
    names = plain_table(dataset.take([])).schema.names
    with _open(path) as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["label" if name == "labels" else name for name in names])
        for part in _parts(dataset):
            columns = [plain_table(part).column(name).to_pylist() for name in names]
            writer.writerows(
                [_SEPARATOR.join(c) if isinstance(c, list) else c for c in row]
                for row in zip(*columns, strict=True)
            )


def _write_json_lines(dataset: LabelledTable, path: Path) -> None:
    with _open(path) as file:
        for part in _parts(dataset):
            targets = part.targets or [None] * len(part)
            for example, target in zip(part, targets, strict=True):
                row = {"text": example.text, "text_pair": example.text_pair, "label": target}
                row |= {"split": example.split, "id": example.id}
                row["metadata"] = dict(example.metadata) or None
                known = {name: value for name, value in row.items() if value is not None}
                file.write(json.dumps(known, ensure_ascii=False) + "\n")


def _write_portal(dataset: LabelledTable, path: Path) -> None:
    _refuse_pairs(dataset)
    if not dataset.has_column("negatives"):
        _refuse_texts_without_label(dataset)
    width = max((len(_concepts(row)) for row in dataset), default=0)
    header = [PORTAL_ID, PORTAL_TEXT]
    for i in range(width):
        header += [f"input.data.concepts[{i}].id", f"input.data.concepts[{i}].value"]
    with _open(path) as file:
        writer = csv.writer(file)
        writer.writerow([*header, PORTAL_METADATA])
        for row in dataset:
            cells = [cell for pair in _concepts(row) for cell in pair]
            cells += [""] * (2 * width - len(cells))
            metadata = json.dumps(row.metadata, ensure_ascii=False) if row.metadata else ""
            writer.writerow([row.id or "", row.text, *cells, metadata])


def _write_sdk(dataset: LabelledTable, path: Path) -> None:
    _refuse_pairs(dataset)
    _refuse_texts_without_label(dataset)
    if dataset.has_column("negatives"):
        raise ArgumentError(
            "The SDK form has no place for labels that are known not to hold. Write the portal "
            'form (form="portal"), JSON Lines or Parquet.'
        )
    with _open(path) as file:
        writer = csv.writer(file)
        writer.writerow(SDK_COLUMNS)
        for row in dataset:
            metadata = dict(row.metadata)
            point = metadata.pop("geopoints", "")
            names = [name for name, _ in _concepts(row)]
            shown = repr(metadata) if metadata else ""
            writer.writerow([row.id or "", row.text, join_concepts(names), shown, point])


def _write_instructions(dataset: LabelledTable, path: Path, instruction: str | None) -> None:
    _refuse_pairs(dataset)
    if dataset.multi_label:
        raise ArgumentError(
            "The instruction form has one answer a text, and this dataset is multi-label. Write "
            "JSON Lines, Parquet, or Clarifai's portal or SDK form."
        )
    usual = _filled(DEFAULT_INSTRUCTION if instruction is None else instruction, dataset)
    with _open(path) as file:
        # All cells are quoted, so that no delimiter splits them.
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["text"])
        for number, row in enumerate(dataset, 1):
            own = row.metadata.get("instruction") if instruction is None else None
            writer.writerow([_cell(number, row, own.strip() if isinstance(own, str) else usual)])


def _filled(instruction: str, dataset: LabelledTable) -> str:
    """The instruction with the labels in braces, from which they can be read back."""
    labels = list(dataset.labels or ())
    filled = instruction.replace("{labels}", braced(labels)).strip()
    if labels and filled != instruction.strip() and labels_in_braces(filled) != labels:
        raise ArgumentError(
            "`instruction` must have no braces but those of {labels}, and these once: the labels "
            f"could not be read back. Received: instruction={shorten(instruction)}."
        )
    return filled


def _cell(number: int, row: Example, instruction: str) -> str:
    """The cell of a row, if it can be read back."""
    reason = "it has no label"
    if isinstance(row.label, str):
        try:
            return format_cell(instruction, row.text.strip(), row.label)
        except ArgumentError as error:
            reason = str(error)
    raise ArgumentError(
        f"Row {number} cannot be written in the instruction form: {reason}. Received: "
        f"{shorten(row.text)}. Leave such rows out with filter(), or write JSON Lines."
    )


def _concepts(row: Example) -> list[tuple[str, int]]:
    labels = [row.label] if isinstance(row.label, str) else row.label or []
    return [*((n, 1) for n in labels), *((n, 0) for n in row.negatives or ())]


def _parts(dataset: LabelledTable, rows: int = 16_384) -> Iterator[LabelledTable]:
    for start in range(0, len(dataset), rows):
        yield dataset[start : start + rows]


def _open(path: Path) -> Any:
    return open(path, "w", newline="", encoding="utf-8")


def _refuse_pairs(dataset: LabelledTable) -> None:
    if dataset.has_column("text_pair"):
        raise ArgumentError(
            "The forms of Clarifai have no place for second texts. Write CSV, JSON Lines or "
            "Parquet."
        )


def _refuse_texts_without_label(dataset: LabelledTable) -> None:
    """Refuse them: an empty cell would be read as unknown labels."""
    _, without = dataset.count_without_labels()
    if without:
        raise ArgumentError(
            "Some texts are known to have no label, for which this form has no place. Write JSON "
            "Lines or Parquet, or leave them out with filter()."
        )


def _refuse_in_labels(dataset: LabelledTable, separator: str, others: str) -> None:
    bad = [name for name in dataset.labels or () if separator in name]
    if bad:
        raise ArgumentError(
            f"The label {shorten(bad[0])} holds {separator!r}, which separates labels in the "
            f"file. Rename it with relabel(), or write {others}."
        )


def to_tf_dataset(dataset: LabelledTable, batch_size: int) -> Any:
    """Return a `tf.data.Dataset`; see `TextDataset.to_tf_dataset`."""
    import tensorflow as tf

    refuse_lost("tensorflow")
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ArgumentError(
            f"`batch_size` must be a positive integer. Received: batch_size={shorten(batch_size)}."
        )
    has_labels = dataset.has_column("labels")
    labels = dataset.labels if has_labels else None
    if has_labels and dataset.table.column("labels").null_count:
        raise InvalidDataError(
            "Some texts have no label. Leave them out first: "
            "dataset.filter(lambda row: row.label is not None)."
        )
    texts = tf.TensorSpec((None,), tf.string)
    pairs = dataset.has_column("text_pair")
    signature: Any = (texts, texts) if pairs else texts
    if labels is not None:
        shape = (None, len(labels)) if dataset.multi_label else (None,)
        signature = (signature, tf.TensorSpec(shape, "float32" if dataset.multi_label else "int32"))

    def batches() -> Iterator[Any]:
        for columns, targets in dataset.chunks(batch_size):
            x: Any = tuple(map(np.asarray, columns)) if pairs else np.asarray(columns[0])
            if labels is None:
                yield x
            else:
                yield x, read_targets(targets, labels, dataset.multi_label, len(columns[0]))

    return tf.data.Dataset.from_generator(batches, output_signature=signature)
