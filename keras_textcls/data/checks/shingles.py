"""Character shingles of normalized texts: how similar two are, and which to compare.

The shingles of a text are its windows of 5 code points; a shorter text is one
shingle. The similarity of two texts is that of their sets of shingles (Jaccard):
how many they share over how many there are in both. `similarities` computes it
exactly. `MinHasher` gives each text keys that similar texts are likely to share,
so that few pairs must be compared. `near_duplicates.py` finds the pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from keras_textcls.utils.ragged import spans

WIDTH = 5
# Fills a short text up to one window. Normalized texts hold no white space but spaces.
_FILL = "\n"
# Number of code points that are hashed at a time; they fit into a core's cache.
_CHUNK = 1 << 16
# Bands that a text has keys for where that is enough, and the most rows of one.
_BANDS, _ROWS = 16, 24
# Texts that have nothing to do with each other, and how often their keys may agree.
_UNRELATED_SIMILARITY, _UNRELATED_MATCHES = 0.1, 2e-5


def bands_and_rows(
    threshold: float, recall: float = 0.99, most_hashes: int = 320
) -> tuple[int, int]:
    """Choose how many bands of how many MinHash rows find pairs of a similarity.

    Two texts of similarity `s` agree in one row with probability `s`, in all rows
    of a band with `s ** rows`, and in one band at least with
    `1 - (1 - s ** rows) ** bands`. More rows keep unrelated texts apart, and need
    more bands to find the similar ones. This takes as many rows as 16 bands
    allow, 24 at most. If unrelated texts (similarity 0.1) would agree in a band more
    often than once in 50,000 pairs, it takes more of both, as `most_hashes` allows.

    Args:
        threshold: float in (0, 1], the least similarity to find.
        recall: float in (0, 1), the probability of finding a pair at the
            threshold. Defaults to `0.99`.
        most_hashes: int, the most that `bands * rows` may be. Defaults to `320`.

    Returns:
        A tuple `(bands, rows)`.

    Example:
    >>> bands_and_rows(0.8)
    (16, 6)

    Reference:
        Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3.
    """
    chosen = _bands(threshold, 1, recall), 1
    for rows in range(2, _ROWS + 1):
        bands = _bands(threshold, rows, recall)
        strangers = chosen[0] * _UNRELATED_SIMILARITY ** chosen[1]
        if bands * rows > most_hashes or (bands > _BANDS and strangers <= _UNRELATED_MATCHES):
            break
        chosen = bands, rows
    return chosen


def _bands(threshold: float, rows: int, recall: float) -> int:
    agree = threshold**rows
    return 1 if agree >= recall else math.ceil(math.log1p(-recall) / math.log1p(-agree))


def shingle_counts(texts: Sequence[str]) -> np.ndarray:
    """Return how many windows each text has, repeated ones included.

    Args:
        texts: sequence of normalized strings.

    Returns:
        An int64 array of shape `(len(texts),)`, at least 1 each.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return np.maximum(lengths - WIDTH + 1, 1)


