import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from simulated_scores import multi, report_of, single

from keras_textcls import Report, ReportInfo
from keras_textcls.errors import ArgumentError, InvalidDataError

ALL_OF_IT = """
import sys
import numpy as np
from keras_textcls import Report

def use(report, directory):
    report.metrics, report.summary(), report.per_label(), str(report), report._repr_html_()
    report.confusion_matrix(), report.co_occurrence(), report.roc_curve()
    report.precision_recall_curve("a"), report.threshold_curve("a"), report.reliability()
    report.histogram("a"), report.examples(), report.errors(), report.suspected_label_errors()
    report.slices(), report.at_threshold(0.7).values, report.tune_thresholds(), report.fingerprint
    report.save(directory)
    return Report.load(directory)

score = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
texts = ["one", "two", "three"]
use(Report.from_predictions(["a", "b", "b"], score, ["a", "b"], texts=texts), sys.argv[1])
use(Report.from_predictions([["a"], ["a", "b"], []], score, ["a", "b"], texts=texts), sys.argv[1])
heavy = {"keras", "keras_hub", "tensorflow", "torch", "jax", "matplotlib"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_report_needs_neither_keras_nor_a_backend(tmp_path):
    code = [sys.executable, "-W", "error", "-c", ALL_OF_IT, str(tmp_path / "report")]
    done = subprocess.run(code, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_what_a_report_holds_cannot_be_changed():
    y_true, y_score = single()
    report = report_of((y_true, y_score))
    for array in (report.y_true, report.y_score, report.y_pred):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    before = dict(report_of((y_true, y_score)).values)
    y_score[:], y_true[:] = 1 / 3, 0
    assert report.values == before


def test_what_a_report_is_about():
    report = report_of(single(), name="first", texts=["t"] * 120, metadata={"n": range(120)})
    assert report.name == "first" and len(report) == 120 and not report.multi_label
    assert report.texts == ["t"] * 120 and report.table.schema.names == ["text", "n"]
    assert report.info.environment["python"] and report.info.created.endswith("+00:00")
    assert repr(report).startswith("<Report first: 120 texts, accuracy 0.")
    assert report_of(single()).name == "model" and report_of(single()).table is None
    info = ReportInfo(name="old", model={"version": 3})
    assert report_of(single(), info=info).name == "old"
    named = report_of(single(), info=info, name="new")
    assert named.name == "new" and named.info.model == {"version": 3}


def test_the_summary_says_what_the_metrics_say():
    report = report_of(single())
    for row in report.summary():
        metric = report.metrics[row["metric"]]
        assert (row["value"], row["low"], row["high"]) == (metric.value, metric.low, metric.high)
        assert metric.low <= metric.value <= metric.high or "calibration" in metric.name
        assert float(metric) == metric.value == report[metric.name]
        assert str(metric).startswith(f"{metric.name} {metric.value:.4f} [")


# === Parts ===


def test_parts_are_the_reports_of_those_rows():
    y_true, y_score = single()
    texts = [f"text {i}" for i in range(120)]
    report = report_of((y_true, y_score), texts=texts, thresholds=0.5, seed=3)
    rows = np.array([5, 3, 3, -1])
    mask = np.zeros(120, bool)
    mask[rows] = True
    for chosen in (rows, rows.tolist(), mask, mask.tolist()):
        where = np.arange(120)[np.asarray(chosen)]
        part = report.take(chosen)
        expected = report_of(
            (y_true[where], y_score[where]), texts=[texts[i] for i in where], thresholds=0.5, seed=3
        )
        assert repr(part.values) == repr(expected.values)
        assert part.texts == expected.texts and part.fingerprint == expected.fingerprint
        assert part.thresholds == expected.thresholds


@pytest.mark.parametrize("rows", [[], [120], [True, False], [0.5], [[0, 1]], [False] * 120, "ab"])
def test_rows_that_cannot_be_taken(rows):
    with pytest.raises(ArgumentError, match="`rows` must"):
        report_of(single(), texts=["t"] * 120).take(rows)


# === Fingerprints ===


def test_a_fingerprint_is_that_of_texts_and_labels():
    y_true, y_score = single(seed=1)
    texts = [f"text {i}" for i in range(120)]
    one = report_of((y_true, y_score), texts=texts).fingerprint
    # Not of the model, its label order, or labels that do not occur.
    other = report_of((y_true, np.full_like(y_score, 1 / 3)), texts=texts, name="other", seed=9)
    assert one == other.fingerprint == other.at_threshold(0.9).fingerprint
    more = np.pad(y_score, ((0, 0), (1, 0)))
    labels = ["never", "label a", "label b", "label c"]
    assert report_of((y_true + 1, more), labels=labels, texts=texts).fingerprint == one
    names = [f"label {'abc'[i]}" for i in y_true]
    less = Report.from_predictions(
        names, y_score[:, :2] * 0 + 0.5, ["label a", "label b"], texts=texts
    )
    assert less.extra_labels == ("label c",) and less.fingerprint == one
    # Of each text, each label and their order.
    changed = {
        report_of(single(seed=2), texts=texts).fingerprint,
        report_of((y_true, y_score), texts=[*texts[:-1], "other"]).fingerprint,
        report_of((y_true, y_score), texts=(texts, texts)).fingerprint,
        report_of((y_true, y_score)).fingerprint,
        report_of((y_true, y_score), labels=["x", "y", "z"], texts=texts).fingerprint,
        report_of((y_true[::-1], y_score[::-1]), texts=texts[::-1]).fingerprint,
        one,
    }
    assert len(changed) == 7


def test_a_fingerprint_of_several_labels():
    y_true, y_score = multi()
    one = report_of((y_true, y_score))
    order = [2, 0, 3, 1]
    labels = [one.labels[i] for i in order]
    assert (
        report_of((y_true[:, order], y_score[:, order]), labels=labels).fingerprint
        == one.fingerprint
    )
    unknown = y_true.copy()
    unknown[0, 0] = -1
    assert report_of((unknown, y_score)).fingerprint != one.fingerprint


# === Arguments ===


@pytest.mark.parametrize(
    "texts",
    [pd.Series(["a", "b"]), np.array(["a", "b"]), pa.array(["a", "b"]), ("a", "b"), iter("ab")],
    ids=lambda value: type(value).__name__,
)
def test_texts_come_in_many_forms(texts):
    assert report_of(single(2), texts=texts).texts == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"texts": ["a"]}, ArgumentError, "`texts` has 1 values for 2 texts. Pass one for each"),
        ({"texts": "ab"}, ArgumentError, "`texts` must be a list.*single string. Received: 'ab'"),
        ({"texts": 3}, ArgumentError, "`texts` must be a list"),
        ({"texts": ["a", None]}, InvalidDataError, "`texts` must be strings. Received at row 1: N"),
        ({"texts": ["a", 3]}, InvalidDataError, "row 1: 3 of type int"),
        ({"texts": pa.array([1, 2])}, InvalidDataError, "`texts` must be strings.*int64"),
        ({"texts": pa.array(["a", None])}, InvalidDataError, "with 1 missing"),
        ({"texts": (["a", "b"], ["c"])}, ArgumentError, "`texts` has 1 values"),
        ({"texts": ["a", "\ud800"]}, ArgumentError, "`texts` cannot be used"),
        ({"metadata": ["a", "b"]}, ArgumentError, "`metadata` must be a dict.*Received: .*'a'"),
        ({"metadata": {"n": "ab"}}, ArgumentError, r"`metadata\['n'\]` must be a list"),
        ({"metadata": {"n": [1]}}, ArgumentError, r"`metadata\['n'\]` has 1 values for 2"),
        ({"metadata": {"n": None}}, ArgumentError, r"`metadata\['n'\]` must be a list"),
        ({"metadata": {"n": [1, "a"]}}, ArgumentError, r"`metadata\['n'\]` cannot be used"),
        ({"metadata": {"text": ["a", "b"]}}, ArgumentError, "Pass it as `texts`"),
        ({"top_k": 0}, ArgumentError, "`top_k` must be an integer .* at most 3.*top_k=0"),
        ({"top_k": 4}, ArgumentError, "`top_k` must .*top_k=4"),
        ({"top_k": True}, ArgumentError, "`top_k` must .*top_k=True"),
        ({"seed": 1.5}, ArgumentError, "`seed` must be an integer .*seed=1.5"),
        ({"thresholds": 2}, ArgumentError, "`threshold` must be a number in"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(arguments, error, said):
    with pytest.raises(error, match=said):
        report_of(single(2), **arguments)


def test_top_k_is_of_labels_that_exclude_each_other():
    with pytest.raises(ArgumentError, match="labels that exclude each other"):
        report_of(multi(), top_k=2)


def test_no_texts_at_all():
    for y_score in ([], np.zeros((0, 2))):
        with pytest.raises(InvalidDataError, match="There are no texts to evaluate"):
            Report.from_predictions([], y_score, ["a", "b"])
