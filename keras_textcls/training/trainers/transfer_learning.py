"""The template `transfer_learning`: embeds texts once and solves the head of a classifier."""

from __future__ import annotations

import math
import time
from typing import Any

import keras
import numpy as np

from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError
from keras_textcls.inputs.targets import read_targets
from keras_textcls.training.solved_heads.head_installation import install_head
from keras_textcls.training.solved_heads.hidden_head import HiddenHead, solve_hidden_head
from keras_textcls.training.solved_heads.linear_head import LinearHead, solve_linear_head
from keras_textcls.training.templates import TransferLearning
from keras_textcls.training.trainers.embedding_cache import EmbeddingCache, embed_cached
from keras_textcls.training.trainers.enrichment import (
    add_neutral,
    neutral_texts,
    wants_neutral_texts,
)
from keras_textcls.training.trainers.job import Job, Outcome

# Maximum number of texts on which the initial head of a fine-tuning is solved.
_TEXTS_FOR_A_START = 8192
# Chunks of a sentence or two gave a better accuracy on reviews (benchmarks/LOG.md).
_SHORT_CHUNK = 32
_MANY_LONG_TEXTS = 0.05
# With fewer texts, or more labels, embeddings of length 1 were always better (benchmarks/LOG.md).
_FEW_TEXTS = 200
_MANY_LABELS = 50


def transfer(job: Job) -> Outcome:
    """Solve the head of a classifier on embeddings; see `TransferLearning`.

    Args:
        job: `Job` whose template is a `TransferLearning`.

    Returns:
        An `Outcome`.
    """
    template: TransferLearning = job.template
    begun = time.monotonic()
    classifier = job.load()
    _take_long_texts(classifier, template.long_texts, job)
    embedder = _with_head(classifier, template, False)
    cache = EmbeddingCache() if template.cache else None
    solved, seconds, was_cached = [], 0.0, True
    for length in _chunk_lengths(embedder, job):
        embedder.sequence_length = length
        before = time.monotonic()
        features, hit = embed_cached(embedder, job.dataset, cache, int(job.verbose == 1))
        seconds, was_cached = seconds + time.monotonic() - before, was_cached and hit
        solved.append((*_solve(job, embedder, features, cache), length))
    head, normalize, length = min(solved, key=lambda candidate: _calibrated_loss(candidate[0]))
    classifier = _with_head(classifier, template, normalize)
    classifier.sequence_length = length
    install_head(classifier, head)
    # The temperature calibrates the probabilities of texts that the head was not solved on.
    classifier.temperature = head.temperature
    for note in head.notes:
        job.log(note)
    metrics: dict[str, Any] = {
        "strength": head.regularization,
        "normalize": normalize,
        "sequence_length": length,
        **_held_out_scores(head),
        "embedding_seconds": round(seconds, 3),
        "seconds": round(time.monotonic() - begun, 3),
        "embeddings_cached": was_cached,
    }
    if job.validation is not None:
        scores = classifier.evaluate(job.validation, verbose=0, return_dict=True)
        metrics |= {f"val_{name}": float(value) for name, value in scores.items()}
    return Outcome(classifier, metrics)


def _with_head(
    classifier: TextClassifier, template: TransferLearning, normalize: bool
) -> TextClassifier:
    """Give a classifier the head that is to be solved, on the same backbone."""
    pooling = template.pooling
    if pooling == "auto":
        # The pooling of Keras Hub's own heads is made for training; frozen, the mean is better.
        is_native = classifier.head.keras_hub is not None
        pooling = "mean" if is_native else classifier.pooling
    return classifier.with_new_head(
        pooling=pooling,
        hidden_dim=template.hidden_dim if template.head == "hidden" else None,
        normalize=normalize,
    )


def _take_long_texts(classifier: TextClassifier, wanted: str, job: Job) -> None:
    if wanted == "truncate":
        return
    try:
        classifier.long_texts = wanted
    except ArgumentError as error:
        job.log(f"Long texts are cut off: {error}")


def _chunk_lengths(classifier: TextClassifier, job: Job) -> list[int]:
    """The candidates for the length of chunks."""
    template: TransferLearning = job.template
    length = classifier.sequence_length
    assert length is not None
    if classifier.long_texts != "chunk":
        return [length]
    if job.dataset.text_pairs is not None:
        job.log(f"Text pairs are read up to {length} tokens; they are not split into chunks.")
        return [length]
    if template.piece_length is not None:
        return [min(length, template.piece_length)]
    if length <= _SHORT_CHUNK or max(map(len, job.dataset.texts)) <= length:
        return [length]
    share = job.dataset.stats(classifier).truncated or 0.0
    return [length, _SHORT_CHUNK] if share >= _MANY_LONG_TEXTS else [length]


