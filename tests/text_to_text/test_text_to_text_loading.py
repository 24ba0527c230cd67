"""Presets of language models: all of it goes round, what is broken or hostile is refused."""

import json
import shutil

import h5py
import keras_hub
import numpy as np
import pytest
from conftest import make_classifier
from small_language_models import SHORT, language_model

from keras_textcls import (
    ArgumentError,
    PresetError,
    PromptTemplate,
    TextClassifier,
    TextToText,
    TextToTextClassifier,
    classifier_from_preset,
)

TEXTS = ["win cash", "see you {at} six", ""]
ARGUMENTS = {
    "prompt": {"instruction": "{{Of}} {labels}", "turn": " In: {text} Out: {answer}"},
    "answers": {"ham": "{no}", "spam": "yes"},
    "examples": [("a {text}", "ham"), ("b", "spam")],
    "length_normalized": True,
    "content_free": "nothing",
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("encoder") / "preset"
    make_classifier().save_to_preset(directory)
    return directory


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved classifier of a GPT-2."""
    directory = tmp_path_factory.mktemp("gpt2") / "preset"
    model = TextToTextClassifier(language_model("gpt2"), ["ham", "spam"], prompt=SHORT)
    model.save_to_preset(directory)
    return model, directory


@pytest.mark.parametrize("kind", ["gpt_neo", "gpt2"])
def test_every_argument_goes_round(kind, encoder, tmp_path):
    model = TextToTextClassifier(
        language_model(kind), ["ham", "spam"], embedding_preset=str(encoder), num_examples=1,
        **ARGUMENTS,
    )  # fmt: skip
    model.temperature = 2.5
    model.thresholds = {"ham": 0.25, "spam": 0.75}
    model.training_summary = {"epochs": 3}
    model.sequence_length = 200
    model.save_to_preset(tmp_path / "preset")
    again = classifier_from_preset(tmp_path / "preset")
    assert isinstance(again, TextToTextClassifier)
    assert again._asking() == model._asking()
    assert again.prompt == PromptTemplate(**ARGUMENTS["prompt"])
    assert again.answers == {"ham": "{no}", "spam": "yes"}
    assert (again.temperature, again.thresholds) == (2.5, [0.25, 0.75])
    assert again.training_summary == {"epochs": 3}
    assert (again.sequence_length, again.content_free) == (200, "nothing")
    assert list(again.labels) == ["ham", "spam"]
    assert again.prompts(TEXTS) == model.prompts(TEXTS)
    np.testing.assert_allclose(
        again.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0), atol=1e-5
    )
    other = TextToTextClassifier.from_preset(tmp_path / "preset", content_free=None)
    assert other.content_free is None
    assert other.length_normalized


def test_new_labels_keep_the_prompt_alone(encoder, tmp_path):
    model = TextToTextClassifier(language_model(), ["ham", "spam"], **ARGUMENTS)
    model.save_to_preset(tmp_path / "preset")
    other = TextToTextClassifier.from_preset(tmp_path / "preset", labels=["a", "b", "c"])
    assert other.prompt == model.prompt
    assert other.answers == {"a": "a", "b": "b", "c": "c"}
    assert not other._runtime.examples
    assert other.content_free == "N/A"


def test_keras_hub_loads_what_is_saved(saved):
    model, directory = saved
    theirs = keras_hub.models.CausalLM.from_preset(str(directory))
    assert type(theirs) is keras_hub.models.GPT2CausalLM
    theirs.compile(sampler="greedy")
    expected = theirs.generate(["see you"], max_length=20)
    assert model.generate(["see you"], max_length=20) == expected
    assert TextToText.from_preset(directory).generate(["see you"], max_length=20) == expected


def test_a_language_model_of_keras_hub_is_given_labels(tmp_path):
    model = language_model("gpt2")
    model.save_to_preset(tmp_path / "preset")
    classifier = TextToTextClassifier.from_preset(tmp_path / "preset", labels=["a", "b"])
    assert classifier.predict_proba(TEXTS, verbose=0).shape == (3, 2)
    with pytest.raises(ArgumentError, match=r"names no labels. Pass labels=\[...\]"):
        TextToTextClassifier.from_preset(tmp_path / "preset")
    without = TextToTextClassifier.from_preset(
        tmp_path / "preset", load_weights=False, labels=["a", "b"]
    )
    assert without.predict(TEXTS, verbose=0).shape == (3, 2)


def test_a_preset_of_another_kind_says_which_task_fits(encoder, saved, tmp_path):
    for cls in (TextToText, TextToTextClassifier):
        with pytest.raises(PresetError, match=r"TextClassifier"):
            cls.from_preset(encoder)
    with pytest.raises(PresetError, match="no causal language model.*TextClassifier.from_preset"):
        TextToTextClassifier.from_preset(encoder, labels=["a", "b"])
    _, directory = saved
    with pytest.raises((ArgumentError, PresetError), match="TextToTextClassifier"):
        TextClassifier.from_preset(directory)
    # With labels of the caller, a head on the language model's backbone.
    assert TextClassifier.from_preset(directory, labels=["a", "b"]).num_classes == 2
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    config = {"architectures": ["BertForSequenceClassification"], "model_type": "bert"}
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError, match="BertForSequenceClassification.*TextClassifier"):
        TextToText.from_preset(checkpoint)


ASKING = {"prompt": SHORT, "answers": ["ham", "spam"], "examples": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown": 3},
        {"causal_lm": "other"},
        {"labels": ["x", "y"]},
        {"labels": None},
        {"name": {"class_name": "Lambda"}},
        {"scorer": "best"},
        {"trainable": [1]},
        {"dtype": "no_dtype"},
        {"load_weights": False},
        {"self": 1},
        {"prompt": 3},
        {"prompt": "{text}"},
        {"prompt": {"instruction": "{labels.__class__.__mro__}"}},
        {"prompt": {"instruction": "{labels:{labels}}"}},
        {"prompt": {"instruction": 3}},
        {"prompt": {"turn": "{text} {answer"}},
        {"prompt": {"turn": "a" * 10**6 + "{text} {answer}"}},
        {"prompt": {"instruction": "{{" * 10**5}},
        {"prompt": {"turn": "{text:>99999999999} {answer}"}},
        {"prompt": {"unknown": "x"}},
        {"answers": 3},
        {"answers": ["ham"]},
        {"answers": ["ham", 3]},
        {"answers": ["ham", "ham"]},
        {"answers": ["ham", "x" * 10**5]},
        {"answers": {"eggs": "x"}},
        {"examples": 3},
        {"examples": [["a", "eggs"]]},
        {"examples": [["a"]]},
        {"examples": [["a", "ham"]] * 10**4},
        {"examples": [["a", "ham"]], "embedding_preset": "no-such-preset"},
        {"examples": [["a", "ham"]], "embedding_preset": 3},
        {"examples": [["a", "ham"]], "embedding_preset": ["x"]},
        {"embedding_preset": "keras"},
        {"num_examples": 0},
        {"num_examples": "3"},
        {"num_examples": 1.5},
        {"content_free": 3},
        {"content_free": ["x"]},
        {"length_normalized": "yes"},
    ],
    ids=lambda changes: f"{next(iter(changes))}-{str(next(iter(changes.values())))[:20]}",
)
def test_a_hostile_record_is_refused(changes, saved, tmp_path):
    _, directory = saved
    shutil.copytree(directory, tmp_path / "preset")
    path = tmp_path / "preset" / "classifier.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["text_to_text"] |= changes
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(PresetError) as caught:
        classifier_from_preset(tmp_path / "preset")
    assert "classifier.json" in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("changes", [{"dtype": "x"}, {"prompt": 3}, {"self": 1}])
def test_a_hostile_record_beside_adapters_is_refused(changes, saved, tmp_path):
    model = TextToTextClassifier.from_preset(saved[1])
    model.add_lora(rank=2)
    model.save_to_preset(tmp_path / "adapter", adapter_only=True)
    path = tmp_path / "adapter" / "classifier.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["text_to_text"] |= changes
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(PresetError, match="`text_to_text` in classifier.json"):
        classifier_from_preset(tmp_path / "adapter")


@pytest.mark.parametrize("value", [3, "x", ["x"], True])
def test_the_record_must_be_an_object(value, saved, tmp_path):
    _, directory = saved
    shutil.copytree(directory, tmp_path / "preset")
    path = tmp_path / "preset" / "classifier.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"text_to_text": value}), encoding="utf-8")
    with pytest.raises(PresetError, match="`text_to_text` must be an object"):
        classifier_from_preset(tmp_path / "preset")


def test_what_the_caller_says_wrongly_is_no_fault_of_the_preset(saved):
    _, directory = saved
    with pytest.raises(ArgumentError, match="`scorer` must be one of"):
        TextToTextClassifier.from_preset(directory, scorer="best")
    with pytest.raises(ArgumentError, match="must be a PromptTemplate"):
        TextToTextClassifier.from_preset(directory, prompt="a text")
    with pytest.raises(ArgumentError, match="no argument 'no_such_argument'"):
        TextToTextClassifier.from_preset(directory, no_such_argument=3)


def test_an_embedding_preset_by_a_relative_path_is_found_from_elsewhere(encoder, monkeypatch):
    monkeypatch.chdir(encoder.parent)
    model = TextToTextClassifier(
        language_model(), ["ham", "spam"], embedding_preset=encoder.name, num_examples=1,
        examples=ARGUMENTS["examples"],
    )  # fmt: skip
    assert model.get_config()["embedding_preset"] == str(encoder)


@pytest.mark.parametrize("damage", ["weights", "task"])
def test_a_broken_preset_is_a_preset_error(damage, saved, tmp_path):
    _, directory = saved
    preset = tmp_path / "preset"
    shutil.copytree(directory, preset)
    if damage == "weights":
        (preset / "model.weights.h5").write_bytes(b"no weights")
    else:
        (preset / "task.json").write_text("{")
    with pytest.raises(PresetError):
        classifier_from_preset(preset)


@pytest.mark.parametrize(
    ("file", "message"),
    [("task.json", "outside of the preset"), ("model_00000.weights.h5", "links to another place")],
)
def test_a_hostile_preset_is_refused(file, message, saved, tmp_path):
    _, directory = saved
    preset = tmp_path / "preset"
    shutil.copytree(directory, preset)
    if file == "task.json":
        task = json.loads((preset / file).read_text())
        task["config"]["preprocessor"]["config"]["tokenizer"]["config"]["vocabulary"] = "/etc/x"
        (preset / file).write_text(json.dumps(task))
    else:
        (preset / "model.weights.h5").unlink()
        index = {"metadata": {}, "weight_map": {"/layers": [file]}}
        (preset / "model.weights.json").write_text(json.dumps(index))
        with h5py.File(preset / file, "w") as weights:
            weights["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
    for load in (TextToText.from_preset, classifier_from_preset):
        with pytest.raises(PresetError, match=message):
            load(preset)


def test_labels_of_the_caller_keep_the_prompt_and_no_calibration(tmp_path):
    model = TextToTextClassifier(
        language_model(), ["ham", "spam"], prompt=SHORT, answers=["n", "y"]
    )
    model.save_to_preset(tmp_path / "base")
    model = TextToTextClassifier.from_preset(tmp_path / "base")
    model.add_lora(rank=2)
    model.temperature = 3.0
    model.save_to_preset(tmp_path / "whole")
    model.save_to_preset(tmp_path / "adapter", adapter_only=True)
    for preset in (tmp_path / "whole", tmp_path / "adapter"):
        assert TextToTextClassifier.from_preset(preset).temperature == 3.0
        same = TextToTextClassifier.from_preset(preset, labels=["ham", "spam"])
        assert (same.prompt.turn, same.temperature) == (SHORT["turn"], 1.0)
        other = TextToTextClassifier.from_preset(preset, labels=["x", "y"])
        assert other.prompts("hi") == ["Choose x, y. Text: hi Answer:"]


def test_adapters_of_a_completion_are_asked_with_labels(tmp_path):
    TextToText(language_model()).save_to_preset(tmp_path / "base")
    model = TextToText.from_preset(tmp_path / "base")
    model.add_lora(rank=2)
    model.save_to_preset(tmp_path / "adapter", adapter_only=True)
    with pytest.raises(PresetError, match=r"pass labels=\[...\]"):
        TextToTextClassifier.from_preset(tmp_path / "adapter")
    asked = TextToTextClassifier.from_preset(
        tmp_path / "adapter", labels=["ham", "spam"], prompt=SHORT
    )
    assert asked.predict(["hi"], verbose=0).shape == (1, 2)
