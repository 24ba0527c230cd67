"""Building a model that may not be larger than its weights.

`config.json` is compared with the headers of the weights before anything is allocated: a
number in it can ask for gigabytes, or for hours of building layers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from keras_textcls.errors import PresetError, shorten
from keras_textcls.keras_compat.allocation import build_within
from keras_textcls.saving.weight_files import StoredArray

# States of random generators, and one array in the file for several in the model.
_MORE_NUMBERS, _MORE_ARRAYS, _ARRAYS_FOR_ONE = 1 << 20, 1000, 4
# Settings that say how often something is built; each time has weights of its own, or few do.
_COUNTS = re.compile(r"\w*(layers?|blocks?|repetitions|groups?|group_num|depths?)")
_MOST_SHARED = 100
_FLOATS = ("float16", "float32", "float64", "bfloat16")
_Built = TypeVar("_Built")


def build_for(
    build: Callable[[], _Built],
    config: Any,
    arrays: list[StoredArray],
    preset: str,
    check: Callable[[_Built], None] | None = None,
) -> _Built:
    """Build a model that is no larger than its weights, which are allocated last.

    Args:
        build: function without arguments that makes it.
        config: dict of the sizes that it is built from.
        arrays: list of `StoredArray`, its weights.
        preset: string, for messages.
        check: function of the model, called before anything is allocated.
            Defaults to `None`.

    Returns:
        What `build` returned.

    Raises:
        PresetError: its layers are more than its weights.
    """
    most = len(arrays) + _MOST_SHARED
    for name, value in config.items() if isinstance(config, dict) else ():
        count = sum(value) if _is_list_of_counts(value) else value
        if isinstance(count, int) and count > most and _COUNTS.fullmatch(name):
            raise PresetError(
                f"config.json of the preset {preset!r} has {name}={shorten(value)}, where its "
                f"weights are {len(arrays)} arrays. Copy the whole preset again."
            )

    def check_all(built: _Built) -> None:
        compute = getattr(getattr(built, "dtype_policy", None), "compute_dtype", "float32")
        if compute not in _FLOATS:
            raise PresetError(f"`dtype` in config.json cannot be {compute!r}.")
        if check is not None:
            check(built)

    numbers = sum(math.prod(array.shape) for array in arrays)
    most_arrays = len(arrays) * _ARRAYS_FOR_ONE + _MORE_ARRAYS
    return build_within(build, numbers + _MORE_NUMBERS, most_arrays, check_all)


def _is_list_of_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(count) is int for count in value)
