"""Gradients against differences in float64; what is trained is what is installed."""

import numpy as np
import pytest
from conftest import make_classifier, mixed_texts
from scipy.special import logsumexp, ndtr
from test_linear_head import blobs

from keras_textcls import ArgumentError
from keras_textcls.training.solved_heads.head_data import read_head_data
from keras_textcls.training.solved_heads.head_installation import install_head
from keras_textcls.training.solved_heads.hidden_head import HiddenProblem, solve_hidden_head
from keras_textcls.training.solved_heads.linear_head import LinearHead, solve_linear_head
from keras_textcls.training.solved_heads.logistic_regression import Basis


def exact_loss(data, rows, activation, first, second):
    """The same loss in float64, of numpy alone."""
    function = {"gelu": lambda x: x * ndtr(x), "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}
    hidden = function[activation](rows @ first[:-1] + first[-1])
    scores = hidden @ second[:-1] + second[-1]
    if data.softmax:
        losses = logsumexp(scores, axis=1) - (scores * data.targets).sum(axis=1)
    else:
        losses = np.logaddexp(0, scores) - scores * data.targets
    penalty = (first[:-1] ** 2).sum() + (second[:-1] ** 2).sum()
    return float(losses.sum()) + 0.05 * float(penalty)


@pytest.mark.parametrize("activation", ["gelu", "tanh", "relu"])
@pytest.mark.parametrize("num_classes", [2, 4])
def test_loss_and_gradients_are_those_of_a_loss_in_float64(activation, num_classes):
    features, targets = blobs(20, 5, num_classes)
    data = read_head_data(features, targets, multi_label=False)
    rows = Basis.of(data.features).rows[:, :-1]
    problem = HiddenProblem(rows, data.targets, data.weights, activation, data.softmax)
    first, second = problem.start(6, seed=0)
    loss, *gradients = problem.loss_and_gradients(first, second, 0.1)
    rows, first, second = (array.astype("float64") for array in (rows, first, second))
    expected_loss = exact_loss(data, rows, activation, first, second)
    assert loss == pytest.approx(expected_loss, rel=1e-4)
    for weights, gradient in zip((first, second), gradients, strict=True):
        for i in (0, weights.size // 2, weights.size - 1):
            slopes = []
            for step in (1e-4, -1e-4):
                old = weights.flat[i]
                weights.flat[i] = old + step
                slopes.append(exact_loss(data, rows, activation, first, second))
                weights.flat[i] = old
            expected = (slopes[0] - slopes[1]) / 2e-4
            assert gradient.flat[i] == pytest.approx(expected, rel=1e-2, abs=1e-3)


def test_it_learns_what_no_linear_head_can():
    rng = np.random.default_rng(0)
    features = rng.uniform(-1, 1, (300, 2))
    targets = (features[:, 0] * features[:, 1] > 0).astype(int)
    head = solve_hidden_head(features, targets, hidden_dim=16)
    assert (head.logits(features).argmax(axis=1) == targets).mean() > 0.95
    linear = solve_linear_head(features, targets)
    found = (features @ linear.kernel + linear.bias).argmax(axis=1)
    assert (found == targets).mean() < 0.7


def test_multi_label_and_unknown_labels():
    features, classes = blobs(num_classes=3)
    targets = np.eye(3)[classes]
    targets[::2, 1] = -1
    head = solve_hidden_head(features, targets, multi_label=True, hidden_dim=8)
    assert ((head.logits(features) > 0) == np.eye(3)[classes]).mean() > 0.9


def test_the_same_seed_gives_the_same_bits():
    features, targets = blobs()
    one, other = (solve_hidden_head(features, targets, hidden_dim=4, seed=1) for _ in range(2))
    assert one.hidden_kernel.tobytes() == other.hidden_kernel.tobytes()


def test_an_unknown_activation_is_refused():
    with pytest.raises(ArgumentError, match="activation='selu'"):
        solve_hidden_head(*blobs(), activation="selu")


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
def test_an_installed_linear_head_answers_its_logits(labels):
    classifier = make_classifier(labels=labels)
    texts = mixed_texts(12)
    features = classifier.embed(texts, verbose=0)
    head = solve_linear_head(features, np.arange(12) % len(labels))
    install_head(classifier, head)
    expected = features @ head.kernel + head.bias
    np.testing.assert_allclose(classifier.predict(texts, verbose=0), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "hidden_dim", "activation"),
    [("BertBackbone", 5, "gelu"), ("RobertaBackbone", "auto", "tanh")],
)
def test_an_installed_hidden_head_answers_its_logits(name, hidden_dim, activation):
    classifier = make_classifier(name, hidden_dim=hidden_dim)
    texts = mixed_texts(12)
    features = classifier.embed(texts, verbose=0)
    width = classifier.hidden_dim
    head = solve_hidden_head(
        features, np.arange(12) % 2, hidden_dim=width, activation=activation, strengths=0.1
    )
    install_head(classifier, head)
    found = classifier.predict(texts, verbose=0)
    np.testing.assert_allclose(found, head.logits(features), atol=1e-4)


def test_a_head_that_does_not_fit_is_refused_and_nothing_written():
    classifier = make_classifier()
    before = [np.array(w) for w in classifier.output_dense.get_weights()]
    width = before[0].shape[0]
    with pytest.raises(ArgumentError, match="kernel of shape"):
        install_head(classifier, LinearHead(np.ones((width, 3)), np.ones(3), 1.0))
    hidden = solve_hidden_head(*blobs(hidden_dim=width), hidden_dim=4, strengths=1.0)
    with pytest.raises(ArgumentError, match="hidden_dim=4"):
        install_head(classifier, hidden)
    for old, new in zip(before, classifier.output_dense.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_linear_head_is_refused_where_there_is_a_hidden_layer():
    classifier = make_classifier("RobertaBackbone")
    with pytest.raises(ArgumentError, match="hidden_dim=None"):
        install_head(classifier, LinearHead(np.ones((2, 2)), np.ones(2), 1.0))


def test_another_activation_is_refused():
    classifier = make_classifier(hidden_dim=4)
    features = classifier.embed(mixed_texts(4), verbose=0)
    head = solve_hidden_head(features, [0, 1, 0, 1], hidden_dim=4, activation="tanh", strengths=1)
    with pytest.raises(ArgumentError, match="activation='gelu'"):
        install_head(classifier, head)
