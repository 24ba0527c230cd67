"""`read`: one verb, every source, no row lost."""

import csv
import gzip
import json

import datasets
import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from keras_textcls import ArgumentError, InvalidDataError, read
from keras_textcls.data.formats import delimited, json_text
from keras_textcls.data.rows import source

ROWS = [
    ("The fox jumped, over\nthe dog", "animal"),
    ('He said "stop"', "speech"),
    ("naïve café", "food"),
    ("东京 is big", "place"),
    ("  leading space", "place"),
]
TEXTS = [text for text, _ in ROWS]
LABELS = [label for _, label in ROWS]


def write_csv(path, rows=ROWS, header=("text", "label"), encoding="utf-8", **dialect):
    with open(path, "w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, **dialect)
        if header:
            writer.writerow(header)
        writer.writerows(rows)
    return path


def check(dataset):
    assert dataset.texts == TEXTS
    assert dataset.targets == LABELS
    assert dataset.labels == sorted(set(LABELS))
    assert not dataset.invalid_rows and not dataset.multi_label


# --- Delimited files ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("terminator", ["\n", "\r\n", "\r"])
def test_delimited(tmp_path, delimiter, terminator):
    # With "\r" the writer does not see that a cell with "\n" needs quotes.
    dialect = {"delimiter": delimiter, "lineterminator": terminator, "quoting": csv.QUOTE_ALL}
    path = write_csv(tmp_path / "d.csv", **dialect)
    check(read(path))
    check(read(str(path), delimiter=delimiter, quote='"'))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings(tmp_path, encoding):
    rows = [("plain words here", "a")] * 20 + ROWS
    dataset = read(write_csv(tmp_path / "d.csv", rows, encoding=encoding))
    assert dataset.texts[20:] == TEXTS
    assert dataset.details["encoding"].startswith(encoding[:5])


def test_cp1252_is_found_and_said(tmp_path):
    dataset = read(write_csv(tmp_path / "d.csv", [("schön früh", "a")], encoding="cp1252"))
    assert dataset.texts == ["schön früh"]
    assert dataset.details["encoding"] == "cp1252"


def test_without_a_header(tmp_path):
    path = write_csv(tmp_path / "d.csv", header=None)
    check(read(path, header=False, text=0, label=1))
    check(read(path, header=["text", "label"]))
    with pytest.raises(ArgumentError, match="header=False"):
        read(path)
    with pytest.raises(ArgumentError, match="from 0 to 1"):
        read(path, header=False, text=0, label=2)
    with pytest.raises(ArgumentError, match="has 2 columns"):
        read(path, header=["text"])


def test_blocks_of_any_size_give_the_same_dataset(tmp_path, monkeypatch):
    rows = [(f"{text} {i}", label) for i in range(40) for text, label in ROWS]
    path = write_csv(tmp_path / "d.csv", rows)
    whole = read(path)
    for size in (7, 64, 1000):
        blocks = delimited.ByteStream.blocks
        monkeypatch.setattr(
            delimited.ByteStream, "blocks", lambda self, n=0, s=size, b=blocks: b(self, s)
        )
        if size >= 64:
            assert read(path).fingerprint == whole.fingerprint
        monkeypatch.undo()
    assert len(whole) == 200


def test_every_row_is_read_or_listed_with_its_line(tmp_path):
    path = tmp_path / "messy.csv"
    lines = [
        b"text,label",
        b"fine,a",
        b"",
        b'"two',
        b'lines",b',
        b"too,many,cells",
        b",a",
        b"no label,",
        b"broken \xff\xfe bytes,a",
        b"one cell",
        b'"never closed,a',
        b"fine again,b,,",
        b"   ,b",
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    dataset = read(path, invalid_data_tolerance_percent=100, encoding="utf-8")
    assert dataset.texts == ["fine", "two\nlines", "fine again"]
    assert [(row.line, row.reason) for row in dataset.invalid_rows] == [
        (6, "wrong column count"),
        (7, "no text"),
        (8, "no label"),
        (9, "undecodable bytes"),
        (10, "wrong column count"),
        (11, "unclosed quote"),
        (13, "no text"),
    ]
    with pytest.raises(InvalidDataError, match=r"7 of 10 rows cannot be used \(70.0 %\)") as error:
        read(path, encoding="utf-8")
    assert [row.line for row in error.value.invalid_rows] == [6, 7, 8, 9, 10, 11, 13]
    assert dataset.stats().invalid["no text"] == 2


def test_lines_are_right_across_blocks(tmp_path, monkeypatch):
    rows = [('multi\nline "x"' if i % 3 else "single", "a") for i in range(300)]
    rows[250] = ("", "a")
    path = write_csv(tmp_path / "d.csv", rows, lineterminator="\n")
    expected = 2 + sum(1 + text.count("\n") for text, _ in rows[:250])
    for size in (1 << 20, 200):
        blocks = delimited.ByteStream.blocks
        monkeypatch.setattr(
            delimited.ByteStream, "blocks", lambda self, n=0, s=size, b=blocks: b(self, s)
        )
        (row,) = read(path).invalid_rows
        assert row.line == expected
        monkeypatch.undo()


def test_repeated_identifiers_are_listed(tmp_path):
    rows = [(1, "a", "x"), (2, "b", "x"), (1, "c", "x"), ("", "d", "x"), ("", "e", "x")]
    path = write_csv(tmp_path / "d.csv", rows, header=("id", "text", "label"))
    dataset = read(path, invalid_data_tolerance_percent=50)
    assert dataset.texts == ["a", "b", "d", "e"]
    (row,) = dataset.invalid_rows
    assert (row.line, row.reason, row.detail) == (4, "duplicate id", "'1' is also on line 2")


def test_a_large_dataset_lies_in_a_file(tmp_path):
    path = write_csv(tmp_path / "d.csv", ROWS * 500)
    held, mapped = read(path), read(path, memory_limit=1000)
    assert mapped.fingerprint == held.fingerprint
    before = pa.total_allocated_bytes()
    mapped = read(path, memory_limit=1000)
    assert pa.total_allocated_bytes() - before < 0.2 * held.table.nbytes
    assert mapped.texts == held.texts


# --- JSON ---


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_json_lines(tmp_path):
    rows = [{"text": t, "label": n, "other": {"a": [1]}} for t, n in ROWS]
    check(read(write_jsonl(tmp_path / "d.jsonl", rows)))


def test_json_lines_with_all_kinds_of_labels(tmp_path):
    rows = [
        {"text": "a", "label": ["x", "y"]},
        {"text": "b", "label": []},
        {"text": "c", "label": {"x": 1, "y": 0}},
        {"label": "x", "text": "d"},
    ]
    dataset = read(write_jsonl(tmp_path / "d.jsonl", rows))
    assert dataset.multi_label
    assert [row.label for row in dataset] == [["x", "y"], [], ["x"], ["x"]]
    # All is known of every text, so nothing is said of what does not hold.
    assert dataset[2].negatives is None


def test_json_lines_that_are_broken_are_listed(tmp_path):
    good = [json.dumps({"text": f"text {i}", "label": "a"}) for i in range(100)]
    bad = {10: "{broken", 20: '"a string"', 30: '{"text": 5, "label": "a"}', 40: "[" * 5000}
    lines = [bad.get(i, line) for i, line in enumerate(good)]
    (tmp_path / "d.jsonl").write_text("\n\n".join(lines))
    dataset = read(tmp_path / "d.jsonl")
    assert len(dataset) == 96
    assert [(row.line, row.reason) for row in dataset.invalid_rows] == [
        (21, "not JSON"),
        (41, "not JSON"),
        (61, "not a text"),
        (81, "not JSON"),
    ]


def test_json_arrays(tmp_path, monkeypatch):
    rows = [{"text": t, "label": n} for t, n in ROWS]
    path = tmp_path / "d.json"
    for indent in (None, 2):
        path.write_text(json.dumps(rows, indent=indent))
        check(read(path))
        blocks = json_text.ByteStream.blocks
        monkeypatch.setattr(json_text.ByteStream, "blocks", lambda self, b=blocks: b(self, 40))
        check(read(path))
        monkeypatch.undo()


@pytest.mark.parametrize("text", ["[1, 2", "[{]", "[{},]x", '{"a":', "[" * 9000, "", "null", "[]"])
def test_json_that_is_none(tmp_path, text):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises((InvalidDataError, ArgumentError)):
        read(tmp_path / "d.json")


def test_rows_of_an_array_have_lines(tmp_path):
    rows = [{"text": "a", "label": "x"}] * 30 + [{"text": "", "label": "x"}]
    (tmp_path / "d.json").write_text(json.dumps(rows, indent=1))
    assert read(tmp_path / "d.json").invalid_rows[0].line == 2 + 30 * 4


# --- Tables and objects ---

COLUMNS = {"text": TEXTS, "label": LABELS}


def test_objects():
    check(read(ROWS))
    check(read(iter(ROWS)))
    check(read([{"text": t, "label": n} for t, n in ROWS]))
    check(read(COLUMNS))
    check(read({"text": np.array(TEXTS), "label": np.array(LABELS, object)}))
    check(read(pa.table(COLUMNS)))
    check(read(pa.table(COLUMNS).to_batches()[0]))
    check(read(pd.DataFrame(COLUMNS)))
    check(read(pd.DataFrame(COLUMNS, dtype=object)))
    check(read(pd.DataFrame(COLUMNS).astype({"label": "category"})))
    check(read(pl.DataFrame(COLUMNS)))
    check(read(pl.DataFrame(COLUMNS).with_columns(pl.col("label").cast(pl.Categorical))))


def test_pandas_with_whatever_objects():
    frame = pd.DataFrame({"text": ["a", None, 5, "b"], "label": ["x", "x", "y", 3]})
    dataset = read(frame, invalid_data_tolerance_percent=50)
    assert dataset.targets == ["x", "3"]
    assert [(r.line, r.reason) for r in dataset.invalid_rows] == [(2, "no text"), (3, "not a text")]


def test_hugging_face_datasets():
    names = sorted(set(LABELS))
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)}
    )
    codes = [names.index(label) for label in LABELS]
    dataset = datasets.Dataset.from_dict({"text": TEXTS, "label": codes}, features=features)
    check(read(dataset))
    check(read(dataset.select([4, 3, 2, 1, 0]).select([4, 3, 2, 1, 0])))
    both = read(datasets.DatasetDict({"train": dataset, "dev": dataset.select([1])}))
    assert {name: len(part) for name, part in both.splits.items()} == {"train": 5, "validation": 1}


