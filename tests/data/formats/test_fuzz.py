"""Whatever a file holds, reading it gives a dataset and a list, or a clear error."""

import random

import pytest
from conftest import budget
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textcls import ArgumentError, InvalidDataError, read
from keras_textcls.data.formats.delimited_records import Dialect, read_records

SEEDS = {
    ".csv": b'text,label\n"two, words",a\n"two\nlines ""x""",b\ncaf\xc3\xa9,a\n,b\nplain,\n' * 3,
    ".tsv": b"text\tlabel\nsome words\ta\nmore\tb\n" * 3,
    ".jsonl": b'{"text": "some \\u00e9", "label": "a"}\n{"text": "more", "label": ["b"]}\n' * 3,
    ".json": b'[{"text": "some", "label": "a"}, {"text": "more", "label": {"b": 0}}]',
}
SPECIAL = [b'"', b",", b"\n", b"\r", b"\t", b"\x00", b"\xff", b"{", b"]", b"\\", b'""', b"\xff\xfe"]


def try_to_read(path, **arguments):
    try:
        dataset = read(path, invalid_data_tolerance_percent=100, **arguments)
    except (InvalidDataError, ArgumentError) as error:
        assert path.name in str(error)
        return None
    lines = [row.line for row in dataset.invalid_rows]
    assert lines == sorted(lines) and all(line >= 1 for line in lines)
    return dataset


@settings(deadline=None, max_examples=budget(150, 30))
@given(data=st.binary(max_size=300), suffix=st.sampled_from(sorted(SEEDS)))
def test_any_bytes(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("fuzz") / f"d{suffix}"
    path.write_bytes(data)
    try_to_read(path)


@pytest.mark.parametrize("suffix", sorted(SEEDS))
def test_files_that_are_nearly_right(tmp_path, suffix):
    rng = random.Random(0)
    path = tmp_path / f"d{suffix}"
    for _ in range(budget(150, 30)):
        data = SEEDS[suffix]
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data = data[:at] + rng.choice(SPECIAL) + data[at + rng.randint(0, 3) :]
        path.write_bytes(data)
        try_to_read(path)


@settings(deadline=None, max_examples=budget(150, 30))
@given(st.text(alphabet='ab",\n\r é', max_size=80))
def test_no_record_vanishes(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "d.csv"
    path.write_bytes(f"text,label\nx,y\n{text}".encode())
    dataset = try_to_read(path, delimiter=",", quote='"', text="text", label="label")
    records = [r for r in read_records(f"x,y\n{text}", Dialect()) if not r.is_blank]
    assert len(dataset) + len(dataset.invalid_rows) == len(records)
