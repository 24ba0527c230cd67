"""Causal language models that complete prompts, and answer in labels."""