def cut(sizes: np.ndarray, most: int) -> Iterator[slice]:
    """Cut items into runs whose sizes add up to `most` at most.

    Args:
        sizes: int array, the size of each item; one may be over `most`, and
            then has a run to itself.
        most: int.

    Yields:
        Slices that cover all items in order.
    """
    ends = np.cumsum(sizes)
    start, done = 0, 0
    while start < len(sizes):
        stop = max(start + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield slice(start, stop)
        start, done = stop, int(ends[stop - 1])


def _code_points(texts: Sequence[str]) -> np.ndarray:
    """All texts in one array, short ones filled up to a window."""
    joined = "".join([text.ljust(WIDTH, _FILL) for text in texts])
    return np.frombuffer(joined.encode("utf-32-le"), "<u4")


def _inside(counts: np.ndarray) -> np.ndarray:
    """Which windows of the joined texts lie inside of one text."""
    ends = np.cumsum(counts + WIDTH - 1)
    inside = np.ones(ends[-1] - WIDTH + 1, bool)
    inside[(ends[:-1, None] - np.arange(1, WIDTH)).ravel()] = False
    return inside


class MinHasher:
    """MinHash keys of normalized texts, one a band.

    A row is the least of the hashes of a text's shingles under one of
    `bands * rows` hash functions; the rows of a band are hashed to one key of 32
    bits. Texts agree in a row with the probability of their similarity.

    Args:
        bands: int, how many keys a text gets.
        rows: int, number of rows that are hashed into a key.
        seed: int, draws the hash functions.

    Reference:
        Broder, On the resemblance and containment of documents, 1997.
    """

    def __init__(self, bands: int, rows: int, seed: int) -> None:
        self.bands, self.rows = bands, rows
        odd = np.random.SeedSequence(seed).generate_state(WIDTH + bands * rows) | np.uint32(1)
        self._multipliers, self._factors = odd[:WIDTH], odd[WIDTH:]

    def keys(self, texts: Sequence[str]) -> np.ndarray:
        """Return the keys of texts.

        Args:
            texts: sequence of normalized strings.

        Returns:
            A uint32 array of shape `(bands, len(texts))`.
        """
        counts = shingle_counts(texts)
        keys = np.empty((self.bands, len(texts)), np.uint32)
        for chunk in cut(counts + WIDTH - 1, _CHUNK):
            keys[:, chunk] = self._keys(texts[chunk], counts[chunk])
        return keys

    def _keys(self, texts: Sequence[str], counts: np.ndarray) -> np.ndarray:
        hashes = self._hash(_code_points(texts))[_inside(counts)]
        starts = np.cumsum(counts) - counts
        mixed, lowest = np.empty_like(hashes), np.empty(len(texts), np.uint32)
        keys = np.zeros((self.bands, len(texts)), np.uint32)
        for i, factor in enumerate(self._factors):
            np.multiply(hashes, factor, out=mixed)
            np.minimum.reduceat(mixed, starts, out=lowest)
            key = keys[i // self.rows]
            key ^= lowest
            _scramble(key)
        return keys

    def _hash(self, points: np.ndarray) -> np.ndarray:
        """A hash of each window: a sum of products, scrambled."""
        size = len(points) - WIDTH + 1
        hashes = points[:size] * self._multipliers[0]
        for i in range(1, WIDTH):
            hashes += points[i : i + size] * self._multipliers[i]
        _scramble(hashes)
        return hashes


def _scramble(hashes: np.ndarray) -> None:
    """Mix the bits in place, one to one (the finish of MurmurHash3)."""
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)


def similarities(texts: Sequence[str], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compute the exact similarity of pairs of texts.

    Memory grows with the pairs, some 45 bytes for each code point of both texts:
    give many pairs in parts.

    Args:
        texts: sequence of normalized strings.
        first: int array, the index of one text of each pair.
        second: int array of the same length, the index of the other.

    Returns:
        A float64 array, the Jaccard similarity of each pair's sets of shingles.

    Example:
    >>> similarities(["abcdefg", "abcdefgh"], np.array([0]), np.array([1]))
    array([0.75])
    """
    if len(first) == 0:
        return np.empty(0)
    counts = shingle_counts(texts)
    codes, bits = _codes(_code_points(texts), _inside(counts), 64 - len(first).bit_length() - 1)
    starts = np.cumsum(counts) - counts
    keys = []
    for side, members in enumerate((first, second)):
        sizes = counts[members]
        pairs = np.repeat(np.arange(len(members), dtype=np.uint64), sizes) << np.uint64(bits + 1)
        keys.append(pairs | codes[spans(starts[members], sizes)] | np.uint64(side))
    # After sorting, repeated shingles of one text and shared ones of both are adjacent.
    ordered = np.concatenate(keys)
    ordered.sort()
    steps = np.full(len(ordered), 2, np.uint64)
    np.bitwise_xor(ordered[1:], ordered[:-1], out=steps[1:])
    sizes = counts[first] + counts[second]
    starts = np.cumsum(sizes) - sizes
    union = np.add.reduceat(steps > 1, starts, dtype=np.int64)
    both = np.add.reduceat(steps > 0, starts, dtype=np.int64)
    return np.asarray((both - union) / union)


def _codes(points: np.ndarray, inside: np.ndarray, most_bits: int) -> tuple[np.ndarray, int]:
    """A number for each window inside of a text, the same only for equal windows.

    Five code points of 21 bits are too many for 64; numbered by the code points
    that occur they fit in nearly all cases, and else their beginnings are numbered
    by those that occur as well. The numbers are shifted left by one.
    """
    present = np.zeros(int(points.max()) + 1, bool)
    present[points] = True
    alphabet = np.flatnonzero(present)
    ranks = np.zeros(len(present), np.uint64)
    ranks[alphabet] = np.arange(len(alphabet), dtype=np.uint64)
    ranks = ranks[points]
    size = len(points) - WIDTH + 1
    step = bits = _bits(len(alphabet))
    codes = ranks[:size]
    for i in range(1, WIDTH):
        if bits + step > most_bits:
            codes, bits = _renumber(codes)
        codes = (codes << np.uint64(step)) | ranks[i : i + size]
        bits += step
    codes = codes[inside]
    if bits > most_bits:
        codes, bits = _renumber(codes)
    return codes << np.uint64(1), bits


def _renumber(codes: np.ndarray) -> tuple[np.ndarray, int]:
    distinct, ranks = np.unique(codes, return_inverse=True)
    return ranks.astype(np.uint64), _bits(len(distinct))


def _bits(count: int) -> int:
    return max(count - 1, 1).bit_length()
