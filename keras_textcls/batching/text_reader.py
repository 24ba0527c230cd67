"""`TextReader`: turns what a caller passes into windows of encoded texts with their targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from keras_textcls.batching.windows import Window, Windows, join_windows
from keras_textcls.errors import ArgumentError, InvalidDataError
from keras_textcls.inputs.targets import read_sample_weight, read_targets, refuse_unknown
from keras_textcls.inputs.text_batches import (
    Batch,
    TextBatches,
    open_texts,
    unpack_validation_data,
)
from keras_textcls.inputs.texts import TextColumns
from keras_textcls.labels import LabelSet
from keras_textcls.tokenization.encoded_texts import EncodedTexts, concatenate, from_features

# Texts of a stream that are held in memory to be sorted by length.
STREAM_WINDOW = 4096


class Encoder(Protocol):
    """Interface of an object that tokenizes texts, such as `TextEncoder`."""

    def encode(self, columns: TextColumns) -> EncodedTexts:
        """Tokenize texts; those that are too long are cut off."""

    def encode_in_chunks(self, columns: TextColumns) -> EncodedTexts:
        """Tokenize texts; those that are too long become several rows, one a chunk."""


@dataclasses.dataclass
class TextReader:
    """Checks and tokenizes texts, with their labels and weights.

    Args:
        encoder: `Encoder`, or `None` where inputs come preprocessed. Defaults
            to `None`.
        labels: `LabelSet`, or `None` if no labels are read. Defaults to `None`.
        multi_label: bool, whether a text may have several labels. Defaults to
            `False`.
        longest: int or `None`, most tokens that the backbone has positions for.
            Defaults to `None`.
        unknown_refused_for: string or `None`, why unknown labels must be
            refused, as in `refuse_unknown`. Defaults to `None`.
        in_chunks: bool, whether texts that are too long are cut into chunks
            instead of truncated. Defaults to `False`.
    """

    encoder: Encoder | None = None
    labels: LabelSet | None = None
    multi_label: bool = False
    longest: int | None = None
    unknown_refused_for: str | None = None
    in_chunks: bool = False

    def read(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        labelled: bool = True,
        adopts_names: bool = False,
    ) -> Windows:
        """Read texts in memory, a data set or a stream.

        Args:
            x: what `open_texts` takes.
            y: labels, or `None`. Defaults to `None`.
            sample_weight: numbers, or `None`. Defaults to `None`.
            labelled: bool, whether labels must be there; otherwise they are
                ignored. Defaults to `True`.
            adopts_names: bool, whether the names in the data take the place of
                placeholders in `labels`; see `TextBatches.adopted_names`.
                Defaults to `False`.

        Returns:
            `Windows`, those of a stream read as they are asked for.
        """
        opened = open_texts(
            x, y, sample_weight,
            labelled=labelled, multi_label=self.multi_label, preprocessed=self.encoder is None,
        )  # fmt: skip
        if self.labels is not None and adopts_names:
            self.labels = opened.adopted_names(self.labels)
        if self.labels is not None and opened.labels is not None:
            self.labels.encode(opened.labels, "x.labels")
        if opened.size is None:
            return Windows(
                lambda: self._windows(opened, labelled, STREAM_WINDOW),
                batch_size=lambda: len(next(opened.read())),
                in_chunks=self.in_chunks and self.encoder is not None,
            )
        weight = read_sample_weight(sample_weight, opened.size)
        whole = join_windows(self._windows(opened, labelled, 1))
        return Windows.of(dataclasses.replace(whole, sample_weight=weight))

    def read_validation(self, validation_data: Any) -> Windows:
        """Read the argument `validation_data`.

        Args:
            validation_data: see `unpack_validation_data`.

        Returns:
            `Windows`.
        """
        parts = unpack_validation_data(validation_data)
        try:
            return self.read(*parts)
        except (ArgumentError, InvalidDataError) as error:
            raise type(error)(f"In `validation_data`: {error}") from None

    def _windows(self, opened: TextBatches, labelled: bool, num_texts: int) -> Iterator[Window]:
        """Encode batches, at least `num_texts` texts at a time, of which no string is kept."""
        held: list[Batch] = []
        for batch in opened.read():
            held.append(batch)
            del batch
            if sum(map(len, held)) >= num_texts:
                window = self._encode(held, labelled)
                held.clear()  # Before the next texts are read.
                yield window
                del window
        if held:
            yield self._encode(held, labelled)

    def _encode(self, held: list[Batch], labelled: bool) -> Window:
        # Labels are checked before the texts are tokenized, which takes longer.
        y = weight = None
        if labelled:
            y = np.concatenate([self._read_targets(batch) for batch in held])
            weights = [read_sample_weight(b.sample_weight, len(b)) for b in held]
            if any(w is not None for w in weights):
                ones = (np.ones(len(b), "float32") for b in held)
                filled = zip(weights, ones, strict=True)
                weight = np.concatenate([one if w is None else w for w, one in filled])
        if self.encoder is None:
            return Window(concatenate(from_features(b.texts) for b in held), y, weight)
        columns: Iterable[tuple[list[str], ...]] = zip(*(b.texts for b in held), strict=True)
        joined = (c[0] if len(c) == 1 else [t for part in c for t in part] for c in columns)
        return Window(self._tokenize(self.encoder, tuple(joined)), y, weight)

    def _read_targets(self, batch: Batch) -> np.ndarray:
        assert self.labels is not None
        targets = read_targets(batch.y, self.labels, self.multi_label, len(batch), batch.name)
        refuse_unknown(targets, self.unknown_refused_for, batch.name)
        return targets

    def _tokenize(self, encoder: Encoder, columns: TextColumns) -> EncodedTexts:
        encoded = (encoder.encode_in_chunks if self.in_chunks else encoder.encode)(columns)
        longest = int(encoded.lengths.max())
        if self.longest is not None and longest > self.longest:
            raise ArgumentError(
                f"A text has {longest} tokens, but the backbone has positions for {self.longest}. "
                f"Set classifier.sequence_length = {self.longest} to truncate."
            )
        return encoded
