"""Presets that cross projects: Keras Hub reads ours, we read Keras Hub's, on every backend."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import h5py
import keras
import keras_hub
import numpy as np
import pytest
from conftest import STEP_BY_STEP, long_but, make_classifier, mixed_texts, quantize

from keras_textcls import ArgumentError, PresetError, TextClassifier
from keras_textcls.models.heads import KERAS_HUB_HEADS, subclass_for

NATIVE = sorted(KERAS_HUB_HEADS)
# With a pooler, and without.
ONE_A_KIND = ["BertBackbone", "RobertaBackbone"]
TEXTS = mixed_texts(6)

# Loads a preset with Keras Hub alone and prints its logits.
PLAIN_KERAS_HUB = """
import json, sys, warnings
warnings.simplefilter("ignore")
import keras, keras_hub
task = keras_hub.models.TextClassifier.from_preset(sys.argv[1])
task.compile(run_eagerly=keras.config.backend() != "jax")
logits = task.predict(json.loads(sys.argv[2]), verbose=0)
assert not [m for m in sys.modules if m.startswith("keras_textcls")]
print("RESULT", json.dumps([type(task).__name__, logits.tolist()]))
"""

# Loads a preset with this library on another backend and prints its answers.
OURS = """
import json, sys, warnings
warnings.simplefilter("ignore")
from keras_textcls import TextClassifier
classifier = TextClassifier.from_preset(sys.argv[1])
texts = json.loads(sys.argv[2])
logits = classifier.predict(texts, verbose=0)
print("RESULT", json.dumps([list(classifier.labels), logits.tolist()]))
"""


def _run_on(backend, code, *arguments):
    return _result(
        subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "KERAS_BACKEND": backend},
        )
    )


def _result(finished):
    lines = [line for line in finished.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, finished.stderr[-2000:]
    return json.loads(lines[-1].removeprefix("RESULT "))


def _other_backends():
    import importlib.util

    installed = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]
    return [b for b in installed if b != keras.config.backend()]


def _quickest(model):
    """Ready to predict a few texts once."""
    model.compile(run_eagerly=STEP_BY_STEP)
    return model


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NATIVE))
def test_keras_hub_loads_what_we_save(name, tmp_path):
    ours = _quickest(make_classifier(name, labels=["a", "b", "c"]))
    ours.save_to_preset(tmp_path / "p")
    # Exactly Keras Hub's class in exactly Keras Hub's files.
    native = subclass_for(keras_hub.models.TextClassifier, ours.backbone)
    task = json.loads((tmp_path / "p" / "task.json").read_text())
    assert task["registered_name"] == f"keras_hub>{native.__name__}"
    assert "keras_textcls" not in (tmp_path / "p" / "task.json").read_text()
    loaded = _quickest(native.from_preset(str(tmp_path / "p")))
    expected = ours.predict(TEXTS, verbose=0)
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, atol=1e-5)
    again = _quickest(TextClassifier.from_preset(tmp_path / "p"))
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), expected, atol=1e-5)
    assert again.labels == ["a", "b", "c"]


@pytest.mark.parametrize("name", long_but(ONE_A_KIND, NATIVE))
def test_we_load_what_keras_hub_saved(name, tmp_path):
    native = make_classifier(name, labels=["a", "b", "c"]).to_keras_hub()
    native.save_to_preset(str(tmp_path / "p"))
    expected = _quickest(native).predict(TEXTS, verbose=0)
    ours = _quickest(TextClassifier.from_preset(tmp_path / "p"))
    np.testing.assert_allclose(ours.predict(TEXTS, verbose=0), expected, atol=1e-5)
    assert ours.labels.is_numbered
    assert ours.num_classes == 3


@pytest.mark.parametrize(
    ("name", "multi_label"),
    [
        pytest.param("BertBackbone", False, marks=pytest.mark.long),
        ("RobertaBackbone", True),
    ],
)
def test_a_process_without_this_library_loads_the_head(name, multi_label, processes, tmp_path):
    ours = make_classifier(name, labels=["a", "b", "c"], multi_label=multi_label)
    # Compiled, and trained: a loss and metrics of our own must not get into the preset.
    ours.fit(TEXTS, [["a"], {"b": 0}] * 3 if multi_label else ["a", "b"] * 3, verbose=0)
    ours.save_to_preset(tmp_path / "p")
    class_name, logits = _result(processes.run(PLAIN_KERAS_HUB, tmp_path / "p", json.dumps(TEXTS)))
    assert class_name == f"{name.removesuffix('Backbone')}TextClassifier"
    np.testing.assert_allclose(logits, ours.predict(TEXTS, verbose=0), atol=1e-5)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_saved_here_loaded_on_the_other_backends(backend, tmp_path):
    if backend not in _other_backends():
        pytest.skip(f"{backend} is the one running, or is not installed")
    ours = make_classifier(labels=["ham", "spam"])
    ours.save_to_preset(tmp_path / "p")
    labels, logits = _run_on(backend, OURS, tmp_path / "p", json.dumps(TEXTS))
    assert labels == ["ham", "spam"]
    np.testing.assert_allclose(logits, ours.predict(TEXTS, verbose=0), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("BertBackbone", {"pooling": "mean", "hidden_dim": 6, "dropout": 0.3}),
        ("BertBackbone", {"multi_label": True, "activation": "sigmoid"}),
        ("RobertaBackbone", {"hidden_dim": None}),
        ("GPT2Backbone", {}),
        pytest.param("T5Backbone", {"pooling": "max"}, marks=pytest.mark.long),
    ],
)
def test_everything_survives_a_round_trip(name, options, tmp_path):
    ours = _quickest(make_classifier(name, labels=["a", "b", "c"], **options))
    ours.thresholds = [0.2, 0.5, 0.9]
    ours.temperature = 1.7
    ours.training_summary = {"texts": 12, "preset": "tiny"}
    ours.save_to_preset(tmp_path / "p")
    again = _quickest(TextClassifier.from_preset(tmp_path / "p"))
    expected, found = ours.get_config(), again.get_config()
    for config in (expected, found):
        for part in ("name", "backbone", "preprocessor"):
            config.pop(part)
    assert found == expected
    assert (again.thresholds, again.temperature) == ([0.2, 0.5, 0.9], 1.7)
    assert again.training_summary == {"texts": 12, "preset": "tiny"}
    np.testing.assert_allclose(
        again.predict_proba(TEXTS, verbose=0), ours.predict_proba(TEXTS, verbose=0), atol=1e-6
    )
    again.save_to_preset(tmp_path / "q")
    for part in ("classifier.json", "README.md"):
        assert (tmp_path / "q" / part).read_text() == (tmp_path / "p" / part).read_text()


def test_a_new_head_on_a_saved_classifier(tmp_path):
    ours = make_classifier(pooling="mean", labels=["a", "b"])
    ours.save_to_preset(tmp_path / "p")
    fresh = TextClassifier.from_preset(tmp_path / "p", labels=["x", "y", "z"])
    assert fresh.labels == ["x", "y", "z"]
    # The kind of head stays, its weights do not.
    assert fresh.pooling == "mean"
    np.testing.assert_array_equal(fresh.backbone.get_weights()[0], ours.backbone.get_weights()[0])
    by_number = TextClassifier.from_preset(tmp_path / "p", num_classes=2)
    assert by_number.labels.is_numbered
    head, old = (m.output_dense.get_weights()[0] for m in (by_number, ours))
    assert np.abs(head - old).max() > 1e-4


def test_load_weights_false_keeps_the_shape_only(tmp_path):
    ours = make_classifier(labels=["a", "b"])
    ours.save_to_preset(tmp_path / "p")
    empty = TextClassifier.from_preset(tmp_path / "p", load_weights=False)
    assert empty.labels == ["a", "b"]
    difference = empty.backbone.get_weights()[0] - ours.backbone.get_weights()[0]
    assert np.abs(difference).max() > 1e-3


def test_a_plain_backbone_preset_gets_a_head(tmp_path):
    ours = make_classifier()
    ours.backbone.save_to_preset(str(tmp_path / "p"))
    ours.preprocessor.tokenizer.save_to_preset(str(tmp_path / "p"))
    loaded = TextClassifier.from_preset(tmp_path / "p", labels=["a", "b"])
    assert type(loaded.preprocessor) is type(ours.preprocessor)
    np.testing.assert_array_equal(loaded.backbone.get_weights()[0], ours.backbone.get_weights()[0])
    with pytest.raises(ArgumentError, match=r"holds no classification head. Pass labels=\[...\]"):
        TextClassifier.from_preset(tmp_path / "p")


def test_arguments_replace_what_the_preset_holds(tmp_path):
    make_classifier(labels=["a", "b"]).save_to_preset(tmp_path / "p")
    loaded = TextClassifier.from_preset(
        tmp_path / "p", preprocessor=None, dtype="bfloat16", dropout=0.4
    )
    assert loaded.preprocessor is None
    assert loaded.backbone.dtype_policy.name == "bfloat16"
    assert loaded.dropout == 0.4


@pytest.mark.parametrize("options", [{}, {"pooling": "mean"}])
def test_a_quantized_backbone_survives_a_round_trip(options, tmp_path):
    ours = make_classifier(**options)
    plain = ours.predict(TEXTS, verbose=0)
    quantize(ours)
    quantized = ours.predict(TEXTS, verbose=0)
    np.testing.assert_allclose(quantized, plain, atol=0.05)
    assert np.abs(quantized - plain).max() > 0
    ours.save_to_preset(tmp_path / "p")
    again = _quickest(TextClassifier.from_preset(tmp_path / "p"))
    assert any("int8" in str(w.dtype) for w in again.backbone.weights)
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), quantized, atol=1e-5)


def test_files_of_others_are_kept_and_stale_ones_are_not(tmp_path):
    target = tmp_path / "p"
    make_classifier().save_to_preset(target)
    (target / "notes.txt").write_text("mine")
    (target / "model_00000.weights.h5").write_text("stale")
    make_classifier("RobertaBackbone").save_to_preset(target)
    names = {p.name for p in target.iterdir()}
    assert "notes.txt" in names
    assert "model_00000.weights.h5" not in names
    assert TextClassifier.from_preset(target).pooling == "cls"
    # The vocabulary of BERT is gone with the rest of it.
    assert not (target / "assets" / "tokenizer" / "vocabulary.txt").exists()


def test_an_edited_model_card_is_kept(tmp_path):
    model = make_classifier()
    model.save_to_preset(tmp_path / "p")
    card = tmp_path / "p" / "README.md"
    assert "`ham`" in card.read_text()
    card.write_text("# My own card")
    model.save_to_preset(tmp_path / "p")
    assert card.read_text() == "# My own card"


def test_a_head_that_keras_hub_lacks_says_so():
    with pytest.raises(ArgumentError, match="Keras Hub has no classifier for GPT2Backbone"):
        make_classifier("GPT2Backbone").to_keras_hub()
    with pytest.raises(ArgumentError, match="must be a keras_hub.models.TextClassifier"):
        TextClassifier.from_keras_hub("bert")


def test_saving_onto_a_file_is_a_preset_error(tmp_path):
    (tmp_path / "p").write_text("a file")
    with pytest.raises(PresetError, match="cannot be written to .* What stood there is as it was"):
        make_classifier().save_to_preset(tmp_path / "p")
    assert (tmp_path / "p").read_text() == "a file"


def test_a_full_disk_leaves_the_old_preset(tmp_path, monkeypatch):
    first = make_classifier(labels=["old", "older"])
    first.save_to_preset(tmp_path / "p")
    from keras_textcls.saving import classifier_presets

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(classifier_presets, "write_record", full)
    with pytest.raises(PresetError, match="No space left on device"):
        make_classifier(labels=["new", "newer"]).save_to_preset(tmp_path / "p")
    assert [p.name for p in tmp_path.iterdir()] == ["p"]
    assert TextClassifier.from_preset(tmp_path / "p").labels == ["old", "older"]


ODD = ["a `b` <script>alert(1)</script>", "x | y\n---\n# Title", "``", " padded", "[a](b)", "ham"]


def test_names_in_the_model_card_are_text_and_no_markup(tmp_path):
    markdown_it = pytest.importorskip("markdown_it")
    summary = {"<b>note</b>": "see\n\n# here", "texts": 12, "template": "fine_tuning"}
    make_classifier(labels=ODD, training_summary=summary).save_to_preset(tmp_path / "p")
    card = (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    front, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert front.count("\n") == 1
    parser = markdown_it.MarkdownIt("commonmark")
    tokens = [t for token in parser.parse(body) for t in (token, *(token.children or []))]
    shown = [t.content for t in tokens if t.type == "code_inline"]
    for name in ODD:
        assert name.replace("\n", "\\n") in shown
    # Our own mark is the only HTML, and our own headings are the only ones.
    assert [t.content[:4] for t in tokens if t.type.startswith("html")] == ["<!--"]
    assert sum(t.type == "heading_open" for t in tokens) == 4
    assert "- template: fine_tuning" in card and "- texts: 12" in card


def test_a_full_disk_is_named_without_the_internals_of_a_library(tmp_path, monkeypatch):
    model = make_classifier()
    model.save_to_preset(tmp_path / "p")
    before = sorted((f.name, f.stat().st_size) for f in (tmp_path / "p").iterdir())

    def fail(*args, **kwargs):
        raise OSError(28, "Can't synchronously write data (file write failed: buf = 0x7f02)")

    monkeypatch.setattr(keras_hub.models.Task, "save_to_preset", fail)
    with pytest.raises(PresetError, match="No space left on device.*save again") as caught:
        model.save_to_preset(tmp_path / "p")
    assert "0x7f02" not in str(caught.value)
    assert sorted((f.name, f.stat().st_size) for f in (tmp_path / "p").iterdir()) == before


KILLS = ["model.weights.h5", "classifier.json", "README.md", "rename"]


@pytest.mark.parametrize("fatal", long_but(["model.weights.h5", "rename"], KILLS))
def test_killed_while_saving_leaves_the_old_preset(fatal, processes, tmp_path):
    """A real SIGKILL as the named file is opened for writing, or at the exchange."""
    old = make_classifier(labels=["old", "older"])
    old.save_to_preset(tmp_path / "p")
    expected = old.predict(TEXTS, verbose=0)
    code = textwrap.dedent(
        f"""
        import os, signal, sys, warnings
        warnings.simplefilter("ignore")
        from keras_textcls import TextClassifier
        from keras_textcls.utils import atomic
        classifier = TextClassifier.from_preset({str(tmp_path / "p")!r})
        def hook(event, args):
            writes = event == "open" and args[1] in ("w", "wb", "w+b", "r+b", "xb")
            if writes and str(args[0]).endswith({fatal!r}) and "saving" in str(args[0]):
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        if {fatal == "rename"}:
            atomic._swap = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        if {fatal == "model.weights.h5"}:
            import h5py
            original = h5py.File.close
            def close(self):
                original(self)
                os.kill(os.getpid(), signal.SIGKILL)
            h5py.File.close = close
        classifier.save_to_preset({str(tmp_path / "p")!r})
        """
    )
    killed = processes.run(code)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    again = TextClassifier.from_preset(tmp_path / "p")
    assert again.labels == ["old", "older"]
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), expected, atol=1e-6)
    again.save_to_preset(tmp_path / "p")
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("name", ["BertBackbone", "GPT2Backbone"])
def test_the_state_of_the_optimizer_stays_out_of_the_preset(name, tmp_path):
    classifier = _quickest(make_classifier(name))
    classifier.fit(TEXTS, ["ham", "spam"] * (len(TEXTS) // 2), verbose=0)
    classifier.save_to_preset(tmp_path)
    stored = []
    with h5py.File(tmp_path / "task.weights.h5") as file:
        file.visit(stored.append)
    # The step and the learning rate only, no moments.
    assert len([key for key in stored if key.startswith("optimizer/vars/")]) == 2
    loaded = _quickest(TextClassifier.from_preset(tmp_path))
    np.testing.assert_allclose(
        loaded.predict(TEXTS, verbose=0), classifier.predict(TEXTS, verbose=0), rtol=1e-5, atol=1e-5
    )
    steps = int(classifier.optimizer.iterations.value)
    classifier.fit(TEXTS, ["ham", "spam"] * (len(TEXTS) // 2), verbose=0)
    assert int(classifier.optimizer.iterations.value) > steps > 0


def test_the_state_of_the_optimizer_in_a_preset_of_keras_hub_is_passed_over(tmp_path):
    task = make_classifier().to_keras_hub()
    task.fit(np.array(TEXTS), np.arange(len(TEXTS)) % 2, verbose=0, shuffle=False)
    task.save_to_preset(str(tmp_path))
    with h5py.File(tmp_path / "task.weights.h5") as file:
        assert len(file["optimizer/vars"]) > 10
    loaded = _quickest(TextClassifier.from_preset(tmp_path))  # Warnings are errors here.
    expected = task.predict(np.array(TEXTS), verbose=0)
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), expected, rtol=1e-5, atol=1e-5)


def test_a_file_of_keras_holds_the_optimizer_too(tmp_path):
    classifier = make_classifier()
    for steps in (0, 1):
        classifier.save(tmp_path / "whole.keras")
        loaded = keras.saving.load_model(tmp_path / "whole.keras")
        assert int(loaded.optimizer.iterations) == steps
        # Of an optimizer that made no step yet, nothing is kept.
        saved = classifier.optimizer.variables if steps else []
        pairs = [*zip(classifier.weights, loaded.weights, strict=True)]
        pairs += zip(saved, loaded.optimizer.variables if steps else [], strict=True)
        for one, other in pairs:
            one, other = (keras.ops.convert_to_numpy(v) for v in (one, other))
            np.testing.assert_array_equal(one, other)
        classifier.fit(["a cat", "the dog"], [0, 1], verbose=0)


def test_keras_clones_a_classifier_as_it_clones_those_of_keras_hub():
    classifier = make_classifier()
    classifier.fit(["a cat", "the dog"], [0, 1], verbose=0)
    clone = keras.models.clone_model(classifier)
    assert clone.compiled
    clone.set_weights(classifier.get_weights())
    tokens = classifier.preprocessor(TEXTS)
    outputs = [keras.ops.convert_to_numpy(model(tokens)) for model in (classifier, clone)]
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-6)
