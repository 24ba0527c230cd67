"""Comparisons: oracles of the tests, laws of the tables, and what is refused."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from keras_textcls import ArgumentError, Comparison, Report, compare
from keras_textcls.evaluation.metrics.significance import mcnemar, paired_difference

LABELS = ["a", "b", "c"]


def scored(count=300, noise=1.0, seed=0, name="one", **options):
    """Predictions of labels that follow from the place, by a model that is the worse the more
    noise there is.
    """
    truth = np.random.default_rng(7).integers(0, 3, count)
    logits = np.random.default_rng(seed).normal(0, noise, (count, 3))
    logits[np.arange(count), truth] += 1.5
    odds = np.exp(logits)
    texts = [f"text {i}" for i in range(count)]
    scores = odds / odds.sum(axis=1, keepdims=True)
    return Report.from_predictions(truth, scores, LABELS, texts=texts, name=name, **options)


@pytest.mark.parametrize("count", [30, 400])
def test_mcnemar_is_that_of_statsmodels(count):
    first, second = scored(count, 1.0, 1), scored(count, 2.0, 2, "two")
    found = mcnemar(first, second)
    right = [report.y_pred == report.y_true for report in (first, second)]
    table = [[np.sum(one & other) for other in (right[1], ~right[1])]
             for one in (right[0], ~right[0])]  # fmt: skip
    expected = statsmodels_mcnemar(table, exact=found.exact, correction=True)
    assert (found.only_first, found.only_second) == (table[0][1], table[1][0])
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.exact is (count == 30)


def test_models_that_agree_have_no_p_value():
    found = mcnemar(scored(), scored(name="two"))
    assert (found.only_first, found.only_second) == (0, 0)
    assert np.isnan(found.p_value)


def test_the_paired_interval_is_that_of_scipy():
    first, second = scored(400, 1.0, 1), scored(400, 1.5, 2, "two")
    gaps = (first.y_pred == first.y_true).astype(float) - (second.y_pred == second.y_true)
    expected = bootstrap((gaps,), np.mean, n_resamples=2000, method="percentile", rng=0)
    found = paired_difference(first, second, "accuracy")
    assert found.difference == pytest.approx(gaps.mean())
    interval = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.01)


def test_pairs_are_told_apart_better_than_intervals_alone():
    first = scored(400, 1.0, 1)
    flipped = first.y_score.copy()
    wrong = np.flatnonzero(first.y_pred == first.y_true)[:10]
    flipped[wrong] = np.roll(flipped[wrong], 1, axis=1)
    second = Report.from_predictions(first.y_true, flipped, LABELS, texts=first.texts, name="two")
    found = paired_difference(first, second, "accuracy")
    assert found.is_significant
    assert first.metrics["accuracy"].low < second["accuracy"]


def test_the_leaderboard_is_in_order_of_the_metric():
    reports = [scored(noise=n, seed=i, name=f"m{i}") for i, n in enumerate([2.0, 0.5, 1.0])]
    comparison = Comparison(reports)
    board = comparison.leaderboard()
    assert board.column("model") == ["m1", "m2", "m0"]
    assert board.column("rank") == [1, 2, 3]
    assert board.column("accuracy") == sorted((r["accuracy"] for r in reports), reverse=True)
    assert comparison.leaderboard("log_loss").column("log_loss") == sorted(
        r["log_loss"] for r in reports
    )
    assert len(comparison.pairs()) == 3
    assert comparison.difference("m1", "m0").low > 0


def test_disagreements_are_the_texts_answered_differently():
    first, second = scored(100, 1.0, 1), scored(100, 1.5, 2, "two")
    found = Comparison([first, second]).disagreements(limit=None)
    assert (
        sorted(one.row for one in found) == np.flatnonzero(first.y_pred != second.y_pred).tolist()
    )
    one = found[0]
    assert one.text == f"text {one.row}"
    assert one.actual in one.answers.values()
    assert one.answers["one"] == LABELS[first.y_pred[one.row]]
    assert len(Comparison([first, second]).disagreements(limit=3)) == 3


def test_several_labels_a_text():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (80, 3))
    scores = [np.clip(truth * 0.5 + rng.random((80, 3)) * n, 0, 1) for n in (0.5, 0.9)]
    reports = [
        Report.from_predictions(truth, s, LABELS, name=f"m{i}") for i, s in enumerate(scores)
    ]
    comparison = Comparison(reports)
    assert comparison.leaderboard().columns[2] == "micro_f1"
    assert (
        comparison.disagreements()[0].answers["m0"] != comparison.disagreements()[0].answers["m1"]
    )
    test = mcnemar(*reports)
    right = [((s >= 0.5) == truth).all(axis=1) for s in scores]
    assert test.only_first == int((right[0] & ~right[1]).sum())


def test_different_texts_are_not_ranked():
    one, other = scored(100), scored(100, name="two").take(np.arange(90))
    comparison = Comparison([one, other])
    assert not comparison.is_ranked
    for method in ("leaderboard", "pairs", "disagreements"):
        with pytest.raises(ArgumentError, match=f"100 texts .*{one.fingerprint[:12]}.*90 texts"):
            getattr(comparison, method)()
    assert comparison.summary().column("texts") == [100, 90]
    assert "Not ranked" in str(comparison)


def test_other_labels_are_other_texts():
    one = scored(60)
    relabelled = Report.from_predictions(
        (one.y_true + 1) % 3, one.y_score, LABELS, texts=one.texts, name="two"
    )
    assert not Comparison([one, relabelled]).is_ranked


def test_models_with_labels_in_another_order_are_ranked():
    one = scored(60)
    names = [LABELS[i] for i in one.y_true]
    other = Report.from_predictions(
        names, one.y_score[:, [2, 0, 1]], ["c", "a", "b"], texts=one.texts, name="two"
    )
    comparison = Comparison([one, other])
    assert comparison.is_ranked
    assert comparison.difference("one", "two").difference == 0
    assert comparison.disagreements() == []


def test_tables_at_a_threshold():
    comparison = Comparison([scored(100), scored(100, 2.0, 3, "two")])
    at = comparison.summary(0.6)
    assert at.column("predicted") == [
        int((r.y_score.max(axis=1) >= 0.6).sum()) for r in comparison.reports.values()
    ]
    table = comparison.per_label(0.6)
    assert table.column("label") == ["a", "a", "b", "b", "c", "c"]
    assert table.column("model") == ["one", "two"] * 3


def test_save_all(tmp_path):
    comparison = Comparison([scored(100), scored(100, 2.0, 3, "two")])
    folder = comparison.save_all(tmp_path / "out", threshold=0.4)
    assert sorted(p.name for p in folder.iterdir()) == [
        "concepts_summary.csv", "confusion.png", "leaderboard.csv", "pairs.csv", "pr.png",
        "roc.png", "total_summary.csv",
    ]  # fmt: skip
    assert (folder / "roc.png").read_bytes()[:4] == b"\x89PNG"
    first = (folder / "concepts_summary.csv").read_text().splitlines()
    assert first[0].startswith("label,model,support,predicted,tp,fn,fp,tn")
    assert len(first) == 7
    comparison.save_all(folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="holds other files"):
        comparison.save_all(tmp_path / "other")
    assert (tmp_path / "other" / "mine.txt").read_text() == "mine"


def test_compare_takes_reports_and_their_directories(tmp_path):
    one, two = scored(50), scored(50, 2.0, 3)
    one.save(tmp_path / "one")
    named = compare([tmp_path / "one", two])
    assert list(named.reports) == ["one (1)", "one (2)"]
    assert list(compare({"x": one, "y": two}).reports) == ["x", "y"]


@pytest.mark.parametrize(
    ("models", "datasets", "message"),
    [
        ([], None, "must not be empty"),
        ([scored(20)], None, "at least two"),
        ({"a": "some/preset", "b": scored(20)}, None, "`datasets` is missing"),
        ([scored(20), scored(20)], ["a.csv", "b.csv"], "2 models and 2 datasets"),
        (scored(20), ["a.csv", "b.csv"], "A report is on its own texts"),
    ],
)
def test_what_cannot_be_compared(models, datasets, message):
    with pytest.raises(ArgumentError, match=message):
        compare(models, datasets)


def test_two_reports_of_one_name_are_refused_here():
    with pytest.raises(ArgumentError, match="named 'one'"):
        Comparison([scored(20), scored(20)])
    with pytest.raises(ArgumentError, match="no report named 'three'"):
        Comparison([scored(20), scored(20, name="two")]).difference("one", "three")


def test_one_model_on_many_datasets(classifier):
    from keras_textcls import read

    data = {"short": read([("the fox", "spam"), ("a dog", "ham")]),
            "other": read([("brown cat", "ham"), ("small fox", "spam")])}  # fmt: skip
    comparison = compare(classifier, data)
    assert list(comparison.reports) == ["short", "other"]
    assert not comparison.is_ranked
    both = compare([classifier, classifier], data["short"])
    assert both.is_ranked
    assert both.difference("classifier (1)", "classifier (2)").difference == 0
