"""Utilities: atomic writes, display of texts, versions, records, result tables."""
