"""`train`: what users get, what they are told, and what is never lost."""

import dataclasses
import shutil
import sys

import keras
import numpy as np
import pytest
import training_process as process
from keras_hub.models import TextClassifier as KerasHubTextClassifier

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    PresetError,
    RunError,
    TextClassifier,
    UnknownLabelError,
    read,
    runs,
    template,
    train,
)
from keras_textcls.training.templates import read_yaml
from keras_textcls.training.trainers import callbacks, fine_tuning

QUICK = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "validation_share": 0.2}


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("train") / "preset"
    process.write_preset(directory)
    return directory


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def messages():
    return process.messages()


@pytest.fixture
def few(messages):
    """Two steps an epoch."""
    return messages[:20]


def _train(data, preset, tmp_path, name="fine_tuning", changes=None, **kwargs):
    parameters = {**QUICK, **(changes or {})} if name != "transfer_learning" else changes or {}
    made = template(name, **parameters)
    return train(data, preset, made, tmp_path / "runs", "messages", **{"verbose": 0, **kwargs})


@pytest.fixture(scope="module")
def made(preset, tmp_path_factory):
    """Folders with one run on few texts, of each of two templates."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_TEXTCLS_CACHE", str(folder / "cache"))
        for name in ("fine_tuning", "transfer_learning"):
            _train(process.messages()[:20], preset, folder / name, name)
    return folder


@pytest.fixture
def trained_on_few(made, tmp_path):
    """A function from a template to its run, in a copy of its folder that is the test's own."""

    def copy(name="fine_tuning"):
        shutil.copytree(made / name / "runs", tmp_path / "runs")
        return runs(tmp_path / "runs")[0]

    return copy


def _multi_label():
    rows = [(f"win cash {i}", ["money"]) for i in range(8)]
    rows += [(f"see you {i}", ["time", "place"] if i % 2 else ["place"]) for i in range(8)]
    return read(rows + [(f"free {i}", []) for i in range(4)])


# === Each template gives an ordinary classifier ===


@pytest.mark.parametrize(
    "name",
    ["transfer_learning", pytest.param("fine_tuning", marks=pytest.mark.compiled), "lora"],
)
def test_a_run_holds_all_that_is_promised(name, messages, preset, tmp_path):
    run = _train(messages, preset, tmp_path, name)
    assert (run.status, run.name, run.version, run.reason) == ("trained", "messages", 1, None)
    assert run.dataset() == messages
    record = run.record
    assert record.dataset["fingerprint"] == messages.fingerprint
    assert record.parameters == run.template.to_dict()
    assert {"keras", "numpy", "keras-textcls"} <= set(record.versions)
    assert not (run.directory / "checkpoint").exists()
    for word in (name, record.preset_fingerprint, "40 texts", "Trained messages/1"):
        assert word in run.log
    classifier = run.load()
    assert list(classifier.labels) == ["ham", "spam"]
    assert classifier.training_summary["template"] == name
    if name != "transfer_learning":
        assert [row["epoch"] for row in run.history] == [1, 2]
        assert "epoch 2/2" in run.log
        # The head is Keras Hub's own, so Keras Hub loads the model.
        plain = KerasHubTextClassifier.from_preset(str(run.preset))
        texts = messages.texts[:3]
        np.testing.assert_allclose(
            plain.predict(texts, verbose=0), classifier.predict(texts, verbose=0), atol=1e-5
        )


def test_the_yaml_of_a_run_trains_the_same_weights_again(few, preset, tmp_path):
    first = _train(few, preset, tmp_path)
    again = train(
        few,
        preset,
        fine_tuning.FineTuning.from_yaml(first.directory / "run.yaml"),
        tmp_path / "runs",
        "messages",
        verbose=0,
    )
    rerun = again.rerun(verbose=0)
    assert (again.version, rerun.version) == (2, 3)
    for one, two, three in zip(
        *(run.load().get_weights() for run in (first, again, rerun)), strict=True
    ):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


def test_transfer_learning_answers_the_solved_head(messages, preset, tmp_path):
    run = _train(messages, preset, tmp_path, "transfer_learning")
    assert not run.metrics["embeddings_cached"]
    again = _train(messages, preset, tmp_path, "transfer_learning")
    assert again.metrics["embeddings_cached"]
    texts = messages.texts[:5]
    np.testing.assert_array_equal(
        run.load().predict(texts, verbose=0), again.load().predict(texts, verbose=0)
    )
    # The backbone is the preset's, bit for bit.
    base = TextClassifier.from_preset(preset).backbone.get_weights()
    for one, other in zip(run.load().backbone.get_weights(), base, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["transfer_learning", "fine_tuning"])
