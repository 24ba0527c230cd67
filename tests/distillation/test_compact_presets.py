"""Smaller presets that say the same."""

import h5py
import keras_hub
import numpy as np
import pytest
from conftest import perturb

from keras_textcls import TextClassifier
from keras_textcls.distillation.compact_presets import is_latin, store_compactly, trim_vocabulary
from keras_textcls.distillation.distillation import save_backbone
from keras_textcls.models import (
    MiniEncoderBackbone,
    MiniEncoderTextClassifierPreprocessor,
    MiniEncoderTokenizer,
    StaticEmbeddingBackbone,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FOREIGN = ["[unused0]", "東", "##京", "привет", "नमस्ते"]
WORDS = [
    *"the quick brown fox jumped over lazy dog and a small cat".split(),
    "##s",
    "é",
    "€",
    "\u2019",
]
VOCABULARY = [*SPECIAL, *FOREIGN, *WORDS]


def _backbone(vocabulary_size, hidden_dim=8):
    return perturb(
        MiniEncoderBackbone(
            vocabulary_size, num_heads=2, head_dim=4, hidden_dim=hidden_dim, intermediate_dim=16
        )
    )


def _save(backbone, vocabulary, folder):
    tokenizer = MiniEncoderTokenizer(vocabulary, lowercase=True)
    save_backbone(backbone, MiniEncoderTextClassifierPreprocessor(tokenizer), folder)
    return TextClassifier.from_preset(folder, num_classes=2)


def test_what_is_latin():
    assert all(map(is_latin, SPECIAL + WORDS))
    assert not any(map(is_latin, FOREIGN))


def test_texts_without_the_trimmed_tokens_read_as_before(tmp_path):
    backbone = _backbone(len(VOCABULARY))
    trimmed, vocabulary = trim_vocabulary(backbone, VOCABULARY)
    assert vocabulary == SPECIAL + WORDS
    texts = ["the quick foxs", "a small cat € and the lazy dog"]
    before = _save(backbone, VOCABULARY, tmp_path / "before").embed(texts, verbose=0)
    after = _save(trimmed, vocabulary, tmp_path / "after").embed(texts, verbose=0)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)


def test_every_table_of_the_vocabulary_is_trimmed():
    backbone = perturb(StaticEmbeddingBackbone(len(VOCABULARY), 4))
    trimmed, vocabulary = trim_vocabulary(backbone, VOCABULARY)
    assert [w.shape[0] for w in trimmed.weights] == [len(vocabulary)] * 2


def test_compact_weights_are_close_and_small_and_keras_hub_reads_them(tmp_path):
    vocabulary = SPECIAL + [f"w{i}" for i in range(3000)]
    backbone = _backbone(len(vocabulary), hidden_dim=64)
    before = _save(backbone, vocabulary, tmp_path / "preset").embed(["w1 w2 w30"], verbose=0)
    path = tmp_path / "preset" / "model.weights.h5"
    size = path.stat().st_size
    store_compactly(path)
    assert path.stat().st_size < size / 2
    assert [p.name for p in path.parent.glob("*.compact")] == []
    loaded = keras_hub.models.Backbone.from_preset(str(tmp_path / "preset"))
    for ours, theirs in zip(loaded.weights, backbone.weights, strict=True):
        values = np.asarray(theirs.numpy() if hasattr(theirs, "numpy") else theirs)
        found = np.asarray(ours.numpy() if hasattr(ours, "numpy") else ours)
        assert found.dtype == np.float32
        step = values.std() / 10 if len(values) >= 1000 else 2**-10 * np.abs(values).max()
        assert np.abs(found - values).max() <= 0.51 * step
    after = TextClassifier.from_preset(tmp_path / "preset", num_classes=2)
    difference = after.embed(["w1 w2 w30"], verbose=0) - before
    assert np.linalg.norm(difference) <= 0.1 * np.linalg.norm(before)


def test_a_file_that_cannot_be_rewritten_stays(tmp_path):
    path = tmp_path / "model.weights.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.ones(3, "float32")
    contents = path.read_bytes()[:-40]
    path.write_bytes(contents)
    with pytest.raises(OSError):
        store_compactly(path)
    assert path.read_bytes() == contents
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.weights.h5"]
