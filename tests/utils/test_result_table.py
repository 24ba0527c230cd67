import csv
import math

import pytest

from keras_textcls import ResultTable
from keras_textcls.errors import ArgumentError

TABLE = ResultTable(
    ("label", "texts", "f1", "note"),
    (
        ("ham", 1200, 0.98765, None),
        ("<spam>", 3, math.nan, 'few, "quoted"'),
        ("Übel\x1b[1m", 0, 1.0, ""),
    ),
)


def test_what_is_printed():
    assert str(TABLE).splitlines() == [
        "label     texts     f1  note",
        "ham       1,200  0.988",
        '<spam>        3    nan  few, "quoted"',
        "Übel\ufffd[1m      0  1.000",
    ]


def test_names_of_columns_are_printed_without_control_characters_too():
    table = ResultTable(("actual", "a\nb\x1b[2J"), (("x", 1),))
    assert "\x1b" not in str(table) and len(str(table).splitlines()) == 2


def test_html_holds_no_markup_of_the_data():
    page = ResultTable(("<b>", "n"), (("<script>", 1),))._repr_html_()
    assert "<script>" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page and "&lt;b&gt;" in page
    assert page.count("<tr>") == 2


def test_rows_columns_and_frames():
    assert len(TABLE) == 3
    assert next(iter(TABLE)) == {"label": "ham", "texts": 1200, "f1": 0.98765, "note": None}
    assert TABLE.column("texts") == [1200, 3, 0]
    frame = TABLE.frame()
    assert frame.columns.tolist() == list(TABLE.columns) and frame["texts"].tolist() == [1200, 3, 0]
    with pytest.raises(ArgumentError, match="no column 'F1'. Choose one of label, texts, f1, note"):
        TABLE.column("F1")


def test_a_file_of_values(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    TABLE.to_csv(path)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(TABLE.columns)
    assert rows[1] == ["ham", "1200", "0.98765", ""]
    assert rows[2] == ["<spam>", "3", "nan", 'few, "quoted"']
    assert rows[3][0] == "Übel\x1b[1m"
