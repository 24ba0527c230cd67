"""Logits, labels and tokens are those of `transformers`, for every architecture."""

import json

import keras
import numpy as np
import pytest
from conftest import long_but

from huggingface.checkpoints import LABELS, NAMES, load, logits, save_checkpoint, texts
from keras_textcls import ArgumentError
from keras_textcls.saving.huggingface import changed_gelu, set_gelu

TEXTS = texts()
# An encoder and a decoder.
ONE_A_KIND = ["Bert", "GPT2"]


def _edit(path, **changes):
    contents = json.loads(path.read_text())
    contents.update(changes)
    path.write_text(json.dumps(contents))


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NAMES))
def test_logits_are_those_of_transformers(name, saved, tmp_path):
    folder, model, tokenizer = saved(name)
    classifier = load(folder)
    expected = logits(model, tokenizer, TEXTS)
    assert np.abs(expected).max() > 0.3
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), expected, atol=1e-4)
    assert classifier.labels == LABELS
    assert not classifier.multi_label
    # The preset that is saved answers the same, as Keras Hub's class where it has the head.
    classifier.save_to_preset(tmp_path / "p")
    again = load(tmp_path / "p")
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), expected, atol=1e-4)
    task = json.loads((tmp_path / "p" / "task.json").read_text())
    is_native = task["registered_name"].startswith("keras_hub>")
    assert is_native == (name not in ("Electra", "GPT2"))


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NAMES))
def test_tokens_are_those_of_transformers(name, saved):
    folder, _, tokenizer = saved(name)
    preprocessor = load(folder, load_weights=False).preprocessor
    assert preprocessor.sequence_length == 32
    for text in TEXTS:
        expected = tokenizer(text, truncation=True)["input_ids"]
        features = preprocessor([text])
        features = features[0] if isinstance(features, tuple) else features
        ids, mask = (
            keras.ops.convert_to_numpy(features[key])[0] for key in ("token_ids", "padding_mask")
        )
        assert ids[mask.astype(bool)].tolist() == expected, text


@pytest.mark.parametrize("name", long_but(["Bert"], ["Bert", "Roberta", "DebertaV2", "Electra"]))
def test_text_pairs(name, saved):
    folder, model, tokenizer = saved(name)
    first, second = ["the film", "was bad and boring"], ["good fun", "hate"]
    expected = logits(model, tokenizer, list(zip(first, second, strict=True)))
    found = load(folder).predict((first, second), verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["Bert", "GPT2"])
def test_multi_label(name, tmp_path):
    model, tokenizer = save_checkpoint(name, tmp_path, problem_type="multi_label_classification")
    classifier = load(tmp_path)
    assert classifier.multi_label
    expected = 1 / (1 + np.exp(-logits(model, tokenizer, TEXTS)))
    np.testing.assert_allclose(classifier.predict_proba(TEXTS, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("options", [
    dict(do_lower_case=True),
    dict(do_lower_case=False),
    dict(do_lower_case=True, strip_accents=False),
    dict(do_lower_case=False, strip_accents=True, tokenize_chinese_chars=False),
])  # fmt: skip
@pytest.mark.parametrize("source", ["tokenizer.json", "vocab.txt"])
def test_settings_of_word_piece(options, source, tmp_path):
    import transformers

    _, tokenizer = save_checkpoint("Bert", tmp_path, tokenizer_options=options)
    if source == "vocab.txt":
        (tmp_path / "tokenizer.json").unlink()
        vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
        (tmp_path / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
        tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    tokens = load(tmp_path, load_weights=False).preprocessor.tokenizer
    for text in ["The FILM", "é É fée", "中文 good", "tab\there\nline"]:
        expected = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert list(np.asarray(tokens(text))) == expected, (text, options)


def test_labels_give_a_new_head(saved):
    folder, _, _ = saved("Roberta")
    fresh = load(folder, labels=["x", "y"])
    assert fresh.labels == ["x", "y"]
    assert (fresh.pooling, fresh.hidden_dim) == ("cls", 24)
    kept = load(folder)
    np.testing.assert_array_equal(fresh.backbone.get_weights()[0], kept.backbone.get_weights()[0])
    with pytest.raises(ArgumentError, match="has pooling='cls'. Received: pooling='mean'"):
        load(folder, pooling="mean")


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NAMES))
def test_a_checkpoint_without_a_head_is_a_backbone(name, saved, tmp_path):
    folder, model, tokenizer = saved(name)
    base = model.base_model
    base.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = load(tmp_path, num_classes=2)
    whole = load(folder)
    # ELECTRA has no pooler there; Keras Hub's stays as it was made.
    count = len(whole.backbone.weights) - 2 * (name == "Electra")
    for one, other in zip(loaded.backbone.weights[:count], whole.backbone.weights, strict=False):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))
    with pytest.raises(ArgumentError, match="holds no classification head"):
        load(tmp_path)


