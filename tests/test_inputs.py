"""The input door: every container of texts, and the exact words of every refusal."""

import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf

from keras_textcls import ArgumentError, InvalidDataError, LabelSet, UnknownLabelError
from keras_textcls.inputs import (
    names_in,
    open_stream,
    read_batch,
    read_features,
    read_sample_weight,
    read_targets,
    read_texts,
)

TEXTS = ["one", "zwei äöü", "三"]
LABELS = LabelSet(["ham", "spam"])


@pytest.mark.parametrize(
    "container",
    [
        list,
        np.array,
        lambda t: np.array(t, dtype=object),
        lambda t: np.array([s.encode() for s in t]),
        lambda t: [s.encode() for s in t],
        pd.Series,
        lambda t: pd.Series(t, dtype="string[pyarrow]"),
        lambda t: pd.Series(t, dtype="category"),
        pl.Series,
        pa.array,
        lambda t: pa.chunked_array([t]),
        tf.constant,
    ],
)
def test_every_container_of_texts(container):
    assert read_texts(container(TEXTS)) == (TEXTS,)
    assert read_texts((container(TEXTS), container(TEXTS))) == (TEXTS, TEXTS)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ("a text", "`x` must be a list of texts, not a single text. Received: x='a text'. Wrap"),
        ([], "`x` is empty. Pass at least one text."),
        (np.array([]), "`x` is empty."),
        (("a", "b"), "`x` is a tuple, which stands for text pairs: (first texts, second texts)."),
        (42, "`x` must be a list of texts, a string array, a column of a data frame"),
        (pd.DataFrame({"text": ["a"]}), "of type DataFrame."),
        (["a", None], "x[1] is missing: None of type NoneType. Every text must be a string; drop"),
        (["a", float("nan")], "x[1] is missing: nan of type float."),
        (pd.Series(["a", None]), "x[1] is missing: nan of type float."),
        (pd.Series(["a", pd.NA], dtype="string"), "x[1] is missing: <NA> of type NAType."),
        (["a", 3], "x[1] is not a text: 3 of type int. Every text must be a string"),
        (["a", ["b"]], "x[1] is not a text: ['b'] of type list."),
        (
            [b"ok", b"caf\xe9 au lait"],
            "x[1] holds bytes that are not UTF-8 (byte 3: b'\\xe9 au lai",
        ),
        (["a", "\ud800"], "x[1] holds a lone surrogate at character 0, which is no text"),
        (
            (["a"], ["b", "c"]),
            "segments of `x` must have the same length. Received lengths [1, 2].",
        ),
        ((["a"], [None]), "x[1][0] is missing: None of type NoneType."),
    ],
)
def test_bad_texts(x, message):
    with pytest.raises(InvalidDataError) as error:
        read_texts(x)
    assert message in str(error.value)


def test_targets_from_names_and_indices():
    assert read_targets(["spam", "ham"], LABELS, False, 2).tolist() == [1, 0]
    assert read_targets([b"spam", b"ham"], LABELS, False, 2).tolist() == [1, 0]
    assert read_targets(np.array([1, 0]), LABELS, False, 2).tolist() == [1, 0]
    assert read_targets(pd.Series([1.0, 0.0]), LABELS, False, 2).dtype == np.int32
    multi = read_targets([["spam"], [], ["ham", "spam"]], LABELS, True, 3)
    assert multi.tolist() == [[0, 1], [0, 0], [1, 1]]
    assert read_targets(multi, LABELS, True, 3).tolist() == multi.tolist()


@pytest.mark.parametrize(
    ("y", "multi_label", "message"),
    [
        (["ham"], False, "`x` and `y` must have the same length. Received 2 texts and 1 labels."),
        ([0, 2], False, "y[1]=2 is out of range: class indices of this classifier run from 0 to 1"),
        ([0, -1], False, "y[1]=-1 is out of range"),
        ([0, 0.5], False, "y[1] is not a label: 0.5 of type float. Pass class indices, or label"),
        ([0, None], False, "y[1] is not a label: None of type NoneType."),
        ([True, False], False, "y[0] is not a label: True of type bool."),
        (["ham", 1], False, "y[0] is not a label: 'ham' of type str."),
        (
            [["ham"], ["spam"]],
            False,
            "y[0]=['ham'] holds several labels, but this classifier takes",
        ),
        ([[0, 1], [1, 0]], False, "Create it with `multi_label=True`, or pass one label a text."),
        (
            ["ham", "spam"],
            True,
            "y[0]='ham' is a single label, but this classifier is multi-label.",
        ),
        ([0, 1], True, "y[0]=0 is a single label, but this classifier is multi-label."),
        ([[0, 1], [1, 2]], True, "y[1]=[1, 2] is not a row of 2 zeros and ones, one a label."),
        ([[0, 1, 1], [1, 0, 0]], True, "y[0]=[0, 1, 1] is not a row of 2 zeros and ones"),
        (7, False, "`y` must be a list or array of labels. Received 7 of type int."),
    ],
)
def test_bad_targets(y, multi_label, message):
    with pytest.raises(InvalidDataError) as error:
        read_targets(y, LABELS, multi_label, 2)
    assert message in str(error.value)


