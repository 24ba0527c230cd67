"""`TextToText`: a causal language model that completes prompts, and can be trained to."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

import keras
import keras_hub
import numpy as np
from keras import ops

from keras_textcls.adapters import Adaptable
from keras_textcls.batching.text_reader import TextReader
from keras_textcls.errors import ArgumentError, refuse_unknown_arguments, shorten
from keras_textcls.execution.model_locks import one_at_a_time
from keras_textcls.execution.text_model import TextModel
from keras_textcls.keras_compat.layers import freeze_as_configured, give_own_dtype_policies
from keras_textcls.saving import adapter_presets
from keras_textcls.saving.preset_files import ClassifierRecord
from keras_textcls.text_to_text import loading
from keras_textcls.text_to_text.answer_model import (
    AnswerAccuracy,
    AnswerLoss,
    answer_logits,
    check_causal_lm,
    output_layers,
)
from keras_textcls.text_to_text.few_shot import one_column
from keras_textcls.text_to_text.pair_reader import PairReader
from keras_textcls.text_to_text.prompt_encoding import PromptTokenizer

DEFAULT_LEARNING_RATE = 2e-5
DEFAULT_NEW_TOKENS = 64


@keras.saving.register_keras_serializable(package="keras_textcls")
class TextToText(Adaptable, TextModel, keras.Model):
    """Completes prompts, with any causal language model of Keras Hub or GPT-Neo.

    `fit` trains it on prompts and responses, the loss on the responses alone.

    Args:
        causal_lm: a `keras_hub.models.CausalLM` with a preprocessor, whose
            weights it shares.
        sequence_length: int, most tokens of a prompt and its answer, or those
            that the model has positions for if they are fewer. Defaults to
            `None`, that of the preprocessor, which it replaces otherwise.
        **kwargs: `name` and `trainable`, as for a `keras.Model`.

    Raises:
        ArgumentError: it is no such model.

    Example:
    >>> from keras_textcls.models import GPTNeoBackbone, GPTNeoCausalLM
    >>> from keras_textcls.models import GPTNeoCausalLMPreprocessor, GPTNeoTokenizer
    >>> letters = [chr(c) for c in range(33, 127)] + ["\u0120", "##", "<|endoftext|>"]
    >>> tokenizer = GPTNeoTokenizer({t: i for i, t in enumerate(letters)}, ["# #"])
    >>> backbone = GPTNeoBackbone(len(letters), 2, 2, 16, max_sequence_length=64)
    >>> preprocessor = GPTNeoCausalLMPreprocessor(tokenizer, sequence_length=64)
    >>> model = TextToText(GPTNeoCausalLM(backbone, preprocessor))
    >>> history = model.fit(["2 + 2 =", "1 + 1 ="], [" 4", " 2"], verbose=0)
    >>> completed = model.generate(["3 + 3 ="], max_new_tokens=2)
    >>> completed[0].startswith("3 + 3 =")
    True
    """

    def __init__(self, causal_lm: Any, sequence_length: int | None = None, **kwargs: Any) -> None:
        check_causal_lm(causal_lm)
        refuse_unknown_arguments(type(self), kwargs, ("name", "trainable"))
        if causal_lm.preprocessor is None:
            raise ArgumentError(
                "`causal_lm` has no preprocessor, so texts cannot become tokens. Make it with "
                "preprocessor=keras_hub.models.CausalLMPreprocessor(...)."
            )
        give_own_dtype_policies(causal_lm.backbone)
        head = output_layers(causal_lm)
        inputs, logits = answer_logits(causal_lm, head)
        # State beside the Keras object, hidden from its attribute tracking.
        self._runtime = types.SimpleNamespace(
            causal_lm=causal_lm, head=head, tokenizer=None, sampler=None, histories={},
            lora=None, base=None,
        )  # fmt: skip
        super().__init__(inputs, logits, **kwargs)
        if sequence_length is not None:
            self.sequence_length = _at_most(sequence_length, self.backbone)
        self.compile()

    @classmethod
    def from_preset(cls, preset: Any, load_weights: bool = True, **kwargs: Any) -> Any:
        """Load a preset that holds a causal language model.

        Args:
            preset: string or path: a name such as `"gpt_neo_125m_en"`, a
                `kaggle://`, `hf://` or `modelscope://` handle, a preset
                directory, or the directory of a Hugging Face checkpoint.
            load_weights: bool. If `False`, all weights are initialized anew.
                Defaults to `True`.
            **kwargs: arguments of the constructor; `dtype`, the dtype policy of
                the backbone; and for a preset that holds only adapters `base`; and
                `check_hashes`, a bool: `False` loads files that were changed since
                they were saved, where the hashes recorded then are compared
                otherwise.

        Returns:
            A model of this class.

        Raises:
            PresetError: the preset is missing, broken or refused, or holds no
                causal language model.
        """
        return adapter_presets.load(cls, preset, load_weights, **kwargs)

    def save_to_preset(
        self, preset_dir: Any, max_shard_size: float | None = 10, adapter_only: bool = False
    ) -> None:
        """Save everything to a preset directory, or leave it as it was.

        `keras_hub.models.CausalLM.from_preset` loads it too, if the architecture
        is one of Keras Hub. Adapters are merged into the weights that are
        written, and stay as they are here.

        Args:
            preset_dir: string or path. Files there that are no part of a preset
                are kept.
            max_shard_size: int, float or `None`, largest weights file in GB.
                Defaults to `10`.
            adapter_only: bool, whether to write only the adapters of `add_lora`,
                with the name and the hash of the preset that the model was
                loaded from. Defaults to `False`.

        Raises:
            PresetError: the directory cannot be written.
            ArgumentError: `adapter_only` is set, and there are no adapters, or
                the backbone is not that of a preset.
        """
        with one_at_a_time(self):
            adapter_presets.save(self, preset_dir, max_shard_size, adapter_only)

    def compile(
        self, optimizer: Any = "auto", loss: Any = "auto", *, metrics: Any = "auto", **kwargs: Any
    ) -> None:
        """Configure training.

        Args:
            optimizer: `"auto"`, a name or a `keras.Optimizer`. Defaults to
                `"auto"`: Adam with learning rate 2e-5, as Keras Hub has it for
                causal language models.
            loss: `"auto"` or a `keras.losses.Loss`. Defaults to `"auto"`:
                minus the log-likelihood of the answer, the sum over its tokens.
            metrics: `"auto"` or a list of metrics. Defaults to `"auto"`: the
                share of answers whose tokens are all the likeliest.
            **kwargs: see `keras.Model.compile`.
        """
        if isinstance(optimizer, str) and optimizer == "auto":
            optimizer = keras.optimizers.Adam(DEFAULT_LEARNING_RATE)
        loss = AnswerLoss() if isinstance(loss, str) and loss == "auto" else loss
        if isinstance(metrics, str) and metrics == "auto":
            metrics = [AnswerAccuracy()]
        self._runtime.histories = {}
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_data: Any = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        callbacks: Any = None,
        verbose: str | int = "auto",
        initial_batch: int = 0,
        *,
        validation_split: float = 0.0,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on prompts and responses.

        A response continues its prompt exactly as it is written, so it must
        begin with a space where one belongs. A prompt that is too long loses its
        beginning; the start token, if the model has one, stays.

        Args:
            x: list of prompts.
            y: list of responses.
            batch_size: int, texts a step. Defaults to `None`, 8.
            epochs: int. Defaults to `1`.
            validation_data: `(prompts, responses)`. Defaults to `None`.
            shuffle: bool, whether every epoch has an order of its own.
                Defaults to `True`.
            sample_weight: numbers, one a text. Defaults to `None`.
            seed: int, from which order and dropout follow. Defaults to `None`:
                drawn from numpy's global generator.
            callbacks: list of `keras.callbacks.Callback`. Defaults to `None`.
            verbose: as in `keras.Model.fit`. Defaults to `"auto"`.
            initial_batch: int, batches of the epoch that are left out. Defaults
                to `0`.
            validation_split: float in `[0, 1)`, share of the pairs held out at
                random, without `validation_data`. Defaults to `0.0`.
            **kwargs: further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            InvalidDataError: texts cannot be used, or a response is longer than
                a sequence.
        """
        return self._fit(
            x, y, batch_size=batch_size, epochs=epochs, validation_data=validation_data,
            validation_split=validation_split, shuffle=shuffle, sample_weight=sample_weight,
            seed=seed, callbacks=callbacks, verbose=verbose, initial_batch=initial_batch, **kwargs,
        )  # fmt: skip

    def generate(
        self,
        prompts: Any,
        max_length: int | None = None,
        sampler: Any = "greedy",
        *,
        max_new_tokens: int = DEFAULT_NEW_TOKENS,
        strip_prompt: bool = False,
        batch_size: int = 32,
    ) -> Any:
        """Complete texts.

        Prompts of similar length are completed together, so that a short one
        does not wait for a long one.

        Args:
            prompts: one text, or a list of texts.
            max_length: int, most tokens of a text with its prompt. Defaults to
                `None`: those of the prompt and `max_new_tokens`.
            sampler: name of a sampler of Keras Hub, such as `"greedy"`,
                `"top_k"` or `"top_p"`, or a `keras_hub.samplers.Sampler`.
                Defaults to `"greedy"`.
            max_new_tokens: int, most tokens after a prompt, where `max_length`
                is not given. Defaults to `64`.
            strip_prompt: bool, whether to return the completions without prompts.
                Defaults to `False`.
            batch_size: int, most prompts that are completed together. Defaults
                to `32`.

        Returns:
            A list of strings, or one string for one.

        Raises:
            ArgumentError: a prompt leaves no room for an answer.
        """
        counts = {"max_new_tokens": max_new_tokens, "batch_size": batch_size}
        if max_length is not None:
            counts["max_length"] = max_length
        for name, value in counts.items():
            is_count = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not is_count or value < 1:
                raise ArgumentError(
                    f"`{name}` must be a positive integer. Received: {name}={shorten(value)}."
                )
        is_one = isinstance(prompts, str)
        texts = one_column([prompts] if is_one else prompts, "prompts")
        self._set_sampler(sampler)
        tokenizer = self._tokenizer()
        lengths = np.array([len(tokenizer.beginning(text)) for text in texts])
        limit = self.sequence_length
        if max_length is None:
            ends = np.minimum(lengths + max_new_tokens, limit)
        else:
            ends = np.full(len(texts), min(max_length, limit))
        if (lengths >= ends).any():
            worst = int(np.argmax(lengths - ends))
            raise ArgumentError(
                f"Prompt {worst} has {lengths[worst]} tokens, and at most {ends[worst]} with its "
                "answer: there is no room for one. Shorten it, or pass a larger `max_length` (a "
                f"sequence of this model has at most {limit})."
            )
        order = np.argsort(lengths, kind="stable")
        done: list[str] = [""] * len(texts)
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            made = _complete(self.causal_lm, [texts[i] for i in rows], ends[rows], strip_prompt)
            for row, text in zip(rows, made, strict=True):
                done[row] = text
        return done[0] if is_one else done

    @property
    def causal_lm(self) -> Any:
        """The `keras_hub.models.CausalLM`."""
        return self._runtime.causal_lm

    @property
    def backbone(self) -> keras.Model:
        """The backbone of the language model."""
        return self.causal_lm.backbone

    @property
    def preprocessor(self) -> Any:
        """The preprocessor of the language model."""
        return self.causal_lm.preprocessor

    @property
    def sequence_length(self) -> int:
        """Most tokens of a prompt and its answer together. Settable."""
        length = getattr(self.preprocessor, "sequence_length", None) or 512
        return int(min(length, getattr(self.backbone, "max_sequence_length", None) or length))

    @sequence_length.setter
    def sequence_length(self, value: int) -> None:
        longest = getattr(self.backbone, "max_sequence_length", None)
        is_number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not is_number or value < 1 or (longest is not None and value > longest):
            raise ArgumentError(
                "`sequence_length` must be a positive integer"
                f"{f' of at most {longest}' if longest is not None else ''}. Received: "
                f"sequence_length={shorten(value)}."
            )
        self.preprocessor.sequence_length = int(value)

    @property
    def accuracy_name(self) -> str:
        """The metric of `compile()` that says how often the answer is right."""
        return "answer_accuracy"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, ready for JSON."""
        causal_lm = keras.saving.serialize_keras_object(self.causal_lm)
        # Keras cannot compile it from that, and warns.
        causal_lm.pop("compile_config", None)
        return {
            "causal_lm": causal_lm,
            "name": self.name,
            "trainable": self.trainable,
            **self._lora_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make a model from what `get_config` returned."""
        lm = keras.saving.deserialize_keras_object(config["causal_lm"], custom_objects)
        arguments = {**config, "causal_lm": lm}
        lora = arguments.pop("lora", None)
        model = cls(**arguments)
        freeze_as_configured(model.backbone)
        model._restore_lora(lora)
        return model

    @classmethod
    def load_whole(cls, files: Any, load_weights: bool, **kwargs: Any) -> Any:
        """Load a preset that is more than adapters; see `SavedModel`."""
        return loading.load_text_to_text(cls, files, load_weights, **kwargs)

    @classmethod
    def recorded_arguments(
        cls, record: ClassifierRecord, sequence_length: int | None = None, fresh: bool = False
    ) -> dict[str, Any]:
        """Return the arguments that `classifier.json` holds; see `SavedModel`."""
        return {}

    def save_whole(self, preset_dir: Any, max_shard_size: float | None) -> None:
        """Save all weights; see `SavedModel`."""
        loading.save_text_to_text(self, preset_dir, max_shard_size)

    def head_arguments(self) -> dict[str, Any]:
        """Return nothing: a language model has no head beside its output layer."""
        return {}

    def models_beside(self) -> list[keras.Model]:
        """Return the models that share the backbone, and may be compiled."""
        return [self.causal_lm]

    def _tokenizer(self) -> PromptTokenizer:
        runtime = self._runtime
        if runtime.tokenizer is None or runtime.tokenizer.preprocessor is not self.preprocessor:
            runtime.tokenizer = PromptTokenizer(self.preprocessor)
        return runtime.tokenizer

    _default_batch_size = 8
    _stratifies = False

    @property
    def _longest(self) -> int:  # type: ignore[override]
        return self.sequence_length

    def _reader(self, use: str) -> TextReader:
        return PairReader(tokenizer=self._tokenizer(), sequence_length=self.sequence_length)

    def _set_sampler(self, sampler: Any) -> None:
        # The language model may be another task's too, which sets a sampler of its own.
        known = self._runtime.sampler
        if known is not None and known[0] is sampler and known[1] is self.causal_lm.sampler:
            return
        try:
            chosen = keras_hub.samplers.get(sampler)
        except (ValueError, TypeError):
            chosen = None
        if not isinstance(chosen, keras_hub.samplers.Sampler):
            raise ArgumentError(
                '`sampler` must be the name of a sampler of Keras Hub, such as "greedy", "top_k" '
                f'or "top_p", or a sampler itself. Received: sampler={shorten(sampler)}.'
            )
        self.causal_lm.compile(sampler=chosen)
        self._runtime.sampler = (sampler, self.causal_lm.sampler)


