"""`EncodedTexts`: tokenized texts, stored without padding.

They hold the real tokens only, end to end in one flat array for each feature,
and cut padded batches of any width out of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_textcls.tokenization.chunks import Chunks, join_chunks
from keras_textcls.utils.ragged import spans


@dataclasses.dataclass(frozen=True)
class EncodedTexts:
    """Tokenized texts of ragged length.

    Args:
        lengths: int array of shape `(num_texts,)`, real tokens of each text.
        flat: dict from feature name to an array of all tokens end to end.
        fixed: dict from feature name to an array of shape `(num_texts, ...)`,
            for features whose size does not depend on the text.
        padding: dict from feature name to the value that fills the rest.
        full_length: int, the width to which the preprocessor pads.
        chunks: `Chunks`, if the rows may be chunks of longer texts, else
            `None`. Defaults to `None`.
    """

    lengths: np.ndarray
    flat: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]
    padding: dict[str, Any]
    full_length: int
    chunks: Chunks | None = None

    def __post_init__(self) -> None:
        ends = np.cumsum(self.lengths, dtype="int64")
        object.__setattr__(self, "_starts", ends - self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, indices: np.ndarray) -> EncodedTexts:
        """Return some of the texts, in the order of `indices`.

        Args:
            indices: int array, which texts.

        Returns:
            `EncodedTexts`.
        """
        lengths = self.lengths[indices]
        cells = spans(self._starts[indices], lengths)  # type: ignore[attr-defined]
        return dataclasses.replace(
            self,
            lengths=lengths,
            flat={name: values[cells] for name, values in self.flat.items()},
            fixed={name: values[indices] for name, values in self.fixed.items()},
            chunks=None,
        )

    def batch(self, indices: np.ndarray, padded_length: int, rows: int = 0) -> dict[str, Any]:
        """Cut one padded batch.

        Args:
            indices: int array, which texts.
            padded_length: int, width of the batch, no less than the longest of
                them.
            rows: int, height to which the batch is filled by repeating its
                last text. Defaults to `0`, no filling.

        Returns:
            A dict from feature name to an array of shape `(rows, padded_length)`.
        """
        if rows > len(indices):
            indices = np.concatenate([indices, np.repeat(indices[-1:], rows - len(indices))])
        column = np.arange(padded_length)
        real = column < self.lengths[indices, None]
        # Padding cells read cell 0 and are overwritten: indexing stays in bounds.
        cells = np.where(real, self._starts[indices, None] + column, 0)  # type: ignore[attr-defined]
        features = {}
        for name, values in self.flat.items():
            features[name] = np.where(real, values[cells], self.padding[name]).astype(
                values.dtype, copy=False
            )
        for name, values in self.fixed.items():
            features[name] = values[indices]
        return features


def from_features(features: dict[str, np.ndarray]) -> EncodedTexts:
    """Wrap inputs that are preprocessed already; they keep their width.

    Args:
        features: dict from input name to an array of shape `(num_texts, ...)`.

    Returns:
        `EncodedTexts`.
    """
    first = next(iter(features.values()))
    width = first.shape[1] if first.ndim > 1 else 1
    return EncodedTexts(np.full(len(first), width, "int32"), {}, features, {}, width)


def concatenate(parts: Iterable[EncodedTexts]) -> EncodedTexts:
    """Join encoded texts of the same preprocessor, in order.

    Args:
        parts: iterable of `EncodedTexts`, at least one.

    Returns:
        `EncodedTexts`, with `chunks` if one of them has those.
    """
    parts = list(parts)
    first = parts[0]
    is_cut = any(p.chunks is not None for p in parts)
    return EncodedTexts(
        lengths=np.concatenate([p.lengths for p in parts]),
        flat={name: np.concatenate([p.flat[name] for p in parts]) for name in first.flat},
        fixed={name: np.concatenate([p.fixed[name] for p in parts]) for name in first.fixed},
        padding=first.padding,
        full_length=first.full_length,
        chunks=join_chunks(p.chunks or Chunks.whole(len(p)) for p in parts) if is_cut else None,
    )
