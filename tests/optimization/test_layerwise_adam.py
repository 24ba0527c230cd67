"""A factor on the learning rate of some weights, and AdamW for the rest."""

import keras
import numpy as np
import pytest

from keras_textcls.optimization import fused_adam
from keras_textcls.optimization.layerwise_adam import LayerwiseAdamW

pytestmark = pytest.mark.compiled


def _train(optimizer, factors_of=None, fused=True):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Embedding(20, 4, name="table"), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    model.build((None, 5))
    if factors_of is not None:
        optimizer.factors = {v.path: factors_of(v) for v in model.trainable_variables}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss)
    ids = np.random.default_rng(0).integers(0, 20, (12, 5)).astype("int32")
    before = model.get_weights()
    with fused_adam.fused_adam(optimizer if fused else keras.optimizers.SGD()):
        model.fit(ids, ids[:, 0] % 3, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return before, model.get_weights()


@pytest.mark.parametrize("fused", [True, False])
def test_one_factor_for_all_is_another_learning_rate(fused):
    arguments = {"weight_decay": 0.1, "global_clipnorm": 1.0}
    _, half = _train(LayerwiseAdamW(0.02, **arguments), lambda v: 0.5, fused)
    _, same = _train(LayerwiseAdamW(0.01, **arguments), lambda v: 1.0, fused)
    for one, other in zip(half, same, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("fused", [True, False])
def test_a_factor_of_zero_keeps_a_layer_and_changes_no_other(fused):
    def table_stays(variable):
        return 0.0 if "table" in variable.path else 1.0

    before, after = _train(LayerwiseAdamW(0.01, weight_decay=0.1), table_stays, fused)
    np.testing.assert_array_equal(before[0], after[0])
    assert all((a != b).any() for a, b in zip(before[1:], after[1:], strict=True))


def test_without_factors_it_is_kerass_own():
    _, ours = _train(LayerwiseAdamW(0.01, weight_decay=0.1), fused=False)
    _, keras_own = _train(keras.optimizers.AdamW(0.01, weight_decay=0.1), fused=False)
    for one, other in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_config_round_trip():
    optimizer = LayerwiseAdamW(0.01, factors={"a/kernel": 0.5}, weight_decay=0.1)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is LayerwiseAdamW
    assert again.get_config() == optimizer.get_config()
