#!/usr/bin/env bash
# `enable_lora` of a Keras Hub backbone trains the biases of the adapted layers too, and
# `save_lora_weights` does not save them: a model put together again from the backbone and its
# LoRA file answers otherwise than the one that was trained, without a word.
#
# Seen with keras-hub 0.32.0, keras 3.15.1 (PyTorch backend).
# Guessed: after `load_lora_weights` of what `save_lora_weights` wrote, on the same backbone, the
#   outputs are equal; the docstring says that all weights but those of LoRA are frozen.
# Seen: a difference, for every layer that has a bias (BERT, RoBERTa and others).
# Who meets it: whoever keeps one backbone and many LoRA files.
# A remedy: save the whole preset, or set `layer.bias.trainable = False` of the adapted layers
#   after `enable_lora`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras-hub==0.32.0 keras==3.15.1 torch==2.13.0
cd "$folder"
KERAS_BACKEND=torch "$folder/venv/bin/python" - <<'PYTHON'
import keras
import keras_hub
import numpy as np


def make():
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=20, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8
    )
    backbone.enable_lora(2)
    return backbone


trained, loaded = make(), make()
print("trained are:", [weight.path for weight in trained.trainable_weights])
for weight in trained.trainable_weights:
    weight.assign_add(np.full(weight.shape, 0.1))
trained.save_lora_weights("adapters.lora.h5")
loaded.load_lora_weights("adapters.lora.h5")
x = {
    "token_ids": np.array([[1, 2, 3]]),
    "segment_ids": np.zeros((1, 3), int),
    "padding_mask": np.ones((1, 3), int),
}
outputs = [keras.ops.convert_to_numpy(model(x)["pooled_output"]) for model in (trained, loaded)]
print("the largest difference:", np.abs(outputs[0] - outputs[1]).max())
PYTHON
