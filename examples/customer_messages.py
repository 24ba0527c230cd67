"""Sort customer messages by what they are about, with the preset that ships with the package.

    python examples/customer_messages.py [FILE.csv] [--output DIRECTORY]

The file has the columns `text` and `label` (any file that `read` takes); without
one, 252 messages written for this example are used. A fifth of each label is held
out and judged. No network is needed: the model, `mini_encoder_en_uncased`, is part
of the package.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MESSAGES = Path(__file__).parent / "data" / "customer_messages.csv"
TYPED = ["where is my parcel, it shoud have come on monday", "You charged my card two times!"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train, judge, use and save a classifier.")
    parser.add_argument("file", nargs="?", type=Path, default=MESSAGES)
    parser.add_argument("--output", type=Path, help="preset directory (default: a temporary one)")
    options = parser.parse_args()

    import keras

    from keras_textcls import TextClassifier, read

    keras.utils.set_random_seed(0)
    train, _, held_out = read(options.file).split(train=0.8, validation=0, test=0.2, seed=0)
    classifier = TextClassifier.from_preset("mini_encoder_en_uncased", labels=train.labels)

    start = time.monotonic()
    classifier.compile(optimizer=keras.optimizers.Adam(2e-4))
    classifier.fit(train, epochs=12, batch_size=16, seed=0, verbose=0)
    print(f"trained on {len(train)} messages in {time.monotonic() - start:.0f} s")

    result = classifier.evaluate(held_out, verbose=0, return_dict=True)
    print(f"accuracy on {len(held_out)} others {result['sparse_categorical_accuracy']:.3f}")
    for text, answer in zip(TYPED, classifier.classify(TYPED), strict=True):
        print(f"{answer.label} {answer.score:.2f}: {text}")

    with tempfile.TemporaryDirectory() as scratch:
        preset = options.output or Path(scratch) / "customer_messages"
        classifier.save_to_preset(preset)
        again = TextClassifier.from_preset(preset)
        same = [a.label for a in again.classify(held_out)] == [
            a.label for a in classifier.classify(held_out)
        ]
        print(f"saved to {preset.name} and loaded again: {'same' if same else 'OTHER'} answers")


if __name__ == "__main__":
    main()
