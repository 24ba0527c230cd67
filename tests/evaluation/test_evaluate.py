"""`evaluate`: whose numbers they are, what is left out, and what is said of it."""

import numpy as np
import pytest
import sklearn.metrics
import training_process as process
from conftest import make_classifier

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    LabelSet,
    PresetError,
    Report,
    RunError,
    evaluate,
    read,
    runs,
    train,
)
from keras_textcls.evaluation.evaluate import actual_labels

ROWS = [("the quick fox", "spam"), ("a lazy dog", "ham"), ("the small cat", "ham")]
ROWS += [("brown fox jumped", "spam"), ("over the dog", "ham"), ("a fox", "spam")]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))


def test_the_numbers_are_those_of_the_classifier(classifier):
    dataset = read(ROWS)
    report = evaluate(classifier, dataset)
    probabilities = classifier.predict_proba(dataset, verbose=0)
    np.testing.assert_allclose(report.y_score, probabilities, atol=1e-6)
    answers = [answer.label for answer in classifier.classify(dataset.texts)]
    assert report["accuracy"] == sklearn.metrics.accuracy_score(dataset.targets, answers)
    assert report.texts == dataset.texts
    assert report.info.data["fingerprint"] == dataset.fingerprint
    assert report.name == "classifier"


def test_thresholds_and_temperature_of_the_classifier_are_used(classifier):
    classifier.thresholds, classifier.temperature = {"ham": 0.9, "spam": 0.9}, 0.2
    report = evaluate(classifier, read(ROWS))
    answers = classifier.classify([text for text, _ in ROWS])
    names = [None if i < 0 else report.labels[i] for i in report.y_pred]
    assert names == [answer.label for answer in answers]
    assert report.thresholds == {"ham": 0.9, "spam": 0.9}
    assert evaluate(classifier, read(ROWS), thresholds=0.0).thresholds == {"ham": 0, "spam": 0}


def test_labels_that_the_model_lacks_are_wrong_and_listed(classifier):
    report = evaluate(classifier, read([*ROWS, ("the dog", "eggs"), ("a cat", "eggs")]))
    assert report.extra_labels == ("eggs",)
    assert report["accuracy"] <= 6 / 8
    eggs = report.per_label().rows[2]
    assert eggs[:6] == ("eggs", 2, 0, 0, 2, 0)
    assert np.isnan(report["log_loss"])
    assert "eggs" in report.metrics["log_loss"].reason
    assert "never right about those: 'eggs'" in str(report)


def test_the_order_of_the_labels_of_the_data_does_not_matter(classifier):
    one = evaluate(classifier, read(ROWS, labels=["spam", "ham"]))
    other = evaluate(classifier, read(ROWS, labels=["ham", "spam"]))
    assert one.values == pytest.approx(other.values, nan_ok=True)
    assert one.fingerprint == other.fingerprint


def test_texts_without_a_label_are_left_out_and_counted(classifier):
    dataset = read([*ROWS, ("the dog", None)], unlabelled="keep")
    report = evaluate(classifier, dataset)
    assert len(report) == len(ROWS)
    assert "1 texts without a label are left out" in report.info.notes


def test_of_named_parts_the_test_part_is_evaluated(classifier):
    rows = [{"text": t, "label": n, "part": "train" if i else "test"}
            for i, (t, n) in enumerate(ROWS)]  # fmt: skip
    report = evaluate(classifier, read(rows, split="part"))
    assert report.texts == [ROWS[0][0]]
    assert "'test'" in report.info.notes[-1]


def test_multi_label_with_unknown_labels():
    model = make_classifier(labels=["a", "b", "c"], multi_label=True)
    rows = [("the quick fox", ["a", "b"]), ("a dog", []), ("the cat", ["c"])]
    report = evaluate(model, read(rows, labels=["c", "b", "a"]))
    np.testing.assert_array_equal(report.y_true, [[1, 1, 0], [0, 0, 0], [0, 0, 1]])
    assert report.multi_label
    single = evaluate(model, read([("the fox", "a"), ("a dog", "c")]))
    np.testing.assert_array_equal(single.y_true, [[1, 0, 0], [0, 0, 1]])
    more = evaluate(model, read([("the fox", ["a", "d"]), ("a dog", ["c"])]))
    np.testing.assert_array_equal(more.y_true, [[1, 0, 0, 1], [0, 0, 1, 0]])
    assert more["subset_accuracy"] <= 0.5


def test_texts_of_several_labels_for_a_model_that_gives_one(classifier):
    rows = [("the fox", ["ham", "spam"]), ("a dog", ["ham"])]
    with pytest.raises(InvalidDataError, match="1 texts have several or none, the first in row 0"):
        evaluate(classifier, read(rows))
    one_each = read([("the fox", ["spam"]), ("a dog", ["ham"])], multi_label=True)
    assert evaluate(classifier, one_each).y_true.tolist() == [1, 0]


