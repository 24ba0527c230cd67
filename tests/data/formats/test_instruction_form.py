"""Clarifai's instruction form for text-to-text data: one cell a row."""

import csv
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textcls import ArgumentError, InvalidDataError, PromptTemplate, TextDataset, read
from keras_textcls.data.formats.instruction_form import (
    braced,
    format_cell,
    labels_in_braces,
    parse_cell,
)

SEED = "Read the text and choose an answer from {positive, negative}"
CELL = "### Instruction: {} ### Human: {} ### Assistant: {}"
FILM = CELL.format(SEED, "what a film", "positive")
BORE = CELL.format(SEED, "what a bore", "negative")


def write_cells(path, cells, column="text"):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([[column], *([cell] for cell in cells)])
    return path


def cells_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [row[0] for row in csv.reader(file)][1:]


# === Reading ===


@pytest.mark.parametrize("name", ["d.csv", "d.tsv"])
def test_the_cell_of_the_seeds(tmp_path, name):
    dataset = read(write_cells(tmp_path / name, [FILM, BORE]))
    assert dataset.texts == ["what a film", "what a bore"]
    assert dataset.targets == ["positive", "negative"] and not dataset.multi_label
    assert dataset.labels == ["positive", "negative"]
    assert dataset.metadata == [{"instruction": SEED}] * 2
    assert dataset.details["form"] == "instruction"


def test_json_lines_and_arrays_have_it_too(tmp_path):
    rows = [{"text": FILM}, {"text": BORE}, {"text": None}]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "d.json").write_text(json.dumps(rows))
    for name in ("d.jsonl", "d.json"):
        dataset = read(tmp_path / name, invalid_data_tolerance_percent=50)
        assert dataset.targets == ["positive", "negative"], name
        assert [row.reason for row in dataset.invalid_rows] == ["no text"]


def test_the_portal_form_without_concepts(tmp_path):
    path = write_cells(tmp_path / "d.csv", [FILM, BORE], "input.data.text.raw")
    assert read(path).targets == ["positive", "negative"]


def test_cells_with_commas_but_without_quotes(tmp_path):
    (tmp_path / "d.csv").write_text(f"text\n{FILM}\n{BORE}\n")
    assert read(tmp_path / "d.csv").texts == ["what a film", "what a bore"]


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("### Instruction: i\n### Human: t\n### Assistant: a", ("i", "t", "a")),
        ("\n### INSTRUCTION:\r\ni\r\n\r\n### human:t### aSSistant:a\n", ("i", "t", "a")),
        ("### Human: t ### Assistant: very good indeed", ("", "t", "very good indeed")),
        ('### Human: a "b" #, {c} ### Assistant: a', ("", 'a "b" #, {c}', "a")),
        ("### Human: two\nlines ### Assistant: a", ("", "two\nlines", "a")),
        ("### Human: ### ### Assistant: ###", ("", "###", "###")),
        ("### Human: Human: x ### Assistant:", ("", "Human: x", "")),
    ],
)
def test_variants(cell, parts):
    assert parse_cell(cell) == parts


def test_other_marks_are_words_of_the_text():
    # The form has three marks, and no synonyms for them.
    assert parse_cell("### Input: x ### Response: y")[0] == "not of the instruction form"


def test_rows_that_cannot_be_used(tmp_path):
    turn = "### Human: x ### Assistant: positive"
    cells = [
        FILM,
        "### Human: no answer ### Assistant: ",
        "### Human: ### Assistant: positive",
        f"{turn} {turn}",
        "two\nlines, no mark",
        "### Human: what a film",
        "### Assistant: positive ### Human: x",
        f"Hello. {turn}",
        f"### Human: x {FILM}",
        BORE,
    ]
    dataset = read(write_cells(tmp_path / "d.csv", cells), invalid_data_tolerance_percent=100)
    assert dataset.texts == ["what a film", "what a bore"]
    assert dataset.labels == ["positive", "negative"]
    assert [(row.line, row.reason) for row in dataset.invalid_rows] == [
        (3, "no label"),
        (4, "no text"),
        (5, "several turns"),
        (6, "not of the instruction form"),
        (8, "not of the instruction form"),
        (9, "not of the instruction form"),
        (10, "not of the instruction form"),
        (11, "several turns"),
    ]
    details = [row.detail for row in dataset.invalid_rows]
    assert details[2].startswith("2 times '### Human:'")
    assert details[3] == "it has no '### Human:'" and details[4] == "it has no '### Assistant:'"
    assert details[5] == "'### Assistant:' comes before '### Human:'"
    assert details[6] == "other text comes before '### Human:'"
    with pytest.raises(InvalidDataError, match="8 of 10 rows"):
        read(tmp_path / "d.csv")


