"""`Adaptable`: the methods of a model that can have low-rank adapters."""

from __future__ import annotations

from typing import Any

from keras_textcls.adapters.lora import Lora, LoraConfig, add_lora, restore_lora
from keras_textcls.errors import ArgumentError


class Adaptable:
    """Mixin of `TextClassifier` and `TextToText` with their methods for adapters.

    A subclass has a `backbone`, and a namespace `_runtime` with the entries `lora`
    and `base`.
    """

    _runtime: Any

    def add_lora(
        self,
        rank: int = 16,
        alpha: float = 16,
        dropout: float = 0.1,
        targets: Any = "attention",
        seed: int | None = None,
    ) -> Lora:
        """Freeze the backbone and add low-rank adapters that train in its place.

        The outputs are as before until the adapters are trained; the head trains
        along. Hu et al., 2021, "LoRA: Low-Rank Adaptation of Large Language
        Models".

        Args:
            rank: int, rank of the update to each kernel. Defaults to `16`.
            alpha: float; the update is scaled by `alpha / rank`. Defaults to `16`.
            dropout: float in `[0, 1)`, dropout rate of the adapters' inputs.
                Defaults to `0.1`.
            targets: which layers are adapted: `"attention"`, `"all-linear"`, or a
                list of names: paths such as
                `"transformer_layer_0/self_attention_layer/query"`, ends of paths
                such as `"query"`, either with wildcards. Defaults to
                `"attention"`.
            seed: int, from which the adapters are drawn. Defaults to `None`: drawn
                from numpy's global generator.

        Returns:
            The adapters, as `lora` returns them.

        Raises:
            ArgumentError: a name matches no layer, a layer cannot be adapted, or
                there are adapters already.
        """
        config = LoraConfig(rank, alpha, dropout, targets)
        self.lora = lora = add_lora(self, config, seed)
        return lora

    def merge_lora(self) -> None:
        """Add the adapters to the weights: the same outputs at the speed of the base.

        Raises:
            ArgumentError: there are none, they are merged, or a layer is quantized.
        """
        self._adapters().merge()

    def unmerge_lora(self) -> None:
        """Undo `merge_lora`: the weights are bit for bit what they were before.

        Raises:
            ArgumentError: there are none, or they are not merged.
        """
        self._adapters().unmerge()

    @property
    def lora(self) -> Lora | None:
        """The adapters of `add_lora`, or `None`: `config`, `paths`, `num_weights`, `remove()`."""
        lora = self._runtime.lora
        return lora if lora is not None and lora.is_attached else None

    @lora.setter
    def lora(self, value: Lora | None) -> None:
        self._runtime.lora = value

    @property
    def base_preset(self) -> Any:
        """The preset that the backbone was loaded from, a `BasePreset`, or `None`. Settable."""
        return self._runtime.base

    @base_preset.setter
    def base_preset(self, value: Any) -> None:
        self._runtime.base = value

    def _lora_config(self) -> dict[str, Any]:
        """What `get_config` holds of the adapters; nothing where there are none."""
        lora = self.lora
        return {} if lora is None else {"lora": lora.get_config()}

    def _restore_lora(self, config: Any) -> None:
        """Add the adapters that a config names, if any; their weights are loaded next."""
        if config is not None:
            self.lora = restore_lora(self, config)

    def models_beside(self) -> list[Any]:
        """Return the models that share the backbone, and may be compiled.

        Returns:
            A list of `keras.Model`.
        """
        return []

    def _adapters(self) -> Lora:
        if self.lora is None:
            raise ArgumentError("The classifier has no adapters. `add_lora()` adds them.")
        return self.lora
