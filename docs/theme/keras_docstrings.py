"""Reads docstrings in Keras's form, whose examples are not indented below `Example:`."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Examples?:\n((?:(?!\n\n[A-Z]\w*:\n).)+)", re.MULTILINE | re.DOTALL)


class KerasDocstrings(griffe.Extension):
    """Indents examples, so that they are shown as code with its output."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Change the docstring of an object that was just loaded."""
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(_indented, obj.docstring.value)


def _indented(found: re.Match[str]) -> str:
    lines = found[1].rstrip("\n").split("\n")
    return "Examples:\n" + "\n".join(f"    {line}" if line else "" for line in lines)
