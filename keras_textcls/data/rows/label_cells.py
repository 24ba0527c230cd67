"""The meaning of a cell of labels.

A cell is a name, a number, a list of names, a mapping from name to 1 or 0, or one of these
written as text. What a list of numbers means is decided for the column as a whole, by
`label_columns`; until then it is kept as it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.cells import CellError, decoded, read_name
from keras_textcls.data.rows.label_notes import LabelNotes, as_number, keep_number, keep_numbers
from keras_textcls.data.rows.partial_labels import judged
from keras_textcls.data.rows.row_rules import RowRules
from keras_textcls.data.rows.written_values import is_shortened, parse_list
from keras_textcls.errors import did_you_mean, shorten
from keras_textcls.inputs.columns import is_missing
from keras_textcls.labels import LabelSet

_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")

Labels = tuple[list[str] | None, list[str] | None]


def read_labels(value: Any, rules: RowRules, notes: LabelNotes) -> Labels:
    """Read the labels of a text.

    Args:
        value: any object, the cell.
        rules: `RowRules`.
        notes: `LabelNotes`, to which is added what concerns the whole column.

    Returns:
        A tuple of the labels of the text and those known to be absent, `None` if
        nothing is known.

    Raises:
        CellError: the cell cannot be used.
    """
    value = _of_tool(_plain(value, rules))
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return of_rules(None, None, rules)
    if isinstance(value, Mapping):
        return of_rules(*_of_mapping(value, rules), rules)
    numbers: list[Any] | None
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
        numbers = None if value else []
    else:
        numbers = as_numbers(value) if isinstance(value, (list, tuple)) else None
    if numbers is not None:
        notes.add_list(numbers, rules)
        return keep_numbers(numbers), None
    if not isinstance(value, (list, tuple)):
        number = as_number(value)
        if number is not None:
            notes.add_number(number, rules)
            if number == -1 and rules.labels is None:
                return keep_number(number), None
        name = read_label(value, rules)
        return of_rules(None if name is None else [name], None, rules)
    return of_rules(names_of(value, rules), None, rules)


def of_rules(labels: list[str] | None, negatives: list[str] | None, rules: RowRules) -> Labels:
    """Return labels that the rules allow.

    Args:
        labels: list of names, or `None`.
        negatives: list of names, or `None`.
        rules: `RowRules`.

    Returns:
        A tuple of both.

    Raises:
        CellError: there are none, or several, and the rules want one.
    """
    if labels is None and rules.unlabelled == "invalid":
        raise CellError(reasons.NO_LABEL)
    if rules.multi_label is False and labels is not None and not labels:
        # A list without a label, where each text has one: nobody has labelled it.
        if rules.unlabelled == "invalid":
            raise CellError(reasons.NO_LABEL, "an empty list, multi_label is False")
        return None, negatives or None
    if rules.multi_label is False and labels is not None and len(labels) != 1:
        raise CellError(reasons.SEVERAL_LABELS, f"{len(labels)} labels, multi_label is False")
    return labels, negatives


def _plain(value: Any, rules: RowRules) -> Any:
    """A cell as a value of Python; lists that are written as text are parsed."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    value = decoded(value)
    if not isinstance(value, str) or (rules.labels is not None and value.strip() in rules.labels):
        return value
    parsed = parse_list(value)
    if parsed is not None:
        return parsed
    if is_shortened(value):
        raise CellError(reasons.NOT_A_LABEL, "a list of which NumPy left out the middle")
    if rules.label_separator is not None:
        return [part for part in value.split(rules.label_separator) if part.strip()] or None
    return value


def _of_tool(value: Any) -> Any:
    """The labels within `{"choices": [...]}` of Label Studio or `{"cats": {...}}` of spaCy."""
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(value.get("choices"), (list, tuple)):
            return value["choices"]
        if isinstance(value.get("cats"), Mapping):
            return value["cats"]
    return value


def as_numbers(values: Iterable[Any]) -> list[Any] | None:
    """Return the members of a list if all are numbers or missing, else `None`.

    Args:
        values: list or tuple.

    Returns:
        A list of ints, bools, `None`, and strings of digits; `None` for a list
        with a name in it. An empty list is one of numbers.

    Raises:
        CellError: a number is not whole.
    """
    numbers: list[Any] = []
    for member in values:
        if type(member) is str and member[:1].isalpha():
            # The usual case, fast.
            return None
        member = member.tolist() if hasattr(member, "tolist") else member
        if is_missing(member) or (isinstance(member, str) and not member.strip()):
            numbers.append(None)
        elif isinstance(member, bool):
            numbers.append(member)
        elif isinstance(member, (int, float)):
            whole = as_number(member)
            if whole is None:
                raise CellError(
                    reasons.NOT_A_LABEL, f"{shorten(member)} in a list is not 0, 1 or a label"
                )
            numbers.append(whole)
        elif isinstance(member, str) and as_number(member) is not None:
            numbers.append(member.strip())
        else:
            return None
    return numbers


