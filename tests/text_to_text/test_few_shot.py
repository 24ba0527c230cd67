"""Examples in prompts: all in each, or those most like its text."""

import numpy as np
import pytest
from conftest import make_classifier
from small_language_models import SHORT, language_model

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    TextToTextClassifier,
    UnknownLabelError,
    read,
)
from keras_textcls.labels import LabelSet
from keras_textcls.text_to_text.few_shot import NearestExamples, read_examples

LABELS = LabelSet(["ham", "spam"])
EXAMPLES = [("the lazy dog", "ham"), ("a small cat", "spam"), ("the quick brown fox", "ham")]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("encoder") / "preset"
    make_classifier().save_to_preset(directory)
    return str(directory)


def test_examples_are_read():
    assert read_examples(None, LABELS) == ()
    assert read_examples(EXAMPLES, LABELS) == tuple(EXAMPLES)
    assert read_examples([list(pair) for pair in EXAMPLES], LABELS) == tuple(EXAMPLES)
    assert read_examples(read(EXAMPLES), LABELS) == tuple(EXAMPLES)


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ([("x", "eggs")], UnknownLabelError, "eggs"),
        ([("x",)], ArgumentError, r"a list of \(text, label\)"),
        ([("x", 1)], ArgumentError, r"a list of \(text, label\)"),
        (["xy"], ArgumentError, r"a list of \(text, label\)"),
        ("xy", ArgumentError, r"a list of \(text, label\)"),
        (3, ArgumentError, r"a list of \(text, label\)"),
        (read([("x", ["ham", "spam"])]), InvalidDataError, "one label a text"),
        (read(["x", "y"], unlabelled="keep"), InvalidDataError, "one label a text"),
    ],
)
def test_what_cannot_be_examples(examples, error, message):
    with pytest.raises(error, match=message):
        read_examples(examples, LABELS)


def test_all_examples_stand_in_each_prompt():
    classifier = TextToTextClassifier(
        language_model(), list(LABELS), prompt=SHORT, examples=EXAMPLES, answers=["no", "yes"]
    )
    (prompt,) = classifier.prompts("win {cash}")
    assert prompt == (
        "Choose no, yes. Text: the lazy dog Answer: no Text: a small cat Answer: yes "
        "Text: the quick brown fox Answer: no Text: win {cash} Answer:"
    )
    zero = TextToTextClassifier(language_model(), list(LABELS), prompt=SHORT, answers=["no", "yes"])
    assert np.abs(classifier.predict(["x"], verbose=0) - zero.predict(["x"], verbose=0)).max() > 0


def test_the_likest_example_stands_last(encoder):
    nearest = NearestExamples(EXAMPLES, 2, encoder)
    for text, _ in EXAMPLES:
        (found,) = nearest([text])
        assert len(found) == 2
        assert found[-1][0] == text
    many = NearestExamples(EXAMPLES, 9, encoder)
    assert sorted(many(["a cat"])[0]) == sorted(EXAMPLES)


@pytest.mark.parametrize("kind", ["gpt_neo", "gpt2"])
def test_each_text_has_examples_of_its_own(kind, encoder):
    model = language_model(kind)
    arguments = {"prompt": SHORT, "content_free": None}
    classifier = TextToTextClassifier(
        model, list(LABELS), examples=EXAMPLES, embedding_preset=encoder, num_examples=1,
        **arguments,
    )  # fmt: skip
    texts = ["the lazy dog and", "a small small cat", "quick fox", ""]
    prompts = classifier.prompts(texts)
    found = classifier.predict(texts, verbose=0)
    for text, prompt, scores in zip(texts, prompts, found, strict=True):
        (shown,) = [pair for pair in EXAMPLES if f"Text: {pair[0]} Answer: {pair[1]}" in prompt]
        same = TextToTextClassifier(model, list(LABELS), examples=[shown], **arguments)
        assert same.prompts(text) == [prompt]
        np.testing.assert_allclose(same.predict([text], verbose=0)[0], scores, atol=1e-4)
    classifier.fit(texts, ["ham", "spam", "ham", "spam"], verbose=0)


def test_examples_that_are_too_long_are_told(encoder):
    examples = [*EXAMPLES, ("a cat and a cat " * 20, "ham")]
    classifier = TextToTextClassifier(
        language_model(), list(LABELS), prompt=SHORT, examples=examples, embedding_preset=encoder,
        num_examples=1,
    )  # fmt: skip
    with pytest.raises(ArgumentError, match="fewer examples"):
        classifier.predict(["a cat and a cat " * 20], verbose=0)


def test_wrong_arguments(encoder):
    model = language_model()
    for arguments, message in (
        ({"embedding_preset": encoder}, "`examples` must be given with embedding_preset"),
        ({"num_examples": 0}, "`num_examples` must be a positive integer"),
        ({"num_examples": True}, "`num_examples` must be a positive integer"),
        ({"num_examples": 1.5}, "`num_examples` must be a positive integer"),
        ({"content_free": 3}, "`content_free` must be a text or None"),
    ):
        with pytest.raises(ArgumentError, match=message):
            TextToTextClassifier(model, list(LABELS), prompt=SHORT, **arguments)
