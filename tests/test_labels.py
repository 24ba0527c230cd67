"""LabelSet: ordered, immutable, never silently re-sorted."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from keras_textcls import ArgumentError, InvalidDataError, LabelSet, UnknownLabelError
from keras_textcls.labels import sorted_names

NAMES = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=20, unique=True)


@given(NAMES)
def test_order_is_kept_and_encoding_inverts(names):
    labels = LabelSet(names)
    assert list(labels) == names
    assert labels.decode(labels.encode(names)) == names
    assert [labels.index(n) for n in names] == list(range(len(names)))


@given(NAMES, st.data())
def test_multi_encoding_marks_exactly_the_names(names, data):
    labels = LabelSet(names)
    rows = data.draw(st.lists(st.lists(st.sampled_from(names)), min_size=1, max_size=5))
    matrix = labels.encode_multi(rows)
    assert matrix.dtype == np.float32
    for row, chosen in zip(matrix, rows, strict=True):
        assert {names[i] for i in np.flatnonzero(row)} == set(chosen)


def test_is_an_immutable_value():
    labels = LabelSet(["b", "a"])
    assert labels == LabelSet(["b", "a"]) == ["b", "a"]
    assert labels != LabelSet(["a", "b"])
    assert len({labels, LabelSet(["b", "a"])}) == 1
    with pytest.raises(AttributeError):
        labels.names = ("a",)
    assert repr(labels) == "LabelSet(['b', 'a'])"


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        ([str(i) for i in range(12)], [str(i) for i in range(12)]),
        (["10", "-1", "0", "2"], ["-1", "0", "2", "10"]),
        (["10.0", "9.5", "1.0"], ["1.0", "9.5", "10.0"]),
        # As text where one of them is no number.
        (["10", "9", "x1"], ["10", "9", "x1"]),
        (["1e3", "9"], ["1e3", "9"]),
        (["\u0661", "9", "10"], ["10", "9", "\u0661"]),
    ],
)
def test_from_data_sorts_numbers_by_value(names, ordered):
    assert LabelSet.from_data(reversed(names)) == ordered
    assert sorted_names(set(names)) == ordered


def test_names_that_are_numbers_are_found_by_value():
    assert LabelSet(["3", "-1", "2.5"]).numbers == {3.0: 0, -1.0: 1, 2.5: 2}
    assert LabelSet(["1", "b"]).numbers is None
    assert LabelSet(["1", "1.0"]).numbers is None  # Two names of one value.


def test_from_data_does_not_depend_on_row_order():
    assert LabelSet.from_data(["b", "a", "b"]) == LabelSet.from_data(["a", "b"]) == ["a", "b"]
    assert LabelSet.from_data([["b"], [], ["a", "b"]]) == ["a", "b"]


def test_id2label_mapping_is_taken_in_index_order():
    assert LabelSet({"1": "pos", "0": "neg"}) == ["neg", "pos"]


def test_numbered():
    assert LabelSet.numbered(2).is_numbered
    assert not LabelSet(["1", "0"]).is_numbered


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("ham", "`labels` must be a list of names, not a single string. Received: labels='ham'."),
        ([], "`labels` must hold at least one name. Received an empty list."),
        (["a", ""], "must be non-empty strings. Received at position 1: '' of type str."),
        (["a", 3], "must be non-empty strings. Received at position 1: 3 of type int."),
        (["a", "b", "a"], "must not repeat a name. Received 'a' at positions 0 and 2."),
        ({0: "a", 2: "b"}, "must have the keys 0 to 1. Received: labels={0: 'a', 2: 'b'}."),
    ],
)
def test_bad_names(names, message):
    with pytest.raises(ArgumentError) as error:
        LabelSet(names)
    assert message in str(error.value)


def test_bad_number_of_classes():
    with pytest.raises(ArgumentError, match=r"at least 1. Received: num_classes=0\."):
        LabelSet.numbered(0)


def test_unknown_label_names_the_nearest():
    labels = LabelSet(["positive", "negative", "neutral"])
    with pytest.raises(UnknownLabelError) as error:
        labels.encode(["positive", "negativ"])
    assert str(error.value) == (
        "Unknown label 'negativ' at y[1]. Did you mean 'negative'? The labels are: 'positive', "
        "'negative', 'neutral'."
    )
    with pytest.raises(InvalidDataError, match=r"y\[0\]='positive'\. Pass \['positive'\] instead"):
        labels.encode_multi(["positive"])


def test_a_long_list_of_labels_is_cut_in_messages():
    with pytest.raises(UnknownLabelError, match="'7' and 142 more"):
        LabelSet.numbered(150).index("x")
