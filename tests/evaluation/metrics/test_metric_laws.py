"""What must hold of every metric, whatever the data are."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_scores import multi, names, report_of, single

small = settings(max_examples=25, derandomize=True, deadline=None, database=None)


@st.composite
def predictions(draw):
    """What `single` or `multi` make, of few texts and odd labels."""
    seed = draw(st.integers(0, 10_000))
    texts = draw(st.integers(1, 25))
    classes = draw(st.integers(2, 6))
    sharp = draw(st.sampled_from([0.0, 1.5]))
    absent = draw(st.sets(st.integers(0, classes - 1), max_size=classes - 1))
    if draw(st.booleans()):
        unknown = draw(st.sampled_from([0.0, 0.2]))
        data = multi(texts, classes, seed, absent, unknown, sharp, ties=draw(st.booleans()))
    else:
        data = single(texts, classes, seed, absent, sharp=sharp)
    return (*data, draw(st.permutations(range(classes))))


def assert_same(one, other, skip=()):
    assert one.keys() == other.keys()
    for name in one.keys() - set(skip):
        assert math.isclose(one[name], other[name], rel_tol=1e-9, abs_tol=1e-12) or (
            math.isnan(one[name]) and math.isnan(other[name])
        ), name


def same_rows(one, other):
    for a, b in zip(one, other, strict=True):
        assert a[0] == b[0]
        np.testing.assert_allclose(a[1:], b[1:], rtol=1e-9, atol=1e-12)


@small
@given(predictions())
def test_the_order_of_texts_changes_no_metric(data):
    y_true, y_score, _ = data
    order = np.random.default_rng(0).permutation(len(y_true))
    one, other = report_of((y_true, y_score)), report_of((y_true[order], y_score[order]))
    assert_same(one.values, other.values)
    same_rows(one.per_label().rows, other.per_label().rows)
    taken = one.take(order)
    assert_same(taken.values, other.values)


@small
@given(predictions())
def test_other_names_of_labels_change_only_names(data):
    y_true, y_score, _ = data
    classes = y_score.shape[1]
    one = report_of((y_true, y_score))
    other = report_of((y_true, y_score), labels=[f"{9 - i} other" for i in range(classes)])
    assert_same(one.values, other.values, ())
    for a, b in zip(one.per_label().rows[:-1], other.per_label().rows[:-1], strict=True):
        np.testing.assert_equal(a[1:], b[1:])
        assert b[0].endswith("other")
    np.testing.assert_array_equal(one.confusion_matrix().values, other.confusion_matrix().values)


@small
@given(predictions())
def test_the_order_of_labels_changes_no_headline_and_permutes_the_table(data):
    y_true, y_score, order = data
    classes = y_score.shape[1]
    one = report_of((y_true, y_score))
    place = np.argsort(order)
    actual = y_true[:, order] if one.multi_label else place[y_true]
    labels = [names(classes)[i] for i in order]
    other = report_of((actual, y_score[:, order]), labels=labels)
    assert_same(one.values, other.values)
    mine = {row[0]: row for row in one.per_label().rows}
    assert other.per_label().column("label")[:-1] == labels
    same_rows([mine[row[0]] for row in other.per_label().rows], other.per_label().rows)
    assert one.fingerprint == other.fingerprint


@small
@given(predictions())
def test_every_text_twice_changes_no_metric(data):
    y_true, y_score, _ = data
    one = report_of((y_true, y_score))
    assert_same(one.values, one.take(np.repeat(np.arange(len(one)), 2)).values)


@small
@given(predictions())
def test_a_metric_is_never_undefined_in_silence(data):
    y_true, y_score, _ = data
    for metric in report_of((y_true, y_score)).metrics.values():
        assert not math.isnan(metric.value) or metric.reason, metric.name


@small
@given(predictions())
def test_parts_of_the_texts_make_up_the_whole(data):
    y_true, y_score, _ = data
    report = report_of((y_true, y_score), metadata={"third": [i % 3 for i in range(len(y_true))]})
    whole = np.array([row[1:7] for row in report.per_label().rows])
    parts = [report.take(np.arange(len(report)) % 3 == i) for i in range(min(3, len(report)))]
    np.testing.assert_array_equal(
        sum(np.array([row[1:7] for row in part.per_label().rows]) for part in parts), whole
    )
    assert sum(report.slices("third").column("texts")) == len(report)
