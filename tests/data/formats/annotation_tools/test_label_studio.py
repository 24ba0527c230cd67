"""Label Studio's exports, as label_studio_sdk 2.1 writes them."""

import csv
import io
import json

import pytest

from keras_textcls import ArgumentError, InvalidDataError, read

ALWAYS = ["annotator", "annotation_id", "created_at", "updated_at", "lead_time"]


def answer(name, kind, value):
    return {"from_name": name, "to_name": "text", "type": kind, "value": {kind: value}}


def annotation(number, who, *results, cancelled=False):
    return {
        "id": number,
        "completed_by": who,
        "result": list(results),
        "was_cancelled": cancelled,
        "created_at": f"2026-01-{number:02}T10:00:00.000000Z",
        "lead_time": 1.5,
    }


def task(number, text, *annotations):
    data = {"text": text, "source": "mail"}
    return {"id": number, "annotations": list(annotations), "predictions": [], "data": data}


LATE, BILL = answer("topic", "choices", ["late parcel"]), answer("topic", "choices", ["billing"])
BOTH = answer("topic", "choices", ["billing", "late parcel"])
KIND = answer("kind", "taxonomy", [["Animals", "Dog"], ["Birds"]])
TASKS = [
    task(1, "where is it", annotation(1, 7, LATE, KIND), annotation(2, 8, LATE)),
    task(2, 'he said "hi", ok', annotation(3, 7, BOTH)),
    task(3, "skipped", annotation(4, 7, cancelled=True)),
    task(4, "empty", annotation(5, {"id": 8, "email": "b@example.org"})),
    task(5, "nobody yet"),
]


def pretty(results):
    """One choice is a bare name; several, and paths, are objects."""
    if results[0]["type"] == "choices":
        choices = results[0]["value"]["choices"]
        return choices[0] if len(choices) == 1 else {"choices": choices}
    return [result["value"] for result in results]


def flat(tasks):
    """The rows of JSON_MIN: newest annotation first, skipped tasks absent."""
    for one in tasks:
        held = [a for a in one["annotations"] if not a["was_cancelled"]]
        if one["annotations"] and not held:
            continue
        for a in sorted(held, key=lambda a: a["created_at"], reverse=True) or [{}]:
            named = {}
            for result in a.get("result", ()):
                named.setdefault(result["from_name"], []).append(result)
            who = a.get("completed_by")
            who = who["email"] if isinstance(who, dict) else who
            rest = [who, a.get("id"), a.get("created_at"), a.get("created_at"), a.get("lead_time")]
            yield {
                **one["data"],
                "id": one["id"],
                **{name: pretty(results) for name, results in named.items()},
                **dict(zip(ALWAYS, rest, strict=True)),
            }


def compact(cell):
    return json.dumps(cell, separators=(",", ":"))


def delimited(tasks, delimiter):
    rows = [
        {
            name: json.dumps(cell, separators=(",", ":"))
            if isinstance(cell, (dict, list))
            else cell
            for name, cell in row.items()
        }
        for row in flat(tasks)
    ]
    file = io.StringIO()
    names = sorted({name for row in rows for name in row})
    writer = csv.DictWriter(file, names, quoting=csv.QUOTE_NONNUMERIC, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def write(folder, tasks=TASKS):
    texts = {
        "full.json": json.dumps(tasks),
        "min.json": json.dumps(list(flat(tasks)), indent=2),
        "export.csv": delimited(tasks, ","),
        "export.tsv": delimited(tasks, "\t"),
    }
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in texts]


def test_all_forms_say_the_same(tmp_path):
    for path in write(tmp_path):
        dataset = read(path, label="topic", metadata=["source"])
        assert dataset.details["tool"] == "Label Studio"
        assert dataset.details["annotators"].startswith("2 (")
        assert dataset.targets == [["late parcel"], ["billing", "late parcel"]]
        assert dataset.ids == ["1", "2"]
        said = {"7": "late parcel", "8": "late parcel"}
        assert dataset.metadata[0] == {"source": "mail", "annotators": said}
        counts = dataset.invalid_rows.counts
        # Skipped tasks are in the full JSON only.
        assert counts.pop("skipped", 0) == (path.name == "full.json")
        assert counts == {"submitted without a label": 1, "not annotated": 1}
        assert read(path, label="topic", unlabelled="keep").ids == ["1", "2", "4", "5"]
        assert read(path, format="label_studio", label="topic") == read(path, label="topic")


def test_taxonomies(tmp_path):
    for path in write(tmp_path):
        assert read(path, label="kind").targets == [["Dog", "Birds"]]
        joined = read(path, label="kind", taxonomy="joined")
        assert joined.targets == [["Animals / Dog", "Birds"]]
        with pytest.raises(ArgumentError, match="'kind'.*'topic'|'topic'.*'kind'"):
            read(path)
        with pytest.raises(ArgumentError, match="has no answer"):
            read(path, label="topik")


