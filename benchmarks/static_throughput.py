"""Short texts a second through a static preset: texts in, probabilities out.

    python benchmarks/static_throughput.py FILE.csv [--preset static_embedding_en_uncased]

`FILE.csv` has a column `text`. Beside it runs model2vec (`pip install
model2vec`) on the same vectors and vocabulary, texts in, vectors out, with the
same weights of tokens folded in; with a NumPy softmax layer after it, it gives
what a classifier would. Both run in one process, turn by turn.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_textcls import TextClassifier

REPEATS = 5
CLASSES = 6


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--preset", default="static_embedding_en_uncased")
    arguments = parser.parse_args()
    with arguments.file.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    classifier = TextClassifier.from_preset(arguments.preset, num_classes=CLASSES)
    contenders: dict[str, Callable[[], Any]] = {
        f"{arguments.preset}, predict_proba": lambda: classifier.predict_proba(texts, verbose=0)
    }
    try:
        contenders.update(_model2vec(classifier, texts))
    except ImportError:
        print("model2vec is not installed")
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for _ in range(REPEATS):
        for name, call in contenders.items():
            start = time.perf_counter()
            call()
            speeds[name].append(len(texts) / (time.perf_counter() - start))
    words = statistics.mean(len(text.split()) for text in texts)
    print(f"{len(texts):,} texts of {words:.0f} words, {keras.config.backend()}\n")
    print("| contender | texts/s | lowest to highest |\n|---|---:|---:|")
    for name, rates in speeds.items():
        print(
            f"| {name} | {statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} |"
        )


def _model2vec(classifier: Any, texts: list[str]) -> dict[str, Callable[[], Any]]:
    import model2vec
    import tokenizers

    backbone, tokenizer = classifier.backbone, classifier.preprocessor.tokenizer
    vocabulary = {token: i for i, token in enumerate(tokenizer.get_vocabulary())}
    twin = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    twin.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    twin.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    table = keras.ops.convert_to_numpy(backbone.token_embedding.embeddings)
    scores = keras.ops.convert_to_numpy(backbone.token_score.embeddings)
    model = model2vec.StaticModel(table * np.exp(scores), twin)
    kernel, bias = classifier.output_dense.get_weights()

    def classify() -> np.ndarray:
        logits = model.encode(texts) @ kernel + bias
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True))

    return {
        "model2vec, vectors": lambda: model.encode(texts),
        "model2vec and a softmax layer": classify,
    }


if __name__ == "__main__":
    main()
