"""`TextDataset`: immutable rows, a version that follows the content, what is made from it."""

import collections
import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textcls import InvalidDataError, TextDataset, UnknownLabelError, read
from keras_textcls.data.fingerprint import fingerprint_of
from keras_textcls.data.rows.spool import Spool
from keras_textcls.errors import ArgumentError

ROWS = [(f"text number {i} about {n}", n) for i in range(30) for n in ("cats", "dogs", "eels")]


@pytest.fixture
def dataset():
    return read(ROWS)


@pytest.fixture
def multi():
    rows = [{"text": f"t{i}", "label": [n for n in "abc" if i % (ord(n) - 95)]} for i in range(60)]
    return read(rows)


values = st.one_of(st.none(), st.text(max_size=5))
lists = st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=3))


@given(st.lists(st.tuples(st.text(max_size=5), lists, values), min_size=1, max_size=8), st.data())
def test_the_fingerprint_does_not_depend_on_how_rows_are_cut(rows, data):
    columns = dict(zip(("text", "labels", "id"), map(list, zip(*rows, strict=True)), strict=True))
    types = [pa.string(), pa.list_(pa.string()), pa.string()]
    table = pa.table(
        [pa.array(c, t) for c, t in zip(columns.values(), types, strict=True)], list(columns)
    )
    cut = data.draw(st.integers(0, len(rows)))
    parts = [*table.slice(0, cut).to_batches(), *table.slice(cut).to_batches()]
    whole = fingerprint_of(table, ["a"], False)
    assert fingerprint_of(pa.Table.from_batches(parts, table.schema), ["a"], False) == whole
    assert fingerprint_of(table, ["a"], True) != whole
    empty = (
        table.slice(0, 0),
        pa.Table.from_batches([], table.schema),
        table.filter([False] * len(rows)),
    )
    assert len({fingerprint_of(t, ["a"], False) for t in empty}) == 1


@given(st.lists(st.text(max_size=4), min_size=2, max_size=5), st.data())
def test_every_change_of_the_content_is_another_version(texts, data):
    table = pa.table({"text": texts, "id": ["x"] * len(texts)})
    before = TextDataset(table).fingerprint
    position = data.draw(st.integers(0, len(texts) - 1))
    changed = [*texts]
    changed[position] += "!"
    assert TextDataset(pa.table({"text": changed, "id": ["x"] * len(texts)})).fingerprint != before
    moved = [*texts[1:], texts[0]]
    assert (TextDataset(table.set_column(0, "text", [moved])).fingerprint == before) == (
        moved == texts
    )
    ids = ["x"] * len(texts)
    ids[position] = None
    assert (
        TextDataset(table.set_column(1, "id", [pa.array(ids, pa.string())])).fingerprint != before
    )


def test_the_fingerprint_is_this_one_on_every_machine():
    rows = [{"text": "é", "label": ["a", "b"], "id": 1}, {"text": "b", "label": [], "id": None}]
    expected = "e42597d2e30707b24caac6eeb3f41f02c00959cfd4ecbf1e43f3fb7292c608a0"
    assert read(rows).fingerprint == expected
    # Another process, with another seed of its hashes.
    code = f"from keras_textcls import read; print(read({rows!r}).fingerprint)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == expected


def test_the_order_of_labels_is_part_of_the_version(dataset):
    names = ["eels", "dogs", "cats"]
    assert TextDataset(dataset.table, labels=names).fingerprint != dataset.fingerprint
    assert dataset == read(ROWS) and dataset != read(ROWS[1:])
    assert len({dataset, read(ROWS)}) == 1


def test_rows(dataset, multi):
    assert dataset[0].text == ROWS[0][0] and dataset[-1].label == "eels"
    assert [(row.text, row.label) for row in dataset] == ROWS
    assert dataset[2:4].texts == [text for text, _ in ROWS[2:4]]
    assert multi[0].label == [] and multi[7].label == ["a", "b", "c"]
    with pytest.raises(IndexError):
        dataset[90]


def test_chunks_give_every_row_once(dataset):
    chunks = list(dataset.chunks(7))
    assert [t for (texts,), _ in chunks for t in texts] == dataset.texts
    assert [y for _, targets in chunks for y in targets] == dataset.targets
    assert max(len(targets) for _, targets in chunks) == 7


