"""Examples that need nothing but the package run as a user runs them."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from shown_output import assert_shows

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = Path(__file__).parent.parent / "examples"


def test_customer_messages_prints_what_the_readme_shows(processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = processes.script(EXAMPLES / "customer_messages.py")
    assert result.returncode == 0, result.stderr[-2000:]
    # The data file is shown as seen from where README's command runs.
    data = os.path.relpath(EXAMPLES / "data" / "customer_messages.csv")
    shown = README.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    printed = result.stdout.replace(data, "examples/data/customer_messages.csv")
    assert_shows(shown, printed)
    ours, baseline = re.findall(r"  (\d\.\d\d)  \d\.\d\d to ", printed)
    assert float(ours) > 0.7 > 0.6 > float(baseline)
    run = tmp_path / "runs" / "customer_messages" / "1"
    assert {"report.html", "preset", "evaluation"} <= {path.name for path in run.iterdir()}


@pytest.mark.long
@pytest.mark.parametrize(
    "lines",
    [
        ['{"text": "%d big bus", "label": ["bus"]}', '{"text": "%d no word", "label": []}'],
        ['{"text": "is %d odd?", "text_pair": "no", "label": "a"}',
         '{"text": "is %d so?", "text_pair": "yes", "label": "b"}'],
        ['{"text": "all %d in one label", "label": "a"}', '{"text": "", "label": "b"}'],
    ],
    ids=["several labels", "pairs", "unusable"],
)  # fmt: skip
def test_customer_messages_takes_a_file_of_ones_own(lines, processes, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(line.replace("%d", str(i)) for i in range(20) for line in lines))
    arguments = (file, "--output", tmp_path / "made")
    result = processes.script(EXAMPLES / "customer_messages.py", *arguments)
    if "all" in lines[0]:
        assert result.stderr.startswith("Error: ") and "no text" in result.stderr
    else:
        assert result.returncode == 0, result.stderr[-2000:]
        assert "40 texts: 32 to train on, 8 held out" in result.stdout
        assert (tmp_path / "made" / "mine" / "1" / "report.html").is_file()


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
