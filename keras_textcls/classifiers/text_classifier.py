"""`TextClassifier`: a backbone, a preprocessor and label names, as one Keras task.

The file holds one class, and its documentation is more than half of it; the
modules that it imports implement its methods.
"""

from __future__ import annotations

import copy
import dataclasses
import types
from typing import Any

import keras
import keras_hub
import numpy as np

from keras_textcls import adapters
from keras_textcls.adapters import Adaptable
from keras_textcls.batching.batch_source import BatchSource
from keras_textcls.batching.text_reader import TextReader
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.classifiers.defaults import (
    class_names,
    default_loss,
    default_metrics,
    read_long_texts,
)
from keras_textcls.classifiers.label_answers import (
    ANSWERING,
    LabelAnswers,
    answering_state,
    take_answering,
)
from keras_textcls.classifiers.long_texts import (
    average_features,
    build_scorer,
    evaluate_whole,
    predict_whole,
    score_features,
)
from keras_textcls.errors import ArgumentError, refuse_unknown_arguments, shorten
from keras_textcls.execution.model_locks import one_at_a_time
from keras_textcls.execution.predict import predict_source
from keras_textcls.execution.text_model import TextModel
from keras_textcls.inputs.numbers import check_seed
from keras_textcls.keras_compat.layers import freeze_as_configured, give_own_dtype_policies
from keras_textcls.keras_compat.presets import classproperty
from keras_textcls.keras_compat.trainers import forget_compiled_steps
from keras_textcls.models.heads import (
    DEFAULT_LEARNING_RATE,
    HeadSpec,
    backbone_inputs,
    build_head_layers,
    pool,
    resolve_head,
)
from keras_textcls.models.padding import depends_on_padding
from keras_textcls.optimization.masked import unknown_refused_for
from keras_textcls.saving import adapter_presets, classifier_presets, huggingface
from keras_textcls.saving.preset_files import (
    LONG_TEXTS,
    ClassifierRecord,
    LongTexts,
    describe_presets,
)
from keras_textcls.tokenization.text_encoder import TextEncoder


