"""Laws of the architectures of our own, each under every test."""

import json

import h5py
import keras
import numpy as np
import pytest
from conftest import fox_and_cat, mixed_texts, perturb

from keras_textcls import TextClassifier
from keras_textcls.models import (
    MiniEncoderBackbone,
    MiniEncoderTextClassifierPreprocessor,
    MiniEncoderTokenizer,
    StaticEmbeddingBackbone,
    StaticEmbeddingTextClassifierPreprocessor,
    StaticEmbeddingTokenizer,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *"the quick brown fox jumped over lazy dog and a small cat".split()]
TEXTS = ["the quick brown fox", "a cat", "the lazy dog jumped over the fox and the dog and a cat"]
KINDS = {
    "static": (
        lambda **k: StaticEmbeddingBackbone(len(VOCABULARY), 8, **k),
        StaticEmbeddingTokenizer,
        StaticEmbeddingTextClassifierPreprocessor,
    ),
    "mini": (
        lambda **k: MiniEncoderBackbone(
            len(VOCABULARY),
            num_heads=2,
            head_dim=4,
            hidden_dim=8,
            intermediate_dim=16,
            chunk_length=8,
            **k,
        ),
        MiniEncoderTokenizer,
        MiniEncoderTextClassifierPreprocessor,
    ),
}
every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def _classifier(kind, labels=("cat", "fox"), **kwargs):
    keras.utils.set_random_seed(0)
    build, tokenizer, preprocessor = KINDS[kind]
    return TextClassifier(
        perturb(build(**kwargs)),
        preprocessor=preprocessor(tokenizer(vocabulary=VOCABULARY), sequence_length=24),
        labels=list(labels),
    )


def _array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _inputs(ids, width):
    padded = np.zeros((len(ids), width), "int32")
    mask = np.zeros((len(ids), width), "int32")
    for row, text in enumerate(ids):
        padded[row, : len(text)], mask[row, : len(text)] = text, 1
    return {"token_ids": padded, "padding_mask": mask}


@every_kind
def test_padding_does_not_matter(kind):
    backbone = perturb(KINDS[kind][0]())
    ids = [[5, 9, 7], [6, 6, 8, 11, 15]]
    narrow, wide = (backbone(_inputs(ids, width)) for width in (5, 17))
    vector = (lambda outputs: outputs["pooled_output"]) if kind == "mini" else (lambda o: o)
    np.testing.assert_allclose(_array(vector(narrow)), _array(vector(wide)), rtol=1e-5, atol=1e-6)


@every_kind
def test_a_batch_gives_what_each_text_gives_alone(kind):
    model = _classifier(kind)
    together = model.predict(TEXTS, verbose=0)
    alone = np.concatenate([model.predict([text], verbose=0) for text in TEXTS])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-4


def test_the_static_vector_is_the_weighted_mean():
    backbone = perturb(KINDS["static"][0]())
    ids = [5, 9, 9, 7]
    table = _array(backbone.token_embedding.embeddings)[ids].astype("float64")
    weights = np.exp(_array(backbone.token_score.embeddings)[ids].astype("float64"))
    expected = (table * weights).sum(0) / weights.sum()
    found = _array(backbone(_inputs([ids], 6)))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_text_without_tokens_has_a_vector_of_zeros():
    backbone = perturb(KINDS["static"][0]())
    assert not _array(backbone(_inputs([[]], 4))).any()


def test_the_vector_of_the_mini_encoder_joins_all_layers():
    backbone = perturb(KINDS["mini"][0]())
    outputs = backbone(_inputs([[5, 9, 7, 11]], 6))
    found = _array(outputs["pooled_output"])[0]
    assert found.shape == (32,)
    states = _array(outputs["sequence_output"])[0, :4]
    np.testing.assert_allclose(found[16:24], states.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[24:], states.max(0), rtol=1e-5, atol=1e-6)
    table = _array(backbone.token_embedding.embeddings)[[5, 9, 7, 11]]
    embedded = table + _array(backbone.position_embedding.position_embeddings)[:4]
    expected = _array(backbone.embeddings_layer_norm(embedded)).mean(0)
    np.testing.assert_allclose(found[:8], expected, rtol=1e-5, atol=1e-6)


