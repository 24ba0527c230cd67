"""The columns of a `TextDataset`, and the role of each column of a source."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pyarrow as pa

from keras_textcls.errors import ArgumentError, did_you_mean, shorten

# The table of a dataset: `text`, and those of the others that it has, in this order.
TYPES = {
    "text": pa.string(),
    "text_pair": pa.string(),
    # Names of the labels that the text has; null if none of its labels is known.
    "labels": pa.list_(pa.string()),
    # Names of the labels that are known to be absent.
    "negatives": pa.list_(pa.string()),
    "split": pa.string(),
    "id": pa.string(),
    # A JSON object.
    "metadata": pa.string(),
}

# Usual names of columns, the likeliest first; compared in lower case.
_TEXT_NAMES = (
    "text sentence content review tweet message comment utterance question document body "
    "input.data.text.raw input input_text text_raw description title premise sentence1 question1"
).split()
_PAIR_NAMES = {
    "sentence1": "sentence2",
    "question1": "question2",
    "premise": "hypothesis",
    "text": "text_pair",
}
_LABEL_NAMES = (
    "label labels concepts category class sentiment intent target topic tag tags emotion categories"
).split()
_ID_NAMES = ("id", "inputid", "input.id")
USUAL_NAMES = frozenset([*_TEXT_NAMES, *_LABEL_NAMES, *_ID_NAMES])


@dataclasses.dataclass(frozen=True)
class ColumnRoles:
    """The role of each column of a source.

    Args:
        text: string, the column of the texts.
        text_pair: string or `None`, the column of the second texts.
        label: string, tuple of strings or `None`; a tuple names one column of
            zeros and ones for each label.
        split: string or `None`, the column that says train, validation or test.
        id: string or `None`, the column of the identifiers.
        metadata: tuple of strings, columns kept as metadata. Defaults to `()`.
        negatives: string or `None`, the column of the labels that are known to
            be absent. Defaults to `None`.
    """

    text: str
    text_pair: str | None = None
    label: str | tuple[str, ...] | None = None
    split: str | None = None
    id: str | None = None
    metadata: tuple[str, ...] = ()
    negatives: str | None = None

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that hold labels: one, several or none."""
        if self.label is None:
            return ()
        return (self.label,) if isinstance(self.label, str) else self.label

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        labels = (*self.label_columns, self.negatives)
        single = (self.text, self.text_pair, *labels, self.split, self.id)
        named = [name for name in single if name is not None]
        return tuple(dict.fromkeys([*named, *self.metadata]))


def choose_roles(
    columns: Sequence[str],
    *,
    text: str | None = None,
    text_pair: str | None = None,
    label: str | Sequence[str] | None = None,
    split: str | None = None,
    id: str | None = None,  # noqa: A002 - the word of the library
    metadata: bool | Sequence[str] = False,
    needs_label: bool = True,
    source: str = "the source",
) -> ColumnRoles:
    """Choose a column for each role, by the names given or by usual names.

    Args:
        columns: names of all columns of the source.
        text: string or `None`, the column of the texts. Defaults to `None`, the
            first with a usual name, such as `text`, `sentence` or `review`.
        text_pair: string or `None`, the column of the second texts. Defaults to
            `None`, the partner of a column such as `premise`.
        label: string, sequence of strings or `None`. Defaults to `None`, a
            column with a usual name, such as `label` or `concepts`.
        split: string or `None`. Defaults to `None`, a column named `split`.
        id: string or `None`. Defaults to `None`, a column named `id`.
        metadata: `True` to keep all other columns, or the names of those to
            keep. Defaults to `False`.
        needs_label: bool, whether a label column must be there. Defaults to
            `True`.
        source: string, name of the source in error messages. Defaults to
            `"the source"`.

    Returns:
        `ColumnRoles`.

    Raises:
        ArgumentError: a named column does not exist or exists twice, or none
            has a usual name.

    Example:
    >>> choose_roles(["id", "review", "stars", "sentiment"]).label
    'sentiment'
    """
    lookup = _Lookup(columns, source)
    text = lookup.find("text", text, _TEXT_NAMES, required=True)
    assert text is not None
    partner = _PAIR_NAMES.get(text.strip().lower())
    if isinstance(label, str) or label is None:
        label_columns = lookup.find("label", label, _LABEL_NAMES, required=needs_label)
    elif not label:
        raise ArgumentError("`label` is an empty list. Name the columns of the labels, or none.")
    else:
        label_columns = tuple(str(lookup.find("label", name, ())) for name in label)  # type: ignore[assignment]
    roles = ColumnRoles(
        text=text,
        text_pair=lookup.find("text_pair", text_pair, [partner] if partner else []),
        label=label_columns,
        split=lookup.find("split", split, ["split"]),
        id=lookup.find("id", id, _ID_NAMES),
        # As `TextDataset.write` writes them.
        negatives="negatives" if label_columns == "labels" and "negatives" in columns else None,
    )
    if metadata is True:
        kept = tuple(c for c in columns if c.strip() and c not in roles.columns)
    else:
        kept = tuple(str(lookup.find("metadata", name, ())) for name in metadata or ())
    return dataclasses.replace(roles, metadata=tuple(dict.fromkeys(kept)))


class _Lookup:
    """Finds columns by exact name, or by usual names regardless of case."""

    def __init__(self, columns: Sequence[str], source: str) -> None:
        self._columns = list(columns)
        self._source = source

    def find(
        self, role: str, name: str | None, usual: Sequence[str], required: bool = False
    ) -> str | None:
        if name is not None:
            return self._exact(role, name)
        lowered = [c.strip().lower() for c in self._columns]
        for candidate in usual:
            if candidate in lowered:
                return self._exact(role, self._columns[lowered.index(candidate)])
        if required:
            raise ArgumentError(
                f"Which column of {self._source} is the {role}? None has a usual name. Its columns "
                f"are {self._shown()}. Pass {role}=..."
                + (
                    ', or unlabelled="keep" if the texts have no labels.'
                    if role == "label"
                    else "; if the file has no header row, pass header=False and numbers."
                )
            )
        return None

    def _exact(self, role: str, name: str) -> str:
        count = self._columns.count(name)
        if count == 1:
            return name
        if count > 1:
            raise ArgumentError(
                f"`{role}` names the column {shorten(name)}, which {self._source} has {count} "
                "times. Rename one of them."
            )
        hint = did_you_mean(str(name), self._columns)
        raise ArgumentError(
            f"`{role}` names the column {shorten(name)}, which {self._source} does not have.{hint} "
            f"Its columns are {self._shown()}."
        )

    def _shown(self) -> str:
        shown = ", ".join(repr(c) if len(c) < 40 else shorten(c) for c in self._columns[:20])
        more = len(self._columns) - 20
        return shown + (f" and {more} more" if more > 0 else "") if shown else "none"
