"""Checks that the values of a JSON file have the types that are declared for them."""

from __future__ import annotations

import types
import typing
from typing import Any

_NUMBERS = {int: (int,), float: (int, float)}


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value read from JSON is of a type.

    Args:
        value: anything that `json.loads` returns.
        kind: a type as an annotation writes it: `str`, `bool`, `int`, `float`,
            `list[...]`, `dict[str, ...]`, `Any`, or several with `|`. An integer is
            a `float` too, and a bool is no number.

    Returns:
        A bool.

    Example:
    >>> fits([1, 2.5], list[float] | None), fits(True, int)
    (True, False)
    """
    if kind is Any:
        return True
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in arguments)
    if origin is list:
        return isinstance(value, list) and all(fits(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, arguments[1]) for one in value.values())
    if kind in _NUMBERS:
        return isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool)
    return isinstance(value, kind)


def wrong_field(record: Any) -> str | None:
    """Return the first field of a dataclass whose value is not of the type declared.

    Args:
        record: a dataclass made of what a JSON file holds.

    Returns:
        A string, the field's name, or `None` if all are right.
    """
    kinds = typing.get_type_hints(type(record))
    return next((n for n, kind in kinds.items() if not fits(getattr(record, n), kind)), None)
