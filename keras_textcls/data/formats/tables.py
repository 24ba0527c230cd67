"""Tables as sources of rows: Arrow, Parquet, data frames, Hugging Face data sets, Excel."""

from __future__ import annotations

import datetime
import importlib
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from keras_textcls.data.formats.byte_streams import FREE_EXPANSION, MAX_EXPANSION
from keras_textcls.data.formats.class_names import names_of_schema, with_class_names
from keras_textcls.data.rows.source import ROWS_PER_CHUNK, RowChunk
from keras_textcls.errors import InvalidDataError, MissingDependencyError, shorten

# What pyarrow and openpyxl raise on files that are damaged.
DAMAGED = (
    pa.ArrowException,
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
    TypeError,
    SystemError,
    MemoryError,
    EOFError,
    SyntaxError,
    zlib.error,
    zipfile.BadZipFile,
)


class TableSource:
    """A source of Arrow record batches.

    Args:
        name: string, name of the source in error messages.
        schema: `pyarrow.Schema`.
        batches: function from column names to an iterator of record batches or
            tables with those columns.
        details: dict of strings. Defaults to `None`, none.
        class_names: mapping from a column to the names of its classes in their
            order, which replace their indices. Defaults to `None`, those in the
            metadata of the schema, where Hugging Face's `datasets` keeps them.
    """

    def __init__(
        self,
        name: str,
        schema: pa.Schema,
        batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch | pa.Table]],
        details: dict[str, str] | None = None,
        class_names: Mapping[str, list[str]] | None = None,
    ) -> None:
        self.name = name
        self.schema = schema
        self.columns = list(schema.names)
        self.first_line = 1
        self.details = dict(details or {})
        self.class_names = dict(class_names or names_of_schema(schema))
        self.batches = batches

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some rows each; see `Source`."""
        batches = self.batches(columns)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except DAMAGED as error:
                raise _unreadable(self.name, error) from None
            for start in range(0, batch.num_rows, 4 * ROWS_PER_CHUNK):
                part = batch.slice(start, 4 * ROWS_PER_CHUNK)
                yield lambda part=part: self._chunk(part)  # type: ignore[misc]

    def _chunk(self, part: pa.RecordBatch | pa.Table) -> RowChunk:
        table = pa.Table.from_batches([part]) if isinstance(part, pa.RecordBatch) else part
        return RowChunk.of_rows(with_class_names(table, self.class_names), table.num_rows)


def _unreadable(name: str, error: BaseException) -> InvalidDataError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return InvalidDataError(
        f"{name} cannot be read: {reason}. The file is broken, or is not what its name says."
    )


def parquet_source(path: Path) -> TableSource:
    """Read a Parquet file, one group of rows at a time.

    Args:
        path: `Path`.

    Returns:
        A `TableSource`.

    Raises:
        InvalidDataError: the file is not a Parquet file, or cannot be read.
    """
    try:
        schema = pyarrow.parquet.read_schema(path)
        _ = schema.names
    except DAMAGED as error:
        raise _unreadable(str(path), error) from None

    def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(4 * ROWS_PER_CHUNK, columns=list(columns))

    return TableSource(str(path), schema, batches)


def arrow_source(path: Path) -> TableSource:
    """Read an Arrow file (Feather too), in the file or the stream format.

    Args:
        path: `Path`.

    Returns:
        A `TableSource`.

    Raises:
        InvalidDataError: the file is not an Arrow file, or cannot be read.
    """

    def open_file() -> Any:
        source = pa.memory_map(str(path))
        try:
            return pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            return pa.ipc.open_stream(source)

    try:
        schema = open_file().schema
        # Names that are not UTF-8 raise an error only when they are read.
        _ = schema.names
    except DAMAGED as error:
        raise _unreadable(str(path), error) from None

    def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        opened = open_file()
        count = getattr(opened, "num_record_batches", None)
        some = iter(opened) if count is None else (opened.get_batch(i) for i in range(count))
        for batch in some:
            batch = batch.select(list(columns))
            # In an untrusted file, offsets of texts may point outside of the buffer.
            batch.validate(full=False)
            _check_strings(batch)
            yield batch

    return TableSource(str(path), schema, batches)


def _check_strings(batch: pa.RecordBatch) -> None:
    """Refuse offsets that point outside; bytes that are not UTF-8 are detected later."""
    for column in batch.columns:
        if pa.types.is_string(column.type):
            column.view(pa.binary()).validate(full=True)
        elif pa.types.is_large_string(column.type):
            column.view(pa.large_binary()).validate(full=True)
        else:
            column.validate(full=True)


def frame_source(frame: Any) -> TableSource:
    """Read a pandas or polars data frame, an Arrow table, or another object that exports Arrow.

    Args:
        frame: an object with `__arrow_c_stream__`.

    Returns:
        A `TableSource`.

    Raises:
        InvalidDataError: a column has no Arrow type.
    """
    name = f"the {type(frame).__module__.split('.')[0]} {type(frame).__name__}"
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        table = frame
    elif type(frame).__module__.split(".")[0] == "pandas":
        return _pandas_source(frame, name)
    else:
        try:
            table = pa.table(frame)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise _unreadable(name, error) from None
    return TableSource(name, table.schema, lambda columns: iter([table.select(list(columns))]))


def _pandas_source(frame: Any, name: str) -> Any:
    if not len(frame.columns) or not len(frame):
        raise InvalidDataError(f"{name} is empty. Pass at least one row.")
    columns = {str(column): frame[column] for column in frame.columns if frame.columns.is_unique}
    if not columns:
        raise InvalidDataError(f"{name} has columns of the same name. Rename them.")
    # Chunk by chunk: a column of objects may hold values of any type.
    return RowsSource(name, lambda: _pandas_chunks(columns), list(columns))


def _pandas_chunks(columns: Mapping[str, Any]) -> Iterator[dict[str, list[Any]] | pa.Table]:
    count = len(next(iter(columns.values())))
    for start in range(0, count, ROWS_PER_CHUNK):
        part = {n: column.iloc[start : start + ROWS_PER_CHUNK] for n, column in columns.items()}
        try:
            # Arrow would convert periods to their ordinal numbers.
            if any(str(column.dtype).startswith("period") for column in part.values()):
                raise pa.ArrowInvalid
            arrays = [pa.array(column, from_pandas=True) for column in part.values()]
            yield pa.Table.from_arrays(arrays, names=list(part))
        except (pa.ArrowException, UnicodeEncodeError):
            yield {name: column.tolist() for name, column in part.items()}


class RowsSource:
    """A source of rows as Python values, such as those of an iterable.

    Args:
        name: string, name of the source in error messages.
        chunks: function without arguments that returns an iterator of tables,
            or of dicts from column name to a list of values.
        columns: list of strings.
        details: dict of strings. Defaults to `None`, none.
        begin: list of dicts, the first rows of a source that can be read only
            once. Defaults to `None`: it can be read again.
    """

    def __init__(
        self,
        name: str,
        chunks: Callable[[], Iterator[Mapping[str, list[Any]] | pa.Table]],
        columns: list[str],
        details: dict[str, str] | None = None,
        begin: list[Any] | None = None,
    ) -> None:
        self.name = name
        self.columns = columns
        self.first_line = 1
        self.begin = begin
        self.hint = ""
        self.details = dict(details or {})
        self._chunks = chunks

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that give some rows each; see `Source`."""
        for rows in self._chunks():
            count = rows.num_rows if isinstance(rows, pa.Table) else len(next(iter(rows.values())))
            yield lambda rows=rows, count=count: RowChunk.of_rows(rows, count)  # type: ignore[misc]


