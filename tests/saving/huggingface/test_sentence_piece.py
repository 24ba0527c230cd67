"""SentencePiece models written by hand, read by `sentencepiece` itself and by `transformers`."""

import json
import unicodedata

import numpy as np
import pytest
import sentencepiece
import transformers
from architectures import vocabularies
from conftest import budget, long_but
from hypothesis import given, settings
from hypothesis import strategies as st

from huggingface.checkpoints import load, logits, save_checkpoint, texts
from keras_textcls import PresetError
from keras_textcls.saving.huggingface.charsmap import compile_rules, rules_of
from keras_textcls.utils.sentence_piece import UNKNOWN, SentencePieceModel, read_model

ALBERT = dict(pad="<pad>", order=("pad", "unk"), controls=("[CLS]", "[SEP]", "[MASK]"))
NASTY = ["The QUICK Fox", "É é e\u0301 Ünï", "``quoted''", "tab\there\nline", "  many   spaces ",
         "ﬁne ½ Ⅷ", "ß İ ς", "中 한글 Ω", "a\u00a0b", "nul\u0007bell"]  # fmt: skip


def _processor(proto):
    return sentencepiece.SentencePieceProcessor(model_proto=proto)


def test_a_model_survives_a_round_trip():
    proto = vocabularies.sentence_piece(**ALBERT)
    model = read_model(proto, "it")
    assert [piece for piece, _, _ in model.pieces][:3] == ["<pad>", "<unk>", "[CLS]"]
    again = read_model(model.to_bytes(), "it")
    assert again == model
    before, after = _processor(proto), _processor(model.to_bytes())
    for text in [*texts(), *NASTY]:
        assert before.encode(text) == after.encode(text)
        assert before.normalize(text) == after.normalize(text)


@pytest.mark.parametrize("proto", [b"", b"not a model", b"\x0a\xff\xff\xff\x0f", b"\x0f"])
def test_no_model(proto):
    with pytest.raises(PresetError, match="it is no SentencePiece model"):
        read_model(proto, "it")


def _compiled(rules):
    pieces = [("<unk>", 0.0, UNKNOWN), ("▁", -1.0, 1)]
    options = dict.fromkeys(("add_dummy_prefix", "remove_extra_whitespaces"), False)
    options["escape_whitespaces"] = False
    model = SentencePieceModel(pieces, compile_rules(rules), options=options)
    return _processor(model.to_bytes())


def _longest_first(rules, text):
    result, position = "", 0
    while position < len(text):
        ends = range(len(text), position, -1)
        end = next((e for e in ends if text[position:e] in rules), None)
        result += text[position] if end is None else rules[text[position:end]]
        position = position + 1 if end is None else end
    return result


_ALPHABET = st.text(alphabet="abcéßﬁ中\U0001d518", min_size=1, max_size=4)


@settings(max_examples=budget(100, 20), deadline=None)
@given(st.dictionaries(_ALPHABET, st.text(alphabet="xyzé中", max_size=3), min_size=1), _ALPHABET)
def test_compiled_rules_replace_the_longest_match(rules, text):
    text = text * 2
    assert _compiled(rules).normalize(text) == _longest_first(rules, text)


def test_a_rule_may_keep_what_it_matches():
    """SentencePiece itself refuses such rules; without them a shorter match would win."""
    rules = {"ab": "ab", "cé": "cé", "bc": "bc", "a": "x", "c": "\x01\x01", "中": "ab"}
    assert _compiled(rules).normalize("ababacébc中c") == "ababxcébcab\x01\x01"


def test_the_rules_of_a_normalizer_do_what_it_does():
    def normalize(text):
        bare = unicodedata.normalize("NFKD", text.replace("``", '"').replace("''", '"'))
        kept = "".join(char for char in bare if unicodedata.category(char) != "Mn")
        return unicodedata.normalize("NFKC", kept.lower())

    rules = rules_of(normalize)
    compiled = _compiled(rules)
    for source, target in rules.items():
        assert compiled.normalize(source) == target
    for text in NASTY:
        expected = "".join(" " if char.isspace() else char for char in normalize(text))
        assert compiled.normalize(text) == expected


@pytest.mark.parametrize(
    "options", long_but([{}], [{}, {"do_lower_case": False}, {"keep_accents": True}])
)
@pytest.mark.parametrize("source", ["tokenizer.json", "spiece.model"])
def test_albert_lowers_and_strips_as_its_settings_say(options, source, tmp_path):
    """Keras Hub's tokenizer alone would leave capitals and accents as they are."""
    model, _ = save_checkpoint("Albert", tmp_path)
    if source == "spiece.model":
        (tmp_path / "tokenizer.json").unlink()
        (tmp_path / "spiece.model").write_bytes(vocabularies.sentence_piece(**ALBERT))
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **options}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    classifier = load(tmp_path)
    inputs = ["The QUICK Fox", "É é ü", "it's ``fun''", "tab\there"]
    expected = logits(model, tokenizer, inputs)
    np.testing.assert_allclose(classifier.predict(inputs, verbose=0), expected, atol=1e-4)
