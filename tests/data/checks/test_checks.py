"""`check` finds what it says, and nothing in data that is in order."""

import ast
import random

import pytest

from keras_textcls import read
from keras_textcls.data.checks import scripts

WORDS = "rain sun river stone bread table window garden letter music paper winter road".split()


def sentence(rng, count=12):
    return " ".join(rng.choices(WORDS, k=count)) + f" {rng.randrange(10**9)}"


@pytest.fixture
def rows():
    rng = random.Random(0)
    return [(sentence(rng), rng.choice(["a", "b", "c"])) for _ in range(300)]


def names(report):
    return [finding.name for finding in report]


def test_nothing_is_found_where_nothing_is_wrong(rows, monkeypatch):
    monkeypatch.setattr(
        "keras_textcls.data.checks.text_checks.count_languages", lambda texts: {"en": 9}
    )
    report = read(rows).check()
    assert names(report) == [] and "nothing found" in repr(report)


def test_duplicates_and_conflicts(rows):
    rows = [*rows, (rows[3][0].upper(), rows[3][1]), (f" {rows[4][0]}", "other")] + [
        (f"x{i} {sentence(random.Random(i))}", "other") for i in range(20)
    ]
    report = read(rows).check()
    duplicates, conflicts = report.named("duplicates"), report.named("conflicting labels")
    assert duplicates.count == 2 and duplicates.rows == (300, 301)
    assert conflicts.count == 2 and conflicts.rows == (4, 301)
    assert "other" in conflicts.examples[0]


def test_near_duplicates(rows):
    text = "your parcel number 1234567 is waiting for you at the depot in the old town"
    rows = [*rows, (text, "a"), (text.replace("1234567", "1234568"), "b")]
    found = read(rows).check().named("near duplicates")
    assert found.count == 2 and set(found.rows) == {300, 301}


def test_leakage_between_parts_and_against_another(rows):
    train, test = rows[:250], [*rows[250:], (rows[7][0].title(), "a")]
    near = rows[9][0] + " x"
    test.append((near, "a"))
    for report in (
        read({"train": train, "test": test}).check(),
        read(train).check(against=read(test)),
    ):
        assert report[0].name == "leakage" and report[0].level == "error"
        assert report[0].count == 1 and report[0].rows == (50,)
        assert report.named("near leakage").rows == (51,)


def test_labels_with_few_texts_and_imbalance(rows):
    rows = [
        *rows,
        ("one of a kind thing here", "rare"),
        *((f"text {i} is", "few") for i in range(5)),
    ]
    report = read(rows).check()
    assert report.named("labels with one text").level == "error"
    assert report.named("labels with few texts").examples == ("few: 5",)
    assert report.named("imbalance").message.endswith("'rare' 1")


def test_sorted_rows(rows):
    assert "sorted by label" in names(read(sorted(rows, key=lambda row: row[1])).check())


def test_labels_that_look_alike_or_are_joined(rows):
    twins = [(text, "A" if i % 9 == 0 else label) for i, (text, label) in enumerate(rows)]
    assert "relabel({'a': 'A'})" in read(twins).check().named("labels that look alike").remedy
    joined = [(text, "a|b" if i % 9 == 0 else label) for i, (text, label) in enumerate(rows)]
    assert "label_separator='|'" in read(joined).check().named("joined labels").remedy


def test_short_texts_and_addresses(rows):
    rows = [*rows, ("Ok.", "a"), ("http://example.com/a.txt", "a")]
    report = read(rows).check()
    assert report.named("one word").rows == (300, 301)
    assert report.named("addresses").level == "note"
    urls = [(f"https://example.com/{i}.txt", "ab"[i % 2]) for i in range(20)]
    assert read(urls).check().named("addresses").level == "warning"


def test_scripts_and_languages(rows):
    rows = [*rows, *((f"Это русский текст номер {i} о погоде и хлебе", "a") for i in range(30))]
    report = read(rows).check()
    assert "CYRILLIC 9.1 %" in report.named("mixed scripts").message
    assert scripts.main_script("これは日本語の文です") == "CJK"
    assert scripts.main_script("123 !") is None
    german = "Das Wetter ist heute sehr schön und wir gehen in den Garten hinter dem Haus"
    english = "The weather is very nice today and we are going to the garden behind the house"
    counts = scripts.count_languages([german] * 3 + [english] * 2)
    assert counts == {"de": 3, "en": 2}


def test_without_the_language_library(rows, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(scripts.importlib, "import_module", missing)
    report = read(rows).check()
    assert "keras-textcls[languages]" in report.not_checked[0]
    assert "not checked: languages" in repr(report)


def test_truncation(classifier):
    rows = [("the dog " * 40, "x"), ("a cat", "y")] * 12
    assert read(rows).check(preset=classifier).named("truncation").count == 12


def test_unlabelled_texts(rows):
    dataset = read([*rows, ("nobody knows this one", None)], unlabelled="keep")
    assert dataset.check().named("unlabelled").count == 1


def test_what_is_shown_in_a_notebook_is_no_markup():
    report = read([("<b>x</b>", "a"), ("<b>x</b>", "b")]).check()
    assert "<b>" not in report._repr_html_()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("\ufb01nance", "finance"),
        ("spam", "sp\u200bam"),
        ("\ufeffspam", "SPAM"),
        ("late parcel", "late-parcel"),
        ("late parcel", "late\u00a0parcel"),
        ("Stra\u00dfe", "STRASSE"),
        ("pass", "pass\x00"),
        ("01", "1"),
        ("true", "1"),
    ],
)
def test_labels_that_look_alike(rows, one, other):
    twins = [(text, one if i % 2 else other) for i, (text, _) in enumerate(rows)]
    alike = read(twins).check().named("labels that look alike")
    assert alike.count == 2
    (shown,) = alike.examples
    left, right = shown.split(" / ")
    assert left != right and {ast.literal_eval(left), ast.literal_eval(right)} == {one, other}
    apart = read([row for row in twins if row[1] == one])
    assert apart.check(against=read(twins)).named("labels that look alike") is not None


def test_labels_that_do_not_look_alike(rows):
    names = ["-1", "1", "10", "1.5", "a b", "ab", "\u0430b"]
    some = [(text, names[i % len(names)]) for i, (text, _) in enumerate(rows)]
    assert read(some).check().named("labels that look alike") is None


@pytest.mark.parametrize("name", ["[urgent]", "{a: 1}", "(a, b)", "'spam'", '"spam"', "set([a])"])
def test_labels_that_look_like_lists(rows, name):
    some = [(text, name if i % 2 else "ham") for i, (text, _) in enumerate(rows)]
    found = read(some).check().named("labels that look like lists")
    assert found.count == 1 and found.examples == (repr(name),)


def test_texts_that_differ_in_what_cannot_be_seen_are_duplicates():
    texts = ["a late parcel", "a late\u200b parcel", "\ufeffa late parcel", "a la\u00adte parcel"]
    dataset = read([(text, "a") for text in texts])
    assert dataset.check().named("duplicates").count == 3
    assert dataset.without_duplicates().texts == texts[:1]
