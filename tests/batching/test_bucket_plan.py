"""Laws of the bucket plan."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from keras_textcls.batching.bucket_plan import (
    COMPILED,
    DYNAMIC,
    BucketPolicy,
    WidthHistory,
    choose_widths,
    fixed_widths,
    inference_plan,
    padding_share,
    training_plan,
)

LENGTHS = st.lists(st.integers(1, 512), min_size=1, max_size=300).map(np.asarray)
POLICIES = st.sampled_from([COMPILED, DYNAMIC, BucketPolicy(fixed_length=512)])


def _rng(seed=0):
    return np.random.default_rng(seed)


def _all_indices(plan):
    return np.sort(np.concatenate([b.indices for b in plan])).tolist()


def mixed_lengths(count, seed=0):
    """Lengths spread as those of real messages are: log-normal, mean some 25."""
    return np.clip(_rng(seed).lognormal(3.0, 0.65, count).astype(int), 3, 512)


@given(LENGTHS, POLICIES, st.integers(1, 40), st.integers(0, 5))
def test_training_serves_every_text_once_in_batches_of_the_size(lengths, policy, size, epoch):
    widths = choose_widths(lengths, policy, 512)
    plan = training_plan(lengths, widths, size, _rng(epoch))
    assert _all_indices(plan) == list(range(len(lengths)))
    assert len(plan) == -(-len(lengths) // size)
    assert sorted(len(b.indices) for b in plan)[1:] == [size] * (len(plan) - 1)
    for batch in plan:
        assert lengths[batch.indices].max() <= batch.padded_length <= 512
        assert batch.rows == len(batch.indices)


@given(LENGTHS, st.integers(1, 40))
def test_exact_batches_are_as_wide_as_their_longest_text(lengths, size):
    widths = choose_widths(lengths, DYNAMIC, 512)
    for batch in training_plan(lengths, widths, size, _rng(), exact=True):
        assert batch.padded_length == lengths[batch.indices].max()


@given(LENGTHS, POLICIES, st.integers(1, 40))
def test_unshuffled_training_keeps_the_order(lengths, policy, size):
    plan = training_plan(lengths, choose_widths(lengths, policy, 512), size, None)
    assert np.concatenate([b.indices for b in plan]).tolist() == list(range(len(lengths)))


@given(LENGTHS, POLICIES, st.one_of(st.none(), st.integers(1, 40)), st.integers(1, 4096))
def test_inference_serves_every_text_once_within_the_budget(lengths, policy, size, budget):
    plan = inference_plan(lengths, choose_widths(lengths, policy, 512), policy, budget, size)
    assert _all_indices(plan) == list(range(len(lengths)))
    for batch in plan:
        assert lengths[batch.indices].max() <= batch.padded_length
        assert len(batch.indices) <= batch.rows
        if size is None:
            assert batch.rows == 1 or batch.rows * batch.padded_length <= budget
        else:
            assert batch.rows <= size


@given(LENGTHS)
def test_few_shapes_where_shapes_are_compiled(lengths):
    widths = choose_widths(lengths, COMPILED, 512)
    assert len(widths) <= COMPILED.max_buckets
    plan = inference_plan(lengths, widths, COMPILED, 1024)
    # One height a width: the last batch of a bucket is filled up.
    assert len({(b.rows, b.padded_length) for b in plan}) <= len(widths)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12).map(np.asarray), st.integers(1, 4))
def test_widths_are_the_cheapest(lengths, most):
    """Against every possible choice of widths."""
    from itertools import combinations

    def cells(widths):
        widths = np.asarray(widths)
        return int(widths[np.searchsorted(widths, lengths)].sum())

    levels = np.unique(lengths)
    choices = [
        (*c, levels[-1])
        for k in range(min(most, len(levels)))
        for c in combinations(levels[:-1], k)
    ]
    chosen = choose_widths(lengths, BucketPolicy(max_buckets=most), 512)
    assert len(chosen) <= most
    assert cells(chosen) == min(map(cells, choices))


def test_a_known_width_costs_nothing():
    lengths = mixed_lengths(300)
    first = choose_widths(lengths, COMPILED, 512)
    again = choose_widths(lengths, COMPILED, 512, known=set(range(2, 513, 2)))
    assert len(again) > len(first)


def test_more_passes_pay_for_more_widths():
    lengths = mixed_lengths(1000)
    few, many = (len(choose_widths(lengths, COMPILED, 512, passes=p)) for p in (1, 20))
    assert few < many


def test_padding_is_under_a_tenth_onmixed_lengths():
    lengths = mixed_lengths(5000)
    for policy, passes in ((DYNAMIC, 1), (COMPILED, 20)):
        widths = choose_widths(lengths, policy, 512, passes)
        assert padding_share(training_plan(lengths, widths, 16, _rng()), lengths) < 0.1
        assert padding_share(training_plan(lengths, widths, 32, _rng()), lengths) < 0.12
    widths = choose_widths(lengths, DYNAMIC, 512)
    assert padding_share(inference_plan(lengths, widths, DYNAMIC, 1024), lengths) < 0.05


def test_another_order_every_epoch_the_same_for_the_same_seed():
    lengths = mixed_lengths(100)
    widths = choose_widths(lengths, DYNAMIC, 512)

    def order(seed):
        return [b.indices.tolist() for b in training_plan(lengths, widths, 8, _rng(seed))]

    assert order([1, 0]) == order([1, 0])
    assert order([1, 0]) != order([1, 1])


def test_the_partial_batch_has_the_same_width_every_epoch():
    lengths = mixed_lengths(1003)
    widths = choose_widths(lengths, COMPILED, 512)
    partial = {
        b.padded_length
        for epoch in range(5)
        for b in training_plan(lengths, widths, 16, _rng(epoch))
        if len(b.indices) < 16
    }
    assert len(partial) == 1


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("longest", [1, 8, 31, 100, 512, 3000])
def test_fixed_widths_reach_the_longest_with_growing_steps(longest, coarse):
    widths = fixed_widths(longest, coarse)
    assert (np.diff(widths) > 0).all()
    assert widths[-1] >= longest
    assert len(widths) == 1 or widths[-2] < longest


def test_texts_that_come_back_are_worth_compiling_for():
    lengths = mixed_lengths(1500)
    history = WidthHistory()
    shares, widths = [], set()
    for _ in range(6):
        chosen = history.choose(lengths, COMPILED, 512)
        plan = training_plan(lengths, chosen, 16, np.random.default_rng(0))
        shares.append(padding_share(plan, lengths))
        widths |= set(chosen.tolist())
    assert shares[-1] < 0.75 * shares[0]
    # All of it is compiled for less than twice what the first choice would have padded.
    wasted_at_first = shares[0] / (1 - shares[0]) * lengths.sum()
    assert len(widths) * COMPILED.bucket_cost < 2 * 6 * wasted_at_first


def test_a_small_call_after_large_ones_compiles_little():
    history = WidthHistory()
    for _ in range(5):
        history.choose(mixed_lengths(1500), COMPILED, 512)
    before = set(history.widths)
    history.choose(np.array([5, 9, 30, 70]), COMPILED, 512)
    assert len(history.widths - before) <= 1
