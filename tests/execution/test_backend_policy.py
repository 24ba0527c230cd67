"""What each backend is spared."""

import keras
import numpy as np
import pytest
from conftest import make_classifier

from keras_textcls.execution.backend_policy import keeping_state

TEXTS = ["the quick brown fox", "a cat"]


@pytest.mark.parametrize("name", ["BertBackbone", "BloomBackbone", "SmolLM3Backbone"])
def test_predict_never_runs_the_model_operation_by_operation(name, monkeypatch):
    """JAX compiles each of them then; arrays in place of tracers would show it."""
    if keras.config.backend() != "jax":
        pytest.skip("only JAX does")
    import jax

    classifier = make_classifier(name, compile=False)
    kinds = []
    call = type(classifier.backbone).call

    def watched(self, inputs, **kwargs):
        kinds.extend(isinstance(value, jax.core.Tracer) for value in inputs.values())
        return call(self, inputs, **kwargs)

    monkeypatch.setattr(type(classifier.backbone), "call", watched)
    classifier.predict(TEXTS, verbose=0)
    assert kinds
    assert all(kinds)


def test_layers_are_as_they_were_after_it():
    classifier = make_classifier("BloomBackbone", compile=False)
    expected = classifier.predict(TEXTS, verbose=0)
    before = [layer.built for layer in classifier._flatten_layers()]
    with pytest.raises(ZeroDivisionError), keeping_state(classifier):
        during = [layer.built for layer in classifier._flatten_layers()]
        raise ZeroDivisionError
    assert [layer.built for layer in classifier._flatten_layers()] == before
    if keras.config.backend() == "jax":
        assert (all(before), all(during)) == (False, True)
    else:
        assert during == before
    np.testing.assert_array_equal(classifier.predict(TEXTS, verbose=0), expected)


def test_a_predict_that_is_interrupted_leaves_the_weights():
    classifier = make_classifier(compile=False)
    expected = classifier.predict(TEXTS, verbose=0)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    for name in ("on_predict_begin", "on_predict_batch_end"):
        callback = keras.callbacks.Callback()
        setattr(callback, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            classifier.predict(TEXTS, verbose=0, callbacks=[callback])
        np.testing.assert_array_equal(classifier.predict(TEXTS, verbose=0), expected)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_first_step_that_is_interrupted_leaves_the_state(method, monkeypatch):
    """JAX compiles the first step for seconds, and has taken the weights by then."""
    classifier = make_classifier()
    expected = classifier.predict(TEXTS, verbose=0)
    step = {"fit": "train", "evaluate": "test", "predict": "predict"}[method]

    def interrupt(*_):
        raise KeyboardInterrupt

    labels = {} if method == "predict" else {"y": ["ham", "spam"]}
    with monkeypatch.context() as patch:
        patch.setattr(classifier, f"make_{step}_function", lambda force=False: None)
        setattr(classifier, f"{step}_function", interrupt)
        with pytest.raises(KeyboardInterrupt):
            getattr(classifier, method)(TEXTS, **labels, verbose=0)
        setattr(classifier, f"{step}_function", None)
    np.testing.assert_array_equal(classifier.predict(TEXTS, verbose=0), expected)
    before = classifier.evaluate(TEXTS, ["ham", "spam"], verbose=0)
    classifier.fit(TEXTS, ["ham", "spam"], epochs=3, verbose=0)
    assert classifier.evaluate(TEXTS, ["ham", "spam"], verbose=0)[0] < before[0]


def test_an_evaluation_that_is_interrupted_leaves_the_weights():
    classifier = make_classifier()
    expected = classifier.predict(TEXTS, verbose=0)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    callback = keras.callbacks.Callback()
    callback.on_test_batch_end = interrupt
    with pytest.raises(KeyboardInterrupt):
        classifier.evaluate(TEXTS, ["ham", "spam"], verbose=0, callbacks=[callback])
    np.testing.assert_array_equal(classifier.predict(TEXTS, verbose=0), expected)
