import numpy as np
import pytest
from simulated_scores import multi, report_of, single

from keras_textcls.predictions.decisions import decide, read_thresholds
from keras_textcls.predictions.prediction import to_predictions

THRESHOLDS = [None, 0.0, 0.3, 0.5, 0.7, 1.0, [0.2, 0.5, 0.8], {"label b": 0.9}]


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
@pytest.mark.parametrize("make", [single, multi])
def test_decisions_are_those_of_classify(make, threshold):
    # Rounded, so that scores stand on thresholds and tie.
    y_true, y_score = make(classes=3)
    y_score = np.round(y_score, 1) if make is multi else np.round(y_score * 8) / 8
    y_score[0] = [0.5, 0.5, 0.0]
    if make is single:
        y_score[:, 2] = 1 - y_score[:, 0] - y_score[:, 1]
        y_score = np.abs(y_score)
    report = report_of((y_true, y_score)).at_threshold(threshold)
    values = read_thresholds(threshold, report.labels)
    answers = to_predictions(report.y_score, report.labels, report.multi_label, values)
    for given, answer in zip(report.y_pred, answers, strict=True):
        if make is multi:
            chosen = {report.labels[i] for i in np.flatnonzero(given)}
            assert chosen == set(answer.labels)
        else:
            assert (None if given < 0 else report.labels[given]) == answer.label


def test_at_threshold_is_the_report_made_with_it():
    for data in (single(), multi(classes=3)):
        report = report_of(data)
        for threshold in THRESHOLDS:
            one, other = report.at_threshold(threshold), report_of(data, thresholds=threshold)
            assert repr(one.values) == repr(other.values)
            np.testing.assert_array_equal(one.y_pred, other.y_pred)
            assert one.thresholds == other.thresholds
        assert report.at_threshold({"label b": 0.9}).thresholds == {
            "label a": 0.5, "label b": 0.9, "label c": 0.5,
        }  # fmt: skip
        assert report.thresholds is None


@pytest.mark.parametrize("threshold", [-0.1, 1.1, [0.5], "half", [0.1, None, 0.2], float("nan")])
def test_thresholds_that_cannot_be_used(threshold):
    with pytest.raises(ValueError, match="`threshold` must be a number in .0, 1., or 3 of them"):
        report_of(single()).at_threshold(threshold)


def test_a_threshold_of_an_unknown_label():
    with pytest.raises(ValueError, match="Unknown label 'label d'"):
        report_of(single()).at_threshold({"label d": 0.5})


def test_decisions_on_plain_scores():
    scores = np.array([[0.6, 0.4], [0.5, 0.5]])
    assert decide(scores, False).tolist() == [0, 0]
    assert decide(scores, False, np.array([0.6, 0.0])).tolist() == [0, -1]
    assert decide(scores, True).tolist() == [[True, False], [True, True]]
