"""The shapes of JSON that pandas and other tools write."""

import json

import pandas as pd
import pytest

from keras_textcls import read

FRAME = pd.DataFrame({"text": ["a, b", "c\nd", "e"], "label": ["x", "y", "x"]})


def _read(folder, content, **options):
    (folder / "d.json").write_text(content, encoding="utf-8")
    return read(folder / "d.json", **options)


@pytest.mark.parametrize("indent", [0, 2])
@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table", "values"])
@pytest.mark.parametrize("index", [None, ["p", "q", "r"], [7, 3, 5]])
def test_every_orientation_of_pandas(tmp_path, orient, indent, index):
    frame = FRAME if index is None else FRAME.set_axis(index)
    text = frame.to_json(orient=orient, indent=indent)
    options = {"text": 0, "label": 1} if orient == "values" else {}
    assert _read(tmp_path, text, **options).fingerprint == read(FRAME).fingerprint


ROWS = FRAME.to_dict("records")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "document",
    [
        {"data": ROWS},
        {"version": "1.1", "data": ROWS},
        {"features": [{"name": "text"}], "rows": ROWS},
        {"messages": ROWS, "count": 3},
        FRAME.to_dict("list"),
    ],
)
def test_wrapped_rows(tmp_path, document, indent):
    dataset = _read(tmp_path, json.dumps(document, indent=indent))
    assert dataset.fingerprint == read(FRAME).fingerprint


def test_parts_in_one_document(tmp_path):
    rows = [["a", "x"], ["b", "y"]]
    dataset = _read(tmp_path, json.dumps({"train": rows, "test": rows[:1]}), text=0, label=1)
    assert {name: len(part) for name, part in dataset.splits.items()} == {"train": 2, "test": 1}
    assert dataset.details["layout"] == "parts"


def test_objects_over_several_lines(tmp_path):
    dataset = _read(tmp_path, "\n".join(json.dumps(row, indent=2) for row in ROWS))
    assert dataset.fingerprint == read(FRAME).fingerprint


def test_one_row_stays_a_row(tmp_path):
    row = {"text": "a", "label": "x", "tokens": [{"id": 1}, {"id": 2}]}
    for indent in (None, 2):
        assert _read(tmp_path, json.dumps(row, indent=indent)).texts == ["a"]
    # What stands on lines is read line by line, whatever the objects hold.
    lines = json.dumps(row) + "\n" + json.dumps({**row, "text": "b"}) + "\n"
    assert _read(tmp_path, lines).texts == ["a", "b"]
