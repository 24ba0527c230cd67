"""Threads that share a model, and what is left of it when its texts end with an error."""

import concurrent.futures
import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
from conftest import long_but, make_classifier

from keras_textcls.batching.batch_source import quiet
from keras_textcls.execution.model_locks import one_at_a_time

TEXTS = ["the quick brown fox", "a cat", "a dog and a cat jumped over the lazy dog " * 3]
LABELS = ["ham", "spam", "ham"]
THREADS = 8


def _in_threads(functions):
    """Call functions at the same time, each in a thread; return what they return."""
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return [done.result() for done in [pool.submit(function) for function in functions]]


def _scores(model):
    return lambda: model.predict(TEXTS, verbose=0)


def test_threads_answer_as_one_does_from_the_first_call_on():
    cold, other = make_classifier(), make_classifier()
    expected = other.predict(TEXTS, verbose=0)
    for found in _in_threads([_scores(cold)] * THREADS):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("long_texts", ["truncate", "chunk"])
def test_threads_may_mix_what_they_ask_of_a_model(long_texts):
    sequential, shared = make_classifier(sequence_length=16), make_classifier(sequence_length=16)
    sequential.long_texts = shared.long_texts = long_texts

    def ask(model):
        return [
            lambda: model.predict(TEXTS, verbose=0),
            lambda: model.embed(TEXTS, verbose=0),
            lambda: model.evaluate(TEXTS, LABELS, verbose=0),
            lambda: [answer.score for answer in model.classify(TEXTS)],
        ]

    expected = [question() for question in ask(sequential)] * 3
    for found, wanted in zip(_in_threads(ask(shared) * 3), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_models_that_share_a_backbone_and_models_that_share_nothing():
    first, second = make_classifier(), make_classifier("RobertaBackbone")
    third = type(first)(first.backbone, labels=["x", "y"], preprocessor=first.preprocessor)
    models = [first, second, third] * 2
    expected = [_scores(model)() for model in models]
    for found, wanted in zip(_in_threads([_scores(m) for m in models]), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_training_in_one_thread_and_answers_in_another():
    model = make_classifier()
    expected = make_classifier()
    expected.fit(TEXTS, LABELS, epochs=2, seed=0, verbose=0)

    def train():
        return model.fit(TEXTS, LABELS, epochs=2, seed=0, verbose=0)

    *answers, _ = _in_threads([_scores(model)] * 3 + [train])
    assert all(np.isfinite(scores).all() for scores in answers)
    np.testing.assert_allclose(_scores(model)(), _scores(expected)(), atol=1e-5)


def test_copies_that_are_made_while_a_thread_trains(tmp_path):
    model = make_classifier()
    ways = [
        lambda: copy.deepcopy(model).get_weights(),
        lambda: pickle.loads(pickle.dumps(model)).get_weights(),
        model.get_weights,
        lambda: model.save_weights(tmp_path / "w.weights.h5"),
        lambda: model.save(tmp_path / "model.keras"),
        lambda: model.save_to_preset(tmp_path / "preset"),
    ]
    train = [lambda: model.fit(TEXTS, LABELS, epochs=3, seed=0, verbose=0)]
    before = model.get_weights()
    *found, _ = _in_threads(train + ways + train)
    after = model.get_weights()
    for weights in found[1:4]:
        moved = [np.abs(w - old).max() for w, old in zip(weights, before, strict=True)]
        assert len(weights) == len(after) and np.isfinite(moved).all()


def test_a_model_asks_itself_while_it_is_trained():
    model = make_classifier()
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(_scores(model)()))
    model.fit(TEXTS, LABELS, epochs=2, verbose=0, callbacks=[callback])
    np.testing.assert_allclose(seen[-1], _scores(model)(), atol=1e-5)


def test_locks_are_no_part_of_a_model():
    model = make_classifier()
    expected = _scores(model)()
    with one_at_a_time(model):
        np.testing.assert_allclose(_scores(copy.deepcopy(model))(), expected, atol=1e-5)


def test_filters_of_warnings_are_as_they_were_after_threads_that_overlap():
    before = list(warnings.filters)
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert warnings.filters != before
    second.__exit__(None, None, None)
    assert list(warnings.filters) == before


class _Breaking(keras.utils.PyDataset):
    """Batches of texts, of which one cannot be read."""

    def __init__(self, good, targets=False):
        super().__init__()
        self._good, self._targets = good, targets

    def __len__(self):
        return 40

    def __getitem__(self, index):
        if index >= self._good:
            raise ZeroDivisionError("this batch cannot be read")
        return (TEXTS * 20, np.array([0, 1, 0] * 20)) if self._targets else TEXTS * 20


@pytest.mark.parametrize("good", long_but([1], [0, 1, 20]))
def test_texts_that_end_with_an_error_leave_the_model_as_it_was(good):
    model = make_classifier()
    model.fit(TEXTS, LABELS, verbose=0, seed=0)
    expected, loss = _scores(model)(), model.evaluate(TEXTS, LABELS, verbose=0)
    for method in ("predict", "predict_proba", "embed"):
        with pytest.raises(ZeroDivisionError, match="cannot be read"):
            getattr(model, method)(_Breaking(good), verbose=0)
        np.testing.assert_array_equal(_scores(model)(), expected)
    with pytest.raises(ZeroDivisionError, match="cannot be read"):
        model.evaluate(_Breaking(good, targets=True), verbose=0)
    np.testing.assert_array_equal(_scores(model)(), expected)
    np.testing.assert_allclose(model.evaluate(TEXTS, LABELS, verbose=0), loss, atol=1e-6)
    with pytest.raises(ZeroDivisionError, match="cannot be read"):
        model.fit(_Breaking(good, targets=True), verbose=0)
    model.fit(TEXTS, LABELS, epochs=20, verbose=0, seed=0)
    assert model.evaluate(TEXTS, LABELS, verbose=0)[0] < loss[0]
