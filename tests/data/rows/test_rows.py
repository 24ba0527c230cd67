"""Rows of cells to rows of a dataset: one by one, and all at once, the same."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls.data.rows.columns import ColumnRoles, choose_roles
from keras_textcls.data.rows.row_reader import RowRules, read_rows
from keras_textcls.data.rows.vectorized_rows import assemble
from keras_textcls.errors import ArgumentError
from keras_textcls.labels import LabelSet

ROLES = ColumnRoles("text", label="label")
LABELLED = ColumnRoles("text", label="label", split="split", id="id")
WITH_METADATA = dataclasses.replace(LABELLED, metadata=("metadata",))
DEEP = '{"a":' * 100_000


def reasons_of(columns, roles=ROLES, **rules):
    _, invalid = read_rows(columns, roles, RowRules(**rules), lambda i: i)
    return [(row.line, row.reason) for row in invalid]


def labels_of(cells, **rules):
    found, invalid = read_rows(
        {"text": ["x"] * len(cells), "label": cells}, ROLES, RowRules(**rules), lambda i: i
    )
    return found["labels"], [row.reason for row in invalid]


text = st.one_of(
    st.none(), st.text(alphabet="ab \t\u00a0\u2003é\n", max_size=4), st.text(max_size=3)
)
name = st.one_of(st.none(), st.sampled_from(["ham", " spam", "spam ", "", " ", "eggs", "1", "7"]))
part = st.one_of(st.none(), st.sampled_from(["train", "Val", " dev", "test", "", "extra"]))
notes = st.sampled_from([None, "", "{}", "x", ' {"a":1}', '{"b": 2, "a": [1]}', '{"', DEEP])
row = st.tuples(text, name, part, name, notes)


@given(
    st.lists(row, min_size=1, max_size=12),
    st.sampled_from([None, LabelSet(["ham", "spam"])]),
    st.sampled_from(["invalid", "keep"]),
    st.sampled_from([None, 2]),
    st.sampled_from([LABELLED, WITH_METADATA]),
)
def test_all_at_once_is_the_same_as_one_by_one(rows, labels, unlabelled, limit, roles):
    rules = RowRules(labels=labels, unlabelled=unlabelled, max_text_length=limit)
    columns = {
        n: list(c)
        for n, c in zip(
            ["text", "label", "split", "id", "metadata"], zip(*rows, strict=True), strict=True
        )
    }
    lines = 10 * np.arange(len(rows))
    expected, invalid, kept = assemble(columns, roles, rules, lambda: lines)
    table = pa.table({n: pa.array(c, pa.string()) for n, c in columns.items()})
    found, found_invalid, found_kept = assemble(table, roles, rules, lambda: lines)
    assert found.select(expected.schema.names).to_pydict() == expected.to_pydict()
    assert found_invalid == invalid
    assert found_kept.tolist() == kept.tolist()
    assert len(found_kept) + len(invalid) == len(rows)


def test_every_reason():
    texts = ["fine", None, " \n", 7, b"\xff", "lone \ud800", float("nan"), "x" * 30]
    columns = {"text": texts, "label": ["a"] * len(texts)}
    assert reasons_of(columns, max_text_length=20) == [
        (1, "no text"),
        (2, "no text"),
        (3, "not a text"),
        (4, "undecodable bytes"),
        (5, "undecodable bytes"),
        (6, "no text"),
        (7, "text over the length limit"),
    ]


def test_undecodable_bytes_may_be_replaced():
    found, invalid = read_rows(
        {"text": [b"caf\xff"], "label": ["a"]}, ROLES, RowRules(undecodable="replace"), int
    )
    assert found["text"] == ["caf\ufffd"] and not invalid


def test_labels_of_every_type():
    cells = [" spam ", 3, 4.0, True, ["a", "b ", "a"], {"b", "a"}, np.array(["z"]), []]
    expected = [["spam"], ["3"], ["4"], ["true"], ["a", "b"], ["a", "b"], ["z"], []]
    assert labels_of(cells) == (expected, [])


def test_labels_that_are_none():
    cells = [None, "", "  ", float("nan"), object()]
    assert labels_of(cells) == ([], ["no label"] * 4 + ["not a label"])
    assert labels_of([None, "a"], unlabelled="keep") == ([None, ["a"]], [])


def test_labels_in_one_cell_are_taken_apart():
    assert labels_of(["a| b |", "|", "c"], label_separator="|") == (
        [["a", "b"], ["c"]],
        ["no label"],
    )


def test_a_known_set_of_labels():
    known = LabelSet(["ham", "spam"])
    assert labels_of(["spam", "1", 0, "2", "spm"], labels=known) == (
        [["spam"], ["spam"], ["ham"]],
        ["unknown label", "unknown label"],
    )
    _, invalid = read_rows(
        {"text": ["x"], "label": ["spm"]}, ROLES, RowRules(labels=known), lambda i: i
    )
    assert invalid[0].detail == "Did you mean 'spam'?"


def test_more_than_one_label_where_one_is_asked_for():
    assert labels_of([["a", "b"], ["a"]], multi_label=False) == ([["a"]], ["several labels"])


def test_columns_of_zeros_and_ones():
    roles = ColumnRoles("text", label=("toxic", "rude"))
    columns = {
        "text": ["a", "b", "c", "d"],
        "toxic": ["1", 0, "", "maybe"],
        "rude": [1.0, "0", None, 1],
    }
    found, invalid = read_rows(columns, roles, RowRules(), lambda i: i)
    assert found["labels"] == [["toxic", "rude"], []]
    assert found["negatives"] == [[], ["toxic", "rude"]]
    assert [(r.line, r.reason) for r in invalid] == [(2, "no label"), (3, "not a label")]


def test_metadata_is_canonical_json():
    roles = ColumnRoles("text", metadata=("b", "a"))
    columns = {"text": ["x", "y"], "b": ["é", None], "a": [1, float("nan")]}
    found, _ = read_rows(columns, roles, RowRules(), int)
    assert found["metadata"] == ['{"a":1,"b":"é"}', None]


def test_columns_with_usual_names_are_found():
    roles = choose_roles(["ID", "Review", "Sentiment", "stars"], metadata=True)
    assert roles == ColumnRoles("Review", label="Sentiment", id="ID", metadata=("stars",))
    pair = choose_roles(["premise", "hypothesis", "label"])
    assert (pair.text, pair.text_pair) == ("premise", "hypothesis")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": "txt"}, "Did you mean 'text'"),
        ({"label": "twice"}, "2 times"),
        ({"label": ["text", "nope"]}, "'nope'"),
        ({}, "is the label"),
    ],
)
def test_columns_that_are_not_there(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        choose_roles(["text", "twice", "twice", "other"], **arguments)


@pytest.mark.parametrize(
    "rules",
    [{"unlabelled": "drop"}, {"undecodable": ""}, {"max_text_length": 0}, {"label_separator": ""}],
)
def test_rules_are_checked(rules):
    (name,) = rules
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        RowRules(**rules)
