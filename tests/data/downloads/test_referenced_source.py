"""Tables whose cells say where the texts are."""

import pytest
from web_server import WebServer, answer

from keras_textcls import DownloadPolicy, read
from keras_textcls.data.downloads import referenced_source

POLICY = DownloadPolicy(allow_private=True, cache=False, backoff=0.0, retries=1, max_bytes=1000)


@pytest.fixture
def server():
    with WebServer() as running:
        yield running


def write(path, rows, header="input,concepts"):
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def test_addresses_in_the_sdk_form(tmp_path, server):
    rows = [
        (server.add("/a.txt", "schön".encode("cp1252")), '"llm,mobile"'),
        (server.add("/gone.txt", answer(b"", 404)), "llm"),
        (server.add("/large.txt", b"x" * 2000), "llm"),
        ("file:///etc/passwd", "llm"),
        ("", "llm"),
        (server.add("/broken.txt", "naïve café ñ".encode() + b"\xff\xc3"), "llm"),
        (server.add("/z.txt", b"the last"), ""),
        (server.add("/b.txt", b"the second"), "claude"),
    ]
    path = write(tmp_path / "urls.csv", rows)
    dataset = read(path, cells="url", downloads=POLICY, invalid_data_tolerance_percent=100)
    assert [(row.text, row.label) for row in dataset] == [
        ("schön", ["llm", "mobile"]),
        ("the second", ["claude"]),
    ]
    found = [(row.line, row.reason) for row in dataset.invalid_rows]
    assert found == [
        (3, "text could not be fetched"),
        (4, "text could not be fetched"),
        (5, "text could not be fetched"),
        (6, "no text"),
        (7, "text could not be fetched"),
        (8, "no label"),
    ]
    details = [row.detail for row in dataset.invalid_rows]
    assert "404" in details[0] and "http://" in details[2] and "utf-8" in details[4]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_right_however_many_are_fetched_at_a_time(tmp_path, monkeypatch, size):
    monkeypatch.setattr(referenced_source, "_CELLS_PER_CHUNK", size)
    for i in range(7):
        (tmp_path / f"{i}.txt").write_text(f"text {i}")
    rows = [(f"{i}.txt", "x") for i in range(4)] + [("missing.txt", "x"), ("one cell",)]
    rows += [(f"{i}.txt", "y") for i in range(4, 7)] + [("also missing.txt", "y")]
    path = write(tmp_path / "paths.csv", rows, "text,label")
    dataset = read(path, cells="path", invalid_data_tolerance_percent=100)
    assert dataset.texts == [f"text {i}" for i in range(7)]
    assert sorted((row.line, row.reason) for row in dataset.invalid_rows) == [
        (6, "text could not be fetched"),
        (7, "wrong column count"),
        (11, "text could not be fetched"),
    ]


def test_a_table_without_rows_that_can_be_read(tmp_path):
    path = write(tmp_path / "paths.csv", [("one cell",)], "text,label")
    with pytest.raises(ValueError, match="wrong column count"):
        read(path, cells="path", invalid_data_tolerance_percent=100)


def test_frames_with_paths_beside_the_current_folder(tmp_path):
    (tmp_path / "a.txt").write_text("the text")
    dataset = read([("a.txt", "x")], cells="path", root=tmp_path)
    assert dataset.texts == ["the text"]
