"""The exceptions of keras-textcls, all of them, in one tree.

    KerasTextclsError
    ├── InvalidDataError          texts or labels that cannot be used (ValueError)
    │   └── UnknownLabelError     a label that the model or the data set does not have
    ├── ArgumentError             arguments that are wrong or contradict (ValueError)
    ├── PresetError               a preset that is missing, broken or refused (ValueError)
    ├── RunError                  a training run that failed, is missing or in use (RuntimeError)
    ├── ProcessError              a forked process in which nothing can be computed (RuntimeError)
    └── MissingDependencyError    an optional package is not installed (ImportError)

Every message names the argument or file, the value received (shortened) and
the remedy. The leaves are also the builtin exceptions that Python users catch
for such cases.
"""

from __future__ import annotations

import difflib
import inspect
import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any


class KerasTextclsError(Exception):
    """Base class of every error that keras-textcls raises on purpose."""


class InvalidDataError(KerasTextclsError, ValueError):
    """Texts or labels cannot be used; the message says which and why.

    Args:
        message: string.
        invalid_rows: sequence of `InvalidRow`, all rows of a file that cannot
            be used, where they are why it was not read. Defaults to `()`.
    """

    def __init__(self, message: str = "", invalid_rows: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.invalid_rows = invalid_rows


class UnknownLabelError(InvalidDataError):
    """A label is not among the known ones; the message names the nearest."""


class ArgumentError(KerasTextclsError, ValueError):
    """An argument has a wrong value, or two arguments contradict each other."""


class PresetError(KerasTextclsError, ValueError):
    """A preset cannot be found, read, trusted or written."""


class RunError(KerasTextclsError, RuntimeError):
    """A training run fails, or is missing, broken, in use or not what was asked for."""


class ProcessError(KerasTextclsError, RuntimeError):
    """A process was forked from one in which the backend ran, and has none of its threads."""


class MissingDependencyError(KerasTextclsError, ImportError):
    """An optional package is needed; the message names the extra to install."""


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist = _short.maxtuple = _short.maxdict = 4


def shorten(value: object) -> str:
    """Return `repr(value)`, cut to a length that fits an error message.

    Args:
        value: any object.

    Returns:
        A string; long strings and containers are cut in the middle.

    Example:
    >>> shorten("x" * 200)[:6]
    "'xxxxx"
    """
    return _short.repr(value)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a sentence with the nearest names, or nothing.

    Args:
        name: string, what was asked for.
        names: iterable of strings, what there is.

    Returns:
        A string that begins with a space unless it is empty.
    """
    names = sorted(names)
    begin = [other for other in names if name and other.startswith(name)]
    close = difflib.get_close_matches(name, names, n=3)
    near = list(dict.fromkeys([*begin, *close]))[:3]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def refuse_unknown_arguments(
    constructor: Callable[..., Any], given: Iterable[str], others: Iterable[str]
) -> None:
    """Refuse keyword arguments that a Keras constructor would swallow.

    Args:
        constructor: a class.
        given: iterable of strings, the names in its `**kwargs`.
        others: iterable of strings, names that those may have.

    Raises:
        ArgumentError: a name is not among them; the message names the nearest.
    """
    others = list(others)
    known = [*inspect.signature(constructor).parameters, *others]
    for name in sorted(set(given) - set(others)):
        raise ArgumentError(
            f"{constructor.__name__} has no argument {name!r}.{did_you_mean(name, known)} "
            "Its documentation lists them."
        )
