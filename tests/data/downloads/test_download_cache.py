"""What is kept is whole or missing, whatever happens to its files."""

import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keras_textcls.data.downloads.download_cache import DownloadCache, download_folder

URL = "https://example.org/a.txt"


@pytest.fixture
def cache(tmp_path):
    return DownloadCache(tmp_path)


def _entry(folder):
    (file,) = (path for path in folder.iterdir() if path.name != "unfinished")
    return file


@pytest.mark.parametrize("content", [b"", b"a text", bytes(range(256)) * 1000])
def test_gives_back_what_was_put(cache, tmp_path, content):
    assert cache.get(URL, 10**6) is None
    cache.put(URL, content)
    assert cache.get(URL, len(content)) == content
    assert DownloadCache(tmp_path).get(URL, len(content)) == content
    assert cache.get(URL + "?", 10**6) is None
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_the_last_one_put_counts(cache):
    cache.put(URL, b"old")
    cache.put(URL, b"new")
    assert cache.get(URL, 100) == b"new"


def test_what_is_larger_than_wanted_is_missing(cache):
    cache.put(URL, b"x" * 100)
    assert cache.get(URL, 99) is None


def _flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:32],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: _flip(data, 0),
        lambda data: _flip(data, len(data) - 1),
        lambda data: bytes(len(data)),
    ],
)
def test_a_damaged_entry_is_missing_and_can_be_written_again(cache, tmp_path, damage):
    cache.put(URL, b"a text")
    file = _entry(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(URL, 100) is None
    cache.put(URL, b"a text")
    assert cache.get(URL, 100) == b"a text"


def test_an_entry_of_another_address_is_missing(cache, tmp_path):
    cache.put(URL, b"a text")
    file = _entry(tmp_path)
    cache.put(URL + "2", b"another")
    (other,) = set(tmp_path.iterdir()) - {file, tmp_path / "unfinished"}
    file.replace(other)
    assert cache.get(URL + "2", 100) is None


@pytest.mark.parametrize("thing", ["folder", "pipe", "link"])
def test_what_is_no_file_is_missing(cache, tmp_path, thing):
    cache.put(URL, b"a text")
    file = _entry(tmp_path)
    if thing == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    else:
        file.unlink()
        os.mkdir(file) if thing == "folder" else os.mkfifo(file)
    assert cache.get(URL, 100) is None
    # A folder cannot be replaced by a file; that is no reason to fail.
    cache.put(URL, b"new")
    assert cache.get(URL, 100) == (None if thing == "folder" else b"new")


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    cache = DownloadCache(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        cache.put(URL, b"a")
        cache.put(URL, b"a")
    assert cache.get(URL, 100) is None
    assert [r.getMessage()[:45] for r in caplog.records] == [
        "Not all downloads are kept in the cache: [Err"
    ]


def test_a_failed_write_leaves_nothing(cache, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    cache.put(URL, b"a text")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_killed_process_leaves_no_entry(tmp_path):
    code = textwrap.dedent(
        f"""
        import os, pathlib
        from keras_textcls.data.downloads.download_cache import DownloadCache
        os.replace = lambda *_: os._exit(9)
        DownloadCache(pathlib.Path({str(tmp_path)!r})).put({URL!r}, b"half")
        """
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (draft,) = (tmp_path / "unfinished").iterdir()
    assert DownloadCache(tmp_path).get(URL, 100) is None
    # It may belong to a process that lives; after a day it does not.
    DownloadCache(tmp_path).put(URL, b"a text")
    assert draft.exists()
    os.utime(draft, (0, 0))
    DownloadCache(tmp_path).put(URL, b"a text")
    assert not draft.exists()


def test_no_folder_keeps_nothing():
    cache = DownloadCache(None)
    cache.put(URL, b"a text")
    assert cache.get(URL, 100) is None


def test_where_downloads_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", "")
    assert download_folder(None) == tmp_path / ".cache" / "keras_textcls" / "downloads"
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", "~/mine")
    assert download_folder(None) == tmp_path / "mine" / "downloads"
    assert download_folder("~/here") == tmp_path / "here"
    assert download_folder(Path("there")) == Path("there")
    assert download_folder(False) is None


def test_who_has_no_home_keeps_nothing(monkeypatch):
    def no_home(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("KERAS_TEXTCLS_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert download_folder(None) is None
