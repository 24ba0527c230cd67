"""The command line: what it prints, and what bad input gets."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from keras_textcls.cli import main
from keras_textcls.cli.distill import distill_command
from keras_textcls.distillation.distiller import DistillationConfig


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_presets_prints_a_table_and_json():
    table = run("presets")
    assert table.exit_code == 0
    assert "bert_tiny_en_uncased_sst2" in table.output
    names = [entry["name"] for entry in json.loads(run("presets", "--json").output)]
    assert len(table.output.splitlines()) == len(names) + 1
    here = [entry["name"] for entry in json.loads(run("presets", "--here", "--json").output)]
    assert set(here) < set(names)


def test_one_preset():
    shown = run("presets", "bert_tiny_en_uncased_sst2")
    assert "parameters    4385920" in shown.output
    assert json.loads(run("presets", "bert_tiny_en_uncased", "--json").output)["has_head"] is False


def test_a_misspelt_preset_is_one_line():
    result = run("presets", "bert_tiny_en_uncase")
    assert result.exit_code == 1
    assert result.output.startswith("Error: There is no preset 'bert_tiny_en_uncase'. Did you mean")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.txt"], "Error: The file 'missing.txt' cannot be read"),
        (["missing.txt", "--epochs", "0"], "Error: `epochs` must be positive"),
        (["missing.txt", "--student", "huge"], "'huge' is not one of 'mini_encoder'"),
        (["missing.txt", "--texts", "0"], "Error: `count` must be positive"),
    ],
)
def test_distill_refuses_bad_arguments_in_a_line(arguments, message, tmp_path):
    result = run("distill", "no_such_preset", *arguments, "--output", str(tmp_path / "out"))
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_defaults_of_the_command_are_those_of_the_library():
    given = {p.name: p.default for p in distill_command.params}
    defaults = DistillationConfig()
    for name in ("epochs", "batch_size", "learning_rate", "seed"):
        assert given[name] == getattr(defaults, name)


@pytest.mark.parametrize("command", ["--help", "runs list", "templates"])
def test_what_needs_no_keras(command):
    code = (
        "import sys; from click.testing import CliRunner; from keras_textcls.cli import main;"
        f"assert CliRunner().invoke(main, {command.split()}).exit_code == 0;"
        "print('keras' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "False"
