"""Training: how models come to be."""
