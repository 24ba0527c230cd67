import math

import numpy as np
import pytest
import scipy.stats
from simulated_scores import CASES, multi, report_of, single
from statsmodels.stats.proportion import proportion_confint

from keras_textcls import Report
from keras_textcls.errors import ArgumentError
from keras_textcls.evaluation.metrics import resampling


def draws(texts, seed=0):
    """How often each of the resamples holds each text."""
    return np.concatenate([block for block, _ in resampling._weights(texts, 3, seed)])


@pytest.mark.parametrize("case", [*CASES, "labels that the model lacks", "no answers"])
def test_a_resample_has_the_metrics_of_a_report_of_the_drawn_texts(case):
    if case == "labels that the model lacks":
        y_true, y_score = single(40)
        actual = [f"label {chr(97 + i)}" for i in y_true]
        report = report_of((["other", *actual[1:]], y_score))
    elif case == "no answers":
        report = report_of(single(60)).at_threshold(0.6)
    else:
        report = report_of(CASES[case](1)).take(np.arange(60))
    weights = draws(len(report))
    assert weights.shape == (1000, len(report)) and (weights.sum(axis=1) == len(report)).all()
    assert report.resamples.values.keys() == report.values.keys()
    for i in (0, 1, 500, 999):
        part = report.take(np.repeat(np.arange(len(report)), weights[i].astype(int)))
        for name, value in part.values.items():
            drawn = report.resamples.values[name][i]
            assert drawn == pytest.approx(value, rel=1e-7, abs=1e-9, nan_ok=True), name


def test_a_label_that_is_unknown_for_all_texts_does_no_harm():
    y_true, y_score = multi(classes=3)
    y_true[:, 1] = -1
    report = report_of((y_true, y_score))
    metric = report.metrics["macro_roc_auc"]
    assert metric.low < metric.value < metric.high
    assert "'label b'" in metric.reason


def test_the_interval_of_accuracy_is_that_of_scipy():
    report = report_of(single(150, seed=3))
    right = (report.y_pred == report.y_true).astype(float)
    theirs = scipy.stats.bootstrap(
        (right,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    metric = report.metrics["accuracy"]
    # The ends of 1,000 resamples vary by about a tenth of the standard error.
    assert metric.low == pytest.approx(theirs.low, abs=0.015)
    assert metric.high == pytest.approx(theirs.high, abs=0.015)
    for method in ("wilson", "normal", "beta"):
        low, high = proportion_confint(right.sum(), len(right), method=method)
        assert metric.low == pytest.approx(low, abs=0.025)
        assert metric.high == pytest.approx(high, abs=0.025)


def test_the_seed_decides():
    data = single(60)
    one, same, other = (report_of(data, seed=seed) for seed in (1, 1, 2))
    assert one.metrics == same.metrics
    assert one.metrics["log_loss"] != other.metrics["log_loss"]
    with pytest.raises(ArgumentError, match="`seed` must be an integer of at least 0"):
        report_of(data, seed=-1)


def test_two_models_see_the_same_draws_whatever_their_labels(monkeypatch):
    whole = draws(37)
    monkeypatch.setattr(resampling, "_BLOCK", 37 * 64)
    np.testing.assert_array_equal(draws(37), whole)
    # With many labels only the first resamples have areas, of the same draws.
    monkeypatch.setattr(resampling, "_MOST_RANKED", 37 * 3 * 150)
    np.testing.assert_array_equal(draws(37), whole)
    report = report_of(single(37))
    few = report.resamples.values["macro_roc_auc"]
    assert len(few) == 150 and len(report.resamples.values["accuracy"]) == 1000
    monkeypatch.undo()
    all_of_them = report_of(single(37)).resamples.values["macro_roc_auc"]
    np.testing.assert_allclose(few, all_of_them[:150])


def test_a_part_of_many_texts_stands_for_all(monkeypatch):
    report = report_of(single(4000, seed=5))
    monkeypatch.setattr(resampling, "MOST_TEXTS", 1000)
    part = report_of(single(4000, seed=5))
    assert part.resamples.scale == 0.5
    for name in ("accuracy", "macro_f1", "macro_roc_auc", "log_loss", "matthews_correlation"):
        whole, scaled = report.metrics[name], part.metrics[name]
        assert whole.value == scaled.value
        width = whole.high - whole.low
        assert scaled.high - scaled.low == pytest.approx(width, rel=0.15), name
        assert scaled.low == pytest.approx(whole.low, abs=width * 0.15), name


def test_a_scaled_interval_stays_in_the_range_of_the_metric(monkeypatch):
    monkeypatch.setattr(resampling, "MOST_TEXTS", 300)
    y_true = np.zeros(1000, int)
    y_true[:5] = 1
    y_score = np.stack([np.full(1000, 0.9), np.full(1000, 0.1)], axis=1)
    y_score[1:5] = [0.1, 0.9]
    for seed in range(5):
        for metric in report_of((y_true, y_score), seed=seed).metrics.values():
            if metric.name not in ("log_loss", "brier_score"):
                assert metric.high <= 1 or math.isnan(metric.high), metric.name
                assert metric.low >= -1 or math.isnan(metric.low)


@pytest.mark.long
def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    held = 0
    for seed in range(200):
        right = rng.random(80) < 0.75
        y_score = np.where(right[:, None], [0.8, 0.2], [0.3, 0.7])
        report = Report.from_predictions(np.zeros(80, int), y_score, ["a", "b"], seed=seed)
        metric = report.metrics["accuracy"]
        held += metric.low <= 0.75 <= metric.high
    assert 180 <= held <= 196


def test_a_level_is_a_share():
    resamples = report_of(single(50)).resamples
    value = resamples.centre["accuracy"]
    half, most = resamples.interval("accuracy", value, 0.5), resamples.interval("accuracy", value)
    assert most[0] < half[0] < value < half[1] < most[1]
    with pytest.raises(ArgumentError, match="`level` must be between 0 and 1. Received: level=95"):
        resamples.interval("accuracy", value, 95)
