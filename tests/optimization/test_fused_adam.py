"""Training through the fused kernels ends at the weights of Keras's own Adam."""

import keras
import numpy as np
import pytest
from conftest import make_classifier, mixed_texts

from keras_textcls.optimization import fused_adam

pytestmark = pytest.mark.compiled

ADAMS = {
    "plain": keras.optimizers.Adam,
    "betas": lambda rate: keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.8, epsilon=0.01),
    "weight decay": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.1),
    "clipping": lambda rate: keras.optimizers.Adam(rate, global_clipnorm=0.1),
    "schedule": lambda rate: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(rate, decay_steps=9)
    ),
}
FUSED = keras.config.backend() in ("tensorflow", "torch")


def _model(optimizer):
    """An embedding table, whose gradient is sparse on TensorFlow, and two dense layers."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Embedding(40, 4),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(5, activation="tanh"),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss)
    return model


def _with_dense_gradients(optimizer):
    """Keras's own optimizer on gradients whose repeated rows are summed up.

    On TensorFlow it would square them before it adds them, unlike Adam.
    """
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        apply = optimizer.apply
        vars(optimizer)["apply"] = lambda gradients, variables=None: apply(
            [tf.convert_to_tensor(g) for g in gradients], variables
        )
    return optimizer


def _trained_state(optimizer, fused):
    model = _model(optimizer if fused else _with_dense_gradients(optimizer))
    ids = np.random.default_rng(0).integers(0, 40, (12, 6)).astype("int32")
    initial = None
    with fused_adam.fused_adam(optimizer if fused else keras.optimizers.SGD()):
        assert ("_backend_update_step" in vars(optimizer)) == (fused and FUSED)
        for _ in range(2):
            model.fit(ids, ids[:, 0] % 3, batch_size=4, epochs=2, shuffle=False, verbose=0)
            initial = initial or [np.array(w) for w in model.get_weights()]
    state = [*model.trainable_variables, *optimizer.variables]
    return initial, [np.array(keras.ops.convert_to_numpy(v)) for v in state]


@pytest.mark.parametrize("kind", sorted(ADAMS))
def test_weights_and_moments_are_those_of_keras(kind):
    earlier, expected = _trained_state(ADAMS[kind](0.05), fused=False)
    _, found = _trained_state(ADAMS[kind](0.05), fused=True)
    assert np.abs(expected[0] - earlier[0]).max() > 0.01, "nothing was trained"
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(),
        keras.optimizers.Adam(amsgrad=True),
        keras.optimizers.Adam(use_ema=True),
        keras.optimizers.Adam(gradient_accumulation_steps=2),
        type("MyAdam", (keras.optimizers.Adam,), {})(),
        None,
    ],
)
def test_other_optimizers_are_left_alone(optimizer):
    with fused_adam.fused_adam(optimizer):
        assert "_backend_update_step" not in getattr(optimizer, "__dict__", {})


def test_the_optimizer_is_as_before_after_fit_and_after_an_error():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = make_classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(mixed_texts(8), [0, 1] * 4, verbose=0, callbacks=[Stop()])
    assert "_backend_update_step" not in vars(model.optimizer)


def test_fit_uses_it_and_ends_where_keras_does(monkeypatch):
    weights = []
    for fused in (True, False):
        if not fused:
            monkeypatch.setattr(fused_adam, "_is_plain_adam", lambda optimizer: False)
        model = make_classifier()
        model.compile(optimizer=_with_dense_gradients(keras.optimizers.Adam(0.01)))
        model.fit(mixed_texts(16), [0, 1] * 8, batch_size=4, epochs=2, verbose=0, seed=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_mixed_precision_trains():
    model = make_classifier(labels=["a", "b"])
    reduced = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    for layer in model._flatten_layers():
        if hasattr(layer, "dtype_policy"):
            layer.dtype_policy = reduced
    history = model.fit(mixed_texts(8), ["a", "b"] * 4, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
