"""Runs as directories: records, checkpoints, logs, versions."""
