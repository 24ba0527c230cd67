"""The training loops of the templates."""
