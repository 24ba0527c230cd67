"""What the processes of `test_processes.py` do: each function is called in a child."""

import numpy as np

from keras_textcls import ProcessError, TextClassifier, read

TEXTS = ["the quick brown fox", "a cat\u00a0 sat", "the lazy dog " * 20]
PAIRS = (TEXTS, TEXTS[::-1])
# What a forked child finds.
models = []
streams = []


def refusal(function):
    """Call a function; return the message of its refusal."""
    try:
        function()
    except ProcessError as error:
        return str(error)
    return "not refused"


def load_and_answer(directory):
    return TextClassifier.from_preset(directory).predict(TEXTS, verbose=0).tolist()


def answer(*_):
    """Ask every model in every way, and return the answers as lists."""
    return [
        [
            model.predict(TEXTS, verbose=0).tolist(),
            model.predict(PAIRS, verbose=0).tolist(),
            model.embed(TEXTS, verbose=0).tolist(),
            [found.score for found in model.classify(TEXTS)],
            np.asarray(model.predict(TEXTS * 100, verbose=0)[:3]).tolist(),
        ]
        for model in models
    ]


def read_streams(*_):
    """Try what needs threads of TensorFlow on every backend."""
    (model,), (stream,) = models, streams
    return [
        refusal(lambda: model.predict(stream, verbose=0)),
        refusal(lambda: model.fit(stream, verbose=0)),
        refusal(lambda: read({"text": ["a", "b"], "label": ["x", "y"]}).to_tf_dataset(2)),
    ]


def refuse(directory):
    """Try all that needs the backend."""
    (model, *_) = models
    return [
        refusal(lambda: load_and_answer(directory)),
        refusal(lambda: model.classify(TEXTS)),
        refusal(lambda: model.predict(TEXTS, verbose=0)),
        refusal(lambda: model.embed(TEXTS, verbose=0)),
        refusal(lambda: model.fit(TEXTS, ["ham", "spam", "ham"], verbose=0)),
        refusal(lambda: model.evaluate(TEXTS, ["ham", "spam", "ham"], verbose=0)),
    ]
