"""Distillation: small presets from large ones."""