def test_multi_label(name, preset, tmp_path):
    classifier = _train(_multi_label(), preset, tmp_path, name).load()
    assert classifier.multi_label
    assert classifier.predict_proba(["win cash"], verbose=0).shape == (1, 3)


def test_one_label_a_text_may_be_trained_as_multi_label(messages, preset, tmp_path):
    run = _train(messages, preset, tmp_path, "transfer_learning", {"multi_label": True})
    assert run.load().multi_label


def test_a_head_with_a_hidden_layer(messages, preset, tmp_path):
    changes = {"head": "hidden", "hidden_dim": 6}
    classifier = _train(messages, preset, tmp_path, "transfer_learning", changes).load()
    assert classifier.hidden_dim == 6


def test_what_classify_answers_is_kept_in_the_preset(preset, tmp_path):
    changes = {"select_labels": ["time", "place"], "min_score": 0.0, "max_labels": 1}
    classifier = _train(_multi_label(), preset, tmp_path, "transfer_learning", changes).load()
    (found,) = classifier.classify(["see you 3"], threshold=0.0)
    assert len(found.labels) == 1
    assert set(found.labels) <= {"time", "place"}
    assert len(classifier.classify(["see you 3"], threshold=0.0, top_k=3)[0].labels) == 2
    everything = classifier.classify(
        ["see you 3"], threshold=0.0, top_k=3, select_labels=["time", "place", "money"]
    )
    assert len(everything[0].labels) == 3
    with pytest.raises(UnknownLabelError, match="plce"):
        classifier.classify(["x"], select_labels=["plce"])


def test_adapters_alone(few, preset, tmp_path):
    run = _train(few, preset, tmp_path, "lora", {"save": "adapter", "rank": 2})
    assert (run.preset / "adapter.safetensors").stat().st_size < 50_000
    assert not (run.preset / "model.weights.h5").exists()
    merged = _train(few, preset, tmp_path, "lora", {"rank": 2})
    texts = few.texts[:5]
    np.testing.assert_allclose(
        run.load().predict(texts, verbose=0), merged.load().predict(texts, verbose=0), atol=1e-5
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"layer_decay": 0.5, "label_smoothing": 0.1, "class_weight": "balanced"},
        pytest.param(
            {"gradient_accumulation": 2, "dropout": 0.3, "head_start": "random"},
            marks=pytest.mark.long,
        ),
        {"patience": None, "validation_share": 0.0, "clip_norm": None, "warmup_share": 0.0},
        {"monitor": "val_accuracy", "mixed_precision": "bfloat16", "sequence_length": 8},
    ],
)
def test_options_of_fine_tuning(changes, few, preset, tmp_path):
    run = _train(few, preset, tmp_path, changes=changes)
    assert all(np.isfinite(value) for row in run.history for value in row.values())
    assert ("val_loss" in run.history[0]) == bool(run.template.validation_share)


def test_frozen_layers_stay_as_they_are(few, tmp_path):
    preset = tmp_path / "preset"
    process.write_preset(preset, num_layers=2)
    before = TextClassifier.from_preset(preset).backbone
    after = _train(few, preset, tmp_path, changes={"frozen_layers": 1}).load().backbone
    changed = {
        layer.name
        for layer, other in zip(before.layers, after.layers, strict=True)
        if any(
            (a != b).any() for a, b in zip(layer.get_weights(), other.get_weights(), strict=True)
        )
    }
    assert changed == {"transformer_layer_1", "pooled_dense"}
    with pytest.raises(ArgumentError, match="`frozen_layers` must be at most 2"):
        _train(few, preset, tmp_path, changes={"frozen_layers": 3})


# === Early stopping ===


def test_the_best_epoch_is_kept(few, preset, tmp_path):
    changes = {"epochs": 8, "learning_rate": 0.3, "patience": 2, "head_start": "random"}
    run = _train(few, preset, tmp_path, changes=changes)
    losses = [row["val_loss"] for row in run.history]
    best = int(np.argmin(losses))
    assert len(losses) == min(8, best + 3)
    assert run.metrics["epoch"] == best + 1
    held_out = few.split(0.8, 0.2, 0, seed=0).validation
    found = run.load().evaluate(held_out, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["loss"], losses[best], atol=1e-5)


