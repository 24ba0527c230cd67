"""The directories of runs: records, checkpoints, logs and versions."""
