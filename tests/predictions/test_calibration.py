"""Calibration: the likelihood is highest, presets keep it, and `predict` does not change."""

import json

import numpy as np
import pytest
import scipy.optimize
from conftest import fox_and_cat, make_classifier
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    PresetError,
    TextClassifier,
    VectorScaling,
    read,
)
from keras_textcls.predictions.calibration import fit_calibration


def drawn(count=4000, temperature=2.5, classes=4, seed=0):
    """Logits that are too sure by a known factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, classes))
    odds = softmax(logits, axis=1)
    truth = np.array([rng.choice(classes, p=p) for p in odds])
    return logits * temperature, truth


def test_the_temperature_that_was_put_in_comes_out():
    logits, truth = drawn()
    found = fit_calibration(logits, truth, "temperature")
    assert found.temperature == pytest.approx(2.5, rel=0.06)
    assert found.error_after < 0.02 < found.error_before
    assert found.log_loss_after < found.log_loss_before


def test_no_other_temperature_is_likelier():
    logits, truth = drawn(500)

    def loss(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(truth)), truth].mean()

    best = scipy.optimize.minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x
    assert fit_calibration(logits, truth, "temperature").temperature == pytest.approx(
        best, rel=0.01
    )


def test_vector_scaling_mends_what_a_temperature_cannot():
    logits, truth = drawn()
    shifted = logits + np.array([2.0, 0, 0, -2.0])
    one = fit_calibration(shifted, truth, "temperature")
    each = fit_calibration(shifted, truth, "vector")
    assert each.log_loss_after < one.log_loss_after - 0.05
    assert each.error_after < one.error_after
    differences = np.array(each.vector_scaling.bias) - each.vector_scaling.bias[1]
    np.testing.assert_allclose(differences, [-0.8, 0, 0, 0.8], atol=0.2)


def test_several_labels_are_platts_scaling_of_each():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (3000, 2))
    truth = (rng.random((3000, 2)) < 1 / (1 + np.exp(-(0.5 * logits + [1, -1])))).astype(int)
    truth[::7, 0] = -1
    found = fit_calibration(logits, truth, "vector").vector_scaling
    for label in range(2):
        known = truth[:, label] >= 0
        model = LogisticRegression(C=np.inf).fit(
            logits[known, label : label + 1], truth[known, label]
        )
        assert found.scale[label] == pytest.approx(model.coef_[0, 0], abs=0.01)
        assert found.bias[label] == pytest.approx(model.intercept_[0], abs=0.01)


def test_texts_told_apart_wholly_have_a_finite_temperature():
    found = fit_calibration(np.eye(3)[[0, 1, 2]] * 5, np.array([0, 1, 2]), "temperature")
    assert 0.01 < found.temperature < 1


@pytest.mark.parametrize("method", ["temperature", "vector"])
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_predict_stays_and_presets_keep_it(method, activation, tmp_path):
    model = make_classifier(labels=["cat", "fox"], activation=activation)
    texts, names = fox_and_cat(40)
    before = model.predict(texts, verbose=0)
    found = model.calibrate(texts, names, method=method)
    np.testing.assert_array_equal(model.predict(texts, verbose=0), before)
    after = model.predict_proba(texts, verbose=0)
    actual = np.array([model.labels.index(name) for name in names])
    loss = -np.log(after[np.arange(len(actual)), actual]).mean()
    assert loss == pytest.approx(found.log_loss_after, abs=1e-4)
    assert str(found).startswith(method)
    model.save_to_preset(tmp_path / "preset")
    loaded = TextClassifier.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(loaded.predict_proba(texts, verbose=0), after, atol=1e-5)
    assert loaded.vector_scaling == model.vector_scaling
    assert loaded.temperature == model.temperature


def test_a_dataset_with_unknown_labels():
    model = make_classifier(labels=["a", "b"], multi_label=True)
    rows = [("the fox", ["a"]), ("a dog", ["b"]), ("the cat", []), ("over", ["a", "b"])]
    assert model.calibrate(read(rows)).texts == 4
    targets = np.array([[1, -1], [0, 1], [0, 0], [-1, 1]])
    assert model.calibrate([text for text, _ in rows], targets).texts == 4


def test_what_is_refused(classifier, tmp_path):
    with pytest.raises(ArgumentError, match="`method` must be one of"):
        classifier.calibrate(["the fox"], ["ham"], method="platt")
    with pytest.raises(InvalidDataError, match="`y` is missing"):
        classifier.calibrate(["the fox"])
    with pytest.raises(ArgumentError, match="2 factors and biases"):
        classifier.vector_scaling = VectorScaling((1.0,), (0.0,))
    classifier.vector_scaling = VectorScaling((1.0, 2.0), (0.0, 1.0))
    classifier.save_to_preset(tmp_path / "preset")
    path = tmp_path / "preset" / "classifier.json"
    for broken, message in (
        ([1], "`vector_scaling` must be an object or null"),
        ({"scale": [1.0], "bias": [0.0]}, "`vector_scaling` must hold 2 finite numbers"),
        ({"scale": [1, float("nan")], "bias": [0, 0]}, "must hold 2 finite numbers"),
        ({"scale": [1, "x"], "bias": [0, 0]}, "`vector_scaling.scale` must be a list of numbers"),
    ):
        contents = json.loads(path.read_text()) | {"vector_scaling": broken}
        path.write_text(json.dumps(contents))
        with pytest.raises(PresetError, match=message):
            TextClassifier.from_preset(tmp_path / "preset")


def test_training_anew_starts_without_it(classifier):
    classifier.vector_scaling = VectorScaling((1.0, 2.0), (0.0, 1.0))
    assert classifier.with_new_head(dropout=0.0).vector_scaling is None