def test_parquet_and_arrow(tmp_path):
    table = pa.table({**COLUMNS, "n": range(5)})
    pyarrow.parquet.write_table(table, tmp_path / "d.parquet", row_group_size=2)
    check(read(tmp_path / "d.parquet"))
    with pa.ipc.new_file(tmp_path / "d.arrow", table.schema) as writer:
        writer.write_table(table)
    check(read(tmp_path / "d.arrow"))
    with pa.ipc.new_stream(tmp_path / "s.arrow", table.schema) as writer:
        writer.write_table(table)
    check(read(tmp_path / "s.arrow"))


def test_strings_that_only_say_that_they_are_utf_8(tmp_path):
    raw = pa.array([b"good", b"bad \xff", b"fine"], pa.binary()).view(pa.string())
    table = pa.table({"text": raw, "label": ["a", "a", "b"]})
    pyarrow.parquet.write_table(table, tmp_path / "d.parquet")
    for dataset in (
        read(tmp_path / "d.parquet", invalid_data_tolerance_percent=50),
        read(table, invalid_data_tolerance_percent=50),
    ):
        assert dataset.texts == ["good", "fine"]
        assert dataset.invalid_rows.counts == {"undecodable bytes": 1}


def test_excel(tmp_path):
    book = openpyxl.Workbook()
    for row in [("text", "label"), *ROWS, ("seven", 7), (None, "x"), (12.5, True)]:
        book.active.append(row)
    other = book.create_sheet("other")
    other.append(["hello", "greeting"])
    book.save(tmp_path / "d.xlsx")
    dataset = read(tmp_path / "d.xlsx", invalid_data_tolerance_percent=20)
    assert dataset.texts == [*TEXTS, "seven", "12.5"]
    assert dataset.targets == [*LABELS, "7", "true"]
    assert [row.line for row in dataset.invalid_rows] == [8]
    second = read(tmp_path / "d.xlsx", sheet="other", header=False, text=0, label=1)
    assert second.texts == ["hello"]
    with pytest.raises(InvalidDataError, match="no sheet 'none'"):
        read(tmp_path / "d.xlsx", sheet="none")
    (tmp_path / "bad.xlsx").write_bytes((tmp_path / "d.xlsx").read_bytes()[:500])
    with pytest.raises(InvalidDataError, match=r"bad.xlsx"):
        read(tmp_path / "bad.xlsx")