def test_a_long_text_is_read_chunk_by_chunk():
    backbone = perturb(KINDS["mini"][0]())
    ids = [5, 9, 7, 11, 6, 8, 12, 13, 14, 15, 5, 6, 7, 9, 10, 11, 8, 8, 9]
    whole = _array(backbone(_inputs([ids], 21))["sequence_output"])[0]
    for start in range(0, len(ids), 8):
        chunk = ids[start : start + 8]
        alone = _array(backbone(_inputs([chunk], len(chunk)))["sequence_output"])[0]
        np.testing.assert_allclose(whole[start : start + 8][: len(chunk)], alone, atol=1e-5)


def test_special_tokens():
    for kind, expected in (("static", 2), ("mini", 4)):
        mask = _classifier(kind).preprocessor(["a cat"])["padding_mask"]
        assert int(_array(mask).sum()) == expected, kind


@every_kind
def test_config_to_json_to_config_is_the_identity(kind):
    backbone = KINDS[kind][0](name="mine")
    config = backbone.get_config()
    again = type(backbone).from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert [w.shape for w in again.weights] == [w.shape for w in backbone.weights]


@pytest.mark.compiled
@every_kind
def test_it_learns_and_crosses_to_another_process(kind, processes, tmp_path):
    model = _classifier(kind)
    model.compile(optimizer=keras.optimizers.Adam(0.05))
    texts, names = fox_and_cat(48)
    model.fit(texts, names, epochs=8, batch_size=16, verbose=0, seed=0)
    assert model.pooling == "pooler"
    answers = [answer.label for answer in model.classify(["the small cat", "quick brown fox"])]
    assert answers == ["cat", "fox"]
    model.save_to_preset(tmp_path)
    code = (
        "import sys, json; from keras_textcls import TextClassifier;"
        "model = TextClassifier.from_preset(sys.argv[1]);"
        "print('RESULT', json.dumps(model.predict(['the small cat'], verbose=0).tolist()))"
    )
    process = processes.run(code, tmp_path)
    assert process.returncode == 0, process.stderr[-2000:]
    found = json.loads(process.stdout.split("RESULT ")[1])
    expected = model.predict(["the small cat"], verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@every_kind
def test_weights_stored_in_half_precision_are_read_back_to_float32(kind, tmp_path):
    model = _classifier(kind)
    model.save_to_preset(tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        names = []
        file.visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
        for name in names:
            values = file[name][()].astype("float16")
            del file[name]
            file.create_dataset(name, data=values)
    loaded = TextClassifier.from_preset(tmp_path, check_hashes=False)
    assert {str(w.dtype) for w in loaded.backbone.weights if "seed" not in w.path} == {"float32"}
    np.testing.assert_allclose(
        loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0), rtol=1e-2, atol=1e-2
    )


@every_kind
def test_bfloat16(kind):
    model = _classifier(kind)
    reduced = _classifier(kind, dtype="bfloat16")
    # JAX draws other initial values in bfloat16.
    reduced.set_weights(model.get_weights())
    np.testing.assert_allclose(
        reduced.predict(mixed_texts(6), verbose=0),
        model.predict(mixed_texts(6), verbose=0),
        rtol=0.1,
        atol=0.05,
    )


@every_kind
def test_enable_lora_of_keras_hub_finds_the_layers(kind):
    classifier = _classifier(kind)
    backbone = classifier.backbone
    before = backbone.count_params()
    outputs = classifier.predict(TEXTS, verbose=0)
    backbone.enable_lora(2)
    adapted = [w.path for w in backbone.trainable_weights if "lora" in w.path]
    assert len(adapted) == {"static": 2, "mini": 2 * 2}[kind]
    assert backbone.count_params() > before
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), outputs, atol=1e-6)
    classifier.fit(TEXTS, ["fox", "cat", "fox"], epochs=2, verbose=0)
    kept = _array(backbone.token_embedding._embeddings)
    np.testing.assert_array_equal(
        kept, _array(_classifier(kind).backbone.token_embedding._embeddings)
    )
    assert np.abs(classifier.predict(TEXTS, verbose=0) - outputs).max() > 0
