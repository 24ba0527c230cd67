"""The optimum is scikit-learn's; odd data have a defined end."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from keras_textcls import ArgumentError, InvalidDataError
from keras_textcls.training.solved_heads.cross_validation import assign_folds
from keras_textcls.training.solved_heads.linear_head import REGULARIZATIONS, solve_linear_head

ROOT = Path(__file__).parents[3]


def blobs(num_texts=200, hidden_dim=12, num_classes=4, seed=0, spread=1.0):
    """Features around a centre for each class, of unlike scale and far from zero."""
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(num_classes), rng.integers(0, num_classes, num_texts)])
    classes = classes[:num_texts]
    features = spread * rng.normal(size=(num_classes, hidden_dim))[classes]
    features += rng.normal(size=features.shape)
    return features * rng.uniform(0.1, 5, hidden_dim) + rng.normal(size=hidden_dim), classes


def standardized(features):
    """What a strength refers to: columns of about equal variance, the mean of all as 50 texts."""
    variance = features.var(axis=0)
    variance = (len(features) * variance + 50 * variance.mean()) / (len(features) + 50)
    return (features - features.mean(axis=0)) / np.sqrt(variance * features.shape[1])


def probabilities(head, features):
    return softmax(features @ head.kernel + head.bias, axis=1)


def peer(features, targets, strength, **kwargs):
    model = LogisticRegression(C=1 / strength, tol=1e-7, max_iter=10_000)
    return model.fit(standardized(features), targets, **kwargs)


@pytest.mark.parametrize("strength", [3.0, 0.1, 0.003])
@pytest.mark.parametrize(("num_classes", "hidden_dim"), [(2, 12), (2, 300), (3, 300), (20, 12)])
def test_the_optimum_is_that_of_scikit_learn(num_classes, strength, hidden_dim):
    features, targets = blobs(num_classes=num_classes, hidden_dim=hidden_dim)
    head = solve_linear_head(features, targets, strengths=strength)
    expected = peer(features, targets, strength).predict_proba(standardized(features))
    np.testing.assert_allclose(probabilities(head, features), expected, atol=1e-4)
    assert head.regularization == strength
    assert head.kernel.dtype == head.bias.dtype == np.float32


def test_weights_of_texts_and_classes_are_those_of_scikit_learn():
    features, targets = blobs()
    weights = np.random.default_rng(1).uniform(0, 3, len(targets))
    head = solve_linear_head(
        features, targets, strengths=0.1, sample_weight=weights, class_weight={1: 5.0}
    )
    by_class = np.where(targets == 1, 5, 1) * weights.astype("float32")
    expected = peer(features, targets, 0.1, sample_weight=by_class)
    np.testing.assert_allclose(
        probabilities(head, features), expected.predict_proba(standardized(features)), atol=1e-4
    )


def test_multi_label_is_one_against_the_rest_over_known_labels():
    features, classes = blobs()
    targets = (np.random.default_rng(1).random((200, 3)) < 0.3).astype("float32")
    targets[:, 0] = classes == 0
    targets[::3, 1] = -1
    targets[::4, 2] = np.nan
    head = solve_linear_head(features, targets, multi_label=True, strengths=0.3)
    found = expit(features @ head.kernel + head.bias)
    scaled = standardized(features)
    for label in range(3):
        known = targets[:, label] >= 0
        model = LogisticRegression(C=1 / 0.3, tol=1e-7, max_iter=10_000)
        model.fit(scaled[known], targets[known, label])
        expected = model.predict_proba(scaled)[:, 1]
        np.testing.assert_allclose(found[:, label], expected, atol=1e-4)


def test_two_labels_get_a_half_of_the_score_each():
    features, targets = blobs(num_classes=2)
    head = solve_linear_head(features, targets)
    np.testing.assert_array_equal(head.kernel[:, 0], -head.kernel[:, 1])
    assert head.bias[0] == -head.bias[1]


@pytest.mark.parametrize("spread", [0.15, 0.5, 2.0])
def test_the_chosen_strength_predicts_as_well_as_any(spread):
    features, targets = blobs(300, 20, spread=spread)
    head = solve_linear_head(features, targets)
    scaled = standardized(features)
    errors = {}
    for strength in (*REGULARIZATIONS[::2], head.regularization):
        model = LogisticRegression(C=1 / strength, max_iter=9999, tol=1e-2)
        errors[strength] = 1 - cross_val_score(model, scaled, targets).mean()
    assert errors[head.regularization] <= min(errors.values()) + 0.03


def test_all_strengths_that_are_given_are_scored():
    features, targets = blobs()
    head = solve_linear_head(features, targets, strengths=[0.01, 1.0])
    assert [score.regularization for score in head.scores] == [1.0, 0.01]
    assert head.regularization in (1.0, 0.01)
    assert all(0 < score.accuracy <= 1 for score in head.scores)
    # Scaled best is not worse than not scaled, but for the prior of one text.
    assert all(s.calibrated_loss <= s.loss + 1e-3 for s in head.scores)


def test_the_temperature_makes_held_out_texts_likelier():
    """Features of pure noise: whatever is learnt is too sure."""
    rng = np.random.default_rng(0)
    head = solve_linear_head(
        rng.normal(size=(100, 50)), rng.integers(0, 3, 100), False, [0.001, 0.002]
    )
    assert head.temperature > 2


def test_it_is_deterministic_in_this_process_and_another():
    code = (
        "from test_linear_head import blobs\n"
        "from keras_textcls.training.solved_heads.linear_head import solve_linear_head\n"
        "print(solve_linear_head(*blobs(), seed=3).kernel.tobytes().hex())"
    )
    features, targets = blobs()
    kernels = [solve_linear_head(features, targets, seed=3).kernel for _ in range(2)]
    path = os.pathsep.join([str(Path(__file__).parent), str(ROOT)])
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert kernels[0].tobytes() == kernels[1].tobytes()
    assert result.stdout.strip() == kernels[0].tobytes().hex()


def test_a_label_with_a_single_text_always_trains():
    features, targets = blobs(num_classes=3)
    features, targets = np.vstack([features, features[:1] + 50]), np.append(targets, 3)
    head = solve_linear_head(features, targets)
    assert probabilities(head, features[-1:]).argmax() == 3
    assert any("single text" in note for note in head.notes)


def test_two_texts_of_two_labels_suffice():
    head = solve_linear_head([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    assert head.scores == ()
    assert probabilities(head, np.eye(2)[::-1]).argmax(axis=1).tolist() == [0, 1]


def test_a_class_without_texts_gets_little_everywhere():
    features, targets = blobs(num_classes=3)
    head = solve_linear_head(features, targets * 2, num_classes=6)
    found = probabilities(head, features)
    # About its smoothed share, 0.5 of 203 texts, on average.
    assert (found[:, [1, 3, 5]].mean(axis=0) < 0.01).all()
    assert (found.argmax(axis=1) % 2 == 0).all()
    assert "without any text" in head.notes[0]


def test_labels_that_all_or_no_texts_have_score_by_their_share():
    features, classes = blobs()
    targets = np.stack([classes == 0, np.ones(200), np.zeros(200)], axis=1)
    head = solve_linear_head(features, targets, multi_label=True)
    assert not head.kernel[:, 1:].any()
    np.testing.assert_allclose(expit(head.bias[1:]), [200.5 / 201, 0.5 / 201], rtol=1e-5)


def test_a_label_with_one_positive_text_does_not_crash():
    features, classes = blobs()
    targets = np.zeros((200, 2))
    targets[:, 0] = classes == 0
    targets[7, 1] = 1
    head = solve_linear_head(features, targets, multi_label=True)
    assert (features @ head.kernel + head.bias)[:, 1].argmax() == 7


def test_constant_features_count_for_nothing():
    features, targets = blobs()
    more = np.hstack([features, np.full((200, 2), 1e3 / 3)])
    head, fewer = solve_linear_head(more, targets), solve_linear_head(features, targets)
    assert not head.kernel[-2:].any()
    np.testing.assert_allclose(head.kernel[:-2], fewer.kernel, rtol=1e-3, atol=1e-4)


def test_features_that_are_all_equal_give_the_shares():
    head = solve_linear_head(np.ones((10, 3)), [0] * 7 + [1] * 3)
    np.testing.assert_allclose(probabilities(head, np.ones((1, 3)))[0], [0.7, 0.3], atol=1e-3)


def test_folds_hold_out_every_label_in_its_share():
    targets = np.repeat(np.arange(5), 20)
    folds = assign_folds(targets, 5, seed=0)
    for train, test in folds:
        assert np.bincount(targets[test]).tolist() == [4] * 5
        assert len(train) + len(test) == 100
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(100))


@pytest.mark.parametrize(
    ("features", "targets", "match"),
    [
        (np.ones((3, 2)), [0, 1], "shape"),
        (np.ones(3), [0, 1, 1], "`features` must have the shape"),
        ([[1.0], [np.inf], [0.0]], [0, 1, 1], r"features\[1\] holds numbers that are not finite"),
        (np.ones((3, 2)), [1, 1, 1], "have the label 1"),
        (np.ones((3, 2)), [0, -1, 1], r"targets\[1\]=-1"),
        (np.ones((3, 2)), [0.0, 1.0, 1.0], "integer array"),
    ],
)
def test_data_that_cannot_be_used(features, targets, match):
    with pytest.raises(InvalidDataError, match=match):
        solve_linear_head(features, targets)


def test_multi_label_data_that_cannot_be_used():
    with pytest.raises(InvalidDataError, match=r"targets\[0, 1\]=2"):
        solve_linear_head(np.ones((1, 2)), [[0, 2]], multi_label=True)
    with pytest.raises(InvalidDataError, match="must be a matrix"):
        solve_linear_head(np.ones((2, 2)), [0, 1], multi_label=True)
    with pytest.raises(ArgumentError, match="sample_weight"):
        solve_linear_head(np.ones((1, 2)), [[0, 1]], multi_label=True, class_weight="balanced")


@pytest.mark.parametrize(
    "arguments", [{"strengths": 0}, {"strengths": "best"}, {"strengths": []}, {"folds": 1}]
)
def test_arguments_that_cannot_be_used(arguments):
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        solve_linear_head(np.eye(4), [0, 0, 1, 1], **arguments)
