"""Training templates and runs."""