def test_texts_that_are_held_out_twice_are_told(messages, preset, tmp_path):
    run = _train(messages, preset, tmp_path, validation_data=messages[:10])
    assert "10 of 10 validation texts are in the training data" in run.log


# === Continuing an earlier version ===


def test_fine_tuning_continues_from_weights_and_head(messages, preset, trained_on_few, tmp_path):
    first = trained_on_few()
    second = _train(messages[:20], None, tmp_path, resume_from=first)
    assert second.record.resume_from == "messages/1"
    before, after = (run.load().output_dense.get_weights()[0] for run in (first, second))
    assert 0 < np.abs(before - after).max() < 1
    with pytest.raises(UnknownLabelError, match="eggs"):
        _train(read([("a b", "eggs")] * 3), None, tmp_path, resume_from="messages")
    with pytest.raises(ArgumentError, match="contradict each other"):
        _train(messages, preset, tmp_path, resume_from=first)


def test_a_continued_run_is_begun_and_repeated_as_it_was(messages, trained_on_few, tmp_path):
    first = trained_on_few()
    second = _train(messages[20:], None, tmp_path, resume_from="messages")
    assert second.record.resume_from == "messages/1"
    read_back, beside = read_yaml(second.directory / "run.yaml")
    assert read_back == second.template
    assert beside["resume_from"] == "messages/1"
    assert beside["dataset"]["fingerprint"] == second.record.dataset["fingerprint"]
    assert "preset" not in beside
    # The name meant its newest version, which since is the run that is resumed.
    dataclasses.replace(second.record, status="stopped").write(second.directory)
    again = _train(messages[20:], None, tmp_path, resume_from="messages", resume=True)
    assert again == second
    assert again.record.resume_from == f"messages/{first.version}"


def test_whole_texts_are_read_after_pieces(few, preset, tmp_path):
    pieces = {"long_texts": "chunk", "piece_length": 8}
    first = _train(few, preset, tmp_path, "transfer_learning", pieces)
    assert first.load().sequence_length == 8
    second = _train(few, None, tmp_path, resume_from=first)
    assert second.load().sequence_length == 16
    assert "Texts are read up to 16 tokens." in second.log


def test_a_version_that_was_killed_before_it_began(few, preset, trained_on_few, tmp_path):
    first = trained_on_few("transfer_learning")
    changes = {"seed": 5}
    second = _train(few, preset, tmp_path, "transfer_learning", changes, resume=True)
    assert second.version == 2
    assert _train(few, preset, tmp_path, "transfer_learning", changes, resume=True) == second
    (first.directory.parent / "3").mkdir()
    with pytest.raises(RunError, match="messages/3 cannot be resumed: its run.json is missing"):
        _train(few, preset, tmp_path, "transfer_learning", changes, resume=True)


def test_one_text_of_a_label_cannot_be_held_out(few, messages, preset, trained_on_few, tmp_path):
    first = trained_on_few()
    rows = [(row.text, row.label) for row in messages[20:]]
    alone = [pair for pair in rows if pair[1] == "spam"] + [("see you", "ham")]
    with pytest.raises(InvalidDataError, match="With one only: .*ham.*validation_share=0"):
        _train(read(alone), None, tmp_path, resume_from=first)
    changes = {"multi_label": False}
    several = _train(_multi_label(), preset, tmp_path / "several")
    with pytest.raises(ArgumentError, match="is multi-label"):
        data = read([(row.text, "place") for row in few])
        _train(data, None, tmp_path / "several", changes=changes, resume_from=several)


def test_transfer_learning_continues_with_the_texts_of_both(messages, preset, tmp_path):
    first = _train(messages[:30], preset, tmp_path, "transfer_learning")
    news = read([(f"home later {i}", "news") for i in range(5)])
    second = _train(news, None, tmp_path, "transfer_learning", resume_from=first)
    assert len(second.dataset()) == 35
    assert set(second.load().labels) == {"ham", "spam", "news"}
    assert second.rerun(verbose=0).dataset() == second.dataset()


