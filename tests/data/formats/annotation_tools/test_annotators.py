"""Several annotators of a text: what is read, and how much they agree."""

import itertools
import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from keras_textcls import ArgumentError, TextDataset, read
from keras_textcls.data.formats.annotation_tools.agreement import Agreement, agreement_of
from keras_textcls.data.formats.annotation_tools.judgements import Judgement, latest, resolve

NAMES = "abc"


def records(answers):
    """Records of Prodigy: for each text, the labels that each annotator gave."""
    return [
        {"text": f"text {i}", "accept": labels, "answer": "accept", "_annotator_id": who}
        for i, given in enumerate(answers)
        for who, labels in given.items()
    ]


def judgements(given):
    return [Judgement(tuple(labels), annotator=who) for who, labels in given.items()]


def test_what_becomes_of_disagreement():
    answers = [
        {"anna": ["a"], "ben": ["a"], "eve": ["b"]},
        {"anna": ["a"], "ben": ["b"]},
        {"anna": ["b"], "ben": ["b"]},
        {"anna": ["c"]},
    ]
    rows = records(answers)
    random.Random(0).shuffle(rows)
    rows.sort(key=lambda row: row["_annotator_id"])
    expected = {"majority": "abc", "first": "aabc", "agreeing": "bc", "all": "aabcabbb"}
    for annotators, labels in expected.items():
        dataset = read(rows, annotators=annotators)
        assert sorted(dataset.targets) == sorted(labels)
        lost = {"majority": 1, "agreeing": 2}.get(annotators)
        counts = {"annotators disagree": lost} if lost else {}
        assert dataset.invalid_rows.counts == counts
    with pytest.raises(ArgumentError, match="`annotators` must be one of 'majority'"):
        read(rows, annotators="most")
    with pytest.raises(ArgumentError, match="`taxonomy`"):
        read(rows, taxonomy=None)


def test_several_labels_are_voted_on_one_by_one():
    answers = [
        {"anna": ["a", "b"], "ben": ["a"], "eve": ["a", "c", "b"]},
        {"anna": ["a"], "ben": ["a", "b"]},
        {"anna": ["a"], "ben": ["b"], "eve": ["c"]},
    ]
    dataset = read(records(answers))
    assert dataset.texts == ["text 0", "text 2"]
    assert [sorted(labels) for labels in dataset.targets] == [["a", "b"], []]
    assert dataset.invalid_rows.counts == {"annotators disagree": 1}


given_labels = st.dictionaries(
    st.sampled_from(["anna", "ben", "eve", "zoe"]), st.sampled_from(NAMES), min_size=1
)


@settings(deadline=None)
@given(given_labels)
def test_the_majority_has_more_votes_than_any_other(given):
    votes = list(given.values())
    answer = resolve(judgements({w: [n] for w, n in given.items()}), "majority", False)
    counts = sorted((votes.count(name) for name in set(votes)), reverse=True)
    if len(counts) > 1 and counts[0] == counts[1]:
        assert answer.status == "annotators disagree"
    else:
        assert votes.count(answer.labels[0]) == counts[0]


@settings(deadline=None)
@given(st.lists(given_labels, min_size=1, max_size=8))
def test_nothing_is_lost(answers):
    rows = records([{who: [name] for who, name in given.items()} for given in answers])
    dataset = read(rows, unlabelled="keep", invalid_data_tolerance_percent=100) if any(
        len(set(g.values())) == 1 for g in answers
    ) else None  # fmt: skip
    if dataset is not None:
        assert len(dataset) + len(dataset.invalid_rows) == len(answers)


def test_kappas_are_those_of_scikit_learn_and_statsmodels():
    rng = np.random.default_rng(0)
    for raters, texts in itertools.product((2, 3, 5), (2, 9, 40)):
        table = rng.integers(0, 3, (texts, raters))
        table[:, 1] = np.where(rng.random(texts) < 0.6, table[:, 0], table[:, 1])
        answers = [{f"r{j}": NAMES[v] for j, v in enumerate(row)} for row in table]
        found = agreement_of([judgements(row) for row in answers], False)
        counts, _ = aggregate_raters(table)
        assert found.fleiss_kappa == pytest.approx(fleiss_kappa(counts), abs=1e-12)
        if raters == 2:
            expected = cohen_kappa_score(table[:, 0], table[:, 1])
            assert found.cohen_kappa == pytest.approx(expected, abs=1e-12)
        else:
            assert math.isnan(found.cohen_kappa) and "3" in found.reasons["cohen_kappa"] + "35"


