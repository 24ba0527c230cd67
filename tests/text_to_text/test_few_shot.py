"""Examples in prompts: all in each, or those most like its text."""

import numpy as np
import pytest
from conftest import long_but, make_classifier
from small_language_models import SHORT, language_model

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    TextClassifier,
    TextToTextClassifier,
    UnknownLabelError,
    read,
)
from keras_textcls.labels import LabelSet
from keras_textcls.text_to_text import few_shot
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
        (
            read([{"a": "x", "b": "y", "c": "ham"}], text="a", text_pair="b", label="c"),
            InvalidDataError,
            "holds text pairs",
        ),
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
    alike = {"the lazy dog": "the lazy dog dog", "a small cat": "a small small cat"}
    for text, like in alike.items():
        (found,) = nearest([like])
        assert len(found) == 2
        assert found[-1][0] == text
    many = NearestExamples(EXAMPLES, 9, encoder)
    assert sorted(many(["a cat"])[0]) == sorted(EXAMPLES)


def test_the_order_is_that_of_the_cosines(encoder, monkeypatch):
    words = "the quick brown fox lazy dog a small cat and".split()
    examples = [(f"{a} {b}", "ham") for a in words for b in words]
    texts = ["the quick cat", "a dog dog", "fox and fox", "lazy the a"]
    nearest = NearestExamples(examples, 5, encoder)
    found = nearest(texts)
    vectors = [TextClassifier.from_preset(encoder, labels=["0", "1"]).embed(x, verbose=0)
               for x in (texts, [text for text, _ in examples])]  # fmt: skip
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in vectors]
    likeness = unit[0] @ unit[1].T
    for row, shown in zip(likeness, found, strict=True):
        values = [row[examples.index(pair)] for pair in shown]
        np.testing.assert_allclose(values, np.sort(row)[-5:], atol=1e-5)
    monkeypatch.setattr(few_shot, "_MOST_COMPARED", 1)
    assert nearest(texts) == found


def test_no_text_is_an_example_of_itself(encoder):
    nearest = NearestExamples([*EXAMPLES, ("the lazy dog ", "spam")], 4, encoder)
    (found,) = nearest([" the lazy dog"])
    assert sorted(text for text, _ in found) == ["a small cat", "the quick brown fox"]


@pytest.mark.parametrize("kind", long_but(["gpt2"], ["gpt_neo", "gpt2"]))
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


def test_examples_that_leave_no_room_are_left_out(encoder):
    model, arguments = language_model(), {"prompt": SHORT, "embedding_preset": encoder}
    long = ("a cat and a cat " * 20, "ham")
    some = TextToTextClassifier(
        model, list(LABELS), examples=[*EXAMPLES, long], num_examples=4, **arguments
    )
    without = TextToTextClassifier(
        model, list(LABELS), examples=EXAMPLES, num_examples=3, **arguments
    )
    texts = ["a cat and a cat", "the lazy fox"]
    np.testing.assert_allclose(
        some.predict(texts, verbose=0), without.predict(texts, verbose=0), atol=1e-4
    )
    with pytest.raises(ArgumentError, match="fewer examples"):
        TextToTextClassifier(model, list(LABELS), prompt=SHORT, examples=[long])


def test_wrong_arguments(encoder):
    model = language_model()
    for arguments, message in (
        ({"embedding_preset": encoder}, "`examples` must be given with embedding_preset"),
        ({"num_examples": 0}, "`num_examples` must be a positive integer"),
        ({"num_examples": True}, "`num_examples` must be a positive integer"),
        ({"num_examples": 1.5}, "`num_examples` must be a positive integer"),
        ({"content_free": 3}, "`content_free` must be a text or None"),
        ({"embedding_preset": 3}, "`embedding_preset` must be a name or a path"),
    ):
        with pytest.raises(ArgumentError, match=message):
            TextToTextClassifier(model, list(LABELS), prompt=SHORT, **arguments)
