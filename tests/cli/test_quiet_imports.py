"""What TensorFlow prints at import stays off the terminal, and errors do not."""

import os
import subprocess
import sys

import pytest

_IMPORT = """
import os, sys
from keras_textcls.cli.quiet_imports import quiet_imports
with quiet_imports():
    import tensorflow
    print(tensorflow.__spec__.loader.__class__.__name__, tensorflow.made)
"""
_NOISE = 'import os; os.write(2, b"noise of C++\\n"); made = 1\n'


def _import(folder, package, level=None, close=False):
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").write_text(package)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(folder), *sys.path]))
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    if level is not None:
        environment["TF_CPP_MIN_LOG_LEVEL"] = level
    code = f"import os\nos.close(2)\n{_IMPORT}" if close else f"{_IMPORT}\nos.write(2, b'after')"
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )


def test_what_is_printed_at_import_is_hidden(tmp_path):
    process = _import(tmp_path, _NOISE)
    assert (process.stdout, process.stderr) == ("SourceFileLoader 1\n", "after")


def test_who_asks_for_it_sees_it(tmp_path):
    assert _import(tmp_path, _NOISE, level="0").stderr == "noise of C++\nafter"


def test_a_failed_import_shows_what_was_printed(tmp_path):
    process = _import(tmp_path, _NOISE + "raise ImportError('libcudart is missing')\n")
    assert process.stderr.startswith("noise of C++\nTraceback")
    assert process.stderr.endswith("ImportError: libcudart is missing\n")


def test_a_crash_says_where(tmp_path):
    process = _import(tmp_path, _NOISE + "os.abort()\n")
    assert process.returncode < 0
    assert "Fatal Python error: Aborted" in process.stderr
    assert "tensorflow/__init__.py" in process.stderr.replace(os.sep, "/")


def test_a_process_without_standard_error(tmp_path):
    process = _import(tmp_path, "made = 1\n", close=True)
    assert process.returncode == 0
    assert process.stdout.endswith("SourceFileLoader 1\n")


@pytest.mark.parametrize("command", ["data inspect texts.csv --preset static_embedding_en_uncased"])
def test_a_command_prints_nothing_but_its_own(command, tmp_path):
    (tmp_path / "texts.csv").write_text("text,label\na parcel,x\na shop,y\n")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    process = subprocess.run(
        [sys.executable, "-c", "from keras_textcls.cli import main; main()", *command.split()],
        env=environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("source: texts.csv\n")
    assert process.stderr == ""
