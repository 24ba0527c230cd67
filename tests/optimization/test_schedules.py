"""The learning rate of a step."""

import keras
import numpy as np
import pytest

from keras_textcls.optimization.schedules import WarmupLinearDecay


@pytest.mark.parametrize("warmup", [0, 1, 3, 10])
def test_it_is_the_schedule_of_transformers(warmup):
    torch = pytest.importorskip("torch")
    from transformers import get_linear_schedule_with_warmup

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = get_linear_schedule_with_warmup(optimizer, warmup, 10)
    ours = WarmupLinearDecay(0.5, total_steps=10, warmup_steps=warmup)
    for step in range(11):
        np.testing.assert_allclose(float(ours(step)), theirs.get_last_lr()[0], atol=1e-6)
        optimizer.step()
        theirs.step()


def test_config_round_trip():
    schedule = WarmupLinearDecay(0.5, total_steps=10, warmup_steps=3)
    config = keras.optimizers.schedules.serialize(schedule)
    assert keras.optimizers.schedules.deserialize(config).get_config() == schedule.get_config()
