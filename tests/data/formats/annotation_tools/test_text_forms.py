"""Files of fastText, spaCy, Rasa and ARFF."""

import importlib
import json
import zlib

import pytest

from keras_textcls import InvalidDataError, MissingDependencyError, read

NLU = r"""
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hey
    - good - morning
    - yes
- intent: no
  examples: |
    - to [Berlin](city) and [next week]{"entity": "date", "role": "to"}
    - from [here](city:Berlin)
- intent: faq/name
  examples:
  - text: |
      what is your name
    metadata: {x: 1}
- synonym: Berlin
  examples: |
    - berlin
- lookup: city
  examples: |
    - Rome
- regex: zip
  examples: |
    - \d{5}
stories:
- story: one
"""


@pytest.mark.parametrize("name", ["d.txt", "cooking.train", "d.csv", "d.txt.gz"])
def test_fasttext(tmp_path, name):
    import gzip

    path = tmp_path / name
    data = (
        b'\xef\xbb\xbf__label__a __label__b some text, with comma\n__label__a say "hi"\r\n'
        b"words __label__b in the middle\n\nlast __label__a\nx__label__a is no label __label__b\n"
    )
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    dataset = read(path)
    assert dataset.details["tool"] == "fastText"
    assert dataset.targets == [["a", "b"], ["a"], ["b"], ["a"], ["b"]]
    assert dataset.texts == [
        "some text, with comma",
        'say "hi"',
        "words in the middle",
        "last",
        "x__label__a is no label",
    ]
    # A word that begins with a quote is no label, as for fastText itself.
    path.write_bytes(b'__label__a one\n"__label__b said" he\n__label__a two\n')
    found = read(path, format="fasttext", invalid_data_tolerance_percent=100)
    assert found.texts == ["one", "two"] and found.invalid_rows.counts == {"no label": 1}
    path.write_bytes(b"__label__a one\n__label__b\ntwo words\n__label__ none\n")
    found = read(path, format="fasttext", invalid_data_tolerance_percent=100)
    counts = {"no text": 1, "no label": 2}
    assert found.texts == ["one"] and found.invalid_rows.counts == counts
    assert [row.line for row in found.invalid_rows] == [2, 3, 4]


def test_a_table_with_such_labels_is_no_fasttext(tmp_path):
    for content in ("label,text\n__label__a,some text\n", "text\tlabel\nsome text\t__label__a\n"):
        path = tmp_path / "d.csv"
        path.write_text(content)
        assert read(path).texts == ["some text"]


