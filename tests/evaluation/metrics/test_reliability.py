import numpy as np
import pytest
from simulated_scores import multi, report_of, single
from sklearn.calibration import calibration_curve


@pytest.mark.parametrize("bins", [1, 5, 10, 15])
def test_bins_are_those_of_scikit_learn(bins):
    y_true, y_score = multi()
    found = report_of((y_true, y_score)).reliability(bins)
    share, confidence = calibration_curve(y_true.ravel(), y_score.ravel(), n_bins=bins)
    filled = found.count > 0
    assert found.count.sum() == y_true.size and len(found.edges) == bins + 1
    np.testing.assert_allclose(found.accuracy[filled], share)
    np.testing.assert_allclose(found.mean_confidence[filled], confidence, rtol=1e-6)
    assert np.isnan(found.accuracy[~filled]).all()


def test_bins_of_single_labels_are_of_the_most_probable_one():
    report = report_of(single(500))
    best = report.y_score.max(axis=1)
    found = report.reliability(10)
    share, confidence = calibration_curve(report.y_pred == report.y_true, best, n_bins=10)
    filled = found.count > 0
    np.testing.assert_allclose(found.accuracy[filled], share)
    np.testing.assert_allclose(found.mean_confidence[filled], confidence, rtol=1e-6)
    assert report.reliability().error == report["expected_calibration_error"]


def test_bins_are_closed_above_and_the_first_holds_zero():
    y_score = np.array([[0.0, 0.25], [0.5, 0.75], [1.0, 0.26]])
    found = report_of((np.zeros((3, 2), int), y_score)).reliability(4)
    assert found.count.tolist() == [2, 2, 1, 1]


def test_a_calibrated_model_has_a_small_error_and_an_overconfident_one_a_large():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 20_000)
    right = rng.random(20_000) < sure
    y_true = np.where(right, 0, 1)
    calibrated = report_of((y_true, np.stack([sure, 1 - sure], axis=1)))
    assert calibrated["expected_calibration_error"] < 0.015
    boastful = report_of((y_true, np.stack([0.5 + sure / 2, 0.5 - sure / 2], axis=1)))
    assert boastful["expected_calibration_error"] == pytest.approx(0.125, abs=0.015)
