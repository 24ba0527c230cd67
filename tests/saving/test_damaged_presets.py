"""Damaged presets: they answer as before, or are a `PresetError` at load; never anything else."""

import json
import os
import random
import shutil

import h5py
import numpy as np
import pytest
from conftest import budget, make_classifier, mixed_texts
from safetensors.numpy import load_file, save_file

from keras_textcls import ArgumentError, PresetError, TextClassifier
from keras_textcls.catalogue import bundled_directory

TEXTS = mixed_texts(3)
VALUES = [
    None, True, -1, 0, 1, 2**31, 10**12, 10**400, 1e308, "", "x", "..", [], {}, [1], {"a": 1},
    "float16", "int32", -0.5, "relu", {"class_name": "x"},
]  # fmt: skip


def _without_hashes(directory):
    for name in ("metadata.json", "adapter.json"):
        if (directory / name).exists():
            _edit(directory / name, lambda contents: contents.pop("sha256"))


def _edit(path, change):
    contents = json.loads(path.read_text())
    change(contents)
    path.write_text(json.dumps(contents))


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """One preset of each kind, without hashes, and what it answers."""
    root = tmp_path_factory.mktemp("kinds")
    # More than one array of some shapes, and more than one layer.
    make_classifier(num_layers=2).save_to_preset(root / "native")
    make_classifier(pooling="mean", hidden_dim=7).save_to_preset(root / "own")
    make_classifier().save_to_huggingface(root / "huggingface")
    adapted = TextClassifier.from_preset(root / "native")
    adapted.add_lora(rank=2)
    adapted.save_to_preset(root / "adapter", adapter_only=True)
    directories = [root / name for name in ("native", "own", "huggingface", "adapter")]
    for directory in directories:
        _without_hashes(directory)
    return {d: TextClassifier.from_preset(d).predict_proba(TEXTS) for d in directories}


@pytest.fixture
def native(kinds, tmp_path):
    return shutil.copytree(next(iter(kinds)), tmp_path / "preset")


def _places(contents, at=()):
    items = contents.items() if isinstance(contents, dict) else enumerate(contents)
    for key, value in items:
        yield (*at, key)
        if isinstance(value, (dict, list)):
            yield from _places(value, (*at, key))


def _damage(path, rng):
    whole = path.read_bytes()
    if path.suffix == ".json" and rng.random() < 0.8:
        contents = json.loads(whole)
        *way, last = rng.choice(list(_places(contents)))
        owner = contents
        for key in way:
            owner = owner[key]
        if rng.random() < 0.2:
            del owner[last]
        else:
            owner[last] = rng.choice(VALUES)
        path.write_text(json.dumps(contents))
    elif rng.random() < 0.4:
        path.write_bytes(whole[: rng.randrange(len(whole))])
    else:
        # The headers come first; numbers that were changed are no damage that shows.
        changed = bytearray(whole)
        for _ in range(20):
            changed[rng.randrange(min(len(whole), 2048))] = rng.randrange(256)
        path.write_bytes(bytes(changed))


def test_damage_is_a_preset_error_or_harmless(kinds, tmp_path):
    rng = random.Random(7)
    outcomes = []
    for directory, expected in kinds.items():
        for number in range(budget(200, 12)):
            copy = shutil.copytree(directory, tmp_path / f"{directory.name}{number}")
            files = [p for p in sorted(copy.rglob("*")) if p.is_file() and p.stat().st_size]
            path = rng.choice([p for p in files if p.suffix in (".json", ".h5", ".safetensors")])
            _damage(path, rng)
            try:
                answers = TextClassifier.from_preset(copy).predict_proba(TEXTS)
            except PresetError:
                outcomes.append("refused")
            except ArgumentError as error:
                # What said that there is a head is gone.
                assert "head" in str(error)
                outcomes.append("refused")
            else:
                # Names, thresholds and temperature may be edited; numbers of weights have no sign.
                assert np.isfinite(answers).all() and answers.shape[0] == expected.shape[0]
                outcomes.append("loaded")
            shutil.rmtree(copy)
    assert outcomes.count("refused") > len(outcomes) / 4


def _refused(preset, *parts):
    with pytest.raises(PresetError) as raised:
        TextClassifier.from_preset(preset)
    for part in parts:
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vocabulary_size", 10**12), ("hidden_dim", 4 * 10**9), ("intermediate_dim", 10**12),
        ("max_sequence_length", 10**13), ("num_layers", 10**9), ("num_layers", 2000),
        ("num_segments", 10**12),
    ],
)  # fmt: skip
def test_sizes_are_compared_with_the_weights_before_anything_is_allocated(name, value, native):
    _edit(native / "config.json", lambda c: c["config"].update({name: value}))
    _refused(native, "config.json" if name == "num_layers" else "it asks for")


@pytest.mark.parametrize("name", ["vocab_size", "intermediate_size", "num_hidden_layers"])
def test_sizes_of_a_checkpoint_are_compared_with_its_weights(name, kinds, tmp_path):
    folder = shutil.copytree(list(kinds)[2], tmp_path / "checkpoint")
    _edit(folder / "config.json", lambda c: c.update({name: 10**9}))
    _refused(folder, "checkpoint" if name == "num_hidden_layers" else "it asks for")


