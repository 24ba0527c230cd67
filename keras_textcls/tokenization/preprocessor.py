"""`TextClassifierPreprocessor`: text to model inputs for any text backbone.

Keras Hub has a classification preprocessor for nine architectures only. This
one serves the others: any Keras Hub tokenizer, with or without special tokens,
for encoders, decoders and encoder-decoders. It runs in `tf.data` and in plain
Python, as Keras Hub's own do.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from keras_textcls.errors import ArgumentError, shorten

FEATURES = (
    "token_ids",
    "padding_mask",
    "segment_ids",
    "encoder_token_ids",
    "encoder_padding_mask",
    "decoder_token_ids",
    "decoder_padding_mask",
    "position_ids",
)

# Stands for padding until the mask is made: several tokenizers pad with the
# id of a real token (GPT-2 with 0, "!"), so ids alone cannot tell.
_PADDING = -1


@keras.saving.register_keras_serializable(package="keras_textcls")
class TextClassifierPreprocessor(keras_hub.models.TextClassifierPreprocessor):
    """Tokenize and pack texts for the classification of any text backbone.

    Text pairs are joined with the end token between them. An encoder-decoder
    reads the text with its encoder; its decoder gets one start token.

    Args:
        tokenizer: a `keras_hub.models.Tokenizer`.
        sequence_length: int, longest sequence in tokens; longer ones are
            truncated. Defaults to `512`.
        truncate: `"round_robin"` or `"waterfall"`, how pairs share the length.
            Defaults to `"round_robin"`.
        add_start_token: bool, whether the tokenizer's start token, if it has
            one, comes first. Defaults to `True`.
        add_end_token: bool, whether its end token, if it has one, comes last.
            Defaults to `True`.
        features: list of strings, the inputs that the backbone takes, from
            `FEATURES`. Defaults to `["token_ids", "padding_mask"]`.

    Call arguments:
        x: a string, a list of strings, or a tuple of those for pairs.
        y, sample_weight: passed through unaltered.

    Example:
    >>> tokenizer = keras_hub.models.BertTokenizer(
    ...     vocabulary=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hi", "you"]
    ... )
    >>> preprocessor = TextClassifierPreprocessor(tokenizer, sequence_length=5)
    >>> keras.ops.convert_to_numpy(preprocessor(["hi you"])["token_ids"]).tolist()
    [[2, 5, 6, 3, 0]]
    """

    def __init__(
        self,
        tokenizer: keras_hub.models.Tokenizer,
        sequence_length: int = 512,
        truncate: str = "round_robin",
        add_start_token: bool = True,
        add_end_token: bool = True,
        features: Any = ("token_ids", "padding_mask"),
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(features) - set(FEATURES))
        if unknown:
            raise ArgumentError(
                f"The backbone needs the inputs {shorten(unknown)}, which cannot be made from "
                f"text. Known are: {', '.join(FEATURES)}."
            )
        super().__init__(tokenizer, sequence_length=sequence_length, truncate=truncate, **kwargs)
        self.add_start_token = add_start_token
        self.add_end_token = add_end_token
        self.features = tuple(features)

    def build(self, input_shape: Any) -> None:
        """Make the packer, once the tokenizer has its vocabulary."""
        start, end = (getattr(self.tokenizer, f"{n}_token_id", None) for n in ("start", "end"))
        self.packer = keras_hub.layers.MultiSegmentPacker(
            sequence_length=self.sequence_length,
            # An empty list, unlike None, counts as "no token" for the packer.
            start_value=[start] if start is not None and self.add_start_token else [],
            end_value=[end] if end is not None and self.add_end_token else [],
            sep_value=[end] if end is not None else [],
            pad_value=_PADDING,
            truncate=self.truncate,
        )
        self.built = True

    @property
    def pad_token_id(self) -> int:
        """The id that fills the end of short texts."""
        pad = getattr(self.tokenizer, "pad_token_id", None)
        return 0 if pad is None else pad

    def call(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Return the features of `x`, with `y` and `sample_weight` if they are given."""
        segments = tuple(self.tokenizer(s) for s in (x if isinstance(x, tuple) else (x,)))
        packed, segment_ids = self.packer(segments)
        # A `tf.data` pipeline hands out TensorFlow's tensors on every backend.
        where = tf.where if tf.is_tensor(packed) else keras.ops.where
        mask = packed != _PADDING
        ids = where(mask, packed, self.pad_token_id)
        start = getattr(self.tokenizer, "start_token_id", None)
        positions = np.arange(self.sequence_length, dtype="int32")
        if not tf.is_tensor(packed):
            positions = keras.ops.convert_to_tensor(positions)
        decoder_ids = ids[..., :1] * 0 + (self.pad_token_id if start is None else start)
        available = {
            "token_ids": ids,
            "padding_mask": mask,
            "segment_ids": segment_ids,
            "encoder_token_ids": ids,
            "encoder_padding_mask": mask,
            "decoder_token_ids": decoder_ids,
            "decoder_padding_mask": decoder_ids >= 0,
            "position_ids": ids * 0 + positions,
        }
        features = {name: available[name] for name in self.features}
        return keras.utils.pack_x_y_sample_weight(features, y, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "add_start_token": self.add_start_token,
            "add_end_token": self.add_end_token,
            "features": list(self.features),
        }