# === What is refused, before anything is trained ===


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "ham"), ("b", "ham")], "one label only, 'ham'"),
        ([("a", "ham"), ("b", "ham"), ("c", "spam")], "With fewer: 'spam' \\(1\\)"),
        ([("a",), ("b",)], "has no labels"),
    ],
)
def test_data_that_nothing_can_be_learnt_from(rows, message, preset, tmp_path):
    data = read(["a", "b"], unlabelled="keep") if len(rows[0]) == 1 else read(rows)
    with pytest.raises(InvalidDataError, match=message):
        _train(data, preset, tmp_path)
    with pytest.raises(InvalidDataError, match="Every text has the label 'ham', the only one"):
        _train(read([("a", "ham"), ("b", "ham")]), preset, tmp_path, changes={"multi_label": True})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"template": "lorra"}, ArgumentError, "Did you mean 'lora'"),
        ({"template": 3}, ArgumentError, "`template` must be a name"),
        ({"verbose": 7}, ArgumentError, "`verbose` must be"),
        ({"preset": 5}, ArgumentError, "`preset` must be"),
        ({"checkpoint_seconds": "x"}, ArgumentError, "`checkpoint_seconds` must be"),
        ({"name": "a/b"}, ArgumentError, "`name`"),
        ({"preset": "no_such_preset"}, PresetError, "no_such_preset"),
        ({"resume_from": "other/3"}, RunError, "no run 'other/3'"),
        ({"template": template("lora", select_labels=["egg"])}, UnknownLabelError, "egg"),
        ({"preset": ""}, ArgumentError, "`preset` must be"),
        ({"template": template("fine_tuning", frozen_layers=9)}, ArgumentError, "at most 1"),
        ({"template": template("lora", targets=["nothing"])}, ArgumentError, "nothing"),
        (
            {"template": template("fine_tuning", sequence_length=64)},
            ArgumentError,
            "`sequence_length` of the template must be at most 16",
        ),
    ],
)
def test_wrong_arguments_leave_no_run(arguments, error, message, messages, preset, tmp_path):
    arguments = {"preset": preset, **arguments}
    if "resume_from" in arguments:
        arguments["preset"] = None
    with pytest.raises(error, match=message):
        train(messages, output=tmp_path / "runs", **{"verbose": 0, **arguments})
    assert runs(tmp_path / "runs") == []


def test_a_test_part_is_not_trained_on(preset, tmp_path):
    rows = [
        {"text": f"win cash {i}", "label": "ab"[i % 2], "split": ("train", "test")[i % 4 == 3]}
        for i in range(16)
    ]
    run = _train(read(rows, split="split"), preset, tmp_path, "transfer_learning")
    assert run.record.dataset["rows"] == 12
    assert "Part 'test' of the dataset, 4 texts: not trained on." in run.log
    rows[0]["split"] = None
    with pytest.raises(InvalidDataError, match="and 1 texts of none"):
        _train(read(rows, split="split"), preset, tmp_path, "transfer_learning")


def test_pairs_are_not_cut_into_pieces(preset, tmp_path):
    pairs = read(
        [{"a": "see you at home", "b": ("win", "call")[i % 2] + f" {i}", "label": "yn"[i % 2]}
         for i in range(12)],
        text="a", text_pair="b", label="label",
    )  # fmt: skip
    run = _train(pairs, preset, tmp_path, "transfer_learning", {"long_texts": "chunk"})
    assert run.load().sequence_length == 16
    assert "Text pairs are read up to 16 tokens" in run.log
    with pytest.raises(ArgumentError, match="`piece_length` of the template is for single texts"):
        _train(pairs, preset, tmp_path, "transfer_learning", {"piece_length": 8})


def test_kinds_that_do_not_match(messages, preset, tmp_path):
    pairs = read(
        [{"a": f"win {i}", "b": "cash", "label": ("ham", "spam")[i % 2]} for i in range(8)],
        text="a",
        text_pair="b",
        label="label",
    )
    with pytest.raises(InvalidDataError, match="`validation_data` has not"):
        _train(messages, preset, tmp_path, validation_data=pairs)
    with pytest.raises(InvalidDataError, match="several labels a text"):
        _train(messages, preset, tmp_path, validation_data=_relabelled(messages))
    with pytest.raises(ArgumentError, match="validation_share=0.97"):
        _train(messages, preset, tmp_path, changes={"validation_share": 0.97})
    with pytest.raises(ArgumentError, match="`gradient_accumulation=64` is more than"):
        _train(messages, preset, tmp_path, changes={"gradient_accumulation": 64})


def _relabelled(messages):
    return read([(row.text, [row.label] if i else []) for i, row in enumerate(messages)])


