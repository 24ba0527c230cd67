"""`MiniEncoderTextClassifierPreprocessor`: tokens between the start and end tokens."""

from __future__ import annotations

import keras

from keras_textcls.models.mini_encoder.mini_encoder_backbone import MiniEncoderBackbone
from keras_textcls.models.mini_encoder.mini_encoder_tokenizer import MiniEncoderTokenizer
from keras_textcls.tokenization.preprocessor import TextClassifierPreprocessor


@keras.saving.register_keras_serializable(package="keras_textcls")
class MiniEncoderTextClassifierPreprocessor(TextClassifierPreprocessor):
    """Text to model inputs for `MiniEncoderBackbone`.

    Its arguments are those of `TextClassifierPreprocessor`.
    """

    backbone_cls = MiniEncoderBackbone
    tokenizer_cls = MiniEncoderTokenizer
