import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from keras_textcls import LabelSet
from keras_textcls.errors import ArgumentError, InvalidDataError, UnknownLabelError
from keras_textcls.evaluation.metrics.scores import read_scores

TWO = [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]
NAMES = ["ham", "spam", "ham"]


# === Forms of what is true ===


@pytest.mark.parametrize(
    "y_true",
    [
        NAMES,
        tuple(NAMES),
        np.array(NAMES),
        np.array(NAMES, object),
        pd.Series(NAMES),
        pd.Series(NAMES, dtype="category"),
        pl.Series(NAMES),
        pa.array(NAMES),
        pa.chunked_array([NAMES]),
        [0, 1, 0],
        np.array([0, 1, 0], np.uint8),
        [np.int64(0), np.int64(1), np.int64(0)],
        pd.Series([0, 1, 0], index=[7, 8, 9]),
        pl.Series([0, 1, 0]),
        (name for name in NAMES),
    ],
    ids=lambda value: type(value).__module__ + "." + type(value).__name__,
)
def test_single_labels_come_in_many_forms(y_true):
    read = read_scores(y_true, TWO, ["ham", "spam"])
    assert not read.multi_label and read.extra_labels == ()
    assert read.y_true.tolist() == [0, 1, 0] and read.y_true.dtype == np.int32
    assert read.name_rows() == NAMES


LISTS = [["ham", "spam"], [], ["spam"]]
MATRIX = [[1, 1], [0, 0], [0, 1]]


@pytest.mark.parametrize(
    "y_true",
    [
        LISTS,
        [set(one) for one in LISTS],
        [(name for name in one) for one in LISTS],
        pd.Series(LISTS),
        pa.array(LISTS),
        pl.Series(LISTS),
        MATRIX,
        np.array(MATRIX),
        np.array(MATRIX, bool),
        np.array(MATRIX, "float32"),
        pd.DataFrame(MATRIX, columns=["ham", "spam"]),
        [np.array(row) for row in MATRIX],
        [{"ham": 1, "spam": 1}, {"ham": 0, "spam": 0}, {"spam": True, "ham": False}],
    ],
    ids=lambda value: type(value).__module__ + "." + type(value).__name__,
)
def test_several_labels_come_in_many_forms(y_true):
    read = read_scores(y_true, TWO, ["ham", "spam"])
    assert read.multi_label and read.extra_labels == ()
    assert read.y_true.tolist() == MATRIX and read.y_true.dtype == np.int8
    assert read.name_rows() == [("ham", "spam"), (), ("spam",)]


def test_what_a_dict_does_not_name_is_unknown_as_in_training():
    rows = [{"ham": 1}, {"spam": 0}, {}]
    read = read_scores(rows, TWO, ["ham", "spam"])
    assert read.y_true.tolist() == [[1, -1], [-1, 0], [-1, -1]]
    assert read.y_true.tolist() == LabelSet(["ham", "spam"]).encode_multi(rows).tolist()


def test_nan_and_minus_one_are_unknown_and_other_negatives_are_not():
    matrix = np.array([[1, np.nan], [-1, 0]])
    assert read_scores(matrix, TWO[:2], ["a", "b"]).y_true.tolist() == [[1, -1], [-1, 0]]
    with pytest.raises(InvalidDataError, match=r"1, 0 and, where unknown, -1.*row 1: \[-2"):
        read_scores(np.array([[1, 0], [-2, 0]]), TWO[:2], ["a", "b"])


def test_labels_that_the_model_lacks_follow_its_own_in_sorted_order():
    read = read_scores(["spam", "zoo", "eggs"], TWO, ["spam", "ham"])
    assert read.extra_labels == ("eggs", "zoo")
    assert read.all_labels == ("spam", "ham", "eggs", "zoo")
    assert read.y_true.tolist() == [0, 3, 2]
    read = read_scores([["spam", "zoo"], [], {"eggs": 0}], TWO, ["spam", "ham"])
    assert read.y_true.tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [-1, -1, 0, -1]]


