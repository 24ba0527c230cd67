"""Presets from strangers: broken, hostile, or of another kind. Nothing runs, nothing half-loads."""

import json
import shutil

import h5py
import keras
import keras_hub
import numpy as np
import pytest
from conftest import budget, make_classifier, mixed_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textcls import (
    AnswerOptions,
    ArgumentError,
    MissingDependencyError,
    PresetError,
    TextClassifier,
)
from keras_textcls.saving.preset_files import PresetFiles, place_of


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / "preset"
    make_classifier(labels=["ham", "spam"]).save_to_preset(directory)
    return directory


@pytest.fixture
def preset(saved, tmp_path):
    """A copy that a test may break: one of a time when no hashes were recorded."""
    copy = shutil.copytree(saved, tmp_path / "preset")
    _edit(copy / "metadata.json", lambda contents: contents.pop("sha256"))
    return copy


@pytest.fixture
def hashed(saved, tmp_path):
    """A copy with hashes."""
    return shutil.copytree(saved, tmp_path / "hashed")


def _edit(path, change):
    contents = json.loads(path.read_text())
    change(contents)
    path.write_text(json.dumps(contents))


def _refused(preset, *parts, error=PresetError):
    with pytest.raises(error) as raised:
        TextClassifier.from_preset(preset)
    for part in parts:
        assert part in str(raised.value)


def test_a_sound_preset_loads(preset):
    assert TextClassifier.from_preset(str(preset)).labels == ["ham", "spam"]


def test_a_file_that_was_changed_is_refused_unless_on_purpose(hashed):
    recorded = json.loads((hashed / "metadata.json").read_text())["sha256"]
    assert set(recorded) == {
        "config.json", "model.weights.h5", "preprocessor.json", "task.json", "task.weights.h5",
        "tokenizer.json", "assets/tokenizer/vocabulary.txt",
    }  # fmt: skip
    vocabulary = hashed / "assets" / "tokenizer" / "vocabulary.txt"
    lines = vocabulary.read_text().splitlines(keepends=True)
    vocabulary.write_text("".join([*lines[:8], lines[9], lines[8], *lines[10:]]))
    _refused(hashed, "assets/tokenizer/vocabulary.txt of the preset", "was changed after it was s")
    _refused(hashed, "pass check_hashes=False, or remove `sha256` from metadata.json")
    assert TextClassifier.from_preset(hashed, check_hashes=False).labels == ["ham", "spam"]
    # What is saved anew is as it was saved.
    TextClassifier.from_preset(hashed, check_hashes=False).save_to_preset(hashed)
    assert TextClassifier.from_preset(hashed).labels == ["ham", "spam"]
    assert keras_hub.models.TextClassifier.from_preset(str(hashed)).backbone is not None
    (hashed / "preprocessor.json").unlink()
    _refused(hashed, "preprocessor.json of the preset", "is missing. Copy the whole directory")


def test_classifier_json_may_be_edited(hashed):
    _edit(hashed / "classifier.json", lambda c: c.update(labels=["eggs", "spam"], temperature=2))
    loaded = TextClassifier.from_preset(hashed)
    assert loaded.labels == ["eggs", "spam"] and loaded.temperature == 2


ODD_LABELS = [
    "..", "a/../b", "../../etc/passwd", "/etc/passwd", "~", "~root/x", "C:\\x", "\\\\host\\x",
    "..\\x", "nul\0within", "CON", "x" * 5000, "__lambda__", "Lambda", "{}", "[1]", "\n", "a\nb",
    "#", "null", "🙂", "\u202eabc", "e\u0301", "\u00e9", "</script>", "%s", "$HOME", "-1", "1.0",
    "nan", "| a |",
]  # fmt: skip


