"""Numbers and lists in a column of labels: one reading for the whole column, or none."""

import itertools
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls import ArgumentError, InvalidDataError, read
from keras_textcls.data.formats import iterables, tables
from keras_textcls.inputs.targets import read_targets

NAMES = ["anger", "joy", "love"]
MATRIX = [[0, 1, 1], [1, 0, 0], [0, 0, 0]]
JOINED = [["joy", "love"], ["anger"], []]


def columns(cells):
    return {"text": [f"text {i}" for i in range(len(cells))], "label": list(cells)}


def frame(cells):
    return pd.DataFrame(columns(cells))


def forms(cells, folder):
    """The cells in every kind of source that can hold them."""
    table = columns(cells)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    whole = frame(cells)
    yield table
    yield rows
    yield whole
    yield pd.DataFrame(columns([np.asarray(cell) for cell in cells]))
    yield pa.table(table)
    yield whole.assign(label=[str(cell) for cell in cells])
    yield whole.assign(label=[str(np.asarray(cell)) for cell in cells])
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    yield folder / "d.jsonl"
    whole.to_csv(folder / "d.csv", index=False)
    yield folder / "d.csv"
    whole.assign(label=[np.asarray(c) for c in cells]).to_csv(folder / "n.csv", index=False)
    yield folder / "n.csv"
    whole.to_parquet(folder / "d.parquet")
    yield folder / "d.parquet"


@pytest.mark.parametrize("kind", [int, float, bool])
def test_a_matrix_in_cells_is_a_matrix_from_every_source(tmp_path, kind):
    cells = [[kind(flag) for flag in row] for row in MATRIX]
    for source in forms(cells, tmp_path):
        assert read(source, labels=NAMES).targets == JOINED
        with pytest.raises(InvalidDataError, match=r"labels=\[...\] with 3 names"):
            read(source)


def test_fixed_size_lists():
    column = pa.array(MATRIX, pa.list_(pa.int8(), 3))
    table = pa.table({"text": ["a", "b", "c"], "label": column})
    assert read(table, labels=NAMES).targets == JOINED


def test_lists_of_numbers_are_labels_from_every_source(tmp_path):
    for source in forms([[0, 2], [1], []], tmp_path):
        assert read(source, labels=NAMES).targets == [["anger", "love"], ["joy"], []]
        assert read(source).targets == [["0", "2"], ["1"], []]


def test_lists_of_names_are_names_from_every_source(tmp_path):
    for source in forms(JOINED, tmp_path):
        assert read(source).targets == JOINED


def test_a_matrix_is_read_as_fit_reads_it():
    rows = [[1, 0, -1], [0, float("nan"), 1], [-1, 1, 0]]
    found = read(columns(rows), labels=NAMES)
    expected = read_targets(rows, found.labels, True, 3)
    assert np.array_equal(read_targets(found.targets, found.labels, True, 3), expected)


@given(st.lists(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4), min_size=1, max_size=8))
def test_no_column_is_read_in_two_ways(cells):
    try:
        found = read(columns(cells), labels=NAMES, invalid_data_tolerance_percent=100)
    except InvalidDataError:
        return
    kept = [int(text.split()[1]) for text in found.texts]
    targets = [t if found.multi_label else [t] for t in found.targets]

    def is_row(cell, names):
        return len(cell) == 3 and names == [n for n, f in zip(NAMES, cell, strict=True) if f]

    pairs = [(cells[i], names) for i, names in zip(kept, targets, strict=True)]
    as_matrix = all(is_row(cell, names) for cell, names in pairs)
    as_labels = all(names == [NAMES[i] for i in dict.fromkeys(cell)] for cell, names in pairs)
    assert as_matrix or as_labels
    assert len(kept) + len(found.invalid_rows) == len(cells)


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])))
def test_the_decision_does_not_depend_on_where_chunks_end(monkeypatch, order):
    groups = [[[0, 1, 1]], [[1, 0, 0]] * 40, [[0, 2]]]
    cells = [cell for i in order for cell in groups[i]]
    whole = read(columns(cells), labels=NAMES)
    for module in (iterables, tables):
        monkeypatch.setattr(module, "ROWS_PER_CHUNK", 2)
    parts = read(columns(cells), labels=NAMES)
    assert parts == whole and parts.invalid_rows == whole.invalid_rows
    (row,) = parts.invalid_rows
    assert row.line == cells.index([0, 2]) + 1 and "for the 3 labels" in row.detail


def test_rows_of_two():
    one_hot = read(columns([[0, 1], [1, 0], [1, 0]]), labels=["a", "b"])
    assert one_hot.targets == ["b", "a", "a"] and not one_hot.multi_label
    for source in (columns([[0, 1], [0, 1]]), columns([[0, 1]])):
        with pytest.raises(InvalidDataError, match="a 0/1 matrix or a list of labels"):
            read(source, labels=["a", "b"])
        assert read(source, labels=["a", "b"], label_offset=0).targets[0] == ["a", "b"]
    with pytest.raises(InvalidDataError, match="with 2 names"):
        read(columns([[0, 1], [1, 0]]))
    assert read(columns([[0], [0, 1], [1]])).targets == [["0"], ["0", "1"], ["1"]]
    # Strings are names: what `write` writes is read back.
    quoted = read(columns([["0", "1"], ["0", "1"], ["1", "0"]]))
    assert quoted.targets == [["0", "1"], ["0", "1"], ["1", "0"]]


