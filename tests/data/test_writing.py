"""What is written is read back as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textcls import ArgumentError, read
from keras_textcls.data.rows.written_values import parse_list

TEXTS = ["plain", 'quotes "and", commas', "two\nlines", "tab\there", "naïve 东京", " space "]


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_every_form(tmp_path, form, multi_label):
    labels = [["x"], ["y"], ["x"], ["y"], ["x", "y"] if multi_label else ["x"], ["y"]]
    rows = [
        {"text": t, "text_pair": "second", "label": n, "split": "train", "id": i}
        for i, (t, n) in enumerate(zip(TEXTS, labels, strict=True))
    ]
    dataset = read(rows)
    path = dataset.write(tmp_path / f"d.{form}")
    separator = "|" if multi_label and form in ("csv", "tsv") else None
    assert read(path, label_separator=separator) == dataset


text = st.text(min_size=1).filter(str.strip)
# A list in a cell is several labels, and -1 alone is none.
name = text.map(str.strip).filter(lambda n: parse_list(n) is None and n != "-1")


@settings(deadline=None)
@given(
    st.lists(st.tuples(text, name), min_size=1, max_size=6),
    st.sampled_from(["csv", "tsv", "jsonl"]),
)
def test_any_text(tmp_path_factory, rows, form):
    dataset = read(rows)
    path = dataset.write(tmp_path_factory.mktemp("w") / f"d.{form}")
    assert (
        read(path, encoding="utf-8", quote='"', delimiter="," if form == "csv" else None) == dataset
    )


def test_labels_that_hold_the_separator(tmp_path):
    dataset = read([{"text": "a", "label": ["x|y", "z"]}])
    with pytest.raises(ArgumentError, match="which separates labels"):
        dataset.write(tmp_path / "d.csv")
    assert not list(tmp_path.iterdir())


def test_forms_are_checked(tmp_path):
    with pytest.raises(ArgumentError, match="`form`"):
        read([("a", "b")]).write(tmp_path / "d.doc")
    pairs = read([{"text": "a", "text_pair": "b", "label": "c"}])
    with pytest.raises(ArgumentError, match="second texts"):
        pairs.write(tmp_path / "d.csv", "sdk")
