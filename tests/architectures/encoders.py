"""Tiny arguments and tokenizers of the bidirectional text encoders of Keras Hub.

`ENCODERS` maps a backbone class name to two callables: one takes the vocabulary size and returns
the constructor arguments, the other builds the tokenizer (`None` where Keras Hub has none whose
`backbone_cls` is that class). The text towers of CLIP and MetaCLIP 2 are listed here although
their attention is causal: they are the text half of an image and text model.
"""

import keras_hub

from .vocabularies import byte_pair, sentence_piece, wordpiece

_BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def _transformer(size, **extra):
    """Arguments that most encoders share."""
    shared = dict(
        vocabulary_size=size,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        dropout=0.0,
    )
    return {**shared, **extra}


def _positioned(size, **extra):
    """Arguments of an encoder with learned positions."""
    return _transformer(size, max_sequence_length=128, **extra)


def _electra(size):
    arguments = _positioned(size, embedding_dim=8)
    return {"vocab_size": arguments.pop("vocabulary_size"), **arguments}


def _f_net(size):
    arguments = _positioned(size)
    del arguments["num_heads"]
    return arguments


def _text_tower(size):
    arguments = _positioned(size, embedding_dim=16)
    del arguments["dropout"]
    return arguments


def _sig_lip_text_tower(size):
    return {**_text_tower(size), "max_sequence_length": 64}


def _wordpiece_tokenizer(name):
    def build():
        return getattr(keras_hub.models, name)(vocabulary=wordpiece(_BERT_SPECIALS))

    return build


def _albert_like_tokenizer(name):
    def build():
        return getattr(keras_hub.models, name)(
            sentence_piece(
                pad="<pad>",
                bos="[CLS]",
                eos="[SEP]",
                order=("pad", "unk", "bos", "eos"),
                controls=("[MASK]",),
            )
        )

    return build


def _deberta_tokenizer():
    # As in the published model, "[MASK]" is not a piece: the tokenizer class adds it at the end.
    proto = sentence_piece(
        pad="[PAD]", bos="[CLS]", eos="[SEP]", unk="[UNK]", order=("pad", "bos", "eos", "unk")
    )
    return keras_hub.models.DebertaV3Tokenizer(proto)


def _esm_tokenizer():
    specials = ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>")
    return keras_hub.models.ESMTokenizer(vocabulary=wordpiece(specials))


def _roberta_tokenizer():
    vocabulary = byte_pair(first=("<s>", "<pad>", "</s>", "<unk>"), last=("<mask>",))
    return keras_hub.models.RobertaTokenizer(**vocabulary)


def _xlm_roberta_tokenizer():
    # The tokenizer class itself shifts the ids by one and adds "<pad>" and "<mask>".
    proto = sentence_piece(bos="<s>", eos="</s>", order=("unk", "bos", "eos"))
    return keras_hub.models.XLMRobertaTokenizer(proto)


ENCODERS = {
    "AlbertBackbone": (
        lambda size: _positioned(size, embedding_dim=8),
        _albert_like_tokenizer("AlbertTokenizer"),
    ),
    "BertBackbone": (_positioned, _wordpiece_tokenizer("BertTokenizer")),
    "CLIPTextEncoder": (_text_tower, None),
    "DebertaV3Backbone": (
        lambda size: _positioned(size, bucket_size=16),
        _deberta_tokenizer,
    ),
    "DistilBertBackbone": (_positioned, _wordpiece_tokenizer("DistilBertTokenizer")),
    # The class masks the tokens equal to `pad_token_id` by itself; 1 is the id of "<pad>" above.
    "ESMBackbone": (lambda size: _positioned(size, pad_token_id=1), _esm_tokenizer),
    "ElectraBackbone": (_electra, _wordpiece_tokenizer("ElectraTokenizer")),
    "FNetBackbone": (_f_net, _albert_like_tokenizer("FNetTokenizer")),
    "MetaCLIP2TextEncoder": (_text_tower, None),
    "RobertaBackbone": (_positioned, _roberta_tokenizer),
    "RoformerV2Backbone": (
        lambda size: _transformer(size, head_size=8),
        _wordpiece_tokenizer("RoformerV2Tokenizer"),
    ),
    # This class reads only inputs of exactly `max_sequence_length` tokens, and pools the last one.
    "SigLIPTextEncoder": (_sig_lip_text_tower, None),
    "XLMRobertaBackbone": (_positioned, _xlm_roberta_tokenizer),
    "XLNetBackbone": (_transformer, None),
}
