"""Heads on frozen features, solved to their optimum."""
