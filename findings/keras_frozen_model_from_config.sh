#!/usr/bin/env bash
# A frozen functional model that is made again from its config (clone, deepcopy, `.keras` file) says
# that it is frozen, and its weights train as soon as another model is put around it.
#
# Seen with keras 3.15.1, on PyTorch.
# Guessed: `trainable=False` in the config freezes the weights, as setting it on the model does.
# Seen: `trainable` is set before the model has its layers, so the weights keep `trainable=True`;
#   alone the copy trains nothing, within another model it trains everything.
# Who meets it: whoever freezes a backbone of Keras Hub, puts a head on it, and copies or saves the
#   whole: the copy trains the backbone too, without a word.
# A remedy: `model.trainable = model.trainable` after loading, before the next `compile`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras==3.15.1 torch==2.13.0
KERAS_BACKEND=torch "$folder/venv/bin/python" - <<'PYTHON'
import copy

import keras


@keras.saving.register_keras_serializable("finding")
class Encoder(keras.Model):
    """A functional model that makes its layers from arguments, as the backbones of Keras Hub."""

    def __init__(self, units=2, **kwargs):
        inputs = keras.Input((3,))
        super().__init__(inputs, keras.layers.Dense(units)(inputs), **kwargs)
        self.units = units

    def get_config(self):
        return {"units": self.units, "name": self.name, "trainable": self.trainable}


def trained_within(inner):
    outer = keras.Model(inner.input, keras.layers.Dense(1)(inner(inner.input)))
    return len(outer.trainable_weights)


encoder = Encoder()
encoder.trainable = False
again = copy.deepcopy(encoder)
print("trainable:", encoder.trainable, "and of the copy:", again.trainable)
print("weights that train in another model:", trained_within(encoder), trained_within(again))
assert (encoder.trainable, again.trainable) == (False, False)
assert (trained_within(encoder), trained_within(again)) == (2, 4)
PYTHON
echo "as described"