def test_blocks_of_fasttext(tmp_path, monkeypatch):
    from keras_textcls.data.formats.annotation_tools import fasttext_file

    path = tmp_path / "d.txt"
    lines = [f'"__label__a é text, {i}\nof two ""lines"" "' for i in range(40)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    whole = read(path)
    assert len(whole) == 40 and whole.texts[3] == 'é text, 3\nof two "lines"'
    monkeypatch.setattr(fasttext_file, "_BLOCK", 37)
    assert read(path) == whole


def test_rasa(tmp_path):
    path = tmp_path / "nlu.yml"
    path.write_text(NLU)
    dataset = read(path)
    assert list(zip(dataset.texts, dataset.targets, strict=True)) == [
        ("hey", "greet"),
        ("good - morning", "greet"),
        ("yes", "greet"),
        ("to Berlin and next week", "no"),
        ("from here", "no"),
        ("what is your name", "faq/name"),
    ]
    assert dataset.details["left out"] == "1 synonym, 1 lookup, 1 regex"


@pytest.mark.parametrize(
    "content",
    [
        "a: &a [x]\nb: &b [*a, *a]\nnlu: [*b, *b]",
        "nlu: &a [*a]",
        "[" * 100_000,
        "{a: " * 60 + "1" + "}" * 60,
        "nlu: 5",
        "nlu: [5, {intent: [x]}, {intent: a, examples: {b: c}}]",
        "plain text",
        "a: b: c",
        "!!python/object/apply:os.system [ls]",
        "",
        "\x00",
    ],
)
def test_yaml_that_is_not_read(tmp_path, content):
    path = tmp_path / "d.yaml"
    path.write_text(content)
    with pytest.raises(InvalidDataError, match=r"d\.yaml"):
        read(path)


def test_arff(tmp_path):
    arff = pytest.importorskip("arff", reason="liac-arff is in the extra of the tests")
    rows = [["free, money", "spam"], ["it's at six", "ham"], ["who\tknows é", "not sure"]]
    kinds = [("body", "STRING"), ("kind", ["spam", "ham", "not sure"])]
    text = arff.dumps({"relation": "mails", "attributes": kinds, "data": rows})
    for name in ("d.arff", "d.data"):
        (tmp_path / name).write_text("% some mails\n" + text, encoding="utf-8")
        dataset = read(tmp_path / name)
        assert dataset.texts == [row[0] for row in rows]
        assert dataset.targets == [row[1] for row in rows]
        # In the order of the attribute.
        assert list(dataset.labels) == kinds[1][1]
    for bad in (
        "@RELATION x\n@ATTRIBUTE a STRING\n@DATA\na,b\n",
        "@RELATION x\n@WHAT\n",
        "@DATA\n",
    ):
        (tmp_path / "d.arff").write_text(bad)
        with pytest.raises(InvalidDataError, match=r"d\.arff cannot be read"):
            read(tmp_path / "d.arff", text="a", unlabelled="keep")


def test_missing_libraries_are_named(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    for suffix, library in ((".arff", "liac-arff"), (".spacy", "spacy")):
        (tmp_path / f"d{suffix}").write_bytes(b"x\x9c")
        with monkeypatch.context() as patch, pytest.raises(MissingDependencyError, match=library):
            patch.setattr(importlib, "import_module", missing)
            read(tmp_path / f"d{suffix}")


def test_json_of_spacy(tmp_path):
    cats = [{"spam": 1.0, "ham": 0.0}, {"spam": 0.0, "ham": 1.0}, {}]
    documents = [{"text": f"text {i}", "cats": c, "tokens": []} for i, c in enumerate(cats)]
    paragraphs = [
        {"raw": f"text {i}", "cats": [{"label": n, "value": v} for n, v in c.items()]}
        for i, c in enumerate(cats)
    ]
    training = [{"id": 0, "paragraphs": paragraphs[:2]}, {"id": 1, "paragraphs": paragraphs[2:]}]
    for content in (documents, training):
        path = tmp_path / "d.json"
        path.write_text(json.dumps(content))
        dataset = read(path)
        assert dataset.details["tool"] == "spaCy"
        assert dataset.targets == ["spam", "ham"] and not dataset.multi_label
        assert dataset.invalid_rows.counts == {"not annotated": 1}
    assert read(path).ids == ["0/0", "0/1"]
    several = [{"text": "a", "cats": {"x": 1, "y": 1}}, {"text": "b", "cats": {"x": 0, "y": 0}}]
    assert read(several).targets == [["x", "y"], []]
    with pytest.raises(InvalidDataError, match="not 0 or 1"):
        read([{"text": "a", "cats": {"x": 0.7}}])


def test_docbin(tmp_path):
    spacy = pytest.importorskip("spacy", reason="spaCy is a large package of its own")
    from spacy.tokens import DocBin

    documents, make = DocBin(), spacy.blank("xx")
    for text, cats in [("free money", {"a": 1.0, "b": 0.0}), ("see é", {"a": 0.0, "b": 1.0})]:
        document = make(text)
        document.cats = cats
        documents.add(document)
    path = tmp_path / "d.spacy"
    documents.to_disk(path)
    dataset = read(path)
    assert dataset.texts == ["free money", "see é"] and dataset.targets == ["a", "b"]
    assert dataset.details["form"] == "DocBin"
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"plain", zlib.compress(b"\xc1" * 99)):
        path.write_bytes(data)
        with pytest.raises(InvalidDataError, match=r"d\.spacy"):
            read(path)


def test_spacy_pairs_of_version_2_as_json(tmp_path):
    path = tmp_path / "train.json"
    pairs = [["a b", {"cats": {"x": True, "y": False}}], ["c d", {"cats": {"x": 0, "y": 1}}]]
    path.write_text(json.dumps(pairs))
    dataset = read(path)
    assert dataset.details["tool"] == "spaCy"
    assert dataset.texts == ["a b", "c d"] and dataset.targets == ["x", "y"]


def test_fasttext_with_tabs_under_the_name_of_a_table(tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text("__label__x\thello, there\n__label__y\tbye\n")
    dataset = read(path)
    assert dataset.texts == ["hello, there", "bye"] and dataset.targets == ["x", "y"]