def test_lines_of_a_damaged_file(tmp_path):
    (tmp_path / "d.csv").write_bytes(
        f'id,text\n1,"{FILM}"\n2\n3,no mark\n4,"{BORE}"\n'.encode()
        + b"5,### Human: caf\xc3 ### Assistant: negative\n4,### Human: x ### Assistant: negative\n"
    )
    dataset = read(tmp_path / "d.csv", encoding="utf-8", invalid_data_tolerance_percent=90)
    assert dataset.ids == ["1", "4"]
    assert [(row.line, row.reason) for row in dataset.invalid_rows] == [
        (3, "wrong column count"),
        (4, "not of the instruction form"),
        (6, "undecodable bytes"),
        (7, "duplicate id"),
    ]


def test_texts_without_answers_are_kept_if_asked_for(tmp_path):
    path = write_cells(tmp_path / "d.csv", [FILM, "### Human: what next ### Assistant:"])
    assert read(path, unlabelled="keep").targets == ["positive", None]


def test_order_of_the_labels(tmp_path):
    def labels(*cells):
        return read(write_cells(tmp_path / "d.csv", cells)).labels

    # Those that do not occur are known too.
    assert labels(FILM) == ["positive", "negative"]
    other = CELL.format("Is it {negative, positive}?", "x", "negative")
    assert labels(FILM, other) == ["negative", "positive"]
    assert labels(FILM, "### Human: x ### Assistant: negative") == ["negative", "positive"]
    # An answer that is not among them is one all the same.
    assert labels(FILM, CELL.format(SEED, "x", "mixed")) == ["mixed", "positive"]
    assert labels(CELL.format("{b, a} or {c}", "x", "b"), FILM) == ["b", "positive"]
    path = write_cells(tmp_path / "d.csv", [FILM])
    assert read(path, labels=["negative", "positive"]).labels == ["negative", "positive"]


def test_parts_in_files_of_their_own_have_the_order_of_the_labels(tmp_path):
    train = write_cells(tmp_path / "train.csv", [FILM, BORE])
    test = write_cells(tmp_path / "test.csv", [BORE])
    dataset = read({"train": train, "test": test})
    assert dataset.labels == ["positive", "negative"]
    assert set(dataset.splits) == {"train", "test"}


def test_other_columns(tmp_path):
    (tmp_path / "d.csv").write_text(
        'id,text,split,source,metadata\n7,"' + FILM + '",dev,web,"{""n"": 1}"\n'
    )
    row = read(tmp_path / "d.csv", metadata=["source"])[0]
    assert (row.id, row.split) == ("7", "validation")
    assert row.metadata == {"instruction": SEED, "n": 1, "source": "web"}
    assert read(tmp_path / "d.csv", metadata=True)[0].metadata == row.metadata
    assert read(tmp_path / "d.csv")[0].metadata == {"instruction": SEED, "n": 1}


# === What is not of the form ===


def test_a_named_column_is_read_as_it_is(tmp_path):
    path = write_cells(tmp_path / "d.csv", [FILM, BORE])
    assert read(path, text="text", unlabelled="keep").texts == [FILM, BORE]
    with pytest.raises(ArgumentError, match="`label`"):
        read(path, label="label")


def test_ordinary_files_that_mention_the_marks(tmp_path):
    cells = [FILM, "a text", "another", "### Human: hello"]
    path = write_cells(tmp_path / "d.csv", cells)
    assert read(path, unlabelled="keep").texts == cells
    with pytest.raises(ArgumentError, match="Which column"):
        read(path)
    (tmp_path / "e.csv").write_text(f'text,label\n"{FILM}",a\n"{BORE}",b\n')
    assert read(tmp_path / "e.csv").texts == [FILM, BORE]
    (tmp_path / "f.csv").write_text(
        f'input.data.text.raw,input.data.concepts[0].id\n"{FILM}",a\n"{BORE}",b\n'
    )
    assert read(tmp_path / "f.csv").texts == [FILM, BORE]


# === Writing ===


def test_the_cells_are_the_prompts_of_the_default_template(tmp_path):
    dataset = read([("win cash", "spam"), (" see you\n", "ham")], labels=["spam", "ham"])
    path = dataset.write(tmp_path / "d.csv", "instruction")
    prompts = [PromptTemplate().prompt(text, dataset.labels) for text in dataset.texts]
    assert cells_of(path) == [f"{prompts[0]} spam", f"{prompts[1]} ham"]


