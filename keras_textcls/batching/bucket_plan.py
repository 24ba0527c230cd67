"""The bucket plan: which texts form a batch, and how wide it is padded.

Plain numpy, no Keras. From the lengths of the texts it makes a list of
`PlannedBatch`, each a few texts of similar length and the width to which they
are padded. `training_plan` keeps the number of texts a step and draws a new
order every epoch; `inference_plan` keeps the number of tokens a step.

A compiling backend (JAX, or `jit_compile=True`) compiles one program a shape,
so there widths come from a fixed list, as many as save more than their compilation costs;
elsewhere they are chosen to fit the texts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

import numpy as np

_MOST_LEVELS = 256
_REMEMBERED_CALLS = 64


@dataclasses.dataclass(frozen=True)
class BucketPolicy:
    """How much a new shape of a batch costs.

    Args:
        max_buckets: int, most widths that one plan may use. Defaults to `32`.
        bucket_cost: int, cells (token positions) that could be computed in the
            time that one more width costs. Defaults to `0`. Where it is more
            than 0, widths come from `fixed_widths`, the same in every call, and
            the last batch of a bucket is filled to the height of the others.
        fixed_length: int or `None`, the only width, for a backbone whose output
            depends on the padding. Defaults to `None`.
    """

    max_buckets: int = 32
    bucket_cost: int = 0
    fixed_length: int | None = None

    @property
    def is_dynamic(self) -> bool:
        """Whether every batch may have a width of its own, at no cost."""
        return not self.bucket_cost and self.fixed_length is None


DYNAMIC = BucketPolicy()
# Measured with MiniLM under JAX on two cores: compiling the forward pass takes
# 0.45 s, computing runs at 17,000 cells a second; the training step 3.3 s and
# 2,400 cells. Both come to some 8,000 cells a shape.
COMPILED = BucketPolicy(bucket_cost=8192)


@dataclasses.dataclass(frozen=True)
class PlannedBatch:
    """One batch: which texts, and the shape they are given.

    Args:
        indices: int array of shape `(num_texts,)`.
        padded_length: int, width in tokens.
        rows: int, height; more than `num_texts` where it is filled up.
    """

    indices: np.ndarray
    padded_length: int
    rows: int


def fixed_widths(longest: int, coarse: bool = False) -> np.ndarray:
    """Return the fixed widths up to at least `longest`.

    Args:
        longest: int, the longest text in tokens.
        coarse: bool, whether to take two steps an octave, for calls too small
            to be worth a new shape, instead of steps of 2 up to 32 and eight
            steps an octave from there. Defaults to `False`.

    Returns:
        An increasing int array.

    Example:
    >>> fixed_widths(70, coarse=True).tolist()
    [8, 12, 16, 24, 32, 48, 64, 96]
    """
    steps = 2 if coarse else 8
    widths = [8] if coarse else list(range(2, 33, 2))
    while widths[-1] < longest:
        widths.append(widths[-1] + 2 ** (widths[-1].bit_length() - 1) // steps)
    return np.asarray(widths[: int(np.searchsorted(widths, longest)) + 1])


def choose_widths(
    lengths: np.ndarray,
    policy: BucketPolicy,
    full_length: int,
    passes: int = 1,
    known: Collection[int] = (),
) -> np.ndarray:
    """Choose the bucket widths that cost least on these lengths.

    Exact dynamic programming over the candidate widths: the sum of all cells,
    `passes` times, plus `policy.bucket_cost` for each width not yet `known`.

    Args:
        lengths: int array, real tokens of each text.
        policy: `BucketPolicy`.
        full_length: int, width to which the preprocessor pads; no bucket is
            wider.
        passes: int, how often the texts are read, such as the epochs of a
            training. Defaults to `1`.
        known: collection of ints, widths that cost nothing any more because
            they were used before. Defaults to none.

    Returns:
        An increasing int array of at most `policy.max_buckets` widths, the last
        no less than the longest text.

    Example:
    >>> choose_widths(np.array([3, 3, 4, 9, 9]), BucketPolicy(max_buckets=2), 16).tolist()
    [4, 9]
    """
    if policy.fixed_length is not None:
        return np.asarray([policy.fixed_length])
    if policy.bucket_cost:
        coarse = int(lengths.sum()) * passes < policy.bucket_cost
        widths = np.minimum(fixed_widths(int(lengths.max()), coarse), full_length)
        levels = np.unique(widths[np.searchsorted(widths, lengths)])
    else:
        levels = np.unique(lengths)
    if len(levels) > _MOST_LEVELS:
        ranks = np.linspace(0, len(levels) - 1, _MOST_LEVELS).round().astype(int)
        levels = levels[ranks]
    counts = np.bincount(np.searchsorted(levels, lengths), minlength=len(levels))
    prices = np.where(np.isin(levels, list(known)), 0.0, policy.bucket_cost)
    return _cheapest(levels, counts * passes, prices, policy.max_buckets)


@dataclasses.dataclass
class WidthHistory:
    """The widths that a model was compiled for, and the passes that used them.

    When a call decides whether a new width is worth compiling, it counts earlier
    calls of the same size as further passes. So texts that are read again and
    again get widths of their own, and all compilations together cost at most
    about as much as the padding that they save.
    """

    widths: set[int] = dataclasses.field(default_factory=set)
    calls: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def choose(
        self, lengths: np.ndarray, policy: BucketPolicy, full_length: int, passes: int = 1
    ) -> np.ndarray:
        """Choose widths as `choose_widths` does, and remember the call.

        Args:
            lengths: int array, real tokens of each text.
            policy: `BucketPolicy`.
            full_length: int, width to which the preprocessor pads.
            passes: int, how often the texts are read in this call. Defaults to
                `1`.

        Returns:
            An increasing int array.
        """
        tokens = int(lengths.sum())
        earlier = sum(before for size, before in self.calls if 2 * size >= tokens)
        widths = choose_widths(lengths, policy, full_length, passes + earlier, self.widths)
        self.widths.update(widths.tolist())
        self.calls = [*self.calls, (tokens, passes)][-_REMEMBERED_CALLS:]
        return widths


def _cheapest(
    levels: np.ndarray, counts: np.ndarray, prices: np.ndarray, max_buckets: int
) -> np.ndarray:
    """The levels that minimize the sum of count x width plus their prices."""
    below = np.concatenate([[0], np.cumsum(counts)])
    # cost[i, j]: all texts of levels i..j in one bucket of width levels[j].
    cost = (below[None, 1:] - below[:-1, None]) * levels[None, :] + prices
    cost[np.tril_indices(len(levels), -1)] = np.inf
    best, starts = cost[0], []
    totals = [best[-1]]
    for _ in range(1, min(max_buckets, len(levels))):
        # The last bucket starts at level i, after the best split of 0..i-1.
        total = np.vstack([np.full_like(best, np.inf), best[:-1, None] + cost[1:]])
        starts.append(total.argmin(axis=0))
        best = total.min(axis=0)
        totals.append(best[-1])
    chosen, end = [], len(levels) - 1
    for start in reversed(starts[: int(np.argmin(totals))]):
        chosen.append(levels[end])
        end = int(start[end]) - 1
    chosen.append(levels[end])
    return np.asarray(chosen[::-1])


def training_plan(
    lengths: np.ndarray,
    widths: np.ndarray,
    batch_size: int,
    rng: np.random.Generator | None,
    exact: bool = False,
) -> list[PlannedBatch]:
    """Plan one epoch: every text once, `batch_size` texts a step.

    Each bucket is shuffled and cut; what is left of it joins the next wider
    one. The `len(lengths) % batch_size` texts of the one partial batch are
    drawn from the fullest bucket, so that its shape is the same every epoch.

    Args:
        lengths: int array, real tokens of each text.
        widths: int array, bucket widths as of `choose_widths`.
        batch_size: int, texts a step.
        rng: `numpy.random.Generator`, or `None` to keep the order of the texts.
        exact: bool, whether a batch is as wide as its longest text instead of
            as its bucket. Defaults to `False`.

    Returns:
        A list of `PlannedBatch`, in the order of training.
    """
    plan = _bucketed_epoch(lengths, widths, batch_size, rng)
    if exact:
        plan = [dataclasses.replace(b, padded_length=int(lengths[b.indices].max())) for b in plan]
    return plan


def _bucketed_epoch(
    lengths: np.ndarray, widths: np.ndarray, batch_size: int, rng: np.random.Generator | None
) -> list[PlannedBatch]:
    bucket_of = np.searchsorted(widths, lengths)
    if rng is None:
        chunks = np.split(np.arange(len(lengths)), range(batch_size, len(lengths), batch_size))
        return [PlannedBatch(c, int(widths[bucket_of[c].max()]), len(c)) for c in chunks]
    members = [rng.permutation(np.flatnonzero(bucket_of == b)) for b in range(len(widths))]
    plan = []
    remainder = len(lengths) % batch_size
    if remainder:
        fullest = max(range(len(widths)), key=lambda b: len(members[b]))
        # A bucket smaller than the remainder takes texts from narrower buckets.
        pool = np.concatenate([members[fullest], *members[:fullest][::-1], *members[fullest + 1 :]])
        taken = pool[:remainder]
        width = int(widths[bucket_of[taken].max()])
        plan.append(PlannedBatch(taken, width, remainder))
        members = [m[~np.isin(m, taken)] for m in members]
    left = np.empty(0, dtype=int)
    for width, texts in zip(widths, members, strict=True):
        left = np.concatenate([left, texts])
        full = len(left) - len(left) % batch_size
        for chunk in np.split(left[:full], range(batch_size, full, batch_size)) if full else []:
            plan.append(PlannedBatch(chunk, int(width), batch_size))
        left = left[full:]
    return [plan[i] for i in rng.permutation(len(plan))]


def inference_plan(
    lengths: np.ndarray,
    widths: np.ndarray,
    policy: BucketPolicy,
    token_budget: int,
    batch_size: int | None = None,
) -> list[PlannedBatch]:
    """Plan one pass in which order does not matter: every text once.

    Args:
        lengths: int array, real tokens of each text.
        widths: int array, bucket widths as of `choose_widths`.
        policy: `BucketPolicy`.
        token_budget: int, cells of a batch, padding included.
        batch_size: int or `None`, texts a batch instead of the budget. Defaults
            to `None`.

    Returns:
        A list of `PlannedBatch`, widest first, so that what needs most memory
        comes first.
    """
    if policy.is_dynamic:
        return _packed_plan(lengths, token_budget, batch_size)
    bucket_of = np.searchsorted(widths, lengths)
    plan = []
    for bucket in reversed(range(len(widths))):
        texts = np.flatnonzero(bucket_of == bucket)
        if not len(texts):
            continue
        width = int(widths[bucket])
        height = batch_size or max(1, token_budget // width)
        # A few texts must not cost as much as a full batch.
        height = min(height, 1 << (len(lengths) - 1).bit_length())
        for chunk in np.split(texts, range(height, len(texts), height)):
            plan.append(PlannedBatch(chunk, width, height if policy.bucket_cost else len(chunk)))
    return plan


def _packed_plan(
    lengths: np.ndarray, token_budget: int, batch_size: int | None
) -> list[PlannedBatch]:
    """Longest texts first, each batch filled to the budget and as wide as its first."""
    order = np.argsort(-lengths, kind="stable")
    plan, start = [], 0
    while start < len(order):
        width = int(lengths[order[start]])
        rows = batch_size or max(1, token_budget // width)
        chunk = order[start : start + rows]
        plan.append(PlannedBatch(chunk, width, len(chunk)))
        start += rows
    return plan


def padding_share(plan: Iterable[PlannedBatch], lengths: np.ndarray) -> float:
    """Return the share of cells in a plan that hold no real token.

    Args:
        plan: iterable of `PlannedBatch`.
        lengths: int array, real tokens of each text.

    Returns:
        A float in `[0, 1)`.
    """
    plan = list(plan)
    cells = sum(b.rows * b.padded_length for b in plan)
    return 1.0 - float(sum(lengths[b.indices].sum() for b in plan)) / cells
