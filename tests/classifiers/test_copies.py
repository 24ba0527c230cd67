"""Every way of copying a classifier gives the same answers, and every config goes round."""

import copy
import importlib
import json
import pickle

import joblib
import keras
import numpy as np
import pytest
from conftest import long_but, make_classifier, mixed_texts, quantize
from small_language_models import language_model

from keras_textcls import (
    AnswerOptions,
    ArgumentError,
    TextClassifier,
    TextToTextClassifier,
    VectorScaling,
)

TEXTS = mixed_texts(5, longest=40)
PAIRS = (TEXTS, mixed_texts(5, seed=1))
SUMMARY = {"template": "by hand", "folds": [1, 2], "best": {"epoch": 3}}


def adapted(model, targets="attention"):
    """Adapters that change what a model answers."""
    rng = np.random.default_rng(0)
    for _, b in model.add_lora(rank=2, seed=0, targets=targets).weights().values():
        b.assign(rng.normal(0, 0.5, b.shape).astype("float32"))
    return model


def calibrated():
    return make_classifier(thresholds=[0.55, 0.6], temperature=0.6, training_summary=SUMMARY)


def vector_scaled():
    return make_classifier(
        vector_scaling=VectorScaling((1.0, 2.0), (0.25, -1.0)),
        answer_options=AnswerOptions(max_labels=1, min_score=0.1),
    )


def multi_label():
    return make_classifier(
        labels=["a", "b", "c"],
        multi_label=True,
        thresholds={"a": 0.1, "b": 0.25},
        temperature=3,
        answer_options={"select_labels": ["b", "a"]},
    )


def in_chunks():
    return make_classifier(sequence_length=16, long_texts="chunk", temperature=0.5)


def with_adapters():
    return adapted(make_classifier(temperature=2.0), "all-linear")


def with_merged_adapters():
    model = adapted(make_classifier())
    model.merge_lora()
    return model


def quantized():
    model = make_classifier(temperature=2.0)
    quantize(model)
    return model


def quantized_with_adapters():
    return adapted(quantized())


def asking():
    return TextToTextClassifier(
        language_model(),
        ["ham", "spam"],
        answers=["fine", "junk"],
        thresholds=0.51,
        temperature=0.3,
        vector_scaling={"scale": [1.5, 2.0], "bias": [0.5, -0.5]},
        answer_options=AnswerOptions(max_labels=1),
        training_summary=SUMMARY,
    )


def asking_with_adapters():
    return adapted(asking())