def _of_mapping(value: Mapping[Any, Any], rules: RowRules) -> Labels:
    known = {name: _read_flag(flag, str(name)) for name, flag in value.items()}
    labels = names_of([n for n, flag in known.items() if flag], rules) or []
    # An empty list, not `None`: nothing is known of all other labels.
    negatives = names_of([n for n, flag in known.items() if flag is False], rules) or []
    if both := set(labels) & set(negatives):
        raise CellError(reasons.NOT_A_LABEL, f"{shorten(min(both))} is 1 and 0")
    return (labels, negatives) if labels or negatives else (None, None)


def names_of(values: Iterable[Any], rules: RowRules) -> list[str] | None:
    """Return the names in a list, each once; `None` if nothing but missing values is in it.

    Args:
        values: iterable of the members of a cell.
        rules: `RowRules`.

    Returns:
        A list of strings, or `None`.

    Raises:
        CellError: a member is not a label.
    """
    found: dict[str, None] = {}
    is_empty = True
    for member in values:
        is_empty = False
        member = member.tolist() if hasattr(member, "tolist") else member
        name = None if is_missing(member) else read_label(member, rules)
        if name is not None:
            found[name] = None
    return list(found) if found or is_empty else None


def read_label(value: Any, rules: RowRules) -> str | None:
    """Read one label.

    Args:
        value: a name or a number.
        rules: `RowRules`.

    Returns:
        The name, or `None` for -1 where the labels are known and it is none.

    Raises:
        CellError: it is not a label, or none of those known.
    """
    known = rules.labels
    name = read_name(value, rules)
    if name is None:
        raise CellError(reasons.NO_LABEL)
    if known is None:
        return name
    number = as_number(value)
    is_place = number is not None and rules.label_offset is not None
    if name in known and not is_place:
        return name
    if number is None:
        same = _spelt_alike(known).get(name.lower())
        if same is not None:
            return same
        raise CellError(reasons.UNKNOWN_LABEL, did_you_mean(name, known).strip())
    first = rules.label_offset or 0
    if number == -1 and first >= 0:
        return None
    if has_numbers(known) and not is_place:
        same = _numbered_names(known).get(number)
        if same is not None:
            return same
        raise CellError(reasons.UNKNOWN_LABEL, f"none of the labels is {number}")
    if 0 <= number - first < len(known):
        return known[number - first]
    last = first + len(known) - 1
    raise CellError(
        reasons.UNKNOWN_LABEL, f"the numbers of the {len(known)} labels run from {first} to {last}"
    )


@functools.lru_cache(maxsize=8)
def has_numbers(labels: LabelSet) -> bool:
    """Return whether some names are numbers, so that a number in a cell is a name."""
    return any(_NUMBER.fullmatch(name) for name in labels)


@functools.lru_cache(maxsize=8)
def _numbered_names(labels: LabelSet) -> dict[int, str]:
    """The name of each whole number; a number that two names spell is left out."""
    names: dict[int, str | None] = {}
    for name in labels:
        number = as_number(name)
        if number is not None:
            names[number] = None if number in names else name
    return {number: name for number, name in names.items() if name is not None}


@functools.lru_cache(maxsize=8)
def _spelt_alike(labels: LabelSet) -> dict[str, str]:
    """`true` and `false` in any case, if each is spelt in one way."""
    words = [name for name in labels if name.lower() in ("true", "false")]
    lowered = [name.lower() for name in words]
    return {low: name for low, name in zip(lowered, words, strict=True) if lowered.count(low) == 1}


def _read_flag(value: Any, name: str) -> bool | None:
    """Read a flag: 1 if the text has the label, 0 if not, blank or -1 if unknown."""
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if as_number(value) == -1:
        return None
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise CellError(reasons.NOT_A_LABEL, f"{shorten(value)} for {shorten(name)}, not 0 or 1")


def joined(labels: Any, negatives: Any) -> Any:
    """Join labels and negatives of one row into a mapping, if there are negatives."""
    if negatives is None or not isinstance(negatives, (list, tuple)) or labels is None:
        return labels
    return judged(labels, negatives)
