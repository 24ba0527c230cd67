"""What is written for fastText, doccano and Label Studio is read back as it was."""

import json
import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textcls import ArgumentError, read

text = st.text(min_size=1).filter(str.strip)
name = text.map(str.strip)
word = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1)
rows = st.lists(
    st.fixed_dictionaries(
        {"text": text, "label": st.none() | st.lists(name, min_size=1, max_size=3, unique=True)},
        optional={"split": st.sampled_from(["train", "test"]), "note": name | st.integers()},
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(rows, st.sampled_from(["doccano", "label_studio"]), st.booleans())
def test_doccano_and_label_studio(tmp_path_factory, rows, form, has_ids):
    rows = [{"note": None, "split": None, **row} for row in rows]
    rows = [{**row, "id": f"n{i}"} if has_ids else row for i, row in enumerate(rows)]
    dataset = read(rows, unlabelled="keep", metadata=["note"])
    if dataset.labels is None:
        return
    path = dataset.write(tmp_path_factory.mktemp("w") / "d.json", form)
    if form == "doccano":
        path = path.rename(path.with_suffix(".jsonl"))
    again = read(
        path,
        unlabelled="keep",
        metadata=True,
        multi_label=dataset.multi_label,
        labels=dataset.labels,
        encoding="utf-8",
    )
    assert again.details["tool"] == {"doccano": "doccano", "label_studio": "Label Studio"}[form]
    assert again == dataset


@settings(deadline=None)
@given(st.lists(st.tuples(text, st.lists(word, min_size=1, max_size=3, unique=True)), min_size=1))
def test_fasttext(tmp_path_factory, pairs):
    dataset = read([{"text": t, "label": names} for t, names in pairs])
    path = tmp_path_factory.mktemp("w") / "d.txt"
    if any("__label__" in row.text for row in dataset):
        with pytest.raises(ArgumentError, match="begins a label"):
            dataset.write(path, "fasttext")
        return
    dataset.write(path, "fasttext")
    again = read(
        path,
        format="fasttext",
        encoding="utf-8",
        multi_label=dataset.multi_label,
        unlabelled="keep",
        invalid_data_tolerance_percent=100,
    )
    # fastText knows no line breaks, and no space around a text.
    lines = [re.sub("\r\n|[\r\n]", " ", t).strip(" \t\v\f\0") for t in dataset.texts]
    kept = [i for i, line in enumerate(lines) if line.strip()]
    assert again.texts == [lines[i] for i in kept]
    assert again.targets == [dataset.targets[i] for i in kept]


def test_fasttext_says_what_it_changes(tmp_path, caplog):
    dataset = read([("two\nlines", "a"), ("one, line", "b")])
    with caplog.at_level(logging.WARNING, "keras_textcls"):
        path = dataset.write(tmp_path / "d.txt", "fasttext")
    assert "(1 of 2 texts)" in caplog.text
    assert path.read_text() == "__label__a two lines\n__label__b one, line\n"
    assert read(path).targets == dataset.targets
    with pytest.raises(ArgumentError, match="relabel\\({'late parcel': 'late-parcel'}\\)"):
        read([("a", "late parcel")]).write(tmp_path / "d.txt", "fasttext")


@pytest.mark.parametrize("form", ["fasttext", "doccano", "label_studio"])
def test_what_has_no_place_is_refused(tmp_path, form):
    pairs = read([{"text": "a", "text_pair": "b", "label": "c"}])
    partial = read([{"text": "a", "label": {"x": 1, "y": 0}}, {"text": "b", "label": {"y": 1}}])
    none = read([{"text": "a", "label": []}, {"text": "b", "label": ["x"]}])
    for dataset, message in ((pairs, "second"), (partial, "not to hold"), (none, "no label")):
        with pytest.raises(ArgumentError, match=message):
            dataset.write(tmp_path / "d.json", form)
    if form != "fasttext":
        clash = read([{"text": "a", "label": "x", "metadata": {"label": "y"}}], metadata=True)
        with pytest.raises(ArgumentError, match="'label', which is something else"):
            clash.write(tmp_path / "d.json", form)
    assert not list(tmp_path.iterdir())


def test_tasks_that_label_studio_imports(tmp_path):
    rows = [{"text": "a", "label": "x", "id": "7", "note": 5}, {"text": "b", "label": None}]
    dataset = read(rows, metadata=["note"], unlabelled="keep")
    tasks = json.loads(dataset.write(tmp_path / "d.json", "label_studio").read_text())
    result = {"from_name": "label", "to_name": "text", "type": "choices"}
    result["value"] = {"choices": ["x"]}
    assert tasks == [
        {"data": {"text": "a", "id": "7", "note": 5}, "annotations": [{"result": [result]}]},
        {"data": {"text": "b"}, "annotations": []},
    ]
