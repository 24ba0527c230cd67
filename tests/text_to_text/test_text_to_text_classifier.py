"""`TextToTextClassifier`: training on answers, scores, decisions."""

import keras
import numpy as np
import pytest
from small_language_models import (
    END,
    SHORT,
    language_model,
    letter_tokenizer,
    likelihood,
    prompt_ids,
    whole_ids,
    write_oracle,
)

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    TextToTextClassifier,
    UnknownLabelError,
    evaluate,
    read,
)
from keras_textcls.text_to_text.answer_model import AnswerAccuracy, AnswerLoss

LABELS = ["ham", "spam", "a note"]
TEXTS = ["win cash now", "see you at six", "x", "remember the milk " * 4, "call {me}", "1"]
NAMES = ["spam", "ham", "a note", "a note", "ham", "spam"]


def make(kind="gpt_neo", **arguments):
    return TextToTextClassifier(language_model(kind), LABELS, **{"prompt": SHORT, **arguments})


def weights(model):
    return [keras.ops.convert_to_numpy(w).copy() for w in model.trainable_weights]


@pytest.fixture
def untrained():
    return make()


def test_the_loss_is_that_of_transformers_over_the_answer(tmp_path):
    pytest.importorskip("torch")
    oracle = write_oracle("gpt_neo", tmp_path)
    classifier = TextToTextClassifier.from_preset(str(tmp_path), labels=LABELS, prompt=SHORT)
    tokenizer = letter_tokenizer()
    expected = []
    for prompt, name in zip(classifier.prompts(TEXTS), NAMES, strict=True):
        answer = [*whole_ids(tokenizer, f": {name}")[1:], END]
        expected.append(-likelihood(oracle, prompt_ids(tokenizer, prompt), answer))
    found = classifier.evaluate(TEXTS, NAMES, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["loss"], np.mean(expected), rtol=1e-5)
    weighted = classifier.evaluate(
        TEXTS, NAMES, verbose=0, return_dict=True, sample_weight=[2, 0, 1, 1, 0, 0]
    )
    wanted = np.mean(np.multiply(expected, [2, 0, 1, 1, 0, 0]))
    np.testing.assert_allclose(weighted["loss"], wanted, rtol=1e-5)
    # A batch of one width or of many, the whole at once or text by text.
    for batch_size in (1, 2, 6):
        again = classifier.evaluate(
            TEXTS, NAMES, batch_size=batch_size, verbose=0, return_dict=True
        )
        np.testing.assert_allclose(again["loss"], np.mean(expected), rtol=1e-5)
    alone = [classifier.evaluate([t], [n], verbose=0)[0] for t, n in zip(TEXTS, NAMES, strict=True)]
    np.testing.assert_allclose(alone, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["gpt_neo", "gpt2"])
def test_padding_and_company_change_no_step(kind):
    """A step on a batch is the mean of the steps on its texts."""
    steps = []
    for rows in ([0, 3], [0], [3]):
        model = make(kind)
        model.compile(optimizer=keras.optimizers.SGD(1.0))
        before = weights(model)
        model.fit([TEXTS[i] for i in rows], [NAMES[i] for i in rows], batch_size=2, verbose=0)
        steps.append([a - b for a, b in zip(weights(model), before, strict=True)])
    for both, first, second in zip(*steps, strict=True):
        np.testing.assert_allclose(both, (first + second) / 2, atol=2e-4)
    assert max(np.abs(step).max() for step in steps[0]) > 1e-3


def test_only_the_answers_are_learnt():
    """The step does not know what the prompt's own tokens are: their loss has no part in it."""
    logits = np.random.default_rng(0).normal(size=(2, 3, 7)).astype("float32")
    targets = np.array([[1, 2, -1], [3, -1, -1]])
    loss = AnswerLoss(reduction=None)
    found = keras.ops.convert_to_numpy(loss(targets, logits))
    odds = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    np.testing.assert_allclose(found, [-(odds[0, 0, 1] + odds[0, 1, 2]), -odds[1, 0, 3]], rtol=1e-5)
    changed = logits.copy()
    changed[0, 2], changed[1, 1:] = 100, -100
    np.testing.assert_allclose(keras.ops.convert_to_numpy(loss(targets, changed)), found)


