"""Labels that hold, that do not, and of which nothing is known."""

import numpy as np
import pytest

from keras_textcls import ArgumentError, InvalidDataError, TextClassifier, TextDataset, read

OPEN = [
    {"text": "a", "label": {"x": 1, "y": 0, "z": 0}},
    {"text": "b", "label": {"y": 0}},
    {"text": "c", "label": {"x": 0, "y": 1}},
]


def targets(rows, **options):
    return read(rows, **options).targets


def test_what_is_not_named_in_a_mapping_is_unknown_even_if_nothing_is_denied():
    rows = [("a", {"x": 1, "y": 1}), ("b", {"x": 1})]
    assert targets(rows) == [{"x": 1, "y": 1}, {"x": 1}]


def test_all_known_is_a_list():
    rows = [("a", {"x": 1, "z": 0}), ("b", {"x": 0, "z": 0})]
    dataset = read(rows)
    assert dataset.targets == [["x"], []] and dataset.labels == ["x", "z"]


def test_columns_of_zeros_and_ones_keep_their_order_and_all_labels():
    columns = {"text": ["a", "b"], "z": [1, 1], "y": [0, 0], "x": [0, 1]}
    dataset = read(columns, label=["z", "y", "x"])
    assert dataset.labels == ["z", "y", "x"] and dataset.targets == [["z"], ["z", "x"]]


def test_a_label_that_holds_and_does_not_hold():
    rows = [("a", {" x ": 1, "x": 0}), ("b", {"x": 1})]
    (row,) = read(rows, invalid_data_tolerance_percent=50).invalid_rows
    assert (row.reason, row.detail) == ("not a label", "'x' is 1 and 0")


@pytest.mark.parametrize("name", ["d.jsonl", "d.parquet", "saved"])
def test_nothing_is_lost_on_the_way_through_a_file(tmp_path, name):
    dataset = read([{**row, "k": 1} for row in OPEN], metadata=["k"])
    if name == "saved":
        dataset.save(tmp_path / name)
        assert read(tmp_path / name) == dataset
    else:
        found = read(dataset.write(tmp_path / name), metadata=["metadata"])
        assert found == dataset and found.metadata[0] == {"k": 1}
    assert read(dataset) is dataset


def test_put_together_each_dataset_says_what_it_knows():
    closed = read([("a", ["x"]), ("b", ["x", "y"])])
    partial = read([("c", {"z": 1, "y": 0}), ("d", {"x": 1})])
    assert closed.concat(partial).targets == [
        {"x": 1, "y": 0},
        {"x": 1, "y": 1},
        {"z": 1, "y": 0},
        {"x": 1},
    ]


def test_relabel_joins_what_is_known():
    merged = read(OPEN).relabel({"y": "x"})
    # Of the second text x was unknown, so it stays unknown though y does not hold.
    assert merged.targets == [{"x": 1, "z": 0}, None, {"x": 1}]
    without = read(OPEN).relabel({"x": None})
    assert without.targets == [{"y": 0, "z": 0}, {"y": 0}, {"y": 1}]
    closed = read([("a", ["x", "y"]), ("b", ["y"]), ("c", [])]).relabel({"y": None})
    assert closed.targets == [["x"], [], []]


@pytest.mark.parametrize("names", [{"x": 5}, {"x": ["k"]}, {"x": " "}, ["x"]])
def test_new_names_are_checked(names):
    with pytest.raises(ArgumentError, match=r"renamed|`names`"):
        read(OPEN).relabel(names)


@pytest.mark.parametrize("form", ["csv", "sdk", "portal"])
def test_a_text_known_to_have_no_label_is_not_written_as_one_of_which_nothing_is_known(
    tmp_path, form
):
    dataset = read([("a", ["x", "y"]), ("b", [])])
    with pytest.raises(ArgumentError, match="known to have no label"):
        dataset.write(tmp_path / "d.csv", form)


def test_one_label_a_text_is_checked():
    table = read([("a", ["x", "y"])]).table
    with pytest.raises(InvalidDataError, match="multi_label=False"):
        TextDataset(table, multi_label=False)


def test_a_classifier_learns_from_what_is_known():
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        word = "good" if i % 2 else "bad"
        label = {"praise": i % 2} if rng.random() < 0.7 else {"long": 0}
        rows.append({"text": f"a {word} day number {i}", "label": label})
    dataset = read(rows)
    classifier = TextClassifier.from_preset(
        "static_embedding_en_uncased", labels=dataset.labels, multi_label=True
    )
    history = classifier.fit(dataset, epochs=3, verbose=0, seed=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0]
    unlabelled = dataset.relabel({"long": None})
    with pytest.raises(InvalidDataError, match=r"is missing: every text needs its label"):
        classifier.evaluate(unlabelled, verbose=0)
