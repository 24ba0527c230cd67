"""Examples that need nothing but the package run as a user runs them."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_customer_messages(processes, tmp_path):
    output = tmp_path / "sorted"
    result = processes.script(EXAMPLES / "customer_messages.py", "--output", output)
    assert result.returncode == 0, result.stderr[-2000:]
    lines = result.stdout.splitlines()
    assert lines[0].startswith("trained on 202 messages in ")
    accuracy = re.fullmatch(r"accuracy on 50 others (\d\.\d{3})", lines[1])
    # Six labels of equal size; TF-IDF gets half of them right.
    assert float(accuracy[1]) > 0.6
    assert lines[2].startswith("delivery ")
    assert lines[3].startswith("billing ")
    assert lines[4] == "saved to sorted and loaded again: same answers"
    assert (output / "classifier.json").is_file()


@pytest.mark.long
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_run_and_show_what_they_are_committed_with(path, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    kinds = [[_kinds(cell) for cell in one.cells] for one in (committed, fresh)]
    # A backend may tell more than was committed.
    assert all(one <= other for one, other in zip(*kinds, strict=True))
    assert sum(map(len, kinds[0])) >= 5


def _kinds(cell):
    """Kinds of what a cell shows, but for warnings; print may come in several pieces."""
    outputs = [one for one in cell.get("outputs", []) if one.get("name") != "stderr"]
    return {tuple(sorted(one.get("data", {"text": ""}))) for one in outputs}


@pytest.mark.long
def test_a_language_model_from_nothing_answers_in_labels(processes, tmp_path):
    passages = tmp_path / "passages.txt"
    lines = ["you have won a prize, call now", "see you at six, bring the book"]
    passages.write_text("\n".join(lines * 400), encoding="utf-8")
    preset = tmp_path / "small"
    arguments = "--vocabulary 300 --layers 2 --width 32 --heads 2 --length 64 --tokens 4096".split()
    result = processes.script(
        EXAMPLES / "gpt_neo_from_scratch.py", passages, "--output", preset, "--verbose", "0",
        "--positions", "512", *arguments,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    assert re.match(r"[\d,]+ weights, 4,160 tokens\n", result.stdout)
    result = processes.script(EXAMPLES / "answers_in_labels.py", preset, "--epochs", "1")
    assert result.returncode == 0, result.stderr[-2000:]
    assert "adapters" in result.stdout and "all weights" in result.stdout
