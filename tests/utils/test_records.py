"""Values read from JSON against declared types."""

import dataclasses
from typing import Any

import pytest

from keras_textcls.utils.records import fits, wrong_field


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", str), (1, int), (1, float), (1.5, float), (True, bool), (None, int | None),
        ([], list[str]), (["a"], list[str] | None), ([1, 2.5], list[float]), ({}, dict[str, int]),
        ({"a": [1]}, dict[str, Any]), ({"a": 1}, dict[str, int]), (object(), Any),
    ],
)  # fmt: skip
def test_values_of_the_type(value, kind):
    assert fits(value, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, str), (True, int), (False, float), (1.0, int), (1, bool), (None, int), ("a", list[str]),
        (["a", 1], list[str]), ([True], list[float]), ({"a": "b"}, dict[str, int]),
        ([], dict[str, Any]), ({}, list[Any]), ("1", int | None),
    ],
)  # fmt: skip
def test_values_of_another_type(value, kind):
    assert not fits(value, kind)


def test_the_first_wrong_field_of_a_record_is_named():
    @dataclasses.dataclass(frozen=True)
    class Record:
        name: str
        rows: int | None = None
        names: dict[str, str] = dataclasses.field(default_factory=dict)

    assert wrong_field(Record("a", 2, {"b": "c"})) is None
    assert wrong_field(Record("a", "2", {"b": 1})) == "rows"
    assert wrong_field(Record("a", 2, {"b": 1})) == "names"
