import numpy as np
import pytest
from simulated_scores import multi, report_of, single

from keras_textcls import Report
from keras_textcls.errors import ArgumentError, UnknownLabelError

TEXTS = [f"text {i}" + "!" * (i % 17) for i in range(120)]
SOURCES = [("web", "mail", None)[i % 3] for i in range(120)]


def single_report(**kwargs):
    metadata = {"id": [f"id-{i}" for i in range(120)], "source": SOURCES}
    return report_of(single(), texts=TEXTS, metadata=metadata, **kwargs)


@pytest.mark.parametrize("threshold", [None, 0.6])
def test_the_texts_of_a_cell_are_exactly_those_counted_there(threshold):
    report = single_report(thresholds=threshold)
    matrix = report.confusion_matrix()
    seen = []
    for actual in matrix.rows:
        for predicted in matrix.columns:
            found = report.examples(actual, predicted, limit=None)
            assert len(found) == matrix[actual, predicted]
            assert all(one.actual == actual for one in found)
            expected = None if predicted == "(none)" else predicted
            assert all(one.predicted == expected for one in found)
            scores = [one.score for one in found]
            assert scores == sorted(scores, reverse=True)
            if expected is not None:
                assert scores == [one.probabilities[predicted] for one in found]
            seen += [one.row for one in found]
    assert sorted(seen) == list(range(120))


def test_a_text_is_shown_with_all_that_is_known_of_it():
    report = single_report()
    for one in report.examples(limit=None):
        assert one.text == TEXTS[one.row] and one.id == f"id-{one.row}"
        assert one.metadata == {"source": SOURCES[one.row]} and one.text_pair is None
        assert one.actual == report.labels[report.y_true[one.row]]
        assert list(one.probabilities.values()) == sorted(one.probabilities.values(), reverse=True)
        for label, value in one.probabilities.items():
            assert value == report.y_score[one.row, report.labels.index(label)]
    assert len(report.examples()) == 20 and report.examples(limit=0) == []
    pairs = report_of(single(2), texts=(["a", "b"], ["c", "d"]))
    assert {(one.text, one.text_pair) for one in pairs.examples()} == {("a", "c"), ("b", "d")}
    assert report_of(single()).examples(limit=1)[0].text is None


@pytest.mark.parametrize("threshold", [None, 0.6])
def test_errors_are_the_texts_judged_wrongly_the_surest_first(threshold):
    report = single_report(thresholds=threshold)
    errors = report.errors(limit=None)
    assert {one.row for one in errors} == set(np.flatnonzero(report.y_pred != report.y_true))
    scores = [one.score for one in errors]
    assert scores == sorted(scores, reverse=True)
    assert scores == [max(one.probabilities.values()) for one in errors]
    assert report.errors(limit=3) == errors[:3]


def test_errors_of_several_labels():
    y_true, y_score = multi(60, 3, unknown=0.2)
    report = report_of((y_true, y_score))
    wrong = ((y_score >= 0.5) != (y_true == 1)) & (y_true >= 0)
    errors = report.errors(limit=None)
    assert {one.row for one in errors} == set(np.flatnonzero(wrong.any(axis=1)).tolist())
    scores = [one.score for one in errors]
    assert scores == sorted(scores, reverse=True)
    sure = np.maximum(y_score, 1 - y_score)
    for one in errors:
        assert one.score == pytest.approx(sure[one.row][wrong[one.row]].max())
        assert one.predicted == tuple(
            report.labels[i] for i in np.flatnonzero(y_score[one.row] >= 0.5)
        )


def test_a_label_that_is_called_like_no_answer():
    report = Report.from_predictions(
        [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], ["(none)", "b"]
    )
    assert [one.row for one in report.examples(predicted="(none)")] == [0, 2]


def test_labels_that_cannot_be_asked_for():
    report = report_of((["label a", "eggs"], np.array([[0.5, 0.5]] * 2)))
    assert [one.actual for one in report.examples("eggs")] == ["eggs"]
    for arguments in (("egg",), ("(none)",), (None, "eggs"), (None, "label c")):
        with pytest.raises(UnknownLabelError, match="Unknown label"):
            report.examples(*arguments)
    for limit in (-1, 2.5, "all"):
        with pytest.raises(ArgumentError, match="`limit` must be an integer of at least 0"):
            report.errors(limit)


# === Slices ===


@pytest.mark.parametrize("bins", [1, 2, 4, 7, 1000])
def test_slices_of_lengths_hold_every_text_once(bins):
    report = single_report()
    table = report.slices(bins=bins)
    assert table.columns[:2] == ("length", "texts")
    assert sum(table.column("texts")) == 120 and len(table) <= min(bins, 20)
    right = sum(r["texts"] * r["accuracy"] for r in table)
    assert right == pytest.approx(120 * report["accuracy"])
    lengths = np.array([len(text) for text in TEXTS])
    for row in table:
        low, _, high, _ = row["length"].split()
        assert row["texts"] == ((lengths >= int(low)) & (lengths <= int(high))).sum()


def test_texts_of_one_length_are_one_slice():
    report = report_of(single(), texts=["même"] * 120)
    assert report.slices().column("length") == ["4 to 4 characters"]


def test_slices_of_a_column():
    report = single_report()
    table = report.slices("source")
    assert table.column("source") == ["(missing)", "mail", "web"]
    for row, value in zip(table, (None, "mail", "web"), strict=True):
        part = report.take([one == value for one in SOURCES])
        assert row["texts"] == len(part) == 40
        assert row["accuracy"] == part["accuracy"] and row["log_loss"] == part["log_loss"]
    with pytest.raises(
        ArgumentError, match="`by` must be one of 'length', 'source'. Received: by='sorce'"
    ):
        report.slices("sorce")


def test_slices_of_a_column_need_no_texts():
    report = report_of(single(), metadata={"source": SOURCES})
    assert sum(report.slices("source").column("texts")) == 120
    with pytest.raises(ArgumentError, match="`by` must be one of 'source'. Received: by='length'"):
        report.slices()
    with pytest.raises(ArgumentError, match="given as `texts`"):
        report_of(single()).slices()
