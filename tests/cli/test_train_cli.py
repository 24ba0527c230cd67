"""`keras-textcls train`, `templates` and `runs`: what a user sees, and no traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_textcls.cli import main
from keras_textcls.cli.train import read_template

ROWS = [("win cash now", "spam"), ("free prize", "spam"), ("call to claim", "spam")]
ROWS += [("see you at six", "ham"), ("are you home", "ham"), ("call me later", "ham")]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def messages(tmp_path):
    path = tmp_path / "messages.csv"
    path.write_text("text,label\n" + "".join(f"{t},{n}\n" for t, n in ROWS), encoding="utf-8")
    return str(path)


def _run(*arguments, code=0):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_from_a_file_to_a_model_and_away_again(messages):
    told = _run("train", messages, "--name", "sms", "--set", "folds=2", "--set", "seed=3")
    assert "Trained sms/1" in told
    assert told.splitlines()[-1].startswith("sms/1: trained, ")
    again = _run("train", messages, "--name", "sms", "--config", "runs/sms/1/run.yaml", "--quiet")
    assert again.splitlines()[-1].startswith("sms/2: trained, ")
    assert "sms/1  trained  transfer_learning  6" in _run("runs", "list")
    shown = _run("runs", "show", "sms/2")
    assert "  seed: 3" in shown
    assert "  folds: 2" in shown
    assert "Trained sms/2" in _run("runs", "log", "sms")
    _run("train", messages, "--name", "sms", "--resume-from", "sms/1", "--quiet")
    same = _run("train", messages, "--name", "sms", "--config", "runs/sms/3/run.yaml")
    assert "continues: sms/1" in _run("runs", "show", "sms/4")
    assert "Note: the dataset of the --config file" not in same
    more = Path("more.csv")
    more.write_text(Path(messages).read_text() + "another one,ham\n")
    assert "Note: the dataset of the --config file" in _run(
        "train", str(more), "--name", "sms", "--config", "runs/sms/1/run.yaml"
    )
    for version in (3, 4, 5):
        _run("runs", "delete", f"sms/{version}", "--yes")
    assert _run("train", messages, "--name", "sms", "--config", "runs/sms/1/run.yaml", "--resume")
    assert "sms/3: trained" in _run("runs", "rerun", "sms/1")
    assert "Deleted sms/3" in _run("runs", "delete", "sms/3", "--yes")
    assert "sms/3" not in _run("runs", "list", "sms")
    Path("runs/sms/2/run.json").write_text("{")
    listed = _run("runs", "list", "sms")
    assert "sms/2  broken" in listed
    assert "run.json is broken" in listed
    assert "run.json is broken" in _run("runs", "show", "sms/2", code=1)
    assert "Deleted sms/2" in _run("runs", "delete", "sms/2", "--yes")
    assert "broken" not in _run("runs", "list", "sms")
    _run("runs", "delete", "sms", code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "folds"], "`--set` takes NAME=VALUE"),
        (["--set", "fold=2"], "Did you mean 'folds'"),
        (["--set", "folds=2020-13-45"], "must be an integer"),
        (["--set", f"seed={'1' * 401}"], "must be an integer"),
        (["--set", "pooling={a: b}"], "'{a: b}' of type str"),
        (["--preset", ""], "`preset` must be"),
        (["--template", "lorra"], "Did you mean 'lora'"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--preset", "no_such_preset"], "no_such_preset"),
        (["--name", "a/b"], "`name`"),
        (["--validation", "nowhere.csv"], "nowhere.csv"),
        (["--resume-from", "other/1"], "no run 'other/1'"),
        (["--label", "nothing"], "nothing"),
    ],
)
def test_bad_input_is_one_line(messages, arguments, message):
    told = _run("train", messages, *arguments, code=1)
    assert message in " ".join(told.split())
    assert told.startswith("Error: ")
    assert _run("runs", "list") == "There are no runs in runs.\n"


def test_runs_that_are_not_there():
    for command in ("show", "log", "resume", "rerun"):
        assert "There is no run 'sms'" in _run("runs", command, "sms", code=1)


def test_templates():
    listed = _run("templates")
    assert "fine_tuning" in listed
    described = _run("templates", "fine_tuning")
    assert "learning_rate = 5e-05" in described
    assert "Must be a number above 0" in " ".join(described.split())
    assert _run("templates", "lora", "--yaml").startswith("template: lora\n")
    assert "Did you mean 'lora'" in _run("templates", "lorra", code=1)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("### Instruction: Is it junk? {labels}", "### Instruction: Is it junk? {labels}"),
        ("Which? # {labels}", "Which? # {labels}"),
        (" {labels}: which? ", " {labels}: which? "),
        ('"Which?\\n{labels}"', "Which?\n{labels}"),
        ("12", "12"),
        ("null", None),
    ],
)
def test_a_text_is_taken_as_it_is(given, meant):
    made, _ = read_template("text_to_text_lora", (f"instruction={given}", "epochs=3"), None)
    assert (made.instruction, made.epochs) == (meant, 3)
