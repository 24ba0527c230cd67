"""Static models of other projects, made with their own packages: the same vectors and answers."""

import itertools
import json
import shutil

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from keras_textcls import ArgumentError, PresetError, TextClassifier

model2vec = pytest.importorskip("model2vec", reason="the oracle of its own folders")

TEXTS = [
    "The quick brown fox jumped over the lazy dog", "a small cat, a SMALL dog!", "Zebra", "",
    "unheard-of wörds: naïve café 中文", " ".join(["quick fox"] * 30), "the [UNK] fox",
]  # fmt: skip
WORDS = ["[PAD]", "[UNK]", *"the quick brown fox jump ##ed over lazy dog a small cat , ! caf ##e"
         .split(), "naive", "[MASK]"]  # fmt: skip


def _word_piece():
    pieces = models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]")
    made = Tokenizer(pieces)
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def _unigram():
    pieces = [("<unk>", 0.0), ("▁the", -1.0), ("▁quick", -2.0), ("▁", -3.0)]
    pieces += [(letter, -4.0 - i / 10) for i, letter in enumerate("abcdefghijklmnopqrstuvw")]
    made = Tokenizer(models.Unigram(pieces, unk_id=0))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return made


def _byte_pair():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=280, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(TEXTS[:2], trainer)
    return made


def _vectors(tokenizer, dtype="float32", rows=None):
    rng = np.random.default_rng(0)
    rows = tokenizer.get_vocab_size() if rows is None else rows
    if dtype == "int8":
        return rng.integers(-127, 128, (rows, 6)).astype("int8")
    return rng.normal(0, 0.5, (rows, 6)).astype(dtype)


def _reduced(tokenizer, dtype):
    """A vocabulary of which several tokens share a vector."""
    rng, size = np.random.default_rng(1), tokenizer.get_vocab_size()
    weights = rng.uniform(0.1, 2, size).astype("float32")
    return _vectors(tokenizer, dtype, 5), rng.integers(0, 5, size), weights


CASES = {
    "words": (_word_piece, "float32", False, False),
    "half": (_word_piece, "float16", False, False),
    "whole numbers": (_word_piece, "int8", False, True),
    "shared vectors": (_unigram, "int8", True, True),
    "pieces": (_unigram, "float32", False, False),
    "shared halves": (_unigram, "float16", True, False),
    "bytes": (_byte_pair, "float32", False, True),
}


