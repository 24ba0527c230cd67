"""Inputs of a caller: texts, labels and weights, checked."""