def test_unknown_label_in_either_mode():
    with pytest.raises(UnknownLabelError, match=r"Unknown label 'spma' at y\[1\]\. Did you mean"):
        read_targets(["ham", "spma"], LABELS, False, 2)
    with pytest.raises(UnknownLabelError, match=r"Unknown label 'eggs' at y\[0\]\. The labels are"):
        read_targets([["eggs"]], LABELS, True, 1)


def test_names_in():
    assert names_in(["b", "a", "b"]) == ["a", "b"]
    assert names_in([["b"], ["a"]]) == ["a", "b"]
    assert names_in([0, 1]) is None
    assert names_in([]) is None


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0], "one number for each of the 2 texts. Received shape (1,)."),
        ([1.0, -2.0], "sample_weight[1]=-2.0 is not a finite number of at least 0."),
        ([np.inf, 1.0], "sample_weight[0]=inf is not a finite number"),
    ],
)
def test_bad_sample_weight(weight, message):
    with pytest.raises(InvalidDataError) as error:
        read_sample_weight(weight, 2)
    assert message in str(error.value)


class _Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def _streams():
    import grain

    batches = [(["a", "b"], [0, 1]), (["c"], [1])]
    elements = [("a", 0), ("b", 1), ("c", 1)]
    dataset = tf.data.Dataset.from_tensor_slices((["a", "b", "c"], [0, 1, 1]))
    yield "tf.data", dataset.batch(2)
    yield "PyDataset", _Batches(batches)
    yield "grain map", grain.MapDataset.source(elements).batch(2)
    yield "grain iter", grain.MapDataset.source(elements).to_iter_dataset().batch(2)
    torch = pytest.importorskip("torch") if keras.config.backend() == "torch" else None
    if torch is not None:
        yield "DataLoader", torch.utils.data.DataLoader(elements, batch_size=2)


def test_every_stream_yields_the_same_batches_in_every_pass():
    for name, stream in _streams():
        start = open_stream(stream)
        for _ in range(2):
            batches = [read_batch(raw, 0, True) for raw in start()]
            assert [t for b in batches for t in b.texts[0]] == ["a", "b", "c"], name
            assert np.concatenate([np.asarray(b.y) for b in batches]).tolist() == [0, 1, 1], name


def test_text_pairs_in_a_stream():
    dataset = tf.data.Dataset.from_tensor_slices(((["a", "b"], ["c", "d"]), [0, 1])).batch(2)
    (raw,) = open_stream(dataset)()
    assert read_batch(raw, 0, True).texts == (["a", "b"], ["c", "d"])


def test_what_is_no_stream():
    assert open_stream(["a"]) is None
    with pytest.raises(ArgumentError, match="`x` is a generator, which can be read only once"):
        open_stream(t for t in "ab")


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (("a", 0), "The stream yields single texts, not batches. Batch it first"),
        (np.array("a"), "The stream yields single texts, not batches."),
        ((["a"],), "The stream has no labels; yield (texts, labels) batches."),
        ((["a"], [0], [1.0], 4), "texts, (texts, labels) or (texts, labels, weights)."),
        (({"token_ids": [1]}, [0]), "The stream yields dicts, which are preprocessed inputs."),
        ((["a", None], [0, 1]), "x[8] is missing"),
    ],
)
def test_bad_batches(batch, message):
    with pytest.raises(InvalidDataError) as error:
        read_batch(batch, 7, True)
    assert message in str(error.value)


def test_preprocessed_inputs_must_be_arrays_of_one_length():
    assert read_features({"token_ids": [[1, 2]]})["token_ids"].shape == (1, 2)
    with pytest.raises(InvalidDataError, match="must be a dict of preprocessed inputs"):
        read_features(["a"])
    with pytest.raises(InvalidDataError, match="differ in length"):
        read_features({"a": np.zeros((2, 3)), "b": np.zeros((1, 3))})