def test_another_number_of_raters_for_each_text():
    answers = [
        {"a": "x", "b": "x", "c": "y"},
        {"a": "y", "b": "y"},
        {"a": "x"},
        {"b": "x", "c": "x"},
    ]
    found = agreement_of([judgements(row) for row in answers], False)
    assert (found.annotators, found.texts) == (3, 3)
    observed = (1 / 3 + 1 + 1) / 3
    chance = (4 / 7) ** 2 + (3 / 7) ** 2
    assert found.observed == pytest.approx(observed)
    assert found.fleiss_kappa == pytest.approx((observed - chance) / (1 - chance))


def test_several_labels_have_the_mean_kappa_of_their_labels():
    answers = [
        {"a": ["x"], "b": ["x", "y"]},
        {"a": ["y"], "b": ["y"]},
        {"a": ["x", "y"], "b": ["x"]},
        {"a": ["z"], "b": ["x", "z"]},
    ]
    found = agreement_of([judgements(row) for row in answers], True)
    kappas = [
        cohen_kappa_score([n in row["a"] for row in answers], [n in row["b"] for row in answers])
        for n in "xyz"
    ]
    assert found.cohen_kappa == pytest.approx(np.mean(kappas))


def test_undefined_kappas_say_why():
    same = agreement_of([judgements({"a": "x", "b": "x"})] * 3, False)
    assert math.isnan(same.fleiss_kappa) and math.isnan(same.cohen_kappa)
    assert set(same.reasons.values()) == {"all labels are equal"}
    assert "nan (all labels are equal)" in str(same)
    unnamed = [Judgement(("x",)), Judgement(("y",))]
    assert agreement_of([unnamed], False).reasons["cohen_kappa"] == "the annotators are not named"
    assert agreement_of([judgements({"a": "x"})], False) is None
    assert Agreement.from_json(same.to_json()).reasons == same.reasons
    for text in ("", "5", "{}", "[" * 100_000, '{"x": 1}'):
        assert Agreement.from_json(text) is None


def test_stats_count_texts_without_majority_too(tmp_path):
    answers = [{"anna": ["a"], "ben": ["b"]}, *[{"anna": ["b"], "ben": ["b"]}] * 3]
    answers += [{"anna": ["a"], "ben": ["a"]}]
    dataset = read(records(answers))
    first, second = zip(*(("".join(r["anna"]), "".join(r["ben"])) for r in answers), strict=True)
    stats = dataset.stats()
    assert stats.agreement.cohen_kappa == pytest.approx(cohen_kappa_score(first, second))
    assert stats.agreement.texts == 5 and "Fleiss' kappa" in str(stats)
    dataset.save(tmp_path / "d")
    assert TextDataset.load(tmp_path / "d").stats().agreement == stats.agreement
    assert read([("a", "b")]).stats().agreement is None


def test_the_last_word_and_unknown_annotators():
    said = [Judgement(("a",), annotator="x", when="2"), Judgement(("b",), annotator="x", when="1")]
    assert [j.labels for j in latest(said)] == [("a",)]
    assert len(latest([Judgement(("a",)), Judgement(("b",))])) == 2
    parts = [Judgement(("a",), (), "x"), Judgement((), ("b",), "x"), Judgement((), ("a",), "x")]
    assert latest(parts) == [Judgement((), ("b", "a"), "x")]
    draft = Judgement(("b",), annotator="x", status="draft", when="3")
    assert latest([said[0], draft]) == [said[0]]


def test_the_command_line(tmp_path):
    from click.testing import CliRunner

    from keras_textcls.cli import main

    path = tmp_path / "p.jsonl"
    rows = records([{"anna": ["a"], "ben": ["b"]}, {"anna": ["b"], "ben": ["b"]}])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for annotators, count in (("majority", 1), ("first", 2), ("all", 4)):
        out = CliRunner().invoke(main, ["data", "inspect", str(path), "--annotators", annotators])
        assert out.exit_code == 0, out.output
        assert f"{count} texts" in out.output and "kappa" in out.output