def test_shares_and_lists_cut_short_are_no_labels():
    cut = str(np.zeros(2000, int))
    for cell, reason in (([0.3, 0.7], "0.3 in a list"), (cut, "left out the middle")):
        with pytest.raises(InvalidDataError, match=reason):
            read(columns([cell] * 3), labels=NAMES)


def test_duplicate_ids_beside_lists_of_numbers():
    table = {**columns([[0, 1, 1], [2], [1, 0, 0], [0, 0, 0]]), "id": [1, 2, 3, 1]}
    found = read(table, labels=NAMES, invalid_data_tolerance_percent=60)
    assert found.ids == ["1", "3"]
    assert [(r.line, r.reason) for r in found.invalid_rows] == [
        (2, "not a label"),
        (4, "duplicate id"),
    ]


# === Numbers in place of names ===


def test_numbers_counted_from_1_are_refused_and_the_choice_named(tmp_path):
    table = pd.DataFrame(columns([1, 2, 3, 1]))
    table.to_csv(tmp_path / "d.csv", index=False)
    lists = columns([[1, 2], [3], [1]])
    for source in (table, tmp_path / "d.csv", columns(["2", "1"]), columns([1.0, 2.0]), lists):
        with pytest.raises(InvalidDataError, match="label_offset=1") as error:
            read(source, labels=NAMES)
        assert "tolerance" not in str(error.value)
    assert read(table, labels=NAMES, label_offset=1).targets == [*NAMES, "anger"]
    assert read(lists, labels=NAMES, label_offset=1).targets[0] == ["anger", "joy"]
    assert read(columns([1, 2]), labels=NAMES, label_offset=0).targets == ["joy", "love"]


def test_parts_are_counted_together():
    parts = {"train": frame([0, 1, 2]), "test": frame([1, 2])}
    assert read(parts, labels=NAMES).targets == [*NAMES, "joy", "love"]
    with pytest.raises(InvalidDataError, match="label_offset=1"):
        read({"train": frame([1, 3]), "test": frame([2])}, labels=NAMES)


def test_label_offset_is_checked():
    for offset, labels in ((1, None), (1.0, NAMES), (True, NAMES)):
        with pytest.raises(ArgumentError, match="label_offset"):
            read(columns([1, 2]), labels=labels, label_offset=offset)


def test_numbers_beyond_the_labels():
    with pytest.raises(InvalidDataError, match="run from 0 to 2") as error:
        read(columns([0, 1, 2, 3]), labels=NAMES)
    assert "raise the tolerance" not in str(error.value)


def test_numbers_are_names_where_names_are_numbers():
    stars = ["1", "2", "3"]
    assert read(columns([1, 3, 2.0]), labels=stars).targets == ["1", "3", "2"]
    assert read(columns(["1.0", "3", "01"]), labels=stars).targets == ["1", "3", "1"]
    for cells in ([0, 1, 2], [0] + [1, 2] * 30, [[0, 1], [2], []]):
        with pytest.raises(InvalidDataError, match="label_offset=0"):
            read(columns(cells), labels=stars)
    assert read(columns([0, 2]), labels=stars, label_offset=0).targets == ["1", "3"]
    rated = read(columns([0] + [1, 2, 3] * 10), labels=stars)
    assert rated.invalid_rows.counts == {"unknown label": 1}


@pytest.mark.parametrize("minus", [-1, "-1", "-1.0", -1.0])
def test_minus_one_among_0_to_n_is_no_label(tmp_path, minus):
    cells = [0, 1, 2, minus]
    pd.DataFrame(columns(cells)).to_csv(tmp_path / "d.csv", index=False)
    for source in (columns(cells), tmp_path / "d.csv"):
        assert read(source, unlabelled="keep").targets == ["0", "1", "2", None]
        assert read(source, labels=NAMES, unlabelled="keep").targets == [*NAMES, None]
        with pytest.raises(InvalidDataError, match=r"labels=\['-1', '0', ...\]") as error:
            read(source)
        assert error.value.invalid_rows[0].line in (4, 5)
    assert read(columns([minus] * 2), unlabelled="keep").targets is None


def test_minus_one_that_is_a_label():
    assert read(columns([-1, 1, -1])).labels == ["-1", "1"]
    assert read(columns([-1, 0, 1]), labels=["-1", "0", "1"]).targets == ["-1", "0", "1"]
    with pytest.raises(InvalidDataError, match="label_offset=-1"):
        read(columns([-1, 0, 1]), labels=NAMES)
    assert read(columns([-1, 0, 1]), labels=NAMES, label_offset=-1).targets == NAMES
    kept = read(columns([-1, 0, 1]), labels=NAMES, label_offset=0, unlabelled="keep")
    assert kept.targets == [None, "anger", "joy"]