def test_filter_sample_concat(dataset):
    cats = dataset.filter(lambda row: row.label == "cats")
    assert len(cats) == 30 and cats.labels == ["cats"]
    assert dataset.sample(10, seed=3) == dataset.sample(10, seed=3)
    assert dataset.sample(10, seed=3) != dataset.sample(10, seed=4)
    assert len(dataset.sample(1000)) == 90
    both = cats.concat(dataset.filter(lambda row: row.label == "eels"))
    assert len(both) == 60 and both.labels == ["cats", "eels"]
    with pytest.raises(ArgumentError, match="`count`"):
        dataset.sample(0)


def test_relabel(dataset, multi):
    fish = dataset.relabel({"eels": "fish", "dogs": "pets", "cats": "pets"})
    assert fish.labels == ["pets", "fish"]
    assert collections.Counter(fish.targets) == {"pets": 60, "fish": 30}
    dropped = dataset.relabel({"eels": None})
    assert dropped.targets.count(None) == 30 and dropped.labels == ["cats", "dogs"]
    merged = multi.relabel({"a": "b"})
    assert merged[7].label == ["b", "c"] and merged[0].label == []
    with pytest.raises(UnknownLabelError, match="Did you mean 'eels'"):
        dataset.relabel({"eel": "fish"})


def test_without_duplicates():
    dataset = read([("A  cat", "x"), ("a dog", "x"), ("a CAT ", "y")])
    assert dataset.without_duplicates().texts == ["A  cat", "a dog"]


# --- Splits ---


def test_a_split_keeps_the_label_mix(dataset):
    parts = dataset.split(train=0.6, validation=0.2, test=0.2, seed=1)
    assert [len(part) for part in parts] == [54, 18, 18]
    for part in parts:
        assert set(collections.Counter(part.targets).values()) == {len(part) // 3}
        assert part.labels == dataset.labels
    assert sorted(t for part in parts for t in part.texts) == sorted(dataset.texts)
    assert parts.train == dataset.split(0.6, 0.2, 0.2, seed=1).train
    assert parts.train != dataset.split(0.6, 0.2, 0.2, seed=2).train
    assert set(parts.test.table.column("split").to_pylist()) == {"test"}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), min_size=8, max_size=80),
    st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.0, 0.5), (0.7, 0.3, 0.0)]),
    st.integers(0, 5),
)
def test_every_part_has_its_share_of_every_label(labels, shares, seed):
    labels = [*labels, *set(labels)]
    dataset = read([(f"text {i}", n) for i, n in enumerate(labels)])
    parts = dataset.split(*shares, seed=seed)
    for part, share in zip(parts, shares, strict=True):
        assert (part is None) == (share == 0)
        if part is not None:
            counts = collections.Counter(part.targets)
            for name, total in collections.Counter(labels).items():
                assert abs(counts[name] - share * total) < 1
            assert abs(len(part) - share * len(labels)) < 2


def test_a_multi_label_split_keeps_the_label_mix(multi):
    train, validation, test = multi.split(0.5, 0.25, 0.25)
    whole = multi.stats().labels
    for part, share in ((train, 0.5), (validation, 0.25), (test, 0.25)):
        for name, count in part.stats().labels.items():
            assert abs(count - share * whole[name]) <= 2


def test_the_same_text_is_never_on_two_sides():
    rng = np.random.default_rng(0)
    texts = [f"Text {i} " if i % 2 else f"text  {i}" for i in rng.integers(0, 40, 200)]
    dataset = read([(text, "ab"[len(text) % 2]) for text in texts])
    parts = dataset.split(0.6, 0.2, 0.2)
    folded = [{" ".join(t.lower().split()) for t in part.texts} for part in parts]
    assert not folded[0] & folded[1] and not folded[0] & folded[2] and not folded[1] & folded[2]
    assert all(len(part) > 20 for part in parts)