def test_folders(tmp_path):
    for i, (text, label) in enumerate(ROWS):
        folder = tmp_path / "plain" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.txt").write_text(text, encoding="utf-8")
    dataset = read(tmp_path / "plain")
    assert sorted(zip(dataset.texts, dataset.targets, strict=True)) == sorted(ROWS)
    assert dataset.ids[0] == "animal/0.txt"
    for name in ("train", "test"):
        (tmp_path / "parts" / name / "pos").mkdir(parents=True)
        (tmp_path / "parts" / name / "pos" / "1.txt").write_bytes(b"sch\xf6n")
    parts = read(tmp_path / "parts").splits
    assert parts["test"].texts == ["schön"] and parts["train"].targets == ["pos"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidDataError, match="no .txt files"):
        read(tmp_path / "empty")


def test_cells_that_are_paths(tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("the text of a")
    (tmp_path / "secret.txt").write_text("secret")
    rows = [("texts/a.txt", "x"), ("texts/missing.txt", "x"), ("../secret.txt", "y"), ("", "y")]
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "texts").rename(folder / "texts")
    path = write_csv(folder / "d.csv", rows)
    dataset = read(path, cells="path", invalid_data_tolerance_percent=100)
    assert dataset.texts == ["the text of a"]
    assert [(r.line, r.reason) for r in dataset.invalid_rows] == [
        (3, "text could not be fetched"),
        (4, "text could not be fetched"),
        (5, "no text"),
    ]


