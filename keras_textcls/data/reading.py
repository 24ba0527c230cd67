"""`read`: makes a `TextDataset` from a file or an object."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from keras_textcls.data.downloads.downloads import DownloadPolicy
from keras_textcls.data.downloads.referenced_source import ReferencedSource
from keras_textcls.data.formats.annotation_tools.judgements import ToolOptions
from keras_textcls.data.formats.annotation_tools.recognition import annotation_source
from keras_textcls.data.formats.clarifai_formats import ClarifaiSource, clarifai_form
from keras_textcls.data.formats.delimited import DelimitedSource
from keras_textcls.data.formats.hugging_face import is_saved_dataset, saved_parts
from keras_textcls.data.formats.instruction_form import InstructionSource, instruction_column
from keras_textcls.data.formats.opening import FileOptions, open_source
from keras_textcls.data.formats.tfds_source import PREFIX as TFDS
from keras_textcls.data.rows.arrow_rows import join_tables, with_column
from keras_textcls.data.rows.columns import ColumnRoles, choose_roles
from keras_textcls.data.rows.ingestion import ingest
from keras_textcls.data.rows.label_columns import check_numbers
from keras_textcls.data.rows.label_notes import LabelNotes
from keras_textcls.data.rows.label_spelling import check_parts, respelt, usual_spellings
from keras_textcls.data.rows.partial_labels import drop_redundant_negatives, label_names
from keras_textcls.data.rows.row_reader import SPLIT_NAMES
from keras_textcls.data.rows.row_rules import RowRules
from keras_textcls.data.rows.source import Source
from keras_textcls.data.rows.spool import MEMORY_LIMIT
from keras_textcls.data.storage import is_dataset
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.labels import LabelSet, sorted_names

_log = logging.getLogger("keras_textcls")


def read(
    source: Any,
    *,
    text: str | int | None = None,
    label: str | int | Sequence[str | int] | None = None,
    text_pair: str | int | None = None,
    id: str | int | None = None,  # noqa: A002 - the word of the library
    split: str | int | None = None,
    metadata: bool | Sequence[str] = False,
    labels: Iterable[str] | None = None,
    label_offset: int | None = None,
    multi_label: bool | None = None,
    label_separator: str | None = None,
    unlabelled: str = "invalid",
    annotators: str = "majority",
    taxonomy: str = "last",
    format: str = "auto",  # noqa: A002 - the word of the field
    encoding: str = "auto",
    delimiter: str | None = None,
    quote: str | None = "auto",
    header: bool | Sequence[str] = True,
    skip_rows: int = 0,
    sheet: str | None = None,
    cells: str = "text",
    root: str | os.PathLike[str] | None = None,
    downloads: DownloadPolicy | None = None,
    tfds_directory: str | None = None,
    undecodable: str = "invalid",
    max_text_length: int | None = None,
    invalid_data_tolerance_percent: float = 5.0,
    memory_limit: int = MEMORY_LIMIT,
) -> TextDataset:
    """Read labelled texts from a file, a folder, or an object.

    Rows that cannot be used are in `dataset.invalid_rows`, each with its line
    and the reason. Files are read in constant memory.

    Args:
        source: one of

            - path of a CSV, TSV, JSON Lines, JSON, Parquet, Arrow or Excel
              file, the text formats also compressed (`.gz`, `.xz`, `.zst`,
              `.bz2`, `.zip`);
            - an export of an annotation tool (Label Studio, doccano, Argilla, Prodigy,
              spaCy), recognised by its content, in a file, a list of dicts, a data
              frame or a Hugging Face `Dataset`; a file of fastText, Rasa (NLU in
              YAML) or ARFF;
            - such a file in a form of Clarifai (the CSV forms of its portal and of
              its SDK, and its instruction form); the form is detected unless a
              column is named here;
            - path of a folder with a sub-folder of `.txt` files for each label,
              or of a directory that `TextDataset.save` wrote;
            - `"tfds:imdb_reviews"`, a name in TensorFlow Datasets;
            - a pandas or polars data frame, an Arrow table, a Hugging Face
              `Dataset` or `DatasetDict`;
            - an iterable of `(text, label)` pairs, of dicts, or of texts; a
              dict of columns;
            - a dict from the name of a part to any of these: `{"train":
              "train.csv", "test": "test.csv"}`.

        text: name of the column of the texts, or its number from 0. Defaults to
            `None`, a column with a usual name.
        label: name or number of the column of the labels; or a list of columns
            of zeros and ones, one for each label. Defaults to `None`, a column
            with a usual name.
        text_pair: column of the second texts. Defaults to `None`.
        id: column of the identifiers, which must differ. Defaults to `None`, a
            column named `id`.
        split: column with the part of each text (train, validation or test).
            Defaults to `None`, a column named `split`.
        metadata: `True` to keep all other columns, or names of those to keep.
            Defaults to `False`.
        labels: names of the labels in their order; other labels make a row
            invalid. In place of names, cells may hold the numbers of the labels,
            or rows of zeros and ones, one for each label (-1 or nothing if it is
            unknown). Defaults to `None`, those that occur, sorted.
        label_offset: int, the number that stands for the first of `labels`, such
            as 1 if labels are counted from 1. Defaults to `None`: 0, and numbers
            among which 0 does not occur are refused.
        multi_label: bool, whether a text may have any number of labels.
            Defaults to `None`: true if a text has no label or several.
        label_separator: string, the separator between several labels in one
            cell, such as `"|"`. Defaults to `None`, a cell is one label.
        unlabelled: `"invalid"` or `"keep"`, what to do with texts without
            labels. Defaults to `"invalid"`.
        annotators: what becomes of a text with labels by several annotators, in
            exports of annotation tools: `"majority"`, the label that most of them
            gave; `"first"`, the label that was given first; `"agreeing"`, the text
            is read only if all labels of it are equal; `"all"`, a row for each
            annotator. Texts without a majority, or not agreed on, are listed in
            `invalid_rows`. Defaults to `"majority"`.
        taxonomy: `"last"` or `"joined"`, whether a label of a taxonomy of Label
            Studio is the last step of its path, or all steps, `"Animals / Dog"`.
            Defaults to `"last"`.
        format: one of `"csv"`, `"tsv"`, `"json"`, `"parquet"`, `"arrow"`,
            `"excel"`, `"fasttext"`, `"spacy"`, `"rasa"`, `"arff"`,
            `"label_studio"`, `"doccano"`, `"argilla"`, `"prodigy"`. Defaults to
            `"auto"`, by the content and the suffix.
        encoding: `"auto"`, or a codec such as `"cp1252"`. Defaults to `"auto"`:
            UTF-8, UTF-16 or an older encoding, detected from the bytes of the
            file; `dataset.details` says which one, and how sure that is.
        delimiter: one character. Defaults to `None`, detected from the file.
        quote: one character, or `None` if quotes are ordinary characters.
            Defaults to `"auto"`, detected from the file.
        header: `True` if the first row names the columns, `False` if there is
            no such row, or a list of the names. Defaults to `True`.
        skip_rows: int, number of lines of a CSV or TSV file, or rows of a sheet,
            above the table, such as a title or comments. Defaults to `0`; a
            first line `sep=;` is left out in any case.
        sheet: name of the sheet of a workbook. Defaults to `None`, the first.
        cells: `"text"`; or `"path"` or `"url"` if the cells of the text column
            are paths of text files, or `http(s)` addresses, whose content is
            the text. Defaults to `"text"`.
        root: folder that these paths are relative to; paths outside it are
            refused. Defaults to `None`, the folder of the file.
        downloads: `DownloadPolicy`, limits of time and size. Defaults to
            `None`, a policy with its defaults.
        tfds_directory: where TensorFlow Datasets keeps its data. Defaults to
            `None`, its own folder.
        undecodable: `"invalid"`, or `"replace"` to replace bytes that cannot
            be decoded by U+FFFD. Defaults to `"invalid"`.
        max_text_length: int, maximum number of characters of a text. Defaults
            to `None`, no limit.
        invalid_data_tolerance_percent: float, share of the rows that may be
            invalid before reading stops. Defaults to `5.0`.
        memory_limit: int, maximum number of bytes of the dataset in memory; a
            larger one is kept in a temporary file. Defaults to 1 GiB.

    Returns:
        A `TextDataset`.

    Raises:
        InvalidDataError: the source cannot be read, or too many of its rows
            cannot be used.
        ArgumentError: an argument is wrong, or a column does not exist.
        MissingDependencyError: a format needs a package that is not installed.

    Example:
    >>> dataset = read([{"review": "A joy.", "stars": 5}, {"review": "A bore.", "stars": 1}],
    ...                label="stars")
    >>> dataset.targets
    ['5', '1']
    """
    labels = None if labels is None else LabelSet(labels)
    arguments = dict(locals())
    _check_arguments(arguments)
    return _read(**arguments, notes=None)


def _read(source: Any, *, notes: LabelNotes | None, **options: Any) -> TextDataset:
    """Read a source, or its parts; with notes, the caller checks numbers in place of labels."""
    arguments = {"source": source, **options}
    if isinstance(source, TextDataset):
        _refuse_beside_dataset(source, arguments)
        return source
    parts = _parts_of(source)
    if parts is not None:
        return _read_parts(parts, arguments)
    cells, root = options["cells"], options["root"]
    if cells not in ("text", "path", "url"):
        raise ArgumentError(
            f'`cells` must be "text", "path" or "url". Received: cells={shorten(cells)}.'
        )
    is_path = isinstance(source, (str, os.PathLike)) and not str(source).startswith(TFDS)
    if is_path and is_dataset(Path(source)):
        _refuse_beside_dataset(source, arguments)
        return TextDataset.load(source)
    file_options = [field.name for field in dataclasses.fields(FileOptions)]
    rules = RowRules(**{field.name: options[field.name] for field in dataclasses.fields(RowRules)})
    opened = open_source(source, FileOptions(*(options[name] for name in file_options)))
    columns = {name: options[name] for name in ("text", "label", "text_pair", "id", "split")}
    opened, columns, metadata = _as_annotations(opened, columns, options["metadata"], arguments)
    opened, roles = _roles(opened, columns, metadata, rules.unlabelled == "invalid")
    _rename_classes(opened, roles, rules.labels)
    if is_path and os.path.isdir(source) and not is_saved_dataset(source):
        cells, root = "path", source
    if cells != "text":
        folder = Path(root) if root is not None else _folder_of(source)
        kind: Literal["url", "path"] = "url" if cells == "url" else "path"
        opened = ReferencedSource(
            opened, roles.text, kind, folder, options["encoding"], options["downloads"]
        )
    tolerance, limit = options["invalid_data_tolerance_percent"], options["memory_limit"]
    return _dataset_of(opened, roles, rules, tolerance, limit, notes)


def _dataset_of(
    source: Source,
    roles: ColumnRoles,
    rules: RowRules,
    tolerance: float,
    memory_limit: int,
    notes: LabelNotes | None,
) -> TextDataset:
    """The dataset of the rows of a source."""
    table, invalid = ingest(source, roles, rules, tolerance, memory_limit, notes)
    if not table.num_rows:
        message = f"{source.name} holds no row that can be used.\n{invalid!r}"
        raise InvalidDataError(message, invalid)
    details = _describe(source, roles)
    _log.info("Read %s: %s", source.name, ", ".join(f"{k} {v}" for k, v in details.items()))
    names: Sequence[str] | None = rules.labels
    if names is None:
        table, names = _named(source, roles, table, memory_limit)
    table = drop_redundant_negatives(
        table, names or (), may_omit_absent=details.get("form") == "portal"
    )
    dataset = TextDataset(table, names, rules.multi_label, invalid, details)
    if rules.multi_label is None and (empty := dataset.count_empty_of_single()):
        note = f"none of several, {empty:,} empty lists: read as multi-label"
        _log.warning(
            "%s: no text has several labels, and %s have an empty list. They are read as texts to "
            "which no label applies, and the dataset is multi-label. If nobody has labelled them "
            "yet, pass multi_label=False.",
            source.name,
            f"{empty:,}",
        )
        return TextDataset(table, names, None, invalid, {**details, "lists of labels": note})
    return dataset


def _as_annotations(
    source: Source, columns: dict[str, Any], metadata: bool | Sequence[str], given: dict[str, Any]
) -> tuple[Source, dict[str, Any], bool | Sequence[str]]:
    """The source with usual columns if it is an export of an annotation tool."""
    columns = _with_usual_roles(columns, source)
    text, label = (_as_names(columns[role], source, role) for role in ("text", "label"))
    options = ToolOptions(
        text=text,
        label=None if isinstance(label, list) else label,
        annotators=given["annotators"],
        taxonomy=given["taxonomy"],
        multi_label=given["multi_label"],
        labels=given["labels"],
        keeps_unlabelled=given["unlabelled"] == "keep",
    )
    tool = None if isinstance(label, list) else annotation_source(source, options, given["format"])
    if tool is None:
        return source, columns, metadata
    kept = metadata if isinstance(metadata, bool) else [*metadata, "metadata"]
    columns = _with_usual_roles({**columns, "text": "text", "label": "label"}, tool)
    return tool, columns, kept or ["metadata"]


def _with_usual_roles(columns: dict[str, Any], source: Source) -> dict[str, Any]:
    """The columns that are named, and those that the form of the source names."""
    usual = getattr(source, "usual_roles", {})
    return {**columns, **{r: n for r, n in usual.items() if columns[r] is None}}


def _roles(
    source: Source, columns: dict[str, Any], metadata: bool | Sequence[str], needs_label: bool
) -> tuple[Source, ColumnRoles]:
    """The role of each column; the forms of Clarifai are detected if no column is named."""
    named = {name: _as_names(value, source, name) for name, value in columns.items()}
    if not any(value is not None for value in columns.values()):
        source, metadata = _as_clarifai_form(source, metadata)
    try:
        roles = choose_roles(
            source.columns, **named, metadata=metadata, needs_label=needs_label, source=source.name
        )
    except ArgumentError as error:
        hint = getattr(source, "hint", "").strip()
        if not hint:
            raise
        raise ArgumentError(f"{error} {hint}") from None
    return source, roles


def _as_clarifai_form(
    source: Source, metadata: bool | Sequence[str]
) -> tuple[Source, bool | Sequence[str]]:
    """The source with usual columns if it has a form of Clarifai, and its metadata columns."""
    cells = instruction_column(source)
    if cells is not None:
        kept = metadata if isinstance(metadata, bool) else [*metadata, "metadata"]
        return InstructionSource(source, cells), kept or ["metadata"]
    form = clarifai_form(source.columns) if isinstance(source, DelimitedSource) else None
    if form is None:
        return source, metadata
    source = ClarifaiSource(source, form)
    return source, ["metadata"] if "metadata" in source.columns else []


def _named(
    source: Source, roles: ColumnRoles, table: pa.Table, memory_limit: int
) -> tuple[pa.Table, Sequence[str] | None]:
    """The table and its label names in their order: as in the source, or sorted."""
    names: Sequence[str] = label_names(table)
    of_source = roles.label
    if not isinstance(of_source, tuple):
        of_source = getattr(source, "class_names", {}).get(of_source)
    if of_source and set(names) <= set(of_source):
        return table, of_source
    spellings = usual_spellings(names)
    if spellings:
        table = respelt(table, spellings, memory_limit)
        names = label_names(table)
    return table, names or None


def _rename_classes(source: Source, roles: ColumnRoles, labels: LabelSet | None) -> None:
    """Take the caller's names for class indices whose names in the source are all others."""
    of_source = getattr(source, "class_names", {})
    names = of_source.get(roles.label)
    if not names or labels is None or set(names) & set(labels):
        return
    if len(names) != len(labels):
        raise ArgumentError(
            f"`labels` has {len(labels)} names, and {source.name} names {len(names)} classes in "
            f"the column {roles.label}: {shorten(names)}. Pass as many, or none."
        )
    of_source[roles.label] = list(labels)


