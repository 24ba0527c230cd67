"""Architectures of our own, in Keras Hub's style: one folder each.

Importing this package registers them with Keras, so that presets can name them,
and their bundled presets with Keras Hub, so that
`MiniEncoderBackbone.from_preset` knows them by name.
"""

from keras_textcls.keras_compat.presets import register_presets
from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.models.gpt_neo.gpt_neo_causal_lm import GPTNeoCausalLM
from keras_textcls.models.gpt_neo.gpt_neo_causal_lm_preprocessor import GPTNeoCausalLMPreprocessor
from keras_textcls.models.gpt_neo.gpt_neo_presets import backbone_presets as gpt_neo_presets
from keras_textcls.models.gpt_neo.gpt_neo_tokenizer import GPTNeoTokenizer
from keras_textcls.models.mini_encoder.mini_encoder_backbone import MiniEncoderBackbone
from keras_textcls.models.mini_encoder.mini_encoder_presets import (
    backbone_presets as mini_encoder_presets,
)
from keras_textcls.models.mini_encoder.mini_encoder_text_classifier_preprocessor import (
    MiniEncoderTextClassifierPreprocessor,
)
from keras_textcls.models.mini_encoder.mini_encoder_tokenizer import MiniEncoderTokenizer
from keras_textcls.models.static_embedding.json_tokenizer import JsonTokenizer
from keras_textcls.models.static_embedding.static_embedding_backbone import (
    StaticEmbeddingBackbone,
)
from keras_textcls.models.static_embedding.static_embedding_presets import (
    backbone_presets as static_embedding_presets,
)
from keras_textcls.models.static_embedding.static_embedding_text_classifier_preprocessor import (
    StaticEmbeddingTextClassifierPreprocessor,
)
from keras_textcls.models.static_embedding.static_embedding_tokenizer import (
    StaticEmbeddingTokenizer,
)

__all__ = [
    "GPTNeoBackbone",
    "GPTNeoCausalLM",
    "GPTNeoCausalLMPreprocessor",
    "GPTNeoTokenizer",
    "JsonTokenizer",
    "MiniEncoderBackbone",
    "MiniEncoderTextClassifierPreprocessor",
    "MiniEncoderTokenizer",
    "StaticEmbeddingBackbone",
    "StaticEmbeddingTextClassifierPreprocessor",
    "StaticEmbeddingTokenizer",
]

register_presets(gpt_neo_presets, GPTNeoBackbone)
register_presets(mini_encoder_presets, MiniEncoderBackbone)
register_presets(static_embedding_presets, StaticEmbeddingBackbone)
