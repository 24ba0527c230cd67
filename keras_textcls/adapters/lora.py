"""Low-rank adapters of a model: add them, merge them into its weights, remove them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_textcls.adapters.lora_layer import LoraBranch
from keras_textcls.adapters.targets import find_targets, layer_paths
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.keras_compat.layers import (
    all_layers,
    list_parameters_anew,
    set_trainable_alone,
)
from keras_textcls.keras_compat.trainers import forget_compiled_steps, mark_layers_as_compiled


@dataclasses.dataclass(frozen=True)
class LoraConfig:
    """Configuration of low-rank adapters: which layers, which rank, which scale.

    Args:
        rank: int, columns of A and rows of B. Defaults to `16`.
        alpha: float; the update is scaled by `alpha / rank`. Defaults to `16`.
        dropout: float in `[0, 1)`, dropout rate before A. Defaults to `0.1`.
        targets: `"attention"`, `"all-linear"`, or a sequence of names, ends of
            paths or patterns; see `targets.find_targets`. Defaults to
            `"attention"`.

    Raises:
        ArgumentError: a value is none of the above.

    Example:
    >>> LoraConfig(rank=8).scale
    2.0
    """

    rank: int = 16
    alpha: float = 16
    dropout: float = 0.1
    targets: str | Sequence[str] = "attention"

    def __post_init__(self) -> None:
        """Check the values."""
        if not _is_number(self.rank, int) or self.rank < 1:
            raise ArgumentError(
                f"`rank` must be a positive integer, such as 16. Received: rank="
                f"{shorten(self.rank)}."
            )
        if not _is_number(self.alpha) or not (self.alpha > 0 and math.isfinite(self.alpha)):
            raise ArgumentError(
                f"`alpha` must be a positive number, such as 16. Received: alpha="
                f"{shorten(self.alpha)}."
            )
        if not _is_number(self.dropout) or not 0 <= self.dropout < 1:
            raise ArgumentError(
                f"`dropout` must be a number in [0, 1). Received: dropout={shorten(self.dropout)}."
            )
        names = self.targets
        if not isinstance(names, str):
            if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
                raise ArgumentError(
                    '`targets` must be "attention", "all-linear", or a list of names. Received: '
                    f"targets={shorten(names)}."
                )
            object.__setattr__(self, "targets", tuple(names))

    @property
    def scale(self) -> float:
        """Number by which A B is multiplied."""
        return self.alpha / self.rank


class Lora:
    """The adapters of one model; made by `add_lora`.

    Args:
        config: `LoraConfig`.
        models: list of `keras.Model` that hold the adapted layers, the backbone
            first.
        layers: dict from path to layer, those to adapt.
        seed: int, from which every A is drawn.

    Raises:
        ArgumentError: a layer cannot be adapted.
    """

    def __init__(
        self,
        config: LoraConfig,
        models: list[keras.Model],
        layers: Mapping[str, keras.layers.Layer],
        seed: int,
    ) -> None:
        self.config = config
        self._models = models
        self._is_attached = False
        self._branches = {
            path: LoraBranch(
                layer,
                path,
                config.rank,
                config.scale,
                config.dropout,
                np.random.default_rng([seed, i]),
            )
            for i, (path, layer) in enumerate(layers.items())
        }
        self._trainable = self._freeze()
        self._attach()
        self._renew(new_weights=True)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the adapted layers, in the order of the backbone."""
        return tuple(self._branches)

    @property
    def num_weights(self) -> int:
        """How many numbers A and B of all layers have together."""
        return sum(math.prod(w.shape) for b in self._branches.values() for w in b.weights)

    @property
    def is_merged(self) -> bool:
        """Whether the kernels hold the updates."""
        return any(branch.is_merged for branch in self._branches.values())

    @property
    def is_attached(self) -> bool:
        """Whether the model still has the adapters; not after `remove`."""
        return self._is_attached

    def get_config(self) -> dict[str, Any]:
        """Return what `restore_lora` makes such adapters of, ready for JSON."""
        config = dataclasses.asdict(self.config)
        if not isinstance(config["targets"], str):
            config["targets"] = list(config["targets"])
        return {**config, "layers": list(self.paths), "merged": self.is_merged}

    def weights(self) -> dict[str, tuple[Any, Any]]:
        """Return the variables A and B by the path of their layer."""
        return {path: (b.lora_a, b.lora_b) for path, b in self._branches.items()}

    def merge(self) -> None:
        """Add the updates to the kernels: the same outputs at the cost of the base model.

        Raises:
            ArgumentError: they are merged already, or a layer is quantized.
        """
        self._check_attached()
        if self.is_merged:
            raise ArgumentError("The adapters are merged already. `unmerge_lora()` undoes it.")
        self._merge()
        self._renew()

    def unmerge(self) -> None:
        """Restore the kernels as they were before `merge`, bit for bit.

        Raises:
            ArgumentError: they are not merged.
        """
        self._check_attached()
        if not self.is_merged:
            raise ArgumentError("The adapters are not merged. `merge_lora()` merges them.")
        self._unmerge()
        self._renew()

    def remove(self) -> None:
        """Remove the adapters; weights that were trainable before are so again.

        Merged updates stay in the kernels: `merge()` and `remove()` make an
        ordinary model of an adapted one.
        """
        self._check_attached()
        for branch in self._branches.values():
            branch.keep_merged()
        self._detach()
        for thing, trainable in self._trainable:
            if isinstance(thing, keras.layers.Layer):
                set_trainable_alone(thing, trainable)
            else:
                thing.trainable = trainable
        self._renew(new_weights=True)

    @contextlib.contextmanager
    def hidden(self, *, merged: bool) -> Iterator[None]:
        """Treat the model as one without adapters while the context is open.

        Args:
            merged: bool, whether their updates are in the kernels meanwhile.

        Returns:
            A context manager, after which everything is as before.
        """
        changes = merged != self.is_merged
        if changes:
            self._merge() if merged else self._unmerge()
        self._detach()
        try:
            yield
        finally:
            self._attach()
            if changes:
                self._unmerge() if merged else self._merge()

    def check_can_train(self) -> None:
        """Refuse to train merged adapters, whose gradients would be zero.

        Raises:
            ArgumentError: they are merged.
        """
        if self.is_merged:
            raise ArgumentError(
                "The adapters are merged and cannot be trained. Call `unmerge_lora()` to train "
                "them, or `lora.remove()` to go on without them."
            )

    def _merge(self) -> None:
        done = []
        try:
            for branch in self._branches.values():
                branch.merge()
                done.append(branch)
        except ArgumentError:
            for branch in done:
                branch.unmerge()
            raise

    def _unmerge(self) -> None:
        for branch in self._branches.values():
            branch.unmerge()

    def _attach(self) -> None:
        for branch in self._branches.values():
            branch.attach()
        self._is_attached = True

    def _detach(self) -> None:
        for branch in self._branches.values():
            branch.detach()
        self._is_attached = False

    def _check_attached(self) -> None:
        if not self._is_attached:
            raise ArgumentError("The adapters were removed. `add_lora()` adds new ones.")

    def _freeze(self) -> list[tuple[Any, bool]]:
        """Freeze every weight of the backbone, and return what was trainable before.

        Its layers stay trainable: Keras does not look for trainable weights
        beneath a layer that is not.
        """
        backbone = self._models[0]
        layers = all_layers(backbone)
        before = [(thing, thing.trainable) for thing in (*layers, *backbone.weights)]
        for layer in layers:
            set_trainable_alone(layer, True)
        for weight in backbone.weights:
            weight.trainable = False
        return before

    def _renew(self, new_weights: bool = False) -> None:
        """Drop what Keras has traced and compiled for the model before its change."""
        for model in self._models:
            forget_compiled_steps(model)
            if not new_weights:
                continue
            list_parameters_anew(model)
            if model.compiled:
                mark_layers_as_compiled(model)
                optimizer = model.optimizer
                if optimizer is not None and optimizer.built:
                    # Its variables belong to weights that are no longer those to train.
                    model.optimizer = type(optimizer).from_config(optimizer.get_config())


