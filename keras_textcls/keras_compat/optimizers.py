"""Private methods of Keras optimizers: the steps of Adam, weight decay of each variable."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from keras_textcls.keras_compat.fallback import has_names

_UPDATE, _APPLY = "_backend_update_step", "_backend_apply_gradients"
_SLOWER = "training with Adam"
# What the kernels of another library need to stand in for Keras's Adam.
STEP_NAMES = (_UPDATE, _APPLY, "_get_variable_index")
MOMENT_NAMES = ("_momentums", "_velocities")
TORCH_KERNEL = "_fused_adam_"


def can_replace_adam(optimizer: keras.optimizers.Adam) -> bool:
    """Return whether the steps of an Adam can be replaced by a fused kernel; warn once if not.

    Args:
        optimizer: a `keras.optimizers.Adam` instance.

    Returns:
        A bool.
    """
    # The moments are made with the optimizer's other variables.
    names = STEP_NAMES + (MOMENT_NAMES if optimizer.built else ())
    if not has_names(optimizer, names, _SLOWER):
        return False
    if keras.config.backend() != "torch":
        return True
    import torch

    return has_names(torch, [TORCH_KERNEL], _SLOWER)


@contextlib.contextmanager
def replaced_steps(
    optimizer: keras.optimizers.Optimizer,
    update: Callable[..., None],
    apply: Callable[..., None] | None,
) -> Iterator[None]:
    """Replace the functions by which an optimizer updates, while the context is open.

    Args:
        optimizer: a `keras.optimizers.Optimizer`.
        update: function of `(optimizer, gradients, variables, learning_rate)`
            that updates the variables.
        apply: function of `(optimizer, gradients, variables)` that is called
            before clipping and weight decay, or `None` for Keras's own. It calls
            `apply_gradients`.

    Returns:
        A context manager.
    """
    steps = {_UPDATE: update} if apply is None else {_UPDATE: update, _APPLY: apply}
    # On the instance, past Keras's tracking of attributes.
    replaced = {name: functools.partial(step, optimizer) for name, step in steps.items()}
    vars(optimizer).update(replaced)
    try:
        yield
    finally:
        for name in replaced:
            del vars(optimizer)[name]


def apply_gradients(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
    """Clip gradients, decay weights and update variables as the optimizer's class does.

    Args:
        optimizer: a `keras.optimizers.Optimizer`.
        gradients: sequence of tensors.
        variables: sequence of `keras.Variable`.
    """
    type(optimizer)._backend_apply_gradients(optimizer, gradients, variables)


def adam_moments(optimizer: Any, variables: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the running means of the gradients of some variables, and of their squares.

    Args:
        optimizer: a built `keras.optimizers.Adam`.
        variables: sequence of its variables.

    Returns:
        A tuple of two lists of the backend's own variables.
    """
    indices = [optimizer._get_variable_index(variable) for variable in variables]
    first, second = optimizer._momentums, optimizer._velocities
    return [first[i].value for i in indices], [second[i].value for i in indices]


def torch_fused_adam(*args: Any, **kwargs: Any) -> None:
    """Update tensors by PyTorch's fused kernel of Adam, which its own optimizer calls.

    Args:
        *args: lists of parameters, gradients, means, means of squares, their
            maxima (empty) and steps.
        **kwargs: `lr`, `beta1`, `beta2`, `weight_decay`, `eps`, `amsgrad` and
            `maximize`.
    """
    import torch

    torch._fused_adam_(*args, **kwargs)


def trainable_variable(optimizer: Any, variable: Any) -> Any:
    """Return the `keras.Variable` behind what an optimizer updates.

    Keras on TensorFlow updates TensorFlow's variables, which have no path.

    Args:
        optimizer: a built `keras.optimizers.Optimizer`.
        variable: what `update_step` is given.

    Returns:
        A `keras.Variable`.
    """
    return optimizer._trainable_variables[optimizer._get_variable_index(variable)]


class AdamWWithFactors(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` whose weight decay differs from variable to variable.

    A subclass defines `factor`.
    """

    def factor(self, variable: Any) -> float:
        """Return the factor on the learning rate of a variable."""
        raise NotImplementedError

    def _apply_weight_decay(self, variables: Any) -> None:
        if not self.weight_decay:
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                rate = keras.ops.cast(self.learning_rate, variable.dtype) * self.factor(variable)
                variable.assign(variable - variable * self.weight_decay * rate)