CASES = [
    calibrated, vector_scaled, multi_label, in_chunks, with_adapters, with_merged_adapters,
    quantized, quantized_with_adapters, asking, asking_with_adapters,
]  # fmt: skip
QUICK = (calibrated, with_adapters)


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def through_a_keras_file(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def through_cloudpickle(model, folder):
    cloudpickle = importlib.import_module("cloudpickle")
    return pickle.loads(cloudpickle.dumps(model))


def through_a_preset(model, folder):
    model.save_to_preset(folder / "preset")
    return type(model).from_preset(folder / "preset")


def through_json(model, folder):
    """A config has neither weights nor a vocabulary."""
    made = keras.models.model_from_json(model.to_json())
    if isinstance(made, TextClassifier):
        made.preprocessor = model.preprocessor
    else:
        made.causal_lm.preprocessor = model.preprocessor
    made.set_weights(model.get_weights())
    return made


WAYS = {
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
    "keras": through_a_keras_file,
    "json": through_json,
}


def answers(model):
    found = [(p.label, p.labels) for p in model.classify(TEXTS)]
    scores = [np.round(p.scores, 4).tolist() for p in model.classify(TEXTS)]
    if isinstance(model, TextClassifier):
        found += [(p.label, p.labels) for p in model.classify(PAIRS)]
    return found, scores


def settings(model):
    """What the config says of a model, beside its name."""
    return json.loads(json.dumps({**model.get_config(), "name": ""}))


@pytest.mark.parametrize("case", long_but(QUICK, CASES), ids=lambda case: case.__name__)
def test_every_copy_gives_the_same_answers(case, tmp_path):
    model = case()
    expected, scores = answers(model)
    plain = TextClassifier if isinstance(model, TextClassifier) else TextToTextClassifier
    for way, copied in WAYS.items():
        made = copied(model, tmp_path)
        assert type(made) is plain, way
        found, found_scores = answers(made)
        assert found == expected, way
        for one, other in zip(found_scores, scores, strict=True):
            np.testing.assert_allclose(one, other, atol=2e-4, err_msg=way)
        assert settings(made) == settings(model), way
        assert (made.lora is None) == (model.lora is None), way


@pytest.mark.parametrize("way", [through_cloudpickle, through_a_preset])
def test_presets_and_pickles_of_clusters_give_the_same_answers(way, tmp_path):
    if way is through_cloudpickle:
        pytest.importorskip("cloudpickle")
    model = calibrated()
    made = way(model, tmp_path)
    assert answers(made) == answers(model)
    assert made.training_summary == SUMMARY


def test_a_copy_of_a_quantized_copy(tmp_path):
    """Its layers share a map of dtypes, by which Keras does not save embeddings."""
    model = quantized()
    made = copy.deepcopy(copy.deepcopy(model))
    assert answers(made) == answers(model)
    again = through_a_preset(through_a_preset(made, tmp_path / "a"), tmp_path / "b")
    assert answers(again) == answers(model)


def test_copies_are_independent():
    model = calibrated()
    made = copy.deepcopy(model)
    made.temperature, made.thresholds = 5.0, None
    assert (model.temperature, model.thresholds) == (0.6, [0.55, 0.6])


def test_a_copy_goes_on_training_with_its_adapters():
    model = with_adapters()
    made = copy.deepcopy(model)
    assert made.lora.paths == model.lora.paths
    for classifier in (model, made):
        classifier.fit(TEXTS, ["ham", "spam"] * 2 + ["ham"], seed=0, verbose=0)
    outputs = [classifier.predict(TEXTS, verbose=0) for classifier in (model, made)]
    np.testing.assert_allclose(*outputs, atol=1e-4)
    # The weights of the base are restored as they were before merging.
    merged = copy.deepcopy(with_merged_adapters())
    assert merged.lora.is_merged
    merged.unmerge_lora()
    merged.lora.remove()
    np.testing.assert_allclose(
        merged.predict(TEXTS, verbose=0), make_classifier().predict(TEXTS, verbose=0), atol=1e-5
    )


def test_what_the_caller_gives_comes_before_what_the_preset_holds(tmp_path):
    calibrated().save_to_preset(tmp_path)
    made = TextClassifier.from_preset(
        tmp_path, temperature=2, answer_options={"max_labels": 1}, training_summary={"mine": 1}
    )
    assert (made.temperature, made.thresholds) == (2.0, [0.55, 0.6])
    assert made.answer_options == AnswerOptions(max_labels=1)
    assert made.training_summary == {"mine": 1}


def test_a_custom_compilation_is_copied():
    model = make_classifier()
    model.compile(optimizer=keras.optimizers.SGD(0.25), loss="kl_divergence", metrics=["mae"])
    made = copy.deepcopy(model)
    assert made.loss == "kl_divergence"
    assert isinstance(made.optimizer, keras.optimizers.SGD)
    assert float(made.optimizer.learning_rate) == 0.25


def test_a_frozen_backbone_stays_frozen_in_a_copy():
    model = make_classifier()
    model.backbone.trainable = False
    made = copy.deepcopy(model)
    assert len(made.trainable_weights) == len(model.trainable_weights) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0}, "`temperature` must be a positive number"),
        ({"temperature": "hot"}, "`temperature` must be a positive number"),
        ({"thresholds": [0.5]}, "2 of them"),
        ({"vector_scaling": {"scale": [1, 2]}}, "`vector_scaling` is incomplete"),
        ({"vector_scaling": {"scale": [1, 2], "bias": [0, float("nan")]}}, "2 factors and biases"),
        ({"vector_scaling": {"scale": [1], "bias": [0]}}, "2 factors and biases"),
        ({"vector_scaling": 3}, "must be VectorScaling, or a dict with bias and scale"),
        ({"answer_options": {"min": 3}}, "must be AnswerOptions, or a dict with max_labels"),
        ({"long_texts": "cut"}, "`long_texts` must be one of"),
        ({"seed": -1}, "`seed` must be an integer from 0 on"),
        ({"seed": "x"}, "`seed` must be an integer from 0 on"),
        ({"temperatur": 1}, "Did you mean 'temperature'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        make_classifier(**arguments)


@pytest.mark.parametrize("hidden_dim", [None, 8])
def test_a_seed_fixes_the_head_and_what_comes_of_it(hidden_dim):
    outputs = []
    for seed in (3, 3, 4):
        made = make_classifier("GPT2Backbone", hidden_dim=hidden_dim, seed=seed)
        made.fit(TEXTS, [0, 1, 0, 1, 0], seed=0, verbose=0)
        outputs.append(made.predict(TEXTS, verbose=0))
        # What was drawn in between makes no difference.
        np.random.rand(7)
        keras.utils.set_random_seed(seed + 100)
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.abs(outputs[0] - outputs[2]).max() > 1e-3
    assert made.with_new_head().seed == 4
    assert TextClassifier.from_config(made.get_config()).seed == 4
