"""Label smoothing over class indices."""

import keras
import numpy as np
import pytest

from keras_textcls.optimization.smoothing import SmoothedSparseCategoricalCrossentropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("from_logits", [True, False])
def test_it_is_kerass_own_over_one_hot_targets(smoothing, from_logits):
    rng = np.random.default_rng(0)
    indices, outputs = rng.integers(0, 4, 6), rng.random((6, 4)).astype("float32")
    weight = rng.random(6)
    ours = SmoothedSparseCategoricalCrossentropy(from_logits, smoothing)
    keras_own = keras.losses.CategoricalCrossentropy(from_logits, smoothing)
    expected = keras_own(np.eye(4)[indices], outputs, sample_weight=weight)
    np.testing.assert_allclose(
        float(ours(indices, outputs, sample_weight=weight)), float(expected), rtol=1e-5
    )


def test_config_round_trip():
    loss = SmoothedSparseCategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