def _as_names(value: Any, source: Source, role: str) -> Any:
    """Names of columns; numbers of columns are converted to names."""
    if isinstance(value, (list, tuple)):
        return [_as_names(name, source, role) for name in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(source.columns):
            raise ArgumentError(
                f"`{role}` is the number of a column, from 0 to {len(source.columns) - 1} in "
                f"{source.name}. Received: {role}={value}."
            )
        return source.columns[value]
    return None if value is None else str(value)


def _refuse_beside_dataset(source: Any, arguments: dict[str, Any]) -> None:
    """Refuse other arguments with a saved dataset, which would be ignored."""
    for name, parameter in inspect.signature(read).parameters.items():
        given, default = arguments[name], parameter.default
        if name not in ("source", "memory_limit") and given is not default and given != default:
            raise ArgumentError(
                f"{source} is a saved dataset, which is loaded as it is: `{name}` cannot be given. "
                f"Received: {name}={shorten(given)}. Use relabel(), filter() and the like on "
                "the dataset."
            )


def _folder_of(source: Any) -> Path:
    return Path(source).parent if isinstance(source, (str, os.PathLike)) else Path()


def _describe(source: Source, roles: ColumnRoles) -> dict[str, str]:
    used = roles.columns
    left = [name for name in source.columns if name not in used and name]
    details = {"source": source.name, **source.details, "columns": ", ".join(used)}
    return {**details, "columns left out": ", ".join(left)} if left else details


def _check_arguments(arguments: dict[str, Any]) -> None:
    percent = arguments["invalid_data_tolerance_percent"]
    if not isinstance(percent, (int, float)) or not 0 <= percent <= 100:
        raise ArgumentError(
            "`invalid_data_tolerance_percent` must be between 0 and 100. Received: "
            f"invalid_data_tolerance_percent={shorten(percent)}."
        )
    limit = arguments["memory_limit"]
    if not isinstance(limit, int) or limit < 0:
        raise ArgumentError(
            f"`memory_limit` must be a number of bytes. Received: memory_limit={shorten(limit)}."
        )
    skipped = arguments["skip_rows"]
    if not isinstance(skipped, int) or isinstance(skipped, bool) or skipped < 0:
        raise ArgumentError(
            f"`skip_rows` must be a number of lines. Received: skip_rows={shorten(skipped)}."
        )
    kinds: dict[str, tuple[type, ...]] = {
        "metadata": (bool, list, tuple),
        "header": (bool, list, tuple),
    }
    kinds["root"] = (str, os.PathLike, type(None))
    for name, kind in kinds.items():
        if not isinstance(arguments[name], kind):
            raise ArgumentError(
                f"`{name}` must be {' or '.join(k.__name__ for k in kind)}. Received: "
                f"{name}={shorten(arguments[name])}."
            )


def _parts_of(source: Any) -> dict[str, Any] | None:
    """The parts of a dict such as `{"train": "train.csv", "test": "test.csv"}`, or of a folder."""
    if isinstance(source, (str, os.PathLike)):
        return saved_parts(source)
    if not isinstance(source, Mapping) or not source:
        return None
    named = all(str(name).split("[")[0].lower() in SPLIT_NAMES for name in source)
    whole = all(
        isinstance(value, (str, os.PathLike))
        or hasattr(value, "num_rows")
        or hasattr(value, "columns")
        or hasattr(value, "features")
        or isinstance(value, TextDataset)
        for value in source.values()
    )
    return dict(source) if whole or (named and _holds_rows(source)) else None


def _holds_rows(source: Mapping[str, Any]) -> bool:
    first = next(iter(source.values()))
    begin = next(iter(first), None) if isinstance(first, (list, tuple)) else None
    return isinstance(begin, (Mapping, tuple, list))


def _read_parts(parts: dict[str, Any], arguments: dict[str, Any]) -> TextDataset:
    options = {name: value for name, value in arguments.items() if name != "source"}
    rules = RowRules(labels=options["labels"], label_offset=options["label_offset"])
    notes = LabelNotes()
    read_parts = [_read(value, notes=notes, **options) for value in parts.values()]
    check_numbers(notes, rules, f"the parts {', '.join(map(str, parts))}")
    if rules.labels is None:
        check_parts({str(n): part.labels or () for n, part in zip(parts, read_parts, strict=True)})
    whole = read_parts[0].concat(*read_parts[1:])
    if rules.labels is None and (spellings := usual_spellings(whole.labels or ())):
        whole = whole.relabel(spellings)
    names = [SPLIT_NAMES.get(str(name).lower(), str(name)) for name in parts]
    column = [n for n, part in zip(names, read_parts, strict=True) for _ in range(len(part))]
    table = with_column(whole.table, "split", pa.array(column, pa.string()))
    orders = {tuple(part.labels) for part in read_parts if part.labels is not None}
    names_in_order = (
        next(iter(orders)) if len(orders) == 1 else sorted_names(label_names(whole.table))
    )
    labels = options["labels"] or names_in_order or None
    details = {
        str(n): part.details.get("source", "") for n, part in zip(parts, read_parts, strict=True)
    }
    return TextDataset(
        join_tables([table]), labels, options["multi_label"], whole.invalid_rows, details
    )
