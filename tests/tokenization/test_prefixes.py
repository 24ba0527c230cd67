"""Long texts cut before they are tokenized: the tokens are those of the whole text."""

import json

import keras_hub
import numpy as np
import pytest
import tokenizers
from architectures import architecture, vocabularies
from conftest import budget, make_preprocessor
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import SENTENCES, many_texts
from tokenizers import models, normalizers, pre_tokenizers

from keras_textcls.models import JsonTokenizer
from keras_textcls.tokenization import fast_tokenization
from keras_textcls.tokenization.fast_tokenization import fast_tokenizer
from keras_textcls.tokenization.json_tokens import cuts_at_spaces
from keras_textcls.tokenization.prefixes import first_ids
from keras_textcls.tokenization.text_encoder import TextEncoder

SPACES = [" ", "  ", "\n", "\t", "\x00", "\u00a0", "\u2009", "\u3000"]
UNSEEN = ["\u200b", "\u200d", "\u2060", "\ufeff", "\u3164"]
COMBINING = ["\u0301", "\u0327", "e\u0301", "\u0d4e", "\u1100\u1161", "\U0001f469\u200d\U0001f467"]
CHANGED = ["\u212b", "\u00df", "\u0130", "\ufb01", "\ufdfa", "\uf900"]
UNSPACED = ["\u4e2d", "\u4e2d\u6587", "\u3002", "\u0e44\u0e21\u0e48"]
SPECIAL = ["[MASK]", "[MA", "SK]", "<s>", "</s>", "<mask>", "\u2581", "\u096c", "\u0134", "\u0134A"]
WORDS = ["'s", "'", "a", "fox", "the ", " lazy dog", "12", "X", "!", "..."]
LONG = ["x" * 120, " " * 60, "\u4e2d" * 90]
ODD = [*SPACES, *UNSEEN, *COMBINING, *CHANGED, *UNSPACED, *SPECIAL, *WORDS, *LONG]
TEXTS = st.lists(st.sampled_from(ODD), max_size=40).map("".join)


def _word_pieces(**settings):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*vocabularies.wordpiece(special), "\u4e2d", "##\u0301", "\u00e9", "ss"]
    return keras_hub.models.BertTokenizer(vocabulary=vocabulary, **settings)


def _json(model, normalizer, pre_tokenizer, skips_unknown=False):
    made = tokenizers.Tokenizer(model)
    made.normalizer, made.pre_tokenizer = normalizer, pre_tokenizer
    made.add_special_tokens(["<s>", "[MASK]"])
    return JsonTokenizer(made.to_str(), skips_unknown)


def _unigrams():
    parts = sorted(
        {c for text in [*SENTENCES, *ODD] for c in text} | {"\u2581the", "\u2581fox", "og"}
    )
    return models.Unigram([("<unk>", 0.0), *((p, -float(i % 7)) for i, p in enumerate(parts))], 0)


def _words():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {token: i for i, token in enumerate(vocabularies.wordpiece(special))}
    return models.WordPiece(vocabulary, unk_token="[UNK]")


MAKERS = {
    "word pieces": _word_pieces,
    "word pieces, cased": lambda: _word_pieces(lowercase=False, strip_accents=False),
    "word pieces, accents": lambda: _word_pieces(strip_accents=True),
    "word pieces, special": lambda: _word_pieces(special_tokens_in_strings=True),
    "byte pairs": lambda: architecture("RobertaBackbone").build_tokenizer(),
    "ALBERT": lambda: architecture("AlbertBackbone").build_tokenizer(),
    "XLM-R": lambda: architecture("XLMRobertaBackbone").build_tokenizer(),
    "Llama": lambda: architecture("LlamaBackbone").build_tokenizer(),
    "JSON, word pieces": lambda: _json(
        _words(), normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), True
    ),
    "JSON, unigrams": lambda: _json(
        _unigrams(),
        normalizers.Sequence([normalizers.NFKC(), TWO_SPACES]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
    ),
    "JSON, unigrams over spaces": lambda: _json(
        _unigrams(), None, pre_tokenizers.Metaspace(split=False)
    ),
}
TWO_SPACES = normalizers.Replace(tokenizers.Regex(" {2,}"), " ")
NOT_CUT = ("JSON, unigrams over spaces",)


@pytest.fixture(scope="module", params=list(MAKERS))
def tokenize(request):
    tokenize = fast_tokenizer(MAKERS[request.param]())
    assert not isinstance(tokenize, fast_tokenization.GraphTokenizer)
    return tokenize


def _assert_same(tokenize, texts, needed):
    flat, counts = first_ids(tokenize, texts, needed)
    whole, whole_counts = tokenize(texts)
    np.testing.assert_array_equal(np.minimum(counts, needed), np.minimum(whole_counts, needed))
    parts = (np.split(a, np.cumsum(n))[:-1] for a, n in ((flat, counts), (whole, whole_counts)))
    for text, found, expected in zip(texts, *parts, strict=True):
        assert found[:needed].tolist() == expected[:needed].tolist(), text
    return int(counts.sum())


@settings(max_examples=budget(3000, 60), deadline=None)
@given(texts=st.lists(TEXTS, max_size=4), needed=st.integers(1, 12))
def test_the_tokens_are_those_of_the_whole_text(tokenize, texts, needed):
    _assert_same(tokenize, texts, needed)


def test_mixtures_of_many_scripts(tokenize):
    rng = np.random.default_rng(0)
    texts = many_texts(300)
    texts += ["".join(rng.choice([*ODD, *SENTENCES, " "], 30)) for _ in range(200)]
    for needed in (1, 5, 20):
        _assert_same(tokenize, texts, needed)


def test_a_long_text_is_cut(tokenize, request):
    texts = ["the quick brown fox, jumped over the lazy dog. " * 400, "a fox"]
    tokens = _assert_same(tokenize, texts, 16)
    if request.node.callspec.params["tokenize"] in NOT_CUT:
        assert tokens > 2000
    else:
        assert tokens < 200


def test_a_byte_pair_or_a_piece_over_a_space_is_not_cut():
    contents = json.loads(MAKERS["JSON, unigrams"]().contents)
    assert cuts_at_spaces(contents)
    added = {"added_tokens": [{"content": "New York"}]}
    for change in (
        added,
        {"pre_tokenizer": None},
        {"pre_tokenizer": {"type": "UnicodeScripts"}},
        {"normalizer": {"type": "Replace", "pattern": {"String": "a b"}, "content": ""}},
    ):
        assert not cuts_at_spaces(contents | change)


@pytest.mark.parametrize("name", ["BertBackbone", "RobertaBackbone", "AlbertBackbone"])
def test_features_of_long_texts_and_pairs(name, monkeypatch):
    texts = ["the quick brown fox " * 300, "x" * 5000 + " the end", "a\u0301 " * 900, "a fox"]
    columns = [(texts,), (texts, texts[::-1]), (texts[:1], texts[3:])]
    preprocessor = make_preprocessor(name, sequence_length=24)
    found = [TextEncoder(preprocessor).encode(c) for c in columns]
    for module in ("text_encoder", "stand_in"):
        uncut = lambda tokenize, texts, needed: tokenize(texts)  # noqa: E731
        monkeypatch.setattr(f"keras_textcls.tokenization.{module}.first_ids", uncut)
    for ours, theirs in zip(
        found, [TextEncoder(preprocessor).encode(c) for c in columns], strict=True
    ):
        np.testing.assert_array_equal(ours.lengths, theirs.lengths)
        for part, values in theirs.flat.items():
            np.testing.assert_array_equal(ours.flat[part], values)
