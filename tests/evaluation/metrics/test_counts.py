import math

import numpy as np
import pytest
from simulated_scores import CASES, report_of
from sklearn.metrics import multilabel_confusion_matrix, precision_recall_fscore_support

from keras_textcls import Report
from keras_textcls.evaluation.metrics.counts import Counts, averaged, divide


def test_the_seed_platforms_tables_follow_from_the_counts():
    # 120 texts of label neg and 80 of pos, all of them predicted neg.
    y_true = ["neg"] * 120 + ["pos"] * 80
    report = Report.from_predictions(y_true, [[0.8, 0.2]] * 200, ["neg", "pos"])
    table = report.per_label()
    keys = ("support", "predicted", "tp", "fn", "fp")
    neg, pos, total = ([row[key] for key in keys] for row in table)
    assert neg == [120, 200, 120, 0, 80]
    assert pos == [80, 0, 0, 80, 0]
    assert total == [200, 200, 120, 80, 80]
    # Clarifai takes the precision of a label that is never predicted as perfect, and F1 of
    # the averages for the average of F1.
    precisions = [1.0 if math.isnan(p) else p for p in table.column("precision")[:2]]
    shares = np.array([120, 80]) / 200
    precision, recall = shares @ precisions, shares @ table.column("recall")[:2]
    assert round(precision, 3) == 0.760 and round(recall, 3) == 0.600
    assert round(2 * precision * recall / (precision + recall), 4) == 0.6706
    # Ours does not.
    assert math.isnan(table.column("precision")[1])
    assert report["weighted_precision"] == pytest.approx(0.36)
    assert report["weighted_recall"] == pytest.approx(0.60)
    assert report["weighted_f1"] == pytest.approx(0.6 * 0.75)
    assert table.column("f1")[2] == report["weighted_f1"]


@pytest.mark.parametrize("case", [name for name in CASES if "unknown" not in name])
def test_counts_are_those_of_scikit_learn(case):
    report = report_of(CASES[case](2))
    labels = range(len(report.labels))
    y_true, y_pred = report.y_true, report.y_pred.astype(int)
    expected = multilabel_confusion_matrix(y_true, y_pred, labels=labels)
    *rows, _ = report.per_label()
    for row, ((tn, fp), (fn, tp)) in zip(rows, expected.tolist(), strict=True):
        assert (row["tn"], row["fp"], row["fn"], row["tp"]) == (tn, fp, fn, tp)
        assert row["support"] == fn + tp and row["predicted"] == fp + tp
    precision, recall, f1, support = precision_recall_fscore_support(
        y_true, y_pred, labels=labels, zero_division=np.nan
    )
    for key, values in {"precision": precision, "recall": recall, "f1": f1}.items():
        np.testing.assert_allclose([row[key] for row in rows], values)
    np.testing.assert_array_equal([row["support"] for row in rows], support)


def test_leading_axes_are_resamples():
    rng = np.random.default_rng(0)
    support, predicted = rng.integers(0, 9, (2, 6, 4))
    hits = np.minimum(support, predicted) // 2
    many = averaged(Counts(hits, predicted, support, np.full((6, 4), 20)))
    for i in range(6):
        one = averaged(Counts(hits[i], predicted[i], support[i], np.full(4, 20)))
        for name, value in one.items():
            assert many[name][i] == pytest.approx(value, nan_ok=True)


def test_nothing_divided_by_nothing_is_undefined():
    np.testing.assert_array_equal(
        divide(np.array([1, 0, 3]), np.array([2, 0, 0])), [0.5, np.nan, np.nan]
    )
    assert math.isnan(divide(np.float64(0), np.float64(0)))
