"""Texts that are the same, or nearly: exact duplicates and near duplicates.

Texts are compared after `normalize`. Exact duplicates are detected by digests. Candidates
for near duplicates are detected by MinHash keys and then compared themselves, so that there
are no false near duplicates. Texts are grouped in NumPy arrays: a million texts take seconds,
and some hundred bytes each. (`datasketch`, which makes an object of each text, detects the
same with 16 to 29 times the processor time and 8 to 12 times the memory; see
benchmarks/LOG.md.)
"""

from __future__ import annotations

import hashlib
import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_textcls.data.checks.linking import EXHAUSTIVE, Components, link_groups
from keras_textcls.data.checks.shingles import (
    MinHasher,
    bands_and_rows,
    cut,
    shingle_counts,
    similarities,
)
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.utils.ragged import spans
from keras_textcls.utils.text_display import without_invisible

Texts = Sequence[str] | np.ndarray
_DIGEST_BYTES = 16
_LOWEST_THRESHOLD = 0.3
# Number of texts whose keys are computed at a time.
_CHUNK = 1024
# Bands that split groups which are too large to compare all pairs of.
_LEVELS = 4
# Shingles of the texts that are compared at a time: what fits in a core's cache.
_BATCH = 1 << 15


def normalize(text: str) -> str:
    """Return the normal form of a text; texts with the same form are duplicates.

    Compatibility forms are unified (Unicode NFKC), case is folded, characters that cannot be
    seen (`without_invisible`) are removed, runs of white space become one space, and white
    space at the ends is removed. Normalizing twice gives the same as normalizing once.

    Args:
        text: string.

    Returns:
        A string.

    Example:
    >>> normalize("  The \ufb01rst   STRASSE ")
    'the first strasse'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", without_invisible(text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def text_digests(texts: Iterable[str]) -> np.ndarray:
    """Compute a digest of each text, the same for texts that normalize to the same.

    It is BLAKE2b with 16 bytes of the normalized text in UTF-8, so digests of
    different runs and machines can be compared. (Python versions may differ on
    characters that are newer than their Unicode tables.) Texts are read one after
    the other and not kept.

    Args:
        texts: iterable of strings.

    Returns:
        A uint64 array of shape `(len(texts), 2)`.

    Raises:
        InvalidDataError: something among the texts is not a string, or not valid
            Unicode.

    Example:
    >>> first, second, third = text_digests(["One text", "one  TEXT", "another"])
    >>> bool((first == second).all()), bool((first == third).all())
    (True, False)
    """
    if isinstance(texts, (str, bytes)):
        raise InvalidDataError(
            f"`texts` must be a list of texts, not a single text. Received: "
            f"texts={shorten(texts)}. Wrap it in a list: [{shorten(texts)}]."
        )
    digests = bytearray()
    for index, text in enumerate(texts):
        digests += _digest(text, index)
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


def exact_duplicates(texts: Iterable[str]) -> list[np.ndarray]:
    """Find texts that are the same after `normalize`.

    Texts are read one after the other and not kept; about 40 bytes are kept of each.

    Args:
        texts: iterable of strings.

    Returns:
        A list of groups of two texts or more, in the order of their first texts.
        A group is an int64 array of the indices of its texts, ascending.

    Raises:
        InvalidDataError: something among the texts is not a string, or not valid
            Unicode.

    Example:
    >>> exact_duplicates(["Hello you", "Good bye", "hello  you"])
    [array([0, 2])]
    """
    return equal_digests(text_digests(texts))


def equal_digests(digests: np.ndarray) -> list[np.ndarray]:
    """Find rows of digests that are the same.

    Args:
        digests: uint64 array of shape `(num_texts, columns)`, as `text_digests`
            returns it, or several side by side.

    Returns:
        A list of groups of two rows or more, as from `exact_duplicates`.
    """
    return _groups(*_by_digest(digests))


def near_duplicates(
    texts: Iterable[str], threshold: float = 0.8, seed: int = 0
) -> list[np.ndarray]:
    """Find clusters of texts that are nearly the same.

    Two texts are linked if they share enough of their shingles, the windows of 5
    code points of the normalized texts (a shorter text is one shingle): the
    Jaccard similarity of the two sets is `threshold` or more. A cluster is what
    links connect, so two of its texts may be less similar than that. Exact
    duplicates are in one cluster.

    - *No false links*: every link rests on the texts' own sets of shingles.
    - *Few missed*: the pairs to compare come from MinHash keys, one of which a pair
      right at the threshold shares with a probability of 0.99, and a more similar
      pair with a higher one.
    - *Large groups*: up to 16 texts that share a key are all compared with each
      other. Of more (boilerplate), some are compared with all others, as long as
      that finds links, and the group is split by the keys that follow into smaller
      ones. So the work grows with the number of texts and not with its square, and
      a link inside of a large family of texts that are similar, but less than
      `threshold`, is missed more often than others.
    - *Memory*: beside the texts some 140 bytes each at a threshold of 0.8, and 360
      at 0.5, which needs more keys.

    The clusters depend on the texts, the threshold and the seed, and not on the
    order of the texts.

    Args:
        texts: sequence of strings; another iterable is read into a list first.
        threshold: float from 0.3 to 1, the least similarity of a link. The lower,
            the longer it takes. Defaults to `0.8`.
        seed: int, not negative, draws the hash functions. Defaults to `0`.

    Returns:
        A list of clusters of two texts or more, in the order of their first texts.
        A cluster is an int64 array of the indices of its texts, ascending.

    Raises:
        ArgumentError: `threshold` or `seed` is out of its range.
        InvalidDataError: something among the texts is not a string, or not valid
            Unicode.

    Example:
    >>> near_duplicates([
    ...     "The meeting is on Monday at ten in the large room.",
    ...     "Nothing else is like this text.",
    ...     "The meeting is on Monday at ten in the large room!",
    ... ])
    [array([0, 2])]

    Reference:
        Broder, On the resemblance and containment of documents, 1997; Leskovec,
        Rajaraman and Ullman, Mining of Massive Datasets, chapter 3.
    """
    if not _LOWEST_THRESHOLD <= threshold <= 1:
        raise ArgumentError(
            f"`threshold` must be a similarity from {_LOWEST_THRESHOLD} to 1; too many pairs "
            f"are less similar. Received: threshold={shorten(threshold)}."
        )
    if seed < 0:
        raise ArgumentError(f"`seed` must not be negative. Received: seed={seed}.")
    kept = texts if isinstance(texts, (Sequence, np.ndarray)) else list(texts)
    order, new = _by_digest(text_digests(kept))
    # In the order of their digests, which is the same in whatever order texts come.
    distinct = order[new]
    keys, counts = _keys_and_counts(kept, distinct, MinHasher(*bands_and_rows(threshold), seed))

    def are_similar(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return _similarities(kept, distinct, counts, first, second) >= threshold

    components = Components(len(distinct))
    for band in range(len(keys)):
        for members, sizes in _candidates(keys, band):
            link_groups(members, sizes, components, are_similar)
    labels = np.empty(len(order), np.int64)
    labels[order] = components.find(np.arange(len(distinct)))[np.cumsum(new) - 1]
    order = np.argsort(labels, kind="stable")
    return _groups(order, _changes(labels[order]))


# === Reading ===


def _digest(text: Any, index: int) -> bytes:
    if not isinstance(text, str):
        raise InvalidDataError(
            f"texts[{index}] is not a text: {shorten(text)} of type {type(text).__name__}. Every "
            "text must be a string; drop the row, or convert it with str()."
        )
    try:
        return hashlib.blake2b(normalize(text).encode(), digest_size=_DIGEST_BYTES).digest()
    except UnicodeEncodeError:
        raise InvalidDataError(
            f"texts[{index}] holds a lone surrogate, which is no text: {shorten(text)}. Read the "
            "file with the right encoding."
        ) from None


def _keys_and_counts(
    texts: Texts, distinct: np.ndarray, hasher: MinHasher
) -> tuple[np.ndarray, np.ndarray]:
    """Keys (a row for each band) and numbers of shingles of the distinct texts."""
    first = np.zeros(len(texts), bool)
    first[distinct] = True
    # Texts are read in their own order.
    places = np.argsort(distinct)
    reader = itertools.compress(texts, first.tobytes())
    keys = np.empty((hasher.bands, len(distinct)), np.uint32)
    counts = np.empty(len(distinct), np.int64)
    done = 0
    while chunk := [normalize(text) for text in itertools.islice(reader, _CHUNK)]:
        here = places[done : done + len(chunk)]
        keys[:, here] = hasher.keys(chunk)
        counts[here] = shingle_counts(chunk)
        done += len(chunk)
    return keys, counts


def _similarities(
    texts: Texts, distinct: np.ndarray, counts: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Similarities of pairs of distinct texts, which are read again in batches."""
    result = np.empty(len(first))
    for batch in cut(counts[first] + counts[second], _BATCH):
        pairs = distinct[np.stack([first[batch], second[batch]])]
        used, places = np.unique(pairs, return_inverse=True)
        read = [normalize(texts[i]) for i in used.tolist()]
        result[batch] = similarities(read, *places.reshape(pairs.shape))
    return result