@settings(max_examples=budget(30, 3), deadline=None, database=None)
@given(data=st.data())
def test_whatever_can_be_trained_can_be_loaded(data, tmp_path_factory):
    """Label names may look like paths, code or numbers, alone or beside adapters."""
    characters = st.characters(exclude_categories=["Cs"])
    text = st.text(characters, min_size=1).filter(str.strip)
    more = data.draw(st.lists(text, max_size=4))
    labels = [name for name in dict.fromkeys([*ODD_LABELS, *more]) if name.strip()]
    directory = tmp_path_factory.mktemp("odd")
    model = make_classifier(labels=labels, activation="softmax")
    model.answer_options = AnswerOptions(select_labels=tuple(labels[:3]))
    model.save_to_preset(directory / "base")
    loaded = TextClassifier.from_preset(directory / "base")
    assert loaded.labels == labels
    assert loaded.answer_options == model.answer_options
    # A head that is ours alone has its labels in task.json, too.
    other = make_classifier(labels=labels, pooling="mean")
    other.save_to_preset(directory / "own")
    loaded = TextClassifier.from_preset(directory / "own")
    assert loaded.labels == labels
    loaded.add_lora(rank=1)
    loaded.save_to_preset(directory / "adapter", adapter_only=True)
    assert TextClassifier.from_preset(directory / "adapter").labels == labels


def test_names_that_no_file_can_hold_are_no_labels():
    with pytest.raises(ArgumentError, match="half of a character"):
        make_classifier(labels=["a", "\ud800"])


def test_no_such_preset_offers_the_nearest_name():
    with pytest.raises(PresetError) as error:
        TextClassifier.from_preset("bert_base_en_uncasd", num_classes=2)
    assert "There is no preset 'bert_base_en_uncasd': neither a directory, nor in " in (
        str(error.value)
    )
    assert "Did you mean 'bert_base_en_uncased'" in str(error.value)


def test_a_file_is_no_preset(preset):
    _refused(preset / "config.json", "is a file. Pass its directory.")


def test_no_config(preset):
    (preset / "config.json").unlink()
    _refused(preset, "has no `config.json`, so it is no preset (it holds README.md, assets, ")
    (preset / "preset").mkdir()
    _refused(preset, "Pass its preset, ")


@pytest.mark.parametrize("name", ["config.json", "task.json", "classifier.json", "tokenizer.json"])
@pytest.mark.parametrize("contents", ["{", "[]", "", "\xff"])
def test_broken_json(preset, name, contents):
    (preset / name).write_bytes(contents.encode("latin-1"))
    _refused(preset, name)


@pytest.mark.parametrize("name", ["model.weights.h5", "task.weights.h5"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_weights_cut_short(preset, name, share):
    contents = (preset / name).read_bytes()
    (preset / name).write_bytes(contents[: int(len(contents) * share)])
    _refused(preset, name, "is broken or cut short")


def test_no_head_weights_says_what_to_pass(preset):
    (preset / "task.weights.h5").unlink()
    _refused(preset, "no task.weights.h5", "labels=[...]", error=ArgumentError)
    assert TextClassifier.from_preset(preset, labels=["a", "b", "c"]).num_classes == 3
    assert TextClassifier.from_preset(preset, load_weights=False).labels == ["ham", "spam"]


def test_no_head_at_all_says_what_to_pass(preset):
    (preset / "task.json").unlink()
    _refused(preset, "holds no classification head. Pass labels=[...] or num", error=ArgumentError)


def test_no_weights_of_the_backbone(preset):
    (preset / "model.weights.h5").unlink()
    _refused(preset, "The backbone of the preset", "cannot be loaded")


def test_no_vocabulary(preset):
    (preset / "assets" / "tokenizer" / "vocabulary.txt").unlink()
    _refused(preset, "The tokenizer of the preset", "cannot be loaded")


def test_labels_that_disagree_with_the_head(preset):
    _edit(preset / "classifier.json", lambda c: c["labels"].append("eggs"))
    _refused(preset, "classifier.json of", "names 3 labels, but the head in task.json has 2 out")


def test_head_weights_of_another_shape(preset):
    _edit(preset / "classifier.json", lambda c: c["labels"].append("eggs"))
    _edit(preset / "task.json", lambda c: c["config"].update(num_classes=3))
    _refused(preset, "task.weights.h5 of the preset", "does not fit its head")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema_version=99), "written by a newer version of keras-textcls"),
        (lambda c: c.pop("schema_version"), "has no `schema_version`"),
        (lambda c: c.pop("labels"), "it has no `labels`, which must be a list of strings. Save or"),
        (lambda c: c.update(labels="ham"), "`labels` must be a list of strings. Received: 'ham'."),
        (lambda c: c.update(labels=["ham", 3]), "`labels` must be a list of strings"),
        (lambda c: c.update(thresholds=[0.5]), "has 2 labels but 1 thresholds"),
        (lambda c: c.update(thresholds=5), "`thresholds` must be a list of numbers or null"),
        (lambda c: c.update(temperature="hot"), "`temperature` must be a number"),
        (
            lambda c: c.update(gelu="erf"),
            '`gelu` must be "exact" or "tanh" or null. Received',
        ),
        (lambda c: c.update(long_texts=3), '`long_texts` must be "truncate" or "chunk"'),
        (lambda c: c["answer_options"].update(min_score=2), "`answer_options`: `min_score` must"),
        (lambda c: c["answer_options"].update(more=2), "unknown field 'answer_options.more'"),
    ],
)
def test_bad_classifier_json(preset, change, message):
    _edit(preset / "classifier.json", change)
    _refused(preset, "classifier.json", message)


