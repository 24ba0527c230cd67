"""The inside of a `keras.metrics.Metric`."""

from __future__ import annotations

import keras


def copy_direction(metric: keras.metrics.Metric, other: keras.metrics.Metric) -> None:
    """Let callbacks with `mode="auto"` take a metric as they take another: more or less is better.

    Args:
        metric: the `keras.metrics.Metric` to set it for.
        other: the `keras.metrics.Metric` to read it from. Not every metric says.
    """
    if hasattr(other, "_direction"):
        metric._direction = other._direction
