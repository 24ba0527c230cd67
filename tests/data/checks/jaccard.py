"""Similarities and clusters by brute force, with sets of Python strings."""

import numpy as np


def shingle_set(text):
    return {text[i : i + 5] for i in range(len(text) - 4)} or {text}


def jaccard(first, second):
    a, b = shingle_set(first), shingle_set(second)
    return len(a & b) / len(a | b)


def components(count, links):
    """Members of each component of two or more, as sorted lists in order of the first."""
    groups = {i: {i} for i in range(count)}
    for a, b in links:
        if groups[a] is not groups[b]:
            groups[a] |= groups[b]
            for member in groups[b]:
                groups[member] = groups[a]
    return sorted(
        sorted(group) for i, group in groups.items() if i == min(group) and len(group) > 1
    )


def clusters(texts, threshold):
    """What near_duplicates would find if it compared all pairs of normalized texts."""
    sets = [shingle_set(text) for text in texts]
    links = [
        (i, j)
        for i in range(len(texts))
        for j in range(i)
        if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold
    ]
    return components(len(texts), links)


def edited_texts(count, alphabet, longest, rng, share=0.5):
    """Random texts; a share of them are copies of earlier ones with one to three edits."""
    texts = []
    for _ in range(count):
        if texts and rng.random() < share:
            text = list(texts[rng.integers(len(texts))])
            for _ in range(rng.integers(1, 4)):
                if text:
                    text[rng.integers(len(text))] = rng.choice(alphabet)
        else:
            text = rng.choice(alphabet, rng.integers(0, longest + 1))
        texts.append("".join(text))
    return texts


def pair_at(similarity, rng, length=200):
    """A random text and its beginning, the least similar pair that is as similar as said."""
    # No character comes twice, so all shingles of the text are distinct.
    text = "".join(map(chr, rng.choice(20_000, length, replace=False) + 0x4E00))
    return text, text[: 4 + int(np.ceil((length - 4) * similarity))]
