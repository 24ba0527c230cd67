"""Sort customer messages by what they are about, with the preset that ships with the package.

    python examples/customer_messages.py [FILE.csv] [--output DIRECTORY]

The file has the columns `text` and `label`; without one, 252 messages written
for this example are used. A fifth of each label is held out and judged. No
network is needed: the model, `mini_encoder_en_uncased`, is part of the package.
"""

import argparse
import csv
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MESSAGES = Path(__file__).parent / "data" / "customer_messages.csv"
TYPED = ["where is my parcel, it shoud have come on monday", "You charged my card two times!"]


def read(path: Path) -> list[tuple[str, str]]:
    """The columns `text` and `label` of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def split(rows: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Every fifth row of each label is held out."""
    seen: Counter[str] = Counter()
    parts: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for text, label in rows:
        parts[seen[label] % 5 == 0].append((text, label))
        seen[label] += 1
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description="Train, judge, use and save a classifier.")
    parser.add_argument("file", nargs="?", type=Path, default=MESSAGES)
    parser.add_argument("--output", type=Path, help="preset directory (default: a temporary one)")
    options = parser.parse_args()

    import keras

    from keras_textcls import TextClassifier

    keras.utils.set_random_seed(0)
    train, held_out = split(read(options.file))
    labels = sorted({label for _, label in train})
    classifier = TextClassifier.from_preset("mini_encoder_en_uncased", labels=labels)

    start = time.monotonic()
    texts, names = map(list, zip(*train, strict=True))
    classifier.compile(optimizer=keras.optimizers.Adam(2e-4))
    classifier.fit(texts, names, epochs=12, batch_size=16, seed=0, verbose=0)
    print(f"trained on {len(train)} messages in {time.monotonic() - start:.0f} s")

    texts, names = map(list, zip(*held_out, strict=True))
    result = classifier.evaluate(texts, names, verbose=0, return_dict=True)
    print(f"accuracy on {len(held_out)} others {result['sparse_categorical_accuracy']:.3f}")
    for text, answer in zip(TYPED, classifier.classify(TYPED), strict=True):
        print(f"{answer.label} {answer.score:.2f}: {text}")

    with tempfile.TemporaryDirectory() as scratch:
        preset = options.output or Path(scratch) / "customer_messages"
        classifier.save_to_preset(preset)
        again = TextClassifier.from_preset(preset)
        same = [a.label for a in again.classify(texts)] == [
            a.label for a in classifier.classify(texts)
        ]
        print(f"saved to {preset.name} and loaded again: {'same' if same else 'OTHER'} answers")


if __name__ == "__main__":
    main()
