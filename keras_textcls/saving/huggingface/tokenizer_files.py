"""Tokenizers of Hugging Face checkpoints, as Keras Hub's.

`transformers` keeps a tokenizer in `tokenizer.json`, or in the files of the
library that it came from (`vocab.txt`, `vocab.json` with `merges.txt`, a
SentencePiece model). Both are read; settings that change the tokens (lower case,
accents, spaces) are kept.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import keras_hub

from keras_textcls.errors import PresetError, shorten
from keras_textcls.models.heads import backbone_inputs, subclass_for
from keras_textcls.saving.huggingface.charsmap import compile_rules, rules_of
from keras_textcls.saving.huggingface.layout import Architecture
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.tokenization.preprocessor import TextClassifierPreprocessor
from keras_textcls.utils.sentence_piece import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    SentencePieceModel,
    read_model,
)

_SPM_FILES = ("spm.model", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
# Classes of `transformers` that take `tokenizer.json` for what it says.
_VERBATIM = ("PreTrainedTokenizerFast", "TokenizersBackend")
_FAIRSEQ = ["<s>", "<pad>", "</s>", "<unk>"]


def load_preprocessor(
    files: PresetFiles, architecture: Architecture, backbone: keras.Model
) -> keras_hub.models.TextClassifierPreprocessor:
    """Make the preprocessor of a checkpoint.

    Args:
        files: `PresetFiles`.
        architecture: `Architecture`.
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        Keras Hub's own preprocessor where it has one, else ours.

    Raises:
        PresetError: the tokenizer is missing, broken, or not of this kind.
    """
    settings = files.json("tokenizer_config.json") or {}
    contents = files.json("tokenizer.json") or {}
    kind = (contents.get("model") or {}).get("type") or _kind_of_files(files)
    name = architecture.tokenizer_class
    if kind == "Unigram" and architecture.model_type == "bert":
        # The multilingual E5 models: BERT with the vocabulary of XLM-RoBERTa.
        name = "XLMRobertaTokenizer"
    elif kind != architecture.tokenizer:
        raise PresetError(
            f"The preset {files.preset!r} has {'no tokenizer' if kind is None else f'a {kind}'} "
            f"tokenizer; {architecture.task} goes with {architecture.tokenizer} here "
            f"({_FILES[architecture.tokenizer]}). Pass preprocessor=... with one of your own, or "
            "preprocessor=None to feed token ids."
        )
    cls = getattr(keras_hub.models, name)
    try:
        tokenizer = _READERS[kind](files, settings, contents, cls)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise PresetError(
            f"The tokenizer of the preset {files.preset!r} cannot be loaded: {error} Pass "
            "preprocessor=None to feed token ids yourself."
        ) from error
    return _around(tokenizer, architecture, backbone, _sequence_length(settings, backbone))


_FILES = {
    "WordPiece": "tokenizer.json or vocab.txt",
    "BPE": "tokenizer.json, or vocab.json and merges.txt",
    "Unigram": f"tokenizer.json, or one of {', '.join(_SPM_FILES)}",
}


def _kind_of_files(files: PresetFiles) -> str | None:
    if files.path("vocab.txt") is not None:
        return "WordPiece"
    if files.path("vocab.json") is not None and files.path("merges.txt") is not None:
        return "BPE"
    return "Unigram" if any(files.path(name) is not None for name in _SPM_FILES) else None


def _around(tokenizer: Any, architecture: Architecture, backbone: Any, length: int) -> Any:
    native = subclass_for(keras_hub.models.TextClassifierPreprocessor, backbone)
    if native is not None and isinstance(tokenizer, native.tokenizer_cls):  # type: ignore[attr-defined]
        return native(tokenizer, sequence_length=length)
    # The GPT-2 of `transformers` puts nothing around a text.
    adds = architecture.model_type != "gpt2"
    return TextClassifierPreprocessor(
        tokenizer,
        sequence_length=length,
        add_start_token=adds,
        add_end_token=adds,
        features=list(backbone_inputs(backbone)),
    )


def _sequence_length(settings: dict[str, Any], backbone: Any) -> int:
    """As many tokens as the tokenizer allows, and there are positions for."""
    longest = int(backbone.max_sequence_length)
    wanted = settings.get("model_max_length")
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)) or wanted < 1:
        return longest
    return int(min(wanted, longest))


def _read_word_piece(files: Any, settings: dict[str, Any], contents: Any, cls: Any) -> Any:
    vocabulary = _by_id(contents) if contents else _lines(files, "vocab.txt")
    rules = {**settings}
    if settings.get("tokenizer_class") in _VERBATIM:
        state = contents.get("normalizer") or {}
        rules = {
            "do_lower_case": state.get("lowercase", False),
            "strip_accents": state.get("strip_accents"),
            "tokenize_chinese_chars": state.get("handle_chinese_chars", False),
        }
    lowercase = bool(rules.get("do_lower_case", True))
    accents = rules.get("strip_accents")
    chinese = rules.get("tokenize_chinese_chars", True)
    return cls(
        vocabulary,
        lowercase=lowercase,
        strip_accents=lowercase if accents is None else bool(accents),
        split_on_cjk=bool(chinese),
    )


def _read_byte_pair(files: Any, settings: dict[str, Any], contents: Any, cls: Any) -> Any:
    if contents:
        vocabulary = {token: i for i, token in enumerate(_by_id(contents))}
        merges = [m if isinstance(m, str) else " ".join(m) for m in contents["model"]["merges"]]
    else:
        vocabulary = files.json("vocab.json")
        merges = [line for line in _lines(files, "merges.txt") if not line.startswith("#version")]
    prefix = settings.get("add_prefix_space", False)
    if settings.get("tokenizer_class") in _VERBATIM:
        levels = [e for e in _walk(contents.get("pre_tokenizer")) if e.get("type") == "ByteLevel"]
        prefix = any(entry.get("add_prefix_space") for entry in levels)
    return cls(vocabulary=vocabulary, merges=merges, add_prefix_space=bool(prefix))


def _read_unigram(files: Any, settings: dict[str, Any], contents: Any, cls: Any) -> Any:
    if settings.get("split_by_punct"):
        raise PresetError(
            f"tokenizer_config.json of the preset {files.preset!r} has split_by_punct=true, which "
            "Keras Hub's tokenizer cannot do."
        )
    is_fairseq = cls is keras_hub.models.XLMRobertaTokenizer
    if contents:
        model = _from_tokenizer_json(contents, is_fairseq)
        # The class of ALBERT builds its normalizer anew, from its own settings.
        is_albert = cls is keras_hub.models.AlbertTokenizer
        if not is_albert or settings.get("tokenizer_class") in _VERBATIM:
            return cls(dataclasses.replace(model, charsmap=_charsmap(contents)).to_bytes())
    else:
        path = Path(next(p for p in map(files.path, _SPM_FILES) if p is not None))
        model = read_model(path.read_bytes(), f"{path.name} of the preset {files.preset!r}")
    normalizer = _normalizer_of_class(cls, settings, model.charsmap)
    if normalizer is not None:
        charsmap = compile_rules(rules_of(normalizer.normalize_str))
        model = dataclasses.replace(model, charsmap=charsmap)
    return cls(model.to_bytes() if contents or normalizer else path.read_bytes())


def _normalizer_of_class(cls: Any, settings: dict[str, Any], charsmap: bytes) -> Any:
    """What the tokenizer class of `transformers` does before SentencePiece, if anything."""
    from tokenizers import normalizers

    steps: list[Any] = []
    is_albert = cls is keras_hub.models.AlbertTokenizer
    if is_albert:
        steps += [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
        if not settings.get("keep_accents", False):
            steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if settings.get("do_lower_case", is_albert):
        steps.append(normalizers.Lowercase())
    if not steps:
        return None
    return normalizers.Sequence(steps + ([normalizers.Precompiled(charsmap)] if charsmap else []))


def _from_tokenizer_json(contents: dict[str, Any], is_fairseq: bool) -> SentencePieceModel:
    model = contents["model"]
    if model.get("byte_fallback"):
        raise PresetError("tokenizer.json has byte_fallback, which is not supported.")
    special = {token["content"] for token in contents.get("added_tokens", []) if token["special"]}
    entries = [(str(piece), float(score)) for piece, score in model["vocab"]]
    unknown = model["unk_id"]
    if is_fairseq:
        if [piece for piece, _ in entries[:4]] != _FAIRSEQ or entries[-1][0] != "<mask>":
            raise PresetError(
                f"tokenizer.json must begin with {_FAIRSEQ} and end with '<mask>'. Received "
                f"{shorten([piece for piece, _ in entries[:4]])} ... {shorten(entries[-1][0])}."
            )
        entries, unknown = [entries[3], entries[0], entries[2], *entries[4:-1]], 0
    pieces = [
        (piece, score, UNKNOWN if i == unknown else CONTROL if piece in special else NORMAL)
        for i, (piece, score) in enumerate(entries)
    ]
    scheme = [e.get("prepend_scheme") for e in _walk(contents.get("pre_tokenizer"))]
    options = {"add_dummy_prefix": "never" not in scheme}
    compiled = [e for e in _walk(contents.get("normalizer")) if e.get("type") == "Precompiled"]
    charsmap = base64.b64decode(compiled[0]["precompiled_charsmap"]) if compiled else b""
    return SentencePieceModel(pieces, charsmap, options=options)


def _charsmap(contents: dict[str, Any]) -> bytes:
    """The table of SentencePiece itself where nothing stands beside it, else one made for it."""
    steps = [e for e in _walk(contents.get("normalizer")) if e.get("type") != "Sequence"]
    compiled = [e for e in steps if e["type"] == "Precompiled"]
    spaces = ("Strip", "Precompiled")
    if compiled and all(e["type"] in spaces or e.get("content") == " " for e in steps):
        return base64.b64decode(compiled[0]["precompiled_charsmap"])
    from tokenizers import Tokenizer

    # Without its words, which can be a quarter of a million.
    bare = {**contents, "model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": []}
    bare.update(post_processor=None, decoder=None)
    normalizer = Tokenizer.from_str(json.dumps(bare)).normalizer
    return compile_rules(rules_of(normalizer.normalize_str if normalizer else str))


def _walk(entry: Any) -> Iterator[dict[str, Any]]:
    """A normalizer or pre-tokenizer of `tokenizer.json`, and those within it."""
    if isinstance(entry, dict):
        yield entry
        for key in ("normalizers", "pretokenizers"):
            for child in entry.get(key) or []:
                yield from _walk(child)


def _by_id(contents: dict[str, Any]) -> list[str]:
    """Tokens of `tokenizer.json` by id, those included that were added later."""
    ids = {int(i): str(token) for token, i in contents["model"]["vocab"].items()}
    for token in contents.get("added_tokens", []):
        ids.setdefault(int(token["id"]), str(token["content"]))
    gap = next((i for i in range(len(ids)) if i not in ids), None)
    if gap is not None:
        raise PresetError(f"tokenizer.json has no token with the id {gap}.")
    return [ids[i] for i in range(len(ids))]


def _lines(files: PresetFiles, name: str) -> list[str]:
    path = files.path(name)
    if path is None:
        raise PresetError(f"The preset {files.preset!r} has no {name}.")
    return [line.rstrip("\r\n") for line in Path(path).read_text(encoding="utf-8").split("\n")][:-1]


_READERS = {"WordPiece": _read_word_piece, "BPE": _read_byte_pair, "Unigram": _read_unigram}