@keras.saving.register_keras_serializable(package="keras_textcls")
class TextClassifier(LabelAnswers, Adaptable, TextModel, keras_hub.models.TextClassifier):
    """A text classifier on any Keras Hub text backbone, with label names.

    It composes a `keras_hub.models.Backbone` with a
    `keras_hub.models.Preprocessor`, trains on strings and label names, batches
    texts of similar length together, and lives in a preset directory that
    Keras Hub itself can load wherever it has the same head.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        num_classes: int, number of outputs. May be left out if `labels` is
            given. Defaults to `None`.
        preprocessor: a `keras_hub.models.Preprocessor` instance, or `None` if
            inputs come preprocessed. Defaults to `None`.
        labels: list of strings, names of the classes in the order of the
            outputs. Defaults to `None`: `"0"`, `"1"`, ..., replaced by the names
            that the first `fit` meets (in the order of a data set, otherwise
            sorted) if their number is `num_classes`.
        multi_label: bool, whether a text may have several labels, or none.
            Defaults to `False`.
        pooling: string, how hidden states become one vector: `"auto"`,
            `"pooler"`, `"cls"`, `"mean"`, `"max"` or `"last"`. Defaults to
            `"auto"`: Keras Hub's own for the architectures that it has a
            classifier for, else the last real token for causal backbones and
            the mean for others.
        hidden_dim: int, `None` or `"auto"`, width of a dense layer before the
            scores. Defaults to `"auto"`: as Keras Hub has it, else none.
        activation: activation of the scores, as in `keras.layers.Dense`.
            Defaults to `None`, logits.
        dropout: float or `"auto"`, dropout rate of the head. Defaults to
            `"auto"`: as Keras Hub has it, else 0.1.
        normalize: bool, whether the head divides the pooled features by their
            Euclidean length first, as sentence embeddings are compared.
            Defaults to `False`.
        long_texts: string, how texts longer than `sequence_length` are read,
            `"truncate"` or `"chunk"`; see the attribute. Defaults to
            `"truncate"`.
        seed: int, from which the new weights of the head and its dropout
            follow: the same seed gives the same head on the same backend.
            Defaults to `None`: a head that is drawn at random.
        **kwargs: `thresholds`, `temperature`, `vector_scaling`,
            `answer_options` and `training_summary`, the attributes of these
            names; and `name`, `trainable` and `compile` (bool, whether to
            compile with defaults; defaults to `True`), as for a Keras Hub task.

    Raises:
        ArgumentError: `num_classes` and `labels` contradict each other or are both missing,
            or a value is none of the above.

    Example:
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "win", "cash", "see", "you"]
    >>> tokenizer = keras_hub.models.BertTokenizer(vocabulary=vocabulary)
    >>> classifier = TextClassifier(
    ...     backbone=keras_hub.models.BertBackbone(
    ...         vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8
    ...     ),
    ...     preprocessor=keras_hub.models.BertTextClassifierPreprocessor(tokenizer),
    ...     labels=["ham", "spam"],
    ... )
    >>> history = classifier.fit(["win cash", "see you"], ["spam", "ham"], verbose=0)
    >>> classifier.predict(["see you", "win", "cash"], verbose=0).shape
    (3, 2)
    >>> classifier.classify("win cash")[0].label in classifier.labels
    True
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int | None = None,
        preprocessor: Any = None,
        *,
        labels: Any = None,
        multi_label: bool = False,
        pooling: str = "auto",
        hidden_dim: int | str | None = "auto",
        activation: Any = None,
        dropout: float | str = "auto",
        normalize: bool = False,
        long_texts: str = LONG_TEXTS[0],
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        others = ("name", "trainable", "compile", *ANSWERING)
        refuse_unknown_arguments(type(self), kwargs, others)
        answering = take_answering(kwargs)
        labels = class_names(num_classes, labels)
        # === Layers ===
        give_own_dtype_policies(backbone)
        self.backbone = backbone
        self.preprocessor = preprocessor
        head = resolve_head(backbone, pooling, hidden_dim, dropout, normalize)
        layers = build_head_layers(backbone, head, len(labels), activation, check_seed(seed))
        for name, layer in layers.items():
            setattr(self, name, layer)

        # === Config ===
        # Before `super().__init__()`, which compiles: the loss depends on it.
        self.num_classes = len(labels)
        self.labels = labels
        self.multi_label = bool(multi_label)
        self.pooling = head.pooling
        self.hidden_dim = head.hidden_dim
        self.activation = keras.activations.get(activation)
        self.dropout = head.dropout
        self.normalize = head.normalize
        self.seed = seed
        # State beside the Keras object, hidden from its attribute tracking.
        self._runtime = types.SimpleNamespace(
            head=head, **answering_state(), long_texts=LONG_TEXTS[0], histories={}
        )
        unset = ("encoder", "embedder", "scorer", "compile_arguments", "base", "lora")
        vars(self._runtime).update(dict.fromkeys((*unset, "unknown_refused_for")))

        # === Functional Model ===
        inputs = backbone_inputs(backbone)
        tokenizer = getattr(preprocessor, "tokenizer", None)
        pooled = pool(
            backbone, backbone(inputs), head, getattr(tokenizer, "pad_token_id", None) or 0
        )
        outputs = pooled
        for layer in layers.values():
            outputs = layer(outputs)
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self._runtime.embedder = keras.Model(inputs, pooled, name="embedder")
        self._runtime.scorer = build_scorer(layers.values(), pooled.shape[-1])
        self._set_answering(answering)
        if long_texts != LONG_TEXTS[0]:
            self.long_texts = long_texts

    @classmethod
    def from_preset(cls, preset: Any, load_weights: bool = True, **kwargs: Any) -> TextClassifier:
        """Load a classifier from a preset.

        With `labels` or `num_classes` the head is new, otherwise the one saved
        in the preset is restored.

        Args:
            preset: string or path: a built-in name such as
                `"bert_base_en_uncased"`, a `kaggle://`, `hf://` or
                `modelscope://` handle, or a preset directory. A Hugging Face
                checkpoint with a classification head gives that head and its
                label names, any other is loaded as a backbone.
            load_weights: bool. If `False`, all weights are initialized anew.
                Defaults to `True`.
            **kwargs: arguments of the constructor that replace what the preset
                holds, such as `seed` for a new head; `dtype`, the dtype policy of
                the backbone; and for a preset
                that holds only adapters `base`, the preset of its backbone where
                that has another name than when they were saved; and
                `check_hashes`, a bool: `False` loads files that were changed since
                they were saved, where the hashes recorded then are compared
                otherwise.

        Returns:
            A `TextClassifier`. Adapters are attached and not merged.

        Raises:
            PresetError: the preset is missing, broken or refused, or the base of
                its adapters is another than they were trained on.
            ArgumentError: the preset holds no head and neither `labels` nor
                `num_classes` is given.
        """
        return adapter_presets.load(cls, preset, load_weights, **kwargs)

    @classmethod
    def load_whole(cls, files: Any, load_weights: bool, **kwargs: Any) -> TextClassifier:
        """Load a preset that is more than adapters; see `SavedModel`."""
        return classifier_presets.load_classifier(cls, files, load_weights, **kwargs)

    @classmethod
    def recorded_arguments(
        cls, record: ClassifierRecord, sequence_length: int | None = None, fresh: bool = False
    ) -> dict[str, Any]:
        """Return the arguments that `classifier.json` holds; see `SavedModel`."""
        return {} if fresh else {"labels": record.labels, "multi_label": record.multi_label}

    def save_whole(self, preset_dir: Any, max_shard_size: float | None) -> None:
        """Save all weights; see `SavedModel`."""
        classifier_presets.save_classifier(self, preset_dir, max_shard_size)

    def to_record(self) -> ClassifierRecord:
        """Return what `classifier.json` holds of this classifier."""
        return dataclasses.replace(super().to_record(), long_texts=self.long_texts)

    def restore_record(self, record: ClassifierRecord) -> None:
        """Restore what `classifier.json` holds beside the labels."""
        super().restore_record(record)
        # Not through the setter, which tries the preprocessor out: that takes its time.
        self._runtime.long_texts = record.long_texts

    def head_arguments(self) -> dict[str, Any]:
        """Return what a preset of adapters keeps of the head, beside its weights."""
        activation = keras.activations.serialize(self.activation)
        if not isinstance(activation, str):
            raise ArgumentError(
                "`adapter_only=True` keeps the activation of the head by its name, which "
                f"{self.activation!r} does not have. Leave `adapter_only` out to save all of it."
            )
        return {
            "pooling": self.pooling,
            "hidden_dim": self.hidden_dim,
            "activation": activation,
            "dropout": self.dropout,
            "normalize": self.normalize,
        }

    def models_beside(self) -> list[keras.Model]:
        """Return the models that share the backbone, and may be compiled."""
        return [self._runtime.embedder]

    @property
    def accuracy_name(self) -> str:
        """The metric of `compile()` that says how often the answer is right."""
        return "binary_accuracy" if self.multi_label else "sparse_categorical_accuracy"

    @classmethod
    def from_keras_hub(cls, task: keras_hub.models.TextClassifier, **kwargs: Any) -> TextClassifier:
        """Make a classifier from one of Keras Hub: same backbone, same head weights.

        Args:
            task: a `keras_hub.models.TextClassifier` instance.
            **kwargs: `labels`, `multi_label` and other arguments of the
                constructor that Keras Hub has no place for.

        Returns:
            A `TextClassifier` that shares the backbone and the preprocessor.
        """
        return classifier_presets.from_keras_hub(cls, task, **kwargs)

    def with_new_head(self, **head: Any) -> TextClassifier:
        """Return a classifier with a new head on the same backbone.

        Args:
            **head: `pooling`, `hidden_dim`, `activation`, `dropout`,
                `normalize` and `seed`, as for the constructor.

        Returns:
            A `TextClassifier` that shares backbone and preprocessor, with the
            same labels and the same `long_texts`.
        """
        made = type(self)(
            self.backbone,
            preprocessor=self.preprocessor,
            labels=self.labels,
            multi_label=self.multi_label,
            **{"seed": self.seed, **head},
        )
        # Tracing a preprocessor and learning its packing takes a second; it is the same one.
        made._runtime.encoder = self._runtime.encoder
        made._runtime.long_texts = self._runtime.long_texts
        made.base_preset = self.base_preset
        return made

    def to_keras_hub(self) -> keras_hub.models.TextClassifier:
        """Return Keras Hub's own classifier: same backbone, same head weights.

        Returns:
            A `keras_hub.models.TextClassifier` that shares the backbone and the
            preprocessor. Label names, thresholds, temperature and `long_texts`
            stay behind.

        Raises:
            ArgumentError: Keras Hub has no such head for this backbone.
        """
        return classifier_presets.to_keras_hub(self)

    def save_to_preset(
        self, preset_dir: Any, max_shard_size: float | None = 10, adapter_only: bool = False
    ) -> None:
        """Save everything to a preset directory, or leave it as it was.

        Low-rank adapters are merged into the weights that are written, and stay
        as they are in the classifier.

        Args:
            preset_dir: string or path. Files there that are no part of a preset
                are kept.
            max_shard_size: int, float or `None`, largest weights file in GB.
                Defaults to `10`.
            adapter_only: bool, whether to write only the adapters of `add_lora`,
                the head and the label names (about 1 MB), with the name and the
                hash of the preset that the classifier was loaded from.
                `from_preset` loads both together. Defaults to `False`.

        Raises:
            PresetError: the directory cannot be written.
            ArgumentError: `adapter_only` is set, and there are no adapters, or
                the backbone is not that of a preset.
        """
        with one_at_a_time(self):
            adapter_presets.save(self, preset_dir, max_shard_size, adapter_only)

    def save_to_huggingface(self, directory: Any) -> None:
        """Save for the `transformers` library, or leave the directory as it was.

        `transformers.pipeline("text-classification", directory)` then answers
        the same labels and scores. A `temperature` is divided into the head;
        `thresholds` and `long_texts` have no place there.

        Args:
            directory: string or path. Files there that are no part of a
                checkpoint are kept.

        Raises:
            ArgumentError: `transformers` has no class for this backbone or this
                head. Supported are ALBERT, BERT, DeBERTaV3, DistilBERT, ELECTRA,
                GPT-2, RoBERTa and XLM-RoBERTa, each with the head that it has
                there.
            PresetError: the directory cannot be written.
        """
        with one_at_a_time(self), adapters.folded(self.lora):
            huggingface.save_to_huggingface(self, directory)

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        *,
        metrics: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Configure training, with Keras Hub's defaults.

        Args:
            optimizer: `"auto"`, a name or a `keras.Optimizer`. Defaults to
                `"auto"`: Adam with learning rate 5e-5 (1e-5 for ALBERT).
            loss: `"auto"`, a name or a `keras.losses.Loss`. Defaults to
                `"auto"`: `SparseCategoricalCrossentropy`, or for multi-label
                `MaskedBinaryCrossentropy`, which is Keras's
                `BinaryCrossentropy` over the labels that are known; from logits
                unless the activation makes probabilities.
            metrics: `"auto"` or a list of metrics. Defaults to `"auto"`:
                `SparseCategoricalAccuracy`, or for multi-label
                `BinaryAccuracy`, `Precision` and `Recall` at probability 0.5,
                over the labels that are known.
            **kwargs: see `keras.Model.compile`.
        """
        native = self._runtime.head.keras_hub
        if optimizer == "auto":
            rate = native.learning_rate if native else DEFAULT_LEARNING_RATE
            optimizer = keras.optimizers.Adam(rate)
        is_probability = self.activation in (
            keras.activations.sigmoid if self.multi_label else keras.activations.softmax,
        )
        if isinstance(loss, str) and loss == "auto":
            loss = default_loss(self.multi_label, is_probability)
        if isinstance(metrics, str) and metrics == "auto":
            metrics = default_metrics(self.multi_label, is_probability)
        every_metric = [metrics, kwargs.get("weighted_metrics")]
        self._runtime.unknown_refused_for = unknown_refused_for(loss, every_metric)
        self._runtime.histories = {}
        self._runtime.compile_arguments = {"loss": loss, "metrics": metrics, **kwargs}
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_data: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
        seed: int | None = None,
        callbacks: Any = None,
        verbose: str | int = "auto",
        initial_batch: int = 0,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on texts and labels.

        Texts of more than `sequence_length` tokens are truncated, in training
        and in validation, whatever `long_texts` says.

        Args:
            x: a list of texts, a string array, a column of a data frame, a
                `(first, second)` tuple of those for pairs, a data set that
                contains its labels (see `LabelledTexts`), or a stream of
                `(texts, labels)` batches: a `tf.data.Dataset`, a grain dataset,
                a `keras.utils.PyDataset` or a `torch` `DataLoader`.
            y: labels: class indices or names; for multi-label, lists of names,
                or a 0/1 matrix with NaN or -1 where a label is unknown. A text
                of which some labels are unknown may also have a dict
                `{name: 1 or 0}` of those that are known. `None` for a data set
                or a stream.
            batch_size: int, texts a step. Defaults to `None`: 32, or the size
                of the stream's own batches.
            epochs: int. Defaults to `1`.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, a data set or a
                stream. Defaults to `None`.
            validation_split: float in `[0, 1)`, share of the texts held out,
                drawn at random with the label mix of the whole. Defaults to
                `0.0`.
            shuffle: bool, whether every epoch has an order of its own.
                Defaults to `True`.
            sample_weight: numbers, one a text. Defaults to `None`.
            class_weight: `"balanced"` or a dict from label to weight. Defaults
                to `None`.
            seed: int. The same seed gives the same order, split and dropout.
                The head was drawn before, when the classifier was made: for the
                same results from the start, give a seed there too
                (`from_preset(..., seed=0)`, `TextClassifier(..., seed=0)`).
                Defaults to `None`: drawn from numpy's global generator, which
                `keras.utils.set_random_seed` seeds.
            callbacks: list of `keras.callbacks.Callback`. Defaults to `None`.
            verbose: as in `keras.Model.fit`. Defaults to `"auto"`.
            initial_batch: int, number of batches to skip at the beginning of
                the epoch, to resume one epoch (`epochs=initial_epoch + 1`)
                where it was interrupted. Defaults to `0`.
            **kwargs: further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            InvalidDataError: texts or labels cannot be used.
        """
        return self._fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            validation_data=validation_data,
            validation_split=validation_split,
            shuffle=shuffle,
            sample_weight=sample_weight,
            class_weight=class_weight,
            seed=seed,
            callbacks=callbacks,
            verbose=verbose,
            initial_batch=initial_batch,
            **kwargs,
        )

    def _evaluate_source(self, source: BatchSource, verbose: str | int, **kwargs: Any) -> Any:
        runtime = self._runtime
        if not source.in_chunks or not self.compiled:
            return super()._evaluate_source(source, verbose, **kwargs)
        with one_at_a_time(self):
            if runtime.compile_arguments is not None:
                runtime.scorer.compile(**runtime.compile_arguments)
                runtime.compile_arguments = None
        return evaluate_whole(runtime.embedder, runtime.scorer, source, verbose, **kwargs)

    def embed(
        self, x: Any, batch_size: int | None = None, verbose: str | int = "auto"
    ) -> np.ndarray:
        """Return the pooled features of the texts, the inputs of the head.

        Args:
            x: texts, a data set or a stream, as in `predict`.
            batch_size: int, texts a batch. Defaults to `None`.
            verbose: as in `keras.Model.predict`. Defaults to `"auto"`.

        Returns:
            A float32 array of shape `(num_texts, hidden_dim)`; for a text in
            chunks (see `long_texts`) the average over those.
        """
        windows = self._reader("predict").read(x, labelled=False)
        source = self._planner().inference(windows, batch_size)
        if source.in_chunks:
            return average_features(self._runtime.embedder, source, verbose)
        return predict_source(self._runtime.embedder, source, verbose=verbose)

    def predict_proba_from_features(self, features: Any) -> np.ndarray:
        """Return what `predict_proba` returns for texts whose features are known.

        Args:
            features: array of shape `(num_texts, hidden_dim)`, as `embed`
                returns them.

        Returns:
            A float32 array of shape `(num_texts, num_classes)`.
        """
        outputs = score_features(self._runtime.scorer, np.asarray(features, "float32"))
        return self._to_probabilities(outputs)

    def quantize(self, mode: str | None = None, **kwargs: Any) -> None:
        """Quantize the backbone; the head, which is small, is not quantized.

        Keras Hub's preset format has no place for a quantized head.

        Args:
            mode: string, such as `"int8"`, as in `keras.Model.quantize`.
            **kwargs: further arguments of `keras.Model.quantize`.

        Raises:
            ArgumentError: the classifier has low-rank adapters.
        """
        if self.lora is not None:
            raise ArgumentError(
                "A backbone with adapters cannot be quantized. Call `merge_lora()` and "
                "`lora.remove()` before, or `quantize()` before `add_lora()`."
            )
        self.backbone.quantize(mode, **kwargs)
        for model in (self, self._runtime.embedder):
            forget_compiled_steps(model)

    @property
    def head(self) -> HeadSpec:
        """The layers between the backbone and the scores, a `HeadSpec`."""
        return self._runtime.head

    @property
    def sequence_length(self) -> int | None:
        """Longest sequence in tokens; for longer texts see `long_texts`. Settable."""
        return getattr(self.preprocessor, "sequence_length", None)

    @sequence_length.setter
    def sequence_length(self, value: int) -> None:
        if not isinstance(value, (int, np.integer)) or value < 1 or self.preprocessor is None:
            raise ArgumentError(
                "`sequence_length` must be a positive integer, on a classifier with a "
                f"preprocessor. Received: sequence_length={shorten(value)}."
            )
        self.preprocessor.sequence_length = int(value)

    @property
    def long_texts(self) -> LongTexts:
        """How texts longer than `sequence_length` are read. Settable.

        - `"truncate"`, the default: the tokens beyond `sequence_length` are left out.
        - `"chunk"`: `predict`, `predict_proba`, `classify`, `embed` and
          `evaluate` read the text whole. It is cut into the fewest chunks that
          fit, as equal as possible, and each chunk is read as a text of its
          own, between the special tokens of the preprocessor. The features of
          the chunks are averaged, weighed by their tokens, and the head scores
          the average. A text that fits is read as without this setting.

        `fit` truncates in both cases, and text pairs are always truncated. A
        preset keeps the value.

        Raises:
            ArgumentError: the value is neither of the two; or it is `"chunk"`,
                and there is no preprocessor, the preprocessor does more than to
                add tokens before and after those of the text, or the outputs of
                the backbone depend on the padding.

        Example:
        >>> classifier = TextClassifier.from_preset("mini_encoder_en_uncased", labels=["a", "b"])
        >>> classifier.sequence_length = 16
        >>> classifier.long_texts = "chunk"
        >>> classifier.predict(["a long story " * 100], verbose=0).shape
        (1, 2)
        """
        kept: LongTexts = self._runtime.long_texts
        return kept

    @long_texts.setter
    def long_texts(self, value: str) -> None:
        value = read_long_texts(value)
        if value == "chunk":
            self._check_can_cut()
        self._runtime.long_texts = value

    def _check_can_cut(self) -> None:
        if self.preprocessor is None:
            raise ArgumentError(
                'long_texts="chunk" needs a preprocessor, whose tokens it cuts; this classifier '
                "has none. Set classifier.preprocessor, or cut the inputs yourself."
            )
        if depends_on_padding(self.backbone):
            raise ArgumentError(
                f'long_texts="chunk" cannot be used with {type(self.backbone).__name__}, whose '
                "outputs depend on how far a text is padded: a chunk shorter than sequence_length "
                "has other outputs than as part of its text. Use another backbone."
            )
        self._encoder().check_can_cut()  # type: ignore[union-attr]

    @classproperty
    def presets(cls) -> dict[str, Any]:  # noqa: N805
        """Every preset that has a name: yours, the bundled ones, Keras Hub's."""
        return describe_presets()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, ready for JSON."""
        gelu = huggingface.changed_gelu(self.backbone)
        return {
            **super().get_config(),
            # Only where the config of the backbone cannot say it.
            **({} if gelu is None else {"gelu": gelu}),
            **self._lora_config(),
            "num_classes": self.num_classes,
            "labels": list(self.labels),
            "multi_label": self.multi_label,
            "pooling": self.pooling,
            "hidden_dim": self.hidden_dim,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "normalize": self.normalize,
            "long_texts": self.long_texts,
            "seed": self.seed,
            **self._answering_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TextClassifier:
        """Make a classifier from what `get_config` returned, which stays as it is.

        As with every model of Keras Hub, the config has no weights and no vocabulary; files and
        copies (`save`, `copy.deepcopy`, `pickle`) have them.
        """
        # Keras Hub's own writes into the config that it is given.
        copied = {k: copy.deepcopy(v) if isinstance(v, dict) else v for k, v in config.items()}
        gelu: Any = copied.pop("gelu", None)
        lora: Any = copied.pop("lora", None)
        # Whether it can cut texts shows once the vocabulary is there.
        long_texts: Any = copied.pop("long_texts", LONG_TEXTS[0])
        classifier = super().from_config(copied)
        classifier._runtime.long_texts = read_long_texts(long_texts)
        freeze_as_configured(classifier.backbone)
        if gelu is not None:
            huggingface.set_gelu(classifier.backbone, gelu)
        classifier._restore_lora(lora)
        return classifier

    _adopts_names = True

    def _encoder(self) -> TextEncoder | None:
        runtime = self._runtime
        if self.preprocessor is None:
            return None
        if runtime.encoder is None or runtime.encoder.preprocessor is not self.preprocessor:
            runtime.encoder = TextEncoder(self.preprocessor)
        return runtime.encoder

    def _reader(self, use: str) -> TextReader:
        return TextReader(
            encoder=self._encoder(),
            labels=self.labels,
            multi_label=self.multi_label,
            longest=getattr(self.backbone, "max_sequence_length", None),
            unknown_refused_for=self._runtime.unknown_refused_for,
            in_chunks=use != "fit" and self.long_texts == "chunk",
        )

    def _begin_training(self, reader: TextReader) -> None:
        self.labels = reader.labels or self.labels

    def _score_windows(
        self, windows: Windows, batch_size: int | None, verbose: str | int, **kwargs: Any
    ) -> np.ndarray:
        runtime = self._runtime
        # Without labels, so that batches have one form, for which the model is compiled once.
        windows = windows.map(lambda window: Window(window.texts))
        source = self._planner().inference(windows, batch_size)
        if source.in_chunks:
            return predict_whole(runtime.embedder, runtime.scorer, source, verbose, **kwargs)
        return predict_source(self, source, verbose=verbose, **kwargs)
