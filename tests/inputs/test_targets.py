"""Labels and weights, and the exact words of every refusal."""

import hypothesis.strategies as st
import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import tensorflow as tf
from hypothesis import given
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.class_weight import compute_class_weight

from keras_textcls import ArgumentError, InvalidDataError, LabelSet, UnknownLabelError
from keras_textcls.inputs.targets import (
    class_weights,
    names_in,
    read_sample_weight,
    read_targets,
    refuse_unknown,
)

LABELS = LabelSet(["ham", "spam"])


def test_targets_from_names_and_indices():
    assert read_targets(["spam", "ham"], LABELS, False, 2).tolist() == [1, 0]
    assert read_targets([b"spam", b"ham"], LABELS, False, 2).tolist() == [1, 0]
    assert read_targets(np.array([1, 0]), LABELS, False, 2).tolist() == [1, 0]
    assert read_targets(pd.Series([1.0, 0.0]), LABELS, False, 2).dtype == np.int32
    multi = read_targets([["spam"], [], ["ham", "spam"]], LABELS, True, 3)
    ragged = tf.ragged.constant([["spam"], [], ["ham", "spam"]])
    assert read_targets(ragged, LABELS, True, 3).tolist() == multi.tolist()
    assert multi.tolist() == [[0, 1], [0, 0], [1, 1]]
    assert read_targets(multi, LABELS, True, 3).tolist() == multi.tolist()


