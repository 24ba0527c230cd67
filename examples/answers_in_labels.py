"""Teach a causal language model to answer in labels: adapters beside all weights.

    python examples/answers_in_labels.py PRESET [TRAIN.csv TEST.csv]

PRESET is what `examples/gpt_neo_from_scratch.py` wrote, `gpt_neo_125m_en`, or any
preset of a causal language model. The files have the columns `text` and `label`;
without them, messages written for these examples are used. Both models are
trained by the same call and judged on the same texts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from keras_textcls import TextToTextClassifier, compare, read, template, train

DATA = Path(__file__).parent / "data"


def adapters(arguments: argparse.Namespace, output: Path) -> Any:
    """Train low-rank adapters with the template `text_to_text_lora`."""
    chosen = template(
        "text_to_text_lora", epochs=arguments.epochs, learning_rate=arguments.lora_rate,
        batch_size=arguments.batch, targets=("all-linear",), validation_share=0.0,
        alpha=arguments.alpha, lora_dropout=0.0,
    )  # fmt: skip
    run = train(read(arguments.train), arguments.preset, chosen, output, "adapters", verbose=2)
    return run.load()


def all_weights(arguments: argparse.Namespace) -> TextToTextClassifier:
    """Train all weights with `fit`."""
    data = read(arguments.train)
    classifier = TextToTextClassifier.from_preset(arguments.preset, labels=list(data.labels or ()))
    classifier.compile(optimizer=keras.optimizers.AdamW(arguments.rate, global_clipnorm=1.0))
    classifier.fit(data, batch_size=arguments.batch, epochs=arguments.epochs, seed=0, verbose=2)
    return classifier


def main() -> None:
    """Read the arguments, train twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("preset")
    parser.add_argument("train", nargs="?", type=Path, default=DATA / "messages_train.csv")
    parser.add_argument("test", nargs="?", type=Path, default=DATA / "messages_test.csv")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate of all weights")
    parser.add_argument("--lora-rate", type=float, default=1e-3, help="and of the adapters")
    parser.add_argument("--alpha", type=float, default=64.0, help="scale of the adapters, by 16")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = {"adapters": adapters(arguments, Path(folder))}
    models["all weights"] = all_weights(arguments)
    print(compare(models, read(arguments.test)).leaderboard())


if __name__ == "__main__":
    main()
