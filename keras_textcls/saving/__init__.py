"""Saving and loading: presets, adapters, model cards, Hugging Face checkpoints."""
