"""Cells that point to texts: which are read, and what stands for the others."""

import os
import socket
from pathlib import Path

import pytest
from web_server import WebServer, answer

from keras_textcls.data.downloads.downloads import DownloadPolicy, FetchFailure
from keras_textcls.data.downloads.referenced_texts import resolve_cells
from keras_textcls.errors import ArgumentError

LEAVES = "the path leaves the folder of the table"
ABSOLUTE = "the path is absolute; it must start at the folder of the table"


@pytest.fixture
def root(tmp_path):
    """A folder with texts, beside a file that is not its business."""
    folder = tmp_path / "table"
    (folder / "texts").mkdir(parents=True)
    (folder / "a.txt").write_text("text a")
    (folder / "texts" / "ü b.txt").write_text("text ü", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def resolve(cells, root, **kwargs):
    return list(resolve_cells(cells, "path", bytes.decode, root=root, **kwargs))


def reason(cell, root, **kwargs):
    (outcome,) = resolve([cell], root, **kwargs)
    assert isinstance(outcome, FetchFailure), outcome
    return outcome.reason


# === Paths ===


def test_texts_in_order_among_failures(root):
    cells = ["texts/ü b.txt", "missing.txt", "./a.txt", "texts/../a.txt", "a.txt"]
    missing = FetchFailure("there is no such file")
    assert resolve(cells, root) == ["text ü", missing, "text a", "text a", "text a"]


def test_the_folder_may_be_a_link_or_relative(root, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(root)
    assert resolve(["a.txt"], tmp_path / "link") == ["text a"]
    monkeypatch.chdir(tmp_path)
    assert resolve(["a.txt"], "table") == ["text a"]


@pytest.mark.parametrize(
    "cell",
    ["../secret.txt", "texts/../../secret.txt", "..", "../missing", "../table2/a.txt", "./.."],
)
def test_paths_do_not_leave_the_folder(root, cell):
    (root.parent / "table2").mkdir()
    (root.parent / "table2" / "a.txt").write_text("secret")
    assert reason(cell, root) == LEAVES


def test_absolute_paths_are_refused(root):
    for cell in (str(root / "a.txt"), "/etc/hostname", "C:\\a.txt", "\\\\server\\share\\a.txt"):
        assert reason(cell, root) == ABSOLUTE


@pytest.mark.parametrize("cell", ["file:///etc/hostname", "http://127.0.0.1/a", "https://x"])
def test_addresses_are_not_paths(root, cell):
    assert reason(cell, root) == 'this is an address, not a path; for addresses pass kind="url"'


def test_links_do_not_leave_the_folder(root):
    (root / "file").symlink_to(root.parent / "secret.txt")
    (root / "folder").symlink_to(root.parent)
    (root / "twice").symlink_to("file")
    (root / "up").symlink_to("texts")
    for cell in ("file", "folder/secret.txt", "twice", "folder", "texts/../file"):
        assert reason(cell, root) == LEAVES
    # The link is followed first, as the system does.
    assert resolve(["up/../a.txt"], root) == ["text a"]


def test_links_inside_the_folder_are_followed(root):
    (root / "link").symlink_to("texts")
    (root / "back").symlink_to(root.parent / "table" / "a.txt")
    assert resolve(["link/ü b.txt", "back"], root) == ["text ü", "text a"]


def test_links_that_lead_nowhere(root):
    (root / "dangling").symlink_to("nothing")
    (root / "loop").symlink_to("loop")
    assert reason("dangling", root) == "there is no such file"
    assert reason("loop", root) == "it is a link that leads nowhere"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_what_is_no_file_is_not_waited_for(root):
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("pipe")
    for cell in ("pipe", "link"):
        assert reason(cell, root) == "it is a pipe, a device or a socket, not a file"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="has no devices in /dev")
def test_devices_are_not_read(root):
    assert reason("zero", "/dev") == "it is a pipe, a device or a socket, not a file"


def test_sockets_are_not_read(root, monkeypatch):
    monkeypatch.chdir(root)  # their names are short
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
        assert reason("socket", root) == "it is a pipe, a device or a socket, not a file"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", "the path is empty"),
        (".", "it is a folder, not a file"),
        ("texts", "it is a folder, not a file"),
        ("a.txt/b", "the file cannot be read: Not a directory"),
        ("x" * 5000, "the file cannot be read: File name too long"),
        ("a\0b", "the path holds characters that no path may hold"),
        ("\ud800", "the path holds characters that no path may hold"),
    ],
)
def test_what_is_no_path_of_a_file(root, cell, expected):
    assert reason(cell, root) == expected


def test_a_file_that_may_not_be_read(root, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert reason("a.txt", root) == "the file cannot be read: Permission denied"


def test_the_largest_file(root):
    (root / "large").write_bytes(b"x" * 100)
    assert resolve(["large"], root, max_bytes=100) == ["x" * 100]
    assert reason("large", root, max_bytes=99) == "the file is larger than max_bytes=99"
    policy = DownloadPolicy(max_bytes=98)
    assert reason("large", root, policy=policy) == "the file is larger than max_bytes=98"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_file_that_does_not_know_its_size():
    assert os.stat("/proc/self/status").st_size == 0
    (text,) = resolve(["status"], "/proc/self")
    assert text.startswith("Name:")
    assert reason("status", "/proc/self", max_bytes=10) == "the file is larger than max_bytes=10"


def test_texts_are_read_when_they_are_asked_for(root):
    outcomes = resolve_cells(["a.txt", "later.txt"], "path", bytes.decode, root=root)
    assert next(outcomes) == "text a"
    (root / "later.txt").write_text("later")
    assert next(outcomes) == "later"


# === Decoding ===


def test_bytes_that_are_no_text(root):
    (root / "latin").write_bytes("grün".encode("latin-1"))
    assert reason("latin", root) == "bytes that are not utf-8 (byte 2)"
    (text,) = resolve_cells(["latin"], "path", lambda b: b.decode("latin-1"), root=root)
    assert text == "grün"


# === Addresses ===


def test_addresses(tmp_path):
    with WebServer() as server:
        cells = [
            server.add("/a", "grün".encode()),
            "a.txt",
            "file:///etc/hostname",
            server.add("/latin", "grün".encode("latin-1")),
            f"  {server.add('/b', b'text b')}\n",
            server.add("/large", b"x" * 101),
            server.add("/missing", answer(b"", 404)),
        ]
        policy = DownloadPolicy(cache=tmp_path, allow_private=True)
        outcomes = list(resolve_cells(cells, "url", bytes.decode, policy, max_bytes=100))
    assert outcomes == [
        "grün",
        FetchFailure("the address does not start with http:// or https://"),
        FetchFailure("the address does not start with http:// or https://"),
        FetchFailure("bytes that are not utf-8 (byte 2)"),
        "text b",
        FetchFailure("the content is larger than max_bytes=100"),
        FetchFailure("the server answered 404 Not Found"),
    ]


# === Arguments ===


@pytest.mark.parametrize("kind", ["URL", "file", None, ""])
def test_an_unknown_kind_is_an_error(kind):
    with pytest.raises(ArgumentError, match=f'`kind` must be "url" or "path".*{kind!r}'):
        resolve_cells([], kind, bytes.decode)


@pytest.mark.parametrize("max_bytes", [0, -1, 1.5, True])
def test_a_limit_that_is_none_is_an_error(max_bytes):
    with pytest.raises(ArgumentError, match="`max_bytes` must be an integer, at least 1"):
        resolve_cells([], "path", bytes.decode, max_bytes=max_bytes)
