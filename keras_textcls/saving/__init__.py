"""Presets in and out: files, records, adapters, model cards; Hugging Face checkpoints."""