def excel_source(
    path: Path, sheet: str | None = None, header: bool = True, skip_rows: int = 0
) -> RowsSource:
    """Read a sheet of an Excel workbook (.xlsx).

    Args:
        path: `Path`.
        sheet: string or `None`, name of the sheet. Defaults to `None`, the first.
        header: bool, whether the first row holds the names of the columns.
            Defaults to `True`.
        skip_rows: int, number of rows above the table. Defaults to `0`.

    Returns:
        A `RowsSource`; its row numbers are those that Excel shows.

    Raises:
        MissingDependencyError: openpyxl is not installed.
        InvalidDataError: the file is not a workbook, or has no such sheet.
    """
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ImportError:
        raise MissingDependencyError(
            f"Reading {path.name} needs openpyxl. Install it: pip install 'keras-textcls[excel]'."
        ) from None
    _refuse_bomb(path)
    sheets: list[str] = []
    rows = _sheet_rows(openpyxl, path, sheet, skip_rows, sheets)
    first = next(rows, None)
    if first is None:
        above = f" below the {skip_rows} of skip_rows" if skip_rows else ""
        raise InvalidDataError(
            f"{path} is empty: the sheet {shorten(sheets[0])} has no row{above}."
            f"{_other_sheets(sheets)}"
        )
    names = [str(i) if not header else _cell_text(c) for i, c in enumerate(first)]

    def chunks() -> Iterator[dict[str, list[Any]]]:
        rows = _sheet_rows(openpyxl, path, sheet, skip_rows)
        if header:
            next(rows)
        while held := [row for _, row in zip(range(ROWS_PER_CHUNK), rows, strict=False)]:
            yield {n: [_cell(row, i) for row in held] for i, n in enumerate(names)}

    source = RowsSource(str(path), chunks, names, {"sheet": sheets[0]})
    source.first_line = skip_rows + (2 if header else 1)
    title = header and sum(map(bool, names)) < 2
    source.hint = _other_sheets(sheets) + (
        f" If its first rows are a title, pass skip_rows={skip_rows + 1} or more." if title else ""
    )
    return source