def test_default_label_names_are_kept(copied):
    folder = copied()
    _edit(folder / "config.json", id2label={str(i): f"LABEL_{i}" for i in range(3)})
    assert load(folder).labels == ["LABEL_0", "LABEL_1", "LABEL_2"]


def test_labels_are_ordered_by_id(copied):
    folder = copied()
    _edit(folder / "config.json", id2label={"2": "c", "0": "z", "1": "b"})
    assert load(folder, load_weights=False).labels == ["z", "b", "c"]


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision(kind, copied):
    import torch
    from safetensors.torch import load_file, save_file

    folder = copied("DistilBert")
    exact = load(folder).predict(TEXTS, verbose=0)
    tensors = load_file(folder / "model.safetensors")
    halves = {name: t.to(getattr(torch, kind)) for name, t in tensors.items()}
    save_file(halves, folder / "model.safetensors")
    found = load(folder).predict(TEXTS, verbose=0)
    assert 0 < np.abs(found - exact).max() < 0.05


def test_shards(copied):
    from safetensors.numpy import load_file, save_file

    folder = copied()
    expected = load(folder).predict(TEXTS, verbose=0)
    tensors = load_file(folder / "model.safetensors")
    names = {name: f"model-{i % 2 + 1}-of-2.safetensors" for i, name in enumerate(tensors)}
    for shard in set(names.values()):
        save_file({n: t for n, t in tensors.items() if names[n] == shard}, folder / shard)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    found = load(folder).predict(TEXTS, verbose=0)
    np.testing.assert_array_equal(found, expected)


def test_the_exact_gelu_is_remembered(tmp_path):
    """Weights large enough to tell the two apart."""
    model, tokenizer = save_checkpoint("Bert", tmp_path / "hf", scale=0.4)
    expected = logits(model, tokenizer, TEXTS)
    classifier = load(tmp_path / "hf")
    assert changed_gelu(classifier.backbone) == "exact"
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), expected, atol=1e-4)
    classifier.save_to_preset(tmp_path / "p")
    classifier.save(tmp_path / "whole.keras")
    fresh = load(tmp_path / "p", labels=["x", "y"])
    assert changed_gelu(fresh.backbone) == "exact"
    for again in (
        load(tmp_path / "p"),
        keras.models.load_model(tmp_path / "whole.keras", compile=False),
    ):
        assert changed_gelu(again.backbone) == "exact"
        np.testing.assert_allclose(again.predict(TEXTS, verbose=0), expected, atol=1e-4)
    set_gelu(fresh.backbone, "tanh")
    assert changed_gelu(fresh.backbone) is None
    native = classifier.to_keras_hub().from_preset(str(tmp_path / "p"))
    difference = np.abs(native.predict(np.array(TEXTS), verbose=0) - expected).max()
    assert 1e-4 < difference < 0.1


def test_the_other_gelu(tmp_path):
    model, tokenizer = save_checkpoint("Roberta", tmp_path, scale=0.4, hidden_act="gelu_new")
    classifier = load(tmp_path)
    assert changed_gelu(classifier.backbone) == "tanh"
    expected = logits(model, tokenizer, TEXTS)
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), expected, atol=1e-4)


def test_a_handle(saved, monkeypatch):
    """With the client's downloads replaced by a folder on this machine."""
    from huggingface_hub.utils import EntryNotFoundError
    from keras_hub.src.utils import preset_utils

    folder, model, tokenizer = saved("DistilBert")

    def hf_hub_download(repo_id, filename):
        if not (folder / filename).exists():
            raise EntryNotFoundError.__new__(EntryNotFoundError)
        return str(folder / filename)

    monkeypatch.setattr(preset_utils.huggingface_hub, "hf_hub_download", hf_hub_download)
    found = load("hf://someone/mood").predict(TEXTS[:3], verbose=0)
    np.testing.assert_allclose(found, logits(model, tokenizer, TEXTS[:3]), atol=1e-4)