def _solve(
    job: Job, classifier: TextClassifier, features: np.ndarray, cache: EmbeddingCache | None
) -> tuple[LinearHead | HiddenHead, bool]:
    """The best head, and whether it is for features of length 1."""
    template: TransferLearning = job.template
    targets = targets_of(classifier, job.dataset)
    weight = job.sample_weight
    if wants_neutral_texts(template.enrich, targets, classifier.multi_label):
        neutral, _ = embed_cached(classifier, list(neutral_texts()), cache)
        features, targets, weight = add_neutral(features, targets, neutral, weight)
        job.log(f"{len(neutral)} neutral sentences train as negatives of every label")
    arguments: dict[str, Any] = {
        "multi_label": classifier.multi_label,
        "strengths": "auto" if template.strengths is None else template.strengths,
        "seed": template.seed,
        "class_weight": template.class_weight,
        "sample_weight": weight,
        "num_classes": classifier.num_classes,
    }
    if template.head == "linear":
        solve: Any = solve_linear_head
        arguments["folds"] = "auto" if template.folds is None else template.folds
    else:
        solve = solve_hidden_head
        arguments["hidden_dim"] = template.hidden_dim
        if getattr(classifier, "pooled_dense", None) is not None:
            activation = keras.activations.serialize(classifier.pooled_dense.activation)
            arguments["activation"] = activation
    if template.normalize is not None:
        choices = [template.normalize]
    else:
        few_or_many = len(job.dataset) < _FEW_TEXTS or classifier.num_classes > _MANY_LABELS
        choices = [True] if few_or_many else [True, False]
    solved = [
        (solve(_to_length_one(features) if choice else features, targets, **arguments), choice)
        for choice in choices
    ]
    return min(solved, key=lambda pair: _calibrated_loss(pair[0]))


def _to_length_one(features: np.ndarray) -> np.ndarray:
    lengths = np.sqrt((features.astype("float64") ** 2).sum(axis=1, keepdims=True))
    return (features / np.maximum(lengths, 1e-12)).astype("float32")


def _calibrated_loss(head: LinearHead | HiddenHead) -> float:
    return min((score.calibrated_loss for score in head.scores), default=math.inf)


def targets_of(classifier: TextClassifier, dataset: TextDataset) -> np.ndarray:
    """Return the labels of a dataset as targets for the classifier's outputs.

    Args:
        classifier: `TextClassifier`.
        dataset: `TextDataset`.

    Returns:
        An array, as `read_targets` returns it.
    """
    targets = dataset.targets
    if classifier.multi_label and not dataset.multi_label:
        targets = [[name] for name in targets or ()]
    return read_targets(targets, classifier.labels, classifier.multi_label, len(dataset))


def start_head(classifier: TextClassifier, dataset: TextDataset, seed: int) -> str | None:
    """Initialize the head of a classifier by solving it, before all weights are trained.

    A random head would distort the pretrained features of the backbone before the head
    itself is trained ([Kumar et al., 2022](https://arxiv.org/abs/2202.10054)).

    Args:
        classifier: `TextClassifier`, not trained yet.
        dataset: `TextDataset`.
        seed: int, random seed of the sample of texts and the folds.

    Returns:
        The reason why the head was not solved, or `None`.
    """
    if getattr(classifier, "pooled_dense", None) is not None:
        return "the head has a hidden layer"
    if len(dataset) > _TEXTS_FOR_A_START:
        dataset = dataset.sample(_TEXTS_FOR_A_START, seed)
    features = classifier.embed(dataset, verbose=0)
    if classifier.normalize:
        features = _to_length_one(features)
    head = solve_linear_head(
        features,
        targets_of(classifier, dataset),
        classifier.multi_label,
        seed=seed,
        num_classes=classifier.num_classes,
    )
    if _is_hidden_by_dropout(head, features, classifier.dropout):
        return "the noise of dropout would be larger than the logits of a solved head"
    install_head(classifier, head)
    return None


def _is_hidden_by_dropout(head: LinearHead, features: np.ndarray, dropout: float) -> bool:
    """Whether the noise of dropout in the logits is larger than the spread between texts.

    This is the case for a backbone that was never trained, whose features hardly differ.
    """
    noise = np.sqrt(dropout / (1 - dropout) * (features**2 @ head.kernel**2).mean())
    return bool(noise > (features @ head.kernel).std(axis=0).mean())


def _held_out_scores(head: LinearHead | HiddenHead) -> dict[str, float]:
    best = min(head.scores, key=lambda score: score.calibrated_loss, default=None)
    if best is None:
        return {}
    return {
        "held_out_loss": float(best.calibrated_loss),
        "held_out_accuracy": float(best.accuracy),
    }
