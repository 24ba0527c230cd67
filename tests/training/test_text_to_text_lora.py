"""The template `text_to_text_lora`: a run like any other, of a language model with adapters."""

import numpy as np
import pytest
import training_process as process
from small_language_models import SHORT, language_model

from keras_textcls import (
    ArgumentError,
    PresetError,
    RunError,
    TextToTextClassifier,
    evaluate,
    read,
    template,
    train,
)
from keras_textcls.training.trainers import callbacks

QUICK = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "validation_share": 0.2, "rank": 2}
TEXTS = ["win cash", "see you at six", ""]


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """A language model, and an encoder with a head."""
    directory = tmp_path_factory.mktemp("text_to_text_lora")
    model = TextToTextClassifier(language_model(), ["ham", "spam"], prompt=SHORT)
    model.save_to_preset(directory / "language")
    process.write_preset(directory / "encoder")
    return directory


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def messages():
    return process.messages()[:24]


def run_of(data, preset, tmp_path, name="text_to_text_lora", changes=None, **kwargs):
    chosen = template(name, **{**QUICK, **(changes or {})})
    return train(data, preset, chosen, tmp_path / "runs", "messages", verbose=0, **kwargs)


def scores(run):
    return run.load().predict(TEXTS, verbose=0)


@pytest.mark.parametrize("save", ["merged", "adapter"])
def test_a_run_holds_a_classifier(save, messages, presets, tmp_path):
    instruction = "Pick {labels}."
    changes = {"save": save, "instruction": instruction, "turn": SHORT["turn"]}
    run = run_of(messages, presets / "language", tmp_path, changes=changes)
    assert run.status == "trained"
    model = run.load()
    assert isinstance(model, TextToTextClassifier)
    assert (model.prompt.instruction, model.prompt.turn) == (instruction, SHORT["turn"])
    assert model.content_free is None
    assert list(model.labels) == ["ham", "spam"]
    assert (model.lora is not None) == (save == "adapter")
    assert model.sequence_length == 256
    report = evaluate(run, messages)
    assert 0 <= report.metrics["accuracy"].value <= 1
    assert np.isfinite(report.metrics["log_loss"].value)
    # The language model was trained, not only given labels.
    base = TextToTextClassifier.from_preset(
        presets / "language", prompt=model.prompt, content_free=None
    )
    assert np.abs(base.predict(TEXTS, verbose=0) - scores(run)).max() > 1e-2


def test_a_stopped_run_goes_on_to_equal_weights(messages, presets, tmp_path, monkeypatch):
    whole = run_of(messages, presets / "language", tmp_path)
    original = callbacks.Checkpointing.on_train_batch_end

    def stop(self, batch, logs=None):
        if self._progress.epoch == 1 and batch == 1:
            self._stop.is_set = True
        original(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Checkpointing, "on_train_batch_end", stop)
        stopped = run_of(messages, presets / "language", tmp_path)
    assert (stopped.status, stopped.reason) == ("stopped", "interrupted")
    with pytest.raises(RunError, match="it is stopped"):
        stopped.load()
    resumed = run_of(messages, presets / "language", tmp_path, resume=True)
    assert resumed == stopped
    assert resumed.status == "trained"
    assert resumed.history == whole.history
    for a, b in zip(whole.load().get_weights(), resumed.load().get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_is_continued_with_its_prompt(messages, presets, tmp_path):
    first = run_of(messages, presets / "language", tmp_path, changes={"save": "adapter"})
    second = run_of(process.messages()[24:], None, tmp_path, resume_from=first)
    assert second.status == "trained"
    assert second.load().prompt == first.load().prompt
    assert second.load().prompt.turn == SHORT["turn"]
    assert np.abs(scores(second) - scores(first)).max() > 1e-3
    changes = {"instruction": "Pick one of {labels}."}
    third = run_of(process.messages()[24:], None, tmp_path, changes=changes, resume_from=second)
    prompt = third.load().prompt
    assert (prompt.instruction, prompt.turn) == (changes["instruction"], SHORT["turn"])


def test_kinds_do_not_mix(messages, presets, tmp_path):
    encoder = run_of(messages, presets / "encoder", tmp_path, "lora")
    language = run_of(messages, presets / "language", tmp_path)
    with pytest.raises(ArgumentError, match="is a TextClassifier, which.*'text_to_text_lora'"):
        run_of(messages, None, tmp_path, resume_from=encoder)
    with pytest.raises(ArgumentError, match="is a TextToTextClassifier, which"):
        run_of(messages, None, tmp_path, "lora", resume_from=language)
    for other in ("fine_tuning", "transfer_learning"):
        with pytest.raises(ArgumentError, match="is a TextToTextClassifier, which"):
            train(messages, None, template(other), tmp_path / "runs", resume_from=language)
    with pytest.raises(PresetError, match="no causal language model"):
        run_of(messages, presets / "encoder", tmp_path)


def test_what_the_template_refuses(messages, presets, tmp_path):
    with pytest.raises(ArgumentError, match="needs a preset of a causal language model"):
        run_of(messages, None, tmp_path)
    several = read([("win cash", ["ham", "spam"]), ("see you", ["ham"])] * 6)
    with pytest.raises(ArgumentError, match="multi-label"):
        run_of(several, presets / "language", tmp_path)
    rows = [{"a": f"win {i}", "b": "cash", "label": ("ham", "spam")[i % 2]} for i in range(12)]
    pairs = read(rows, text="a", text_pair="b", label="label")
    with pytest.raises(ArgumentError, match="no place for text pairs"):
        run_of(pairs, presets / "language", tmp_path)
    for changes, message in (
        ({"instruction": "{x}"}, "no slot 'x'"),
        ({"turn": "{text}"}, "must hold"),
        ({"instruction": " ".join(["long"] * 80)}, "leaves no room"),
        ({"head_start": "solved"}, "head_start"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
    ):
        with pytest.raises(ArgumentError, match=message):
            run_of(messages, presets / "language", tmp_path, changes=changes)
    assert not list((tmp_path / "runs").glob("messages/*"))
