"""Indices of rows that stand one after the other."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from keras_textcls.utils.ragged import spans


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9))))
def test_spans_are_ranges(pairs):
    starts, sizes = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = [i for start, size in pairs for i in range(start, start + size)]
    assert spans(starts, sizes).tolist() == expected
    within = [i for _, size in pairs for i in range(size)]
    assert spans(0, sizes).tolist() == within
