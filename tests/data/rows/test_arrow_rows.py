"""Rows of tables in pieces."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls.data.rows import arrow_rows
from keras_textcls.data.rows.arrow_rows import join_tables, keep_rows, take_rows


def table_of(texts, cuts):
    column = pa.chunked_array(
        [texts[a:b] for a, b in zip([0, *cuts], [*cuts, len(texts)], strict=True)], pa.string()
    )
    return pa.table({"text": column})


@given(st.lists(st.text(max_size=3), min_size=1, max_size=20), st.data())
def test_take_is_that_of_a_list(texts, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(texts)), max_size=3)))
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=30))
    table = table_of(texts, cuts)
    taken = take_rows(table, np.asarray(rows, int))
    assert taken.column("text").to_pylist() == [texts[i] for i in rows]
    keep = np.asarray([i in rows for i in range(len(texts))])
    kept = keep_rows(table, keep).column("text").to_pylist()
    assert kept == [t for t, k in zip(texts, keep, strict=True) if k]


def test_pieces_are_small_however_long_the_texts(monkeypatch):
    monkeypatch.setattr(arrow_rows, "_BYTES", 1000)
    texts = ["x" * 400 + str(i) for i in range(50)]
    taken = take_rows(table_of(texts, [10, 30]), np.arange(50)[::-1])
    assert taken.column("text").to_pylist() == texts[::-1]
    assert max(batch.nbytes for batch in taken.to_batches()) < 2000


def test_rows_that_are_not_there():
    with pytest.raises(IndexError):
        take_rows(table_of(["a"], []), np.asarray([1]))


def test_tables_of_other_columns_are_joined():
    one = pa.table({"text": ["a"], "id": ["1"]})
    two = pa.table({"text": ["b"], "split": ["test"]})
    joined = join_tables([one, two])
    assert joined.schema.names == ["text", "split", "id"]
    assert joined.column("id").to_pylist() == ["1", None]
