"""NLU training data of Rasa in YAML: intents with examples, entities taken out of the texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from keras_textcls.data.formats.byte_streams import ByteStream
from keras_textcls.data.formats.encodings import Utf8Blocks, check_encoding
from keras_textcls.data.formats.tables import RowsSource
from keras_textcls.errors import InvalidDataError

TOOL = "Rasa"
_KINDS = ("synonym", "lookup", "regex")
_MAX_SIZE = 256 << 20
_DEEPEST = 50
# `[words](entity)`, `[words](entity:value)`, `[words]{"entity": "city", "role": "from"}`.
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\}|\[\{[^\[\]]*\}\])(?:\([^()]*\))?")
_BULLET = re.compile(r"^[ \t]*-[ \t]*", re.MULTILINE)
_PARSER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def rasa_source(path: Path, encoding: str = "auto") -> RowsSource:
    """Read a YAML file of Rasa's NLU training data.

    Args:
        path: `Path`.
        encoding: string, `"auto"` or a codec. Defaults to `"auto"`.

    Returns:
        A `RowsSource` with the columns `text` and `label`.

    Raises:
        InvalidDataError: the file is no YAML, or holds no intent.
    """
    with ByteStream(path) as stream:
        utf8 = Utf8Blocks(stream.blocks(), check_encoding(encoding))
        data = bytearray()
        for block in utf8:
            data += block
            if len(data) > _MAX_SIZE:
                raise InvalidDataError(
                    f"{path} is larger than {_MAX_SIZE >> 20} MiB, which no YAML file of Rasa is. "
                    "Pass CSV or JSON Lines for large data."
                )
        details = {**utf8.details, "tool": TOOL, "form": "NLU YAML"}
    document = _document(path, data.decode("utf-8", "surrogateescape"))
    items = document.get("nlu") if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise InvalidDataError(
            f"{path} is YAML without a list `nlu`, and so no training data of Rasa. Of YAML, only "
            "these are read; write other data as JSON Lines."
        )
    rows = [row for item in items for row in _examples(item)]
    if not rows:
        raise InvalidDataError(f"{path} holds no intent with examples. Pass Rasa's NLU data.")
    left = {k: sum(isinstance(i, Mapping) and k in i for i in items) for k in _KINDS}
    if any(left.values()):
        details["left out"] = ", ".join(f"{n} {kind}" for kind, n in left.items() if n)
    columns = {"text": [text for text, _ in rows], "label": [intent for _, intent in rows]}
    return RowsSource(str(path), lambda: iter([columns]), ["text", "label"], details)


def _document(path: Path, text: str) -> Any:
    """The content; all scalars are strings, since `yes` and `1.0` may be names of intents."""
    depth = 0
    try:
        # A text that was made to fill the memory refers to its own parts again and again.
        for event in yaml.parse(text, Loader=_PARSER):
            depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
            depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
            if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
                kind = "nested too deeply" if depth > _DEEPEST else "it has aliases (`*name`)"
                raise InvalidDataError(
                    f"{path} is not read: {kind}, which training data of Rasa have no use for. "
                    "Write the examples out."
                )
        return yaml.load(text, Loader=_PARSER)
    except InvalidDataError:
        raise
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InvalidDataError(f"{path} cannot be read: not YAML ({reason}).") from None


def _examples(item: Any) -> Iterator[tuple[str, str]]:
    """The texts of an item with its intent; synonyms, lookup tables and patterns have none."""
    if not isinstance(item, Mapping) or not isinstance(item.get("intent"), str):
        return
    given = item.get("examples")
    if isinstance(given, list):
        given = [e.get("text") if isinstance(e, Mapping) else e for e in given]
        texts = [text for text in given if isinstance(text, str)]
    else:
        # An example begins with a hyphen, and may go on in the next lines.
        texts = _BULLET.split(given)[1:] if isinstance(given, str) else []
    for text in texts:
        plain = _ENTITY.sub(r"\1", text).strip()
        yield _BULLET.sub("", plain) if isinstance(given, list) else plain, item["intent"].strip()
