"""Whatever an export of a tool holds, reading it gives a dataset and a list, or a clear error."""

import copy
import json
import random

import pytest
from conftest import budget

from keras_textcls import ArgumentError, InvalidDataError, read

RESULT = {"from_name": "label", "type": "choices", "value": {"choices": ["a"]}}
RECORDS = {
    "label_studio": {"id": 1, "data": {"text": "t"}, "annotations": [{"result": [RESULT]}]},
    "json_min": {"text": "t", "id": 1, "label": {"choices": ["a", "b"]}, "annotator": 1}
    | {"annotation_id": 2, "created_at": "2026", "lead_time": 1.0},
    "doccano": {"id": 1, "text": "t", "label": ["a"], "Comments": []},
    "argilla": {"id": "1", "fields": {"text": "t"}, "suggestions": {}}
    | {"responses": {"label": [{"value": "a", "user_id": "u"}]}},
    "flat": {"text": "t", "label.responses": ["a"], "label.responses.status": ["submitted"]},
    "prodigy": {"text": "t", "options": [{"id": 1}], "accept": [1], "answer": "accept"},
    "binary": {"text": "t", "label": "a", "answer": "reject", "_annotator_id": "u"},
    "cats": {"text": "t", "cats": {"a": 1.0}},
    "training": {"id": 1, "paragraphs": [{"raw": "t", "cats": [{"label": "a", "value": 1}]}]},
}
ODD = [
    None,
    True,
    0,
    -1.5,
    float("nan"),
    10**400,
    "",
    " ",
    "[{",
    '{"choices": 5}',
    "\udc80",
    [],
    {},
]
ODD += [[[[]]], {"a": {"b": []}}, ["x", None], {"choices": [None]}, [["a", ["b"]]]]
BYTES = [b'"', b"\n", b"\x00", b"\xff", b"{", b"]", b"__label__", b"- ", b"&a", b"*a", b": ", b"@"]
TEXTS = {
    ".txt": b'__label__a some words\n"__label__b two, ""lines""\nof it "\n__label__a more\n' * 3,
    ".yml": b"nlu:\n- intent: a\n  examples: |\n    - one [two](x)\n    - three\n",
    ".arff": b"@RELATION r\n@ATTRIBUTE text STRING\n@ATTRIBUTE label {a,b}\n@DATA\n'x, y',a\nz,b\n",
}


def try_to_read(source, **arguments):
    try:
        return read(source, invalid_data_tolerance_percent=100, **arguments)
    except (InvalidDataError, ArgumentError) as error:
        assert len(str(error)) < 3000
        return None


def changed(value, rng):
    """A copy with an odd value somewhere within."""
    value = copy.deepcopy(value)
    inner = value
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = rng.choice(keys)
        if rng.random() < 0.4 or not isinstance(inner[key], (dict, list)) or not inner[key]:
            inner[key] = rng.choice(ODD)
            return value
        inner = inner[key]


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_odd_records(name, tmp_path):
    rng = random.Random(name)
    record = RECORDS[name]
    assert len(read([record])) == 1 and "tool" in read([record]).details
    path = tmp_path / "d.jsonl"
    for _ in range(budget(300, 60)):
        rows = [copy.deepcopy(record), *(changed(record, rng) for _ in range(3))]
        rng.shuffle(rows)
        for annotators in ("majority", "all"):
            try_to_read(rows, annotators=annotators, unlabelled="keep")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        dataset = try_to_read(path)
        if dataset is not None:
            lines = [row.line for row in dataset.invalid_rows]
            assert lines == sorted(lines) and all(1 <= line <= 4 for line in lines)


@pytest.mark.parametrize("suffix", sorted(TEXTS))
def test_files_that_are_nearly_right(tmp_path, suffix):
    if suffix == ".arff":
        pytest.importorskip("arff", reason="liac-arff is in the extra of the tests")
    rng = random.Random(0)
    path = tmp_path / f"d{suffix}"
    for _ in range(budget(300, 60)):
        data = TEXTS[suffix]
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data = data[:at] + rng.choice(BYTES) + data[at + rng.randint(0, 3) :]
        path.write_bytes(data)
        try_to_read(path)


def test_values_that_cannot_be_shown():
    deep = [1]
    for _ in range(100_000):
        deep = [deep]
    for value in (10**5000, deep):
        for record in RECORDS.values():
            for key in record:
                try_to_read([record, {**record, key: value}])
    while deep:
        # Freed one by one: Python frees such a list by recursion.
        deep = deep[0] if isinstance(deep, list) else None


def test_records_nested_deep(tmp_path):
    path = tmp_path / "d.json"
    deep = "[" * 50_000 + "]" * 50_000
    for name, record in RECORDS.items():
        text = json.dumps([record])
        for key in record:
            broken = text.replace(json.dumps(record[key]), deep, 1)
            path.write_text(broken)
            with pytest.raises((InvalidDataError, ArgumentError)):
                read(path, format="doccano" if name == "doccano" else "auto")
