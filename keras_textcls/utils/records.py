"""JSON files, read into dataclasses whose annotations say what the file may hold."""

from __future__ import annotations

import dataclasses
import json
import math
import stat
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from keras_textcls.errors import KerasTextclsError, shorten

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LISTS = (list, tuple, Sequence)
_WORDS = {
    str: "a string", bool: "true or false", int: "an integer", float: "a number", Any: "a value",
    types.NoneType: "null",
}  # fmt: skip
_NUMBERS = {int: (int,), float: (int, float)}
# Far more than any file of ours or of Keras nests, and far less than Python's stack.
_MOST_NESTED = 100
_Record = TypeVar("_Record", bound="DataclassInstance")


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The range of a number, as `Annotated[float, Bounds(above=0)]`. It must be finite.

    Args:
        low: lowest value, or `None`. Defaults to `None`.
        high: highest value, or `None`. Defaults to `None`.
        above: exclusive lower bound, or `None`. Defaults to `None`.
        below: exclusive upper bound, or `None`. Defaults to `None`.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def hold(self, value: float) -> bool:
        """Return whether a number is in the range."""
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """The range in words."""
        bounds = {
            "of at least": self.low, "above": self.above, "at most": self.high, "below": self.below,
        }  # fmt: skip
        return " and ".join(f"{k} {v:,g}" for k, v in bounds.items() if v is not None) or "finite"


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value read from JSON is of a type.

    Args:
        value: anything that `json.loads` returns.
        kind: a type as an annotation writes it: `str`, `bool`, `int`, `float`,
            `list[...]`, `tuple[..., ...]`, `Sequence[...]`, `dict[str, ...]`,
            `Literal[...]`, a dataclass, `Any`, or several with `|`; a number
            `Annotated` with `Bounds`. A tuple and a sequence are a JSON array, a
            dataclass is a JSON object. An integer is a `float` too, if a float
            can hold it, and a bool is no number.

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
    if origin is typing.Annotated:
        return fits(value, arguments[0]) and arguments[1].hold(value)
    if origin is typing.Literal:
        # Of its own type: 1 is no True, and an object has no hash.
        return any(value == one and type(value) is type(one) for one in arguments)
    if origin in _LISTS:
        return isinstance(value, list) and all(fits(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, arguments[1]) for one in value.values())
    if kind in _NUMBERS:
        is_number = isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool)
        return is_number and (kind is int or _is_float(value))
    return isinstance(value, dict if dataclasses.is_dataclass(kind) else kind)


def _is_float(value: float) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _is_nested_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            one
            for parent in level
            for one in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(one, (dict, list))
        ]
        if not level:
            return False
    return True