def test_the_second_of_two_labels_is_enough():
    read = read_scores(NAMES, [0.1, 0.8, 0.5], ["ham", "spam"])
    np.testing.assert_allclose(read.y_score, TWO, atol=1e-6)


def test_scores_are_copied_and_rounding_above_one_is_cut():
    matrix = np.array([[1.0 + 1e-6, 0.0], [0.0, 1.0]])
    actual = np.array([0, 1], np.int32)
    read = read_scores(actual, matrix, ["a", "b"])
    assert read.y_score.max() == 1
    matrix[:], actual[:] = 0.5, 0
    assert read.y_score.tolist() == [[1, 0], [0, 1]] and read.y_true.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("float16", "float32"), ("float32", "float32"), ("float64", "float64"), (int, "float32")],
)
def test_the_precision_of_scores(kind, kept):
    scores = np.array([[1, 0], [0, 1]], kind)
    assert read_scores([0, 1], scores, ["a", "b"]).y_score.dtype == kept


# === What is refused ===


@pytest.mark.parametrize(
    ("y_true", "error", "said"),
    [
        (None, ArgumentError, "`y_true` must hold .*Received: y_true=None"),
        ("ham", ArgumentError, "`y_true` must hold .*Received: y_true='ham'"),
        (3, ArgumentError, "Received: y_true=3"),
        ({"ham": 1}, ArgumentError, "`y_true` must hold"),
        ([], InvalidDataError, "no texts to evaluate"),
        (["ham", None, "ham"], InvalidDataError, "row 1: None of type NoneType. Leave out"),
        ([0, None, 1], InvalidDataError, "row 1: None of type NoneType. Leave out"),
        ([None, None, None], InvalidDataError, "row 0: None"),
        ([float("nan"), "ham", "ham"], InvalidDataError, "row 0: nan of type float"),
        (["ham", "  ", "ham"], InvalidDataError, "row 1: '  ' of type str"),
        (["ham", 1, "ham"], InvalidDataError, "row 1: 1 of type int"),
        ([0, "ham", 1], InvalidDataError, "row 1: 'ham' of type str"),
        ([0.0, 1.0, 0.0], InvalidDataError, "row 0: 0.0 of type float"),
        (np.array([0.0, 1.0, 0.0]), InvalidDataError, "row 0: .*float64"),
        ([True, False, True], InvalidDataError, "row 0: True of type bool"),
        ([b"ham", b"ham", b"ham"], InvalidDataError, "of type bytes"),
        (["ham", ["spam"], "ham"], InvalidDataError, "row 1.*multi_label=True"),
        ([0, 2, 1], UnknownLabelError, r"in \[0, 2\). Received at row 1: 2"),
        ([0, 1, -1], UnknownLabelError, r"in \[0, 2\). Received at row 2: -1"),
        ([0, 2**70, 1], UnknownLabelError, "row 1: 1180591620717411303424"),
        (["ham", "spam"], ArgumentError, "`y_true` has 2 rows and `y_score` 3"),
        ([["ham"], "spam", []], InvalidDataError, "row 1: 'spam'. Wrap a single name"),
        ([["ham"], None, []], InvalidDataError, "row 1: None"),
        ([["ham", None], [], []], InvalidDataError, "row 0: None of type NoneType"),
        ([["ham", 3], [], []], InvalidDataError, "row 0: 3 of type int"),
        ([["ham", ""], [], []], InvalidDataError, "row 0: ''"),
        ([[0], [0, 1], []], InvalidDataError, "as many numbers in each row"),
        ([[0, 1], [1, 2], [0, 0]], InvalidDataError, "1, 0 and, where unknown.*row 1"),
        ([[0, 1, 0]] * 3, ArgumentError, r"shape \(num_texts, 2\).*\(3, 3\)"),
        ([{"ham": 2}, {}, {}], InvalidDataError, "row 0 says 2 of 'ham'"),
    ],
)
def test_actual_labels_that_cannot_be_used(y_true, error, said):
    with pytest.raises(error, match=said):
        read_scores(y_true, TWO, ["ham", "spam"])


