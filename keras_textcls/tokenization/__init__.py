"""Tokenization without padding, as fast as the preprocessor allows."""
