"""scikit-learn is the oracle of every metric that it has."""

import math
import warnings

import numpy as np
import pytest
import simulated_scores
from simulated_scores import CASES, report_of, single
from sklearn import metrics as oracle

from keras_textcls import InvalidDataError, Report
from keras_textcls.evaluation.metrics.metrics import LOSSES, bounds

SINGLE = [name for name in CASES if not name.startswith("multi")]
MULTI = ["multi-label", "multi-label with ties", "multi-label, a label absent"]
AVERAGES = ("macro", "micro", "weighted")


def slow_calibration_error(confidence, right, bins=15):
    """As Guo et al. write it: bin m holds ((m - 1) / M, m / M]."""
    total = 0.0
    for m in range(1, bins + 1):
        inside = [
            i
            for i, p in enumerate(confidence)
            if (m - 1) / bins < p <= m / bins or (m == 1 and p == 0)
        ]
        if inside:
            mean = sum(float(confidence[i]) for i in inside) / len(inside)
            share = sum(bool(right[i]) for i in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(mean - share)
    return total


def expected_areas(actual, y_score):
    """Areas of each column of a 0/1 matrix, nan where undefined."""
    auc = [
        oracle.roc_auc_score(a, s) if 0 < a.sum() < len(a) else math.nan
        for a, s in zip(actual.T, y_score.T, strict=True)
    ]
    precision = [
        oracle.average_precision_score(a, s) if a.any() else math.nan
        for a, s in zip(actual.T, y_score.T, strict=True)
    ]
    return auc, precision


def expected_of_labels(y_true, y_pred, labels):
    found = {}
    for average in AVERAGES:
        values = oracle.precision_recall_fscore_support(
            y_true, y_pred, labels=labels, average=average, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), values, strict=False):
            found[f"{average}_{name}"] = value
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", SINGLE)
def test_single_label_metrics_are_those_of_scikit_learn(case, seed):
    y_true, y_score = CASES[case](seed)
    classes = y_score.shape[1]
    y_pred = y_score.argmax(axis=1)
    # Labels that neither occur nor are predicted are left out of means.
    seen = sorted(set(y_true) | set(y_pred))
    auc, precision = expected_areas(y_true[:, None] == np.arange(classes), y_score)
    expected = expected_of_labels(y_true, y_pred, seen) | {
        "accuracy": oracle.accuracy_score(y_true, y_pred),
        "macro_roc_auc": np.nanmean(auc),
        "roc_auc_std": np.nanstd(auc),
        "macro_average_precision": np.nanmean(precision),
        "matthews_correlation": oracle.matthews_corrcoef(y_true, y_pred),
        "cohen_kappa": oracle.cohen_kappa_score(y_true, y_pred),
        "log_loss": oracle.log_loss(y_true, y_score, labels=range(classes)),
        "brier_score": oracle.brier_score_loss(
            y_true if classes > 2 else y_true == 1,
            y_score if classes > 2 else y_score[:, 1],
            **({"labels": list(range(classes))} if classes > 2 else {}),
        ),
        "expected_calibration_error": slow_calibration_error(y_score.max(axis=1), y_pred == y_true),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Labels that are predicted and do not occur.
        expected["balanced_accuracy"] = oracle.balanced_accuracy_score(y_true, y_pred)
    if classes >= 4:
        k = min(5, classes // 2)
        expected[f"top_{k}_accuracy"] = oracle.top_k_accuracy_score(
            y_true, y_score, k=k, labels=range(classes)
        )
    report = report_of((y_true, y_score))
    assert set(report.values) == set(expected)
    for name, value in expected.items():
        assert report[name] == pytest.approx(value, abs=2e-6), name


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", MULTI)
def test_multi_label_metrics_are_those_of_scikit_learn(case, seed):
    y_true, y_score = CASES[case](seed)
    y_pred = (y_score >= 0.5).astype(int)
    seen = np.flatnonzero(y_true.any(axis=0) | y_pred.any(axis=0))
    auc, precision = expected_areas(y_true, y_score)
    columns = range(y_score.shape[1])
    expected = expected_of_labels(y_true, y_pred, seen) | {
        "subset_accuracy": oracle.accuracy_score(y_true, y_pred),
        "macro_roc_auc": np.nanmean(auc),
        "roc_auc_std": np.nanstd(auc),
        "macro_average_precision": np.nanmean(precision),
        "hamming_loss": oracle.hamming_loss(y_true, y_pred),
        "label_ranking_average_precision": oracle.label_ranking_average_precision_score(
            y_true, y_score
        ),
        "coverage_error": oracle.coverage_error(y_true, y_score),
        "log_loss": np.mean(
            [oracle.log_loss(y_true[:, i], y_score[:, i], labels=[0, 1]) for i in columns]
        ),
        "brier_score": np.mean(
            [oracle.brier_score_loss(y_true[:, i], y_score[:, i], pos_label=1) for i in columns]
        ),
        "expected_calibration_error": slow_calibration_error(y_score.ravel(), y_true.ravel()),
    }
    report = report_of((y_true, y_score))
    assert set(report.values) == set(expected)
    for name, value in expected.items():
        assert report[name] == pytest.approx(value, abs=2e-6), name


def test_unknown_labels_are_left_out_label_by_label():
    y_true, y_score = simulated_scores.multi(unknown=0.3)
    y_true[:, 3] = -1
    report = report_of((y_true, y_score))
    known = y_true >= 0
    wrong = (y_score >= 0.5) != (y_true == 1)
    assert report["hamming_loss"] == pytest.approx(
        np.mean([wrong[i, row].mean() for i, row in enumerate(known) if row.any()])
    )
    for i, row in enumerate(report.per_label().rows[:4]):
        actual, given = y_true[known[:, i], i], y_score[known[:, i], i] >= 0.5
        record = dict(zip(report.per_label().columns, row, strict=True))
        assert record["tp"] == (given & (actual == 1)).sum()
        assert record["fp"] == (given & (actual == 0)).sum()
        assert record["tp"] + record["fp"] + record["fn"] + record["tn"] == known[:, i].sum()
        if i < 3:
            assert record["roc_auc"] == pytest.approx(
                oracle.roc_auc_score(actual, y_score[known[:, i], i])
            )
    assert math.isnan(report["subset_accuracy"]) and math.isnan(report["coverage_error"])
    assert "all labels known" in report.metrics["subset_accuracy"].reason
    right = (y_true == 1)[known]
    assert report["expected_calibration_error"] == pytest.approx(
        slow_calibration_error(y_score[known], right), abs=1e-6
    )


@pytest.mark.parametrize("k", [1, 2])
def test_top_k_can_be_chosen(k):
    y_true, y_score = single()
    report = report_of((y_true, y_score), top_k=k)
    expected = oracle.top_k_accuracy_score(y_true, y_score, k=k)
    assert report[f"top_{k}_accuracy"] == pytest.approx(expected)
    if k == 1:
        assert report["top_1_accuracy"] == report["accuracy"]


def test_no_answer_counts_as_one_more_label_that_never_occurs():
    y_true, y_score = single(classes=4, sharp=1.0)
    report = report_of((y_true, y_score)).at_threshold(0.6)
    y_pred = np.where(y_score.max(axis=1) >= 0.6, y_score.argmax(axis=1), 4)
    assert 0 < (y_pred == 4).sum() < len(y_pred)
    assert report["accuracy"] == pytest.approx(oracle.accuracy_score(y_true, y_pred))
    assert report["matthews_correlation"] == pytest.approx(oracle.matthews_corrcoef(y_true, y_pred))
    assert report["cohen_kappa"] == pytest.approx(oracle.cohen_kappa_score(y_true, y_pred))
    expected = oracle.f1_score(y_true, y_pred, labels=range(4), average="macro")
    assert report["macro_f1"] == pytest.approx(expected)


# === Undefined is nan with a reason ===


def nan_metrics(report):
    return {name for name, value in report.values.items() if math.isnan(value)}


def assert_reasons(report):
    for metric in report.metrics.values():
        assert not math.isnan(metric.value) or metric.reason, metric.name


UNUSUAL = {
    "one text": ([1], [[0.4, 0.6]], {}),
    "one class": ([1, 1, 1], [[0.4, 0.6], [0.7, 0.3], [0.1, 0.9]], {}),
    "one class, all right": ([1, 1], [[0.4, 0.6], [0.1, 0.9]], {}),
    "one label in all": ([0, 0], [[1.0], [1.0]], {}),
    "constant": ([0, 1, 1, 0], [[0.3, 0.7]] * 4, {}),
    "no answer at all": ([0, 1, 1], [[0.4, 0.6]] * 3, {"thresholds": 0.9}),
    "only labels that the model lacks": (["x", "y"], [[0.4, 0.6]] * 2, {}),
    "no text has a label": ([[0, 0], [0, 0]], [[0.4, 0.1]] * 2, {}),
    "all have all labels": ([[1, 1], [1, 1]], [[0.4, 0.1]] * 2, {}),
    "nothing is known": ([[-1, -1], [-1, -1]], [[0.4, 0.9]] * 2, {}),
    "little is known": ([[-1, 1], [-1, 0]], [[0.4, 0.9]] * 2, {}),
    "only other labels are known": ([{"x": 1}, {"x": 0}], [[0.4, 0.9]] * 2, {}),
    "one text of several labels": ([["a"]], [[0.4, 0.9]], {}),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_every_undefined_metric_has_a_reason(case):
    y_true, y_score, more = UNUSUAL[case]
    labels = ["a", "b"][: len(y_score[0])]
    report = Report.from_predictions(y_true, y_score, labels, texts=["t"] * len(y_true), **more)
    assert_reasons(report)
    for name, metric in report.metrics.items():
        lowest, highest = bounds(name)
        assert math.isnan(metric.value) or lowest <= metric.value <= highest
    # Everything else can be asked for as well.
    assert str(report) and report._repr_html_() and report.confusion_matrix("share")
    report.roc_curve(), report.precision_recall_curve("a"), report.threshold_curve("a")
    report.suspected_label_errors(), report.slices(), report.errors(), report.tune_thresholds()


def test_one_class_leaves_only_the_area_and_the_agreement_undefined():
    report = Report.from_predictions([1, 1, 1], [[0.4, 0.6], [0.7, 0.3], [0.1, 0.9]], ["a", "b"])
    assert nan_metrics(report) == {"macro_roc_auc", "roc_auc_std", "matthews_correlation"}
    assert report["accuracy"] == pytest.approx(2 / 3) and report["cohen_kappa"] == 0
    assert "which all texts have, or none" in report.metrics["macro_roc_auc"].reason
    assert report.metrics["matthews_correlation"].reason == "all texts have the same label"
    assert report.metrics["cohen_kappa"].reason is None
    assert math.isnan(report.metrics["macro_roc_auc"].low)


def test_a_label_never_predicted_has_no_precision_and_macro_counts_it_as_zero_and_says_so():
    report = Report.from_predictions([0, 1, 1, 0], [[0.7, 0.3]] * 4, ["ham", "spam"])
    assert math.isnan(report.per_label().column("precision")[1])
    assert report["macro_precision"] == 0.25
    assert report.metrics["macro_precision"].reason == "'spam' never predicted: counted as 0"
    assert "'spam' never predicted" in str(report)


def test_labels_that_the_model_lacks_are_errors_and_are_listed():
    report = Report.from_predictions(
        ["a", "b", "eggs"], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], ["a", "b"]
    )
    assert report.extra_labels == ("eggs",)
    assert report["accuracy"] == pytest.approx(2 / 3)
    assert report["macro_recall"] == pytest.approx(2 / 3)
    assert math.isnan(report["log_loss"])
    assert "no probability for 'eggs'" in report.metrics["log_loss"].reason
    assert "the model lacks labels of the data" in str(report)
    assert [one.actual for one in report.errors()] == ["eggs"]
    assert report["brier_score"] == pytest.approx(
        (0.01 + 0.04 + (0.36 + 0.16 + 1) / 2) / 3, abs=1e-6
    )
    # Of texts without that label the loss is defined.
    part = report.take([0, 1])
    assert part["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.8)) / 2, abs=1e-6)
    assert part.metrics["log_loss"].reason is None


def test_a_perfect_model_gets_one_everywhere_and_no_loss():
    y_true = np.array([0, 1, 2, 0, 1, 2])
    for report in (
        report_of((y_true, np.eye(3)[y_true])),
        report_of((np.eye(3, dtype=int)[y_true], np.eye(3)[y_true])),
    ):
        for name, value in report.values.items():
            ideal = {"coverage_error": 1.0, "roc_auc_std": 0.0}.get(name, float(name not in LOSSES))
            assert value == pytest.approx(ideal, abs=1e-12), name
            metric = report.metrics[name]
            assert metric.low == pytest.approx(ideal) and metric.high == pytest.approx(ideal)


def test_ratings_are_names_and_no_positions():
    stars, labels = np.array([5, 1, 3, 3]), list("12345")
    by_name = Report.from_predictions(stars.astype(str).tolist(), np.eye(5)[stars - 1], labels)
    assert by_name["accuracy"] == 1
    for y_true in (stars, stars.tolist(), np.eye(5)[stars - 1], stars[:, None]):
        report = Report.from_predictions(
            y_true, np.eye(5)[stars - 1], labels, multi_label=False if np.ndim(y_true) > 1 else None
        )
        assert report.values == pytest.approx(by_name.values, nan_ok=True)
    with pytest.raises(InvalidDataError, match=r"y_true\[1\]=0 is none of the labels '1', '2'"):
        Report.from_predictions([1, 0], np.eye(5)[:2], labels)


def test_an_unknown_metric_is_refused_with_the_names():
    with pytest.raises(ValueError, match="no metric 'acuracy'.*Choose one of accuracy, balanced"):
        report_of(single())["acuracy"]
