"""A graph is traced where it pays, and then serves texts of any number and length."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_classifier, mixed_texts

from keras_textcls.execution import predict

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(
        keras.config.backend() != "tensorflow", reason="only TensorFlow traces a predict"
    ),
]


def _trace_at_once(monkeypatch):
    monkeypatch.setattr(predict, "_UNTRACED_STEPS", 0)


def test_tensorflow_traces_a_predict_once(monkeypatch):
    _trace_at_once(monkeypatch)
    classifier = make_classifier(compile=False)
    texts = mixed_texts(40)
    expected = classifier.predict(texts, verbose=0)
    for number in (1, 7, 40):
        found = classifier.predict(texts[:number], verbose=0)
        np.testing.assert_allclose(found, expected[:number], atol=1e-5)
    assert classifier.predict_function.graph.experimental_get_tracing_count() == 1


def test_few_steps_need_no_graph():
    classifier = make_classifier(compile=False)
    texts = mixed_texts(6)
    untraced = classifier.predict(texts, batch_size=2, verbose=0)
    assert classifier.predict_function.graph is None
    # Three of four steps are used up.
    traced = classifier.predict(texts, batch_size=2, verbose=0)
    assert classifier.predict_function.graph is not None
    np.testing.assert_allclose(traced, untraced, atol=1e-6)


def test_what_has_many_steps_or_an_unknown_number_is_traced_at_once():
    texts = mixed_texts(6)
    for given in (texts, tf.data.Dataset.from_tensor_slices(texts[:2]).batch(1)):
        classifier = make_classifier(compile=False)
        classifier.predict(given, batch_size=1, verbose=0)
        assert classifier.predict_function.graph.experimental_get_tracing_count() == 1


def test_batches_that_keras_is_given_are_traced_in_time():
    classifier = make_classifier(compile=False)
    texts = mixed_texts(2)
    expected = classifier.predict(texts, verbose=0)
    batch = classifier.preprocessor(texts)
    for _ in range(4):
        found = keras.Model.predict_on_batch(classifier, batch)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert classifier.predict_function.graph is not None


def test_few_steps_wait_for_no_pipeline(monkeypatch):
    classifier = make_classifier(compile=False)
    texts = mixed_texts(12)
    pipelined = classifier.predict(texts, batch_size=1, verbose=0)
    monkeypatch.setattr(tf.data.Dataset, "from_generator", None)
    for size in (2, 12):
        found = classifier.predict(texts, batch_size=size, verbose=0)
        np.testing.assert_allclose(found, pipelined, atol=1e-5)


def test_what_is_compiled_anew_begins_without_a_graph():
    classifier = make_classifier()
    texts = mixed_texts(6)
    before = classifier.predict(texts, batch_size=1, verbose=0)
    classifier.compile()
    assert classifier.predict_function is None
    after = classifier.predict(texts, verbose=0)
    assert classifier.predict_function.graph is None
    np.testing.assert_allclose(after, before, atol=1e-6)


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"steps_per_execution": 2}])
def test_other_ways_to_predict_are_left_alone(options):
    classifier = make_classifier()
    texts = mixed_texts(9)
    expected = classifier.predict(texts, verbose=0)
    classifier.compile(**options)
    np.testing.assert_allclose(classifier.predict(texts, verbose=0), expected, atol=1e-5)


def test_a_layer_that_must_know_the_shape_is_traced_with_it(monkeypatch):
    _trace_at_once(monkeypatch)
    classifier = make_classifier(compile=False)
    texts = mixed_texts(3)
    expected = classifier.predict(texts, verbose=0)
    other = make_classifier(compile=False)
    call = other.call

    def known(inputs, **kwargs):
        outputs = call(inputs, **kwargs)
        return outputs + keras.ops.zeros((int(next(iter(inputs.values())).shape[0]), 1))

    monkeypatch.setattr(other, "call", known)
    np.testing.assert_allclose(other.predict(texts, verbose=0), expected, atol=1e-6)


def test_a_model_whose_weights_are_frozen_is_traced_again():
    classifier = make_classifier()
    texts = mixed_texts(3)
    before = classifier.predict(texts, verbose=0)
    classifier.backbone.trainable = False
    classifier.compile()
    np.testing.assert_array_equal(classifier.predict(texts, verbose=0), before)
