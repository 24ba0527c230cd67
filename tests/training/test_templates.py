"""Templates: what they refuse, and YAML that trains the same."""

import dataclasses

import pytest
import yaml

from keras_textcls import ArgumentError, Template, template, templates

NAMES = ["transfer_learning", "fine_tuning", "lora", "text_to_text_lora"]


def test_all_are_listed_with_a_line_each():
    assert list(templates()) == NAMES
    assert [line.split()[0] for line in repr(templates()).splitlines()] == NAMES
    with pytest.raises(KeyError):
        templates()["nothing"]


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_documented_and_its_default_is_allowed(name):
    kind = templates()[name]
    described = kind.parameters()
    assert set(described) == {field.name for field in dataclasses.fields(kind)}
    for parameter in described.values():
        assert parameter.meaning.endswith(".")
        assert parameter.read(parameter.default, name) == parameter.default
        assert parameter.wanted


@pytest.mark.parametrize("name", NAMES)
def test_yaml_round_trip(name, tmp_path):
    made = template(name, seed=7, select_labels=["a", "b"])
    text = made.to_yaml(tmp_path / "template.yaml", preset="some preset")
    assert Template.from_yaml(text) == made
    assert Template.from_yaml(tmp_path / "template.yaml") == made
    contents = yaml.safe_load(text)
    assert contents["preset"] == "some preset"
    assert contents["parameters"] == made.to_dict()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.seed = 3


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("fine_tunning", {}, "Did you mean 'fine_tuning'"),
        ("lora", {"epoch": 3}, "no parameter 'epoch'. Did you mean 'epochs'"),
        ("lora", {"epochs": 0}, "`epochs` .* must be an integer of at least 1. Received: epochs=0"),
        ("lora", {"epochs": 1.5}, "an integer"),
        ("lora", {"epochs": True}, "an integer"),
        ("lora", {"epochs": "3"}, "of type str"),
        ("lora", {"learning_rate": float("nan")}, "a number"),
        ("lora", {"learning_rate": 2}, "above 0 and at most 1|at most 1 and above 0"),
        ("lora", {"dropout": 1.0}, "below 1, or None"),
        ("lora", {"save": "both"}, "one of 'merged', 'adapter'"),
        ("lora", {"targets": "attention"}, "a list of different strings"),
        ("lora", {"targets": []}, "a list of different strings"),
        ("lora", {"select_labels": ["a", "a"]}, "a list of different strings"),
        ("lora", {"frozen_layers": 2}, "no parameter 'frozen_layers'"),
        ("fine_tuning", {"freeze_embeddings": 1}, "True or False"),
        ("transfer_learning", {"strengths": [1.0, -1.0]}, "a list of numbers above 0"),
        ("transfer_learning", {"class_weight": "even"}, "'balanced', or None"),
    ],
)
def test_wrong_values_are_refused_with_a_remedy(name, parameters, message):
    with pytest.raises(ArgumentError, match=message):
        template(name, **parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("template: lora\nparameter:\n  epochs: 3\n", "unknown key 'parameter'. Did you mean"),
        ("template: lora\nparameters:\n  epoch: 3\n", "Did you mean 'epochs'"),
        ("template: lora\nparameters:\n  epochs: many\n", "an integer"),
        ("template: lora\nparameters: 3\n", "must be a mapping"),
        ("template: [lora\n\n", "is no YAML"),
        ("- lora\n- 3\n", "must hold `template: NAME`"),
        ("template: lora\npreset: 5\n", "`preset` of The YAML must be a string"),
        ("template: lora\nparameters:\n  epochs: 2020-13-45\n", "is no YAML"),
        ("template: lora\nparameters: !!python/object/apply:os.getcwd []\n", "is no YAML"),
    ],
)
def test_broken_yaml_is_refused(text, message):
    with pytest.raises(ArgumentError, match=message):
        Template.from_yaml(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArgumentError, match="nowhere.yaml"):
        Template.from_yaml(tmp_path / "nowhere.yaml")


def test_numbers_that_yaml_takes_for_strings():
    read = Template.from_yaml("template: lora\nparameters:\n  learning_rate: 1e-4\n")
    assert read.learning_rate == 1e-4
