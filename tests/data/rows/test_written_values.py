"""Lists written as text: what each program writes is read, and what is no list is left alone."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls.data.rows.written_values import is_shortened, might_be_list, parse_list

WORD = st.text(max_size=8).filter(lambda s: not any("\ud800" <= c <= "\udfff" for c in s))
MEMBERS = st.one_of(WORD, st.integers(-(2**40), 2**40), st.booleans(), st.none())


@given(st.lists(MEMBERS, max_size=6))
def test_what_python_and_json_write_is_read(values):
    for written in (repr(values), json.dumps(values), json.dumps(values, ensure_ascii=False)):
        assert parse_list(written) == values
    names = {v for v in values if isinstance(v, str)}
    assert parse_list(repr(names)) == names
    assert parse_list(repr(frozenset(names))) == names
    known = dict.fromkeys(names, True)
    assert parse_list(repr(known)) == parse_list(json.dumps(known)) == known


@given(st.lists(st.one_of(WORD), min_size=1, max_size=40))
def test_what_numpy_writes_is_read(names):
    # An array of strings cannot hold trailing NUL characters.
    names = [name.rstrip("\0") for name in names]
    for array in (np.array(names), np.array(names, dtype=object)):
        assert parse_list(str(array)) == parse_list(repr(array)) == names
    assert parse_list(str([np.str_(name) for name in names])) == names


@given(st.lists(st.sampled_from([0, 1, -1]), min_size=1, max_size=90))
def test_what_numpy_writes_of_numbers_is_read(numbers):
    for dtype in (np.int64, np.float32, bool):
        array = np.array(numbers, dtype)
        assert parse_list(str(array)) == parse_list(repr(array)) == array.tolist()
        assert parse_list(str(list(array))) == array.tolist()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[]", []),
        ("set()", set()),
        ("{}", {}),
        ("('a',)", ["a"]),
        ("[nan 1.]", [None, 1.0]),
        ("[None, <NA>, null]", [None, None, None]),
        ("['a',\n 'b', ]", ["a", "b"]),
        ("array(['a'], dtype='<U1')", ["a"]),
        ("tensor([0, 1])", [0, 1]),
        ("{'a': 1, \"b\": 0}", {"a": 1, "b": 0}),
        ('["\\ud83d\\ude00"]', ["\U0001f600"]),
    ],
)
def test_forms(text, value):
    assert parse_list(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "[urgent]",
        "[a, b]",
        "(a)",
        "('a')",
        "(18, 25)",
        "(18, 25]",
        "[18, 25)",
        "[5-7]",
        "['a''b']",
        "['a' 'b', 'c']",
        "['a',, 'b']",
        "['a'] urgent",
        "['a'",
        "[1_000]",
        "[__import__('os')]",
        "system('x')",
        "array(1)",
        "{'a': 1, 'b'}",
        "{'a': 1, 'a': 0}",
        "[" * 100_000 + "]",
        "['" + "x" * (1 << 20) + "']",
        "a",
        "",
    ],
)
def test_what_is_no_list(text):
    assert parse_list(text) is None


@given(st.text(alphabet="[](){},:'\" abs01.-\\\n", max_size=12))
def test_any_text_is_a_list_or_not(text):
    value = parse_list(text)
    assert value is None or isinstance(value, (list, dict, set))
    assert value is None or might_be_list(text.strip())


def test_lists_of_which_numpy_leaves_out_the_middle():
    long = np.arange(2000)
    assert is_shortened(str(long)) and is_shortened(repr(long))
    assert is_shortened(str(np.array([f"name {i}" for i in range(2000)])))
    assert not is_shortened("[wait ... what]") and not is_shortened("[0 1]")
