"""JSON Lines, JSON arrays and JSON documents as a source of rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json

from keras_textcls.data.formats.byte_streams import ByteStream
from keras_textcls.data.formats.encodings import Utf8Blocks, check_encoding
from keras_textcls.data.formats.json_document import as_row, read_document
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.source import ROWS_PER_CHUNK, RowChunk
from keras_textcls.errors import InvalidDataError

# Maximum number of characters of one object; a longer one is broken.
_MAX_OBJECT = 64 << 20
# Maximum number of bytes of a file that is one object.
_MAX_DOCUMENT = 256 << 20
_SPACE = " \t\r\n"
# Number of rows from which the names of the columns are learnt.
_LOOKED_AT = 200


class JsonSource:
    """A file of JSON objects, one a line or in an array, plain or compressed.

    Args:
        path: `Path`.
        encoding: string, `"auto"` or a codec. Defaults to `"auto"`.

    Raises:
        InvalidDataError: the file cannot be read, or is not JSON.
    """

    def __init__(self, path: Path, encoding: str = "auto") -> None:
        self.name = str(path)
        self.path = path
        self.first_line = 1
        self._encoding = check_encoding(encoding)
        with ByteStream(path) as stream:
            blocks = Utf8Blocks(stream.blocks(), self._encoding)
            sample = next(iter(blocks), b"").decode("utf-8", "surrogateescape")
            self.details = blocks.details
            if stream.compression:
                self.details["compression"] = stream.compression
        begin = sample.lstrip(_SPACE)
        self._is_array = begin.startswith("[")
        # Rows of cells, as in `to_json(orient="values")` of pandas.
        self._has_lists = self._is_array and begin[1:].lstrip(_SPACE).startswith("[")
        self.details["layout"] = "array" if self._is_array else "lines"
        self._document = None if self._is_array else self._read_document(begin)
        if self._document is not None:
            self._is_array = True
        self.columns = self._learn_columns()

    def _read_document(self, begin: str) -> list[Any] | None:
        """The rows of a file that is one object, which is read as a whole."""
        line, _, rest = begin.partition("\n")
        is_line = line.rstrip().endswith("}") and rest.strip(_SPACE)
        if is_line or not begin.startswith("{"):
            return None
        with ByteStream(self.path) as stream:
            data = b""
            for block in Utf8Blocks(stream.blocks(), self._encoding):
                data += block
                if len(data) > _MAX_DOCUMENT:
                    return None
        text = data.decode("utf-8", "surrogateescape").strip(_SPACE)
        found = read_document(text)
        if found is None or (found[0] == "objects" and "\n" not in text):
            return None
        self.details["layout"] = found[0]
        return found[1]

    def _learn_columns(self) -> list[str]:
        names: dict[str, None] = {}
        looked_at = 0
        for chunk in self._array_chunks(None) if self._is_array else self._line_chunks(None):
            rows = chunk().columns
            assert isinstance(rows, dict)
            for row in rows["row"][:_LOOKED_AT]:
                names.update(dict.fromkeys(map(str, row)))
                looked_at += 1
            if looked_at:
                break
        if not looked_at:
            raise InvalidDataError(
                f"{self.name} holds no JSON object that could be read. It must be JSON Lines, one "
                'object a line such as {"text": "...", "label": "..."}, or an array of objects.'
            )
        return list(names)

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some rows each; see `Source`."""
        yield from self._array_chunks(columns) if self._is_array else self._line_chunks(columns)

    def object_chunks(self) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some whole objects each, in the one column `row`."""
        yield from self._array_chunks(None) if self._is_array else self._line_chunks(None)

    # --- One object a line ---

    def _line_chunks(self, columns: Sequence[str] | None) -> Iterator[Callable[[], RowChunk]]:
        with ByteStream(self.path) as stream:
            utf8 = Utf8Blocks(stream.blocks(), self._encoding)
            rest = b""
            for block in utf8:
                data = rest + block if rest else block
                end = data.rfind(b"\n") + 1
                if not end and len(data) > _MAX_OBJECT:
                    raise InvalidDataError(
                        f"{self.name} has a line of more than {_MAX_OBJECT >> 20} MiB. It must be "
                        "JSON Lines, one object a line."
                    )
                if end:
                    yield lambda data=data[:end]: _read_lines(data, columns)  # type: ignore[misc]
                rest = data[end:]
            if rest:
                yield lambda: _read_lines(rest, columns)
            self.details.update(utf8.details)

    # --- An array of objects ---

    def _array_chunks(self, columns: Sequence[str] | None) -> Iterator[Callable[[], RowChunk]]:
        if self._document is not None:
            for start in range(0, len(self._document), ROWS_PER_CHUNK):
                part = self._document[start : start + ROWS_PER_CHUNK]
                yield _array_chunk(part, list(range(len(part))), len(part), columns)
            return
        with ByteStream(self.path) as stream:
            utf8 = Utf8Blocks(stream.blocks(), self._encoding)
            elements = _ArrayElements(utf8, self.name)
            rows: list[Any] = []
            lines: list[int] = []
            first = 0
            for line, row in elements:
                rows.append(as_row(row) if self._has_lists else row)
                lines.append(line - first)
                if len(rows) == ROWS_PER_CHUNK:
                    yield _array_chunk(rows, lines, elements.line - first, columns)
                    rows, lines, first = [], [], elements.line
            if rows:
                yield _array_chunk(rows, lines, elements.line - first, columns)
            self.details.update(utf8.details)


def _array_chunk(
    rows: list[Any], lines: list[int], num_lines: int, columns: Sequence[str] | None
) -> Callable[[], RowChunk]:
    return lambda: _chunk_of(list(zip(lines, rows, strict=True)), [], num_lines, columns)


def _read_lines(data: bytes, columns: Sequence[str] | None) -> RowChunk:
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    num_lines = len(ends)
    if columns is not None and not (np.diff(ends) == 1).any():
        table = _read_regular(data, columns, num_lines)
        if table is not None:
            return RowChunk(table, lambda: np.arange(num_lines), num_lines)
    rows: list[tuple[int, Any]] = []
    unreadable: list[InvalidRow] = []
    for line, raw in enumerate(data.decode("utf-8", "surrogateescape").split("\n")):
        if not raw.strip(_SPACE):
            continue
        try:
            rows.append((line, json.loads(raw)))
        except (ValueError, RecursionError) as error:
            detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            unreadable.append(
                InvalidRow(line, reasons.NOT_JSON, detail=excerpt(detail), excerpt=excerpt(raw))
            )
    return _chunk_of(rows, unreadable, num_lines, columns)


def _chunk_of(
    rows: list[tuple[int, Any]],
    unreadable: list[InvalidRow],
    num_lines: int,
    columns: Sequence[str] | None,
) -> RowChunk:
    objects = [(line, row) for line, row in rows if isinstance(row, dict)]
    for line, row in rows:
        if not isinstance(row, dict):
            detail = f"a {type(row).__name__}, not an object"
            unreadable.append(
                InvalidRow(line, reasons.NOT_JSON, detail=detail, excerpt=excerpt(row))
            )
    unreadable.sort(key=lambda row: row.line)
    table: dict[str, list[Any]] = {"row": [row for _, row in objects]}
    if columns is not None:
        table = {name: [row.get(name) for _, row in objects] for name in columns}
    lines = np.asarray([line for line, _ in objects], int)
    return RowChunk(table, lambda: lines, num_lines, unreadable)


def _read_regular(data: bytes, columns: Sequence[str], num_lines: int) -> pa.Table | None:
    """Read with Arrow, if every line is one object of strings."""
    if not data.endswith(b"\n") or data[:1] in (b"\n", b"\r", b" "):
        return None
    schema = _schema_of(data[: data.index(b"\n")], columns)
    if schema is None:
        return None
    try:
        table = pyarrow.json.read_json(
            pa.BufferReader(data),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore"
            ),
        )
        # Otherwise the file does not have one object on each line.
        return table if table.num_rows == num_lines else None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _schema_of(line: bytes, columns: Sequence[str]) -> pa.Schema | None:
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(first, dict):
        return None
    fields = []
    for name in columns:
        value = first.get(name)
        if isinstance(value, str):
            fields.append((name, pa.string()))
        elif isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            fields.append((name, pa.list_(pa.string())))
        else:
            return None
    return pa.schema(fields)


class _ArrayElements:
    """The elements of a JSON array, one by one, each with its line."""

    def __init__(self, blocks: Utf8Blocks, name: str) -> None:
        self._blocks = iter(blocks)
        self._name = name
        self._pending = b""
        self._text = ""
        self._position = 0
        self._decoder = json.JSONDecoder()
        self.line = 0

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        self._skip_space()
        self._expect("[")
        if self._peek() == "]":
            self._finish()
            return
        while True:
            self._skip_space()
            line = self.line
            yield line, self._element()
            if self._peek() == "]":
                self._finish()
                return
            self._expect(",")

    def _more(self) -> bool:
        """Read the next block up to the end of a line or object, so that no token is cut."""
        block = next(self._blocks, None)
        if block is None:
            if not self._pending:
                return False
            data, self._pending = self._pending, b""
        else:
            data = self._pending + block
            cut = max(data.rfind(b"\n"), data.rfind(b"}")) + 1
            data, self._pending = data[:cut], data[cut:]
            if len(self._pending) > _MAX_OBJECT:
                raise self._broken("a value does not end")
        self._text = self._text[self._position :] + data.decode("utf-8", "surrogateescape")
        self._position = 0
        return True

    def _skip_space(self) -> None:
        while True:
            while self._position < len(self._text) and self._text[self._position] in _SPACE:
                self.line += self._text[self._position] == "\n"
                self._position += 1
            if self._position < len(self._text) or not self._more():
                return

    def _peek(self) -> str:
        self._skip_space()
        return self._text[self._position : self._position + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._broken(f"{character!r} is missing")
        self._position += 1

    def _finish(self) -> None:
        self._position += 1
        if self._peek():
            raise self._broken("something follows the end of the array")

    def _element(self) -> Any:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except RecursionError:
                raise self._broken("nested too deeply") from None
            except ValueError as error:
                if len(self._text) - self._position < _MAX_OBJECT and self._more():
                    continue
                raise self._broken(str(error)) from None
            if end == len(self._text) and self._more():
                # A number may continue in the next block.
                continue
            self.line += self._text.count("\n", self._position, end)
            self._position = end
            return value

    def _broken(self, reason: str) -> InvalidDataError:
        shown = excerpt(self._text[self._position : self._position + 100])
        return InvalidDataError(
            f"{self._name}, line {self.line + 1}: not JSON ({reason}): {shown}. Correct the file, "
            "or write it as JSON Lines, one object a line: a broken line then affects no other."
        )
