"""From what the user passed to the batches that Keras reads.

`Feeder` joins the parts: it checks texts and labels (`inputs`), tokenizes them
(`encoding`), plans batches (`batching`) and serves them (`batch_source`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_textcls.batching import bucket_plan
from keras_textcls.batching.batch_source import BatchSource, Encoded, stream_source
from keras_textcls.batching.bucket_plan import BucketPolicy, PlannedBatch, WidthHistory
from keras_textcls.errors import ArgumentError, InvalidDataError
from keras_textcls.inputs.targets import (
    class_weights,
    read_sample_weight,
    read_targets,
    refuse_unknown,
)
from keras_textcls.inputs.texts import (
    Batch,
    LabelledTexts,
    TextColumns,
    open_stream,
    read_batch,
    read_features,
    read_texts,
)
from keras_textcls.labels import LabelSet
from keras_textcls.tokenization.encoded_texts import EncodedTexts, concatenate, from_features
from keras_textcls.tokenization.text_encoder import TextEncoder

# Texts of a stream that are held in memory to be sorted by length.
STREAM_WINDOW = 4096
# Texts of a data set that are held as strings while they are tokenized.
DATASET_CHUNK = 16384
_EMPTY_STREAM = "The stream `x` is empty. It must yield at least one batch."


@dataclasses.dataclass
class Feeder:
    """Makes the batches of one classifier.

    Args:
        encoder: `TextEncoder`, or `None` where inputs come preprocessed.
        labels: `LabelSet`.
        multi_label: bool.
        policy: `BucketPolicy`, what the backend makes a new shape cost.
        token_budget: int, cells of a batch where the caller does not say how
            many texts.
        longest: int or `None`, most tokens that the backbone has positions for.
        histories: dict from batch size (0 for inference) to a `WidthHistory`.
        counting_unknown: string or `None`, why unknown labels must be refused,
            as in `refuse_unknown`.
        in_pieces: bool, whether texts that are too long are cut into pieces
            instead of truncated. Defaults to `False`.
    """

    encoder: TextEncoder | None
    labels: LabelSet
    multi_label: bool
    policy: BucketPolicy
    token_budget: int
    longest: int | None = None
    histories: dict[int, WidthHistory] = dataclasses.field(default_factory=dict)
    counting_unknown: str | None = None
    in_pieces: bool = False

    def read(self, x: Any, y: Any = None, sample_weight: Any = None) -> Encoded:
        """Check and tokenize texts in memory, with their labels and weights.

        Args:
            x: texts, as `read_texts` takes them, or a dict of arrays where
                inputs come preprocessed.
            y: labels, as `read_targets` takes them, or `None`.
            sample_weight: numbers, or `None`.

        Returns:
            `Encoded`.
        """
        texts: TextColumns = ()
        features: dict[str, np.ndarray] = {}
        if self.encoder is None:
            features = read_features(x)
            size = len(next(iter(features.values())))
        else:
            texts = read_texts(x)
            size = len(texts[0])
        # Labels are checked before the texts are tokenized, which takes longer.
        targets = None if y is None else self._read_targets(y, size)
        weight = read_sample_weight(sample_weight, size)
        encoded = self._encode(texts) if texts else from_features(features)
        return Encoded(encoded, targets, weight)

    def read_dataset(self, x: LabelledTexts, labelled: bool, sample_weight: Any = None) -> Encoded:
        """Check and tokenize a data set, piece by piece.

        Args:
            x: `LabelledTexts`.
            labelled: bool, whether labels must be there; otherwise they are
                ignored.
            sample_weight: numbers, or `None`. Defaults to `None`.

        Returns:
            `Encoded`.
        """
        if self.encoder is None:
            read_features(x)  # Refuses texts, and says why.
        if labelled:
            self._check_labels(x)
        weight = read_sample_weight(sample_weight, len(x))
        texts: list[EncodedTexts] = []
        targets: list[np.ndarray] = []
        total = 0
        for columns, raw in x.chunks(DATASET_CHUNK):
            checked = read_texts(columns, first_index=total)
            end = total + len(checked[0])
            if labelled:
                if raw is not None and self.multi_label and not x.multi_label:
                    raw = [[name] for name in raw]
                targets.append(self._read_targets(raw, end - total, f"targets[{total}:{end}]"))
            texts.append(self._encode(checked))
            total = end
            del columns, checked  # Before the next piece is made.
        if not texts:
            raise InvalidDataError("`x` is a data set without texts. Pass at least one text.")
        if total != len(x):
            raise InvalidDataError(
                f"`x` is a data set of {len(x)} texts, but its chunks hold {total}."
            )
        return Encoded(concatenate(texts), np.concatenate(targets) if labelled else None, weight)

    def _check_labels(self, x: LabelledTexts) -> None:
        """Refuse labels that do not fit before anything is tokenized."""
        if x.labels is None:
            raise InvalidDataError(
                "`x` is a data set without labels. Pass one with labels, or a list of texts as `x` "
                "and their labels as `y`."
            )
        if x.multi_label and not self.multi_label:
            raise InvalidDataError(
                "`x` is a multi-label data set, but this classifier takes one label a text. Create "
                "a `TextClassifier` with `multi_label=True`."
            )
        self.labels.encode(x.labels, "x.labels")

    def training(
        self, data: Encoded, batch_size: int, epochs: int, shuffle: bool, seed: int
    ) -> BatchSource:
        """Serve texts in memory for training.

        Args:
            data: `Encoded` with targets.
            batch_size: int, texts a step.
            epochs: int, number of passes, which the choice of widths weighs.
            shuffle: bool, whether every epoch has an order of its own.
            seed: int, from which the orders follow.

        Returns:
            A `BatchSource`.
        """
        lengths = data.texts.lengths
        history = self.histories.setdefault(batch_size, WidthHistory())
        widths = history.choose(lengths, self.policy, data.texts.full_length, epochs)

        def plan(epoch: int) -> list[PlannedBatch]:
            rng = np.random.default_rng([seed, epoch]) if shuffle else None
            exact = self.policy.is_dynamic
            return bucket_plan.training_plan(lengths, widths, batch_size, rng, exact)

        return BatchSource.from_plan(data, plan, self.policy.fixed_length)

    def inference(self, data: Encoded, batch_size: int | None = None) -> BatchSource:
        """Serve texts in memory for prediction or evaluation.

        Args:
            data: `Encoded`.
            batch_size: int or `None`, texts a batch. Defaults to `None`, as
                many as fit the token budget.

        Returns:
            A `BatchSource`.
        """
        plan = self._inference_plan(data.texts, batch_size)
        return BatchSource.from_plan(data, lambda epoch: plan, self.policy.fixed_length)

    def prediction(self, x: Any, batch_size: int | None = None) -> BatchSource:
        """Serve texts in memory or a stream for prediction.

        Args:
            x: texts, as `read` takes them, or a data set or a stream, whose
                labels are ignored.
            batch_size: int or `None`, as in `inference`.

        Returns:
            A `BatchSource`.
        """
        source = self.inference_stream(x, labelled=False, batch_size=batch_size)
        if source is not None:
            return source
        is_dataset = isinstance(x, LabelledTexts)
        data = self.read_dataset(x, labelled=False) if is_dataset else self.read(x)
        return self.inference(data, batch_size)

    def training_stream(
        self, x: Any, batch_size: int | None, class_weight: Any, shuffle: bool, seed: int
    ) -> BatchSource | None:
        """Serve a stream of batches for training, in constant memory.

        Args:
            x: anything; a stream is what `inputs.open_stream` knows.
            batch_size: int or `None`, texts a step. `None` keeps the size of
                the stream's own batches.
            class_weight: mapping or `None`, as in `class_weights`.
            shuffle: bool, whether to shuffle within windows of the stream.
            seed: int, from which the orders follow.

        Returns:
            A `BatchSource`, or `None` if `x` is not a stream.
        """
        start = open_stream(x)
        if start is None:
            return None
        if isinstance(class_weight, str):
            raise ArgumentError(
                f"`class_weight={class_weight!r}` needs labels in memory, to count them; `x` is a "
                "stream. Pass a dict from label to weight."
            )
        windows = self._windows(start, True, class_weight)
        size = batch_size or self._stream_batch_size(start)

        def plan(texts: EncodedTexts, epoch: int, is_last: bool) -> list[PlannedBatch]:
            rng = np.random.default_rng([seed, epoch]) if shuffle else None
            widths = bucket_plan.choose_widths(texts.lengths, self.policy, texts.full_length)
            exact = self.policy.is_dynamic
            planned = bucket_plan.training_plan(texts.lengths, widths, size, rng, exact)
            return [b for b in planned if is_last or len(b.indices) == size]

        return stream_source(windows, plan, True, self.policy.fixed_length)

    def inference_stream(
        self, x: Any, labelled: bool, batch_size: int | None = None
    ) -> BatchSource | None:
        """Serve a stream of batches for prediction or evaluation, in constant memory.

        Args:
            x: anything; a stream is what `inputs.open_stream` knows.
            labelled: bool, whether labels must be there; otherwise they are
                ignored.
            batch_size: int or `None`, texts a batch. Defaults to `None`, as
                many as fit the token budget.

        Returns:
            A `BatchSource`, or `None` if `x` is not a stream.
        """
        start = open_stream(x)
        if start is None:
            return None
        windows = self._windows(start, labelled, None)
        return stream_source(
            windows,
            lambda texts, *_: self._inference_plan(texts, batch_size),
            keep_partial=False,
            fixed_length=self.policy.fixed_length,
            is_cut=self.in_pieces and self.encoder is not None,
        )

    def _stream_batch_size(self, start: Callable[[], Iterator[Any]]) -> int:
        for raw in start():
            return len(self._read_batch(raw, 0, True))
        raise InvalidDataError(_EMPTY_STREAM)

    def _read_batch(self, raw: Any, first_index: int, labelled: bool) -> Batch:
        return read_batch(raw, first_index, labelled, preprocessed=self.encoder is None)

    def _windows(
        self, start: Callable[[], Iterator[Any]], labelled: bool, class_weight: Any
    ) -> Callable[[], Iterator[Encoded]]:
        def windows() -> Iterator[Encoded]:
            held: list[Batch] = []
            total = 0
            for raw in start():
                held.append(self._read_batch(raw, total, labelled))
                total += len(held[-1])
                if sum(map(len, held)) >= STREAM_WINDOW:
                    yield self._join(held, labelled, class_weight)
                    held = []
            if held:
                yield self._join(held, labelled, class_weight)
            elif not total:
                raise InvalidDataError(_EMPTY_STREAM)

        return windows

    def _join(self, held: list[Batch], labelled: bool, class_weight: Any) -> Encoded:
        if self.encoder is None:
            texts = concatenate(from_features(b.texts) for b in held)
        else:
            columns = zip(*(b.texts for b in held), strict=True)
            texts = self._encode(tuple([t for part in parts for t in part] for parts in columns))
        if not labelled:
            return Encoded(texts)
        y = np.concatenate([self._read_targets(b.y, len(b)) for b in held])
        weights = [read_sample_weight(b.sample_weight, len(b)) for b in held]
        given = [w for w in weights if w is not None]
        weight = np.concatenate(given) if len(given) == len(held) else None
        return weigh(Encoded(texts, y, weight), class_weight, self.labels)

    def _read_targets(self, y: Any, size: int, name: str = "y") -> np.ndarray:
        targets = read_targets(y, self.labels, self.multi_label, size, name)
        refuse_unknown(targets, self.counting_unknown, name)
        return targets

    def _encode(self, columns: TextColumns) -> EncodedTexts:
        assert self.encoder is not None
        encode = self.encoder.encode_in_pieces if self.in_pieces else self.encoder.encode
        encoded = encode(columns)
        longest = int(encoded.lengths.max())
        if self.longest is not None and longest > self.longest:
            raise ArgumentError(
                f"A text has {longest} tokens, but the backbone has positions for {self.longest}. "
                f"Set classifier.sequence_length = {self.longest} to truncate."
            )
        return encoded

    def _inference_plan(self, texts: EncodedTexts, batch_size: int | None) -> list[PlannedBatch]:
        history = self.histories.setdefault(0, WidthHistory())
        # Three passes: what is compiled now serves the next calls as well.
        widths = history.choose(texts.lengths, self.policy, texts.full_length, 3)
        return bucket_plan.inference_plan(
            texts.lengths, widths, self.policy, self.token_budget, batch_size
        )


def weigh(data: Encoded, class_weight: Any, labels: LabelSet) -> Encoded:
    """Fold class weights into sample weights.

    Args:
        data: `Encoded` with targets.
        class_weight: as in `class_weights`, or `None`.
        labels: `LabelSet`.

    Returns:
        `Encoded`.
    """
    if class_weight is None or data.y is None:
        return data
    per_text = class_weights(class_weight, labels, data.y)[data.y]
    if data.sample_weight is not None:
        per_text = per_text * data.sample_weight
    return dataclasses.replace(data, sample_weight=per_text.astype("float32"))