@pytest.mark.parametrize(
    "y",
    [
        [{"spam": 1}, {"ham": 0}, {"spam": True, "ham": 0.0}, {}, ["ham"], []],
        [[-1, 1], [0, -1], [0, 1], [-1, -1], [1, 0], [0, 0]],
        np.array([[np.nan, 1], [0, -1], [0, 1], [np.nan, np.nan], [1, 0], [0, 0]]),
        [[None, 1.0], [0.0, None], [0, 1], [-1, None], [True, False], [0, 0]],
    ],
)
def test_unknown_labels_are_minus_one(y):
    targets = read_targets(y, LABELS, True, 6)
    assert targets.dtype == np.float32
    assert targets.tolist() == [[-1, 1], [0, -1], [0, 1], [-1, -1], [1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("y", "multi_label", "message"),
    [
        (["ham"], False, "`x` and `y` must have the same length. Received 2 texts and 1 labels."),
        ([0, 2], False, "y[1]=2 is out of range: class indices of this classifier run from 0 to 1"),
        ([0, -1], False, "y[1]=-1 is out of range"),
        ([0, 0.5], False, "y[1] is not a label: 0.5 of type float. Pass class indices, or label"),
        ([0, None], False, "y[1] is missing: every text needs its label"),
        ([True, False], False, "y[0] is not a label: True of type bool. Which of 'ham', 'spam' is"),
        (["ham", 1], False, "y[0] is not a label: 'ham' of type str."),
        (
            [["ham"], ["ham", "spam"]],
            False,
            "y[1]=['ham', 'spam'] holds several labels, but this classifier takes",
        ),
        ([[0, 1], [1, 1]], False, "y[1]=[1, 1] has 2 ones, but each text has one label here"),
        ([[0, 1], [0, 0]], False, "y[1]=[0, 0] has 0 ones"),
        ([[0, 1], [1, 0, 0]], False, "y[1]=[1, 0, 0] is neither a label nor a row of 2 zeros"),
        ([[0.3, 0.7], [1, 0]], False, "of probabilities, y.argmax(axis=1)"),
        ([[], [1, 0]], False, "y[0]=[] is neither a label nor a row"),
        ([{0, 1}, [1, 0]], False, "y[0]={0, 1} is neither a label nor a row"),
        ([0, np.nan], False, "y[1] is missing: every text needs its label"),
        (pd.Series([1, pd.NA], dtype="Int64"), False, "y[1] is missing"),
        (pd.Series(["ham", None]), False, "y[1] is missing"),
        (["ham", np.nan], False, "y[1] is missing"),
        (pd.DataFrame({"spam": [1, 0]}), False, "one column, 'spam', which is the name of a label"),
        (pd.DataFrame([[1, 0]] * 2, columns=["ham", "ham"]), False, "two columns of one name"),
        (pl.LazyFrame({"ham": [1], "spam": [0]}), False, "not there yet. Call .collect() first"),
        (
            ["ham", "spam"],
            True,
            "y[0]='ham' is a single label, but this classifier is multi-label.",
        ),
        ([0, 1], True, "y[0]=0 is a single label, but this classifier is multi-label."),
        ([[0, 1], [1, 2]], True, "y[1]=[1, 2] is not a row of 2 zeros and ones, one a label."),
        ([[0, 1, 1], [1, 0, 0]], True, "y[0]=[0, 1, 1] is not a row of 2 zeros and ones"),
        ([[0, 1], [1, 0, 0]], True, "y[1]=[1, 0, 0] is not a row of 2 zeros and ones"),
        ([[0, 1], [1, [0]]], True, "y[1]=[1, [0]] is not a row of 2 zeros and ones"),
        ([[0, 1], {0, 1}], True, "y[1]={0, 1} is not a row of 2 zeros and ones"),
        (
            [[0, 1], [1, -2]],
            True,
            "y[1]=[1, -2] is not a row of 2 zeros and ones, one a label. "
            "Pass a 0/1 matrix, with NaN or -1 where a label is unknown, or a list of label names "
            "or a dict {name: 1 or 0} for each text.",
        ),
        (
            [["ham"], {"spam": 2}],
            True,
            "y[1]['spam']=2 is neither 1 (the label is there) nor 0 (it "
            "is not). Leave a label out of the dict if it is unknown.",
        ),
        ([["ham"], {"spam": None}], True, "y[1]['spam']=None is neither 1"),
        ([["ham"], {"spam": np.nan}], True, "y[1]['spam']=nan is neither 1"),
        ([["ham"], {"spam": "yes"}], True, "y[1]['spam']='yes' is neither 1"),
        ([{"ham": 1}, {"spam": 0}], False, "y[1]={'spam': 0} has 0 ones"),
        (7, False, "`y` must be a list or array of labels. Received 7 of type int."),
    ],
)
def test_bad_targets(y, multi_label, message):
    with pytest.raises(InvalidDataError) as error:
        read_targets(y, LABELS, multi_label, 2)
    assert message in str(error.value)


ONE_HOT = np.eye(2)[[1, 0, 1]]


@pytest.mark.parametrize(
    "y",
    [
        ONE_HOT,
        ONE_HOT.astype(bool),
        ONE_HOT.tolist(),
        list(ONE_HOT),
        tf.constant(ONE_HOT),
        keras.utils.to_categorical([1, 0, 1]),
        scipy.sparse.csr_matrix(ONE_HOT),
        OneHotEncoder().fit_transform([["spam"], ["ham"], ["spam"]]),
        pd.get_dummies(pd.Series(["spam", "ham", "spam"])),
        pl.DataFrame({"spam": [1, 0, 1], "ham": [0, 1, 0]}),
        pa.table({"spam": [1.0, 0.0, 1.0], "ham": [0.0, 1.0, 0.0]}),
        [{"spam": 1}, {"ham": True, "spam": False}, {"spam": 1}],
        np.array([[1], [0], [1]]),
        [["spam"], ["ham"], ["spam"]],
        pd.DataFrame({"label": ["spam", "ham", "spam"]}),
        pa.table({"label": [1, 0, 1]}),
        [np.int8(1), np.float32(0), tf.constant(1)],
        list(pa.array(["spam", "ham", "spam"])),
        tf.constant([[1], [0], [1]]),
        pd.Series(["spam", "ham", "spam"], dtype="category"),
    ],
)
def test_every_form_of_one_label_a_text(y):
    assert read_targets(y, LABELS, False, 3).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("names", "y", "classes"),
    [
        ("12345", [5, 1, 3], [4, 0, 2]),
        ("12345", np.array([5.0, 1.0]), [4, 0]),
        ("12345", ["5", "1"], [4, 0]),
        ("12345", np.eye(5)[[4, 0]], [4, 0]),
        ("12345", pd.get_dummies(pd.Series([5, 1, 2, 3, 4])), [4, 0, 1, 2, 3]),
        (["-1", "0", "1"], [-1, 0, 1], [0, 1, 2]),
        (["0.5", "1.0", "1.5"], [1.5, 0.5, 1], [2, 0, 1]),
        (["0", "1", "10", "2"], [0, 1, 2, 10], [0, 1, 3, 2]),
        # Both meanings agree.
        ("012", [2, 0], [2, 0]),
        ("012", [True, True], None),
        ("01", np.array([True, False]), [1, 0]),
        (["true", "false"], [True, False], [0, 1]),
        (["False", "True"], [np.True_, np.False_], [1, 0]),
        (["true", "false"], [1, 0], [0, 1]),
        (["no", "yes"], [True, False], None),
        # A number that is no name is not taken as a position, nor the reverse.
        ("12345", [0, 1], None),
        ("12345", [2.5], None),
        (["1", "2", "other"], [1, 2], None),
        (["1", "1.0", "2"], [1], None),
        ("012", [3], None),
    ],
)
def test_a_number_is_a_name_where_names_are_numbers(names, y, classes):
    labels = LabelSet(list(names))
    if classes is None:
        with pytest.raises(InvalidDataError, match=r"y\[0\]"):
            read_targets(y, labels, False, len(y))
    else:
        assert read_targets(y, labels, False, len(y)).tolist() == classes
        # The keys of weights mean the same.
        if np.ndim(y) == 1 and not any(isinstance(value, str) for value in y):
            weights = class_weights(dict.fromkeys(y, 7), labels, np.zeros(1, int))
            assert np.flatnonzero(weights == 7).tolist() == sorted(classes)