def test_metadata_and_ids_come_along(classifier):
    rows = [{"text": t, "label": n, "id": str(i), "source": "mail" if i % 2 else "sms", "size": i}
            for i, (t, n) in enumerate(ROWS)]  # fmt: skip
    report = evaluate(classifier, read(rows, id="id", metadata=True))
    assert [one.id for one in report.examples(limit=None)] != []
    slices = report.slices("source")
    assert slices.column("source") == ["mail", "sms"]
    assert slices.column("texts") == [3, 3]
    assert report.examples()[0].metadata["size"] is not None


def test_a_run_keeps_its_report_and_says_what_it_was_trained_on(tmp_path):
    process.write_preset(tmp_path / "preset")
    run = train(read(ROWS), tmp_path / "preset", output=tmp_path / "runs", name="m", verbose=0)
    report = evaluate(run, read([*ROWS[:2], ("one more fox", "spam")]))
    assert any("2 of 3 texts are among those the model was trained on" in n
               for n in report.info.notes)  # fmt: skip
    assert report.name == "m/1"
    [stored] = (run.directory / "evaluation").iterdir()
    assert Report.load(stored).values == pytest.approx(report.values, nan_ok=True)
    by_path = evaluate(run.directory, read(ROWS), save=False)
    assert len(list((run.directory / "evaluation").iterdir())) == 1
    assert by_path.name == "m/1"
    assert runs(tmp_path / "runs") == [run]


@pytest.mark.parametrize(
    ("model", "data", "error", "message"),
    [
        (3, ROWS, ArgumentError, "`model` must be a TextClassifier, a Run"),
        ("no_such_preset", ROWS, PresetError, "no_such_preset"),
        (
            None,
            [("the fox", 1), ("the dog", 0)],
            InvalidDataError,
            r"None of the labels of the data, \['0', '1'\], is one of the model, \['ham', 'spam'\]",
        ),
    ],
)
def test_what_cannot_be_evaluated(classifier, model, data, error, message):
    with pytest.raises(error, match=message):
        evaluate(model or classifier, read(data))


def test_no_labelled_text(classifier):
    dataset = read([("the fox", None)], unlabelled="keep", labels=["ham", "spam"])
    with pytest.raises(InvalidDataError, match="nothing to evaluate"):
        evaluate(classifier, dataset)


def test_a_report_that_cannot_be_kept_is_returned_all_the_same(tmp_path):
    make_classifier().save_to_preset(tmp_path / "preset")
    run = train(read(ROWS), tmp_path / "preset", output=tmp_path / "runs", name="m", verbose=0)
    # A file stands where the reports would be.
    (run.directory / "evaluation").write_text("")
    with pytest.warns(UserWarning, match="not kept in the run: .*cannot be written"):
        report = evaluate(run, read(ROWS))
    assert len(report) == len(ROWS)
    report.save(tmp_path / "elsewhere")


def test_a_run_without_a_model(tmp_path):
    process.write_preset(tmp_path / "preset")
    run = train(read(ROWS), tmp_path / "preset", output=tmp_path / "runs", name="m", verbose=0)
    (run.directory / "run.json").write_text(
        (run.directory / "run.json").read_text().replace('"trained"', '"failed"')
    )
    with pytest.raises(RunError, match="has no model"):
        evaluate(run, read(ROWS))


def test_tuned_thresholds_stay_in_the_preset(classifier, tmp_path):
    tuned = evaluate(classifier, read(ROWS)).tune_thresholds("recall", floor=0.5)
    classifier.thresholds = tuned
    assert classifier.thresholds == pytest.approx(list(tuned.values()))
    classifier.save_to_preset(tmp_path / "preset")
    others = read([("a brown dog", "ham"), ("quick fox", "spam")])
    stored = evaluate(str(tmp_path / "preset"), others)
    assert stored.thresholds == pytest.approx(dict(tuned))
    assert stored.values == pytest.approx(
        evaluate(classifier, others).at_threshold(tuned).values, nan_ok=True
    )
    with pytest.raises(ArgumentError, match="were tuned on 6 of the texts of this report"):
        evaluate(classifier, read(ROWS)).at_threshold(tuned)


def test_class_indices_in_the_data_are_not_guessed():
    labels = LabelSet(["ham", "spam", "eggs"])
    for numbers in ([1, 0, 2], [1, 2, 3], [0, 1, 7]):
        counted = [(f"text {n}", n) for n in numbers]
        with pytest.raises(InvalidDataError, match=r"read\(data, labels=model\.labels\)"):
            actual_labels(read(counted), labels, False)
    data = read([("one", 1), ("two", 0), ("three", 2)], labels=labels)
    assert actual_labels(data, labels, False)[0].tolist() == [1, 0, 2]
    # Where the model's labels are numbers, too, they are names.
    targets, extra = actual_labels(read([("a", 1), ("b", 0)]), LabelSet(["1", "2"]), False)
    assert targets.tolist() == [0, 2] and extra == ("0",)
