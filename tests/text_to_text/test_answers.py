"""Answers of labels: what is refused, and whether their end is scored."""

import numpy as np
import pytest
from small_language_models import END, SHORT, language_model, letter_tokenizer

from keras_textcls import ArgumentError, InvalidDataError, TextToTextClassifier
from keras_textcls.labels import LabelSet
from keras_textcls.text_to_text.answers import LONGEST_ANSWER, read_answer_texts, tokenize_answers
from keras_textcls.text_to_text.prompt_encoding import PromptTokenizer

LABELS = LabelSet(["ham", "spam"])


def tokenize(texts):
    return [np.array([ord(letter) for letter in text]) for text in texts]


def test_names_are_the_answers_unless_told():
    assert read_answer_texts(None, LABELS) == ("ham", "spam")
    assert read_answer_texts({"spam": " bad ", "ham": "good"}, LABELS) == ("good", "bad")
    assert read_answer_texts(["good", "bad"], LABELS) == ("good", "bad")


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"ham": "good"}, "The label 'spam' has no answer"),
        ({"ham": "good", "spam": ""}, "The label 'spam' has no answer"),
        ({"ham": " \n", "spam": "x"}, "The label 'ham' has no answer"),
        ({"ham": 3, "spam": "x"}, "The label 'ham' has no answer"),
        ({"ham": "x", "spam": "y", "eggs": "z"}, "eggs"),
        (["x"], "a list of 2 answers"),
        ("ham", "a list of 2 answers"),
        (7, "a list of 2 answers"),
    ],
)
def test_what_cannot_be_answers(answers, message):
    with pytest.raises((ArgumentError, InvalidDataError), match=message):
        read_answer_texts(answers, LABELS)


def test_the_end_is_scored_where_one_begins_another():
    apart = tokenize_answers(["ab", "ac"], tokenize, END)
    assert not apart.has_end
    assert apart.scored == apart.ids == ((97, 98), (97, 99))
    assert apart.longest == 3
    nested = tokenize_answers(["ab", "abc"], tokenize, END)
    assert nested.has_end
    assert nested.scored == ((97, 98, END), (97, 98, 99, END))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["ab", "c", "ab"], "'ab' and 'ab' have the same tokens"),
        (["ab", ""], "has 0 tokens"),
        (["ab", "x" * (LONGEST_ANSWER + 1)], "has 65 tokens; it must have between 1 and 64"),
    ],
)
def test_what_cannot_be_told_apart(texts, message):
    with pytest.raises(ArgumentError, match=message):
        tokenize_answers(texts, tokenize, END)
    assert tokenize_answers(["ab", "x" * LONGEST_ANSWER], tokenize, END).longest == 65


def test_a_classifier_names_the_labels_with_the_same_answer():
    model = language_model()
    with pytest.raises(ArgumentError, match="'good' and 'good' have the same tokens"):
        TextToTextClassifier(model, ["ham", "eggs"], answers=["good", "good "], prompt=SHORT)
    with pytest.raises(ArgumentError, match="two labels or more"):
        TextToTextClassifier(model, ["ham"], prompt=SHORT)
    with pytest.raises(ArgumentError, match="has 70 tokens"):
        TextToTextClassifier(model, ["ham", "a" * 69], prompt=SHORT)


@pytest.mark.parametrize(
    "labels",
    [["{x}", "{text}"], ["two\nlines", "one"], ["a, b", "a"], ["ja", "нет"], ["1", "10", "100"]],
)
def test_names_of_any_kind_work(labels):
    classifier = TextToTextClassifier(language_model(), labels, prompt=SHORT)
    probabilities = classifier.predict_proba(["win {cash}", "{labels}", "{"], verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert classifier.classify("win cash")[0].label in labels
    prompt = classifier.prompts("win cash")[0]
    assert prompt.startswith("Choose " + ", ".join(labels) + ".")


def test_tokens_are_those_that_follow_a_prompt():
    tokenizer = PromptTokenizer(language_model().preprocessor)
    found = tokenize_answers(["ham", "spam"], lambda t: tokenizer.lists([f" {x}" for x in t]), END)
    known = letter_tokenizer()
    assert [[known.id_to_token(i) for i in ids] for ids in found.ids] == [
        ["\u0120h", "am"],
        ["\u0120spam"],
    ]
