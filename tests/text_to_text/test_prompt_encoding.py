"""The tokens of the parts of a prompt are those of the whole; long texts lose their end."""

import keras_hub
import numpy as np
import pytest
from architectures import architecture
from conftest import long_but
from small_language_models import SHORT, language_model, letter_tokenizer, prompt_ids

from keras_textcls import ArgumentError, TextToTextClassifier
from keras_textcls.text_to_text import text_to_text
from keras_textcls.text_to_text.prompt_encoding import PromptTokenizer, as_encoded, with_answers
from keras_textcls.tokenization.fast_tokenization import GraphTokenizer

TEXTS = [
    "win cash",
    "",
    "   ",
    "  stripped \n",
    "several   spaces    inside",
    "1234 5,678.90 at 7pm",
    "naïve café, 日本語 текст 🙂",
    "one\ntwo\n\nthree\ttab",
    "!! ?? ... :: ### Human:",
    "it's don't we'll",
    "{text} }{",
    ": colon",
]
TURNS = [
    SHORT,
    {},
    {"instruction": "Of {labels}", "turn": "\n\nText: {text}\nAnswer: {answer}"},
    {"instruction": "", "turn": "T: {text} => {answer}"},
]
EXAMPLES = [("good film", "yes"), ("bad  film\nindeed", "no")]


def model_of(kind):
    """A language model with room for long prompts, and its tokenizer."""
    if kind == "byte_pair":
        model = language_model(sequence_length=1024)
        model.backbone.max_sequence_length = 1024  # Only tokens are looked at.
        return model, letter_tokenizer()
    entry = architecture(f"{kind}Backbone")
    task = getattr(keras_hub.models, f"{kind}CausalLM")
    tokenizer = entry.build_tokenizer()
    preprocessor = task.preprocessor_cls(tokenizer, sequence_length=1024)
    return task(backbone=entry.build_backbone(), preprocessor=preprocessor), tokenizer


def encoded(classifier, texts):
    read = classifier._reader("evaluate").read(texts, labelled=False).whole.texts
    return rows(read.flat["token_ids"], read.lengths)


def rows(flat, lengths):
    return [row.tolist() for row in np.split(flat, np.cumsum(lengths)[:-1])]


@pytest.mark.parametrize("kind", long_but(["byte_pair", "Llama"], ["byte_pair", "Llama", "Gemma"]))
def test_the_parts_are_the_whole(kind, monkeypatch):
    model, tokenizer = model_of(kind)
    start = [tokenizer.start_token_id]
    whole, parts = GraphTokenizer(tokenizer), PromptTokenizer(model.preprocessor)
    monkeypatch.setattr(text_to_text, "PromptTokenizer", lambda _: parts)
    for turn, examples in [*((turn, None) for turn in TURNS), (TURNS[0], EXAMPLES)]:
        classifier = TextToTextClassifier(model, ["yes", "no"], prompt=turn, examples=examples)
        prompts = classifier.prompts(TEXTS)
        found = encoded(classifier, TEXTS)
        (no,) = classifier._prompt_parts().answers.ids[1:]
        expected = rows(*whole([*prompts, *(f"{prompt} no" for prompt in prompts)]))
        for i, text in enumerate(TEXTS):
            assert found[i] == [*start, *expected[i]], (turn, text)
            assert [*found[i], *no] == [*start, *expected[len(TEXTS) + i]], (turn, text)


def test_a_long_text_loses_its_end_alone():
    classifier = TextToTextClassifier(language_model(), ["ham", "spam"], prompt=SHORT)
    classifier.sequence_length = 80
    tokenizer = letter_tokenizer()
    words = "abcdefghij " * 20
    (long,) = encoded(classifier, [words])
    before = prompt_ids(tokenizer, classifier.prompt.before(["ham", "spam"]))
    after = prompt_ids(tokenizer, " Answer:")[1:]
    answers = classifier._prompt_parts().answers
    assert len(long) == 80 - answers.longest
    assert long[: len(before)] == before
    assert long[-len(after) :] == after
    kept = prompt_ids(tokenizer, f": {words.strip()}")[2:]
    text = long[len(before) : -len(after)]
    assert text == kept[: len(text)]
    # One that fits keeps all.
    room = classifier._prompt_parts().room(80)
    (whole,) = encoded(classifier, ["a" * (room - 1)])
    assert len(whole) == len(long)
    assert whole == prompt_ids(tokenizer, classifier.prompts("a" * (room - 1))[0])
    assert classifier.predict([words, "x"], verbose=0).shape == (2, 2)
    classifier.fit([words, "x"], ["ham", "spam"], verbose=0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"prompt": {"instruction": " ".join(["word"] * 60)}},
        {"examples": [("a long example " * 10, "ham")] * 3},
        {"labels": [f"label number {i}" for i in range(20)]},
    ],
)
def test_no_room_is_said(arguments):
    labels = arguments.pop("labels", ["ham", "spam"])
    with pytest.raises(ArgumentError, match="leaves no room for a text: of sequence_length=256"):
        TextToTextClassifier(language_model(), labels, **arguments)


def test_no_room_after_the_length_was_lowered():
    classifier = TextToTextClassifier(language_model(), ["ham", "spam"])
    classifier.sequence_length = 40
    for call in (
        lambda: classifier.predict(["win"], verbose=0),
        lambda: classifier.fit(["win"], ["ham"], verbose=0),
        lambda: classifier.evaluate(["win"], ["ham"], verbose=0),
    ):
        with pytest.raises(ArgumentError, match="leaves no room"):
            call()


def test_pairs_have_no_place():
    classifier = TextToTextClassifier(language_model(), ["ham", "spam"], prompt=SHORT)
    with pytest.raises(ArgumentError, match="Text pairs have no place"):
        classifier.predict((["a", "b"], ["c", "d"]), verbose=0)


def test_answers_stand_after_their_prompts():
    lengths = np.array([2, 1, 3], "int32")
    prompts = as_encoded(lengths, np.array([11, 12, 21, 31, 32, 33], "int32"), 16)
    answers = [np.array([1, 2, 9]), np.array([3, 9]), np.array([9])]
    texts, targets = with_answers(prompts, answers, 3)
    assert texts.lengths.tolist() == [4, 2, 3]
    assert texts.flat["token_ids"].tolist() == [11, 12, 1, 2, 21, 3, 31, 32, 33]
    assert targets.tolist() == [[1, 2, 9], [3, 9, -1], [9, -1, -1]]
    assert texts.fixed["answer_positions"].tolist() == [[1, 2, 3], [0, 1, 1], [2, 2, 2]]
