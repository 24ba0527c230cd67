"""`RowRules`: the conditions under which a row is valid."""

from __future__ import annotations

import dataclasses

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.labels import LabelSet


@dataclasses.dataclass(frozen=True)
class RowRules:
    """The conditions under which a row is valid.

    Args:
        labels: `LabelSet` or `None`, the labels that may occur. Defaults to
            `None`, any.
        multi_label: bool or `None`, whether a text may have any number of
            labels. Defaults to `None`, determined from the data.
        label_separator: string or `None`, the separator between several labels
            in one cell. Defaults to `None`, a cell is one label.
        unlabelled: `"invalid"` or `"keep"`, what to do with a text without
            labels. Defaults to `"invalid"`.
        undecodable: `"invalid"`, or `"replace"` to replace bytes that cannot be
            decoded by U+FFFD. Defaults to `"invalid"`.
        max_text_length: int or `None`, maximum number of characters of a text.
            Defaults to `None`, no limit.
        label_offset: int or `None`, the number that stands for the first of
            `labels`. Defaults to `None`: 0, and numbers among which 0 is missing
            are refused.

    Raises:
        ArgumentError: a value is not one of those allowed.
    """

    labels: LabelSet | None = None
    multi_label: bool | None = None
    label_separator: str | None = None
    unlabelled: str = "invalid"
    undecodable: str = "invalid"
    max_text_length: int | None = None
    label_offset: int | None = None

    def __post_init__(self) -> None:
        choices = {"unlabelled": ("invalid", "keep"), "undecodable": ("invalid", "replace")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: "
                    f"{name}={shorten(getattr(self, name))}."
                )
        limit = self.max_text_length
        if limit is not None and (type(limit) is not int or limit < 1):
            raise ArgumentError(
                "`max_text_length` must be a positive number of characters, or None. Received: "
                f"max_text_length={shorten(limit)}."
            )
        if self.multi_label is not None and not isinstance(self.multi_label, bool):
            raise ArgumentError(
                "`multi_label` must be True, False or None. Received: "
                f"multi_label={shorten(self.multi_label)}."
            )
        separator = self.label_separator
        if separator is not None and (not isinstance(separator, str) or not separator):
            raise ArgumentError(
                '`label_separator` must be a string such as "," or "|", or None. Received: '
                f"label_separator={shorten(separator)}."
            )
        offset = self.label_offset
        if offset is None:
            return
        if type(offset) is not int:
            raise ArgumentError(
                "`label_offset` must be an integer, the number that stands for the first label. "
                f"Received: label_offset={shorten(offset)}."
            )
        if self.labels is None:
            raise ArgumentError(
                "`label_offset` is the number that stands for the first of `labels`, so it goes "
                f"with labels=[...]. Received: label_offset={offset}, labels=None."
            )
