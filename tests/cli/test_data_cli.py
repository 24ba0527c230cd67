"""`keras-textcls data`."""

import pytest
from click.testing import CliRunner
from web_server import WebServer

from keras_textcls import TextDataset, read
from keras_textcls.cli import main


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["data", *map(str, arguments)])
    assert result.exit_code == code, result.output
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def path(tmp_path):
    rows = "".join(
        f"a text about number {i},{'even' if i % 2 == 0 else 'odd'}\n" for i in range(40)
    )
    file = tmp_path / "data.csv"
    file.write_text("review,parity\n" + rows + "no label,\n")
    return file


COLUMNS = ("--text", "review", "--label", "parity")


def test_inspect(path):
    output = run("inspect", path, *COLUMNS).output
    assert "encoding: utf-8" in output and "40 texts, 2 labels" in output
    assert "line 42, column parity: no label: no label" in output


def test_check_ends_with_1_if_there_is_an_error(path, tmp_path):
    assert "sorted" not in run("check", path, *COLUMNS).output
    output = run("check", path, *COLUMNS, "--against", path, code=1).output
    assert "error: 40 of 40 texts of the other (100.0 %) are in this dataset too" in output


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet", "out.tsv", "saved"])
def test_convert(path, tmp_path, name):
    output = run("convert", path, tmp_path / name, *COLUMNS).output
    dataset = read(path, text="review", label="parity")
    assert read(tmp_path / name) == dataset
    assert f"40 texts, 1 could not be used, version {dataset.fingerprint[:12]}" in output


def test_convert_to_the_instruction_form_and_back(path, tmp_path):
    asked = ("--to", "instruction", "--instruction", "Which of {labels}?", "--labels", "odd,even")
    run("convert", path, tmp_path / "asked.csv", *COLUMNS, *asked)
    first = (tmp_path / "asked.csv").read_text().splitlines()[1]
    begin = "### Instruction: Which of {odd, even}? ### Human: a text about number 0"
    assert first == f'"{begin} ### Assistant: even"'
    run("convert", tmp_path / "asked.csv", tmp_path / "back.csv")
    back = read(tmp_path / "back.csv")
    dataset = read(path, text="review", label="parity")
    assert (back.texts, back.targets) == (dataset.texts, dataset.targets)
    for arguments in (["back.jsonl"], ["saved"], ["saved", "--to", "dataset"]):
        output = run(
            "convert", path, tmp_path / arguments[0], *arguments[1:], *COLUMNS,
            "--instruction", "Which of {labels}?", code=1,
        ).output  # fmt: skip
        assert output.startswith("Error: ") and not (tmp_path / arguments[0]).exists()


def test_split(path, tmp_path):
    run("split", path, tmp_path / "parts", *COLUMNS, "--validation", "0", "--test", "0.2")
    names = sorted(p.name for p in (tmp_path / "parts").iterdir())
    assert names == ["test.csv", "train.csv"]
    assert len(read(tmp_path / "parts" / "test.csv")) == 8


def test_invalid_rows_are_written_even_if_there_are_too_many(path, tmp_path):
    out = tmp_path / "invalid_rows.csv"
    run("inspect", path, *COLUMNS, "--invalid-rows", out)
    assert out.read_text().splitlines()[1].startswith("42,no label,parity,,no label")
    output = run(
        "inspect", path, *COLUMNS, "--invalid-rows", out, "--tolerance", "0", code=1
    ).output
    assert "1 of 41 rows cannot be used (2.4 %)" in output and "Wrote 1 invalid rows" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "missing.csv"], "No such file"),
        (["inspect", "PATH"], "Which column"),
        (["inspect", "PATH", "--text", "reviw", "--label", "parity"], "Did you mean 'review'"),
        (["convert", "PATH", "out.doc", *COLUMNS], "`form`"),
        (["split", "PATH", "parts", *COLUMNS, "--train", "2"], "`train`"),
    ],
)
def test_errors_are_one_line(path, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    arguments = [str(path) if a == "PATH" else a for a in arguments]
    output = run(*arguments, code=1).output
    assert output.startswith("Error: ") and message in output and "Traceback" not in output


def test_a_saved_dataset_is_a_source(path, tmp_path):
    run("convert", path, tmp_path / "saved", *COLUMNS)
    assert TextDataset.load(tmp_path / "saved").details["columns"] == "review, parity"
    assert "40 texts" in run("inspect", tmp_path / "saved").output


def test_options_of_reading(path, tmp_path):
    output = run("inspect", path, *COLUMNS, "--labels", "odd, even").output
    assert "2 labels (odd, even)" in output
    output = run("inspect", path, *COLUMNS, "--labels", "odd", code=1).output
    assert "unknown label" in output
    output = run("inspect", path, *COLUMNS, "--max-text-length", "20", code=1).output
    assert "text over the length limit" in output
    quoted = tmp_path / "quoted.tsv"
    quoted.write_text('text\tlabel\n"one\ta\ntwo\tb\n')
    assert '"one' in run("inspect", quoted, "--quote", "none").output
    (tmp_path / "broken.csv").write_bytes("text,label\ncafé caf".encode() + b"\xff,a\n")
    output = run("inspect", tmp_path / "broken.csv", "--replace-undecodable").output
    assert "caf\ufffd" in output


def test_addresses_of_this_machine_are_read_where_that_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))
    with WebServer() as server:
        links = tmp_path / "links.csv"
        links.write_text(
            f"text,label\n{server.add('/a', b'one')},x\n{server.add('/b', b'two')},y\n"
        )
        output = run("inspect", links, "--cells", "url", code=1).output
        assert "private network" in output
        output = run("inspect", links, "--cells", "url", "--allow-private").output
    assert "2 texts" in output


def test_labels_counted_from_1(tmp_path):
    file = tmp_path / "d.csv"
    file.write_text("text,label\n" + "".join(f"a text {i},{1 + i % 2}\n" for i in range(8)))
    names = ("--labels", "bad,good")
    assert "label_offset=1" in run("inspect", file, *names, code=1).output
    output = run("inspect", file, *names, "--label-offset", 1).output
    assert "2 labels (bad, good)" in output