def test_splits_that_cannot_be(dataset):
    single = read([*ROWS, ("alone", "newt")])
    with pytest.raises(InvalidDataError, match="'newt'"):
        single.split()
    assert len(single.split(stratify=False).train) == 73
    for shares in ((0.5, 0.5, 0.5), (1.5, -0.5, 0), ("a", 0.1, 0.1)):
        with pytest.raises(ArgumentError):
            dataset.split(*shares)


# --- Statistics and what is shown ---


def test_statistics(dataset, multi):
    stats = dataset.stats()
    lengths = [len(text) for text, _ in ROWS]
    assert stats.rows == 90 and stats.labels == {"cats": 30, "dogs": 30, "eels": 30}
    assert stats.labels_per_text == 1
    assert stats.characters.mean == pytest.approx(np.mean(lengths))
    assert stats.characters.percentiles[100] == max(lengths)
    assert stats.characters.percentiles[50] == np.percentile(lengths, 50, method="higher")
    stats = multi.stats()
    assert stats.without_label == multi.targets.count([])
    assert stats.labels_per_text == pytest.approx(np.mean([len(y) for y in multi.targets]))


def test_statistics_of_nothing_are_not_a_number():
    stats = read(ROWS).filter(lambda row: False).stats()
    assert stats.rows == 0 and np.isnan(stats.labels_per_text) and np.isnan(stats.characters.mean)


def test_tokens_are_counted_as_the_preset_would(classifier):
    texts = ["the quick brown fox", "a small cat", "the dog " * 40]
    dataset = read([(text, "x") for text in texts])
    stats = dataset.stats(classifier)
    tokenizer = classifier.preprocessor.tokenizer
    special = 2
    expected = [len(np.asarray(tokenizer(text))) + special for text in texts]
    assert stats.tokens.percentiles[100] == max(expected)
    assert stats.tokens.mean == pytest.approx(np.mean(expected))
    assert stats.sequence_length == classifier.sequence_length == 32
    assert stats.truncated == pytest.approx(1 / 3)


def test_what_is_shown(dataset):
    assert repr(dataset).startswith("TextDataset: 90 texts, 3 labels (cats, dogs, eels)\n  cats")
    evil = read([("<script>alert(1)</script>", "<b>x</b>"), ("line\nbreak \x1b[31m", "y")])
    shown = evil._repr_html_()
    assert "<script>" not in shown and "<b>x</b>" not in shown and "&lt;script&gt;" in shown
    assert "\x1b" not in repr(evil) and "line break" in repr(evil)


# --- To other libraries ---


def test_pandas_and_polars(dataset):
    frame = dataset.to_pandas()
    assert list(frame.columns) == ["text", "label"] and frame.label.tolist() == dataset.targets
    assert read(frame) == dataset
    assert pl.DataFrame(dataset)["text"].to_list() == dataset.texts
    assert isinstance(frame, pd.DataFrame)


def test_tf_dataset(dataset, multi):
    batches = list(dataset.to_tf_dataset(32).as_numpy_iterator())
    assert [text.decode() for x, _ in batches for text in x] == dataset.texts
    codes = np.concatenate([y for _, y in batches])
    assert [dataset.labels[i] for i in codes] == dataset.targets
    _, y = next(multi.to_tf_dataset(8).as_numpy_iterator())
    assert y.shape == (8, 3) and set(np.unique(y)) == {0.0, 1.0}
    unlabelled = dataset.relabel({"eels": None})
    with pytest.raises(InvalidDataError, match="no label"):
        unlabelled.to_tf_dataset()


def test_a_table_is_checked():
    with pytest.raises(InvalidDataError, match="at least the column `text`"):
        TextDataset(pa.table({"sentence": ["a"]}))
    with pytest.raises(UnknownLabelError):
        TextDataset(pa.table({"text": ["a"], "labels": [["x"]]}), labels=["y"])


