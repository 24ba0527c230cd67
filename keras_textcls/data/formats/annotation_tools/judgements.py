"""What annotators said of a text, and how several of them are resolved into one answer."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from keras_textcls.data.rows import invalid_rows as reasons
from keras_textcls.data.rows.partial_labels import judged
from keras_textcls.errors import ArgumentError, shorten

MAJORITY, FIRST, ALL, AGREEING = "majority", "first", "all", "agreeing"
ANNOTATORS = (MAJORITY, FIRST, ALL, AGREEING)
LAST, JOINED = "last", "joined"
TAXONOMY = (LAST, JOINED)
# Between the steps of a path of a taxonomy, if they are joined.
PATH_SEPARATOR = " / "


class RowError(Exception):
    """A row cannot be used. This error is always caught where rows are converted.

    Args:
        reason: string, one of the reasons of `invalid_rows`.
        detail: string. Defaults to `""`.
        column: string. Defaults to `""`.
    """

    def __init__(self, reason: str, detail: str = "", column: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.column = column


@dataclasses.dataclass(frozen=True)
class ToolOptions:
    """How exports of annotation tools are read; see the arguments of `read`.

    Args:
        text: string or `None`, the field of the texts. Defaults to `None`.
        label: string or `None`, the question whose answers are the labels.
            Defaults to `None`.
        annotators: string, one of `ANNOTATORS`. Defaults to `"majority"`.
        taxonomy: string, one of `TAXONOMY`. Defaults to `"last"`.
        multi_label: bool or `None`. Defaults to `None`.
        labels: sequence of strings or `None`, the labels that may occur.
            Defaults to `None`, any.
        keeps_unlabelled: bool, whether texts that nobody has labelled are kept.
            Defaults to `False`.

    Raises:
        ArgumentError: a value is not one of those allowed.
    """

    text: str | None = None
    label: str | None = None
    annotators: str = MAJORITY
    taxonomy: str = LAST
    multi_label: bool | None = None
    labels: Sequence[str] | None = None
    keeps_unlabelled: bool = False

    def __post_init__(self) -> None:
        for name, allowed in {"annotators": ANNOTATORS, "taxonomy": TAXONOMY}.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in allowed:
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: "
                    f"{name}={shorten(value)}."
                )


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What one annotator said of one text.

    Args:
        labels: tuple of strings, the labels that hold; `None` if the annotator
            says nothing.
        absent: tuple of strings, the labels that do not hold if nothing is said
            of all others; `None` if no other label holds. Defaults to `None`.
        annotator: string or `None`, who it was. Defaults to `None`, unknown.
        status: string, the reason why the judgement does not count, such as
            `"draft"`. Defaults to `""`, it counts.
        detail: string, more about the status. Defaults to `""`.
        when: string, a time that sorts as text. Defaults to `""`, unknown.
        is_truth: bool, whether it is marked as the true answer, which no majority
            outvotes. Defaults to `False`.
    """

    labels: tuple[str, ...] | None
    absent: tuple[str, ...] | None = None
    annotator: str | None = None
    status: str = ""
    detail: str = ""
    when: str = ""
    is_truth: bool = False

    @property
    def counts(self) -> bool:
        """Whether it says anything of the labels."""
        return not self.status and self.labels is not None

    @property
    def answer(self) -> Any:
        """The label or labels, for the metadata of a text."""
        if self.absent is not None:
            return judged(self.labels or (), self.absent)
        return self.labels[0] if self.labels and len(self.labels) == 1 else list(self.labels or ())


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A text with what was said of it in one record of a file.

    Args:
        text: the text.
        judgements: sequence of `Judgement`.
        id: identifier or `None`. Defaults to `None`.
        extra: mapping, the other fields of the record. Defaults to none.
        key: what entries of the same text have in common. Defaults to `None`,
            no other entry has the same text.
    """

    text: Any
    judgements: Sequence[Judgement]
    id: Any = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    key: Hashable = None


Reader = Callable[[Mapping[str, Any]], Iterable[Entry]]


def label_name(value: Any, column: str = "") -> str:
    """Return a label as a name.

    Args:
        value: a string or a number.
        column: string, where it stands. Defaults to `""`.

    Returns:
        A string.

    Raises:
        RowError: it is neither.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float)) and value == value:
        try:
            return str(value)
        except ValueError:
            raise RowError(reasons.NOT_A_LABEL, "a number of thousands of digits", column) from None
    if isinstance(value, str) and value.strip():
        return value.strip()
    kind = "an empty name" if isinstance(value, str) else f"a {type(value).__name__}"
    raise RowError(reasons.NOT_A_LABEL, kind, column)


