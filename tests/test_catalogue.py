"""Presets by name: the search path, the bundled ones and their hashes."""

import dataclasses
import json
import shutil

import pytest
from conftest import make_classifier

import keras_textcls
from keras_textcls import PresetError, TextClassifier, catalogue


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A directory of presets on the search path, and an empty Keras folder."""
    directory = tmp_path / "shared"
    directory.mkdir()
    monkeypatch.setenv("KERAS_TEXTCLS_PRESET_PATH", str(directory))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    return directory


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "mine"
    make_classifier(labels=["cat", "fox"]).save_to_preset(folder)
    return folder


@pytest.fixture
def bundled(shared, preset, monkeypatch, tmp_path):
    """A package that ships one preset."""
    directory = tmp_path / "shipped"
    shutil.copytree(preset, directory / "shipped_en")
    files = [p for p in (directory / "shipped_en").rglob("*") if p.is_file()]
    record = {
        "backbone": "BertBackbone",
        "description": "For tests.",
        "parameters": 12,
        "languages": ["English"],
        "licence": "Apache-2.0",
        "sha256": {
            p.relative_to(directory / "shipped_en").as_posix(): catalogue.file_hash(p)
            for p in files
        },
    }
    contents = {"schema_version": 1, "presets": {"shipped_en": record}}
    (directory / "catalogue.json").write_text(json.dumps(contents))
    monkeypatch.setattr(catalogue, "bundled_directory", lambda: directory)
    catalogue.bundled_records.cache_clear()
    yield directory / "shipped_en"
    catalogue.bundled_records.cache_clear()


def test_a_directory_of_presets_turns_into_names(shared, preset):
    shutil.copytree(preset, shared / "of_the_team")
    (shared / "no_preset").mkdir()
    info = keras_textcls.presets()["of_the_team"]
    assert info.source == "path"
    assert info.labels == ("cat", "fox")
    assert info.has_head
    assert info.is_available
    assert info.size_bytes == sum(p.stat().st_size for p in preset.rglob("*") if p.is_file())
    assert "no_preset" not in keras_textcls.presets()
    model = TextClassifier.from_preset("of_the_team")
    assert list(model.labels) == ["cat", "fox"]
    assert TextClassifier.presets["of_the_team"]["directory"] == str(shared / "of_the_team")


def test_the_first_directory_of_the_path_wins(shared, preset, monkeypatch, tmp_path):
    import os

    shutil.copytree(preset, shared / "mine")
    shutil.copytree(preset, tmp_path / "later" / "mine")
    path = os.pathsep.join([str(tmp_path / "missing"), str(shared), str(tmp_path / "later")])
    monkeypatch.setenv("KERAS_TEXTCLS_PRESET_PATH", path)
    assert catalogue.find_preset("mine") == shared / "mine"
    assert keras_textcls.presets()["mine"].origin == str(shared / "mine")


def test_the_keras_folder_is_searched(shared, preset, tmp_path):
    home = tmp_path / "keras" / "textcls" / "presets" / "at_home"
    shutil.copytree(preset, home)
    assert catalogue.find_preset("at_home") == home


@pytest.mark.parametrize("name", ["../mine", "a/b", "", ".", "..", "~", "hf://a/b"])
def test_a_name_never_leaves_the_search_path(shared, preset, name):
    shutil.copytree(preset, shared.parent / "mine")
    assert catalogue.find_preset(name) is None


def test_a_bundled_preset_loads_by_its_name(bundled):
    info = keras_textcls.presets()["shipped_en"]
    assert (info.source, info.parameters, info.licence) == ("bundled", 12, "Apache-2.0")
    assert list(TextClassifier.from_preset("shipped_en").labels) == ["cat", "fox"]


@pytest.mark.parametrize("change", ["edit", "remove", "add"])
def test_a_bundled_preset_that_was_changed_is_refused(bundled, change):
    weights = bundled / "model.weights.h5"
    if change == "edit":
        contents = bytearray(weights.read_bytes())
        contents[len(contents) // 2] ^= 1
        weights.write_bytes(contents)
    elif change == "remove":
        weights.unlink()
    else:
        (bundled / "extra.json").write_text("{}")
    with pytest.raises(PresetError, match="not as it was shipped.*Reinstall keras-textcls"):
        TextClassifier.from_preset("shipped_en")


def test_every_shipped_preset_is_as_the_catalogue_says():
    directory = catalogue.bundled_directory()
    records = catalogue.bundled_records()
    names = {p.parent.name for p in directory.glob("*/config.json")}
    assert names == set(records)
    for name, record in records.items():
        catalogue.verify_bundled(directory / name)
        assert record["licence"] and record["languages"] and record["description"]
        assert "README.md" in record["sha256"]
    size = sum(p.stat().st_size for p in directory.rglob("*") if p.is_file())
    assert size <= 25e6


def test_names_of_keras_hub_are_listed_with_what_is_known(shared):
    info = keras_textcls.presets()["bert_tiny_en_uncased_sst2"]
    assert (info.source, info.parameters, info.languages) == ("keras_hub", 4385920, ("English",))
    assert info.has_head
    assert not info.is_available
    assert info.origin.startswith("kaggle://keras/bert/")


def test_a_preset_in_kaggles_cache_is_available(shared, tmp_path):
    handle = keras_textcls.presets()["bert_tiny_en_uncased"].origin.removeprefix("kaggle://")
    cached = tmp_path / "kaggle" / "models" / handle
    cached.mkdir(parents=True)
    (cached / "config.json").write_text("{}")
    assert keras_textcls.presets()["bert_tiny_en_uncased"].is_available
    assert set(keras_textcls.presets().available) >= {"bert_tiny_en_uncased"}


def test_a_misspelt_name_gets_the_nearest(shared):
    with pytest.raises(PresetError, match="Did you mean 'bert_tiny_en_uncased'"):
        TextClassifier.from_preset("bert_tiny_en_uncase", num_classes=2)
    with pytest.raises(PresetError, match=str(shared)):
        TextClassifier.from_preset("of_the_tea", num_classes=2)
    with pytest.raises(KeyError, match="albert_base_en_uncased"):
        keras_textcls.presets()["albert_base"]


def test_the_table(shared):
    infos = [
        catalogue.PresetInfo("a<b", "path", parameters=1234, size_bytes=5_000_000),
        catalogue.PresetInfo("c", "keras_hub", languages=("English",), has_head=True),
    ]
    table = keras_textcls.PresetCatalogue(infos)
    lines = repr(table).splitlines()
    assert len(lines) == 3
    assert "1,234" in lines[1] and "5.0 MB" in lines[1]
    assert "a&lt;b" in table._repr_html_()
    assert table._repr_html_().count("<tr>") == 3
    assert dataclasses.asdict(table["c"])["languages"] == ("English",)


def test_without_a_network_the_message_says_what_was_looked_for(shared, monkeypatch):
    from keras_hub.src.utils import preset_utils

    def fail(preset, path):
        raise ConnectionError("Name or service not known\nand more")

    monkeypatch.setattr(preset_utils, "get_file", fail)
    message = (
        "config.json was looked for at kaggle://keras/bert.*not known.*mini_encoder_en_uncased"
    )
    with pytest.raises(PresetError, match=message):
        TextClassifier.from_preset("bert_tiny_en_uncased", num_classes=2)
