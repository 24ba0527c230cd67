"""Class names, missing labels and folders of Hugging Face's `datasets`, which writes them here."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keras_textcls import ArgumentError, InvalidDataError, read
from keras_textcls.data.formats.class_names import names_of_features, names_of_schema

datasets = pytest.importorskip("datasets")
datasets.disable_progress_bars()

NAMES = ["no", "yes", "both"]
TEXTS = ["one", "two", "three", "four"]
LABELS = ["no", "yes", "both", None]
TAGS = [["no", "yes"], ["both"], [], ["no"]]


@pytest.fixture(scope="module")
def dataset():
    label = datasets.ClassLabel(names=NAMES)
    columns = {
        "text": TEXTS,
        "label": [0, 1, 2, -1],
        "tags": [[0, 1], [2], [], [0]],
        "large": [[0, 1], [2], [], [0]],
        "rows": [[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]],
    }
    features = datasets.Features(
        text=datasets.Value("string"),
        label=label,
        tags=datasets.Sequence(label),
        large=datasets.LargeList(label),
        rows=datasets.Sequence(datasets.Value("int8"), length=3),
    )
    return datasets.Dataset.from_dict(columns, features)


@pytest.fixture(scope="module")
def folder(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hugging_face")
    dataset.to_parquet(folder / "d.parquet")
    dataset.save_to_disk(folder / "saved")
    dataset.to_csv(folder / "d.csv", index=False)
    dataset.to_json(folder / "d.jsonl")
    dataset.filter(lambda row: row["label"] > 0).save_to_disk(folder / "shards", num_shards=2)
    parts = datasets.DatasetDict(train=dataset.select([0, 1]), test=dataset.select([3]))
    parts.save_to_disk(folder / "parts")
    with datasets.arrow_writer.ArrowWriter(
        features=dataset.features, path=str(folder / "d.arrow")
    ) as writer:
        writer.write_table(dataset.data.table)
    return folder


@pytest.mark.parametrize("name", ["d.parquet", "d.arrow", "saved", None])
def test_class_names_are_used(dataset, folder, name):
    source = dataset if name is None else folder / name
    named = read(source, label="label", unlabelled="keep")
    assert named.targets == LABELS and named.labels == NAMES
    for column in ("tags", "large"):
        several = read(source, label=column)
        assert several.targets == TAGS and several.labels == NAMES
    with pytest.raises(InvalidDataError, match="no label"):
        read(source, label="label")
    assert read(source, label="rows", labels=NAMES).targets[0] == ["yes", "both"]


def test_names_of_the_caller_replace_those_of_the_file(folder):
    path = folder / "d.parquet"
    renamed = read(path, label="label", labels=["n", "y", "b"], unlabelled="keep")
    assert renamed.targets == ["n", "y", "b", None]
    ordered = read(path, label="label", labels=NAMES[::-1], unlabelled="keep")
    assert ordered.targets == LABELS and ordered.labels == NAMES[::-1]
    with pytest.raises(ArgumentError, match="names 3 classes"):
        read(path, label="label", labels=["n", "y"])


def test_files_of_text(folder):
    for name in ("d.csv", "d.jsonl"):
        path = folder / name
        assert read(path, label="label", unlabelled="keep").targets == ["0", "1", "2", None]
        assert read(path, label="label", labels=NAMES, unlabelled="keep").targets == LABELS
        assert read(path, label="tags", labels=NAMES).targets == TAGS
        assert read(path, label="rows", labels=NAMES).targets[0] == ["yes", "both"]


def test_parts(dataset, folder):
    parts = datasets.DatasetDict(train=dataset.select([0, 1]), test=dataset.select([3]))
    streams = datasets.IterableDatasetDict(
        {name: part.to_iterable_dataset() for name, part in parts.items()}
    )
    for source in (folder / "parts", parts, streams):
        found = read(source, label="label", unlabelled="keep")
        assert found.targets == ["no", "yes", None] and found.labels == NAMES
        assert list(found.splits) == ["train", "test"]
    shards = read(str(folder / "shards"), label="label")
    assert shards.targets == ["yes", "both"] and shards.labels == NAMES


def test_a_saved_folder_is_read_without_datasets(folder):
    code = (
        "import sys; sys.modules['datasets'] = None\n"
        "from keras_textcls.data.reading import read\n"
        "print(read(sys.argv[1], label='tags').targets)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "saved")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(TAGS)


def test_broken_folders(dataset, tmp_path):
    dataset.save_to_disk(tmp_path / "d")
    state = tmp_path / "d" / "state.json"
    whole = json.loads(state.read_text())
    for files in ([{"filename": "../d/data-00000-of-00001.arrow"}], [], "x", [1], [{}]):
        state.write_text(json.dumps({**whole, "_data_files": files}))
        with pytest.raises(InvalidDataError, match="_data_files"):
            read(tmp_path / "d")
    for text in ("{", "[]", "[" * 100_000):
        state.write_text(text)
        with pytest.raises(InvalidDataError, match=r"state\.json is broken"):
            read(tmp_path / "d")
    state.write_text(json.dumps({**whole, "_indices_data_files": [{"filename": "i.arrow"}]}))
    with pytest.raises(InvalidDataError, match="load_from_disk"):
        read(tmp_path / "d")
    state.write_text(json.dumps({**whole, "_data_files": [{"filename": "gone.arrow"}]}))
    with pytest.raises(InvalidDataError, match=r"gone\.arrow"):
        read(tmp_path / "d")
    (tmp_path / "parts").mkdir()
    for parts in ('{"splits": [".."]}', '{"splits": []}', "{}", "x"):
        (tmp_path / "parts" / "dataset_dict.json").write_text(parts)
        with pytest.raises(InvalidDataError, match=r"dataset_dict\.json is broken"):
            read(tmp_path / "parts")


def test_metadata_of_others():
    label = {"_type": "ClassLabel", "names": ["a", "b"]}
    found = names_of_features(
        {
            "plain": label,
            "early": [label],
            "nested": {"_type": "Sequence", "feature": {"_type": "List", "feature": label}},
            "value": {"_type": "Value", "dtype": "int64"},
            "broken": {"_type": "ClassLabel", "names": [1]},
            "twice": {"_type": "ClassLabel", "names": ["a", "a"]},
        }
    )
    assert found == {name: ["a", "b"] for name in ("plain", "early", "nested")}
    for value in (b"{", b"[]", b'{"info": 1}', b"[" * 100_000, b"\xff"):
        schema = pa.schema([("text", pa.string())], metadata={b"huggingface": value})
        assert names_of_schema(schema) == {}


def test_names_of_another_column_type_change_nothing(tmp_path):
    features = {"label": {"_type": "ClassLabel", "names": NAMES}}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = pa.table({"text": TEXTS, "label": ["w", "x", "y", "z"]})
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet").targets == ["w", "x", "y", "z"]


def test_numbers_as_pandas_and_numpy_keep_them(dataset):
    frame = dataset.to_pandas()
    assert isinstance(frame["rows"][0], np.ndarray)
    assert read(frame, label="rows", labels=NAMES).targets[1] == ["no"]
    assert read(frame, label="tags", labels=NAMES).targets == TAGS