def in_words(kind: Any) -> str:
    """Return a type that `fits` knows in the words of error messages.

    Args:
        kind: a type.

    Returns:
        A string.

    Example:
    >>> in_words(list[str] | None)
    'a list of strings or null'
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(map(in_words, arguments))
    if origin is typing.Annotated:
        return f"{in_words(arguments[0])} {arguments[1]}"
    if origin is typing.Literal:
        return " or ".join(map(json.dumps, arguments))
    if origin in _LISTS:
        # Of "a string", "strings".
        if typing.get_origin(arguments[0]) is typing.Annotated:
            number, bounds = typing.get_args(arguments[0])
            return f"{in_words(list[number])} {bounds}".removesuffix(" finite")  # type: ignore[valid-type]
        return f"a list of {in_words(arguments[0]).split()[-1]}s"
    if origin is dict and arguments[1] is not Any:
        return f"an object whose values are {in_words(arguments[1]).split()[-1]}s"
    return _WORDS.get(kind, "an object")


@dataclasses.dataclass(frozen=True)
class JsonFile:
    """A JSON file as its errors describe it.

    Args:
        name: string, the file, such as `"run.json of the run 'runs/sms/1'"`.
        error: the class of the errors.
        remedy: string, a sentence that says what to do about a broken file.
        newest: int, the `schema_version` that is written today. Defaults to `1`.
    """

    name: str
    error: type[KerasTextclsError]
    remedy: str
    newest: int = 1

    def load(self, path: Path, thing: str, saver: str) -> dict[str, Any]:
        """Return what a file holds.

        Args:
            path: `Path`.
            thing: string, what a directory with this file is, such as `"run"`.
            saver: string, the function that writes it.

        Returns:
            A dict.

        Raises:
            KerasTextclsError: of the class `error`: there is no such file, it
                cannot be read, or it holds no JSON object.
        """
        contents = self._parse(path, thing, saver)
        if not isinstance(contents, dict):
            raise self.broken(f"it must hold a JSON object. Received: {shorten(contents)}")
        return contents

    def load_list(self, path: Path) -> list[Any]:
        """Return the list that a file holds.

        Args:
            path: `Path` of a file that exists.

        Returns:
            A list.

        Raises:
            KerasTextclsError: of the class `error`: it cannot be read, or holds
                no JSON array.
        """
        contents = self._parse(path, "preset", "save_to_preset()")
        if not isinstance(contents, list):
            raise self.broken(f"it must hold a JSON array. Received: {shorten(contents)}")
        return contents

    def _parse(self, path: Path, thing: str, saver: str) -> Any:
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                # Reading it could wait for ever.
                raise self.broken("it is a pipe, a socket or a device, not a file")
            contents = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise self.error(
                f"{path.parent} is no {thing}: it has no {path.name}. Pass a directory that "
                f"{saver} wrote."
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise self.broken(f"{error!s:.200}") from None
        if isinstance(contents, (dict, list)) and _is_nested_deeper(contents, _MOST_NESTED):
            raise self.broken(f"it nests objects more than {_MOST_NESTED} deep")
        return contents

    def read(self, kind: type[_Record], contents: dict[str, Any], place: str = "") -> _Record:
        """Make a dataclass of what the file holds.

        Objects in it become the dataclasses that the annotations name. Unknown
        fields of the file are left out, those of an object in it are refused.

        Args:
            kind: a dataclass whose fields have types that `fits` knows.
            contents: dict, of the file, with `schema_version`, or of an object in it.
            place: string, where that object stands, such as `"base."`. Defaults
                to `""`, the whole file.

        Returns:
            An instance of `kind`.

        Raises:
            KerasTextclsError: of the class `error`: the schema is newer, or a
                field is missing, or has a value that it cannot have.
        """
        if not place:
            self._check_schema(contents.get("schema_version"))
        kinds, values = typing.get_type_hints(kind, include_extras=True), {}
        unknown = set(contents) - set(kinds) if place else set()
        if unknown:
            raise self.broken(f"it has an unknown field {shorten(place + min(unknown))}")
        for field in dataclasses.fields(kind):
            name, wanted = f"{place}{field.name}", kinds[field.name]
            if field.name in contents:
                values[field.name] = self._value(contents[field.name], wanted, name)
            elif field.default is field.default_factory:  # It has neither.
                raise self.broken(f"it has no `{name}`, which must be {in_words(wanted)}")
        try:
            return kind(**values)
        except KerasTextclsError as error:
            raise self.broken(f"`{place[:-1]}`: {str(error).rstrip('.')}") from error

    def broken(self, reason: str) -> KerasTextclsError:
        """Return the error that says what is wrong with the file.

        Args:
            reason: string, what is wrong, without a full stop.

        Returns:
            An instance of `error`.
        """
        return self.error(f"{self.name} is broken: {reason}. {self.remedy}")

    def _value(self, value: Any, kind: Any, name: str) -> Any:
        """A value as its type has it: JSON knows neither tuples nor dataclasses."""
        if not fits(value, kind):
            wanted = in_words(kind)
            raise self.broken(f"`{name}` must be {wanted}. Received: {shorten(value)}")
        for one in (kind, *typing.get_args(kind)):
            if isinstance(value, dict) and isinstance(one, type) and dataclasses.is_dataclass(one):
                return self.read(one, value, f"{name}.")
            if isinstance(value, list) and typing.get_origin(one) is tuple:
                return tuple(value)
        return value

    def _check_schema(self, version: Any) -> None:
        if not fits(version, int) or version < 1:
            raise self.broken(f"it has no `schema_version`. Received: {shorten(version)}")
        if version > self.newest:
            raise self.error(
                f"{self.name} was written by a newer version of keras-textcls (schema_version "
                f"{version}; this one reads up to {self.newest}). Update keras-textcls."
            )
