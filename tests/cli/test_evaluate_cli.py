"""`keras-textcls evaluate`, `compare`, `cross-validate`: what a user sees, and no traceback."""

import os
import signal
import tempfile

import pytest
import training_process as process
from click.testing import CliRunner

from keras_textcls import Report
from keras_textcls.cli import main

ROWS = [("the quick fox", "spam"), ("a lazy dog", "ham"), ("the small cat", "ham")]
ROWS += [("brown fox jumped", "spam"), ("over the dog", "ham"), ("a fox", "spam")]
ROWS += [("quick fox", "spam"), ("the lazy cat", "ham")]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def messages(tmp_path):
    path = tmp_path / "messages.csv"
    path.write_text("text,label\n" + "".join(f"{t},{n}\n" for t, n in ROWS), encoding="utf-8")
    process.write_preset(tmp_path / "preset")
    return "messages.csv"


def _run(*arguments, code=0):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_evaluate_and_compare(messages, tmp_path):
    _run("train", messages, "--preset", "preset", "--name", "m", "--quiet")
    told = _run("evaluate", "runs/m/1", messages, "--save", "saved", "--html", "page.html",
                "--errors", "8", "--name", "first")  # fmt: skip
    assert "Report of first on 8 texts, 2 labels" in told
    assert "8 of 8 texts are among those the model was trained on" in told
    report = Report.load("saved")
    assert told.count(", answered ") == (report.y_pred != report.y_true).sum()
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    at = _run("evaluate", "runs/m/1", messages, "--threshold", "0.99")
    predicted = report.at_threshold(0.99).per_label().rows[-1][2]
    assert at.splitlines()[-1].split()[3] == str(predicted)
    told = _run("compare", "saved", "runs/m/1", "--on", messages, "--output", "compared",
                "--threshold", "0.5", "--disagreements", "3")  # fmt: skip
    assert "to the first" in told
    assert "p (McNemar)" in told
    assert (tmp_path / "compared" / "total_summary.csv").exists()


def test_cross_validate(messages):
    told = _run("cross-validate", messages, "--preset", "preset", "--folds", "2",
                "--label-errors", "8", "--save", "out of fold")  # fmt: skip
    assert "2 folds of 8 texts" in told
    found = Report.load("out of fold")
    assert told.count(", rather ") == len(found.suspected_label_errors(8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nowhere", "messages.csv"], "nowhere"),
        (["evaluate", "preset", "nowhere.csv"], "nowhere.csv"),
        (["compare", "one"], "needs two models"),
        (["compare", "one", "two"], "`datasets` is missing"),
        (["cross-validate", "messages.csv", "--folds", "9"], "9 folds"),
    ],
)
def test_what_is_wrong_is_said(messages, arguments, message):
    assert message in _run(*arguments, code=1)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (
            "keras_textcls.evaluation.cross_validation.train",
            ("cross-validate", "--preset=preset", "--folds=2"),
        ),
        ("keras_textcls.data.rows.spool.Spool.table", ("data", "check")),
    ],
)
def test_a_command_that_is_terminated_leaves_no_temporary_files(
    messages, tmp_path, monkeypatch, name, arguments
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    seen = []

    def terminate(*args, **kwargs):
        seen.append(list(temporary.iterdir()))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(name, terminate)
    monkeypatch.setattr("keras_textcls.data.rows.spool.Spool.append", _to_a_file)
    before = signal.getsignal(signal.SIGTERM)
    _run(*arguments, messages, code=143)
    assert len(seen) == 1 and seen[0]
    assert not list(temporary.iterdir())
    assert signal.getsignal(signal.SIGTERM) is before


def _to_a_file(spool, batch):
    spool._held.append(batch)
    spool._move_to_file()