@given(st.sets(st.integers(-20, 30), min_size=1, max_size=12), st.data())
def test_whole_numbers_find_their_names(numbers, data):
    labels = LabelSet(data.draw(st.permutations([str(number) for number in numbers])))
    y = data.draw(st.lists(st.sampled_from(sorted(numbers)), min_size=1))
    for form in (y, np.array(y), np.array(y, float), [np.int32(v) for v in y], np.array([y]).T):
        assert labels.decode(read_targets(form, labels, False, len(y))) == [str(v) for v in y]


def test_data_frames_of_zeros_and_ones_are_read_by_the_names_of_their_columns():
    matrix = pd.DataFrame({"spam": [1, 0, None], "ham": [1, 1, 0]})
    wanted = [[1, 1], [1, 0], [0, -1]]
    for frame in (matrix, pl.from_pandas(matrix), pa.Table.from_pandas(matrix)):
        assert read_targets(frame, LABELS, True, 3).tolist() == wanted
    assert read_targets(scipy.sparse.csr_array([[1, 0], [1, 1]]), LABELS, True, 2).tolist() == [
        [1, 0],
        [1, 1],
    ]
    with pytest.raises(UnknownLabelError, match="Unknown label 'eggs' at y"):
        read_targets(matrix.rename(columns={"ham": "eggs"}), LABELS, True, 3)
    assert names_in(matrix) == ["ham", "spam"]


def test_placeholders_are_called_so():
    with pytest.raises(UnknownLabelError, match=r"placeholders: create the .* labels=\[\.\.\.\]"):
        read_targets(["spam"], LabelSet.numbered(2), False, 1)
    with pytest.raises(InvalidDataError, match=r"create the classifier with labels=\[\"1\", \"2\""):
        read_targets([2], LabelSet.numbered(2), False, 1)


