"""The parameters of a template: type, default, range and meaning of each.

Parameters are fields of a frozen dataclass. The metadata of a field describe its values;
checks, listings and the command line use them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.utils.records import fits

_KEY = "keras_textcls"
_KINDS = {"int": "an integer", "float": "a number", "bool": "True or False", "str": "a string"}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a template.

    Args:
        name: string. Defaults to `""`, before it is a field.
        kind: `"int"`, `"float"`, `"bool"`, `"str"`, `"strings"` or `"floats"`,
            the type of a value.
        default: the default value.
        meaning: string, one sentence.
        low: lowest value, or `None`.
        high: highest value, or `None`.
        above: exclusive lower bound, or `None`.
        below: exclusive upper bound, or `None`.
        choices: tuple of the values allowed, or `()` for any value.
        or_none: bool, whether `None` is allowed too.
    """

    kind: str
    default: Any
    meaning: str
    name: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    or_none: bool = False

    @property
    def range(self) -> str:
        """The allowed range in words; empty if all values of the type are allowed."""
        if self.choices:
            return ", ".join(map(repr, self.choices))
        bounds = [
            f"{word} {bound if isinstance(bound, int) else f'{bound:g}'}"
            for word, bound in (
                ("of at least", self.low),
                ("above", self.above),
                ("at most", self.high),
                ("below", self.below),
            )
            if bound is not None
        ]
        return " and ".join(bounds)

    @property
    def wanted(self) -> str:
        """The type and the range of a value, in words."""
        many = {"strings": "a list of different strings", "floats": "a list of numbers"}
        words = many.get(self.kind) or _KINDS[self.kind]
        words += f" {self.range}" if self.range else ""
        words = f"one of {self.range}" if self.choices else words
        return f"{words}, or None" if self.or_none else words

    def read(self, value: Any, owner: str) -> Any:
        """Check a value.

        Args:
            value: anything.
            owner: string, name of the template in the message.

        Returns:
            The value; numbers as Python numbers.

        Raises:
            ArgumentError: the value has the wrong type or is out of range.
        """
        if value is None and self.or_none:
            return None
        try:
            found = self._convert(value)
        except OverflowError:
            found = None  # More digits than a number of the machine has.
        if found is None or not self._is_in_range(found):
            raise ArgumentError(
                f"The parameter `{self.name}` of the template {owner!r} must be {self.wanted}. "
                f"Received: {self.name}={shorten(value)} of type {type(value).__name__}."
            )
        return found

    def from_text(self, value: Any) -> Any:
        """Convert a string from YAML or the command line to a number, for numeric parameters.

        YAML reads `1e-4` as a string.

        Args:
            value: anything.

        Returns:
            The number, or the value itself if it is not a number.
        """
        if self.kind == "strings" and isinstance(value, str):
            return [value]
        if self.kind not in ("int", "float", "floats"):
            return value
        if isinstance(value, (list, tuple)):
            return [self.from_text(v) for v in value]
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value

    def _convert(self, value: Any) -> Any:
        """The value in its own type, or `None`."""
        if self.kind in ("strings", "floats"):
            return self._convert_many(value)
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, str) and value in self.choices:
            return value  # Such as "auto", in place of a number.
        if self.kind in ("bool", "str"):
            return value if fits(value, {"bool": bool, "str": str}[self.kind]) else None
        if not fits(value, float) or not math.isfinite(value):
            return None
        if self.kind == "float":
            return float(value)
        return int(value) if value == int(value) else None

    def _convert_many(self, value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str):
            return None
        one = "str" if self.kind == "strings" else "float"
        values = tuple(dataclasses.replace(self, kind=one)._convert(v) for v in value)
        # An empty list says nothing, and a value twice says it once.
        return None if None in values or not values or len(set(values)) < len(values) else values

    def _is_in_range(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        values = value if isinstance(value, tuple) else (value,)
        return all(
            (self.low is None or v >= self.low)
            and (self.above is None or v > self.above)
            and (self.high is None or v <= self.high)
            and (self.below is None or v < self.below)
            for v in values
        )


def parameter(kind: str, default: Any, meaning: str, **limits: Any) -> Any:
    """Declare a parameter as the field of a dataclass.

    Args:
        kind: string, as in `Parameter`.
        default: the default value.
        meaning: string.
        **limits: `low`, `high`, `above`, `below`, `choices` and `or_none` of
            `Parameter`.

    Returns:
        What `dataclasses.field` returns.
    """
    described = Parameter(kind, default, meaning, **limits)
    return dataclasses.field(default=default, metadata={_KEY: described})


def parameters_of(template: Any) -> dict[str, Parameter]:
    """Return the parameters of a template.

    Args:
        template: a dataclass, or an instance of one, whose fields
            `parameter` declared.

    Returns:
        A dict from name to `Parameter`, in the order of their declaration.
    """
    return {
        field.name: dataclasses.replace(field.metadata[_KEY], name=field.name)
        for field in dataclasses.fields(template)
        if _KEY in field.metadata
    }
