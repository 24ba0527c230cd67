"""Lists in the cells of a CSV file, as numpy, Python or JSON print them."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TOKEN = re.compile(
    rf"\s*(?:(?P<string>{_STRING})|(?P<open>\[|array\(\s*\[)|(?P<close>\](?:,\s*dtype=\w+)?\)?)"
    r"|(?P<comma>,)|(?P<none>None|nan|null)|(?P<number>-?\d+(?:\.\d*)?(?:e[+-]?\d+)?))",
    re.DOTALL,
)
_DEEPEST = 8


def printed_list(cell: str) -> list[Any] | None:
    r"""Read a list that was printed into a cell; only literals are read, no code is run.

    Args:
        cell: string.

    Returns:
        A list of strings, numbers, `None` and lists, or `None` if the cell is no such list.

    Example:
    >>> printed_list("['late parcel'\n 'refund']")
    ['late parcel', 'refund']
    """
    try:
        value = json.loads(cell)
        return value if isinstance(value, list) else None
    except (ValueError, RecursionError):
        return _scanned(cell.rstrip())


def _scanned(cell: str) -> list[Any] | None:
    whole: list[Any] = []
    open_lists = [whole]
    position = 0
    while position < len(cell):
        token = _TOKEN.match(cell, position)
        if token is None or len(open_lists) > _DEEPEST or (len(open_lists) == 1 and whole):
            return None
        position = token.end()
        if token["open"]:
            open_lists[-1].append([])
            open_lists.append(open_lists[-1][-1])
        elif len(open_lists) == 1:
            return None
        elif token["close"]:
            open_lists.pop()
        elif not token["comma"]:
            open_lists[-1].append(_literal(token))
    return whole[0] if len(open_lists) == 1 and whole else None


def _literal(token: re.Match[str]) -> Any:
    if token["string"]:
        try:
            return ast.literal_eval(token["string"])
        except (ValueError, SyntaxError):
            # A line break, or an escape that is none, within quotes.
            return token["string"][1:-1]
    return None if token["none"] else float(token["number"])
