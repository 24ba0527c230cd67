import numpy as np
import pytest
from simulated_scores import CASES, multi, report_of, single
from sklearn.metrics import confusion_matrix

from keras_textcls.errors import ArgumentError, UnknownLabelError


@pytest.mark.parametrize("case", [name for name in CASES if not name.startswith("multi")])
def test_the_confusion_matrix_is_that_of_scikit_learn(case):
    report = report_of(CASES[case]())
    labels = range(len(report.labels))
    count = report.confusion_matrix()
    expected = confusion_matrix(report.y_true, report.y_pred, labels=labels)
    np.testing.assert_array_equal(count.values, expected)
    assert count.rows == count.columns == tuple(report.labels)
    assert count["label a", "label b"] == expected[0, 1]
    share = report.confusion_matrix("share").values
    occurs = expected.sum(axis=1) > 0
    theirs = confusion_matrix(report.y_true, report.y_pred, labels=labels, normalize="true")
    np.testing.assert_allclose(share[occurs], theirs[occurs])
    assert np.isnan(share[~occurs]).all()
    mean = report.confusion_matrix("mean_probability")
    for i in np.flatnonzero(occurs):
        np.testing.assert_allclose(
            mean.values[i], report.y_score[report.y_true == i].mean(axis=0), rtol=1e-5
        )


def test_texts_without_an_answer_and_labels_that_the_model_lacks_have_cells_of_their_own():
    y_true, y_score = single()
    actual = np.array([f"label {'abc'[i]}" for i in y_true], object)
    actual[:5] = "eggs"
    report = report_of((actual.tolist(), y_score)).at_threshold(0.6)
    matrix = report.confusion_matrix()
    assert matrix.rows == ("label a", "label b", "label c", "eggs")
    assert matrix.columns == ("label a", "label b", "label c", "(none)")
    assert matrix.values.sum() == 120 and matrix.values[3].sum() == 5
    assert matrix.values[:, 3].sum() == (report.y_pred == -1).sum() > 0
    assert str(matrix).splitlines()[0].split()[-1] == "(none)"


@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_a_text_of_several_labels_stands_in_several_cells(unknown):
    report = report_of(multi(60, 3, unknown=unknown))
    matrix = report.confusion_matrix()
    share = report.confusion_matrix("share")
    for row in matrix.rows:
        if row == "(none)":
            actual = (report.y_true == 0).all(axis=1)
        else:
            actual = report.y_true[:, report.labels.index(row)] == 1
        for column in matrix.columns:
            if column == "(none)":
                given = ~report.y_pred.any(axis=1)
            else:
                given = report.y_pred[:, report.labels.index(column)]
            assert matrix[row, column] == (actual & given).sum()
            assert share[row, column] == pytest.approx((actual & given).sum() / actual.sum())
            cell = report.examples(row, column, limit=None)
            assert {one.row for one in cell} == set(np.flatnonzero(actual & given).tolist())


def test_a_label_that_nobody_knows_of_is_not_one_that_is_missing():
    report = report_of((np.array([[-1, 0], [0, 0], [1, -1]]), np.full((3, 2), 0.9)))
    matrix = report.confusion_matrix()
    assert matrix["(none)", "label a"] == 1 and len(report.examples("(none)")) == 1


def test_labels_that_occur_together():
    report = report_of(multi(50, 3))
    there, given = report.y_true == 1, report.y_pred
    together, predicted = report.co_occurrence(), report.co_occurrence(predicted=True)
    for i in range(3):
        for j in range(3):
            assert together.values[i, j] == (there[:, i] & there[:, j]).sum()
            assert predicted.values[i, j] == (given[:, i] & given[:, j]).sum()
    assert report.label_counts() == dict(
        zip(report.labels, there.sum(axis=0).tolist(), strict=True)
    )
    one = report_of(single())
    assert np.diag(one.co_occurrence().values).tolist() == list(one.label_counts().values())
    assert one.co_occurrence().values.sum() == 120


def test_what_cannot_be_asked():
    report = report_of(single())
    with pytest.raises(ArgumentError, match="`kind` must be one of 'count', 'share', .*'counts'"):
        report.confusion_matrix("counts")
    with pytest.raises(UnknownLabelError, match="no row 'label x'.*Did you mean 'label"):
        report.confusion_matrix()["label x", "label a"]
    with pytest.raises(UnknownLabelError, match="no column 'b'"):
        report.confusion_matrix()["label a", "b"]
