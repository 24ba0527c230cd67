"""`TextToTextClassifier`: a causal language model that answers in label names."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_textcls.batching.text_reader import TextReader
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.classifiers.label_answers import (
    LabelAnswers,
    answering_state,
    take_answering,
)
from keras_textcls.classifiers.text_classifier import TextClassifier
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.keras_compat.presets import classproperty
from keras_textcls.labels import LabelSet
from keras_textcls.saving.preset_files import (
    ClassifierRecord,
    PresetFiles,
    describe_presets,
    place_of,
)
from keras_textcls.text_to_text.answers import read_answer_texts
from keras_textcls.text_to_text.cached_scoring import CachedScorer, agrees_with
from keras_textcls.text_to_text.few_shot import NearestExamples, one_column, read_examples
from keras_textcls.text_to_text.loading import check_asking
from keras_textcls.text_to_text.plain_scoring import PlainScorer
from keras_textcls.text_to_text.prompt_encoding import (
    PromptEncoder,
    PromptParts,
    prompt_parts,
    with_answers,
)
from keras_textcls.text_to_text.prompt_template import PromptTemplate
from keras_textcls.text_to_text.text_to_text import TextToText
from keras_textcls.text_to_text.tree_scoring import TreeScorer

Scorer = PlainScorer | TreeScorer | CachedScorer

CONTENT_FREE = "N/A"
SCORERS = ("auto", "tree", "cached", "plain")
_NUM_EXAMPLES = 4


@keras.saving.register_keras_serializable(package="keras_textcls")
class TextToTextClassifier(LabelAnswers, TextToText):
    """A text classifier that asks a causal language model.

    A prompt holds an instruction with the answers to choose from, and the text.
    Every label is scored by the likelihood of its answer after the prompt; what
    the model would write by itself is never read. It works untrained
    (zero-shot), with examples in the prompt (few-shot), and after `fit`, with
    all weights or low-rank adapters. GPT-Neo and the causal language models of
    Keras Hub serve.

    Args:
        causal_lm: a `keras_hub.models.CausalLM` with a preprocessor.
        labels: list of strings, names of the classes.
        prompt: `PromptTemplate`, or a dict of its arguments. Defaults to `None`:
            an instruction in the form of Clarifai's text-to-text data.
        answers: dict from label to answer, or list of answers in the order of
            the labels, each a text of one to 64 tokens. Defaults to `None`: the
            names of the labels.
        examples: list of (text, label), or a data set with labels, to show in
            the prompt. Defaults to `None`.
        embedding_preset: string, preset of an encoder by whose embeddings each
            text gets the examples most like it, or `None`: all examples in
            every prompt. Defaults to `None`.
        num_examples: int, examples of a text with `embedding_preset`. Defaults
            to `4`.
        length_normalized: bool, whether the log-likelihood of an answer is
            divided by its number of tokens. Defaults to `False`.
        content_free: string, a text without content. The scores of the labels
            after it show the bias of the model and are subtracted (contextual
            calibration, [Zhao et al., 2021](https://arxiv.org/abs/2102.09690)).
            `None` subtracts nothing. Defaults to `"auto"`: `"N/A"` until `fit`
            is called, then `None`.
        scorer: string, how answers are scored: `"tree"` (prompt and answers in
            one pass; GPT-Neo), `"cached"` (on copies of the prompt's cache),
            `"plain"` (a pass a label), which agree to rounding. Defaults to
            `"auto"`, the first that the model has.
        sequence_length: int, as for `TextToText`. Defaults to `None`.
        **kwargs: `thresholds`, `temperature`, `vector_scaling`,
            `answer_options` and `training_summary`, the attributes of these
            names; and `name` and `trainable`, as for a `keras.Model`.

    Raises:
        ArgumentError: the model is none, two answers have the same tokens, the
            prompt has no place for the text, or another argument is wrong.

    Example:
    >>> from keras_textcls.models import GPTNeoBackbone, GPTNeoCausalLM
    >>> from keras_textcls.models import GPTNeoCausalLMPreprocessor, GPTNeoTokenizer
    >>> letters = [chr(c) for c in range(33, 127)] + ["\u0120", "##", "<|endoftext|>"]
    >>> tokenizer = GPTNeoTokenizer({t: i for i, t in enumerate(letters)}, ["# #"])
    >>> backbone = GPTNeoBackbone(len(letters), 2, 2, 16, max_sequence_length=256)
    >>> preprocessor = GPTNeoCausalLMPreprocessor(tokenizer, sequence_length=256)
    >>> classifier = TextToTextClassifier(
    ...     GPTNeoCausalLM(backbone, preprocessor), labels=["ham", "spam"]
    ... )
    >>> classifier.predict_proba(["win cash", "see you"], verbose=0).shape
    (2, 2)
    >>> history = classifier.fit(["win cash", "see you"], ["spam", "ham"], verbose=0)
    >>> classifier.classify("win cash")[0].label in classifier.labels
    True
    """

    def __init__(
        self,
        causal_lm: Any,
        labels: Any,
        *,
        prompt: Any = None,
        answers: Any = None,
        examples: Any = None,
        embedding_preset: str | None = None,
        num_examples: int = _NUM_EXAMPLES,
        length_normalized: bool = False,
        content_free: str | None = "auto",
        scorer: str = "auto",
        sequence_length: int | None = None,
        **kwargs: Any,
    ) -> None:
        answering = take_answering(kwargs)
        super().__init__(causal_lm, sequence_length, **kwargs)
        # === Config ===
        is_list = isinstance(labels, Iterable) and not isinstance(labels, (str, bytes))
        _check(is_list, "labels", labels, "must be a list of two names or more")
        self.labels = labels if isinstance(labels, LabelSet) else LabelSet(labels)
        self.num_classes = len(self.labels)
        self.multi_label = False
        self.activation = keras.activations.linear
        if self.num_classes < 2:
            raise ArgumentError(
                "A classifier needs two labels or more to choose from. Received: labels="
                f"{shorten(list(self.labels))}."
            )
        _check(scorer in SCORERS, "scorer", scorer, f"must be one of {list(SCORERS)}")
        is_count = type(num_examples) is int and num_examples > 0
        _check(is_count, "num_examples", num_examples, "must be a positive integer")
        is_text = content_free is None or isinstance(content_free, str)
        _check(is_text, "content_free", content_free, "must be a text or None")
        is_place = embedding_preset is None or isinstance(embedding_preset, (str, os.PathLike))
        _check(is_place, "embedding_preset", embedding_preset, "must be a name or a path")
        if embedding_preset is not None:
            embedding_preset = place_of(embedding_preset)
        self.length_normalized = bool(length_normalized)
        runtime = self._runtime
        vars(runtime).update(
            answering_state(),
            prompt=PromptTemplate.read(prompt),
            answer_texts=read_answer_texts(answers, self.labels),
            examples=read_examples(examples, self.labels),
            embedding_preset=embedding_preset,
            num_examples=num_examples,
            content_free=content_free,
            scorer_kind=scorer,
            nearest=None,
            prompt_parts=None,
            scorer=None,
        )
        self._set_answering(answering)
        if embedding_preset is not None:
            _check(runtime.examples, "examples", examples, "must be given with embedding_preset")
            runtime.nearest = NearestExamples(runtime.examples, num_examples, embedding_preset)
        # Now, so that what is wrong with them is said at once. Keras makes a model that it
        # loads with a tokenizer whose vocabulary comes later.
        if _has_vocabulary(self.preprocessor.tokenizer):
            self._prompt_parts().room(self.sequence_length)

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
        class_weight: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on texts and labels; the loss counts the tokens of the answers alone.

        Args:
            x: texts, a data set, or a stream, as in `TextClassifier.fit`.
            y: labels, class indices or names; `None` for a data set or a stream.
            batch_size: int, texts a step. Defaults to `None`: 32, or the size of
                the stream's own batches.
            epochs: int. Defaults to `1`.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, a data set or a
                stream. Defaults to `None`.
            shuffle: bool, whether every epoch has an order of its own. Defaults
                to `True`.
            sample_weight: numbers, one a text. Defaults to `None`.
            seed: int, from which order, split and dropout follow. Defaults to
                `None`: drawn from numpy's global generator.
            callbacks: list of `keras.callbacks.Callback`. Defaults to `None`.
            verbose: as in `keras.Model.fit`. Defaults to `"auto"`.
            initial_batch: int, batches of the epoch that are left out, as in
                `TextClassifier.fit`. Defaults to `0`.
            validation_split: float in `[0, 1)`, share of the texts held out, with
                the label mix of the whole. Defaults to `0.0`.
            class_weight: `"balanced"` or a dict from label to weight. Defaults to
                `None`.
            **kwargs: further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            InvalidDataError: texts or labels cannot be used.
        """
        return self._fit(
            x, y, batch_size=batch_size, epochs=epochs, validation_data=validation_data,
            validation_split=validation_split, shuffle=shuffle, sample_weight=sample_weight,
            class_weight=class_weight, seed=seed, callbacks=callbacks, verbose=verbose,
            initial_batch=initial_batch, **kwargs,
        )  # fmt: skip

    def prompts(self, x: Any) -> list[str]:
        """Return the prompts of texts, to be read by a person; none is truncated.

        Args:
            x: one text, or a list of texts.

        Returns:
            A list of strings.
        """
        runtime = self._runtime
        texts = one_column([x] if isinstance(x, str) else x, "x")
        shown = [runtime.examples] * len(texts)
        if runtime.nearest is not None:
            shown = runtime.nearest(texts)
        return [
            runtime.prompt.prompt(text, runtime.answer_texts, self._answered_examples(examples))
            for text, examples in zip(texts, shown, strict=True)
        ]

    @property
    def prompt(self) -> PromptTemplate:
        """The `PromptTemplate`."""
        return self._runtime.prompt

    @property
    def answers(self) -> dict[str, str]:
        """The answer of each label."""
        return dict(zip(self.labels, self._runtime.answer_texts, strict=True))

    @property
    def content_free(self) -> str | None:
        """The text whose scores are subtracted, or `None`."""
        given = self._runtime.content_free
        return CONTENT_FREE if given == "auto" else given

    @property
    def scorer(self) -> str:
        """How answers are scored, one of `"tree"`, `"cached"`, `"plain"`."""
        kinds = {TreeScorer: "tree", CachedScorer: "cached", PlainScorer: "plain"}
        return kinds[type(self._scorer())]

    @classproperty
    def presets(cls) -> dict[str, Any]:  # noqa: N805
        """Every preset that has a name; those of causal language models can be loaded here."""
        return describe_presets()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, ready for JSON."""
        return {
            **super().get_config(),
            "labels": list(self.labels),
            **self._asking(),
            "scorer": self._runtime.scorer_kind,
            **self._answering_config(),
        }

    def _asking(self) -> dict[str, Any]:
        """The arguments of the prompt that a preset keeps."""
        runtime = self._runtime
        return {
            "prompt": runtime.prompt.to_dict(),
            "answers": list(runtime.answer_texts),
            "examples": [list(pair) for pair in runtime.examples],
            "embedding_preset": runtime.embedding_preset,
            "num_examples": runtime.num_examples,
            "length_normalized": self.length_normalized,
            "content_free": runtime.content_free,
        }

    @classmethod
    def recorded_arguments(
        cls, record: ClassifierRecord, sequence_length: int | None = None, fresh: bool = False
    ) -> dict[str, Any]:
        """Return the arguments that `classifier.json` holds; see `SavedModel`."""
        check_asking(record)
        # With that of its base, the prompt of adapters may leave no room for a text.
        length = {} if sequence_length is None else {"sequence_length": sequence_length}
        asked = record.text_to_text or {}
        if fresh:
            # With labels of the caller, answers and examples are others; the prompt is kept.
            return {"prompt": asked.get("prompt"), **length}
        return {"labels": record.labels, **asked, **length}

    def to_record(self) -> ClassifierRecord:
        """Return what `classifier.json` holds of this classifier."""
        return dataclasses.replace(super().to_record(), text_to_text=self._asking())

    def _answered_examples(self, examples: Any) -> list[tuple[str, str]]:
        """Examples with answers in the place of label names."""
        answers = self.answers
        return [(text, answers[name]) for text, name in examples]

    def _prompt_parts(self) -> PromptParts:
        runtime, tokenizer = self._runtime, self._tokenizer()
        if runtime.prompt_parts is None or runtime.prompt_parts[0] is not tokenizer:
            has_own = runtime.nearest is not None
            shown = () if has_own else self._answered_examples(runtime.examples)
            parts = prompt_parts(tokenizer, runtime.prompt, runtime.answer_texts, shown, has_own)
            runtime.prompt_parts = (tokenizer, parts)
        return runtime.prompt_parts[1]

    def _own_turns(self, texts: list[str]) -> list[list[str]]:
        """The examples of each text, as turns of the prompt."""
        runtime = self._runtime
        return [
            [runtime.prompt.turns([pair]) for pair in self._answered_examples(examples)]
            for examples in runtime.nearest(texts)
        ]

    _default_batch_size = 32
    _stratifies = True

    def _reader(self, use: str) -> TextReader:
        # A scorer reads the opening of all prompts once, by itself.
        return self._prompt_reader(use == "predict" and self._scorer().reads_opening)

    def _prompt_reader(self, is_open: bool) -> TextReader:
        encoder = PromptEncoder(
            self._tokenizer(),
            self._prompt_parts(),
            self.sequence_length,
            is_open,
            None if self._runtime.nearest is None else self._own_turns,
        )
        return TextReader(encoder, self.labels, longest=self.sequence_length)

    def _begin_training(self, reader: TextReader) -> None:
        if self._runtime.content_free == "auto":
            self._runtime.content_free = None

    def _with_answers(self, windows: Windows) -> Windows:
        answers = self._prompt_parts().answers
        ids = [np.array((*tokens, answers.end), "int32") for tokens in answers.ids]

        def answered(window: Window) -> Window:
            own = [ids[int(i)] for i in np.asarray(window.y)]
            texts, targets = with_answers(window.texts, own, answers.longest)
            return Window(texts, targets, window.sample_weight)

        return windows.map(answered)

    def _score_windows(
        self, windows: Windows, batch_size: int | None, verbose: str | int, **kwargs: Any
    ) -> np.ndarray:
        scorer, planner = self._scorer(), self._planner()
        arguments = {"batch_size": batch_size, "verbose": verbose, **kwargs}
        scores = np.concatenate([scorer.score(w.texts, planner, **arguments) for w in windows])
        if self.content_free is not None:
            reader = self._prompt_reader(scorer.reads_opening)
            (empty,) = reader.read([self.content_free], labelled=False)
            scores = scores - scorer.score(empty.texts, planner, batch_size=1, verbose=0)
        if self.length_normalized:
            scores = scores / np.array([len(ids) for ids in self._prompt_parts().answers.scored])
        return scores.astype("float32")

    def _scorer(self) -> Scorer:
        """The scorer of the answers, made again where prompt parts or adapters changed."""
        runtime, lora, parts = self._runtime, self.lora, self._prompt_parts()
        # The objects are kept, so that no other object can get their ids.
        state = (id(parts), id(lora), lora is not None and lora.is_merged)
        if runtime.scorer is None or runtime.scorer[0] != state:
            runtime.scorer = (state, self._make_scorer(parts), (parts, lora))
        return runtime.scorer[1]

    def _make_scorer(self, parts: PromptParts) -> Scorer:
        runtime, kind = self._runtime, self._runtime.scorer_kind
        lm, head = runtime.causal_lm, runtime.head
        if kind == "tree" and not TreeScorer.serves(lm):
            raise ArgumentError(
                f'scorer="tree" is for GPT-Neo; {type(lm).__name__} cannot branch. Pass '
                'scorer="auto".'
            )
        if kind == "tree" or (kind == "auto" and TreeScorer.serves(lm)):
            return TreeScorer(lm, head, parts.answers, parts.opening)
        plain = PlainScorer(lm, head, parts.answers)
        if kind == "plain" or not CachedScorer.serves(lm):
            return plain
        cached = CachedScorer(lm, parts.answers, parts.opening)
        if kind == "cached":
            return cached
        texts = ["N/A", "a longer text, read twice"]
        opened, whole = (
            next(iter(self._prompt_reader(is_open).read(texts, labelled=False))).texts
            for is_open in (True, False)
        )
        planner = dataclasses.replace(self._planner(), histories={})
        if agrees_with(cached, plain, (opened, whole), planner):
            return cached
        return plain


def _has_vocabulary(tokenizer: Any) -> bool:
    """Return whether a tokenizer of words (`vocabulary`) or of SentencePiece (`proto`) is whole."""
    kinds = ("vocabulary", "proto")
    return all(getattr(tokenizer, name) is not None for name in kinds if hasattr(tokenizer, name))


def _check(is_right: Any, name: str, value: Any, what: str) -> None:
    if not is_right:
        raise ArgumentError(f"`{name}` {what}. Received: {name}={shorten(value)}.")


Classifier = TextClassifier | TextToTextClassifier


def classifier_from_preset(preset: Any, **kwargs: Any) -> Classifier:
    """Load the classifier of a preset, of whichever kind it is.

    Args:
        preset: string or path, as for `TextClassifier.from_preset`.
        **kwargs: arguments of the `from_preset` of its class.

    Returns:
        A `TextToTextClassifier` where the preset holds one, else a
        `TextClassifier`.
    """
    record = PresetFiles(preset).record()
    asks = record is not None and record.text_to_text is not None
    cls = TextToTextClassifier if asks else TextClassifier
    loaded: Classifier = cls.from_preset(preset, **kwargs)
    return loaded