def test_parts_in_files_of_their_own(tmp_path):
    train = write_csv(tmp_path / "train.csv")
    test = write_csv(tmp_path / "test.csv.txt", ROWS[:2])
    dataset = read({"train": train, "test": str(test)})
    assert [row.split for row in dataset] == ["train"] * 5 + ["test"] * 2
    rows = read({"train": ROWS, "dev": ROWS[:1]})
    assert list(rows.splits) == ["train", "validation"]


def test_compressed(tmp_path):
    data = write_csv(tmp_path / "d.csv").read_bytes()
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(data))
    check(read(tmp_path / "d.csv.gz"))


def test_texts_alone():
    dataset = read(["a", "b"], unlabelled="keep")
    assert dataset.labels is None and dataset.targets is None
    with pytest.raises(ArgumentError, match="Which column"):
        read(["a", "b"])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (5, "must be a path"),
        (b"bytes", "must be a path"),
        ([], "empty"),
        ([("a", "b"), "c"], "Row 2"),
        ([("a", "b", "c")], "Row 1"),
        ({"text": ["a"], "label": []}, "same length"),
        ({"text": 5, "label": ["a"]}, "The column 'text'"),
        ("http://example.com/a.csv", "is an address"),
        ("what.xyz", "Pass format="),
        ("missing.csv", "No such file"),
    ],
)
def test_what_cannot_be_read(bad, message):
    with pytest.raises((InvalidDataError, ArgumentError), match=message):
        read(bad)


@pytest.mark.parametrize(
    "arguments",
    [
        {"cells": "file"},
        {"invalid_data_tolerance_percent": 101},
        {"invalid_data_tolerance_percent": "5"},
        {"labels": "ham"},
        {"format": "xml"},
        {"delimiter": ",,"},
        {"quote": "\n"},
        {"encoding": "utf-9"},
    ],
)
def test_arguments_are_checked(tmp_path, arguments):
    path = write_csv(tmp_path / "d.csv")
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        read(path, **arguments)


def test_a_generator_is_read_in_pieces():
    count = 3 * source.ROWS_PER_CHUNK
    dataset = read((f"text {i}", "ab"[i % 2]) for i in range(count))
    assert len(dataset) == count and dataset.texts[-1] == f"text {count - 1}"


def test_numbers_in_one_part_are_not_classes_beside_the_names_of_another():
    named = {"text": ["a b", "c d"], "label": ["neg", "pos"]}
    numbered = {"text": ["e f", "g h"], "label": [0, 1]}
    parts = {"train": pd.DataFrame(named), "test": pd.DataFrame(numbered)}
    with pytest.raises(InvalidDataError, match=r"part 'test' are numbers.*labels=\["):
        read(parts)
    assert read(parts, labels=["neg", "pos"]).targets == ["neg", "pos"] * 2
    some = {"train": pd.DataFrame({**named, "label": ["1", "other"]}), "test": parts["test"]}
    assert read(some).targets == ["1", "other", "0", "1"]


def test_parts_of_the_same_name_are_joined():
    dataset = read({"train": [("a", "x")], "dev": [("b", "x")], "validation": [("c", "x")]})
    assert dataset.texts == ["a", "b", "c"]
    assert {name: len(part) for name, part in dataset.splits.items()} == {
        "train": 1,
        "validation": 2,
    }
    iterated = read({"train": [("a", "x")], "test": [("b", "y")]}, labels=iter(["y", "x"]))
    assert iterated.labels == ["y", "x"]


def test_identifiers_of_digits_and_of_letters_are_compared_all_the_same():
    count = 2 * source.ROWS_PER_CHUNK
    rows = ({"text": f"t{i}", "label": "x", "id": i} for i in range(count))
    more = [{"text": "u", "label": "x", "id": "abc"}, {"text": "v", "label": "x", "id": "5"}]
    dataset = read([*rows, *more])
    assert len(dataset) == count + 1
    assert [row.reason for row in dataset.invalid_rows] == ["duplicate id"]


