"""ARFF files, by liac-arff: attributes as columns, classes in the order of their attribute."""

from __future__ import annotations

import importlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_textcls.data.formats.byte_streams import ByteStream
from keras_textcls.data.formats.encodings import Utf8Blocks, check_encoding
from keras_textcls.data.formats.tables import RowsSource
from keras_textcls.data.rows.columns import USUAL_NAMES
from keras_textcls.data.rows.source import ROWS_PER_CHUNK
from keras_textcls.errors import InvalidDataError, MissingDependencyError

TOOL = "ARFF"
_MAX_LINE = 64 << 20
_BEGIN = re.compile(r"\s*(?:%[^\n]*\n\s*)*@relation\s", re.IGNORECASE)


def is_arff(sample: str) -> bool:
    r"""Return whether the beginning of a file is that of an ARFF file.

    Args:
        sample: string.

    Returns:
        A bool.

    Example:
    >>> is_arff("% comment\n@RELATION mails\n")
    True
    """
    return _BEGIN.match(sample) is not None


class ArffSource(RowsSource):
    """The rows of an ARFF file.

    Args:
        path: `Path`.
        encoding: string, `"auto"` or a codec. Defaults to `"auto"`.

    Raises:
        MissingDependencyError: liac-arff is not installed.
        InvalidDataError: the file cannot be read.
    """

    def __init__(self, path: Path, encoding: str = "auto") -> None:
        try:
            self._arff: Any = importlib.import_module("arff")
        except ImportError:
            raise MissingDependencyError(
                f"Reading {path.name} needs liac-arff. Install it: pip install liac-arff."
            ) from None
        self._path = path
        self._encoding = check_encoding(encoding)
        attributes = self._decoded()["attributes"]
        names = [str(name) for name, _ in attributes]
        super().__init__(str(path), self._rows, names, {"tool": TOOL})
        nominal = {str(name): list(kind) for name, kind in attributes if isinstance(kind, list)}
        strings = [str(name) for name, kind in attributes if kind == "STRING"]
        self.class_names = nominal
        self.usual_roles: dict[str, str] = {}
        # Without a usual name, it is the only column of its kind.
        for role, candidates in {"text": strings, "label": list(nominal)}.items():
            if len(candidates) == 1 and candidates[0].lower() not in USUAL_NAMES:
                self.usual_roles[role] = candidates[0]

    def _rows(self) -> Iterator[dict[str, list[Any]]]:
        rows = self._checked(iter(self._decoded()["data"]))
        while held := list(itertools.islice(rows, ROWS_PER_CHUNK)):
            yield {name: [row[i] for row in held] for i, name in enumerate(self.columns)}

    def _checked(self, rows: Iterator[Any]) -> Iterator[Any]:
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except InvalidDataError:
                raise
            except (self._arff.ArffException, ValueError, LookupError, TypeError) as error:
                raise self._broken(error) from None
            yield row

    def _decoded(self) -> Any:
        try:
            return self._arff.load(
                _Lines(self._path, self._encoding), return_type=self._arff.DENSE_GEN
            )
        except InvalidDataError:
            raise
        except (self._arff.ArffException, ValueError, LookupError, TypeError) as error:
            raise self._broken(error) from None

    def _broken(self, error: BaseException) -> InvalidDataError:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return InvalidDataError(
            f"{self._path} cannot be read: {reason}. It must be an ARFF file, with a value for "
            "each attribute in every row."
        )


class _Lines:
    """The lines of a file."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._encoding = encoding

    def __iter__(self) -> Iterator[str]:
        with ByteStream(self._path) as stream:
            rest = b""
            for block in Utf8Blocks(stream.blocks(), self._encoding):
                *lines, rest = (rest + block).split(b"\n")
                if len(rest) > _MAX_LINE:
                    raise InvalidDataError(
                        f"{self._path} has a line of more than {_MAX_LINE >> 20} MiB. In an ARFF "
                        "file each row is a line."
                    )
                yield from (line.decode("utf-8", "surrogateescape") for line in lines)
            if rest:
                yield rest.decode("utf-8", "surrogateescape")