def _name(module, class_name, registered):
    def change(contents):
        contents.update(module=module, class_name=class_name, registered_name=registered)

    return change


@pytest.mark.parametrize("name", ["task.json", "config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "change",
    [
        _name("evil.module", "Evil", "evil>Evil"),
        _name("keras_hub.src.models", "Nothing", "keras_hub>Nothing"),
        _name("os", "system", None),
        _name("builtins", "eval", "eval"),
        _name("keras.layers", "Lambda", None),
        _name("keras.layers", "TorchModuleWrapper", "TorchModuleWrapper"),
        _name("keras.layers", "TFSMLayer", "TFSMLayer"),
        _name(None, "__lambda__", None),
    ],
)
def test_classes_that_run_code_or_are_unknown(preset, name, change):
    _edit(preset / name, change)
    _refused(preset, name)


def test_code_nested_deep_in_a_config(preset):
    evil = {"class_name": "__lambda__", "config": {"value": "...", "defaults": None}}
    _edit(preset / "task.json", lambda c: c["config"].update(activation=evil))
    _refused(preset, "task.json", "runs code when it is loaded")


def test_a_class_that_the_caller_registered_is_trusted(preset):
    @keras.saving.register_keras_serializable(package="mine")
    class MyTokenizer(keras.layers.Layer):
        pass

    config = {"module": "mine", "class_name": "MyTokenizer", "registered_name": "mine>MyTokenizer"}
    (preset / "tokenizer.json").write_text(json.dumps({**config, "config": {}}))
    PresetFiles(preset)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tokenizer.json", "../../secrets.txt"),
        ("tokenizer.json", "assets/../../x"),
        ("tokenizer.json", "/etc/passwd"),
        ("preprocessor.json", "..\\x"),
        ("preprocessor.json", "~/x"),
    ],
)
def test_paths_that_leave_the_preset(preset, name, path):
    _edit(preset / name, lambda c: c["config"].update(vocabulary=path))
    _refused(preset, name, "names a path outside of the preset: vocabulary=")


@pytest.mark.parametrize("shards", [["model_00000.weights.h5"], "x", None])
def test_an_index_of_shards_that_is_none(preset, shards):
    (preset / "model.weights.json").write_text(json.dumps({"weight_map": shards}))
    _refused(preset, "model.weights.json", "unusable `weight_map`")


def test_a_directory_is_recorded_as_it_is_loaded(preset, monkeypatch):
    name = "bert_tiny_en_uncased"  # Keras Hub takes its own, not the directory.
    monkeypatch.chdir(preset.parent)
    preset.rename(name)
    assert place_of(name) == name
    assert place_of(f"./{name}") == str(preset.parent / name)