def test_classes_keep_the_order_of_the_source():
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])}
    )
    whole = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    assert read(whole).labels == ["pos", "neg"]
    assert read(whole.select([1])).labels == ["pos", "neg"]
    assert read(whole.to_iterable_dataset()).targets == ["pos", "neg"]


def test_one_bad_row_does_not_take_the_quotes_from_the_others(tmp_path):
    lines = [f'"good text {i}",x' for i in range(15)] + ['"bad,x']
    (tmp_path / "d.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    dataset = read(tmp_path / "d.csv", invalid_data_tolerance_percent=10)
    assert dataset.texts[0] == "good text 0" and len(dataset) == 15


def test_cells_that_nobody_expects():
    deep = {"a": 1}
    for _ in range(3000):
        deep = {"a": deep}
    rows = [
        {"text": pd.NA, "label": "x"},
        {"text": np.array([1, 2]), "label": "x"},
        {"text": "a", "label": {"x", 1}},
        {"text": "b", "label": 10**5000},
        {"text": "c", "label": "x", "id": "\ud800"},
        {"text": "d", "label": "x", "split": "\ud800"},
        {"text": "e", "label": "x", "extra": {"\ud800": "\udfff"}},
        {"text": "f", "label": "x", "extra": deep},
        {"text": "g", "label": pd.Period("2020")},
    ]
    dataset = read(rows, metadata=["extra"], invalid_data_tolerance_percent=100)
    assert dataset.texts == ["a", "e"]
    assert [row.reason for row in dataset.invalid_rows] == [
        "no text",
        "not a text",
        "not a label",
        "undecodable bytes",
        "undecodable bytes",
        "not metadata",
        "not a label",
    ]
    assert read([{0: "a", 1: "b"}], text=0, label=1).targets == ["b"]
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.period_range("2020", periods=2)})
    with pytest.raises(InvalidDataError, match="not a label"):
        read(frame)


@pytest.mark.parametrize(
    "arguments",
    [
        {"header": None},
        {"header": 0},
        {"label": []},
        {"memory_limit": "1"},
        {"memory_limit": -1},
        {"max_text_length": True},
        {"metadata": 1},
        {"root": 5},
        {"multi_label": "yes"},
        {"encoding": "idna"},
        {"encoding": "punycode"},
        {"encoding": "undefined"},
        {"encoding": "a\0b"},
    ],
)
def test_arguments_of_a_wrong_kind(tmp_path, arguments):
    (name,) = arguments
    with pytest.raises(ArgumentError, match=name):
        read(write_csv(tmp_path / "d.csv"), **arguments)


@pytest.mark.parametrize("nothing", ["", {}, pd.DataFrame(), datasets.DatasetDict({})])
def test_nothing_to_read(nothing):
    with pytest.raises(InvalidDataError, match="empty"):
        read(nothing)


def test_columns_are_texts():
    for column in (pd.Series(["a"]), pl.Series(["a"]), pa.array(["a"]), np.array(["a"])):
        assert read(column, unlabelled="keep").texts == ["a"]


def test_a_file_of_one_endless_line_is_listed_in_pieces(tmp_path, monkeypatch):
    from keras_textcls.data.formats import delimited_blocks, delimited_records

    for module in (delimited_blocks, delimited_records, delimited):
        monkeypatch.setattr(module, "MAX_RECORD", 1000)
    blocks = delimited.ByteStream.blocks
    monkeypatch.setattr(
        delimited.ByteStream, "blocks", lambda self, n=0: blocks(self, min(n or 256, 256))
    )
    path = tmp_path / "d.csv"
    path.write_text("text,label\nfine,x\n" + "a" * 5000)
    dataset = read(path, invalid_data_tolerance_percent=100)
    assert dataset.texts == ["fine"]
    assert "text over the length limit" in dataset.invalid_rows.counts


def test_a_header_longer_than_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_SAMPLE", 64)
    names = ["text", "label", *(f"column {i}" for i in range(100))]
    rows = [("a text", "x", *("" for _ in range(100)))]
    assert read(write_csv(tmp_path / "d.csv", rows, names)).texts == ["a text"]


def test_the_form_of_the_platform_is_that_of_delimited_files_only(tmp_path):
    rows = [{"input": "a", "concepts": ["x", "y"]}]
    assert read(rows).targets == [["x", "y"]]
    assert read(write_jsonl(tmp_path / "d.jsonl", rows)).targets == [["x", "y"]]
