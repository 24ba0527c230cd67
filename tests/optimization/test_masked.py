"""Losses and metrics over the labels that are known: Keras's own where all are, numpy elsewhere."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_classifier, mixed_texts

from keras_textcls import ArgumentError, MaskedBinaryCrossentropy, MaskedMetric

TEXTS = mixed_texts(24)
LABELS = ["animal", "colour", "verb"]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None]

rng = np.random.default_rng(0)
LOGITS = rng.normal(0, 3, (24, 3)).astype("float32")
KNOWN = (rng.random((24, 3)) < 0.4).astype("float32")
WEIGHT = rng.random(24).astype("float32")
# Three in ten are unknown, and one text has nothing that is known.
PARTLY = np.where(rng.random((24, 3)) < 0.3, -1, KNOWN).astype("float32")
PARTLY[5] = -1


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _rows(y, logits, smoothing=0.0):
    """The loss of each text: the mean of the cross-entropy of its known labels, or 0."""
    p, is_known = _sigmoid(logits.astype("float64")), y >= 0
    y = np.where(is_known, y, 0) * (1 - smoothing) + smoothing / 2
    entries = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return np.array(
        [e[k].mean() if k.any() else 0.0 for e, k in zip(entries, is_known, strict=True)]
    )


def _reduce(rows, reduction, weight):
    rows = rows if weight is None else rows * weight
    if reduction is None:
        return rows
    divisor = {"sum": 1.0, "mean_with_sample_weight": len(rows) if weight is None else weight.sum()}
    return rows.sum() / divisor.get(reduction, len(rows))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_loss_where_all_is_known_is_that_of_keras(reduction, weight, smoothing):
    for from_logits, y_pred in ((True, LOGITS), (False, _sigmoid(LOGITS))):
        options = {"from_logits": from_logits, "label_smoothing": smoothing, "reduction": reduction}
        ours, native = (
            keras.ops.convert_to_numpy(kind(**options)(KNOWN, y_pred, weight))
            for kind in (MaskedBinaryCrossentropy, keras.losses.BinaryCrossentropy)
        )
        np.testing.assert_array_equal(ours, native)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("unknown", [-1, np.nan])
def test_loss_where_some_is_unknown(reduction, weight, smoothing, unknown):
    expected = _reduce(_rows(PARTLY, LOGITS, smoothing), reduction, weight)
    y_true = np.where(PARTLY < 0, unknown, PARTLY).astype("float32")
    for from_logits, y_pred in ((True, LOGITS), (False, _sigmoid(LOGITS))):
        loss = MaskedBinaryCrossentropy(from_logits, smoothing, reduction=reduction)
        found = keras.ops.convert_to_numpy(loss(y_true, y_pred, weight))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_nothing_known_is_no_loss():
    loss = MaskedBinaryCrossentropy(from_logits=True)
    assert float(loss(np.full((2, 3), -1.0), LOGITS[:2])) == 0.0


def test_loss_in_bfloat16():
    loss = MaskedBinaryCrossentropy(from_logits=True, dtype="bfloat16")
    # Shares that bfloat16 cannot count: it has 8 bits.
    y_true = np.concatenate([np.zeros((1, 301)), np.full((1, 300), -1.0)], axis=1)
    found = float(loss(y_true, np.zeros((1, 601))))
    assert found == pytest.approx(np.log(2), rel=0.01)


def _bias_after_one_step(y, weight=None):
    """A model that is its bias: what SGD subtracts from it is the gradient."""
    dense = keras.layers.Dense(3, bias_initializer=keras.initializers.Constant(0.5))
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile(keras.optimizers.SGD(1.0), MaskedBinaryCrossentropy(from_logits=True))
    model.fit(np.zeros((len(y), 1)), y, len(y), sample_weight=weight, shuffle=False, verbose=0)
    return keras.ops.convert_to_numpy(dense.bias)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_gradient_against_numpy(weight):
    is_known = PARTLY >= 0
    per_text = (_sigmoid(0.5) - PARTLY) * is_known / np.maximum(is_known.sum(1, keepdims=True), 1)
    expected = 0.5 - _reduce_rows(per_text, weight)
    np.testing.assert_allclose(_bias_after_one_step(PARTLY, weight), expected, atol=1e-5)


def _reduce_rows(rows, weight):
    return (rows if weight is None else rows * weight[:, None]).mean(axis=0)


def test_no_gradient_from_what_is_unknown():
    y = np.array([[1, -1, 0], [0, -1, 1]], "float32")
    bias = _bias_after_one_step(y)
    assert bias[1] == 0.5
    assert (bias[[0, 2]] != 0.5).all()
    assert (_bias_after_one_step(np.full((2, 3), -1.0)) == 0.5).all()


METRICS = {
    "accuracy": lambda: keras.metrics.BinaryAccuracy(threshold=0.0),
    "precision": lambda: keras.metrics.Precision(thresholds=0.0),
    "recall": lambda: keras.metrics.Recall(thresholds=0.0),
    "auc": lambda: keras.metrics.AUC(from_logits=True),
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_metric_is_that_of_the_known_labels(name, weight):
    ours = MaskedMetric(METRICS[name]())
    is_known = PARTLY >= 0
    per_entry = None if weight is None else np.repeat(weight[:, None], 3, axis=1)
    for _ in range(2):
        ours.reset_state()
        alone = METRICS[name]()
        for half in (slice(0, 12), slice(12, 24)):
            part = None if weight is None else weight[half]
            ours.update_state(PARTLY[half], LOGITS[half], sample_weight=part)
            k = is_known[half]
            entries = None if per_entry is None else per_entry[half][k]
            alone.update_state(PARTLY[half][k], LOGITS[half][k], sample_weight=entries)
        assert float(ours.result()) == pytest.approx(float(alone.result()), abs=1e-5)
    whole = METRICS[name]()
    whole.update_state(KNOWN, LOGITS, sample_weight=weight)
    ours.reset_state()
    ours.update_state(KNOWN, LOGITS, sample_weight=weight)
    assert float(ours.result()) == pytest.approx(float(whole.result()), abs=1e-5)


def test_metric_keeps_name_and_direction():
    """Early stopping reads from the metric whether more is better."""
    for make in METRICS.values():
        metric = make()
        ours = MaskedMetric(metric)
        assert ours.name == metric.name
        assert ours._direction == metric._direction == "up"
        assert len(ours.variables) == len(metric.variables)
    assert not hasattr(MaskedMetric(keras.metrics.Mean()), "_direction")
    with pytest.raises(ArgumentError, match="Received: metric='precision'"):
        MaskedMetric("precision")


def test_both_survive_serialization():
    loss = MaskedBinaryCrossentropy(True, 0.1, reduction="sum", name="partial")
    metric = MaskedMetric(keras.metrics.Precision(thresholds=0.3), name="p")
    for thing in (loss, metric):
        config = keras.saving.serialize_keras_object(thing)
        assert config["registered_name"] == f"keras_textcls>{type(thing).__name__}"
        again = keras.saving.deserialize_keras_object(config)
        assert again.get_config() == thing.get_config()
    np.testing.assert_allclose(
        loss(PARTLY, LOGITS), _reduce(_rows(PARTLY, LOGITS, 0.1), "sum", None), rtol=1e-4
    )


@pytest.fixture
def topics():
    model = make_classifier(labels=LABELS, multi_label=True, dropout=0.0)
    model.compile(keras.optimizers.SGD(0.1))
    return model


@pytest.mark.compiled
def test_evaluate_is_a_mean_over_texts_and_known_labels(topics):
    # Half of the answers are yes, whatever the head began with.
    kernel, bias = topics.output_dense.get_weights()
    middle = np.median(topics.predict(TEXTS, verbose=0), axis=0)
    topics.output_dense.set_weights([kernel, bias - middle - 1e-3])
    logits = topics.predict(TEXTS, verbose=0)
    is_known, right = PARTLY >= 0, (logits > 0) == (PARTLY == 1)
    there, found = PARTLY == 1, (logits > 0) & is_known
    for batch_size in (None, 5):
        result = topics.evaluate(TEXTS, PARTLY, batch_size, verbose=0, return_dict=True)
        assert result == pytest.approx(
            {
                "loss": _rows(PARTLY, logits).mean(),
                "binary_accuracy": right[is_known].mean(),
                "precision": (found & there).sum() / found.sum(),
                "recall": (found & there).sum() / there.sum(),
            },
            abs=1e-4,
        )


@pytest.mark.compiled
def test_a_label_that_is_never_known_is_never_learnt(topics):
    before = topics.output_dense.get_weights()
    y = np.where(np.arange(3) == 1, np.nan, KNOWN)
    topics.fit(TEXTS, y, batch_size=8, validation_split=0.25, seed=0, verbose=0)
    after = topics.output_dense.get_weights()
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old[..., 1], new[..., 1])
        assert (old[..., [0, 2]] != new[..., [0, 2]]).any()


def test_every_way_to_say_unknown_trains_alike(topics):
    start = topics.get_weights()
    dicts = [{n: int(v) for n, v in zip(LABELS, r, strict=True) if v >= 0} for r in PARTLY]
    stream = tf.data.Dataset.from_tensor_slices((TEXTS, PARTLY)).batch(24)
    ends = []
    for x, y in (
        (TEXTS, PARTLY),
        (TEXTS, np.where(PARTLY < 0, np.nan, PARTLY)),
        (TEXTS, dicts),
        (stream, None),
    ):
        topics.set_weights(start)
        topics.fit(x, y, batch_size=24, shuffle=False, verbose=0)
        ends.append(topics.output_dense.get_weights()[0])
    assert np.isfinite(ends[0]).all()
    for end in ends[1:]:
        np.testing.assert_allclose(end, ends[0], atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_low_precision(dtype):
    from keras_textcls import TextClassifier

    plain = make_classifier(labels=LABELS, multi_label=True, dropout=0.0)
    backbone = type(plain.backbone).from_config(plain.backbone.get_config() | {"dtype": dtype})
    backbone.set_weights(plain.backbone.get_weights())
    model = TextClassifier(
        backbone, preprocessor=plain.preprocessor, labels=LABELS, multi_label=True
    )
    model.output_dense.set_weights(plain.output_dense.get_weights())
    expected = plain.evaluate(TEXTS, PARTLY, verbose=0)[0]
    assert model.evaluate(TEXTS, PARTLY, verbose=0)[0] == pytest.approx(expected, abs=0.05)
    history = model.fit(TEXTS, PARTLY, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(np.asarray(w, "float32")).all() for w in model.get_weights())


LOSS = "y[2] leaves labels unknown, but the loss {} takes them for targets of -1. Compile with"
METRIC = (
    "y[2] leaves labels unknown, but the metric {} takes them for targets of -1. Compile with "
    'metrics="auto", or wrap it: keras_textcls.MaskedMetric(metric).'
)


def _own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_pred) * keras.ops.cast(y_true >= 0, "float32"), -1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "binary_crossentropy"}, LOSS.format("'binary_crossentropy'")),
        ({"loss": keras.losses.BinaryFocalCrossentropy()}, "'binary_focal_crossentropy'"),
        ({"loss": [_own_loss]}, LOSS.format("'_own_loss'")),
        ({"metrics": ["accuracy"]}, METRIC.format("'accuracy'")),
        ({"metrics": [keras.metrics.AUC(name="area")]}, METRIC.format("'area'")),
        ({"weighted_metrics": [keras.metrics.AUC(name="area")]}, METRIC.format("'area'")),
    ],
)
def test_what_would_count_unknown_labels_is_refused(topics, options, message):
    topics.compile(keras.optimizers.SGD(0.1), **options)
    before = topics.get_weights()
    y = [["verb"], [], {"animal": 1}] * 8
    stream = tf.data.Dataset.from_tensor_slices((TEXTS, topics.labels.encode_multi(y))).batch(8)
    known = TEXTS, KNOWN
    for train in (
        lambda: topics.fit(TEXTS, y, verbose=0),
        lambda: topics.fit(stream, verbose=0),
        lambda: topics.evaluate(TEXTS, y, verbose=0),
        lambda: topics.fit(*known, validation_data=(TEXTS, y), verbose=0),
    ):
        with pytest.raises(ArgumentError) as error:
            train()
        assert message in str(error.value)
    for old, new in zip(before, topics.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    # Where everything is known they serve as ever.
    topics.fit(*known, verbose=0)


def test_an_own_loss_may_say_that_it_leaves_unknown_labels_out(topics):
    def loss(y_true, y_pred):
        return _own_loss(y_true, y_pred)

    loss.ignores_unknown = True
    metric = MaskedMetric(keras.metrics.AUC(from_logits=True))
    topics.compile(keras.optimizers.SGD(0.1), loss, metrics=[metric])
    logits = topics.predict(TEXTS, verbose=0)
    found = topics.evaluate(TEXTS, PARTLY, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx((logits**2 * (PARTLY >= 0)).mean(), rel=1e-4)
    alone = keras.metrics.AUC(from_logits=True)
    alone.update_state(PARTLY[PARTLY >= 0], logits[PARTLY >= 0])
    assert found[metric.name] == pytest.approx(float(alone.result()), abs=1e-4)