def test_adapters_become_part_of_what_is_trained_next(few, preset, tmp_path):
    first = _train(few, preset, tmp_path, "lora", {"save": "adapter", "rank": 2})
    second = _train(few, None, tmp_path, "lora", {"rank": 2}, resume_from=first)
    assert second.status == "trained"
    assert second.load().lora is None
    with pytest.raises(ArgumentError, match="holds adapters alone"):
        _train(few, first.preset, tmp_path, "lora", {"save": "adapter"})


def test_runs_that_were_moved_go_on(few, preset, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        _interrupt_after(0, patch)
        run = _train(few, preset, tmp_path)
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert runs(tmp_path / "moved")[0].resume(verbose=0).status == "trained"
    with pytest.raises(ArgumentError, match="Pass output="):
        _train(few, None, tmp_path, resume_from=runs(tmp_path / "moved")[0])
    assert not run.directory.exists()


def test_multi_label_data_refuse_what_is_for_one_label(preset, tmp_path):
    with pytest.raises(ArgumentError, match="class_weight"):
        _train(_multi_label(), preset, tmp_path, changes={"class_weight": "balanced"})
    with pytest.raises(ArgumentError, match="multi_label=False"):
        _train(_multi_label(), preset, tmp_path, changes={"multi_label": False})


def test_class_weights_of_a_multi_label_model_are_refused_before_it_begins(preset, tmp_path):
    first = _train(_multi_label(), preset, tmp_path, "transfer_learning")
    more = read([(f"see you there {i}", "place") for i in range(4)])
    with pytest.raises(ArgumentError, match="the model is multi-label"):
        _train(more, None, tmp_path, changes={"class_weight": "balanced"}, resume_from="messages/1")
    assert runs(tmp_path / "runs") == [first]


def test_a_kill_at_the_very_end_leaves_no_checkpoint(few, preset, trained_on_few, tmp_path):
    run = trained_on_few("transfer_learning")
    left = run.directory / "checkpoint"
    left.mkdir()
    (left / "last.safetensors").write_bytes(b"x")
    again = _train(few, preset, tmp_path, "transfer_learning", resume=True)
    assert again == run
    assert not left.exists()


# === Ends before the end ===


def _interrupt_after(steps, monkeypatch):
    """Ask to stop after some steps, as Ctrl-C does."""
    original = callbacks.Checkpointing.on_train_batch_end

    def stop(self, batch, logs=None):
        if self._progress.epoch == 1 and batch == steps:
            self._stop.is_set = True
        original(self, batch, logs)

    monkeypatch.setattr(callbacks.Checkpointing, "on_train_batch_end", stop)


def test_an_interrupted_run_goes_on(messages, preset, tmp_path, monkeypatch):
    whole = _train(messages, preset, tmp_path)
    with monkeypatch.context() as patch:
        _interrupt_after(1, patch)
        stopped = _train(messages, preset, tmp_path)
    assert (stopped.status, stopped.reason) == ("stopped", "interrupted")
    assert "keras-textcls runs resume messages/2 --output" in stopped.log
    assert "messages/2" in stopped.log
    with pytest.raises(RunError, match="it is stopped"):
        stopped.load()
    assert stopped.resume(verbose=0).status == "trained"
    assert stopped.record.starts == 2
    assert stopped.history == whole.history
    for one, other in zip(whole.load().get_weights(), stopped.load().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_resuming_something_else_says_what_differs(messages, preset, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        _interrupt_after(0, patch)
        run = _train(messages, preset, tmp_path)
    with pytest.raises(RunError, match="parameters: learning_rate was 0.01, is 0.02"):
        _train(messages, preset, tmp_path, changes={"learning_rate": 0.02}, resume=True)
    with pytest.raises(RunError, match="dataset: fingerprint was .*rows was 40, is 30"):
        _train(messages[:30], preset, tmp_path, resume=True)
    with run.locked(), pytest.raises(RunError, match="in use"):
        _train(messages, preset, tmp_path, resume=True)
    assert _train(messages, preset, tmp_path, resume=True) == run
    assert _train(messages, preset, tmp_path, resume=True).record.starts == 2


def test_a_loss_that_is_no_number_stops_with_advice(
    few, preset, trained_on_few, tmp_path, monkeypatch
):
    kept = trained_on_few()
    original = callbacks.Checkpointing.on_train_batch_end

    def diverge(self, batch, logs=None):
        original(self, batch, {"loss": float("nan")})

    monkeypatch.setattr(callbacks.Checkpointing, "on_train_batch_end", diverge)
    with pytest.raises(RunError, match="loss became nan at epoch 1.*Lower learning_rate"):
        _train(few, preset, tmp_path)
    failed = runs(tmp_path / "runs")[-1]
    assert failed.status == "failed"
    assert "Lower learning_rate" in failed.reason
    assert kept.load().labels == ["ham", "spam"]


@pytest.mark.skipif(
    keras.config.backend() == "jax", reason="JAX compiles every operation for every size of batch"
)
def test_half_the_batch_where_memory_runs_out(few, preset, tmp_path, monkeypatch):
    original = TextClassifier.fit

    def fit(self, *args, batch_size, **kwargs):
        if batch_size > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return original(self, *args, batch_size=batch_size, **kwargs)

    monkeypatch.setattr(TextClassifier, "fit", fit)
    run = _train(few, preset, tmp_path)
    assert run.metrics["batch_size"] == 2
    assert "Memory ran out with batches of 4 texts" in run.log
    with pytest.raises(RunError, match="Take a smaller batch_size"):
        _train(few, preset, tmp_path, changes={"auto_batch_size": False})
    # The first batch of few texts is as large as they are many, and so are its steps.
    changes = {"epochs": 2, "batch_size": 64, "validation_share": 0.0}
    made, make = [], fine_tuning._optimizer
    monkeypatch.setattr(fine_tuning, "_optimizer", lambda *a: made.append(make(*a)) or made[-1])
    assert _train(few[:6], preset, tmp_path, changes=changes).metrics["batch_size"] == 3
    assert [one.gradient_accumulation_steps for one in made] == [None, 2]


@pytest.mark.skipif(
    keras.config.backend() == "jax", reason="JAX compiles every operation for every size of batch"
)
def test_smaller_batches_make_the_same_steps(messages, preset, tmp_path, monkeypatch):
    """One step on all texts, and on two halves of them whose gradients are averaged.

    The learning rate has fallen to a half by the second of two batches, and so has the step of
    Adam, which does not depend on the size of the gradients.
    """
    changes = {"dropout": 0.0, "epochs": 1, "validation_share": 0.0, "batch_size": len(messages)}
    changes |= {"warmup_share": 0.0, "clip_norm": None}
    whole = _train(messages, preset, tmp_path, changes=changes)
    size = len(messages) // 2
    monkeypatch.setattr(
        fine_tuning, "Progress", lambda batch_size: callbacks.Progress(batch_size=size)
    )
    halves = _train(messages, preset, tmp_path, changes=changes)
    assert halves.metrics["batch_size"] == size
    np.testing.assert_allclose(whole.history[0]["loss"], halves.history[0]["loss"], rtol=1e-5)
    start = TextClassifier.from_preset(preset).backbone.get_weights()
    after = [run.load().backbone.get_weights() for run in (whole, halves)]
    compared = 0
    for before, one, other in zip(start, *after, strict=True):
        step = one - before
        # Gradients of nearly 0 are rounding, whose direction is chance.
        real = np.abs(step) > 0.009
        np.testing.assert_allclose(other[real] - before[real], step[real] / 2, atol=2e-4)
        compared += real.sum()
    assert compared > 100


def test_a_full_disk_leaves_the_earlier_version(processes, preset, trained_on_few, tmp_path):
    kept = trained_on_few()
    code = (
        "import resource, sys; sys.path[:0] = {path!r}\n"
        "import training_process as process\n"
        "from keras_textcls import RunError, PresetError, runs, train, template\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        "try:\n"
        "    train(process.messages(), {preset!r}, template('fine_tuning', epochs=1),\n"
        "          {output!r}, 'messages', verbose=0)\n"
        "except (RunError, PresetError) as error:\n"
        "    print('told:', error)\n"
    ).format(path=sys.path, preset=str(preset), output=str(tmp_path / "runs"))
    done = processes.run(code)
    assert "told:" in done.stdout, done.stderr
    assert "File too large" in done.stdout
    assert runs(tmp_path / "runs")[-1].status == "failed"
    assert kept.load().labels == ["ham", "spam"]


def test_nothing_is_logged_to_the_screen_when_silent(few, preset, tmp_path, capsys):
    _train(few, preset, tmp_path)
    assert capsys.readouterr().out == ""
    _train(few, preset, tmp_path, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "epoch 1/2",
        "epoch 2/2",
        "Trained messages/2",
    ]


def test_tensorboard(messages, preset, tmp_path):
    run = _train(messages, preset, tmp_path, changes={"epochs": 1}, tensorboard=True)
    assert list(run.directory.glob("tensorboard/*/*tfevents*"))
