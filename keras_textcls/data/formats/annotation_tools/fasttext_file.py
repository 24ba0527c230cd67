"""Files of fastText: `__label__a __label__b text`, a text a line, labels anywhere in it.

doccano quotes a line by the rules of CSV where it holds a comma, a quote or a line break, and
ends it with the comments of the text, `__comment__...`. Such files are recognised by lines
that begin with a quote and a label, and whose quote is closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from keras_textcls.data.formats.byte_streams import ByteStream
from keras_textcls.data.formats.encodings import Utf8Blocks, check_encoding
from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.invalid_rows import InvalidRow, excerpt
from keras_textcls.data.rows.source import RowChunk
from keras_textcls.errors import InvalidDataError

TOOL = "fastText"
PREFIX = "__label__"
# fastText's own white space, and what follows a label of a line.
_SPACE = r"[ \t\v\f\r\0]"
_LABEL = re.compile(rf"(?<![^ \t\v\f\r\0\n])__label__([^ \t\v\f\r\0\n]*){_SPACE}*")
_COMMENT = re.compile(rf"{_SPACE}*(?<![^ \t\v\f\r\0\n])__comment__.*", re.DOTALL)
_BEGIN = re.compile(r"\"?[ \t]*__label__[^\s,;]+(?:[ \t]|$)")
_ANYWHERE = re.compile(r"(?:^|[ \t])__label__[^\s,;\"]+(?:[ \t]|$)")
# A record in quotes that begins with a label.
_QUOTED = re.compile(r'^" ?__label__(?:[^"]++|"")*+"[ \t\r]*$', re.MULTILINE)
_BLOCK = 1 << 20
_MAX_LINE = 64 << 20
_SAMPLE = 1 << 16


def is_fasttext(sample: str) -> bool:
    r"""Return whether the beginning of a file has the form of fastText.

    Args:
        sample: string; its last line may be cut.

    Returns:
        A bool: whether at least half of its lines have a label as a word of their own,
        the first line too.

    Example:
    >>> is_fasttext("__label__spam free money\n__label__ham see you at six\n")
    True
    """
    lines = [line for line in sample.split("\n") if line.strip()]
    if not lines or PREFIX not in sample:
        return False
    marked = sum(bool(_BEGIN.match(line) or _ANYWHERE.search(line)) for line in lines)
    has_first = bool(_BEGIN.match(lines[0]) or _ANYWHERE.search(lines[0]))
    return has_first and 2 * marked >= len(lines)


class FastTextSource:
    """A file of fastText, plain or compressed.

    Args:
        path: `Path`.
        encoding: string, `"auto"` or a codec. Defaults to `"auto"`.

    Raises:
        InvalidDataError: the file cannot be read.
    """

    def __init__(self, path: Path, encoding: str = "auto") -> None:
        self.name = str(path)
        self.path = path
        self.columns = ["text", "label"]
        self.first_line = 1
        self._encoding = check_encoding(encoding)
        with ByteStream(path) as stream:
            blocks = Utf8Blocks(stream.blocks(_SAMPLE), self._encoding)
            sample = next(iter(blocks), b"").decode("utf-8", "surrogateescape")
            self.details = {**blocks.details, "tool": TOOL}
            if stream.compression:
                self.details["compression"] = stream.compression
        self._is_quoted = _QUOTED.search(sample) is not None
        if self._is_quoted:
            self.details["form"] = "lines quoted as in CSV, as doccano writes them"

    def chunks(self, columns: Sequence[str]) -> Iterator[Callable[[], RowChunk]]:
        """Yield functions that read some lines each; see `Source`."""
        with ByteStream(self.path) as stream:
            utf8 = Utf8Blocks(stream.blocks(_BLOCK), self._encoding)
            rest = b""
            for block in utf8:
                data = rest + block
                end = self._end(data)
                if not end and len(data) > _MAX_LINE:
                    raise InvalidDataError(
                        f"{self.name} has a line of more than {_MAX_LINE >> 20} MiB. In the form "
                        "of fastText each text is a line."
                    )
                if end:
                    yield lambda data=data[:end]: self._read(data)  # type: ignore[misc]
                rest = data[end:]
            if rest:
                yield lambda: self._read(rest)
            self.details.update(utf8.details)

    def _end(self, data: bytes) -> int:
        """The end of the last line that is complete."""
        end = data.rfind(b"\n") + 1
        if not self._is_quoted:
            return end
        # A line break within quotes ends no line.
        text = np.frombuffer(data, np.uint8)
        inside = np.cumsum(text == ord('"')) % 2
        ends = np.flatnonzero((text == ord("\n")) & (inside == 0))
        return int(ends[-1]) + 1 if len(ends) else 0

    def _read(self, data: bytes) -> RowChunk:
        text = data.decode("utf-8", "surrogateescape")
        texts: list[str] = []
        labels: list[list[str] | None] = []
        lines: list[int] = []
        unreadable: list[InvalidRow] = []
        line = 0
        for record in self._records(text):
            place, line = line, line + record.count("\n") + 1
            if not record.strip():
                continue
            if self._is_quoted and record.startswith('"'):
                if not record.rstrip("\r").endswith('"') or record.count('"') % 2:
                    shown = excerpt(record)
                    unreadable.append(InvalidRow(place, reasons.UNCLOSED_QUOTE, excerpt=shown))
                    continue
                record = record.rstrip("\r")[1:-1].replace('""', '"')
            if self._is_quoted:
                record = _COMMENT.sub("", record)
            found = [name for name in dict.fromkeys(_LABEL.findall(record)) if name.strip()]
            texts.append(_LABEL.sub("", record).strip(" \t\v\f\r\0"))
            labels.append(found or None)
            lines.append(place)
        cells = _as_table(texts, labels)
        return RowChunk(cells, lambda: np.asarray(lines, int), text.count("\n"), unreadable)

    def _records(self, text: str) -> Iterator[str]:
        parts: list[str] = []
        is_inside = False
        for line in text.removesuffix("\n").split("\n"):
            if self._is_quoted and (parts or line.startswith('"')):
                is_inside ^= line.count('"') % 2 == 1
            parts.append(line)
            if not is_inside:
                yield "\n".join(parts)
                parts = []
        if parts:
            yield "\n".join(parts)


def _as_table(texts: list[str], labels: list[list[str] | None]) -> pa.Table | dict[str, list[Any]]:
    """Columns of strings if each text has one label, which are read much faster."""
    cells: dict[str, list[Any]] = {"text": texts, "label": labels}
    kind = pa.list_(pa.string())
    if all(names is None or len(names) == 1 for names in labels):
        cells["label"] = [None if names is None else names[0] for names in labels]
        kind = pa.string()
    try:
        types = {"text": pa.string(), "label": kind}
        return pa.table({name: pa.array(c, types[name]) for name, c in cells.items()})
    except (pa.ArrowException, UnicodeEncodeError):
        return cells