def test_a_spool_past_its_limit_gives_the_same_table(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    batch = pa.RecordBatch.from_pydict({"text": ["a" * 100] * 50})
    tables = []
    for limit in (1 << 20, 3000):
        with Spool(batch.schema, limit) as spool:
            for _ in range(5):
                spool.append(batch)
            tables.append(spool.table())
    assert tables[0] == tables[1]
    with pytest.raises(ZeroDivisionError), Spool(batch.schema, 10) as spool:
        spool.append(batch)
        assert list(tmp_path.iterdir())
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_a_full_temporary_folder_is_named_and_left_empty(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = [(f"{'a' * 1000} {i}", "x") for i in range(2000)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="the temporary folder .*TMPDIR") as caught:
            read(rows, memory_limit=1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path)
    assert not list(tmp_path.iterdir())
    assert len(read(rows, memory_limit=1000)) == 2000


def test_pairs_are_the_same_if_both_texts_are():
    rows = [
        {"text": "foo bar", "text_pair": "baz", "label": "x"},
        {"text": "foo", "text_pair": "bar baz", "label": "y"},
        {"text": "FOO", "text_pair": "bar  baz", "label": "y"},
    ]
    dataset = read(rows)
    assert len(dataset.without_duplicates()) == 2
    report = dataset.check()
    assert report.named("duplicates").count == 1 and report.named("conflicting labels") is None


@pytest.mark.parametrize("indices", [[True, False], [0.5], ["a"]])
def test_rows_are_named_by_number(dataset, indices):
    with pytest.raises(ArgumentError, match="`indices`"):
        dataset.take(indices)


def test_seeds_and_others_are_checked(dataset):
    with pytest.raises(ArgumentError, match="`seed`"):
        dataset.sample(1, seed=-1)
    with pytest.raises(ArgumentError, match="`seed`"):
        dataset.split(seed="a")
    with pytest.raises(ArgumentError, match="put together"):
        dataset.concat(None)
    with pytest.raises(ArgumentError, match="`against`"):
        dataset.check("x")
    with pytest.raises(ArgumentError, match="`table`"):
        TextDataset(None)
    with pytest.raises(InvalidDataError, match="nulls"):
        TextDataset(pa.table({"text": pa.array(["a", None])}))


def test_labels_that_no_text_has_yet():
    dataset = read(["a", "b"], labels=["x", "y"], unlabelled="keep")
    assert dataset.stats().unlabelled == 2 and dataset.stats().labels == {"x": 0, "y": 0}
    assert dataset.check().named("unlabelled").count == 2
    assert next(iter(dataset.to_tf_dataset())).numpy().tolist() == [b"a", b"b"]
    none = read([("a", []), ("b", [])])
    assert none.stats().unlabelled == 0 and none.stats().without_label == 2


def test_parts_of_a_subclass_with_a_constructor_of_its_own_are_datasets(tmp_path):
    class Messages(TextDataset):
        def __init__(self):
            super().__init__(read([("a", "x"), ("b", "y"), ("c", "x")])._table)

    messages = Messages()
    for part in (
        messages[1:],
        messages.take([0, 2]),
        messages.filter(lambda row: row.label == "x"),
    ):
        assert type(part) is TextDataset and len(part) == 2
    messages.save(tmp_path / "saved")
    assert Messages.load(tmp_path / "saved") == messages


def test_copies_are_equal_and_share_no_more_than_their_rows(dataset, multi, tmp_path):
    part = dataset.split(0.8, 0.1, 0.1)
    for value in (dataset, multi, part, dataset[:3], [dataset, dataset]):
        joblib.dump(value, tmp_path / "value")
        for protocol in (2, 4, pickle.HIGHEST_PROTOCOL):
            assert pickle.loads(pickle.dumps(value, protocol)) == value
        for made in (copy.copy(value), copy.deepcopy(value), joblib.load(tmp_path / "value")):
            assert made == value and type(made) is type(value)
    made = pickle.loads(pickle.dumps(dataset))
    assert (made.details, made.invalid_rows) == (dataset.details, dataset.invalid_rows)
    assert made.labels == dataset.labels and made.table.schema == dataset.table.schema
    # A part takes its own room, not that of the whole.
    assert len(pickle.dumps(dataset[:1])) < len(pickle.dumps(dataset)) / 2
    dataset.save(tmp_path / "saved")
    mapped = TextDataset.load(tmp_path / "saved")
    assert copy.deepcopy(mapped).table is mapped.table
    assert pickle.loads(pickle.dumps(mapped)) == dataset
