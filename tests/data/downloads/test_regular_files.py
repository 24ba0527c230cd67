"""A file is read as what it is when it is opened, not as what it was before."""

import os

import pytest

from keras_textcls.data.downloads.regular_files import UnreadableFileError, read_regular_file


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"a text")
    return path


def test_reads_a_file(file):
    assert read_regular_file(file, 6) == b"a text"
    with pytest.raises(UnreadableFileError, match="larger than max_bytes=5"):
        read_regular_file(file, 5)


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        (lambda path: os.mkfifo(path), "it is a pipe"),
        (lambda path: os.mkdir(path), "it is a folder"),
        (lambda path: os.symlink("/etc/hostname", path), "cannot be read: Too many levels"),
        (lambda path: None, "there is no such file"),
        (lambda path: path.write_bytes(b"x" * 1000), "larger than max_bytes=100"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="has no pipes with names")
def test_a_file_exchanged_between_the_look_and_the_opening(file, monkeypatch, exchange, message):
    original = os.open

    def exchange_and_open(path, *args):
        file.unlink()
        exchange(file)
        return original(path, *args)

    monkeypatch.setattr(os, "open", exchange_and_open)
    with pytest.raises(UnreadableFileError, match=message):
        read_regular_file(file, 100)
