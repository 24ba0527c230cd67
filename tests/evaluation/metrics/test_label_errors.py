import numpy as np
import pytest
from simulated_scores import multi, report_of, single


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), (4, 1), (10, 2)])
def test_planted_label_errors_are_found(classes, seed):
    rng = np.random.default_rng(seed)
    y_true, y_score = single(1500, classes, seed, sharp=5)
    planted = rng.random(1500) < 0.1
    given = np.where(planted, (y_true + rng.integers(1, classes, 1500)) % classes, y_true)
    report = report_of((given, y_score), texts=[str(i) for i in range(1500)])
    found = report.suspected_label_errors()
    rows = [one.row for one in found]
    assert len(rows) == len(set(rows))
    hits = planted[rows].sum()
    assert hits / len(rows) > 0.9 and hits / planted.sum() > 0.8
    right = sum(
        one.suggested == report.labels[y_true[one.row]] for one in found if planted[one.row]
    )
    assert right / hits > 0.95
    # The least probable labels come first, and those are nearly all planted.
    scores = [one.score for one in found]
    assert scores == sorted(scores)
    assert planted[rows[:50]].mean() > 0.95
    for one in found:
        assert one.text == str(one.row) and one.given == report.labels[given[one.row]]
        assert one.score == y_score[one.row, given[one.row]]
    assert report.suspected_label_errors(7) == found[:7]


def slow_suspects(given, y_score):
    """The paper's rule, text by text."""
    classes = y_score.shape[1]
    usual = {
        j: np.mean([p[j] for g, p in zip(given, y_score, strict=True) if g == j])
        for j in range(classes)
        if j in given
    }
    found = {}
    for row, (g, p) in enumerate(zip(given, y_score, strict=True)):
        sure = [j for j in usual if p[j] >= usual[j]]
        best = max(sure, key=lambda j: p[j], default=g)
        if best != g and p.argmax() != g:
            found[row] = best
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_rule_is_that_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    y_true, y_score = single(150, 4, seed, absent=(3,), sharp=0.7, dtype="float64")
    given = np.where(rng.random(150) < 0.3, rng.integers(0, 3, 150), y_true)
    report = report_of((given, y_score))
    found = {one.row: report.labels.index(one.suggested) for one in report.suspected_label_errors()}
    assert found == slow_suspects(given, y_score)
    # Nothing is suggested that the model finds less probable than what is given.
    for one in report.suspected_label_errors():
        assert y_score[one.row].argmax() != given[one.row] and one.suggested != "label d"


def test_labels_to_add_and_to_take_away():
    rng = np.random.default_rng(3)
    y_true, y_score = multi(1000, 3, sharp=3)
    flipped = rng.random(y_true.shape) < 0.05
    given = np.where(flipped, 1 - y_true, y_true)
    given[:100, 0] = -1
    found = report_of((given, y_score)).suspected_label_errors()
    cells = np.zeros(y_true.shape, bool)
    for one in found:
        label = "abc".index(one.given[-1])
        cells[one.row, label] = True
        assert one.suggested == (None if given[one.row, label] == 1 else one.given)
        expected = y_score[one.row, label] if given[one.row, label] else 1 - y_score[one.row, label]
        assert one.score == pytest.approx(expected, abs=1e-6)
    known = given >= 0
    assert not cells[~known].any()
    hits = (cells & flipped & known).sum()
    assert hits / cells.sum() > 0.9 and hits / (flipped & known).sum() > 0.8


def test_labels_that_the_model_lacks_are_not_suspected():
    report = report_of(
        (["eggs", "label a", "label b"], np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]))
    )
    assert report.suspected_label_errors() == []
