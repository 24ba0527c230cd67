"""Building a model that may not ask for more numbers than its weights file holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import keras
from keras.src.backend.common import global_state
from keras.src.backend.common.variables import initialize_all_variables

__all__ = ["TooManyNumbersError", "build_within"]

_WAITING = "uninitialized_variables"
_Built = TypeVar("_Built")


class TooManyNumbersError(ValueError):
    """A model asks for more variables, or larger ones, than it may have."""


class _Bounded(list[Any]):
    """The variables that wait for their values, as Keras keeps them, with a bound."""

    def __init__(self, most_numbers: int, most_variables: int) -> None:
        super().__init__()
        self.most_numbers = most_numbers
        self.most_variables = most_variables
        self.numbers = 0

    def append(self, variable: Any) -> None:
        self.numbers += math.prod(variable.shape)
        super().append(variable)
        if self.numbers > self.most_numbers or len(self) > self.most_variables:
            raise TooManyNumbersError(
                f"it asks for {self.numbers:,} numbers or more in {len(self):,} arrays or more, "
                f"where at most {self.most_numbers:,} in {self.most_variables:,} are allowed"
            )


def build_within(
    build: Callable[[], _Built],
    most_numbers: int,
    most_variables: int,
    check: Callable[[_Built], None] | None = None,
) -> _Built:
    """Build a model, and allocate its variables only once their shapes are known.

    Within a `keras.StatelessScope`, a new variable has a shape and no value; leaving the
    scope draws the values of all. The list in which Keras keeps them meanwhile counts.

    Args:
        build: function without arguments that makes a model.
        most_numbers: int, how many numbers all variables together may have.
        most_variables: int, how many variables there may be.
        check: function of the model, called before anything is allocated, which
            may raise. Defaults to `None`.

    Returns:
        The model.

    Raises:
        TooManyNumbersError: it asks for more; nothing was allocated.
    """
    before = global_state.get_global_attribute(_WAITING)
    global_state.set_global_attribute(_WAITING, _Bounded(most_numbers, most_variables))
    try:
        with keras.StatelessScope(initialize_variables=False):
            built = build()
            if check is not None:
                check(built)
        initialize_all_variables()
        return built
    finally:
        global_state.set_global_attribute(_WAITING, before or [])