def test_one_question_needs_no_name(tmp_path):
    tasks = [
        task(1, "a", annotation(1, 7, LATE)),
        task(2, "b", annotation(2, 7, BILL)),
        task(3, "c"),
    ]
    for path in write(tmp_path, tasks):
        dataset = read(path)
        assert dataset.targets == ["late parcel", "billing"] and not dataset.multi_label
        assert dataset.details["question"] == "topic"


def test_without_a_usual_name_the_question_must_be_named(tmp_path):
    tasks = [task(1, "a", annotation(1, 7, answer("q1", "choices", ["x"])))]
    *_, path, _ = write(tmp_path, tasks)
    with pytest.raises(ArgumentError, match="Pass label="):
        read(path)
    assert read(path, label="q1").targets == ["x"]


def test_the_last_word_of_an_annotator_counts(tmp_path):
    tasks = [task(1, "a", annotation(1, 7, BILL), annotation(3, 7, LATE))]
    for path in write(tmp_path, tasks):
        assert read(path, label="topic").targets == ["late parcel"]
    tasks = [task(1, "a", annotation(1, 8, BILL), annotation(3, 7, LATE))]
    for path in write(tmp_path, tasks):
        assert read(path, label="topic", annotators="first").targets == ["billing"]


def test_broken_cells_are_listed(tmp_path):
    path = write(tmp_path)[2]
    path.write_text(path.read_text().replace('""late parcel""]}', '""late parc'))
    with pytest.raises(InvalidDataError, match="broken JSON"):
        read(path, label="topic")
    for change in [{"annotations": [3]}, {"data": 5}, {"annotations": None}]:
        path.with_suffix(".json").write_text(json.dumps([*TASKS[:2], {**TASKS[0], **change}]))
        with pytest.raises((InvalidDataError, ArgumentError)):
            read(path.with_suffix(".json"), label="topic", format="label_studio")


def test_answers_on_a_part_of_a_text_are_no_labels(tmp_path):
    part = {**LATE, "value": {"start": 0, "end": 3, "choices": ["late parcel"]}}
    path = write(tmp_path, [task(1, "some text", annotation(1, 7, part, BILL))])[0]
    assert read(path).targets == ["billing"]


def test_python_objects_and_frames(tmp_path):
    import pandas as pd

    full, small, table, _ = write(tmp_path)
    expected = read(full, label="topic").targets
    for rows in (json.loads(full.read_text()), iter(json.loads(small.read_text()))):
        assert read(rows, label="topic").targets == expected
    assert read(pd.read_csv(table), label="topic").targets == expected


def test_data_with_an_id_of_their_own(tmp_path):
    rows = [
        {"id": 5, "text": "a", "kind": "x", "label": "spam"},
        {"id": 6, "text": "b", "kind": "y"},
    ]
    rows = [{**row, "annotator": 1, "annotation_id": 2, "lead_time": 1.0} for row in rows]
    path = tmp_path / "min.json"
    path.write_text(json.dumps(rows))
    dataset = read(path, metadata=True)
    assert dataset.targets == ["spam"] and dataset.metadata[0]["kind"] == "x"


def test_pairs_of_texts(tmp_path):
    one = task(1, "-", annotation(1, 7, LATE))
    one["data"] = {"premise": "it rains", "hypothesis": "it is wet"}
    for path in write(tmp_path, [one]):
        dataset = read(path, label="topic")
        assert (dataset[0].text, dataset[0].text_pair) == ("it rains", "it is wet")


def chosen_of(chosen, **fields):
    value = {"choices": [chosen]}
    result = {"from_name": "topic", "to_name": "text", "type": "choices", "value": value}
    return {"result": [result], **fields}


def test_the_answer_that_is_marked_as_true_is_not_outvoted(tmp_path):
    said = [chosen_of("A", completed_by=1), chosen_of("A", completed_by=2)]
    said.append(chosen_of("B", completed_by=3, ground_truth=True))
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"id": 1, "data": {"text": "a"}, "annotations": said}]))
    assert read(path).targets == ["B"]
    assert read(path, annotators="first").targets == ["A"]
    assert read(path, annotators="all").targets == ["A", "A", "B"]


def test_records_of_early_versions(tmp_path):
    row = {"text": "a b", "id": 1, "sentiment": "A", "annotator": 1, "completion_id": 1}
    several = {**row, "id": 2, "sentiment": {"choices": ["A", "B"]}}
    path = tmp_path / "result.json"
    path.write_text(json.dumps([row, several, {**several, "annotator": 2, "completion_id": 3}]))
    dataset = read(path)
    assert dataset.details["tool"] == "Label Studio"
    assert dataset.targets == [["A"], ["A", "B"]]


def test_tasks_with_predictions_only_are_told_of(tmp_path):
    path = tmp_path / "tasks.json"
    task = {"id": 1, "data": {"text": "a"}, "predictions": [chosen_of("A")]}
    path.write_text(json.dumps([task]))
    with pytest.raises(ArgumentError, match="Predictions of a model are no answers"):
        read(path)
    said = {**task, "id": 2, "annotations": [chosen_of("B")]}
    path.write_text(json.dumps([task, said]))
    dataset = read(path)
    assert dataset.targets == ["B"] and dataset.invalid_rows.counts == {"not annotated": 1}
