"""Near duplicates among generated texts: rows a second, memory, recall.

    python benchmarks/near_duplicates.py [--rows 1000000] [--threshold 0.8]

Texts have 2 to 28 words of a made-up vocabulary, drawn as often as words of a
language are. One row in twenty is a copy of an earlier text with an edit or two;
the recall is over those copies that are as similar to their originals as the
threshold says, by sets of Python strings. `--boilerplate SHARE` makes that share
of the rows letters of one form: 80 words in common, 12 of their own.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import time
from pathlib import Path
from unittest import mock

import numpy as np

from keras_textcls.data.checks.near_duplicates import exact_duplicates, near_duplicates, normalize
from keras_textcls.data.checks.shingles import WIDTH, bands_and_rows, similarities

SYLLABLES = [c + v + e for c in "bdfghklmnprstvw" for v in "aeiou" for e in ("", "n", "r", "s")]
VOCABULARY = 30_000
WORDS = 28
PLANTED = 20
FORM, OWN = 80, 12


def vocabulary(rng: random.Random) -> list[str]:
    """Distinct words of 1 to 4 syllables, the short ones mostly first."""
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        most = min(4, 1 + len(words) // 100)
        words["".join(rng.choices(SYLLABLES, k=rng.randint(1, most)))] = None
    return list(words)


def edited(text: str, words: list[str], rng: random.Random) -> str:
    """A copy with one or two of: a word replaced, left out or added, a typo, a mark."""
    copy = text.split()
    for _ in range(rng.randint(1, 2)):
        place = rng.randrange(len(copy))
        kind = rng.randrange(5)
        if kind == 0:
            copy[place] = rng.choice(words)
        elif kind == 1 and len(copy) > 1:
            del copy[place]
        elif kind == 2:
            copy.insert(place, rng.choice(words))
        elif kind == 3:
            copy[place] = copy[place][1:] + "e"
        else:
            copy[-1] += "!"
    return " ".join(copy).capitalize()


def generate(rows: int, boilerplate: float, seed: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Texts, and the pairs of rows that are an original and its edited copy."""
    rng = random.Random(seed)
    words = vocabulary(rng)
    weights = np.cumsum(1 / (np.arange(VOCABULARY) + 3.0)).tolist()
    form = rng.choices(words, cum_weights=weights, k=FORM)
    texts: list[str] = []
    pairs = []
    for row in range(rows):
        if row and row % PLANTED == 0:
            original = rng.randrange(row)
            pairs.append((original, row))
            texts.append(edited(texts[original], words, rng))
        elif rng.random() < boilerplate:
            own = rng.choices(words, cum_weights=weights, k=OWN)
            texts.append(" ".join([*form[: FORM // 2], *own, *form[FORM // 2 :]]))
        else:
            texts.append(" ".join(rng.choices(words, cum_weights=weights, k=rng.randint(2, WORDS))))
    return texts, pairs


def similarity(first: str, second: str) -> float:
    """The Jaccard similarity of two texts, by sets of strings."""
    sets = []
    for text in (normalize(first), normalize(second)):
        sets.append({text[i : i + WIDTH] for i in range(max(1, len(text) - WIDTH + 1))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def recall(
    texts: list[str], pairs: list[tuple[int, int]], clusters: list[np.ndarray], threshold: float
) -> tuple[int, int]:
    """How many similar enough pairs are in one cluster, and how many there are."""
    cluster = np.full(len(texts), -1)
    for number, members in enumerate(clusters):
        cluster[members] = number
    similar = [p for p in pairs if similarity(texts[p[0]], texts[p[1]]) >= threshold]
    num_hits = sum(cluster[a] == cluster[b] != -1 for a, b in similar)
    return num_hits, len(similar)


def resident_mib() -> float:
    """Memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mib() -> float:
    """The most memory that the process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_exact(texts: list[str]) -> None:
    """Print how long finding exact duplicates takes."""
    held, start = resident_mib(), time.perf_counter()
    groups = exact_duplicates(texts)
    seconds = time.perf_counter() - start
    print(f"exact: {seconds:.1f} s, {len(texts) / seconds:,.0f} rows/s, ", end="")
    print(f"peak {peak_mib() - held:,.0f} MiB over the texts; {len(groups):,} groups")


def measure_near(texts: list[str], pairs: list[tuple[int, int]], threshold: float) -> None:
    """Print how long finding near duplicates takes, and how many it finds."""
    compared = 0

    def counted(some: list[str], first: np.ndarray, second: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += len(first)
        return similarities(some, first, second)

    with mock.patch("keras_textcls.data.checks.near_duplicates.similarities", counted):
        held, start = resident_mib(), time.perf_counter()
        clusters = near_duplicates(texts, threshold)
        seconds = time.perf_counter() - start
    peak = peak_mib() - held
    bands, rows = bands_and_rows(threshold)
    num_hits, similar = recall(texts, pairs, clusters, threshold)
    print(f"near, threshold {threshold}: {seconds:.1f} s, ", end="")
    print(f"{len(texts) / seconds:,.0f} rows/s, ", end="")
    print(f"peak {peak:,.0f} MiB over the texts; {bands} bands of {rows} rows, ", end="")
    print(f"{compared:,} pairs compared, {len(clusters):,} clusters")
    print(f"recall: {num_hits:,} of {similar:,} planted pairs, {num_hits / max(similar, 1):.4f}")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--boilerplate", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    texts, pairs = generate(arguments.rows, arguments.boilerplate, arguments.seed)
    words = np.mean([text.count(" ") + 1 for text in texts[:10_000]])
    characters = np.mean([len(text) for text in texts[:10_000]])
    print(f"{len(texts):,} texts of {words:.0f} words, {characters:.0f} characters on average")
    measure_exact(texts)
    measure_near(texts, pairs, arguments.threshold)


if __name__ == "__main__":
    main()
