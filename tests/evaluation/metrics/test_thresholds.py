import itertools
import math

import numpy as np
import pytest
from simulated_scores import multi, report_of, single
from sklearn.metrics import f1_score, precision_score, recall_score

from keras_textcls.errors import ArgumentError

DATA = {
    "single": lambda seed: single(60, 3, seed, sharp=1.0),
    "single, float64": lambda seed: single(60, 3, seed, sharp=1.0, dtype="float64"),
    "multi": lambda seed: multi(60, 3, seed, sharp=0.7),
    "multi with ties": lambda seed: multi(60, 3, seed, sharp=0.7, ties=True),
    "multi, unknown": lambda seed: multi(60, 3, seed, unknown=0.2, sharp=0.7),
}


def reached(report, label, threshold):
    """Precision, recall and F1 of a label when it alone has that threshold."""
    values = [0.0 if not report.multi_label else 0.5] * len(report.labels)
    values[label] = threshold
    row = report.at_threshold(values).per_label().rows[label]
    record = dict(zip(report.per_label().columns, row, strict=True))
    return record["precision"], record["recall"], record["f1"]


def every_outcome(report, label):
    """Precision, recall and F1 at each score, counted one threshold at a time."""
    scores = report.y_score[:, label].astype(float)
    if report.multi_label:
        known = report.y_true[:, label] >= 0
        actual, could = report.y_true[:, label] == 1, known
    else:
        actual, could = report.y_true == label, report.y_score.argmax(axis=1) == label
    found = []
    for threshold in {0.0, 1.0, *scores.tolist()}:
        given = could & (scores >= threshold)
        hits = (given & actual).sum()
        precision = hits / given.sum() if given.any() else math.nan
        found.append((precision, hits / actual.sum(), 2 * hits / (given.sum() + actual.sum())))
    return found


@pytest.mark.parametrize(
    ("data", "objective"),
    list(itertools.product(DATA, [("f1", None), ("precision", 0.7), ("recall", 0.8)])),
    ids=str,
)
def test_no_threshold_does_better_than_the_tuned_one(data, objective):
    kind, floor = objective
    report = report_of(DATA[data](4))
    tuned = report.tune_thresholds(kind, floor)
    assert list(tuned) == list(report.labels) and len(tuned) == 3
    for label, name in enumerate(report.labels):
        precision, recall, f1 = reached(report, label, tuned[name])
        stated = dict(zip(tuned.table.columns, tuned.table.rows[label], strict=True))
        assert stated["threshold"] == tuned[name]
        others = every_outcome(report, label)
        if math.isnan(stated["f1"]):
            assert any(note.startswith(repr(name)) for note in tuned.notes)
            index = 0 if kind == "precision" else 1
            assert not any(one[index] >= floor for one in others)
            continue
        assert (precision, recall, f1) == pytest.approx(
            (stated["precision"], stated["recall"], stated["f1"])
        )
        if kind == "f1":
            assert f1 == pytest.approx(max(one[2] for one in others))
        elif kind == "precision":
            assert precision >= floor
            assert recall == pytest.approx(max(one[1] for one in others if one[0] >= floor))
        else:
            assert recall >= floor
            assert precision == pytest.approx(max(one[0] for one in others if one[1] >= floor))


def test_no_text_stands_on_a_tuned_threshold():
    report = report_of(DATA["multi with ties"](1))
    for label, value in enumerate(report.tune_thresholds().values()):
        assert np.abs(report.y_score[:, label] - value).min() > 1e-6


def test_neighbouring_floats_are_told_apart():
    low = np.nextafter(0.25, 0)
    report = report_of((np.array([[1, 0], [0, 1]]), np.array([[0.25, low], [low, 0.25]])))
    tuned = report.tune_thresholds()
    assert tuned.table.column("f1") == [1, 1]
    assert report.scores.y_score.dtype == np.float64
    assert [reached(report, i, v)[2] for i, v in enumerate(tuned.values())] == [1, 1]


