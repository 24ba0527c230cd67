import numpy as np
import pytest
from simulated_scores import multi, report_of, single
from sklearn import metrics as oracle

from keras_textcls.errors import ArgumentError, UnknownLabelError

DATA = {
    "single": single(),
    "multi with ties": multi(ties=True),
    "multi, unknown": multi(unknown=0.2),
}


def of_label(data, label):
    y_true, y_score = data
    if y_true.ndim == 1:
        return y_true == label, y_score[:, label]
    known = y_true[:, label] >= 0
    return y_true[known, label] == 1, y_score[known, label]


@pytest.mark.parametrize("case", DATA)
def test_curves_are_those_of_scikit_learn(case):
    report = report_of(DATA[case])
    for label, name in enumerate(report.labels):
        actual, scores = of_label(DATA[case], label)
        curve = report.roc_curve(name)
        for ours, theirs in zip(
            (curve.x, curve.y, curve.thresholds), oracle.roc_curve(actual, scores), strict=True
        ):
            np.testing.assert_allclose(ours, theirs)
        assert oracle.auc(curve.x, curve.y) == pytest.approx(oracle.roc_auc_score(actual, scores))
        curve = report.precision_recall_curve(name)
        assert curve.thresholds[-1] == np.inf and curve.x[-1] == 0
        for x, y, threshold in zip(curve.x[:-1], curve.y[:-1], curve.thresholds, strict=False):
            given = scores >= threshold
            assert x == pytest.approx(oracle.recall_score(actual, given))
            assert y == pytest.approx(oracle.precision_score(actual, given))
        # What is dropped between points changes no area.
        area = -np.sum(np.diff(curve.x) * curve.y[:-1])
        assert area == pytest.approx(oracle.average_precision_score(actual, scores))


@pytest.mark.parametrize("case", DATA)
def test_the_threshold_curve_counts_at_each_threshold(case):
    report = report_of(DATA[case])
    for label, name in enumerate(report.labels):
        actual, scores = of_label(DATA[case], label)
        curve = report.threshold_curve(name)
        assert all(len(column) == 101 for column in curve.values())
        for i in range(101):
            threshold = i / 100
            assert curve["threshold"][i] == threshold
            given = scores.astype(float) >= threshold
            (tn, fp), (fn, tp) = oracle.confusion_matrix(actual, given, labels=[False, True])
            counted = [curve[key][i] for key in ("tn", "fp", "fn", "tp")]
            assert counted == [tn, fp, fn, tp]
            assert curve["recall"][i] == pytest.approx(tp / (tp + fn))
            assert curve["false_positive_rate"][i] == pytest.approx(fp / (fp + tn))
            expected = tp / (tp + fp) if tp + fp else np.nan
            assert curve["precision"][i] == pytest.approx(expected, nan_ok=True)


def test_the_threshold_curve_of_several_labels_agrees_with_decisions():
    report = report_of(DATA["multi with ties"])
    curve = report.threshold_curve("label b")
    for i in (0, 30, 50, 70, 100):
        row = report.at_threshold(i / 100).per_label().rows[1]
        assert row[3:7] == tuple(int(curve[key][i]) for key in ("tp", "fn", "fp", "tn"))


@pytest.mark.parametrize("case", DATA)
def test_the_macro_roc_is_the_mean_of_the_step_functions(case):
    report = report_of(DATA[case])
    macro = report.roc_curve()
    assert macro.thresholds is None
    np.testing.assert_array_equal(macro.x, np.arange(101) / 100)
    expected = np.zeros(101)
    for label in range(len(report.labels)):
        fpr, tpr, _ = oracle.roc_curve(*of_label(DATA[case], label), drop_intermediate=False)
        for i, point in enumerate(macro.x):
            at = np.flatnonzero(fpr == point)
            if len(at):
                expected[i] += tpr[at].max()
            else:
                after = np.argmax(fpr > point)
                share = (point - fpr[after - 1]) / (fpr[after] - fpr[after - 1])
                expected[i] += tpr[after - 1] + share * (tpr[after] - tpr[after - 1])
    np.testing.assert_allclose(macro.y, expected / len(report.labels), atol=1e-9)
    assert (np.diff(macro.y) >= 0).all() and macro.y[-1] == 1
    assert np.trapezoid(macro.y, macro.x) == pytest.approx(report["macro_roc_auc"], abs=0.01)


@pytest.mark.parametrize("case", DATA)
def test_the_macro_precision_is_what_some_threshold_gives(case):
    report = report_of(DATA[case])
    macro = report.precision_recall_curve()
    expected = np.zeros(101)
    for label in range(len(report.labels)):
        actual, scores = of_label(DATA[case], label)
        precision, recall, _ = oracle.precision_recall_curve(actual, scores)
        for i, point in enumerate(macro.x):
            expected[i] += precision[:-1][recall[:-1] >= point].max()
    np.testing.assert_allclose(macro.y, expected / len(report.labels))
    assert (np.diff(macro.y) <= 1e-12).all()


def test_a_label_that_has_no_curve_is_left_out_of_the_mean():
    report = report_of(multi(absent=(1,)))
    assert len(report.roc_curve("label b").x) == 0
    assert len(report.precision_recall_curve("label b").x) == 0
    three = [report.roc_curve(f"label {c}") for c in "acd"]
    heights = [np.interp(np.arange(101) / 100, c.x, c.y) for c in three]
    np.testing.assert_allclose(report.roc_curve().y, np.mean(heights, axis=0))
    nothing = report_of((np.zeros((2, 2), int), np.full((2, 2), 0.5)))
    assert len(nothing.roc_curve().x) == len(nothing.precision_recall_curve().x) == 0


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("bins", [1, 7, 20])
def test_the_histogram_holds_every_text_once(case, bins):
    report = report_of(DATA[case])
    for label, name in enumerate(report.labels):
        actual, scores = of_label(DATA[case], label)
        edges, with_label, without = report.histogram(name, bins)
        assert edges.shape == (bins + 1,) and edges[0] == 0 and edges[-1] == 1
        assert with_label.sum() == actual.sum() and without.sum() == (~actual).sum()
        np.testing.assert_array_equal(with_label, np.histogram(scores[actual], edges)[0])


def test_a_probability_that_rounding_puts_above_one_is_counted():
    y_score = np.array([[1 + 1e-7, 0], [0, 1 + 1e-3]])
    report = report_of((np.array([0, 1]), y_score))
    assert report.histogram("label b")[1][-1] == 1
    assert report.tune_thresholds()["label b"] <= 1


def test_a_curve_of_no_label_of_the_model():
    report = report_of((["label a", "eggs"], np.array([[0.5, 0.5]] * 2)))
    for ask in (report.roc_curve, report.precision_recall_curve, report.threshold_curve):
        with pytest.raises(UnknownLabelError, match="Did you mean 'label b'"):
            ask("labl b")
        with pytest.raises(UnknownLabelError, match="no label 'eggs', which only the data have"):
            ask("eggs")


@pytest.mark.parametrize("bins", [0, -1, 2.5, "ten", True, None])
def test_a_number_of_bins_that_cannot_be_used(bins):
    report = report_of(single(), texts=["text"] * 120)
    for ask in (
        lambda: report.histogram("label a", bins),
        lambda: report.reliability(bins),
        lambda: report.slices(bins=bins),
    ):
        with pytest.raises(ArgumentError, match="`bins` must be an integer of at least 1. Rec"):
            ask()
