"""Neutral sentences: what they are, when they serve, and that they do."""

import numpy as np
import pytest
from scipy.special import expit

from keras_textcls import ArgumentError
from keras_textcls.training.solved_heads.linear_head import solve_linear_head
from keras_textcls.training.trainers.enrichment import (
    add_neutral,
    neutral_texts,
    wants_neutral_texts,
)


def test_the_sentences_are_many_distinct_and_of_all_lengths():
    texts = neutral_texts()
    assert len(texts) >= 300
    assert len({text.casefold() for text in texts}) == len(texts)
    assert all(text == text.strip() and text for text in texts)
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) == 1
    assert max(lengths) > 20


@pytest.mark.parametrize(
    ("enrich", "positives", "multi_label", "expected"),
    [
        ("auto", 5, True, True),
        ("auto", 50, True, False),
        ("auto", 5, False, False),
        ("disabled", 5, True, False),
    ],
)
def test_when_they_serve(enrich, positives, multi_label, expected):
    targets = np.repeat(np.eye(3), positives, axis=0)
    assert wants_neutral_texts(enrich, targets, multi_label) == expected


def test_another_value_is_refused():
    with pytest.raises(ArgumentError, match="enrich='always'"):
        wants_neutral_texts("always", np.eye(2), True)


def test_together_they_weigh_a_tenth_of_the_texts():
    features, targets, weights = add_neutral(np.ones((6, 4)), np.ones((6, 2)), np.zeros((60, 4)))
    assert features.shape == (66, 4)
    assert not targets[6:].any()
    assert weights[6:].sum() == pytest.approx(0.1 * weights[:6].sum())
    few = add_neutral(np.ones((60, 4)), np.ones((60, 2)), np.zeros((2, 4)))
    assert few[2].tolist() == [1] * 62


def test_unrelated_texts_score_lower_and_related_ones_stay_told_apart():
    """Labels along axes of their own, the neutral elsewhere, and so are unrelated texts."""
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(3), 5)
    centres = np.vstack([6 * np.eye(30)[:3], -np.ones((1, 30))])
    draw = lambda which: centres[which] + rng.normal(size=(len(which), 30))  # noqa: E731
    features, targets = draw(classes), np.eye(3)[classes]
    neutral, unrelated, related = draw(np.full(100, 3)), draw(np.full(50, 3)), draw(classes)
    plain = solve_linear_head(features, targets, multi_label=True)
    rows, truth, weights = add_neutral(features, targets, neutral)
    enriched = solve_linear_head(rows, truth, multi_label=True, sample_weight=weights)
    highest = [
        expit(unrelated @ head.kernel + head.bias).max(axis=1).mean() for head in (plain, enriched)
    ]
    assert highest[1] < 0.5 * highest[0]
    found = (related @ enriched.kernel + enriched.bias).argmax(axis=1)
    assert (found == classes).mean() > 0.8
