"""Checkpoints of a training, from which it continues to the weights of an uninterrupted run.

Weights, optimizer, metrics and random states are stored in one safetensors file, which
replaces the previous checkpoint atomically; its header holds the position and the history.
The best weights so far have their own file, which is written only when they change.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import safetensors
import safetensors.numpy

from keras_textcls.errors import RunError
from keras_textcls.utils.atomic import replace_file

_STATE_FILE = "state.safetensors"
_SCHEMA_VERSION = 1
_TORCH_STATE = "torch_generator"


@dataclasses.dataclass
class Progress:
    """The progress of a training.

    Args:
        epoch: int, number of completed epochs.
        batch: int, number of completed batches of the next epoch.
        history: list of dicts, the metrics of each epoch.
        best: float or `None`, the best monitored value.
        best_epoch: int or `None`, the epoch of that value, from 0.
        wait: int, number of epochs since then.
        finished: bool, whether the last epoch is completed, or training was
            stopped early.
        seconds: float, training time.
        batch_size: int, number of texts in a batch.
    """

    epoch: int = 0
    batch: int = 0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    best: float | None = None
    best_epoch: int | None = None
    wait: int = 0
    finished: bool = False
    seconds: float = 0.0
    batch_size: int = 0


class CheckpointStore:
    """The checkpoint of one run.

    Args:
        directory: `Path`, created by the first checkpoint.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def save(self, progress: Progress, arrays: Mapping[str, np.ndarray]) -> None:
        """Replace the checkpoint.

        Args:
            progress: `Progress`.
            arrays: mapping from name to array.
        """
        header = {"schema_version": _SCHEMA_VERSION, **dataclasses.asdict(progress)}
        self._write(_STATE_FILE, arrays, json.dumps(header))
        for path in self.directory.glob("best-*.safetensors"):
            if path.name != _best_name(progress.best_epoch):
                path.unlink(missing_ok=True)

    def load(self) -> tuple[Progress, dict[str, np.ndarray]] | None:
        """Read the checkpoint.

        Returns:
            A tuple of `Progress` and a dict from name to array, or `None` if there is
            no checkpoint.

        Raises:
            RunError: the checkpoint is broken.
        """
        path = self.directory / _STATE_FILE
        if not path.exists():
            return None
        arrays, header = self._read(_STATE_FILE)
        try:
            contents = json.loads(header)
            if contents.pop("schema_version") > _SCHEMA_VERSION:
                raise RunError(f"{path} was written by a newer keras-textcls. Update it.")
            return _checked(Progress(**contents)), arrays
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _broken(path, error) from error

    def save_best(self, epoch: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Save the weights of an epoch; they are used after `save` with this `best_epoch`.

        Args:
            epoch: int.
            arrays: mapping from name to array.
        """
        self._write(_best_name(epoch), arrays, "")

    def load_best(self, epoch: int) -> dict[str, np.ndarray]:
        """Read the weights that `save_best` saved.

        Args:
            epoch: int.

        Returns:
            A dict from name to array.
        """
        return self._read(_best_name(epoch))[0]

    def clear(self) -> None:
        """Remove the checkpoint."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, name: str, arrays: Mapping[str, np.ndarray], header: str) -> None:
        try:
            with replace_file(self.directory / name) as draft:
                safetensors.numpy.save_file(dict(arrays), draft, {"keras_textcls": header})
        except (OSError, safetensors.SafetensorError) as error:
            raise RunError(
                f"The checkpoint cannot be written to {self.directory}: {error}. What stood there "
                "is as it was: make room, or allow writing, and resume the run."
            ) from error

    def _read(self, name: str) -> tuple[dict[str, np.ndarray], str]:
        path = self.directory / name
        try:
            if path.exists() and not path.is_file():
                raise OSError("it is no file")  # Opening a pipe waits for ever.
            with safetensors.safe_open(path, framework="numpy") as file:
                header = (file.metadata() or {}).get("keras_textcls", "")
                return {key: file.get_tensor(key) for key in file.keys()}, header  # noqa: SIM118
        except (OSError, safetensors.SafetensorError) as error:
            raise _broken(path, error) from error


def _checked(progress: Progress) -> Progress:
    numbers = (progress.epoch, progress.batch, progress.wait, progress.batch_size)
    if not all(isinstance(n, int) and n >= 0 for n in numbers) or not progress.batch_size:
        raise ValueError(f"its position is {numbers}")
    if not all(isinstance(row, dict) for row in progress.history):
        raise ValueError("its history is no list of metrics")
    return progress


def _best_name(epoch: int | None) -> str:
    return f"best-{epoch}.safetensors"


def _broken(path: Path, error: Exception) -> RunError:
    return RunError(
        f"The checkpoint {path} is broken ({error}). Delete the run, or train without resuming."
    )


def read_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the arrays that training changes: trained weights and random states.

    Frozen weights are loaded from the preset again.

    Args:
        model: a `keras.Model`.

    Returns:
        A dict from name to array.
    """
    return _read(_changing(model))


def write_weights(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Restore the arrays that `read_weights` returned.

    Args:
        model: a `keras.Model` of the same architecture.
        arrays: mapping from name to array.

    Raises:
        RunError: the arrays are those of another model.
    """
    _write(_changing(model), arrays)


def read_state(model: keras.Model) -> dict[str, np.ndarray]:
    """Return all arrays that the next training step depends on.

    Args:
        model: a compiled `keras.Model` whose optimizer is built.

    Returns:
        A dict from name to array.
    """
    arrays = _read({**_changing(model), **_of_optimizer(model), **_of_metrics(model)})
    if keras.config.backend() == "torch":
        import torch

        arrays[_TORCH_STATE] = torch.get_rng_state().numpy()
        if torch.cuda.is_available():
            for number, state in enumerate(torch.cuda.get_rng_state_all()):
                arrays[f"{_TORCH_STATE}_cuda_{number}"] = state.numpy()
    return arrays


def write_state(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Restore the arrays that `read_state` returned, except the metrics.

    Args:
        model: a `keras.Model` of the same architecture.
        arrays: mapping from name to array.

    Raises:
        RunError: the arrays are those of another model.
    """
    _write({**_changing(model), **_of_optimizer(model)}, arrays)
    write_random_state(arrays)


def write_random_state(arrays: Mapping[str, np.ndarray]) -> None:
    """Restore the state of the random generator that dropout uses on PyTorch.

    On other backends this state is among the weights.

    Args:
        arrays: mapping from name to array, from `read_state`.
    """
    if keras.config.backend() == "torch":
        import torch

        torch.set_rng_state(torch.from_numpy(arrays[_TORCH_STATE].copy()))
        for number in range(torch.cuda.device_count()):
            state = arrays.get(f"{_TORCH_STATE}_cuda_{number}")
            if state is not None:
                torch.cuda.set_rng_state(torch.from_numpy(state.copy()), number)


def write_metrics(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Restore the running metrics of an epoch, which Keras resets at its beginning.

    Args:
        model: a `keras.Model` of the same architecture.
        arrays: mapping from name to array.
    """
    _write(_of_metrics(model), arrays)


def _changing(model: keras.Model) -> dict[str, Any]:
    trained = {id(v) for v in model.trainable_variables}
    return _numbered(
        "weights",
        [v for v in model.variables if id(v) in trained or "seed_generator" in v.path],
    )


def _of_optimizer(model: keras.Model) -> dict[str, Any]:
    return _numbered("optimizer", model.optimizer.variables)


def _of_metrics(model: keras.Model) -> dict[str, Any]:
    return _numbered("metrics", model.metrics_variables)


def _numbered(kind: str, variables: list[Any]) -> dict[str, Any]:
    # Not by path, which may contain a number that depends on other objects of the process.
    return {f"{kind}/{i}/{v.name}": v for i, v in enumerate(variables)}


def _read(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    # A copy: on PyTorch and TensorFlow the array may share memory with the variable.
    return {k: np.array(keras.ops.convert_to_numpy(v), order="C") for k, v in variables.items()}


def _write(variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    for name, variable in variables.items():
        if name not in arrays or tuple(arrays[name].shape) != tuple(variable.shape):
            raise RunError(
                f"The checkpoint does not fit the model: {name} of shape {tuple(variable.shape)} "
                "is not in it. Delete the run, or train without resuming."
            )
        variable.assign(arrays[name])


def is_better(value: float, best: float | None, higher: bool) -> bool:
    """Return whether a monitored value is the best so far.

    Args:
        value: float.
        best: float or `None`.
        higher: bool, whether higher is better.

    Returns:
        A bool; NaN is never better.
    """
    if math.isnan(value):
        return False
    return best is None or (value > best if higher else value < best)
