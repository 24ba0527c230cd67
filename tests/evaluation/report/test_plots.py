"""Pictures show the numbers of the report, with two labels and with many."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from keras_textcls import ArgumentError, Comparison, Report
from keras_textcls.evaluation.cross_validation import LearningCurve


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def scored(classes, count=120, name="one", seed=0):
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    scores = rng.random((count, classes)) + 0.6 * np.eye(classes)[truth]
    labels = [f"label $x_{i}" for i in range(classes)]
    return Report.from_predictions(truth, scores / scores.sum(1, keepdims=True), labels, name=name)


@pytest.mark.parametrize("classes", [2, 30])
def test_every_picture_draws(classes):
    report = scored(classes)
    plot = report.plot
    label = report.labels[0]
    for axes in (plot.roc(), plot.pr(), plot.confusion(), plot.confusion("count"),
                 plot.confusion("mean_probability"), plot.calibration(), plot.threshold(),
                 plot.threshold(label), plot.histogram(label), plot.labels(),
                 plot.co_occurrence()):  # fmt: skip
        axes.figure.canvas.draw()
        assert axes.get_title() or axes.get_xlabel()


def test_the_curves_are_those_of_the_report():
    report = scored(3)
    axes = report.plot.roc()
    lines = {line.get_label(): line for line in axes.get_lines()}
    area = report.per_label().column("roc_auc")[0]
    line = lines[rf"label \$x_0 {area:.3f}"]
    np.testing.assert_array_equal(line.get_xdata(), report.roc_curve("label $x_0").x)
    assert f"mean of 3 {report['macro_roc_auc']:.3f}" in lines


def test_many_labels_name_the_worst_and_the_mean():
    report = scored(30)
    named = report.plot.roc().get_legend().get_texts()
    assert len(named) == 8
    areas = report.per_label().column("roc_auc")[:-1]
    assert f"{min(areas):.3f}" in named[0].get_text()
    chosen = report.plot.pr(labels=["label $x_5"]).get_legend().get_texts()
    assert len(chosen) == 2


def test_the_matrix_shows_its_numbers():
    report = scored(3)
    shown = [text.get_text() for text in report.plot.confusion("count").texts]
    assert shown == [str(v) for v in report.confusion_matrix().values.ravel()]


def test_drawn_on_given_axes():
    axes = plt.subplots()[1]
    assert scored(2).plot.roc(ax=axes) is axes


def test_comparisons_lie_over_each_other():
    comparison = Comparison([scored(3), scored(3, name="two", seed=1)])
    for axes in (comparison.plot.roc(), comparison.plot.pr(), comparison.plot.roc("label $x_1")):
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
    assert len(comparison.plot.confusion()) == 2


def test_a_learning_curve_is_drawn():
    curve = LearningCurve((10, 20), {"accuracy": np.array([[0.5, 0.7], [0.8, 0.8]])})
    [line] = curve.plot().get_lines()
    np.testing.assert_allclose(line.get_ydata(), [0.6, 0.8])
    with pytest.raises(ArgumentError, match="`metric` must be one of accuracy"):
        curve.plot("f1")


def test_what_cannot_be_drawn():
    with pytest.raises(ArgumentError, match="`metric` must be one of support"):
        scored(2).plot.labels("f2")
