"""The presets of `StaticEmbeddingBackbone` that ship with the package."""

from __future__ import annotations

from keras_textcls.catalogue import shipped_presets

backbone_presets = shipped_presets("StaticEmbeddingBackbone")
