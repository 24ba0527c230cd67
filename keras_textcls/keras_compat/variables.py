"""Private attributes of `keras.Variable`."""

from __future__ import annotations

from typing import Any


def has_value(variable: Any) -> bool:
    """Return whether a variable holds its value; Keras on JAX takes it away while it runs steps.

    Reading `variable.value` in that state raises an error.

    Args:
        variable: a `keras.Variable`.

    Returns:
        A bool.
    """
    return variable._value is not None