def test_floors_that_cannot_be_met_are_noted():
    y_true = np.array([0, 1, 0, 1])
    y_score = np.array([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.8, 0.2]])
    report = report_of((y_true, y_score))
    tuned = report.tune_thresholds("precision", 0.9)
    assert tuned["label a"] == 1.0
    assert tuned.notes[0] == "'label a': no threshold reaches precision 0.9; the best is 0.500"
    assert math.isnan(tuned.table.rows[0][2])
    assert tuned.notes[0] in str(tuned)
    tuned = report_of((y_true, 1 - y_score)).tune_thresholds("recall", 0.9)
    assert tuned["label a"] == 0.0 and "not tuned" in tuned.notes[0]


@pytest.mark.parametrize("objective", [("f1", None), ("precision", 0.9), ("recall", 0.9)])
def test_a_label_that_no_text_has_keeps_the_default(objective):
    report = report_of(multi(absent=(1,)))
    tuned = report.tune_thresholds(*objective)
    # At 0 every text would be given a label that none has.
    assert tuned["label b"] == 0.5
    assert "'label b'" in tuned.notes[0] and "left at 0.5" in tuned.notes[0]
    y_true, y_score = multi(unknown=0.1)
    y_true[:, 2] = -1
    assert report_of((y_true, y_score)).tune_thresholds(*objective)["label c"] == 0.5
    assert report_of(single(absent=(1,))).tune_thresholds(*objective)["label b"] == 0.0


def test_tuned_thresholds_are_refused_on_the_texts_they_were_tuned_on():
    texts = [f"text {i}" for i in range(120)]
    report = report_of(multi(), texts=texts)
    tuned = report.tune_thresholds()
    with pytest.raises(ArgumentError, match="tuned on 120 of the texts of this report"):
        report.at_threshold(tuned)
    other = report_of(multi(seed=1), texts=["text 7", *(f"other {i}" for i in range(119))])
    with pytest.raises(ArgumentError, match="tuned on 1 of the texts"):
        other.at_threshold(tuned)
    clean = other.take(np.arange(1, 120))
    assert clean.at_threshold(tuned).thresholds == dict(tuned)
    # Whoever wants to see them all the same says so.
    assert report.at_threshold(dict(tuned)).thresholds == dict(tuned)
    nameless = report_of(multi())
    with pytest.raises(ArgumentError, match="make both reports with `texts`"):
        nameless.at_threshold(nameless.tune_thresholds())
    assert nameless.at_threshold(report_of(multi(seed=3)).tune_thresholds()).thresholds


def test_pairs_are_other_texts_than_their_halves():
    pairs = (["a", "a"], ["b", "c"])
    data = [0, 1], [[0.9, 0.1], [0.2, 0.8]]
    make = lambda texts: report_of((data[0], np.array(data[1])), texts=texts)  # noqa: E731
    tuned = make(pairs).tune_thresholds()
    with pytest.raises(ArgumentError, match="1 of the texts"):
        make((["a", "x"], ["c", "y"])).at_threshold(tuned)
    assert make((["a", "x"], ["d", "b"])).at_threshold(tuned)


def test_tuning_raises_what_it_tunes_on_the_same_kind_of_texts():
    tuned = report_of(multi(2000, seed=1, sharp=0.5)).tune_thresholds()
    y_true, y_score = multi(2000, seed=2, sharp=0.5)
    report = report_of((y_true, y_score))
    assert report.at_threshold(tuned)["macro_f1"] > report["macro_f1"] + 0.005
    floor = report_of(multi(2000, seed=1, sharp=0.5)).tune_thresholds("recall", 0.9)
    given = y_score >= np.array(list(floor.values()))
    assert recall_score(y_true, given, average="macro") == pytest.approx(0.9, abs=0.02)
    assert f1_score(y_true, given, average="macro") == pytest.approx(
        report.at_threshold(floor)["macro_f1"]
    )
    assert precision_score(y_true, given, average="macro") == pytest.approx(
        report.at_threshold(floor)["macro_precision"]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("F1",), "`objective` must be one of 'f1', 'precision', 'recall'. Received: .*'F1'"),
        (("f1", 0.5), "`floor` must be None for 'f1'. Received: floor=0.5"),
        (("precision",), r"`floor` must be in \(0, 1\] for 'precision'. Received: floor=None"),
        (("recall", 0), r"`floor` must be in \(0, 1\]"),
        (("recall", 1.5), "floor=1.5"),
        (("recall", float("nan")), "floor=nan"),
        (("recall", True), "floor=True"),
        (("recall", "0.5"), "floor='0.5'"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        report_of(single()).tune_thresholds(*arguments)