def test_shards_outside_of_the_preset(preset):
    index = {"weight_map": {"/layers": ["../other/model_00000.weights.h5"]}}
    (preset / "model.weights.json").write_text(json.dumps(index))
    _refused(preset, "model.weights.json", "names a file outside")


def test_links_that_leave_the_preset(preset, tmp_path):
    vocabulary = preset / "assets" / "tokenizer" / "vocabulary.txt"
    outside = tmp_path / "outside.txt"
    vocabulary.rename(outside)
    vocabulary.symlink_to(outside)
    _refused(preset, "vocabulary.txt", "is a link that leaves the preset")


def test_links_within_and_into_the_cache_of_hugging_face_are_fine(preset, tmp_path):
    snapshot = tmp_path / "models--x" / "snapshots" / "abc"
    blobs = tmp_path / "models--x" / "blobs"
    snapshot.parent.mkdir(parents=True)
    blobs.mkdir()
    preset.rename(snapshot)
    (snapshot / "config.json").rename(blobs / "123")
    (snapshot / "config.json").symlink_to(blobs / "123")
    assert TextClassifier.from_preset(snapshot).num_classes == 2


def test_weights_that_link_to_other_files(preset, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros(3)
    with h5py.File(preset / "task.weights.h5", "r+") as file:
        file["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
    _refused(preset, "task.weights.h5", "links to another place at 'link'")


def test_a_file_that_cannot_be_read(preset):
    (preset / "task.json").unlink()
    (preset / "task.json").mkdir()
    _refused(preset, "task.json", "Is a directory")


@pytest.mark.parametrize(
    "handle",
    ["hf://someone/spam", "kaggle://someone/bert/keras/spam", "bert_base_en_uncased"],
)
def test_handles_and_built_in_names_go_through_keras_hub(saved, handle, monkeypatch):
    """With the clients' downloads replaced by a directory on this machine."""
    from huggingface_hub.utils import EntryNotFoundError
    from keras_hub.src.utils import preset_utils

    asked = set()

    def model_download(name, path):
        asked.add(path)
        if not (saved / path).exists():
            raise ValueError(f"{path} is not present in the model files")
        return str(saved / path)

    def hf_hub_download(repo_id, filename):
        try:
            return model_download(repo_id, filename)
        except ValueError:
            raise EntryNotFoundError.__new__(EntryNotFoundError) from None

    monkeypatch.setattr(preset_utils.kagglehub, "model_download", model_download)
    monkeypatch.setattr(preset_utils.huggingface_hub, "hf_hub_download", hf_hub_download)
    loaded = TextClassifier.from_preset(handle)
    assert loaded.labels == ["ham", "spam"]
    assert {"config.json", "task.json", "classifier.json", "model.weights.h5"} <= asked


def test_modelscope_says_what_to_install():
    with pytest.raises(PresetError, match="pip install modelscope"):
        TextClassifier.from_preset("modelscope://someone/spam")


def test_a_handle_that_cannot_be_reached(monkeypatch):
    from keras_hub.src.utils import preset_utils

    def get_file(preset, path):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(preset_utils, "get_file", get_file)
    with pytest.raises(PresetError) as error:
        TextClassifier.from_preset("hf://someone/spam")
    assert "The preset 'hf://someone/spam' cannot be reached: config.json was looked for" in (
        str(error.value)
    )
    assert "no route to host" in str(error.value)


def test_a_checkpoint_without_its_converter_names_the_package(preset, monkeypatch):
    import keras_hub

    def from_preset(*args, **kwargs):
        raise ImportError("No module named 'converter'")

    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", from_preset)
    with pytest.raises(MissingDependencyError, match="No module named 'converter'. Install it"):
        TextClassifier.from_preset(preset)


def test_nothing_is_half_loaded(preset):
    """A preset that fails at its last file leaves no trace on a classifier made before."""
    before = TextClassifier.from_preset(preset)
    expected = before.predict(mixed_texts(4), verbose=0)
    (preset / "task.weights.h5").write_bytes(b"")
    _refused(preset, "task.weights.h5")
    np.testing.assert_array_equal(before.predict(mixed_texts(4), verbose=0), expected)
