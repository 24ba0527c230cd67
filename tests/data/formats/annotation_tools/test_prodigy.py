"""Prodigy's datasets, as its documentation shows them."""

import json

import pandas as pd
import pytest

from keras_textcls import ArgumentError, InvalidDataError, read

OPTIONS = [{"id": "A", "text": "first"}, {"id": "B", "text": "second"}]


def binary(text, label, answer, who="anna"):
    hashes = {"_input_hash": sum(map(ord, text)), "_task_hash": 1}
    return {"text": text, "label": label, "answer": answer, "_session_id": who, **hashes}


def choice(text, accept, answer="accept", **fields):
    return {"text": text, "options": OPTIONS, "accept": accept, "answer": answer, **fields}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_reject_is_a_no_and_ignore_says_nothing(tmp_path):
    rows = [
        binary("free money", "spam", "accept"),
        binary("free money", "urgent", "reject"),
        binary("see you", "spam", "reject"),
        binary("hm", "spam", "ignore"),
    ]
    dataset = read(write(tmp_path / "p.jsonl", rows))
    assert dataset.details["tool"] == "Prodigy"
    assert dataset.targets == [{"spam": 1, "urgent": 0}, {"spam": 0}]
    assert dataset.invalid_rows.counts == {"skipped": 1}
    assert dataset.metadata[0] == {"annotators": {"anna": {"spam": 1, "urgent": 0}}}


def test_annotators_of_binary_answers(tmp_path):
    rows = [binary("a", "spam", "accept", who) for who in ("anna", "ben")]
    rows += [binary("b", "spam", "accept"), binary("b", "spam", "reject", "ben")]
    rows += [binary("a", "spam", "reject", "eve")]
    path = write(tmp_path / "p.jsonl", rows)
    dataset = read(path)
    assert dataset.texts == ["a"] and dataset.targets == ["spam"]
    assert dataset.invalid_rows.counts == {"annotators disagree": 1}
    assert read(path, annotators="all").targets == [["spam"], ["spam"], [], ["spam"], []]
    assert read(iter(rows)) == read(rows)


def test_choices(tmp_path):
    rows = [choice("a", ["A"]), choice("b", ["B"], "reject"), choice("c", [], "ignore")]
    dataset = read(write(tmp_path / "p.jsonl", [*rows, choice("d", [])]))
    assert dataset.targets == ["A"] and not dataset.multi_label
    counts = {"rejected": 1, "skipped": 1, "submitted without a label": 1}
    assert dataset.invalid_rows.counts == counts
    # Nothing chosen among several is an answer: none of them holds.
    several = [choice("a", ["A", "B"]), choice("d", [], config={"choice_style": "multiple"})]
    assert read(several).targets == [["A", "B"], []]
    numbered = [{**choice("a", [2]), "options": [{"id": 2, "text": "joy"}]}]
    assert read(numbered).targets == ["joy"]


def test_other_data_with_answers_are_not_taken_for_it(tmp_path):
    rows = [{"text": "a?", "label": "q", "answer": "yes"}]
    assert "tool" not in read(rows).details
    with pytest.raises(InvalidDataError, match="none of the forms"):
        read(rows, format="prodigy")
    with pytest.raises(InvalidDataError, match="an export of Prodigy"):
        read([choice("a", ["A"])], format="argilla")
    with pytest.raises(ArgumentError, match="a dataset of Prodigy"):
        read([choice("a", ["A"])], label="options")


def test_bad_records_are_listed(tmp_path):
    rows = [choice("a", ["A"]) for _ in range(250)]
    rows = [{**row, "text": f"text {i}"} for i, row in enumerate(rows)]
    bad = [choice("x", ["A"], "maybe"), choice("y", [{"id": 1}]), choice(None, ["A"])]
    dataset = read(write(tmp_path / "p.jsonl", [*rows, *bad]))
    assert [row.line for row in dataset.invalid_rows] == [251, 252, 253]


def test_a_record_of_another_kind_does_not_make_rejected_ones_accepted(tmp_path):
    rows = [binary("a", "spam", "accept"), binary("b", "spam", "REJECT")]
    rows += [{"text": "c", "label": "spam"}, {"text": "d", "label": "spam", "answer": "maybe"}]
    dataset = read(write(tmp_path / "p.jsonl", rows), invalid_data_tolerance_percent=50)
    assert dataset.targets == [["spam"], []]
    assert dataset.invalid_rows.counts == {"not annotated": 1, "not of the form of the tool": 1}
    table = pd.DataFrame([choice("a", ["A"]), choice("b", ["B"], "reject")])
    table.to_csv(tmp_path / "p.csv", index=False)
    dataset = read(tmp_path / "p.csv")
    assert dataset.targets == ["A"] and dataset.invalid_rows.counts == {"rejected": 1}
