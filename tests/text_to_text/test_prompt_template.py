"""Prompts are what the template says, whatever the texts and labels hold."""

import pytest

from keras_textcls import ArgumentError, PromptTemplate

NAMES = ["{x}", "a, b", "two\nlines", "{labels}", "}{", "%s"]
TEXTS = ["{text}", "{answer} {0}", "}}{{", "a\n\nb", "{", "\\n"]


def test_the_default_has_the_form_of_the_seeds():
    assert PromptTemplate().prompt("win cash", ["ham", "spam"]) == (
        "### Instruction: Read the text and choose an answer from {ham, spam} "
        "### Human: win cash ### Assistant:"
    )


@pytest.mark.parametrize("text", TEXTS)
def test_braces_come_through_literally(text):
    template = PromptTemplate("Of {labels} and {{none}}:", "\nIn {{{text}}}\nOut:\t{answer}")
    found = template.prompt(text, NAMES, examples=[(text, "{x}"), ("y", "{text}")])
    assert found == (
        "Of " + ", ".join(NAMES) + " and {none}:"
        "\nIn {" + text + "}\nOut:\t{x}"
        "\nIn {y}\nOut:\t{text}"
        "\nIn {" + text + "}\nOut:"
    )


def test_white_space_belongs_to_what_it_stands_before():
    template = PromptTemplate("", "Text: {text} => {answer}")
    assert template.pieces == ("Text:", " ", " =>", " ")
    assert template.prompt("  padded \n", []) == "Text: padded =>"
    assert template.prompt("", []) == template.prompt("  ", []) == "Text: =>"
    assert template.turns([("", "x")]) == "Text: => x"


def test_the_pieces_make_the_prompt():
    template = PromptTemplate("Choose {labels}.", " T: {text} A: {answer}")
    examples = [("one", "ham"), ("two", "spam")]
    _, space, after, _ = template.pieces
    whole = template.before(NAMES, examples) + space + "three" + after
    assert whole == template.prompt("three", NAMES, examples)
    assert template.prompt("one", NAMES) + " ham" == template.opening(NAMES) + template.turns(
        [("one", "ham")]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"instruction": "{label}"}, r"no slot 'label'. Did you mean.*takes \{labels\}"),
        ({"instruction": "{0}"}, "no slot '0'"),
        ({"instruction": "{}"}, "no slot ''"),
        ({"instruction": "{labels!r}"}, "no slot 'labels'"),
        ({"instruction": "{labels:>9}"}, "no slot 'labels'"),
        ({"instruction": "{labels.__class__}"}, "no slot 'labels.__class__'"),
        ({"instruction": "{labels[0]}"}, "no slot"),
        ({"instruction": "a { b"}, "lone brace"),
        ({"instruction": "a } b"}, "lone brace"),
        ({"instruction": 3}, "must be a string"),
        ({"turn": None}, "must be a string"),
        ({"turn": "{text}"}, r"must hold \{text\} once"),
        ({"turn": "{answer}"}, r"must hold \{text\} once"),
        ({"turn": "{answer} {text}"}, r"must hold \{text\} once"),
        ({"turn": "{text} {answer}."}, "at the very end"),
        ({"turn": "{text} {answer} "}, "at the very end"),
        ({"turn": "{text} {text} {answer}"}, r"\{text\} once"),
        ({"turn": "{text} {answer} {answer}"}, "at the very end"),
        ({"turn": "{text} {labels} {answer}"}, "no slot 'labels'"),
    ],
)
def test_what_cannot_be_a_template(arguments, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        PromptTemplate(**arguments)
    assert next(iter(arguments)) in str(caught.value)


def test_a_template_goes_through_json():
    template = PromptTemplate("{{Choose}} {labels}.", " T: {text} A: {answer}")
    assert PromptTemplate.read(template.to_dict()) == template
    assert PromptTemplate.read(None) == PromptTemplate()
    assert PromptTemplate.read(template) is template


@pytest.mark.parametrize("given", ["a text", ["a"], {"instruction": "x", "other": "y"}, {3: "x"}])
def test_what_cannot_be_read(given):
    with pytest.raises(ArgumentError, match="`prompt` must be a PromptTemplate, or a dict with"):
        PromptTemplate.read(given)
