"""Texts that are stored at web addresses or in other files."""
