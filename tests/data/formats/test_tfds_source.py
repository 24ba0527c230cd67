"""Data sets of TensorFlow Datasets, made here."""

import pytest

from keras_textcls import InvalidDataError, MissingDependencyError, read
from keras_textcls.data.formats import tfds_source

tfds = pytest.importorskip("tensorflow_datasets")
ROWS = [("a good day", "pos"), ("a bad day", "neg"), ("naïve", "pos")]


class TinyReviews(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "text": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=["neg", "pos"]),
            "picture": tfds.features.Image(shape=(2, 2, 3)),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(ROWS), "test": self._generate_examples(ROWS[:1])}

    def _generate_examples(self, rows):
        import numpy as np

        for i, (text, label) in enumerate(rows):
            yield i, {"text": text, "label": label, "picture": np.zeros((2, 2, 3), "uint8")}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    TinyReviews(data_dir=str(folder)).download_and_prepare()
    return str(folder)


def test_all_parts_are_read_by_name(directory):
    dataset = read("tfds:tiny_reviews", tfds_directory=directory)
    assert sorted(
        zip(dataset.splits["train"].texts, dataset.splits["train"].targets, strict=True)
    ) == (sorted(ROWS))
    assert len(dataset.splits["test"]) == 1 and dataset.labels == ["neg", "pos"]
    assert len(read("tfds:tiny_reviews:test", tfds_directory=directory)) == 1


def test_unknown_names(directory):
    with pytest.raises(InvalidDataError, match="tfds:no_such_set cannot be read"):
        read("tfds:no_such_set", tfds_directory=directory)


def test_without_the_library(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(tfds_source.importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"keras-textcls\[datasets\]"):
        read("tfds:imdb_reviews")