def label_names(values: Iterable[Any], column: str = "") -> tuple[str, ...]:
    """Return labels as names, each once; see `label_name`.

    Args:
        values: iterable of strings or numbers.
        column: string. Defaults to `""`.

    Returns:
        A tuple of strings.
    """
    return tuple(dict.fromkeys(label_name(value, column) for value in values))


def latest(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Return the last judgement of each annotator, the first annotator first.

    Judgements of some labels by the same annotator are put together. Judgements by unknown
    annotators are taken as judgements of different people.

    Args:
        judgements: iterable of `Judgement`.

    Returns:
        A list of `Judgement`.
    """
    ordered = sorted(judgements, key=lambda judgement: judgement.when)
    by_name: dict[Any, Judgement] = {}
    for number, judgement in enumerate(ordered):
        name: Any = (number,) if judgement.annotator is None else judgement.annotator
        before = by_name.get(name)
        if before is None or not before.counts:
            by_name[name] = judgement
        elif judgement.counts:
            by_name[name] = _joined(before, judgement)
    return list(by_name.values())


def _joined(before: Judgement, after: Judgement) -> Judgement:
    if before.absent is None or after.absent is None:
        return after
    known = judged(before.labels or (), before.absent)
    known |= judged(after.labels or (), after.absent)
    return dataclasses.replace(
        after,
        labels=tuple(name for name, holds in known.items() if holds),
        absent=tuple(name for name, holds in known.items() if not holds),
    )


def resolve(judgements: Sequence[Judgement], annotators: str, is_multi: bool) -> Judgement:
    """Resolve what several annotators said into one judgement.

    Args:
        judgements: sequence of `Judgement`, one of each annotator.
        annotators: `"majority"`, `"first"` or `"agreeing"`.
        is_multi: bool, whether a text may have several labels: each label is then
            voted on by itself.

    Returns:
        A `Judgement`; its status says why the text has no label.
    """
    said = [judgement for judgement in judgements if judgement.counts]
    if not said:
        silent = [judgement for judgement in judgements if judgement.status]
        return silent[0] if silent else Judgement(None, status=reasons.NOT_ANNOTATED)
    if annotators == MAJORITY and any(judgement.is_truth for judgement in said):
        said = [judgement for judgement in said if judgement.is_truth]
    if len(said) == 1 or annotators == FIRST:
        return said[0]
    if annotators == AGREEING:
        first = said[0]
        same = all(_content(other) == _content(first) for other in said)
        return first if same else _disagreement(said)
    if is_multi or any(judgement.absent is not None for judgement in said):
        return _majority_of_each(said)
    (most, count), *others = collections.Counter(j.labels for j in said).most_common()
    return _disagreement(said) if others and others[0][1] == count else Judgement(most)


def _content(judgement: Judgement) -> tuple[frozenset[str], frozenset[str] | None]:
    absent = None if judgement.absent is None else frozenset(judgement.absent)
    return frozenset(judgement.labels or ()), absent


def votes(said: Iterable[Judgement]) -> dict[str, list[bool]]:
    """Return what each annotator who said something of a label said of it.

    Args:
        said: iterable of `Judgement` that count.

    Returns:
        A dict from label to a list of bools.
    """
    held = list(said)
    names = dict.fromkeys(n for j in held for n in (*(j.labels or ()), *(j.absent or ())))
    found: dict[str, list[bool]] = {}
    for name in names:
        known = (j for j in held if j.absent is None or name in (*(j.labels or ()), *j.absent))
        found[name] = [name in (j.labels or ()) for j in known]
    return found


def _majority_of_each(said: Sequence[Judgement]) -> Judgement:
    counts = {name: (sum(given), len(given)) for name, given in votes(said).items()}
    if any(2 * yes == all_votes for yes, all_votes in counts.values()):
        return _disagreement(said)
    is_partial = any(judgement.absent is not None for judgement in said)
    return Judgement(
        tuple(name for name, (yes, count) in counts.items() if 2 * yes > count),
        tuple(n for n, (yes, count) in counts.items() if 2 * yes < count) if is_partial else None,
    )


def _disagreement(said: Sequence[Judgement]) -> Judgement:
    shown = "; ".join(
        f"{'?' if judgement.annotator is None else judgement.annotator}: {_shown(judgement)}"
        for judgement in said
    )
    return Judgement(None, status=reasons.DISAGREE, detail=reasons.excerpt(shown))


def _shown(judgement: Judgement) -> str:
    present = ", ".join(judgement.labels or ()) or "none"
    return present + "".join(f", not {name}" for name in judgement.absent or ())
