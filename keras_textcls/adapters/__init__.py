"""Low-rank adapters (LoRA) for the dense layers of any Keras Hub backbone.

`low_rank` derives the shapes of the factors from a layer, `lora_layer` holds the
trainable branch of a layer, `targets` finds layers by their paths, and `lora` adds,
merges and removes adapters. `saving/adapter_files.py` reads and writes
`adapter.json` and `adapter.safetensors`.
"""

from keras_textcls.adapters.adaptable import Adaptable
from keras_textcls.adapters.lora import Lora, LoraConfig, add_lora, folded

__all__ = ["Adaptable", "Lora", "LoraConfig", "add_lora", "folded"]
