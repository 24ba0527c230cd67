"""The Hugging Face architectures with a classification head that are read and written.

One entry of `ARCHITECTURES` says everything: how the settings of `config.json`
become arguments of a Keras Hub backbone, which settings that backbone cannot
express, how the tensors are called, and which head stands on top. Names and
defaults are those of the configuration classes of `transformers`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

# The modules of one transformer block: how Keras Hub calls them in its
# `TransformerEncoder`, `TransformerDecoder` and DeBERTa's own encoder.
BLOCK = {
    "query": "_self_attention_layer._query_dense",
    "key": "_self_attention_layer._key_dense",
    "value": "_self_attention_layer._value_dense",
    "attention": "_self_attention_layer._output_dense",
    "attention_norm": "_self_attention_layer_norm",
    "intermediate": "_feedforward_intermediate_dense",
    "output": "_feedforward_output_dense",
    "output_norm": "_feedforward_layer_norm",
}
NORMS = ("attention_norm", "output_norm")


@dataclasses.dataclass(frozen=True)
class Head:
    """The classification head of an architecture.

    Args:
        pooling: string, as in `HeadSpec`.
        output: string, name of the module with the scores.
        hidden: string or `None`, name of the dense module before it.
        activation: string or `None`, what follows that module.
        output_bias: bool, whether the scores have a bias.
        dropout_keys: tuple of strings, settings that hold the dropout rate,
            the first that is set counts.
    """

    pooling: str
    output: str
    hidden: str | None = None
    activation: str | None = None
    output_bias: bool = True
    dropout_keys: tuple[str, ...] = ("classifier_dropout", "hidden_dropout_prob")


@dataclasses.dataclass(frozen=True)
class Architecture:
    """How checkpoints of one architecture are laid out.

    Args:
        model_type: string, as in `config.json`.
        task: string, the class with the classification head in `transformers`.
        backbone: string, name of the Keras Hub backbone.
        prefix: string, before the names of the backbone's tensors.
        arguments: dict from an argument of the backbone to a setting.
        defaults: dict from setting to what it is where `config.json` is silent.
        required: dict from setting to the values that the backbone can express.
        epsilon: tuple of setting and value, that of the layer norms.
        activation: string, the setting that names the activation.
        modules: dict from the attribute of the backbone to the module, for the
            parts that stand outside of the blocks.
        tables: dict from the attribute of a weight to the tensor.
        block: dict from a key of `BLOCK` to the module within a block.
        block_path: string, a format of the block's number.
        head: `Head`.
        tokenizer: string, `"WordPiece"`, `"BPE"` or `"Unigram"`.
        tokenizer_class: string, name of the Keras Hub tokenizer.
        input_names: tuple of strings, what the model of `transformers` takes.
        double_separator: bool, whether two end tokens part a pair.
    """

    model_type: str
    task: str
    backbone: str
    prefix: str
    arguments: dict[str, str]
    defaults: dict[str, Any]
    required: dict[str, tuple[Any, ...]]
    epsilon: tuple[str, float]
    activation: str
    modules: dict[str, str]
    tables: dict[str, str]
    block: dict[str, str]
    block_path: str
    head: Head
    tokenizer: str
    tokenizer_class: str
    input_names: tuple[str, ...] = ("input_ids", "attention_mask")
    double_separator: bool = False

    def setting(self, config: dict[str, Any], name: str) -> Any:
        """Return a setting of `config.json`, or its default there."""
        value = config.get(name)
        return self.defaults.get(name) if value is None else value


_ARGUMENTS = {
    "vocabulary_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "hidden_dim": "hidden_size",
    "intermediate_dim": "intermediate_size",
    "dropout": "hidden_dropout_prob",
    "max_sequence_length": "max_position_embeddings",
}
_DEFAULTS = {
    "vocab_size": 30522,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
_REQUIRED: dict[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "add_cross_attention": (False,),
}
_BLOCK = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_TABLES = {
    "token_embedding.embeddings": "embeddings.word_embeddings.weight",
    "position_embedding.position_embeddings": "embeddings.position_embeddings.weight",
    "segment_embedding.embeddings": "embeddings.token_type_embeddings.weight",
}
_WITH_SEGMENTS = ("input_ids", "token_type_ids", "attention_mask")

_BERT = Architecture(
    model_type="bert",
    task="BertForSequenceClassification",
    backbone="BertBackbone",
    prefix="bert.",
    arguments={**_ARGUMENTS, "num_segments": "type_vocab_size"},
    defaults=_DEFAULTS,
    required=_REQUIRED,
    epsilon=("layer_norm_eps", 1e-12),
    activation="hidden_act",
    modules={"embeddings_layer_norm": "embeddings.LayerNorm", "pooled_dense": "pooler.dense"},
    tables=_TABLES,
    block=_BLOCK,
    block_path="encoder.layer.{0}.",
    head=Head("pooler", "classifier"),
    tokenizer="WordPiece",
    tokenizer_class="BertTokenizer",
    input_names=_WITH_SEGMENTS,
)

_ROBERTA = dataclasses.replace(
    _BERT,
    model_type="roberta",
    task="RobertaForSequenceClassification",
    backbone="RobertaBackbone",
    prefix="roberta.",
    arguments=_ARGUMENTS,
    defaults={**_DEFAULTS, "vocab_size": 50265, "pad_token_id": 1},
    epsilon=("layer_norm_eps", 1e-5),
    modules={"embeddings_layer_norm": "embeddings.LayerNorm"},
    tables={
        "token_embedding.embeddings": _TABLES["token_embedding.embeddings"],
        "embeddings.position_embedding.position_embeddings": _TABLES[
            "position_embedding.position_embeddings"
        ],
    },
    head=Head("cls", "classifier.out_proj", hidden="classifier.dense", activation="tanh"),
    tokenizer="BPE",
    tokenizer_class="RobertaTokenizer",
    input_names=("input_ids", "attention_mask"),
    double_separator=True,
)

_ALL = (
    _BERT,
    dataclasses.replace(
        _BERT,
        model_type="distilbert",
        task="DistilBertForSequenceClassification",
        backbone="DistilBertBackbone",
        prefix="distilbert.",
        arguments={
            "vocabulary_size": "vocab_size",
            "num_layers": "n_layers",
            "num_heads": "n_heads",
            "hidden_dim": "dim",
            "intermediate_dim": "hidden_dim",
            "dropout": "dropout",
            "max_sequence_length": "max_position_embeddings",
        },
        defaults={
            "vocab_size": 30522,
            "n_layers": 6,
            "n_heads": 12,
            "dim": 768,
            "hidden_dim": 3072,
            "dropout": 0.1,
            "max_position_embeddings": 512,
            "activation": "gelu",
            "seq_classif_dropout": 0.2,
            "layer_norm_eps": 1e-12,
            "pad_token_id": 0,
        },
        required={},
        activation="activation",
        modules={"embeddings_layer_norm": "embeddings.LayerNorm"},
        tables={
            "token_embedding.embeddings": _TABLES["token_embedding.embeddings"],
            "embeddings.position_embedding.position_embeddings": _TABLES[
                "position_embedding.position_embeddings"
            ],
        },
        block={
            "query": "attention.q_lin",
            "key": "attention.k_lin",
            "value": "attention.v_lin",
            "attention": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "intermediate": "ffn.lin1",
            "output": "ffn.lin2",
            "output_norm": "output_layer_norm",
        },
        block_path="transformer.layer.{0}.",
        head=Head(
            "cls",
            "classifier",
            hidden="pre_classifier",
            activation="relu",
            dropout_keys=("seq_classif_dropout",),
        ),
        tokenizer_class="DistilBertTokenizer",
        input_names=("input_ids", "attention_mask"),
    ),
    _ROBERTA,
    dataclasses.replace(
        _ROBERTA,
        model_type="xlm-roberta",
        task="XLMRobertaForSequenceClassification",
        backbone="XLMRobertaBackbone",
        defaults={**_ROBERTA.defaults, "vocab_size": 30522},
        tokenizer="Unigram",
        tokenizer_class="XLMRobertaTokenizer",
    ),
    dataclasses.replace(
        _BERT,
        model_type="albert",
        task="AlbertForSequenceClassification",
        backbone="AlbertBackbone",
        prefix="albert.",
        arguments={
            **_BERT.arguments,
            "embedding_dim": "embedding_size",
            "num_groups": "num_hidden_groups",
            "num_inner_repetitions": "inner_group_num",
        },
        defaults={
            **_DEFAULTS,
            "vocab_size": 30000,
            "embedding_size": 128,
            "hidden_size": 4096,
            "num_attention_heads": 64,
            "intermediate_size": 16384,
            "num_hidden_groups": 1,
            "inner_group_num": 1,
            "hidden_act": "gelu_new",
            "hidden_dropout_prob": 0.0,
            "classifier_dropout_prob": 0.1,
        },
        modules={
            "embeddings_layer_norm": "embeddings.LayerNorm",
            "embeddings_projection": "encoder.embedding_hidden_mapping_in",
            "pooled_dense": "pooler",
        },
        block={
            "query": "attention.query",
            "key": "attention.key",
            "value": "attention.value",
            "attention": "attention.dense",
            "attention_norm": "attention.LayerNorm",
            "intermediate": "ffn",
            "output": "ffn_output",
            "output_norm": "full_layer_layer_norm",
        },
        block_path="encoder.albert_layer_groups.{0}.albert_layers.{1}.",
        head=Head("pooler", "classifier", dropout_keys=("classifier_dropout_prob",)),
        tokenizer="Unigram",
        tokenizer_class="AlbertTokenizer",
    ),
    dataclasses.replace(
        _BERT,
        model_type="deberta-v2",
        task="DebertaV2ForSequenceClassification",
        backbone="DebertaV3Backbone",
        prefix="deberta.",
        arguments={**_ARGUMENTS, "bucket_size": "position_buckets"},
        defaults={
            **_DEFAULTS,
            "vocab_size": 128100,
            "num_hidden_layers": 24,
            "num_attention_heads": 24,
            "hidden_size": 1536,
            "intermediate_size": 6144,
            "type_vocab_size": 0,
            "layer_norm_eps": 1e-7,
            "relative_attention": False,
            "position_biased_input": True,
            "position_buckets": -1,
            "share_att_key": False,
            "pos_att_type": (),
            "norm_rel_ebd": "none",
            "conv_kernel_size": 0,
            "pooler_hidden_act": "gelu",
        },
        required={
            "relative_attention": (True,),
            "position_biased_input": (False,),
            "share_att_key": (True,),
            "norm_rel_ebd": ("layer_norm",),
            "conv_kernel_size": (0,),
            "type_vocab_size": (0,),
            "pooler_hidden_act": ("gelu", "gelu_python"),
        },
        epsilon=("layer_norm_eps", 1e-7),
        modules={
            "embeddings_layer_norm": "embeddings.LayerNorm",
            "relative_embeddings.layer_norm": "encoder.LayerNorm",
        },
        tables={
            "token_embedding.embeddings": _TABLES["token_embedding.embeddings"],
            "relative_embeddings.rel_embeddings": "encoder.rel_embeddings.weight",
        },
        block={
            **_BLOCK,
            "query": "attention.self.query_proj",
            "key": "attention.self.key_proj",
            "value": "attention.self.value_proj",
        },
        head=Head(
            "cls",
            "classifier",
            hidden="pooler.dense",
            activation="gelu",
            dropout_keys=("pooler_dropout",),
        ),
        tokenizer="Unigram",
        tokenizer_class="DebertaV3Tokenizer",
        input_names=("input_ids", "attention_mask"),
    ),
    dataclasses.replace(
        _BERT,
        model_type="electra",
        task="ElectraForSequenceClassification",
        backbone="ElectraBackbone",
        prefix="electra.",
        arguments={
            **{k: v for k, v in _BERT.arguments.items() if k != "vocabulary_size"},
            "vocab_size": "vocab_size",
            "embedding_dim": "embedding_size",
        },
        defaults={
            **_DEFAULTS,
            "embedding_size": 128,
            "hidden_size": 256,
            "num_attention_heads": 4,
            "intermediate_size": 1024,
        },
        modules={
            "embeddings_layer_norm": "embeddings.LayerNorm",
            "embeddings_projection": "embeddings_project",
        },
        head=Head("cls", "classifier.out_proj", hidden="classifier.dense", activation="gelu"),
        tokenizer_class="ElectraTokenizer",
    ),
    dataclasses.replace(
        _BERT,
        model_type="gpt2",
        task="GPT2ForSequenceClassification",
        backbone="GPT2Backbone",
        prefix="transformer.",
        arguments={
            "vocabulary_size": "vocab_size",
            "num_layers": "n_layer",
            "num_heads": "n_head",
            "hidden_dim": "n_embd",
            "intermediate_dim": "n_inner",
            "dropout": "resid_pdrop",
            "max_sequence_length": "n_positions",
        },
        defaults={
            "vocab_size": 50257,
            "n_layer": 12,
            "n_head": 12,
            "n_embd": 768,
            "resid_pdrop": 0.1,
            "n_positions": 1024,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": 1e-5,
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
            "add_cross_attention": False,
        },
        required={
            "scale_attn_weights": (True,),
            "scale_attn_by_inverse_layer_idx": (False,),
            "add_cross_attention": (False,),
        },
        epsilon=("layer_norm_epsilon", 1e-5),
        activation="activation_function",
        modules={"layer_norm": "ln_f"},
        tables={
            "token_embedding.embeddings": "wte.weight",
            "position_embedding.position_embeddings": "wpe.weight",
        },
        block={
            "query": "attn.c_attn",
            "key": "attn.c_attn",
            "value": "attn.c_attn",
            "attention": "attn.c_proj",
            "attention_norm": "ln_1",
            "intermediate": "mlp.c_fc",
            "output": "mlp.c_proj",
            "output_norm": "ln_2",
        },
        block_path="h.{0}.",
        head=Head("last", "score", output_bias=False, dropout_keys=()),
        tokenizer="BPE",
        tokenizer_class="GPT2Tokenizer",
        input_names=("input_ids", "attention_mask"),
    ),
)

ARCHITECTURES = {entry.model_type: entry for entry in _ALL}
BY_BACKBONE = {entry.backbone: entry for entry in _ALL}
