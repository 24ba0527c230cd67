"""The tasks of the accuracy benchmark: which texts to train on, which to test on, the metrics."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FEW = 1000
SEPARATOR = "|"
TRANSFER_SETS = {
    "sms_spam": "test",
    "sst2": "validation",
    "trec": "test",
    "emotion": "test",
    "banking77": "test",
    "clinc150": "test",
    "ag_news": "test",
    "mr": "test",
}
FINE_TUNING_SETS = {
    "trec": "test",
    "banking77": "test",
    "sst2": "validation",
    "goemotions_multilabel": "test",
}
SEED_SETS = ("seed_imdb_129", "seed_imdb_200")


class Examples(NamedTuple):
    """Texts and the cell of the label column of each."""

    texts: list[str]
    labels: list[str]


class Task(NamedTuple):
    """Texts to train on, texts to test on, and the names of the labels, sorted.

    In a multi-label task the label of a text is a string of names with bars between them.
    """

    name: str
    train: Examples
    test: Examples
    names: list[str]
    multi_label: bool = False

    def targets(self, examples: Examples) -> np.ndarray:
        """Class indices, or for multi-label a matrix of zeros and ones."""
        index = {name: number for number, name in enumerate(self.names)}
        if not self.multi_label:
            return np.array([index[label] for label in examples.labels])
        matrix = np.zeros((len(examples.labels), len(self.names)), dtype="int64")
        for row, label in enumerate(examples.labels):
            matrix[row, [index[name] for name in label.split(SEPARATOR)]] = 1
        return matrix


def read_examples(path: Path, text: str = "text", label: str = "label") -> Examples:
    """The texts and labels of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return Examples([row[text] for row in rows], [row[label] for row in rows])


def take(examples: Examples, chosen: Sequence[int] | np.ndarray) -> Examples:
    """Some of the examples, in the order of their numbers in `chosen`."""
    return Examples([examples.texts[i] for i in chosen], [examples.labels[i] for i in chosen])


def draw(examples: Examples, count: int, seed: int) -> Examples:
    """`count` examples drawn with a seed, with the mix of labels of the whole."""
    from sklearn.model_selection import train_test_split

    chosen, _ = train_test_split(
        np.arange(len(examples.texts)),
        train_size=count,
        stratify=examples.labels,
        random_state=seed,
    )
    return take(examples, chosen)


def transfer_task(data: Path, name: str, seed: int) -> Task:
    """A thousand texts of a data set to train on, all its test texts."""
    train = read_examples(data / name / "train.csv")
    test = read_examples(data / name / f"{TRANSFER_SETS[name]}.csv")
    return Task(name, draw(train, FEW, seed), test, sorted(set(train.labels)))


def fine_tuning_task(data: Path, name: str, seed: int) -> Task:
    """A whole data set; the seed is left to the training."""
    train = read_examples(data / name / "train.csv")
    test = read_examples(data / name / f"{FINE_TUNING_SETS[name]}.csv")
    multi_label = name.endswith("multilabel")
    names = {
        part
        for label in train.labels
        for part in (label.split(SEPARATOR) if multi_label else [label])
    }
    return Task(name, train, test, sorted(names), multi_label)


def seed_task(data: Path, name: str, seed: int) -> Task:
    """Two hundred film reviews: 71 of them held out, or all of them beside 10,000 others."""
    folder = data / "seed_imdb"
    reviews = read_examples(folder / "imdb.csv", "input", "concepts")
    if name == "seed_imdb_129":
        test = read_examples(folder / "test_imdb.csv", "input", "concepts")
        known = set(test.texts)
        train = take(reviews, [i for i, text in enumerate(reviews.texts) if text not in known])
    else:
        train, test = reviews, read_examples(data / "imdb_10k" / "test.csv")
    return Task(name, train, test, sorted(set(reviews.labels)))


def metrics(task: Task, scores: np.ndarray) -> dict[str, Any]:
    """Accuracy, macro F1 and macro ROC AUC of probabilities, a column for each name.

    In a multi-label task a label is predicted at a probability of 0.5 or more, and accuracy is
    the share of texts that have exactly their labels.
    """
    from sklearn.metrics import f1_score, roc_auc_score

    if scores.shape != (len(task.test.texts), len(task.names)):
        raise ValueError(f"Scores of shape {scores.shape} for {task.name}.")
    truth = task.targets(task.test)
    if task.multi_label:
        predicted = (scores >= 0.5).astype("int64")
        right = (predicted == truth).all(axis=1)
        matrix = truth
    else:
        predicted = scores.argmax(axis=1)
        right = predicted == truth
        matrix = np.eye(len(task.names), dtype="int64")[truth]
    occurring = matrix.any(axis=0)
    auc = roc_auc_score(matrix[:, occurring], scores[:, occurring], average="macro")
    return {
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
        "roc_auc": float(auc),
        "train_rows": len(task.train.texts),
        "test_rows": len(task.test.texts),
    }