@pytest.mark.parametrize(
    ("y_true", "multi_label", "said"),
    [
        (np.zeros((3, 2), int), False, "one label here.*multi_label=True"),
        (np.zeros(3, int), True, "must have shape"),
        ([["ham"], ["ham"], []], False, "row 0: .*multi_label=True"),
        (["ham", "ham", "ham"], True, "Wrap a single name in a list"),
    ],
)
def test_actual_labels_of_the_other_kind(y_true, multi_label, said):
    with pytest.raises((ArgumentError, InvalidDataError), match=said):
        read_scores(y_true, TWO, ["ham", "spam"], multi_label)


@pytest.mark.parametrize(
    ("y_score", "error", "said"),
    [
        ([[0.9, 0.1]], ArgumentError, "`y_true` has 3 rows and `y_score` 1"),
        ([[0.5, 0.3, 0.2]] * 3, ArgumentError, r"shape \(num_texts, 2\).*\(3, 3\).*'ham'"),
        ([0.5, 0.5, 0.5, 0.5], ArgumentError, "3 rows and `y_score` 4"),
        (0.5, ArgumentError, r"shape \(\)"),
        (None, ArgumentError, "y_score"),
        ("abc", ArgumentError, "`y_score` must be a matrix of numbers. Received: 'abc'"),
        ([["a", "b"]] * 3, ArgumentError, "must be a matrix of numbers"),
        ([[0.5, 0.5], [1.0], [0.5, 0.5]], ArgumentError, "must be a matrix of numbers"),
        (np.full((3, 2), 0.5 + 0j), ArgumentError, "must be a matrix of numbers"),
        ([[0.5, 0.5], [np.nan, 1], [1, 0]], InvalidDataError, "no finite number in row 1.*'ham'"),
        ([[0.5, 0.5], [1, 0], [0, np.inf]], InvalidDataError, "finite number in row 2.*'spam'"),
        ([[0.5, 0.5], [1, 0], [-np.inf, 1]], InvalidDataError, "no finite number in row 2"),
        ([[2.1, -1.3], [0.2, 0.8], [1, 0]], InvalidDataError, "no probability in row 0.*softmax"),
        ([[0.5, 0.5], [0.5, 0.4], [1, 0]], InvalidDataError, "row 1 sum to 0.9.*multi_label=True"),
    ],
)
def test_scores_that_cannot_be_used(y_score, error, said):
    with pytest.raises(error, match=said):
        read_scores(NAMES, y_score, ["ham", "spam"])


def test_the_row_of_a_wrong_score_is_named_beyond_the_first_chunk(monkeypatch):
    from keras_textcls.evaluation.metrics import scores

    monkeypatch.setattr(scores, "CHUNK", 2)
    matrix = np.full((7, 2), 0.5)
    matrix[5] = [0.7, 0.7]
    with pytest.raises(InvalidDataError, match="row 5 sum to 1.4"):
        read_scores([0] * 7, matrix, ["a", "b"])


@pytest.mark.parametrize("labels", ["ham", [], ["a", "a"], ["a", ""], [1, 2]])
def test_names_of_columns_that_cannot_be_used(labels):
    with pytest.raises(ArgumentError, match="`labels` must"):
        read_scores([0, 1, 0], TWO, labels)


def test_half_precision_sums_are_accepted():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 30))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    read_scores(np.zeros(50, int), scores.astype("float16"), [str(i) for i in range(30)])


def test_ints_are_names_where_the_names_are_numbers():
    probabilities = np.eye(3)[[0, 1, 2]]
    stars = read_scores([1, 2, 3], probabilities, ["1", "2", "3"])
    assert stars.y_true.tolist() == [0, 1, 2] and not stars.extra_labels
    with pytest.raises(UnknownLabelError, match=r"y_true\[1\]=9 is none of the labels"):
        read_scores(np.array([3, 9]), probabilities[:2], ["1", "2", "3"])
    numbered = read_scores([0, 1, 2], probabilities, ["0", "1", "2"])
    assert numbered.y_true.tolist() == [0, 1, 2]
