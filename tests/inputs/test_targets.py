"""Labels and weights, and the exact words of every refusal."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
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
        ([True, False], False, "y[0] is not a label: True of type bool."),
        (["ham", 1], False, "y[0] is not a label: 'ham' of type str."),
        (
            [["ham"], ["spam"]],
            False,
            "y[0]=['ham'] holds several labels, but this classifier takes",
        ),
        ([[0, 1], [1, 0]], False, "Create a `TextClassifier` with `multi_label=True`, or pass"),
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
        ([{"ham": 1}, {"spam": 0}], False, "y[0]={'ham': 1} holds several labels, but this"),
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


def test_class_weights_are_for_one_label_a_text():
    with pytest.raises(ArgumentError, match="for a multi-label classifier; use `sample_weight`"):
        class_weights("balanced", LABELS, np.zeros((3, 2)))
