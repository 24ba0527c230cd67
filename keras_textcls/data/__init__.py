"""Labelled texts: read, checked, split, versioned."""
