"""Texts that stand behind addresses."""