def _complete(
    causal_lm: Any, texts: list[str], ends: np.ndarray, strip_prompt: bool
) -> Iterable[str]:
    """Complete texts in one batch, each up to an end of its own.

    What `causal_lm.generate` does, which has one end for all.
    """
    preprocessor = causal_lm.preprocessor
    inputs = preprocessor.generate_preprocess(texts, sequence_length=int(ends.max()))
    read = {n: np.array(ops.convert_to_numpy(inputs[n])) for n in ("token_ids", "padding_mask")}
    tokenizer = preprocessor.tokenizer
    # Llama 3 has two tokens that end a text.
    names = [name for name in ("end_token_id", "end_token2_id") if hasattr(tokenizer, name)]
    stops = [getattr(tokenizer, name) for name in names]
    made = causal_lm.make_generate_function()(inputs, stop_token_ids=stops)
    made = {name: np.array(ops.convert_to_numpy(made[name])) for name in read}
    made["padding_mask"] = made["padding_mask"] * (np.arange(ends.max()) < ends[:, None])
    completed = preprocessor.generate_postprocess(made)
    if not strip_prompt:
        return list(completed)
    # Cut from the text: SentencePiece, asked for the rest alone, drops the space that it
    # begins with.
    prompts = preprocessor.generate_postprocess(read)
    return [text[len(prompt) :] for text, prompt in zip(completed, prompts, strict=True)]


def _at_most(sequence_length: Any, backbone: keras.Model) -> Any:
    longest = getattr(backbone, "max_sequence_length", None)
    is_number = isinstance(sequence_length, (int, np.integer))
    return min(sequence_length, longest) if longest and is_number else sequence_length
