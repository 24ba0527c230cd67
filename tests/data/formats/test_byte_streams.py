"""Compressed files, broken ones, and those made to fill a disk."""

import bz2
import gzip
import lzma
import os
import zipfile

import pyarrow as pa
import pytest

from keras_textcls.data.formats import byte_streams
from keras_textcls.data.formats.byte_streams import ByteStream
from keras_textcls.errors import InvalidDataError

DATA = b"text,label\n" + b"a cat,animal\n" * 5000


def _zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _compressed(tmp_path, kind):
    path = tmp_path / f"data.csv.{kind}"
    if kind == "zip":
        _zip(path, {"data.csv": DATA, "__MACOSX/._data.csv": b"x", ".hidden": b"x"})
    elif kind == "zst":
        path.write_bytes(pa.compress(DATA, codec="zstd", asbytes=True))
    else:
        path.write_bytes({"gz": gzip, "xz": lzma, "bz2": bz2}[kind].compress(DATA))
    return path


def read_all(path):
    with ByteStream(path) as stream:
        return b"".join(stream.blocks(1000)), stream


@pytest.mark.parametrize("kind", ["gz", "xz", "zst", "bz2", "zip"])
def test_compressed_files_are_read_by_their_first_bytes(tmp_path, kind):
    path = _compressed(tmp_path, kind)
    data, stream = read_all(path)
    assert data == DATA
    assert stream.compression == kind
    assert stream.inner_name == "data.csv"
    renamed = path.rename(tmp_path / "other.csv")
    assert read_all(renamed)[0] == DATA


@pytest.mark.parametrize("kind", ["gz", "xz", "zst", "bz2", "zip"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, kind):
    path = _compressed(tmp_path, kind)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidDataError, match="cut short"):
        read_all(path)


def test_two_members_end_to_end_are_both_read(tmp_path):
    path = tmp_path / "two.csv.gz"
    path.write_bytes(gzip.compress(DATA) + gzip.compress(DATA))
    assert read_all(path)[0] == DATA * 2
    path.write_bytes(pa.compress(DATA, "zstd", True) + pa.compress(DATA, "zstd", True))
    assert read_all(path)[0] == DATA * 2


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zip"])
def test_what_grows_out_of_proportion_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(byte_streams, "FREE_EXPANSION", 1 << 16)
    monkeypatch.setattr(byte_streams, "MAX_EXPANSION", 20)
    bomb = b"0" * (4 << 20)
    path = tmp_path / "bomb"
    if kind == "zip":
        _zip(path, {"bomb.csv": bomb})
    else:
        path.write_bytes({"gz": gzip, "xz": lzma, "bz2": bz2}[kind].compress(bomb))
    with pytest.raises(InvalidDataError, match="more than 20 times"):
        read_all(path)


def test_an_archive_of_several_files_names_them(tmp_path):
    path = tmp_path / "many.zip"
    _zip(path, {"a.csv": b"x", "b.csv": b"y"})
    with pytest.raises(InvalidDataError, match=r"It holds 2: a.csv, b.csv"):
        read_all(path)


def test_what_is_no_file_is_refused(tmp_path):
    for path, reason in [
        (tmp_path / "missing.csv", "No such file"),
        (tmp_path, "is a directory"),
        (tmp_path / "nul\0byte", "null byte"),
    ]:
        with pytest.raises(InvalidDataError, match=reason):
            read_all(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InvalidDataError, match="no plain file"):
        read_all(tmp_path / "pipe.csv")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_bytes(DATA)
    path.chmod(0)
    with pytest.raises(InvalidDataError, match="Permission denied"):
        read_all(path)
