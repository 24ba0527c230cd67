"""Values of A and B as training would leave them."""

import numpy as np


def move(lora, scale=0.2):
    """Give A and B values as training would, and return the adapters."""
    rng = np.random.default_rng(7)
    for pair in lora.weights().values():
        for weight in pair:
            weight.assign(rng.normal(0, scale, weight.shape).astype("float32"))
    return lora
