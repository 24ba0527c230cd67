"""A training in a process of its own, which may be killed at any of its file operations."""

import os
import signal
import sys

import keras
import keras_hub

from keras_textcls import read
from keras_textcls.training.templates import from_text
from keras_textcls.training.train import train

WORDS = "win cash now free prize see you at six home call me later tonight".split()
_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")


def write_preset(directory, num_layers=1):
    """Save a small classifier with dropout, whose random state must survive."""
    keras.utils.set_random_seed(1)
    from keras_textcls import TextClassifier

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(vocabulary),
        num_layers=num_layers,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=8,
        dropout=0.2,
        max_sequence_length=16,
    )
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=vocabulary)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=16)
    TextClassifier(backbone, preprocessor=preprocessor, num_classes=2).save_to_preset(directory)


def messages(count=40):
    """Texts that are spam if they begin with the first words of the list."""
    rows = []
    for i in range(count):
        words = [WORDS[(i * 7 + j * j) % len(WORDS)] for j in range(2 + i % 9)]
        rows.append((" ".join([*words, str(i)]), "spam" if i % 3 else "ham"))
    return read(rows)


def kill_at(event, directory):
    """Kill this process before its file operation number `event` in a directory.

    Returns a list that holds how many there have been.
    """
    count = [0]

    def watch(name, arguments):
        if name in _EVENTS and arguments and str(arguments[0]).startswith(str(directory)):
            count[0] += 1
            if count[0] == event:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return count


def run_training(preset, output, template, parameters, event):
    """Train, or go on; tell how many file operations there were."""
    os.environ["KERAS_TEXTCLS_CACHE"] = str(output / ".cache")
    output.mkdir(exist_ok=True)
    count = kill_at(event, output)
    run = train(
        messages(),
        preset,
        from_text(template, parameters),
        output,
        "messages",
        resume=True,
        checkpoint_seconds=0.0,
        verbose=0,
    )
    print(run.status, count[0])
