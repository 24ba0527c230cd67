"""What is exported, `transformers` answers the same: its pipeline is the oracle."""

import json

import keras
import numpy as np
import pytest
import transformers
from conftest import STEP_BY_STEP, long_but, make_classifier

from huggingface.checkpoints import LABELS, NAMES, load, save_checkpoint, texts
from keras_textcls import ArgumentError, PresetError
from keras_textcls.saving.huggingface import exporting

TEXTS = texts()
# Keras Hub's backbone, where `tests/architectures` has one, and the head of `transformers`.
OURS = {
    "BertBackbone": {},
    "DistilBertBackbone": {},
    "RobertaBackbone": {},
    "XLMRobertaBackbone": {},
    "AlbertBackbone": {},
    "DebertaV3Backbone": {},
    "ElectraBackbone": {"pooling": "cls", "hidden_dim": "backbone"},
    "GPT2Backbone": {},
}


def _answers(directory, labels, inputs=TEXTS, **options):
    """Scores by label name, as the pipeline gives them."""
    pipe = transformers.pipeline("text-classification", str(directory), device="cpu", top_k=None)
    found = pipe(inputs, truncation=True, **options)
    scores = [{entry["label"]: entry["score"] for entry in answer} for answer in found]
    assert all(set(answer) == set(labels) for answer in scores)
    return np.array([[answer[label] for label in labels] for answer in scores])


@pytest.mark.parametrize("name", long_but(["Bert", "GPT2"], NAMES))
def test_a_checkpoint_comes_back(name, saved, tmp_path):
    classifier = load(saved(name)[0])
    classifier.temperature = 1.3
    bias = classifier.output_dense.bias
    bias.assign(np.array([0.1, -0.2, 0.3], "float32"))
    expected = classifier.predict_proba(TEXTS, verbose=0)
    classifier.save_to_huggingface(tmp_path)
    for size in (1, 4):
        found = _answers(tmp_path, LABELS, batch_size=size)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    again = load(tmp_path)
    np.testing.assert_allclose(again.predict_proba(TEXTS, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("name", long_but(["BertBackbone", "GPT2Backbone"], OURS))
def test_a_classifier_made_here(name, tmp_path):
    options = dict(OURS[name])
    if options.get("hidden_dim") == "backbone":
        options["hidden_dim"] = make_classifier(name).backbone.hidden_dim
    classifier = make_classifier(name, labels=["a", "b"], multi_label=True, **options)
    classifier.compile(run_eagerly=STEP_BY_STEP)
    # The tests' Keras Hub vocabularies have ids that their backbones were not given.
    expected = classifier.predict_proba(TEXTS, verbose=0)
    classifier.save_to_huggingface(tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    np.testing.assert_allclose(_answers(tmp_path / "out", ["a", "b"]), expected, atol=1e-5)


@pytest.mark.parametrize("name", long_but(["Bert"], ["Bert", "Roberta"]))
def test_pairs(name, saved, tmp_path):
    classifier = load(saved(name)[0])
    classifier.save_to_huggingface(tmp_path)
    first, second = ["the film", "was bad and boring"], ["good fun", "hate"]
    inputs = [{"text": a, "text_pair": b} for a, b in zip(first, second, strict=True)]
    expected = classifier.predict_proba((first, second), verbose=0)
    np.testing.assert_allclose(_answers(tmp_path, LABELS, inputs), expected, atol=1e-5)


def test_word_piece_settings_survive(tmp_path):
    options = dict(do_lower_case=True, strip_accents=False)
    save_checkpoint("Bert", tmp_path / "in", tokenizer_options=options)
    load(tmp_path / "in").save_to_huggingface(tmp_path / "out")
    before, after = (
        transformers.AutoTokenizer.from_pretrained(tmp_path / n) for n in ("in", "out")
    )
    for text in ["The FILM", "é É fée", "中文 good"]:
        assert before(text)["input_ids"] == after(text)["input_ids"]
    assert after.model_max_length == 32


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("BertBackbone", {"pooling": "mean"}, "has a head with pooling='pooler'"),
        ("RobertaBackbone", {"hidden_dim": 3}, "has a head with pooling='cls' and hidden_dim="),
        ("FNetBackbone", {}, "Supported are the backbones of Bert, DistilBert, Roberta"),
        ("BertBackbone", {"activation": "tanh"}, "answers in logits"),
    ],
)
def test_what_transformers_cannot_hold(name, options, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        make_classifier(name, **options).save_to_huggingface(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_preprocessor(tmp_path):
    classifier = make_classifier()
    classifier.preprocessor = None
    with pytest.raises(ArgumentError, match="needs a tokenizer"):
        classifier.save_to_huggingface(tmp_path / "out")


def test_a_failed_export_leaves_the_old_one(saved, tmp_path, monkeypatch):
    classifier = load(saved("Bert")[0])
    classifier.save_to_huggingface(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write_tokenizer", full)
    with pytest.raises(PresetError, match="No space left on device. What stood there is as it"):
        load(saved("Roberta")[0]).save_to_huggingface(tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert load(tmp_path / "out").pooling == "pooler"
    monkeypatch.undo()
    load(saved("Roberta")[0]).save_to_huggingface(tmp_path / "out")
    assert load(tmp_path / "out").pooling == "cls"
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_a_softmax_head_is_exported_as_logits(tmp_path):
    classifier = make_classifier(activation="softmax")
    assert classifier.activation is keras.activations.softmax
    expected = classifier.predict_proba(TEXTS[:3], verbose=0)
    classifier.save_to_huggingface(tmp_path)
    found = _answers(tmp_path, ["ham", "spam"], TEXTS[:3])
    np.testing.assert_allclose(found, expected, atol=1e-5)
