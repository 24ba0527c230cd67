"""Architectures of our own, in Keras Hub's style: one folder each.

Importing this package registers them with Keras, so that presets can name them.
"""

from keras_textcls.models.mini_encoder.mini_encoder_backbone import MiniEncoderBackbone
from keras_textcls.models.mini_encoder.mini_encoder_text_classifier_preprocessor import (
    MiniEncoderTextClassifierPreprocessor,
)
from keras_textcls.models.mini_encoder.mini_encoder_tokenizer import MiniEncoderTokenizer
from keras_textcls.models.static_embedding.static_embedding_backbone import (
    StaticEmbeddingBackbone,
)
from keras_textcls.models.static_embedding.static_embedding_text_classifier_preprocessor import (
    StaticEmbeddingTextClassifierPreprocessor,
)
from keras_textcls.models.static_embedding.static_embedding_tokenizer import (
    StaticEmbeddingTokenizer,
)

__all__ = [
    "MiniEncoderBackbone",
    "MiniEncoderTextClassifierPreprocessor",
    "MiniEncoderTokenizer",
    "StaticEmbeddingBackbone",
    "StaticEmbeddingTextClassifierPreprocessor",
    "StaticEmbeddingTokenizer",
]
