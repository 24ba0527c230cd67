"""Low-rank adapters (LoRA) for the dense layers of any Keras Hub backbone.

`low_rank` derives the shapes from a layer, `lora_layer` is what trains beside
it, `targets` finds layers by their paths, `lora` adds, merges and removes, and
`files` reads and writes `adapter.json` and `adapter.safetensors`.
"""

from keras_textcls.adapters.adaptable import Adaptable
from keras_textcls.adapters.lora import Lora, LoraConfig, add_lora, folded

__all__ = ["Adaptable", "Lora", "LoraConfig", "add_lora", "folded"]
