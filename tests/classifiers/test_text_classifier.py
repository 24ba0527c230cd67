"""What users do with a TextClassifier, on a tiny BERT."""

import contextlib
import json

import keras
import keras_hub
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import fox_and_cat, make_classifier, mixed_texts

from keras_textcls import ArgumentError, InvalidDataError, TextClassifier, UnknownLabelError

TEXTS = mixed_texts(40)
NAMES = ["spam" if i % 4 == 0 else "ham" for i in range(40)]


class _Steps(keras.callbacks.Callback):
    """Counts the steps of each epoch."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] += 1


def _weights(model):
    return np.concatenate([keras.ops.convert_to_numpy(w).ravel() for w in model.trainable_weights])


@pytest.mark.compiled
def test_learns_and_answers_in_names(trained):
    texts, names = fox_and_cat(32)
    loss, accuracy = trained.evaluate(texts, names, verbose=0)
    assert accuracy > 0.95
    assert loss < 0.5
    answers = trained.classify(texts)
    assert [a.label for a in answers] == names
    assert all(sum(a.scores) == pytest.approx(1, abs=1e-5) for a in answers)
    assert trained.classify("the quick fox")[0].label == "fox"


def test_predict_is_one_text_at_a_time_in_order(classifier):
    together = classifier.predict(TEXTS, verbose=0)
    assert together.dtype == np.float32
    assert together.shape == (40, 2)
    alone = np.concatenate([classifier.predict([t], verbose=0) for t in TEXTS[:8]])
    np.testing.assert_allclose(together[:8], alone, atol=1e-5)
    for batch_size in (1, 7, 64):
        some = classifier.predict(TEXTS[:9], batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(some, together[:9], atol=1e-5)


@pytest.mark.compiled
def test_evaluate_is_a_mean_over_texts(classifier):
    logits = classifier.predict(TEXTS, verbose=0)
    targets = classifier.labels.encode(NAMES)
    log_softmax = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = -log_softmax[np.arange(40), targets].mean()
    for batch_size in (None, 7):
        result = classifier.evaluate(TEXTS, NAMES, batch_size, verbose=0, return_dict=True)
        assert result["loss"] == pytest.approx(expected, abs=1e-4)
        accuracy = (logits.argmax(1) == targets).mean()
        assert result["sparse_categorical_accuracy"] == pytest.approx(accuracy, abs=1e-5)


def test_fit_reports_steps_and_metrics_of_all_texts():
    steps = _Steps()
    model = make_classifier(dropout=0.0)
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(
        TEXTS[:39], NAMES[:39], batch_size=8, epochs=2, callbacks=[steps], verbose=0
    )
    assert steps.steps == [5, 5]
    # Weights stand still, so the numbers of an epoch are those of the texts.
    expected = model.evaluate(TEXTS[:39], NAMES[:39], verbose=0, return_dict=True)
    for name, value in expected.items():
        np.testing.assert_allclose(history.history[name], value, atol=1e-4)
    assert history.params["steps"] == 5


def test_same_seed_same_training():
    def train(seed, epochs=2, initial_epoch=0, model=None):
        model = model or make_classifier(dropout=0.3)
        model.fit(
            TEXTS, NAMES, batch_size=16, seed=seed, epochs=epochs, initial_epoch=initial_epoch,
            verbose=0,
        )  # fmt: skip
        return _weights(model)

    once = train(1)
    np.testing.assert_allclose(train(1), once, atol=1e-6)
    assert np.abs(train(2) - once).max() > 1e-6
    np.random.seed(3)
    first = train(None)
    np.random.seed(3)
    np.testing.assert_allclose(train(None), first, atol=1e-6)


class _Order(keras.callbacks.Callback):
    """Reads the order of the texts from the source that `fit` made."""

    def __init__(self, monkeypatch):
        super().__init__()
        from keras_textcls.batching import batch_source

        self.sources = []
        original = batch_source.BatchSource.for_keras

        def for_keras(source, *args, **kwargs):
            self.sources.append(source)
            return original(source, *args, **kwargs)

        monkeypatch.setattr(batch_source.BatchSource, "for_keras", for_keras)
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(np.concatenate(self.sources[0].order).tolist())


def test_every_text_once_an_epoch_in_another_order(classifier, monkeypatch):
    order = _Order(monkeypatch)
    classifier.fit(TEXTS, NAMES, batch_size=8, epochs=3, seed=5, callbacks=[order], verbose=0)
    assert [sorted(e) for e in order.epochs] == [list(range(40))] * 3
    assert len({tuple(e) for e in order.epochs}) == 3
    resumed = _Order(monkeypatch)
    classifier.fit(
        TEXTS, NAMES, batch_size=8, epochs=3, initial_epoch=2, seed=5, callbacks=[resumed],
        verbose=0,
    )  # fmt: skip
    # The order follows from seed and epoch, wherever training began.
    assert resumed.epochs == [order.epochs[2]]


def test_unshuffled_training_keeps_the_order(classifier, monkeypatch):
    order = _Order(monkeypatch)
    classifier.fit(TEXTS, NAMES, batch_size=8, shuffle=False, callbacks=[order], verbose=0)
    assert order.epochs == [list(range(40))]


def test_steps_per_epoch_goes_on_into_the_next_pass(classifier, monkeypatch):
    steps = _Steps()
    classifier.fit(
        TEXTS, NAMES, batch_size=8, epochs=3, steps_per_epoch=3, callbacks=[steps], verbose=0
    )
    assert steps.steps == [3, 3, 3]


def test_validation_split_is_stratified_and_leaves_training(classifier, monkeypatch):
    order = _Order(monkeypatch)
    history = classifier.fit(
        TEXTS, NAMES, validation_split=0.2, seed=0, callbacks=[order], verbose=0
    )
    assert "val_sparse_categorical_accuracy" in history.history
    training, validation = order.sources
    assert len(np.concatenate(training.order)) == 32
    assert len(np.concatenate(validation.order)) == 8


def test_validation_data_of_every_kind(classifier):
    held_out = TEXTS[:6], NAMES[:6]
    stream = tf.data.Dataset.from_tensor_slices(held_out).batch(3)
    expected = classifier.evaluate(*held_out, verbose=0, return_dict=True)["loss"]
    classifier.compile(optimizer=keras.optimizers.SGD(0.0))
    for data in (held_out, (*held_out, np.ones(6)), stream):
        history = classifier.fit(TEXTS, NAMES, validation_data=data, verbose=0)
        assert history.history["val_loss"][0] == pytest.approx(expected, abs=1e-4)


def test_class_weight_and_sample_weight_agree(classifier):
    """Three ways to count spam three times, from the same start."""
    start = [w.copy() for w in classifier.get_weights()]
    targets = classifier.labels.encode(NAMES)
    results = []
    for options in (
        {"class_weight": {"spam": 3.0}},
        {"class_weight": {1: 3.0}},
        {"sample_weight": np.where(targets == 1, 3.0, 1.0)},
    ):
        classifier.set_weights(start)
        classifier.compile(optimizer=keras.optimizers.SGD(0.1))
        classifier.fit(TEXTS, NAMES, seed=0, verbose=0, **options)
        results.append(_weights(classifier))
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    np.testing.assert_allclose(results[0], results[2], atol=1e-6)


def test_text_pairs():
    model = make_classifier()
    model.fit((TEXTS, TEXTS[::-1]), NAMES, verbose=0)
    pairs = model.predict((TEXTS[:5], TEXTS[5:10]), verbose=0)
    swapped = model.predict((TEXTS[5:10], TEXTS[:5]), verbose=0)
    single = model.predict(TEXTS[:5], verbose=0)
    assert np.abs(pairs - swapped).max() > 1e-4
    assert np.abs(pairs - single).max() > 1e-4


def test_multi_label():
    model = make_classifier(labels=["animal", "colour", "verb"], multi_label=True)
    names = [[], ["animal"], ["animal", "verb"], ["colour"]] * 10
    assert isinstance(model.loss, keras.losses.BinaryCrossentropy)
    model.fit(TEXTS, names, verbose=0)
    matrix = model.labels.encode_multi(names)
    by_matrix = model.evaluate(TEXTS, matrix, verbose=0, return_dict=True)
    by_names = model.evaluate(TEXTS, names, verbose=0, return_dict=True)
    assert by_matrix == pytest.approx(by_names)
    probabilities = model.predict_proba(TEXTS, verbose=0)
    right = (probabilities > 0.5) == matrix
    assert by_names["binary_accuracy"] == pytest.approx(right.mean(), abs=1e-5)
    answer = model.classify(TEXTS[:1], threshold=0.0)[0]
    assert set(answer.labels) == {"animal", "colour", "verb"}
    model.thresholds = {"animal": 1.0, "colour": 1.0, "verb": 1.0}
    assert model.classify(TEXTS[:1])[0].labels == ()


@pytest.mark.parametrize("multi_label", [False, True])
def test_activation_makes_probabilities_and_the_loss_knows(multi_label):
    final = "sigmoid" if multi_label else "softmax"
    plain = make_classifier(multi_label=multi_label)
    model = TextClassifier(
        plain.backbone, preprocessor=plain.preprocessor, labels=["ham", "spam"],
        multi_label=multi_label, activation=final,
    )  # fmt: skip
    model.output_dense.set_weights(plain.output_dense.get_weights())
    assert not model.loss.get_config()["from_logits"]
    assert plain.loss.get_config()["from_logits"]
    np.testing.assert_allclose(
        model.predict(TEXTS, verbose=0), plain.predict_proba(TEXTS, verbose=0), atol=1e-5
    )
    y = [[n] for n in NAMES] if multi_label else NAMES
    assert model.evaluate(TEXTS, y, verbose=0) == pytest.approx(
        plain.evaluate(TEXTS, y, verbose=0), abs=1e-4
    )


def test_temperature_changes_probabilities_only(classifier):
    logits = classifier.predict(TEXTS[:4], verbose=0)
    before = classifier.predict_proba(TEXTS[:4], verbose=0)
    classifier.temperature = 4.0
    np.testing.assert_array_equal(classifier.predict(TEXTS[:4], verbose=0), logits)
    after = classifier.predict_proba(TEXTS[:4], verbose=0)
    assert (after.max(1) < before.max(1)).all()
    with pytest.raises(ArgumentError, match="temperature=0"):
        classifier.temperature = 0


@pytest.mark.compiled
def test_streams_give_what_arrays_give(classifier):
    expected = classifier.predict(TEXTS, verbose=0)
    stream = tf.data.Dataset.from_tensor_slices((TEXTS, NAMES)).batch(7)
    np.testing.assert_allclose(classifier.predict(stream, verbose=0), expected, atol=1e-5)
    assert classifier.evaluate(stream, verbose=0) == pytest.approx(
        classifier.evaluate(TEXTS, NAMES, verbose=0), abs=1e-4
    )
    embedded = classifier.embed(stream, verbose=0)
    np.testing.assert_allclose(embedded, classifier.embed(TEXTS, verbose=0), atol=1e-5)


@pytest.mark.compiled
@pytest.mark.parametrize("batch_size", [None, 5])
def test_fit_on_a_stream_in_windows(monkeypatch, batch_size):
    """Every text once an epoch, in batches of the stream's size or the one asked for."""
    from keras_textcls.batching import text_reader

    monkeypatch.setattr(text_reader, "STREAM_WINDOW", 12)
    classifier = make_classifier(dropout=0.0)
    steps = _Steps()
    stream = tf.data.Dataset.from_tensor_slices((TEXTS[:38], NAMES[:38])).batch(8)
    classifier.compile(optimizer=keras.optimizers.SGD(0.0))
    history = classifier.fit(
        stream, batch_size=batch_size, epochs=2, callbacks=[steps], verbose=0, seed=1
    )
    assert steps.steps == [-(-38 // (batch_size or 8))] * 2
    # Weights stand still: the loss is the mean over each text, counted once.
    expected = classifier.evaluate(TEXTS[:38], NAMES[:38], verbose=0)[0]
    np.testing.assert_allclose(history.history["loss"], expected, atol=1e-4)


def test_one_hot_rows_and_columns_train_as_names_do(classifier):
    one_hot = keras.utils.to_categorical([classifier.labels.index(name) for name in NAMES])
    names = classifier.evaluate(TEXTS, NAMES, verbose=0)
    for y in (one_hot, one_hot.argmax(axis=1)[:, None], pd.get_dummies(pd.Series(NAMES))):
        np.testing.assert_allclose(classifier.evaluate(TEXTS, y, verbose=0), names, atol=1e-6)
    made = make_classifier(num_classes=2)
    made.fit(TEXTS, pd.get_dummies(pd.Series(NAMES)), verbose=0)
    assert made.labels == ["ham", "spam"]
    stream = tf.data.Dataset.from_tensor_slices((TEXTS, one_hot)).batch(8)
    np.testing.assert_allclose(classifier.evaluate(stream, verbose=0), names, atol=1e-6)


def test_labels_are_adopted_when_their_number_fits():
    model = make_classifier(num_classes=2)
    assert model.labels.is_numbered
    assert model.classify(TEXTS[:1])[0].label in ("0", "1")
    model.fit(TEXTS, NAMES, verbose=0)
    assert model.labels == ["ham", "spam"]
    with pytest.raises(UnknownLabelError):
        model.fit(TEXTS, ["eggs"] * 40, verbose=0)


def test_too_many_names_for_the_outputs():
    model = make_classifier(num_classes=2)
    with pytest.raises(InvalidDataError) as error:
        model.fit(TEXTS[:3], ["a", "b", "c"], verbose=0)
    assert str(error.value) == (
        "`y` holds 3 different label names (a, b, c), but the classifier has num_classes=2 and no "
        "names of its own. Create it with labels=[...] instead of num_classes."
    )


def test_sequence_length_truncates(classifier):
    long = " ".join(["fox"] * 30)
    classifier.sequence_length = 8
    assert classifier.sequence_length == 8
    cut = classifier.predict([long, " ".join(["fox"] * 6)], verbose=0)
    np.testing.assert_allclose(cut[0], cut[1], atol=1e-5)
    classifier.sequence_length = 32
    assert np.abs(classifier.predict([long], verbose=0) - cut[0]).max() > 1e-5
    with pytest.raises(ArgumentError, match="sequence_length=0"):
        classifier.sequence_length = 0


def test_more_tokens_than_positions_is_an_error():
    model = make_classifier(sequence_length=1024)
    most = model.backbone.max_sequence_length
    with pytest.raises(ArgumentError, match=rf"positions for {most}\. Set classifier.sequence_le"):
        model.predict(["fox " * 600], verbose=0)


def test_preprocessed_inputs(classifier):
    expected = classifier.predict(TEXTS, verbose=0)
    features = {k: keras.ops.convert_to_numpy(v) for k, v in classifier.preprocessor(TEXTS).items()}
    classifier.preprocessor = None
    np.testing.assert_allclose(classifier.predict(features, verbose=0), expected, atol=1e-5)
    classifier.fit(features, NAMES, validation_split=0.2, verbose=0)
    stream = tf.data.Dataset.from_tensor_slices((features, NAMES)).batch(8)
    classifier.fit(stream, verbose=0)
    with pytest.raises(InvalidDataError, match="no preprocessor, so `x` must be a dict"):
        classifier.predict(TEXTS, verbose=0)


def test_config_round_trip(classifier):
    config = classifier.get_config()
    kept = json.dumps(config)
    again = TextClassifier.from_config(json.loads(kept))
    assert json.dumps(config) == kept
    second = again.get_config()
    assert json.dumps(second) == kept
    TextClassifier.from_config(config)
    assert json.dumps(config) == kept, "the caller's config was changed"


def test_summary_shows_the_parts(classifier):
    lines = []
    classifier.summary(print_fn=lines.append)
    text = "\n".join(map(str, lines))
    assert "Tokenizer" in text
    assert "logits" in text
    assert "Total params" in text


def test_presets_are_listed():
    presets = TextClassifier.presets
    assert {"bert_base_en_uncased", "gpt2_base_en", "distil_bert_base_en"} <= set(presets)
    assert "resnet_50_imagenet" not in presets


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_low_precision(dtype):
    plain = make_classifier()
    config = plain.backbone.get_config() | {"dtype": dtype}
    backbone = type(plain.backbone).from_config(config)
    backbone.set_weights(plain.backbone.get_weights())
    model = TextClassifier(backbone, preprocessor=plain.preprocessor, labels=["ham", "spam"])
    model.output_dense.set_weights(plain.output_dense.get_weights())
    outputs = model.predict(TEXTS, verbose=0)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, plain.predict(TEXTS, verbose=0), atol=0.15)
    model.fit(TEXTS, NAMES, verbose=0)


def test_training_in_pure_float16_is_warned_of():
    config = make_classifier().backbone.get_config() | {"dtype": "float16"}
    backbone = keras_hub.models.BertBackbone.from_config(config)
    half = TextClassifier(backbone, preprocessor=make_classifier().preprocessor, labels=["a", "b"])
    # JAX has no attention in float16 on processors, and says so after the warning.
    refused = (ValueError,) if keras.config.backend() == "jax" else ()
    with (
        pytest.warns(UserWarning, match="weights that are trained are float16"),
        contextlib.suppress(*refused),
    ):
        half.fit(TEXTS[:4], ["a", "b"] * 2, verbose=0)


def test_without_compile_predicts_and_says_what_fit_needs():
    model = make_classifier(compile=False)
    assert model.predict(TEXTS[:2], verbose=0).shape == (2, 2)
    with pytest.raises(ValueError, match="compile"):
        model.fit(TEXTS, NAMES, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "A classifier needs its classes: pass labels=[...] (names), or num_classes=..."),
        (
            {"num_classes": 3, "labels": ["a", "b"]},
            "`num_classes` and `labels` contradict each other: "
            "num_classes=3, but labels=['a', 'b'] has 2 "
            "names. Pass only `labels`.",
        ),
        ({"num_classes": 0}, "Received: num_classes=0."),
        ({"labels": "ab"}, "not a single string"),
        ({"lables": ["a", "b"]}, "has no argument 'lables'. Did you mean 'labels'?"),
        ({"num_classes": 2, "poolin": "cls"}, "has no argument 'poolin'. Did you mean 'pooling'?"),
    ],
)
def test_bad_constructor_arguments(classifier, arguments, message):
    with pytest.raises(ArgumentError) as error:
        TextClassifier(classifier.backbone, **arguments)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": TEXTS}, InvalidDataError, "`y` is missing. Pass the labels of the texts"),
        ({"x": TEXTS, "y": NAMES[:-1]}, InvalidDataError, "Received 40 texts and 39 labels."),
        ({"x": "one text", "y": ["ham"]}, InvalidDataError, "Wrap it in a list"),
        ({"x": TEXTS, "y": [["ham", "spam"]] * 40}, InvalidDataError, "holds several labels"),
        ({"x": TEXTS, "y": NAMES, "validation_split": 1.0}, ArgumentError, "validation_split=1.0"),
        ({"x": TEXTS, "y": NAMES, "validation_split": 0.001}, ArgumentError, "no text to validate"),
        ({"x": TEXTS, "y": NAMES, "validation_split": "a"}, ArgumentError, "validation_split='a'"),
        ({"x": TEXTS, "y": NAMES, "batch_size": 0}, ArgumentError, "at least 1. Received: batch"),
        ({"x": TEXTS, "y": NAMES, "batch_size": 1.5}, ArgumentError, "batch_size=1.5"),
        ({"x": TEXTS, "y": NAMES, "epochs": "2"}, ArgumentError, "epochs='2'"),
        ({"x": TEXTS, "y": NAMES, "seed": -1}, ArgumentError, "seed=-1"),
        ({"x": TEXTS, "y": NAMES, "seed": 2**40}, ArgumentError, "below 2"),
        ({"x": TEXTS, "y": NAMES, "initial_batch": 99}, ArgumentError, "leaves no batch"),
        ({"x": list(zip(TEXTS, NAMES, strict=True))}, InvalidDataError, "keras_textcls.read"),
        (
            {"x": TEXTS, "y": NAMES, "validation_data": (TEXTS, [7] * 40)},
            InvalidDataError,
            "In `validation_data`: y[0]=7 is out of range",
        ),
        (
            {
                "x": TEXTS,
                "y": NAMES,
                "validation_data": pd.DataFrame({"text": TEXTS, "label": NAMES}),
            },
            InvalidDataError,
            "keras_textcls.read(validation_data",
        ),
        ({"x": TEXTS, "y": NAMES, "validation_data": TEXTS}, ArgumentError, "must be (x, y)"),
        ({"x": TEXTS, "y": NAMES, "class_weight": "even"}, ArgumentError, "class_weight='even'"),
        ({"x": TEXTS, "y": NAMES, "class_weight": {5: 1}}, ArgumentError, "names the class 5"),
        ({"x": TEXTS, "y": NAMES, "class_weight": {"eggs": 1}}, UnknownLabelError, "'eggs'"),
    ],
)
def test_bad_fit_arguments(classifier, arguments, error, message):
    before = _weights(classifier)
    with pytest.raises(error) as raised:
        classifier.fit(verbose=0, **arguments)
    assert message in str(raised.value)
    np.testing.assert_array_equal(_weights(classifier), before)


def test_arguments_that_a_stream_excludes(classifier):
    stream = tf.data.Dataset.from_tensor_slices((TEXTS, NAMES)).batch(8)
    for name, value in {"y": NAMES, "sample_weight": np.ones(40), "validation_split": 0.1}.items():
        with pytest.raises(ArgumentError, match=f"so `{name}` cannot be given beside it"):
            classifier.fit(stream, verbose=0, **{name: value})
    with pytest.raises(ArgumentError, match="needs labels in memory"):
        classifier.fit(stream, class_weight="balanced", verbose=0)
    with pytest.raises(InvalidDataError, match="The stream `x` is empty"):
        classifier.fit(stream.take(0), verbose=0)
