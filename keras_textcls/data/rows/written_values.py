"""Parses cells that are lists, sets or dicts written as text.

Data frames, NumPy, Hugging Face and JSON each write a list of labels in a form of their own:
`['joy', 'love']`, `['joy' 'love']`, `[0. 1.]`, `["joy", null]`, `{'joy'}`, `{"joy": 1}`,
`array(['joy'], dtype=object)`, `[np.str_('joy')]`. One strict grammar reads them all: what does
not follow it to the last character is no list but a name. Nothing is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# Longer cells are not labels.
MAX_LENGTH = 1 << 20
_MAX_DEPTH = 4
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<word>-?[A-Za-z_<][\w.]*>?)
      | (?P<mark>[][(){},:=])
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_WORDS = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
    "nan": None,
    "NaN": None,
    "<NA>": None,
    "NaT": None,
    "np.nan": None,
    "np.True_": True,
    "np.False_": False,
}
# `np.str_('joy')`, as NumPy 2 writes a value within a list.
_SCALAR = re.compile(r"(?:np|numpy)\.(?:str_|bool_?|float(?:16|32|64)|u?int(?:8|16|32|64))")
_LISTS = {"array", "np.array", "numpy.array", "tensor", "list", "tuple"}
_SETS = {"set", "frozenset"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "\n": ""}
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_END = ("end", "", True)


class _NotAListError(Exception):
    """The text does not follow the grammar. This error is always caught within this module."""


def might_be_list(text: str) -> bool:
    """Return whether a text without surrounding white space may be a list; fast.

    Args:
        text: string.

    Returns:
        A bool. If it is false, `parse_list` returns `None`.
    """
    return text.endswith(("]", ")", "}")) and text.startswith(tuple("[({asfntl"))


def parse_list(text: str) -> list[Any] | dict[str, Any] | set[Any] | None:
    """Read a list, tuple, set or dict that is written as text.

    Args:
        text: string.

    Returns:
        A list, set or dict of strings, numbers, bools, `None` and further lists;
        or `None` if the text is something else. A tuple of numbers, such as
        `"(18, 25)"`, is something else: a range is written so.

    Example:
    >>> parse_list("['joy' 'love']"), parse_list("[urgent]")
    (['joy', 'love'], None)
    """
    text = text.strip()
    if not might_be_list(text) or len(text) > MAX_LENGTH:
        return None
    try:
        parser = _Parser(text)
        value = parser.value(0)
        parser.expect("")
    except _NotAListError:
        return None
    if isinstance(value, tuple):
        return list(value) if all(isinstance(member, str) for member in value) else None
    return value if isinstance(value, (list, dict, set)) else None


def is_shortened(text: str) -> bool:
    """Return whether a text is a list of which NumPy has left out the middle.

    Args:
        text: string.

    Returns:
        A bool.

    Example:
    >>> is_shortened("[0 0 1 ... 0 1 0]"), is_shortened("[wait ... what]")
    (True, False)
    """
    text = text.strip()
    if text.startswith("array("):
        text = text[len("array(") : text.rfind("]") + 1]
    before, dots, after = text.partition(" ... ")
    if not dots:
        before, dots, after = text.partition(", ..., ")
    if not dots or not might_be_list(text):
        return False
    closing = after.rstrip()[-1:]
    opening = {"]": "[", ")": "(", "}": "{"}[closing]
    halves = (f"{before}{closing}", f"{opening}{after}")
    return all(isinstance(parse_list(half), list) for half in halves)


class _Parser:
    """A parser of one text, which looks one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._kind, self._token, self._is_apart = next(self._tokens)

    def _next(self) -> tuple[str, str]:
        taken = self._kind, self._token
        self._kind, self._token, self._is_apart = next(self._tokens, _END)
        return taken

    def _at(self, mark: str) -> bool:
        return self._kind == "mark" and self._token == mark

    def expect(self, mark: str) -> None:
        """Take a mark; the empty mark is the end."""
        kind, token = self._next()
        if kind not in ("mark", "end") or token != mark:
            raise _NotAListError

    def value(self, depth: int) -> Any:
        """Take one value."""
        kind, token = self._next()
        if depth > _MAX_DEPTH:
            raise _NotAListError
        if kind == "string":
            return _unescaped(token)
        if kind == "number":
            return float(token) if set(token) & set(".eE") else _int(token)
        if kind == "word":
            return self._named(token, depth)
        if kind == "mark" and token in "[(":
            return self._list(token, depth)
        if kind == "mark" and token == "{":
            return self._braces(depth)
        raise _NotAListError

    def _named(self, word: str, depth: int) -> Any:
        """A word such as `None`, or a call such as `array([...], dtype=object)`."""
        if not self._at("("):
            if word not in _WORDS:
                raise _NotAListError
            return _WORDS[word]
        self._next()
        if word in _SETS and self._at(")"):
            self._next()
            return set()
        value = self.value(depth + 1)
        is_list = isinstance(value, (list, tuple, set))
        if is_list != (word in _LISTS | _SETS) or not (is_list or _SCALAR.fullmatch(word)):
            raise _NotAListError
        while self._at(","):
            # `dtype=object`, `dtype='<U4'`
            self._next()
            if self._next() != ("word", "dtype"):
                raise _NotAListError
            self.expect("=")
            if self._next()[0] not in ("word", "string"):
                raise _NotAListError
        self.expect(")")
        return set(value) if word in _SETS and is_list else value

    def _list(self, opening: str, depth: int) -> Any:
        """Values separated by commas, or all by white space as NumPy writes them."""
        closing = _CLOSING[opening]
        values: list[Any] = []
        commas = 0
        while not self._at(closing):
            values.append(self.value(depth + 1))
            if self._at(","):
                commas += 1
                self._next()
            elif not self._at(closing) and (commas or not self._is_apart):
                raise _NotAListError
        self._next()
        if commas not in (0, len(values) - 1, len(values)):
            raise _NotAListError
        if opening == "[":
            return values
        if values and not commas:
            raise _NotAListError
        return tuple(values)

    def _braces(self, depth: int) -> Any:
        """A dict or a set."""
        known: dict[str, Any] = {}
        members: list[Any] = []
        while not self._at("}"):
            key = self.value(depth + 1)
            if isinstance(key, (list, dict, set, tuple)):
                raise _NotAListError
            if self._at(":"):
                self._next()
                if str(key) in known:
                    raise _NotAListError
                known[str(key)] = self.value(depth + 1)
            else:
                members.append(key)
            if self._at(","):
                self._next()
            elif not self._at("}"):
                raise _NotAListError
        self._next()
        if known and members:
            raise _NotAListError
        return set(members) if members else known


def _tokens(text: str) -> Iterator[tuple[str, str, bool]]:
    """The kind of each token, the token, and whether white space stands before it."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _NotAListError
        kind = str(match.lastgroup)
        yield kind, match[kind], match.start(kind) > position
        position = match.end()
    yield _END


def _int(token: str) -> int:
    if len(token) > 300:
        raise _NotAListError
    return int(token)


def _unescaped(token: str) -> str:
    """The string of a literal of Python or JSON."""
    inner = token[1:-1]
    if "\\" not in inner:
        return inner

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is None:
            return _ESCAPES.get(match[4], match[4])
        if int(code, 16) > 0x10FFFF:
            raise _NotAListError
        return chr(int(code, 16))

    # JSON writes a character beyond 16 bits as two surrogates.
    text = _ESCAPE.sub(character, inner)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
