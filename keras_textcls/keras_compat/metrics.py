"""Private attributes of `keras.metrics.Metric`."""

from __future__ import annotations

import keras


def copy_direction(metric: keras.metrics.Metric, other: keras.metrics.Metric) -> None:
    """Copy from one metric to another whether more is better, for callbacks with `mode="auto"`.

    Args:
        metric: the `keras.metrics.Metric` to set it for.
        other: the `keras.metrics.Metric` to read it from. Not every metric says.
    """
    if hasattr(other, "_direction"):
        metric._direction = other._direction
