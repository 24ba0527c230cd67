"""Every container of texts that is read, and the exact words of every refusal."""

import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf

from keras_textcls import ArgumentError, InvalidDataError, read
from keras_textcls.inputs.text_batches import open_stream, open_texts, read_batch, read_features
from keras_textcls.inputs.texts import read_texts

TEXTS = ["one", "zwei äöü", "三"]


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
        (pd.DataFrame({"text": ["a"]}), "`x` is a pandas DataFrame, not a column of texts."),
        (["a", None], "x[1] is missing: None of type NoneType. Every text must be a string; drop"),
        (["a", float("nan")], "x[1] is missing: nan of type float."),
        (pd.Series(["a", None]), "x[1] is missing: nan of type float."),
        (pd.Series(["a", pd.NA], dtype="string"), "x[1] is missing: <NA> of type NAType."),
        (["a", 3], "x[1] is not a text: 3 of type int. Every text must be a string"),
        (["a", ["b"]], "x[1] is not a text: ['b'] of type list. Take the texts out of their rows"),
        ([("a", "b")], "tuple(map(list, zip(*x))). Rows of (text, label) are read by keras_textcl"),
        ([["a", "b", "c"]], "If these are the words of a text, join them: ' '.join(x[0])."),
        ("data/train.CSV", "read it first: keras_textcls.read('data/train.CSV')."),
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


ROWS = {"stars": [4, 1], "review": ["a long text", "short"], "id": ["p", "q"]}


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (pd.DataFrame(ROWS), "a pandas DataFrame"),
        (pl.DataFrame(ROWS), "a polars DataFrame"),
        (pa.table(ROWS), "a pyarrow Table"),
        (pd.DataFrame(ROWS).to_dict("records"), "a list of dicts"),
    ],
)
def test_frames_are_told_how_they_are_read(x, what):
    with pytest.raises(InvalidDataError) as error:
        open_texts(x, [1, 0])
    call = 'keras_textcls.read(x, text="review", label="stars")'
    assert f"`x` is {what}, not a column of texts. Read it first, dataset = {call}" in str(error)
    for name, asked in (("x", {"labelled": False}), ("validation", {})):
        with pytest.raises(InvalidDataError, match=r"Read it first, dataset = keras_textcls\.read"):
            open_texts(x, **asked) if name == "x" else read_texts(x, name)
    # What the message says works, and gives what was meant.
    dataset = read(x, text="review", label="stars")
    assert dataset.texts == ROWS["review"]
    assert dataset.targets == ["4", "1"]
    assert read(x, text="review", unlabelled="keep").texts == ROWS["review"]


def test_data_sets_of_hugging_face_are_told_how_they_are_read():
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict(ROWS)
    for x, remedy in (
        (data, r'read\(x, text="review", label="stars"\)'),
        (datasets.DatasetDict(train=data), r'of the parts \'train\'.*read\(x\["train"\]\)'),
        (data.to_iterable_dataset(), r"read\(x\)"),
    ):
        with pytest.raises(InvalidDataError, match=remedy):
            open_texts(x, [1, 0])


def test_a_lazy_frame_is_to_be_collected():
    for labelled in (True, False):
        with pytest.raises(InvalidDataError, match=r"not there yet\. Call \.collect\(\) first"):
            open_texts(pl.LazyFrame(ROWS), [1, 0], labelled=labelled)


PAIRS = [("a", "ham"), ("b", "spam")]


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (PAIRS, r"single texts, not batches: \('a', 'ham'\)\. Batch it first"),
        ([(b"a", b"ham")], "single texts, not batches"),
        ([(("a", "b"), "ham")], "single texts, not batches"),
        ([(("a", "b"), 1)], "single texts, not batches"),
        ([("a", 1)], "single texts, not batches"),
        ([{"text": ["a"], "label": [1]}], r"texts 'text'\. Yield \(texts, labels\) instead"),
        ([{"token_ids": [[1, 2]]}], "which are preprocessed inputs"),
    ],
)
def test_streams_that_are_not_batched(batches, message):
    for labelled in (True, False):
        with pytest.raises(InvalidDataError, match=message):
            list(open_texts(_Batches(batches), labelled=labelled).read())


def test_an_unbatched_stream_of_tensorflow():
    stream = tf.data.Dataset.from_tensor_slices((["a", "b"], ["ham", "spam"]))
    for labelled in (True, False):
        with pytest.raises(InvalidDataError, match="single texts, not batches"):
            next(open_texts(stream, labelled=labelled).read())
        (batch,) = open_texts(stream.batch(2), labelled=labelled).read()
        assert batch.texts == (["a", "b"],)


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
        (("a", 0), "The stream yields single texts, not batches: ('a', 0). Batch it first"),
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