def test_accuracy_counts_whole_answers():
    logits = np.zeros((3, 2, 4), "float32")
    logits[0, 0, 1] = logits[0, 1, 2] = logits[1, 0, 1] = logits[2, 0, 3] = 1
    targets = np.array([[1, 2], [1, 3], [3, -1]])
    metric = AnswerAccuracy()
    metric.update_state(targets, logits)
    np.testing.assert_allclose(float(metric.result()), 2 / 3)
    metric.reset_state()
    metric.update_state(targets, logits, sample_weight=np.array([1.0, 3.0, 0.0]))
    np.testing.assert_allclose(float(metric.result()), 1 / 4)


def stream(batch_size):
    tf = pytest.importorskip("tensorflow")
    numbers = [LABELS.index(name) for name in NAMES]
    return tf.data.Dataset.from_tensor_slices((TEXTS, numbers)).batch(batch_size)


@pytest.mark.parametrize("form", ["lists", "indices", "dataset", "stream"])
def test_what_can_be_learnt_from(form, untrained):
    untrained.compile(optimizer=keras.optimizers.SGD(1e-2))
    indices = [LABELS.index(name) for name in NAMES]
    data = {
        "lists": (TEXTS, NAMES),
        "indices": (TEXTS, indices),
        "dataset": (read(list(zip(TEXTS, NAMES, strict=True))),),
        "stream": (stream(6),),
    }[form]
    untrained.fit(*data, batch_size=6, shuffle=False, seed=1, verbose=0)
    reference = make()
    reference.compile(optimizer=keras.optimizers.SGD(1e-2))
    reference.fit(TEXTS, NAMES, batch_size=6, shuffle=False, seed=1, verbose=0)
    for a, b in zip(weights(untrained), weights(reference), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    x = data[0] if form in ("dataset", "stream") else TEXTS
    np.testing.assert_allclose(
        untrained.predict(x, verbose=0), reference.predict(TEXTS, verbose=0), atol=1e-4
    )
    result = untrained.evaluate(*data, verbose=0, return_dict=True)
    expected = reference.evaluate(TEXTS, NAMES, verbose=0, return_dict=True)
    np.testing.assert_allclose(result["loss"], expected["loss"], rtol=1e-4)


@pytest.mark.compiled
def test_fit_learns(untrained):
    texts = [f"win cash {i}" if i % 2 else f"see you {i}" for i in range(48)]
    names = ["spam" if i % 2 else "ham" for i in range(48)]
    untrained.compile(optimizer=keras.optimizers.Adam(3e-3))
    history = untrained.fit(
        texts, names, batch_size=8, epochs=6, seed=0, validation_split=0.25, verbose=0
    ).history
    assert set(history) == {"loss", "answer_accuracy", "val_loss", "val_answer_accuracy"}
    assert history["val_loss"][-1] < history["val_loss"][0] / 2
    assert [p.label for p in untrained.classify(["win cash 99", "see you 98"])] == ["spam", "ham"]
    report = evaluate(untrained, read(list(zip(texts, names, strict=True))))
    assert report.metrics["accuracy"].value > 0.9


def test_weights_of_classes_are_weights_of_texts():
    found = []
    for arguments in (
        {"class_weight": {"ham": 3.0, "spam": 1.0, "a note": 0.0}},
        {"sample_weight": [1, 3, 0, 0, 3, 1]},
    ):
        model = make()
        model.compile(optimizer=keras.optimizers.SGD(1e-2))
        model.fit(TEXTS, NAMES, batch_size=6, shuffle=False, verbose=0, **arguments)
        found.append(weights(model))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_what_cannot_be_learnt_from(untrained):
    with pytest.raises(UnknownLabelError, match="eggs"):
        untrained.fit(["x"], ["eggs"], verbose=0)
    with pytest.raises(InvalidDataError):
        untrained.fit(["x", "y"], ["ham"], verbose=0)
    with pytest.raises(InvalidDataError, match="multi-label"):
        untrained.fit(read([("x", ["ham", "spam"]), ("y", ["ham"])]), verbose=0)


def test_what_is_likely_without_content_is_subtracted():
    raw = make(content_free=None)
    scores = raw.predict(TEXTS, verbose=0)
    empty = raw.predict(["N/A"], verbose=0)
    calibrated = make()
    assert calibrated.content_free == "N/A"
    np.testing.assert_allclose(calibrated.predict(TEXTS, verbose=0), scores - empty, atol=1e-4)
    other = make(content_free="nothing here")
    nothing = raw.predict(["nothing here"], verbose=0)
    np.testing.assert_allclose(other.predict(TEXTS, verbose=0), scores - nothing, atol=1e-4)
    np.testing.assert_allclose(calibrated.predict(["N/A"], verbose=0), 0, atol=1e-5)
    for model, expected in ((calibrated, None), (other, "nothing here"), (raw, None)):
        model.fit(TEXTS[:2], NAMES[:2], verbose=0)
        assert model.content_free == expected


@pytest.mark.parametrize("kind", ["gpt_neo", "gpt2"])
def test_scores_are_divided_by_the_number_of_tokens(kind):
    plain = make(kind, content_free=None).predict(TEXTS, verbose=0)
    normal = make(kind, content_free=None, length_normalized=True)
    counts = [len(ids) for ids in normal._prompt_parts().answers.scored]
    assert len(set(counts)) > 1
    np.testing.assert_allclose(normal.predict(TEXTS, verbose=0), plain / counts, atol=1e-5)


def test_new_weights_are_scored_anew(untrained):
    before = untrained.predict(TEXTS, verbose=0)
    for weight in untrained.backbone.trainable_weights:
        weight.assign(weight * 0.5)
    after = untrained.predict(TEXTS, verbose=0)
    assert np.abs(after - before).max() > 1e-2
    fresh = TextToTextClassifier(untrained.causal_lm, LABELS, prompt=SHORT)
    np.testing.assert_allclose(fresh.predict(TEXTS, verbose=0), after, atol=1e-5)


def test_a_new_length_is_heeded(untrained):
    long = ["a word or two " * 12]
    whole = untrained.predict(long, verbose=0)
    untrained.sequence_length = 100
    cut = untrained.predict(long, verbose=0)
    assert np.abs(whole - cut).max() > 1e-3
    with pytest.raises(ArgumentError, match="at most 256"):
        untrained.sequence_length = 512


def test_decisions(untrained):
    probabilities = untrained.predict_proba(TEXTS, verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    answers = untrained.classify(TEXTS)
    assert [a.label for a in answers] == [LABELS[i] for i in probabilities.argmax(axis=1)]
    best = untrained.classify(TEXTS, top_k=1, select_labels=["ham", "spam"])
    for row, answer in zip(probabilities, best, strict=True):
        assert list(answer.labels) == [LABELS[int(row[:2].argmax())]]
    untrained.thresholds = {"ham": 1.0, "spam": 1.0, "a note": 1.0}
    assert all(answer.label is None for answer in untrained.classify(TEXTS))
    untrained.thresholds = None
    untrained.temperature = 50.0
    flat = untrained.predict_proba(TEXTS, verbose=0)
    np.testing.assert_allclose(flat, 1 / 3, atol=0.2)
    with pytest.raises(ArgumentError, match="temperature"):
        untrained.temperature = 0
    with pytest.raises(UnknownLabelError):
        untrained.classify("x", select_labels=["eggs"])


def test_calibration_lowers_the_loss(untrained):
    found = untrained.calibrate(TEXTS, NAMES)
    assert untrained.temperature == found.temperature != 1.0
    probabilities = untrained.predict_proba(TEXTS, verbose=0)
    chosen = probabilities[np.arange(6), [LABELS.index(name) for name in NAMES]]
    untrained.temperature = 1.0
    before = untrained.predict_proba(TEXTS, verbose=0)
    chosen_before = before[np.arange(6), [LABELS.index(name) for name in NAMES]]
    assert -np.log(chosen).mean() < -np.log(chosen_before).mean()


def test_adapters(tmp_path):
    make().save_to_preset(tmp_path / "base")
    model = TextToTextClassifier.from_preset(tmp_path / "base")
    before = model.predict(TEXTS, verbose=0)
    base = weights(model.backbone)
    model.add_lora(rank=4, dropout=0.0, seed=0)
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), before, atol=1e-5)
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(TEXTS, NAMES, epochs=3, batch_size=3, verbose=0)
    trained = model.predict(TEXTS, verbose=0)
    assert np.abs(trained - before).max() > 0.1
    model.save_to_preset(tmp_path / "adapter", adapter_only=True)
    assert not (tmp_path / "adapter" / "model.weights.h5").exists()
    again = TextToTextClassifier.from_preset(tmp_path / "adapter")
    assert again.content_free is None
    assert again.prompt == model.prompt
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), trained, atol=1e-5)
    model.merge_lora()
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), trained, atol=1e-4)
    model.unmerge_lora()
    model.save_to_preset(tmp_path / "whole")
    whole = TextToTextClassifier.from_preset(tmp_path / "whole")
    np.testing.assert_allclose(whole.predict(TEXTS, verbose=0), trained, atol=1e-4)
    model.lora.remove()
    for a, b in zip(base, weights(model.backbone), strict=True):
        np.testing.assert_array_equal(a, b)