def _other_sheets(sheets: list[str]) -> str:
    if len(sheets) < 2:
        return ""
    others = ", ".join(map(repr, sheets[1:]))
    return f" The sheet {sheets[0]!r} was read; the others are {others}: pass sheet=..."


def _sheet_rows(
    openpyxl: Any, path: Path, sheet: str | None, skip_rows: int, sheets: list[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet; `sheets` receives its name and those of the others."""
    book = None
    try:
        with warnings.catch_warnings():
            # openpyxl warns of parts of a workbook that it ignores, such as validation rules.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            if sheet is not None and sheet not in book.sheetnames:
                raise InvalidDataError(
                    f"{path} has no sheet {shorten(sheet)}. Its sheets are "
                    f"{', '.join(map(repr, book.sheetnames))}."
                )
            page = book[sheet] if sheet is not None else book.worksheets[0]
            if sheets is not None:
                sheets += [page.title, *(n for n in book.sheetnames if n != page.title)]
            yield from page.iter_rows(values_only=True, min_row=skip_rows + 1)
    except InvalidDataError:
        raise
    except DAMAGED as error:
        raise _unreadable(str(path), error) from None
    finally:
        if book is not None:
            book.close()


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except DAMAGED as error:
        raise _unreadable(str(path), error) from None
    if size > max(FREE_EXPANSION, MAX_EXPANSION * path.stat().st_size):
        raise InvalidDataError(
            f"{path} grows to more than {MAX_EXPANSION} times its size when it is decompressed, as "
            "files do that are made to fill a disk. Save the sheet as CSV if you trust it."
        )


def _cell_text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _cell(row: tuple[Any, ...], index: int) -> Any:
    """The value as a person sees it: numbers and dates become strings."""
    value = row[index] if index < len(row) else None
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float, datetime.datetime, datetime.date, datetime.time)):
        return str(value)
    return value
