"""Sampling texts from files of passages."""

import gzip
import lzma

import pytest

from keras_textcls.distillation.unlabelled_texts import read_passages, sample_texts
from keras_textcls.errors import InvalidDataError

PASSAGES = [
    f"This is sentence {i} of many. It has a friend here. Is number {i} a question?"
    for i in range(400)
]


@pytest.fixture
def files(tmp_path):
    plain, packed = tmp_path / "plain.txt", tmp_path / "packed.txt.xz"
    plain.write_text("\ufeff" + "\n\n".join(PASSAGES[:200]), encoding="utf-8")
    with lzma.open(packed, "wt", encoding="utf-8") as file:
        file.write("\n".join(PASSAGES[200:]))
    return [plain, packed]


def test_lines_are_read_plain_and_compressed(files, tmp_path):
    assert read_passages(files[0]) == PASSAGES[:200]
    assert read_passages(files[1]) == PASSAGES[200:]
    with gzip.open(tmp_path / "a.gz", "wt", encoding="utf-8") as file:
        file.write("one\n\n two \n")
    assert read_passages(tmp_path / "a.gz") == ["one", "two"]


def test_a_sample_has_the_shares_it_says(files):
    texts = sample_texts(files, 200, seed=1)
    assert len(texts) == 200
    assert texts == sample_texts(files, 200, seed=1)
    assert texts != sample_texts(files, 200, seed=2)
    questions = [t for t in texts if t.startswith("Is number")]
    # 18 % are drawn as questions; a third of the single sentences are some as well.
    assert 0.18 * 200 <= len(questions) <= 0.5 * 200
    assert any(t in PASSAGES for t in texts)
    pairs = [t for t in texts if t.count(" sentence ") + t.count("friend") == 2 and "?" not in t]
    assert pairs


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "cut.xz").write_bytes(lzma.compress(b"text" * 999)[:40])
    (tmp_path / "latin.txt").write_bytes("café\n".encode("latin-1"))
    for name in ("cut.xz", "latin.txt", "missing.txt"):
        with pytest.raises(InvalidDataError, match=name):
            read_passages(tmp_path / name)