@pytest.mark.parametrize("layers", [0, 1])
def test_weights_that_are_left_over(layers, native):
    _edit(native / "config.json", lambda c: c["config"].update(num_layers=layers))
    _refused(native, "holds", "arrays that its model has no place for")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["model.weights.h5", "task.weights.h5"])
def test_weights_that_are_no_numbers(name, value, native):
    def spoil(_, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.ndim == 2:
            item[0, 0] = value

    with h5py.File(native / name, "r+") as file:
        file.visititems(spoil)
    _refused(native, "holds NaN or infinity")


def test_adapters_that_are_no_numbers(kinds, tmp_path):
    adapter = shutil.copytree(list(kinds)[3], tmp_path / "adapter")
    tensors = load_file(adapter / "adapter.safetensors")
    name = next(iter(tensors))
    save_file({**tensors, name: tensors[name] * np.nan}, adapter / "adapter.safetensors")
    _refused(adapter, "holds NaN or infinity")


def test_links_within_a_weights_file(native):
    with h5py.File(native / "model.weights.h5", "r+") as file:
        file["layers/round"] = file["layers"]
    _refused(native, "model.weights.h5", "in two places")
    with h5py.File(native / "task.weights.h5", "r+") as file:
        file["soft"] = h5py.SoftLink("/soft")
    (native / "model.weights.h5").unlink()
    _refused(native, "links to another place at 'soft'")


def test_headers_that_promise_more_than_the_file_holds(native):
    with h5py.File(native / "model.weights.h5", "r+") as file:
        file.create_dataset("layers/more", (10**6, 10**6), "float32", chunks=(1000, 1000))
    _refused(native, "model.weights.h5", "cannot hold")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "assets/more"])
def test_a_pipe_is_not_waited_for(name, native):
    (native / name).unlink(missing_ok=True)
    os.mkfifo(native / name)
    _refused(native, name, "is a pipe, a socket or a device")


def test_links_that_lead_nowhere(native):
    (native / "task.json").unlink()
    (native / "task.json").symlink_to("task.json")
    _refused(native, "task.json", "is a link that leads nowhere")


def test_objects_nested_without_end(native):
    for depth in (150, 100_000):
        (native / "classifier.json").write_text('{"a":' * depth + "1" + "}" * depth)
        _refused(native, "classifier.json")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("task.json", lambda c: c.pop("config"), "it has no `config`"),
        ("task.json", lambda c: c.pop("registered_name"), "it has no `registered_name`"),
        ("task.json", lambda c: c["config"].update(dropout="much"), "`config.dropout` must be a n"),
        ("task.json", lambda c: c["config"].update(num_classes=10**12), "names 2 labels, but the"),
        ("task.json", lambda c: c["config"].update(activation="none such"), "does not make a Text"),
        ("config.json", lambda c: c["config"].update(dropout="much"), "cannot be loaded"),
        ("config.json", lambda c: c["config"].update(dtype={"class_name": "x"}), "cannot be loa"),
        ("config.json", lambda c: c.pop("config"), "cannot be loaded"),
        ("preprocessor.json", lambda c: c["config"].update(sequence_length=0), "of at least 1"),
        ("preprocessor.json", lambda c: c["config"].update(sequence_length=10**12), "at most"),
        ("preprocessor.json", lambda c: c["config"].update(truncate="middle"), "`truncate` must"),
        ("tokenizer.json", lambda c: c["config"].update(lowercase="yes"), "`lowercase` must be tr"),
        ("classifier.json", lambda c: c.update(temperature=10**400), "`temperature` must be a num"),
        ("classifier.json", lambda c: c.update(temperature=0), "a number above 0. Received: 0"),
        ("classifier.json", lambda c: c.update(temperature=float("nan")), "`temperature` must"),
        ("classifier.json", lambda c: c.update(multi_label=1), "`multi_label` must be true or fa"),
    ],
)
def test_settings_of_a_wrong_type(name, change, message, native):
    _edit(native / name, change)
    _refused(native, message)


@pytest.mark.parametrize("name", ["mini_encoder_en_uncased", "static_embedding_en_uncased"])
def test_a_copy_of_a_bundled_preset_has_hashes(name, tmp_path):
    copy = shutil.copytree(bundled_directory() / name, tmp_path / name)
    TextClassifier.from_preset(copy, labels=["a", "b"])
    vocabulary = copy / "assets/tokenizer/vocabulary.txt"
    words = vocabulary.read_text(encoding="utf-8").splitlines()
    for changed in (words[: len(words) // 2], [*words[:200], *words[:199:-1]]):
        vocabulary.write_text("\n".join(changed) + "\n", encoding="utf-8")
        with pytest.raises(PresetError, match=r"vocabulary.txt.*was changed after it was saved"):
            TextClassifier.from_preset(copy, labels=["a", "b"])
    vocabulary.unlink()
    vocabulary.mkdir()
    with pytest.raises(PresetError, match=r"vocabulary.txt"):
        TextClassifier.from_preset(copy, labels=["a", "b"])