@pytest.mark.parametrize("name", CASES)
def test_the_vectors_of_model2vec(name, tmp_path):
    make, dtype, is_reduced, normalize = CASES[name]
    tokenizer = make()
    vectors, mapping, weights = _vectors(tokenizer, dtype), None, None
    if is_reduced:
        vectors, mapping, weights = _reduced(tokenizer, dtype)
    arguments = dict(normalize=normalize, weights=weights, token_mapping=mapping)
    theirs = model2vec.StaticModel(vectors, tokenizer, **arguments)
    theirs.save_pretrained(tmp_path / "theirs")
    if dtype == "float16":  # They sum in 16 bits.
        theirs = model2vec.StaticModel(vectors.astype("float32"), tokenizer, **arguments)
    ours = TextClassifier.from_preset(tmp_path / "theirs", labels=["a", "b"])
    scale = 127 if dtype == "int8" and not normalize else 1
    expected = theirs.encode(TEXTS)
    np.testing.assert_allclose(ours.embed(TEXTS, verbose=0) / scale, expected / scale, atol=1e-5)
    ours.save_to_preset(tmp_path / "ours")
    again = TextClassifier.from_preset(tmp_path / "ours")
    np.testing.assert_allclose(again.embed(TEXTS, verbose=0) / scale, expected / scale, atol=1e-5)
    np.testing.assert_allclose(
        again.predict(TEXTS, verbose=0), ours.predict(TEXTS, verbose=0), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_the_answers_of_a_classifier_of_model2vec(multi_label, count, tmp_path):
    from model2vec.inference import StaticModelPipeline
    from model2vec.inference.mlp import Activation, Layer, MLPHead

    rng, tokenizer = np.random.default_rng(2), _word_piece()
    sizes = [6, 3] if count == 1 else [6, 8, 3]
    layers = [
        Layer(rng.normal(0, 1, (out, into)).astype("float32"), rng.normal(0, 1, out))
        for into, out in itertools.pairwise(sizes)
    ]
    activation = Activation.SIGMOID if multi_label else Activation.SOFTMAX
    head = MLPHead(layers, activation, np.array(["x", "y", ".."]))
    theirs = StaticModelPipeline(model2vec.StaticModel(_vectors(tokenizer), tokenizer), head)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = TextClassifier.from_preset(tmp_path / "theirs")
    assert ours.labels == ["x", "y", ".."] and ours.multi_label is multi_label
    expected = theirs.predict_proba(TEXTS)
    np.testing.assert_allclose(ours.predict_proba(TEXTS), expected, atol=1e-5)
    ours.save_to_preset(tmp_path / "ours")
    again = TextClassifier.from_preset(tmp_path / "ours")
    np.testing.assert_allclose(again.predict_proba(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize(("make", "normalize"), [(_word_piece, False), (_unigram, True)])
def test_the_vectors_of_sentence_transformers(make, normalize, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="the oracle")
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    tokenizer = make()
    modules = [StaticEmbedding(tokenizer, embedding_weights=_vectors(tokenizer))]
    modules += [Normalize()] if normalize else []
    theirs = sentence_transformers.SentenceTransformer(modules=modules, device="cpu")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    ours = TextClassifier.from_preset(tmp_path / "theirs", labels=["a", "b"])
    expected = theirs.encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(ours.embed(TEXTS, verbose=0), expected, atol=1e-5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("static") / "theirs"
    tokenizer = _unigram()
    vectors, mapping, weights = _reduced(tokenizer, "float32")
    model = model2vec.StaticModel(vectors, tokenizer, token_mapping=mapping, weights=weights)
    model.save_pretrained(directory)
    return directory


def test_a_folder_without_a_head_asks_for_labels(folder):
    with pytest.raises(ArgumentError, match=r"holds no classification head. Pass labels=\[...\]"):
        TextClassifier.from_preset(folder)


def _change(**tensors):
    def change(directory):
        path = directory / "model.safetensors"
        kept = {n: v for n, v in {**load_file(path), **tensors}.items() if v is not None}
        save_file(kept, path)

    return change


def _set(name, **changes):
    def change(directory):
        path = directory / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change(mapping=np.array([7] * 27)), "names rows that `embeddings` does not have"),
        (_change(mapping=np.array([-1] * 27)), "names rows that `embeddings` does not have"),
        (_change(mapping=np.zeros((2, 2), "int64")), "no vector of numbers of rows as `mapping`"),
        (_change(mapping=np.zeros(9, "int64"), weights=None), "27 tokens, where there are vectors"),
        (_change(weights=np.ones(3, "float32")), r"`weights` of shape \(3,\) for 27 tokens"),
        (_change(embeddings=np.ones(27, "float32")), "has vectors of shape"),
        (_change(embeddings=np.full((5, 6), np.nan, "float32")), "holds NaN or infinity"),
        (_set("config.json", max_length=0), "max_length=0"),
        (_set("config.json", max_length="long"), "max_length='long'"),
        (_set("config.json", normalize="yes"), "normalize='yes'"),
        (_set("tokenizer.json", model={"type": "Unigram"}), "tokenizer.json is broken"),
        (_set("tokenizer.json", model=3), "tokenizer.json is broken"),
    ],
)
def test_a_damaged_folder(change, message, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    change(copy)
    with pytest.raises(PresetError, match=message):
        TextClassifier.from_preset(copy, labels=["a", "b"])


def test_the_tokenizer_is_its_config_and_its_file(tmp_path):
    from keras_textcls.models import JsonTokenizer

    tokenizer = JsonTokenizer(_unigram().to_str(), skips_unknown=True)
    tokenizer.save_to_preset(str(tmp_path))
    same = JsonTokenizer.from_config(tokenizer.get_config())
    with pytest.raises(PresetError, match="no vocabulary"):
        same.vocabulary_size()
    same.load_preset_assets(str(tmp_path))
    assert same.get_vocabulary() == tokenizer.get_vocabulary()
    ids = keras.ops.convert_to_numpy(same(TEXTS[1])).tolist()
    assert ids == [i for i in _unigram().encode(TEXTS[1]).ids if i != 0]
    assert same.token_to_id("▁the") == 1
