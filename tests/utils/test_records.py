"""Values read from JSON against declared types."""

import dataclasses
import json
from typing import Any, Literal

import pytest

from keras_textcls.errors import ArgumentError, RunError
from keras_textcls.utils.records import JsonFile, fits


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


@dataclasses.dataclass(frozen=True)
class Inner:
    size: int
    names: tuple[str, ...] = ()

    def __post_init__(self):
        if self.size < 0:
            raise ArgumentError("`size` must not be negative.")


@dataclasses.dataclass(frozen=True)
class Record:
    name: str
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None
    counts: dict[str, int] = dataclasses.field(default_factory=dict)


FILE = JsonFile("record.json of X", RunError, "Make it again.", newest=2)


def test_a_record_is_made_of_its_fields_and_defaults():
    contents = {"schema_version": 1, "name": "n", "inner": {"size": 2, "names": ["x"]}, "more": 3}
    assert FILE.read(Record, contents) == Record("n", inner=Inner(2, ("x",)))
    whole = Record("n", "b", Inner(1), {"c": 2})
    kept = json.loads(json.dumps({"schema_version": 2, **dataclasses.asdict(whole)}))
    assert FILE.read(Record, kept) == whole


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "`name` must be a string. Received: 3."),
        ({"kind": "c"}, '`kind` must be "a" or "b". Received: \'c\'.'),
        ({"kind": []}, '`kind` must be "a" or "b". Received: [].'),
        ({"inner": [1]}, "`inner` must be an object or null. Received: [1]."),
        ({"inner": {}}, "it has no `inner.size`, which must be an integer."),
        ({"inner": {"size": True}}, "`inner.size` must be an integer. Received: True."),
        ({"inner": {"size": 1, "x": 2}}, "it has an unknown field 'inner.x'."),
        ({"inner": {"size": -1}}, "`inner`: `size` must not be negative."),
        (
            {"inner": {"size": 1, "names": [2]}},
            "`inner.names` must be a list of strings. Received: [2].",
        ),
        (
            {"counts": {"c": "x"}},
            "`counts` must be an object whose values are integers. Received: {'c': 'x'}.",
        ),
        ({"schema_version": 0}, "it has no `schema_version`. Received: 0."),
        ({"schema_version": True}, "it has no `schema_version`. Received: True."),
    ],
)
def test_a_wrong_field_is_named_with_file_value_and_remedy(changes, message):
    with pytest.raises(RunError) as caught:
        FILE.read(Record, {"schema_version": 1, "name": "n"} | changes)
    assert str(caught.value) == f"record.json of X is broken: {message} Make it again."


def test_a_missing_field_and_a_newer_schema():
    with pytest.raises(RunError, match="it has no `name`, which must be a string"):
        FILE.read(Record, {"schema_version": 1})
    with pytest.raises(RunError, match="X was written by a newer version .* up to 2.* Update"):
        FILE.read(Record, {"schema_version": 3})


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, "\xff"])
def test_a_file_that_holds_no_object(text, tmp_path):
    (tmp_path / "record.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match=r"record.json of X is broken: .* Make it again\."):
        FILE.load(tmp_path / "record.json", "record", "save()")


def test_a_file_that_is_not_there(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "record.json", tmp_path / "file" / "record.json"):
        with pytest.raises(RunError, match="is no record: it has no record.json.*save.. wrote"):
            FILE.load(path, "record", "save()")
