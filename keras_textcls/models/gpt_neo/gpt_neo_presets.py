"""The published checkpoints of `GPTNeoBackbone`, on the Hugging Face hub."""

from __future__ import annotations

from keras_textcls.catalogue import gpt_neo_presets

backbone_presets = gpt_neo_presets()
