"""Keras Hub's tokenizers, as the `tokenizer.json` of a Hugging Face checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras_hub
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from keras_textcls.errors import ArgumentError
from keras_textcls.saving.huggingface.layout import Architecture
from keras_textcls.utils.sentence_piece import CONTROL, UNKNOWN, read_model

# GPT-2 has no padding token, and its head looks for the last token that is none.
PAD_TOKEN = "<|pad|>"


def write_tokenizer(preprocessor: Any, architecture: Architecture, directory: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`.

    Args:
        preprocessor: a `keras_hub.models.TextClassifierPreprocessor`.
        architecture: `Architecture`.
        directory: `Path`.

    Raises:
        ArgumentError: the tokenizer is none that `tokenizers` can express.
    """
    tokenizer = preprocessor.tokenizer
    for kind, convert in _CONVERTERS.items():
        if isinstance(tokenizer, kind):
            written = convert(tokenizer)
            break
    else:
        raise ArgumentError(
            f"A {type(tokenizer).__name__} cannot be written for `transformers`; a WordPiece, "
            "byte-pair or SentencePiece tokenizer of Keras Hub is needed."
        )
    names = _special_names(tokenizer)
    if architecture.model_type == "gpt2":
        names["pad_token"] = PAD_TOKEN
    written.add_special_tokens([AddedToken(n, special=True) for n in dict.fromkeys(names.values())])
    _surround(written, preprocessor, architecture, names)
    written.save(str(directory / "tokenizer.json"))
    settings = {
        # Takes tokenizer.json for what it says; the class of the architecture
        # would rebuild its steps.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": preprocessor.sequence_length,
        "model_input_names": list(architecture.input_names),
        "clean_up_tokenization_spaces": False,
        **names,
    }
    text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    (directory / "tokenizer_config.json").write_text(text, encoding="utf-8")


def _special_names(tokenizer: Any) -> dict[str, str]:
    pairs = {
        "bos_token": "start_token",
        "eos_token": "end_token",
        "cls_token": "start_token",
        "sep_token": "end_token",
        "pad_token": "pad_token",
        "mask_token": "mask_token",
        "unk_token": "unk_token",
    }
    names = {name: getattr(tokenizer, own, None) for name, own in pairs.items()}
    names["unk_token"] = names["unk_token"] or getattr(tokenizer, "oov_token", None)
    if isinstance(tokenizer, keras_hub.tokenizers.SentencePieceTokenizer):
        names["unk_token"] = tokenizer.id_to_token(_unknown_id(tokenizer))
    vocabulary = set(tokenizer.get_vocabulary())
    return {name: str(token) for name, token in names.items() if token in vocabulary}


def _unknown_id(tokenizer: Any) -> int:
    if isinstance(tokenizer, keras_hub.models.XLMRobertaTokenizer):
        return int(tokenizer.unk_token_id)
    pieces = read_model(tokenizer.proto, "the tokenizer").pieces
    return next(i for i, piece in enumerate(pieces) if piece[2] == UNKNOWN)


def _surround(
    written: Tokenizer, preprocessor: Any, architecture: Architecture, names: dict[str, str]
) -> None:
    """The start and end tokens around a text and between two."""
    adds_start = getattr(preprocessor, "add_start_token", True) and "cls_token" in names
    adds_end = getattr(preprocessor, "add_end_token", True) and "sep_token" in names
    start = [f"{names['cls_token']}:0"] if adds_start else []
    end, between = [], []
    if "sep_token" in names:
        between = [f"{names['sep_token']}:0"] * (2 if architecture.double_separator else 1)
        end = [names["sep_token"]] if adds_end else []
    second = 1 if "token_type_ids" in architecture.input_names else 0
    single = [*start, "$A:0", *(f"{token}:0" for token in end)]
    pair = [*start, "$A:0", *between, f"$B:{second}", *(f"{token}:{second}" for token in end)]
    used = {
        name: written.token_to_id(names[name])
        for name in ("cls_token", "sep_token")
        if name in names
    }
    written.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=sorted({(names[name], i) for name, i in used.items()}),
    )


def _word_piece(tokenizer: Any) -> Tokenizer:
    ids = {token: i for i, token in enumerate(tokenizer.get_vocabulary())}
    written = Tokenizer(
        models.WordPiece(
            ids,
            unk_token=tokenizer.oov_token,
            continuing_subword_prefix=tokenizer.suffix_indicator,
        )
    )
    written.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenizer.split_on_cjk,
        strip_accents=tokenizer.strip_accents,
        lowercase=tokenizer.lowercase,
    )
    written.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return written


def _byte_pair(tokenizer: Any) -> Tokenizer:
    vocabulary = {str(token): int(i) for token, i in tokenizer.vocabulary.items()}
    merges = [(left, right) for left, right in (str(m).split(" ") for m in tokenizer.merges)]
    written = Tokenizer(models.BPE(vocabulary, merges))
    written.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=tokenizer.add_prefix_space)
    return written


def _unigram(tokenizer: Any) -> Tokenizer:
    model = read_model(tokenizer.proto, "the tokenizer")
    if not model.is_unigram:
        raise ArgumentError("The SentencePiece model of the tokenizer is no unigram model.")
    entries = [(piece, score) for piece, score, _ in model.pieces]
    unknown = next(i for i, piece in enumerate(model.pieces) if piece[2] == UNKNOWN)
    if isinstance(tokenizer, keras_hub.models.XLMRobertaTokenizer):
        specials = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")]
        entries, unknown = [*specials, *entries[3:], ("<mask>", 0.0)], 3
    elif len(tokenizer.get_vocabulary()) > len(entries):
        # DeBERTa's mask, which its model lacks.
        entries.append((tokenizer.mask_token, 0.0))
    written = Tokenizer(models.Unigram(entries, unk_id=unknown, byte_fallback=False))
    controls = [piece for piece, _, kind in model.pieces if kind == CONTROL]
    written.add_special_tokens([c for c in controls if written.token_to_id(c) is not None])
    steps: list[Any] = [normalizers.Precompiled(model.charsmap)] if model.charsmap else []
    if model.options.get("remove_extra_whitespaces", True):
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    written.normalizer = normalizers.Sequence(steps)
    prefix = model.options.get("add_dummy_prefix", True)
    written.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always" if prefix else "never")
    return written


_CONVERTERS = {
    keras_hub.tokenizers.WordPieceTokenizer: _word_piece,
    keras_hub.tokenizers.BytePairTokenizer: _byte_pair,
    keras_hub.tokenizers.SentencePieceTokenizer: _unigram,
}
