"""The factors of low rank by which the kernel of a dense layer is updated."""

from __future__ import annotations

import dataclasses
import math
import string
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_textcls.errors import ArgumentError, shorten


@dataclasses.dataclass(frozen=True)
class LowRank:
    """The factors A and B of an update to a kernel.

    A holds the axes of the kernel that the layer sums over, then the rank; B the
    rank, then the axes that appear in the output.

    Args:
        kernel_shape: tuple of ints.
        input_axes: tuple of ints, axes of the kernel that are summed over.
        output_axes: tuple of ints, all other axes.
        down: string, the einsum of inputs and A, or `None` for a matrix product.
        up: string, the einsum of that and B, or `None` likewise.
    """

    kernel_shape: tuple[int, ...]
    input_axes: tuple[int, ...]
    output_axes: tuple[int, ...]
    down: str | None = None
    up: str | None = None

    def a_shape(self, rank: int) -> tuple[int, ...]:
        """Return the shape of A."""
        return (*(self.kernel_shape[i] for i in self.input_axes), rank)

    def b_shape(self, rank: int) -> tuple[int, ...]:
        """Return the shape of B."""
        return (rank, *(self.kernel_shape[i] for i in self.output_axes))

    @property
    def fan_in(self) -> int:
        """How many inputs each output sums over."""
        return math.prod(self.kernel_shape[i] for i in self.input_axes)

    def apply(self, inputs: Any, a: Any, b: Any) -> Any:
        """Return what the layer would return for the kernel A B, without bias.

        Args:
            inputs: tensor, the inputs of the layer.
            a: tensor of `a_shape`.
            b: tensor of `b_shape`.

        Returns:
            A tensor of the shape of the layer's output.
        """
        if self.down is None:
            return ops.matmul(ops.matmul(inputs, a), b)
        return ops.einsum(self.up, ops.einsum(self.down, inputs, a), b)

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return A B in the shape of the kernel.

        Args:
            a: array of `a_shape`.
            b: array of `b_shape`.

        Returns:
            An array of `kernel_shape`.
        """
        product = np.tensordot(a, b, axes=1)
        return product.transpose(np.argsort([*self.input_axes, *self.output_axes]))


def low_rank(layer: keras.layers.Layer, path: str) -> LowRank:
    """Return the factors of low rank for the kernel of a layer.

    Args:
        layer: a built `keras.layers.Dense` or `keras.layers.EinsumDense`.
        path: string, its name in error messages.

    Returns:
        A `LowRank`.

    Raises:
        ArgumentError: the layer is of another kind, or its equation is not a
            product of its inputs with a kernel that shares no batch axis.
    """
    if isinstance(layer, keras.layers.Dense):
        return LowRank(tuple(layer.kernel.shape), (0,), (1,))
    if not isinstance(layer, keras.layers.EinsumDense):
        raise ArgumentError(
            f"LoRA is for Dense and EinsumDense layers. {path!r} is a {type(layer).__name__}; "
            "leave it out of `targets`."
        )
    axes = _split(layer.equation)
    if axes is None or len(axes[1]) != len(layer.kernel.shape):
        raise ArgumentError(
            f"LoRA needs an equation whose kernel shares no batch axis with inputs and outputs, "
            f"such as 'abc,cde->abde'. {path!r} has {shorten(layer.equation)} and a kernel of "
            f"shape {tuple(layer.kernel.shape)}; leave it out of `targets`."
        )
    inputs, kernel, output = axes
    summed = "".join(axis for axis in kernel if axis in inputs)
    kept = "".join(axis for axis in kernel if axis not in inputs)
    rank = next(letter for letter in string.ascii_letters if letter not in layer.equation)
    low = "".join(axis for axis in inputs if axis not in summed) + rank
    return LowRank(
        tuple(layer.kernel.shape),
        tuple(kernel.index(axis) for axis in summed),
        tuple(kernel.index(axis) for axis in kept),
        f"{inputs},{summed}{rank}->{low}",
        f"{low},{rank}{kept}->{output}",
    )


def _split(equation: str) -> tuple[str, str, str] | None:
    """Inputs, kernel and output of an equation, or `None` where A B cannot replace its kernel."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    if not arrow or len(operands) != 2:
        return None
    inputs, kernel = operands
    once = len(set(kernel)) == len(kernel) and "." not in kernel
    # Each axis of the kernel is either summed over with the inputs or new in the output.
    apart = all((axis in inputs) != (axis in output) for axis in kernel)
    both = any(axis in inputs for axis in kernel) and any(axis in output for axis in kernel)
    known = set(output) <= set(inputs) | set(kernel)
    return (inputs, kernel, output) if once and apart and both and known else None