# === Grouping ===


def _by_digest(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The stable order by digest, and where in it another digest begins."""
    order = np.lexsort(digests.T[::-1])
    new = _changes(digests[order, 0])
    for column in digests.T[1:]:
        new |= _changes(column[order])
    return order, new


def _changes(values: np.ndarray) -> np.ndarray:
    """Which values differ from the one before."""
    changes = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def _groups(order: np.ndarray, new: np.ndarray) -> list[np.ndarray]:
    """The runs of `order` that begin where `new` says and hold two or more."""
    starts, sizes = _runs(new)
    runs = [order[i : i + n].copy() for i, n in zip(starts, sizes, strict=True)]
    return sorted(runs, key=lambda run: int(run[0]))


def _runs(new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of two or more begin, and how many each holds."""
    starts = np.flatnonzero(new)
    sizes = np.diff(starts, append=len(new))
    return starts[sizes > 1], sizes[sizes > 1]


def _candidates(keys: np.ndarray, band: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Groups of items that agree in a band, then large ones split by the bands after it."""
    members, sizes = _sharing(np.arange(keys.shape[1]), keys[band])
    yield members, sizes
    for level in range(1, min(_LEVELS, len(keys))):
        large = sizes > EXHAUSTIVE
        groups = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
        within = np.repeat(large, sizes)
        items = members[within]
        # Keys are random enough to hold the number of a group as well.
        split = groups[within] ^ keys[(band + level) % len(keys), items]
        members, sizes = _sharing(items, split)
        yield members, sizes


def _sharing(items: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The items that share their key with another, by key, and how many share each."""
    # Sorting both in one number is faster than an order by key, and keeps items in order.
    ordered = keys.astype(np.uint64) << np.uint64(32)
    ordered |= items.astype(np.uint64)
    ordered.sort()
    starts, sizes = _runs(_changes(ordered >> np.uint64(32)))
    members = ordered[spans(starts, sizes)] & np.uint64(0xFFFFFFFF)
    return members.astype(np.int64), sizes
