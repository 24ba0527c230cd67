"""What version 0.1.0 saved, before its modules moved, loads and answers as it did.

`fixtures/saved_by_0_1_0` holds one file of every kind, and in `expected.json` what each answered
on TensorFlow; `fixtures/make_saved_files.py` wrote both.
"""

import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_textcls import (
    Report,
    RunError,
    TextClassifier,
    TextDataset,
    TextToTextClassifier,
    evaluate,
    runs,
)
from keras_textcls.catalogue import PATH_VARIABLE

SAVED = Path(__file__).parent / "fixtures" / "saved_by_0_1_0"
EXPECTED = json.loads((SAVED / "expected.json").read_text(encoding="utf-8"))
TEXTS = [*EXPECTED["texts"], "win cash now " * 10]


@pytest.fixture(autouse=True)
def _presets_by_name(monkeypatch):
    """The presets are found by the names that adapters and runs know them by."""
    monkeypatch.setenv(PATH_VARIABLE, str(SAVED / "presets"))


@pytest.fixture
def training_runs(tmp_path, monkeypatch):
    """The runs, to look into and to go on with: both write there."""
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))
    output = tmp_path / "training_runs"
    shutil.copytree(SAVED / "training_runs", output)
    return {run.name: run for run in runs(output)}


def check_outputs(model, expected):
    texts = TEXTS[: len(expected["outputs"])]
    assert list(model.labels) == expected["labels"]
    outputs = model.predict(texts, verbose=0)
    np.testing.assert_allclose(outputs, expected["outputs"], rtol=1e-5, atol=1e-5)
    return texts


def check_answers(model, expected):
    texts = check_outputs(model, expected)
    probabilities = model.predict_proba(texts, verbose=0)
    np.testing.assert_allclose(probabilities, expected["probabilities"], atol=1e-5)
    assert [list(p.labels) for p in model.classify(texts)] == expected["answers"]


@pytest.mark.parametrize("name", ["tiny_bert", "mini_encoder", "adapter"])
def test_presets(name):
    check_answers(TextClassifier.from_preset(name), EXPECTED["models"][name])


def test_what_a_preset_says_beside_its_weights():
    classifier = TextClassifier.from_preset("mini_encoder")
    assert classifier.multi_label
    assert (classifier.thresholds, classifier.temperature) == ([0.25, 0.5, 0.75], 1.5)
    assert (classifier.long_texts, classifier.sequence_length) == ("chunk", 12)
    assert classifier.training_summary == {"template": "by hand", "texts": 3}
    adapted = TextClassifier.from_preset("adapter")
    assert (adapted.lora.config.rank, adapted.lora.config.alpha) == (2, 3)
    assert (adapted.thresholds, adapted.sequence_length) == ([0.5, 0.25, 0.5], 12)


def test_a_language_model():
    classifier = TextToTextClassifier.from_preset("gpt_neo")
    check_answers(classifier, EXPECTED["models"]["gpt_neo"])
    assert classifier.answers == {"ham": "fine", "spam": "junk"}
    (prompt,) = classifier.prompts("see you")
    assert prompt == "Choose fine, junk. Text: win win Answer: junk Text: see you Answer:"


@pytest.mark.parametrize("name", ["bert.keras", "mini_encoder.keras"])
def test_keras_files(name):
    model = keras.saving.load_model(SAVED / name)
    assert isinstance(model, TextClassifier)
    assert model.compiled
    # Thresholds and temperature are kept by presets alone.
    check_outputs(model, EXPECTED["models"][name])


@pytest.mark.parametrize("name", ["bert.keras", "mini_encoder.keras"])
def test_keras_files_in_a_process_that_has_only_seen_the_class(processes, name):
    """They name modules that are elsewhere now; the registered names lead to the classes."""
    code = (
        "import sys, keras, keras_textcls\n"
        "keras_textcls.TextClassifier\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "print(type(model).__name__, list(model.labels))"
    )
    child = processes.run(code, SAVED / name)
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout.strip() == f"TextClassifier {EXPECTED['models'][name]['labels']}"


@pytest.mark.parametrize("name", ["solved", "adapted"])
def test_runs(training_runs, name):
    run, expected = training_runs[name], EXPECTED["runs"][name]
    assert (run.status, run.version) == ("trained", 1)
    template = json.loads(json.dumps(run.template.to_dict()))
    assert template.items() >= expected["template"].items()
    assert (run.history, run.metrics) == (expected["history"], expected["metrics"])
    assert run.dataset().fingerprint == expected["fingerprint"]
    check_answers(run.load(), expected)
    (folder,) = (run.directory / "evaluation").iterdir()
    report = Report.load(folder)
    assert report["accuracy"] == expected["accuracy"]
    again = evaluate(run, run.dataset().take(range(len(report))), save=False)
    assert again["accuracy"] == expected["accuracy"]
    assert again.fingerprint == report.fingerprint


def test_a_killed_run_goes_on(training_runs):
    run, expected = training_runs["killed"], EXPECTED["runs"]["killed"]
    assert (run.status, run.reason) == (expected["status"], expected["reason"])
    assert run.history == expected["history"]
    assert run.dataset().fingerprint == expected["fingerprint"]
    if keras.config.backend() != run.record.backend:
        with pytest.raises(RunError, match="backend"):
            run.resume(verbose=0)
        return
    run.resume(verbose=0)
    assert run.status == "trained"
    assert run.history[0] == expected["history"][0]
    assert len(run.history) == 3
    assert run.load().classify("win cash")[0].label in {"ham", "spam"}


def test_a_dataset():
    dataset, expected = TextDataset.load(SAVED / "dataset"), EXPECTED["dataset"]
    assert dataset.fingerprint == expected["fingerprint"]
    assert [row.text for row in dataset] == expected["texts"]
    assert [row.label for row in dataset] == expected["labels"]
    assert [dict(row.metadata) for row in dataset] == expected["metadata"]
    assert {name: len(part) for name, part in dataset.splits.items()} == expected["splits"]
    assert [str(row) for row in dataset.invalid_rows] == expected["invalid_rows"]


def test_a_report():
    report, expected = Report.load(SAVED / "report"), EXPECTED["report"]
    assert (len(report), list(report.labels)) == (expected["rows"], expected["labels"])
    assert report["accuracy"] == expected["accuracy"]
    assert report["macro_f1"] == expected["macro_f1"]
    assert report.info.data["fingerprint"] == expected["fingerprint"]


def test_no_file_holds_a_path_of_the_machine_that_wrote_it():
    for path in SAVED.rglob("*"):
        if path.is_file():
            assert not re.search(rb"/(tmp|home|root|work|Users)/", path.read_bytes()), path
