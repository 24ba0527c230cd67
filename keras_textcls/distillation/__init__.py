"""Small presets from large ones."""