def add_lora(
    model: keras.Model,
    config: LoraConfig | None = None,
    seed: int | None = None,
    layers: Mapping[str, keras.layers.Layer] | None = None,
) -> Lora:
    """Freeze a backbone and add low-rank adapters that train in its place.

    Hu et al., 2021, "LoRA: Low-Rank Adaptation of Large Language Models".

    Args:
        model: a `TextClassifier` or another task with a `backbone`, whose head
            stays trainable, or a `keras_hub.models.Backbone` itself.
        config: `LoraConfig`. Defaults to `None`, its defaults.
        seed: int, from which every A is drawn. Defaults to `None`: drawn from
            numpy's global generator.
        layers: dict from path to layer, those to adapt. Defaults to `None`:
            those that `config.targets` names.

    Returns:
        A `Lora`.

    Raises:
        ArgumentError: a target is not there, cannot be adapted, or is already.
    """
    config = config or LoraConfig()
    models = _models_of(model)
    if layers is None:
        layers = find_targets(models[0], config.targets)
    if seed is None:
        seed = int(np.random.randint(2**31))
    return Lora(config, models, layers, seed)


def restore_lora(model: keras.Model, config: Mapping[str, Any]) -> Lora:
    """Add the adapters that a config describes, with weights that are to be loaded.

    Args:
        model: as for `add_lora`.
        config: mapping, what `Lora.get_config` returned.

    Returns:
        A `Lora`.

    Raises:
        ArgumentError: the backbone has no such layers, or a value is wrong.
    """
    names = {field.name for field in dataclasses.fields(LoraConfig)}
    known = layer_paths(_models_of(model)[0])
    paths = config.get("layers")
    if not isinstance(paths, (list, tuple)) or not all(path in known for path in paths):
        raise ArgumentError(
            "The adapters of the config are for other layers than the backbone has. Received: "
            f"layers={shorten(paths)}."
        )
    settings = LoraConfig(**{name: config[name] for name in names & set(config)})
    lora = add_lora(model, settings, seed=0, layers={path: known[path] for path in paths})
    if config.get("merged"):
        lora.merge()
    return lora


@contextlib.contextmanager
def folded(lora: Lora | None) -> Iterator[None]:
    """Treat a model as an ordinary one with merged adapters while the context is open.

    Args:
        lora: `Lora`, or `None` for a model without.

    Returns:
        A context manager.
    """
    if lora is None:
        yield
        return
    with lora.hidden(merged=True):
        yield


def _models_of(model: keras.Model) -> list[keras.Model]:
    """The backbone, and every model through which it is called."""
    backbone = getattr(model, "backbone", model)
    beside = model.models_beside() if hasattr(model, "models_beside") else []
    others = [model, *beside]
    return [backbone, *(other for other in others if other is not backbone)]


def _is_number(value: Any, kind: type = object) -> bool:
    numbers = (int, np.integer) if kind is int else (int, float, np.integer, np.floating)
    return isinstance(value, numbers) and not isinstance(value, bool)
