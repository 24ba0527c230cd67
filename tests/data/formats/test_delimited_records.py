"""The exact reader agrees with the standard library, and loses nothing."""

import csv
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls.data.formats.delimited_blocks import record_lines, split_blocks
from keras_textcls.data.formats.delimited_records import Dialect, read_records, sniff_dialect

COMMA = Dialect()
messy = st.text(alphabet='ab",\n\r é;', max_size=60)


def cells_of(text, dialect=COMMA):
    return [r.cells for r in read_records(text, dialect) if not r.is_blank]


@given(messy)
def test_records_make_up_the_whole_text(text):
    records = list(read_records(text, COMMA))
    assert "".join(text[r.begin : r.end] for r in records) == text


@given(messy)
def test_agrees_with_the_standard_library_unless_a_quote_is_not_closed(text):
    records = list(read_records(text, COMMA))
    if not any(r.is_unclosed for r in records):
        expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        assert cells_of(text) == expected


cell = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.lists(cell, min_size=2, max_size=3), max_size=5), st.sampled_from(",;\t|"))
def test_what_csv_writes_is_read(rows, delimiter):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    assert cells_of(buffer.getvalue(), Dialect(delimiter)) == rows


@given(messy, st.lists(st.integers(0, 80), max_size=4))
def test_blocks_hold_the_same_records_however_the_file_is_cut(text, cuts):
    data = text.encode()
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges) if a < b]
    blocks = list(split_blocks(pieces, COMMA))
    assert b"".join(bytes(b.data) for b in blocks) == data
    found = []
    for block in blocks:
        records = block.records
        if records is None:
            records = list(read_records(block.text(), COMMA))
            assert len(record_lines(block, COMMA)) == sum(not r.is_blank for r in records)
        found += [r.cells for r in records if not r.is_blank]
    assert found == cells_of(text)


def test_lines_of_a_regular_block():
    data = b'a,b\n\n"two\nlines",c\r\n\r\nd,"e"\nf,g\n'
    (block,) = split_blocks([data], COMMA)
    assert block.records is None
    assert record_lines(block, COMMA).tolist() == [0, 2, 5, 6]


def test_a_quote_that_is_never_closed_takes_only_its_line():
    text = 'a,b\n"stray,c\nd,e\nf,"g"\n'
    records = list(read_records(text, COMMA))
    assert [r.is_unclosed for r in records] == [False, True, False, False]
    assert [r.cells for r in records if not r.is_unclosed] == [["a", "b"], ["d", "e"], ["f", "g"]]


def test_a_stray_quote_does_not_swallow_rows_up_to_the_next_quote():
    text = 'a,b\n"stray,c\nd,e\n"f, and more",g\n'
    records = list(read_records(text, COMMA))
    assert [r.cells for r in records if not r.is_unclosed] == [
        ["a", "b"],
        ["d", "e"],
        ["f, and more", "g"],
    ]


def test_a_quote_within_a_cell_stands_for_itself():
    assert cells_of('5" screen,good\n') == [['5" screen', "good"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    rows = [["text", "label"], ["one, two; three", "a"], ["four | five", "b"], ["six", "a"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    assert sniff_dialect(buffer.getvalue()) == Dialect(delimiter)


def test_quotes_that_mean_nothing_are_found():
    lines = ["text\tlabel", '"quoted start\tx', "plain\ty", '"another\tx', "fine\ty", "more\tz"]
    assert sniff_dialect("\n".join(lines) + "\n", delimiter="\t") == Dialect("\t", None)


def test_a_single_column_is_no_reason_to_cut_at_letters():
    assert sniff_dialect("text\nhello there\nbye\n") == COMMA