# === Order and spelling ===


def test_numbers_are_sorted_by_value_everywhere(tmp_path):
    numbers = [str(i) for i in range(-2, 12)]
    cells = list(reversed(numbers))
    assert read(columns(cells)).labels == numbers
    assert read({"train": frame(cells[:7]), "test": frame(cells[7:])}).labels == numbers
    assert read(columns(cells[7:])).concat(read(columns(cells[:7]))).labels == numbers
    words = read(columns([f"grade {n}" for n in numbers]))
    assert words.relabel({f"grade {n}": n for n in numbers}).labels == numbers
    for number in numbers:
        (tmp_path / "folder" / number).mkdir(parents=True)
        (tmp_path / "folder" / number / "1.txt").write_text("a text")
    assert read(tmp_path / "folder").labels == numbers


def test_an_order_of_the_callers_own_is_kept():
    first = read(columns(["10", "9"]), labels=["10", "9"])
    assert first.concat(read(columns(["1", "2"]))).labels == ["10", "9", "1", "2"]
    assert first.relabel({"10": "3"}).labels == ["3", "9"]


@pytest.mark.parametrize(
    ("one", "other", "labels"),
    [
        ([1, 0], ["1.0", "0.0"], ["0", "1"]),
        ([1.0, 2.5], ["1.0", "2.5"], ["1", "2.5"]),
        ([True, False], ["TRUE", "False"], ["false", "true"]),
        (["True", "False"], ["true", "false"], ["false", "true"]),
    ],
)
def test_spellings_of_one_label_are_one(tmp_path, one, other, labels):
    pd.DataFrame(columns(other)).to_csv(tmp_path / "d.csv", index=False)
    assert read(tmp_path / "d.csv").labels == labels
    parts = read({"train": frame(one), "test": tmp_path / "d.csv"})
    assert parts.labels == labels and parts.targets[:2] == parts.targets[2:]
    assert read(columns(one), labels=labels).targets == read(columns(other), labels=labels).targets


def test_spellings_in_several_labels_of_a_text():
    found = read(columns([["1", "1.0"], ["2.0"], []]))
    assert found.targets == [["1"], ["2"], []]
    partial = read(columns([{"1.0": 1, "2": 0}, {"1": 0}]))
    assert partial.targets == [{"1": 1, "2": 0}, {"1": 0}]
    # A version is no number of a class.
    assert read(columns(["1.0", "1.0-beta"])).labels == ["1.0", "1.0-beta"]


def test_rows_of_another_width_are_no_lists_of_labels():
    cells = [[0, 1, 1, 0], [1, 0, 0, 0], [1, 1]]
    with pytest.raises(InvalidDataError, match="row of 4 zeros and ones for 3 labels"):
        read(columns(cells), labels=NAMES)
    cells = [[0, 2], [1], [0, 0, 1]]
    dataset = read(columns(cells), labels=NAMES, invalid_data_tolerance_percent=50)
    assert dataset.targets == [["anger", "love"], ["joy"]]


def test_an_empty_list_is_no_label_where_each_text_has_one():
    cells = [["joy"], [], ["love"]]
    dataset = read(columns(cells), multi_label=False, invalid_data_tolerance_percent=50)
    assert dataset.targets == ["joy", "love"]
    assert dataset.invalid_rows.counts == {"no label": 1}
    kept = read(columns(cells), multi_label=False, unlabelled="keep")
    assert [row.label for row in kept] == ["joy", None, "love"]


def test_empty_lists_that_alone_make_data_multi_label_are_told_of(caplog):
    with caplog.at_level("WARNING", "keras_textcls"):
        dataset = read(columns([["joy"], [], ["love"]]))
    assert dataset.multi_label and "pass multi_label=False" in caplog.text
    assert "1 empty lists" in dataset.details["lists of labels"]
    assert "multi_label=False" in str(dataset.check())
    caplog.clear()
    for cells, options in (
        ([["joy"], ["love"]], {}),
        ([["joy", "love"], []], {}),
        ([["joy"], []], {"multi_label": True}),
    ):
        assert "lists of labels" not in read(columns(cells), **options).details
    assert not caplog.records


def test_cells_of_tools_are_read_without_their_other_columns():
    cells = ['{"choices":["joy","love"]}', "anger", {"choices": ["love"]}]
    assert read(columns(cells)).targets == [["joy", "love"], ["anger"], ["love"]]
    pairs = [
        ("a b", {"cats": {"x": True, "y": False}}),
        ("c d", {"entities": [], "cats": {"y": 1}}),
    ]
    assert read(pairs).targets == [{"x": 1, "y": 0}, {"y": 1}]


@pytest.mark.parametrize("name", ["0 1 1", "0,1,0", "__label__a __label__b"])
def test_several_labels_in_one_name_are_a_finding(name):
    report = read(columns([name, "b", name, "b"])).check()
    assert "labels that look like lists" in [finding.name for finding in report.findings]
