"""What stands above a table: a first line with the delimiter, titles, other sheets."""

import csv
import io

import hypothesis.strategies as st
import openpyxl
import pandas as pd
import pytest
from hypothesis import given

from keras_textcls import ArgumentError, InvalidDataError, read

TABLE = "text;label\na, b;x\nc;y\n"


def _read(folder, content, name="d.csv", encoding="utf-8", **options):
    path = folder / name
    path.write_bytes(content.encode(encoding))
    return read(path, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "first",
    ["sep=;\n", '"sep=;"\n', "SEP=;\r\n", "sep=; \n"],
    ids=["plain", "quoted", "caps", "space"],
)
def test_a_first_line_that_names_the_delimiter_is_no_row(tmp_path, first, encoding):
    dataset = _read(tmp_path, first + TABLE + "bad\n", encoding=encoding,
                    invalid_data_tolerance_percent=50)  # fmt: skip
    assert (dataset.texts, dataset.targets) == (["a, b", "c"], ["x", "y"])
    assert dataset.details["delimiter"] == "';'"
    assert [row.line for row in dataset.invalid_rows] == [5]


def test_a_first_line_that_names_the_delimiter_where_there_is_no_header(tmp_path):
    rows = "sep=|\na, b|x\nc|y\n"
    assert _read(tmp_path, rows, header=False, text=0, label=1).texts == ["a, b", "c"]
    assert _read(tmp_path, rows, header=["text", "label"]).texts == ["a, b", "c"]
    # A text that only begins so is a text.
    assert _read(tmp_path, "text,label\nsep=;,x\n").texts == ["sep=;"]


@pytest.mark.parametrize(
    "above", ["Report\n", "# made by x, y; z\n\nMay\n", '"a title,\n', "sep=;\n#\n"]
)
def test_lines_above_the_table(tmp_path, above):
    lines = above.count("\n")
    dataset = _read(tmp_path, above + TABLE + "bad\n", skip_rows=lines,
                    invalid_data_tolerance_percent=50)  # fmt: skip
    assert dataset.texts == ["a, b", "c"]
    assert [row.line for row in dataset.invalid_rows] == [lines + 4]
    if '"' not in above and "sep" not in above:
        with pytest.raises(ArgumentError, match=rf"title or a comment, pass skip_rows={lines}\."):
            _read(tmp_path, above + TABLE)


TEXTS = st.text('ab,;" \n', min_size=1).filter(str.strip)
CELLS = st.lists(st.tuples(TEXTS, st.sampled_from("xy")), min_size=1, max_size=5)


@given(rows=CELLS, skipped=st.integers(0, 4), begins_told=st.booleans())
def test_what_stands_above_changes_nothing(tmp_path_factory, rows, skipped, begins_told):
    stream = io.StringIO()
    csv.writer(stream).writerows([("text", "label"), *rows])
    table = stream.getvalue()
    above = "sep=,\n" * begins_told + "a title\n" * skipped
    folder = tmp_path_factory.mktemp("preface")
    told = _read(folder, above + table, skip_rows=above.count("\n"), delimiter=",")
    plain = _read(folder, table, delimiter=",")
    assert told.fingerprint == plain.fingerprint


def test_rows_to_skip_that_are_not_there(tmp_path):
    with pytest.raises(ArgumentError, match="`skip_rows=9` leaves no row"):
        _read(tmp_path, TABLE, skip_rows=9)
    for value in (-1, True, "1", None):
        with pytest.raises(ArgumentError, match="`skip_rows` must be a number of lines"):
            _read(tmp_path, TABLE, skip_rows=value)
    with pytest.raises(ArgumentError, match=r"is for CSV, TSV and Excel files.*with d\.jsonl"):
        _read(tmp_path, '{"text": "a", "label": "b"}\n', "d.jsonl", skip_rows=1)


def test_sheets_and_titles_of_a_workbook(tmp_path):
    path = tmp_path / "d.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["about"])
    page = book.create_sheet("Data")
    for row in (["My title"], ["text", "label"], ["a", "x"], ["", "y"], ["b", "y"]):
        page.append(row)
    book.save(path)
    message = r"sheet 'Notes' was read; the others are 'Data': pass sheet="
    with pytest.raises(ArgumentError, match=message):
        read(path)
    with pytest.raises(InvalidDataError, match=message):
        read(path, skip_rows=3)
    with pytest.raises(ArgumentError, match=r"rows are a title, pass skip_rows=1 or more"):
        read(path, sheet="Data")
    dataset = read(path, sheet="Data", skip_rows=1, invalid_data_tolerance_percent=50)
    assert (
        dataset.texts
        == ["a", "b"]
        == pd.read_excel(path, "Data", skiprows=1).dropna()["text"].tolist()
    )
    assert [row.line for row in dataset.invalid_rows] == [4]
    assert dataset.details["sheet"] == "Data"
