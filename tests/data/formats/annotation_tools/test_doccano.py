"""doccano's exports, as its pandas writers write them."""

import json
import logging

import pandas as pd
import pytest

from keras_textcls import InvalidDataError, read

ROWS = [
    {"id": 1, "text": "late parcel", "source": "mail", "label": ["delivery"]},
    {"id": 2, "text": 'a, b "q"\nline', "source": "mail", "label": ["refund"]},
    {"id": 3, "text": "nobody yet", "source": "web", "label": []},
    {"id": 4, "text": "plain", "source": "web", "label": ["delivery"]},
]


def write(folder, rows):
    frame = pd.DataFrame([{**row, "Comments": []} for row in rows])
    frame.to_json(folder / "d.jsonl", orient="records", force_ascii=False, lines=True)
    frame.to_json(folder / "d.json", orient="records", force_ascii=False)
    frame["label"] = ["#".join(sorted(row["label"])) for row in rows]
    frame["Comments"] = ""
    frame.to_csv(folder / "d.csv", index=False)
    return folder / "d.jsonl", folder / "d.json", folder / "d.csv"


def test_one_class_a_text_is_single_label(tmp_path):
    for path in write(tmp_path, ROWS):
        dataset = read(path)
        assert dataset.details["tool"] == "doccano"
        assert dataset.targets == ["delivery", "refund", "delivery"] and not dataset.multi_label
        assert dataset.ids == ["1", "2", "4"]
        assert dataset.invalid_rows.counts == {"not annotated": 1}
        assert read(path, multi_label=True).targets[0] == ["delivery"]
        kept = read(path, unlabelled="keep", metadata=True)
        assert kept.targets == ["delivery", "refund", None, "delivery"]
        assert kept.metadata[2] == {"source": "web"}


def test_several_classes_a_text(tmp_path, caplog):
    rows = [{**ROWS[0], "label": ["refund", "delivery"]}, *ROWS[1:]]
    for path in write(tmp_path, rows):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "keras_textcls"):
            dataset = read(path)
        assert sorted(dataset.targets[0]) == ["delivery", "refund"]
        assert dataset.multi_label
        assert ("joins labels by '#'" in caplog.text) == (path.suffix == ".csv")


@pytest.mark.parametrize("given", [["c#"], ["#1", "b"], ["b", "b#a"], ["c#", "java"]])
def test_a_class_that_holds_the_separator(tmp_path, given):
    jsonl, _, table = write(tmp_path, [{**ROWS[0], "label": given}, *ROWS[1:]])
    assert sorted(read(jsonl, multi_label=True).targets[0]) == sorted(given)
    with pytest.raises(InvalidDataError, match="a class holds '#'"):
        read(table)
    dataset = read(table, labels=[*given, "delivery", "refund"], multi_label=True)
    assert sorted(dataset.targets[0]) == sorted(given)


def test_what_labels_cannot_divide_is_listed(tmp_path):
    *_, table = write(tmp_path, [{**ROWS[0], "label": ["a", "b"]}, *ROWS[1:]])
    for names, message in ((["x"], "no way"), (["a", "b", "a#b"], "several ways")):
        with pytest.raises(InvalidDataError, match=message):
            read(table, labels=[*names, "delivery", "refund"])


def test_fasttext_of_doccano(tmp_path):
    labels = [" ".join(f"__label__{name}" for name in row["label"]) for row in ROWS]
    comments = ["__comment__hm, ok", "", "", ""]
    lines = [f"{a} {row['text']} {c}" for a, row, c in zip(labels, ROWS, comments, strict=True)]
    path = tmp_path / "d.txt"
    pd.Series(lines).to_csv(path, index=False, header=False)
    dataset = read(path, invalid_data_tolerance_percent=50)
    assert "doccano" in dataset.details["form"]
    assert dataset.texts == ["late parcel", 'a, b "q"\nline', "plain"]
    assert dataset.targets == ["delivery", "refund", "delivery"]
    assert [(row.line, row.reason) for row in dataset.invalid_rows] == [(4, "no label")]
    cut = tmp_path / "cut.txt"
    cut.write_text(path.read_text() + '"__label__refund never, closed\n')
    assert "unclosed quote" in read(cut, unlabelled="keep", invalid_data_tolerance_percent=50) \
        .invalid_rows.counts  # fmt: skip


def test_other_files_are_not_taken_for_it(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text('{"id": 1, "text": "a", "label": []}\n{"id": 2, "text": "b", "label": ["x"]}\n')
    assert read(path).targets == [[], ["x"]]
    assert read(path, format="doccano").targets == ["x"]
    path.write_text('{"id": 1, "text": "a", "label": [[0, 1, "x"]], "Comments": []}\n')
    with pytest.raises(InvalidDataError):
        read(path)


def test_the_archive_that_doccano_downloads(tmp_path):
    import zipfile

    path, *_ = write(tmp_path, ROWS)
    with zipfile.ZipFile(tmp_path / "1f2e3d.zip", "w") as archive:
        archive.write(path, "all.jsonl")
    assert read(tmp_path / "1f2e3d.zip") == read(path)
    (tmp_path / "d.txt").write_text(path.read_text())
    assert read(tmp_path / "d.txt", format="doccano") == read(path)


def test_records_of_early_versions(tmp_path):
    path = tmp_path / "all.jsonl"
    rows = [{"id": 1, "data": "a b", "label": ["x"]}, {"id": 2, "data": "c d", "label": []}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = read(path)
    assert dataset.details["tool"] == "doccano"
    assert dataset.texts == ["a b"] and dataset.targets == ["x"] and not dataset.multi_label
    assert dataset.invalid_rows.counts == {"not annotated": 1}
    other = [{"id": 1, "data": "a b", "label": "x"}]
    assert "tool" not in read(other, text="data").details
