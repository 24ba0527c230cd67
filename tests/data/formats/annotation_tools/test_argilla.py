"""Argilla's exports, as argilla 2.8 writes them."""

import json

import datasets
import pytest

from keras_textcls import ArgumentError, InvalidDataError, read

USERS = ["u-anna", "u-ben", "u-eve"]
# Of each record: the answer and the status of each response.
RESPONSES = {
    "a": [("delivery", "submitted"), ("refund", "draft")],
    "b": [("refund", "submitted"), ("refund", "submitted"), ("delivery", "submitted")],
    "c": [("refund", "discarded")],
    "d": [],
    "e": [("delivery", "submitted"), ("refund", "submitted")],
    "f": [('it\'s, "odd"', "submitted")],
}


def flat():
    columns = {"id": [], "status": [], "_server_id": [], "text": [], "source": []}
    columns |= {f"label.responses{part}": [] for part in ("", ".users", ".status")}
    columns["label.suggestion"] = []
    for name, given in RESPONSES.items():
        columns["id"].append(name)
        columns["status"].append("pending")
        columns["_server_id"].append(None)
        columns["text"].append(f"text of {name}")
        columns["source"].append("mail")
        columns["label.responses"].append([value for value, _ in given] or None)
        columns["label.responses.users"].append(USERS[: len(given)] or None)
        columns["label.responses.status"].append([status for _, status in given] or None)
        columns["label.suggestion"].append("refund" if name == "d" else None)
    dataset = datasets.Dataset.from_dict(columns)
    # As `to_datasets` does, with `None` as a class of its own.
    names = datasets.ClassLabel(names=["refund", "None"])
    indices = [int(value is None) for value in columns["label.suggestion"]]
    return dataset.remove_columns("label.suggestion").add_column(
        "label.suggestion", indices, feature=names
    )


def nested():
    return [
        {
            "id": name,
            "fields": {"text": f"text of {name}"},
            "metadata": {"source": "mail"},
            "suggestions": {"label": {"value": "refund"}} if name == "d" else {},
            "responses": {
                "label": [
                    {"value": value, "user_id": user}
                    for (value, _), user in zip(given, USERS, strict=False)
                ]
            }
            if given
            else {},
            "vectors": {},
            "status": "pending",
            "_server_id": None,
        }
        for name, given in RESPONSES.items()
    ]


def test_to_datasets_and_its_files(tmp_path):
    dataset = flat()
    dataset.to_csv(tmp_path / "d.csv")
    dataset.to_json(tmp_path / "d.jsonl")
    dataset.to_parquet(tmp_path / "d.parquet")
    for source in (dataset, *(tmp_path / f"d.{s}" for s in ("csv", "jsonl", "parquet"))):
        found = read(source)
        assert found.details["tool"] == "Argilla"
        assert found.details["judgements left out"] == "1 draft, 1 discarded"
        assert dict(zip(found.ids, found.targets, strict=True)) == {
            "a": "delivery",
            "b": "refund",
            "f": 'it\'s, "odd"',
        }
        counts = {"discarded": 1, "not annotated": 1, "annotators disagree": 1}
        assert found.invalid_rows.counts == counts
        assert found.metadata[0] == {"annotators": {"u-anna": "delivery"}}
        everything = read(source, annotators="all")
        assert everything.ids[:4] == ["a", "b/u-anna", "b/u-ben", "b/u-eve"]


def test_to_json_has_no_status(tmp_path):
    path = tmp_path / "d.json"
    path.write_text(json.dumps(nested()))
    found = read(path, metadata=True)
    assert "drafts and discarded ones count" in found.details["status of responses"]
    # The draft of `a` counts as an answer, so that there is no majority.
    assert dict(zip(found.ids, found.targets, strict=True)) == {
        "b": "refund",
        "c": "refund",
        "f": 'it\'s, "odd"',
    }
    assert found.metadata[0]["source"] == "mail"


def test_suggestions_are_no_labels(tmp_path):
    only = flat().remove_columns([f"label.responses{p}" for p in ("", ".users", ".status")])
    with pytest.raises(ArgumentError, match="an export of Argilla with answers to none"):
        read(only)


def test_bad_cells(tmp_path):
    rows = nested()
    for change in [{"fields": 5}, {"responses": 5}, {"responses": {"label": [5]}}]:
        path = tmp_path / "d.json"
        path.write_text(json.dumps([*rows, {**rows[0], "id": "g", **change}]))
        with pytest.raises((InvalidDataError, ArgumentError), match="g|form"):
            read(path, format="argilla", invalid_data_tolerance_percent=0)
    flat().to_csv(tmp_path / "d.csv")
    broken = (tmp_path / "d.csv").read_text().replace("['delivery' 'refund']", "['delivery' ...]")
    (tmp_path / "d.csv").write_text(broken)
    assert read(tmp_path / "d.csv", invalid_data_tolerance_percent=50).invalid_rows.counts[
        "not of the form of the tool"
    ]


def test_records_of_argilla_1(tmp_path):
    columns = {"text": [], "annotation": [], "annotation_agent": [], "status": [], "id": []}
    columns["prediction"] = []
    for name, label, status in [
        ("a", "refund", "Validated"),
        ("b", "delivery", "Validated"),
        ("c", "delivery", "Discarded"),
        ("d", None, "Default"),
        ("e", "refund", "Edited"),
    ]:
        values = (f"text of {name}", label, "anna", status, name, [{"label": "x", "score": 1.0}])
        for column, value in zip(columns, values, strict=True):
            columns[column].append(value)
    dataset = datasets.Dataset.from_dict(columns)
    dataset.to_parquet(tmp_path / "d.parquet")
    dataset.to_json(tmp_path / "d.jsonl")
    for source in (dataset, tmp_path / "d.parquet", tmp_path / "d.jsonl"):
        for label in (None, "annotation"):
            read_back = read(source, label=label, invalid_data_tolerance_percent=0)
            assert read_back.targets == ["refund", "delivery"]
            assert read_back.ids == ["a", "b"]
            assert read_back.invalid_rows.counts == {
                "discarded": 1, "not annotated": 1, "draft": 1
            }  # fmt: skip
            assert read_back.details["form"] == "records of Argilla 1"


def test_several_labels_of_argilla_1():
    rows = [
        {"text": f"text {i}", "annotation": label, "annotation_agent": "anna",
         "status": "Validated"} for i, label in enumerate([["a", "b"], ["a"], ["b"]])
    ]  # fmt: skip
    assert read(rows).targets == [["a", "b"], ["a"], ["b"]]


@pytest.mark.parametrize("as_columns", [False, True])
def test_feedback_of_argilla_1(as_columns):
    rows = []
    for name, given in RESPONSES.items():
        responses = [
            {"user_id": user, "value": value, "status": status}
            for (value, status), user in zip(given, USERS, strict=False)
        ]
        if as_columns:
            # As `datasets` gives lists of objects.
            responses = {key: [r[key] for r in responses] for key in ("user_id", "value", "status")}
        rows.append(
            {"text": f"text of {name}", "label": responses, "label-suggestion": "refund",
             "label-suggestion-metadata": {"agent": None}, "external_id": name}
        )  # fmt: skip
    read_back = read(rows)
    assert read_back.details["question"] == "label"
    assert dict(zip(read_back.ids, read_back.targets, strict=True)) == {
        "a": "delivery", "b": "refund", "f": 'it\'s, "odd"'
    }  # fmt: skip
    assert read_back.invalid_rows.counts == {
        "discarded": 1, "not annotated": 1, "annotators disagree": 1
    }  # fmt: skip