def test_adapters_of_a_base_with_short_sequences_keep_their_own_length(tmp_path):
    base = language_model(sequence_length=16)
    base.save_to_preset(tmp_path / "base")
    with pytest.raises(ArgumentError, match="no room for a text"):
        TextToTextClassifier.from_preset(tmp_path / "base", labels=["a", "b"])
    classifier = TextToTextClassifier.from_preset(
        tmp_path / "base", labels=["a", "b"], sequence_length=10_000
    )
    assert classifier.sequence_length == 256
    classifier.add_lora(rank=2)
    classifier.save_to_preset(tmp_path / "adapters", adapter_only=True)
    assert TextToTextClassifier.from_preset(tmp_path / "adapters").sequence_length == 256


@pytest.mark.parametrize("kind", ["gpt_neo", "gpt2"])
def test_configs_and_files_of_keras_go_round(kind, tmp_path):
    model = make(kind, answers=["no", "yes", "memo"])
    copy = TextToTextClassifier.from_config(model.get_config())
    assert (copy.labels, copy.answers, copy.prompt) == (model.labels, model.answers, model.prompt)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.Adam)
    np.testing.assert_allclose(
        loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0), atol=1e-5
    )


def test_numbered_labels_take_no_other_names():
    model = TextToTextClassifier(
        language_model(), ["0", "1"], prompt=SHORT, answers={"0": "yes", "1": "no"}
    )
    with pytest.raises(UnknownLabelError, match="yes"):
        model.fit(["a", "b"], ["yes", "no"], verbose=0)


@pytest.mark.parametrize("labels", [2, None, "ham"])
def test_labels_are_a_list(labels):
    with pytest.raises(ArgumentError, match="`labels` must be a list"):
        TextToTextClassifier(language_model(), labels)


def test_prompts_of_what_is_no_text(untrained):
    with pytest.raises(InvalidDataError, match=r"x\[1\]"):
        untrained.prompts(["a", None])