def test_unknown_label_in_either_mode():
    with pytest.raises(UnknownLabelError, match=r"Unknown label 'spma' at y\[1\]\. Did you mean"):
        read_targets(["ham", "spma"], LABELS, False, 2)
    with pytest.raises(UnknownLabelError, match=r"Unknown label 'eggs' at y\[0\]\. The labels are"):
        read_targets([["eggs"]], LABELS, True, 1)
    with pytest.raises(UnknownLabelError, match=r"'spma' at y\[1\]\. Did you mean 'spam'"):
        read_targets([{"spam": 1}, {"spma": 0}], LABELS, True, 2)


def test_refuse_unknown():
    refuse_unknown(np.array([[0.0, 1.0]]), "which is bad.")
    refuse_unknown(np.array([[0.0, -1.0]]), None)
    with pytest.raises(ArgumentError, match=r"^y\[1\] leaves labels unknown, which is bad\.$"):
        refuse_unknown(np.array([[0.0, 1.0], [0.0, -1.0]]), "which is bad.")


def test_names_in():
    assert names_in(["b", "a", "b"]) == ["a", "b"]
    assert names_in([["b"], ["a"]]) == ["a", "b"]
    assert names_in([["b"], {"a": 0}]) == ["a", "b"]
    assert names_in([0, 1]) is None
    assert names_in([]) is None


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0], "one number for each of the 2 texts. Received shape (1,)."),
        ([1.0, -2.0], "sample_weight[1]=-2.0 is not a finite number of at least 0."),
        ([np.inf, 1.0], "sample_weight[0]=inf is not a finite number"),
        (["1", "a"], "sample_weight[1]='a' is not a finite number"),
        ([1e300, 1], "sample_weight[0]=1e+300 is not a finite number"),
        (pd.Series([1, None], dtype="Int64"), "sample_weight[1]=<NA> is not a finite number"),
        ([1, 1j], "sample_weight[1]=1j is not a finite number"),
        ([[1], [1, 2]], "sample_weight[0]=[1] is not a finite number"),
        ({0: 1}, "one number for each of the 2 texts. Received {0: 1}."),
    ],
)
def test_bad_sample_weight(weight, message):
    with pytest.raises(InvalidDataError) as error:
        read_sample_weight(weight, 2)
    assert message in str(error.value)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_balanced_weights_are_those_of_scikit_learn(y):
    y = np.asarray(y)
    weights = class_weights("balanced", LabelSet.numbered(4), y)
    present = np.unique(y)
    np.testing.assert_allclose(
        weights[present], compute_class_weight("balanced", classes=present, y=y)
    )
    # Every class that occurs counts the same in total.
    totals = [weights[c] * (y == c).sum() for c in present]
    np.testing.assert_allclose(totals, totals[0])


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1, "much", None])
def test_bad_class_weight(weight):
    with pytest.raises(ArgumentError, match=r"^class_weight\['spam'\]=.* is not a finite number"):
        class_weights({"spam": weight}, LABELS, np.zeros(1, int))


def test_class_weight_of_what_is_no_class():
    with pytest.raises(ArgumentError, match="names the class 2, but .* from 0 to 1"):
        class_weights({2: 1.0}, LABELS, np.zeros(1, int))
    with pytest.raises(ArgumentError, match="two weights of one class, for 0 and 'ham'"):
        class_weights({0: 1.0, "ham": 2.0}, LABELS, np.zeros(1, int))
    assert class_weights({np.int64(1): 2}, LABELS, np.zeros(1, int)).tolist() == [1, 2]


def test_class_weights_are_for_one_label_a_text():
    with pytest.raises(ArgumentError, match="for a multi-label classifier; use `sample_weight`"):
        class_weights("balanced", LABELS, np.zeros((3, 2)))