def test_written_again_the_cells_are_the_same(tmp_path):
    bare = "### Human: no instruction ### Assistant: positive"
    other = CELL.format("Is it {good, bad}?", "x, y", "negative")
    cells = [FILM, bare, other]
    dataset = read(write_cells(tmp_path / "d.csv", cells))
    assert cells_of(dataset.write(tmp_path / "e.csv", "instruction")) == cells
    dataset.write(tmp_path / "f.jsonl")
    again = read(tmp_path / "f.jsonl", metadata=["metadata"])
    assert cells_of(again.write(tmp_path / "g.csv", "instruction")) == cells
    path = again.write(tmp_path / "h.csv", "instruction", instruction="Which of {labels}?")
    assert cells_of(path)[2] == CELL.format("Which of {negative, positive}?", "x, y", "negative")
    path = again.write(tmp_path / "i.csv", "instruction", instruction="")
    assert cells_of(path)[0] == "### Human: what a film ### Assistant: positive"


text = st.text(min_size=1).map(str.strip).filter(bool) | st.sampled_from(
    ["###", "### Human", "# ### Assistant", "{a}", 'x "y"', "a, b", "two\nlines", "### Response: x"]
)


@settings(deadline=None)
@given(st.data(), st.lists(st.tuples(text, text), min_size=1, max_size=6), st.booleans())
def test_written_and_read_is_the_same(tmp_path_factory, data, rows, is_tsv):
    names = data.draw(st.permutations(sorted({label for _, label in rows})))
    dataset = read(rows, labels=names)
    path = tmp_path_factory.mktemp("w") / ("d.tsv" if is_tsv else "d.csv")
    dataset.write(path, "instruction")
    again = read(path, encoding="utf-8")
    assert list(zip(again.texts, again.targets, strict=True)) == rows
    assert again.labels == names


@given(st.lists(text, min_size=1, unique=True))
def test_labels_in_braces_are_read_back(names):
    assert labels_in_braces("Choose from " + braced(names) + ".") == names


@given(st.lists(st.sampled_from(["### Human:", "### ASSISTANT:", "### ", "a", ":"])).map(" ".join))
def test_what_is_put_together_is_taken_apart(part):
    """Either the parts come back, or it is said why they cannot."""
    parts = ("i", part.strip(), part.strip())
    if re.search("### (human|assistant):", part, re.IGNORECASE):
        with pytest.raises(ArgumentError, match="its text holds '### "):
            format_cell(*parts)
    else:
        assert parse_cell(format_cell(*parts)) == parts


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("fine", "a"), ("so ### assistant: b", "a")], "Row 2 .* its text holds '### assistant:'"),
        ([("x", "### Human: a")], "Row 1 .* its label holds '### Human:'"),
        ([{"text": "x", "label": ["a", "b"]}], "one answer a text.* multi-label"),
        ([{"text": "x", "text_pair": "y", "label": "a"}], "second texts"),
    ],
)
def test_what_has_no_place(tmp_path, rows, message):
    with pytest.raises(ArgumentError, match=message):
        read(rows).write(tmp_path / "d.csv", "instruction")
    assert not list(tmp_path.iterdir())


def test_texts_without_a_label_have_no_place(tmp_path):
    some = read([("x", "a"), ("y", None)], unlabelled="keep")
    with pytest.raises(ArgumentError, match="Row 2 .* no label.*filter"):
        some.write(tmp_path / "d.csv", "instruction")
    assert isinstance(some, TextDataset) and not list(tmp_path.iterdir())


def test_the_instruction_is_checked(tmp_path):
    dataset = read([("x", "b"), ("y", "a")])
    for instruction, message in {
        "Of {labels}, not {c}": "no braces but those",
        "See ### Human: {labels}": "its instruction holds '### Human:'",
        3: "must be a string",
    }.items():
        with pytest.raises(ArgumentError, match=message):
            dataset.write(tmp_path / "d.csv", "instruction", instruction)
    with pytest.raises(ArgumentError, match="goes with form="):
        dataset.write(tmp_path / "d.csv", instruction="Choose from {labels}")
    assert not list(tmp_path.iterdir())


def test_splits_name_all_labels(tmp_path):
    dataset = read([(f"text {i}", "ab"[i % 2]) for i in range(8)], labels=["b", "a"])
    some = dataset.take([0])
    path = some.write(tmp_path / "d.csv", "instruction")
    assert read(path).labels == ["b", "a"] and read(path).targets == ["a"]
