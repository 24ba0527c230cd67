"""Saving and loading: nothing lost, nothing half-written, nothing trusted."""

import json

import numpy as np
import pyarrow as pa
import pytest

from keras_textcls import ArgumentError, InvalidDataError, TextDataset, read
from keras_textcls.data import storage

ROWS = [
    {"text": "one", "label": ["a", "b"], "id": "1", "split": "train", "n": 1},
    {"text": "zwei", "label": {"a": 1, "b": 0}, "id": "2", "split": "test", "n": None},
    {"text": "", "label": ["a"], "id": "3", "split": "test", "n": None},
]


@pytest.fixture
def dataset():
    return read(ROWS, metadata=["n"], invalid_data_tolerance_percent=50)


def test_what_was_saved_is_loaded(tmp_path, dataset):
    dataset.save(tmp_path / "d")
    loaded = TextDataset.load(tmp_path / "d")
    assert loaded == dataset and list(loaded) == list(dataset)
    assert loaded.labels == dataset.labels and loaded.multi_label == dataset.multi_label
    assert loaded.invalid_rows == dataset.invalid_rows
    assert loaded.details == dataset.details
    assert read(tmp_path / "d") == dataset
    with pytest.raises(ArgumentError, match="loaded as it is: `labels`"):
        read(tmp_path / "d", labels=["a", "b"])


def test_large_tables_stay_in_the_file(tmp_path):
    dataset = read([(f"some text {i}", "ab"[i % 2]) for i in range(20_000)])
    dataset.save(tmp_path / "d")
    before = pa.total_allocated_bytes()
    loaded = TextDataset.load(tmp_path / "d")
    assert pa.total_allocated_bytes() - before < dataset.table.nbytes / 4
    assert loaded[19_999].text == "some text 19999"


def test_other_files_are_not_replaced(tmp_path, dataset):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidDataError, match="holds other files"):
        dataset.save(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_save_that_fails_leaves_the_old_one(tmp_path, dataset, monkeypatch):
    dataset.save(tmp_path / "d")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    other = read([("x", "y")])
    monkeypatch.setattr(storage.json, "dumps", full)
    with pytest.raises(OSError, match="No space left"):
        other.save(tmp_path / "d")
    monkeypatch.undo()
    assert TextDataset.load(tmp_path / "d") == dataset
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def _edit(path, **changes):
    description = json.loads(path.read_text())
    path.write_text(json.dumps({**description, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": "0" * 64},
        {"rows": 5},
        {"labels": ["a"]},
        {"labels": 3},
        {"multi_label": "yes"},
        {"schema_version": 99},
        {"schema_version": None},
        {"details": []},
    ],
)
def test_a_changed_description_is_refused(tmp_path, dataset, changes):
    dataset.save(tmp_path / "d")
    _edit(tmp_path / "d" / "dataset.json", **changes)
    with pytest.raises(InvalidDataError, match=r"broken|newer"):
        TextDataset.load(tmp_path / "d")


def test_any_damage_of_the_file_is_found(tmp_path, dataset):
    dataset.save(tmp_path / "d")
    path = tmp_path / "d" / "data.arrow"
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    same = 0
    for _ in range(300):
        bad = bytearray(good)
        position = int(rng.integers(0, len(bad)))
        bad[position] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(bytes(bad) if rng.random() < 0.8 else bytes(bad[:position]))
        try:
            # Padding and unused parts of the format may change without harm.
            assert TextDataset.load(tmp_path / "d").fingerprint == dataset.fingerprint
            same += 1
        except InvalidDataError as error:
            assert "broken or was changed" in str(error)
    assert same < 200


def test_what_is_no_dataset(tmp_path):
    with pytest.raises(InvalidDataError, match="no saved dataset"):
        TextDataset.load(tmp_path)
    (tmp_path / "dataset.json").write_text("[")
    with pytest.raises(InvalidDataError, match="broken"):
        TextDataset.load(tmp_path)


def test_other_files_beside_a_dataset_stay(tmp_path, dataset):
    dataset.save(tmp_path / "d")
    (tmp_path / "d" / "notes.txt").write_text("mine")
    read([("x", "y")]).save(tmp_path / "d")
    assert (tmp_path / "d" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "d" / "invalid_rows.csv").exists()


def test_whether_labels_exclude_each_other_is_part_of_the_version(tmp_path):
    read([("x", "y")]).save(tmp_path / "d")
    _edit(tmp_path / "d" / "dataset.json", multi_label=True)
    with pytest.raises(InvalidDataError, match="fingerprint"):
        TextDataset.load(tmp_path / "d")


def test_a_dataset_that_is_saved_while_it_is_loaded(tmp_path, monkeypatch):
    first, second = read([("a", "x")]), read([("b", "y"), ("c", "y")])
    first.save(tmp_path / "d")
    original = storage._load
    calls = []

    def load(directory, description, *arguments):
        calls.append(description.rows)
        if len(calls) == 1:
            second.save(tmp_path / "d")
        return original(directory, description, *arguments)

    monkeypatch.setattr(storage, "_load", load)
    assert TextDataset.load(tmp_path / "d") == second
    assert calls == [1, 2]


def test_the_file_that_was_meant_is_named(tmp_path, dataset):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"d\.jsonl") as error:
        dataset.write(tmp_path / "file" / "d.jsonl")
    assert error.value.filename == str(tmp_path / "file" / "d.jsonl")
    dataset.write(tmp_path / ("x" * 240 + ".jsonl"))
