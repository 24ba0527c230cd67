"""Every causal language model of Keras Hub that reads text alone serves, or is refused by name."""

import re
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest
from architectures import architecture
from conftest import STEP_BY_STEP, long_but, perturb
from small_language_models import SHORT

from keras_textcls import ArgumentError, TextToTextClassifier, classifier_from_preset

SCORERS = {
    "Bloom": "cached",
    "Falcon": "cached",
    "GPT2": "cached",
    # Its cache gives other logits than the whole text does.
    "GPTNeoX": "plain",
    "Gemma": "cached",
    # Its cache asks for images.
    "Gemma3": "plain",
    "GptOss": "cached",
    "Llama": "cached",
    "Llama3": "cached",
    "Mistral": "cached",
    "Mixtral": "cached",
    "OPT": "cached",
    "Phi3": "cached",
    "Qwen": "cached",
    "Qwen3": "cached",
    "Qwen3Moe": "cached",
    # Half of its layers have a state in place of a cache.
    "Qwen3_5": "plain",
    "Qwen3_5Moe": "plain",
    "QwenMoe": "cached",
    "SmolLM3": "cached",
}
TEXTS = ["the quick brown fox", "", "the lazy dog jumped over the fox and the dog and a cat"]
NAMES = ["good", "very bad", "good"]


def make(name):
    entry = architecture(f"{name}Backbone")
    task = getattr(keras_hub.models, f"{name}CausalLM")
    preprocessor = task.preprocessor_cls(entry.build_tokenizer(), sequence_length=128)
    return task(backbone=perturb(entry.build_backbone()), preprocessor=preprocessor)


@pytest.mark.parametrize("name", long_but(["GPT2", "GPTNeoX"], SCORERS))
def test_a_language_model_of_keras_hub_serves(name, tmp_path):
    model = make(name)
    classifier = TextToTextClassifier(model, ["good", "very bad"], prompt=SHORT)
    assert classifier.scorer == SCORERS[name]
    found = classifier.predict(TEXTS, verbose=0)
    plain = TextToTextClassifier(model, ["good", "very bad"], prompt=SHORT, scorer="plain")
    np.testing.assert_allclose(found, plain.predict(TEXTS, verbose=0), atol=1e-4)
    alone = classifier.predict(TEXTS[:1], verbose=0)
    np.testing.assert_allclose(alone, found[:1], atol=1e-4)
    assert np.abs(found[0] - found[2]).max() > 1e-4, "the text does not reach the scores"
    classifier.compile(optimizer=keras.optimizers.SGD(1e-2), run_eagerly=STEP_BY_STEP)
    history = classifier.fit(TEXTS, NAMES, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    trained = classifier.predict(TEXTS, verbose=0)
    assert np.abs(trained - found).max() > 1e-5
    classifier.save_to_preset(tmp_path / "preset")
    again = classifier_from_preset(tmp_path / "preset")
    np.testing.assert_allclose(again.predict(TEXTS, verbose=0), trained, atol=1e-5)


@pytest.mark.parametrize("name", long_but(["GPT2"], ["Phi3", "Gemma", "GPT2"]))
def test_prompts_are_stripped(name):
    model = TextToTextClassifier(make(name), ["good", "bad"], prompt=SHORT)
    whole = model.generate("the quick brown fox", max_new_tokens=4)
    rest = model.generate("the quick brown fox", max_new_tokens=4, strip_prompt=True)
    assert whole == "the quick brown fox" + rest


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("RWKV7", "causal_lm=RWKV7CausalLM, whose backbone is no layer of it"),
        ("Gemma3n", "causal_lm=Gemma3nCausalLM, which takes a list of"),
    ],
)
def test_what_cannot_serve_is_refused(name, message):
    with pytest.raises(ArgumentError, match=message):
        TextToTextClassifier(make(name), ["good", "bad"], prompt=SHORT)


def test_what_is_no_language_model_is_refused():
    backbone = architecture("BertBackbone").build_backbone()
    for other in (backbone, "gpt2", None):
        with pytest.raises(ArgumentError, match="must be a causal language model"):
            TextToTextClassifier(other, ["good", "bad"])
    model = make("GPT2")
    bare = keras_hub.models.GPT2CausalLM(model.backbone)
    with pytest.raises(ArgumentError, match="has no preprocessor"):
        TextToTextClassifier(bare, ["good", "bad"])
    with pytest.raises(ArgumentError, match='scorer="tree" is for GPT-Neo'):
        TextToTextClassifier(model, ["good", "bad"], prompt=SHORT, scorer="tree").predict(["x"])
    with pytest.raises(ArgumentError, match="`scorer` must be one of"):
        TextToTextClassifier(model, ["good", "bad"], prompt=SHORT, scorer="best")


def test_the_documentation_lists_each():
    page = Path(__file__).parents[2] / "docs" / "text_to_text.md"
    row = re.compile(r"^\| (\w+) \| (tree|cached|plain) \|", re.MULTILINE)
    assert dict(row.findall(page.read_text(encoding="utf-8"))) == SCORERS | {"GPTNeo": "tree"}
