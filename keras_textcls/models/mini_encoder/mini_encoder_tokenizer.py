"""`MiniEncoderTokenizer`: WordPiece, as Keras Hub's BERT tokenizer has it."""

from __future__ import annotations

import keras
import keras_hub

from keras_textcls.models.mini_encoder.mini_encoder_backbone import MiniEncoderBackbone


@keras.saving.register_keras_serializable(package="keras_textcls")
class MiniEncoderTokenizer(keras_hub.models.BertTokenizer):
    """A WordPiece tokenizer that pairs with `MiniEncoderBackbone`.

    Args:
        vocabulary: list of strings or path, as for
            `keras_hub.models.BertTokenizer`.
        lowercase: bool. Defaults to `False`.
        **kwargs: further arguments of `keras_hub.models.BertTokenizer`.
    """

    backbone_cls = MiniEncoderBackbone
