"""Processes that start within milliseconds, for what only a process of its own can show.

They are forked from one that has imported Keras and its backend (`tests/preloaded.py`)
but not this library.
"""

import multiprocessing
import os
import runpy
import sys
import types
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent


class Finished(NamedTuple):
    """How a process ended, as `subprocess.CompletedProcess` tells it."""

    returncode: int
    stdout: str
    stderr: str


class Started:
    """A process that runs, with its output in two files."""

    def __init__(self, process, output, errors):
        self._process, self._output, self._errors = process, output, errors

    def wait(self):
        self._process.join()
        texts = (path.read_text("utf-8", "replace") for path in (self._output, self._errors))
        return Finished(self._process.exitcode, *texts)


class Processes:
    """Starts processes; `directory` is where their output goes."""

    def __init__(self, directory):
        methods = multiprocessing.get_all_start_methods()
        method = "forkserver" if "forkserver" in methods else "spawn"
        self._context = multiprocessing.get_context(method)
        self._directory, self._count = directory, 0
        if method == "forkserver":
            self._context.set_forkserver_preload(["preloaded"])
        with pytest.MonkeyPatch.context() as patch:
            # Python 3.11 does not hand its path on to the process that imports.
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
            self.call(os.getpid)

    def start(self, code, *arguments, cwd=None):
        """Begin to run code as `python -c` does, with `arguments` in `sys.argv`."""
        return self._start(cwd, _run_code, code, [str(argument) for argument in arguments])

    def run(self, code, *arguments, cwd=None):
        """Run code as `python -c` does."""
        return self.start(code, *arguments, cwd=cwd).wait()

    def script(self, path, *arguments):
        """Run a file as `python path` does."""
        return self._start(None, _run_script, str(path), [str(a) for a in arguments]).wait()

    def call(self, function, *arguments):
        """Call a function of an importable module."""
        return self._start(None, function, *arguments).wait()

    def _start(self, cwd, function, *arguments):
        self._count += 1
        paths = [self._directory / f"{self._count}.{name}" for name in ("out", "err")]
        process = self._context.Process(
            target=_enter, args=(paths, dict(os.environ), cwd or os.getcwd(), function, arguments)
        )
        process.start()
        return Started(process, *paths)


def _enter(paths, environment, cwd, function, arguments):
    """Become what a new process with this environment would be, then call the function."""
    for descriptor, path in enumerate(paths, start=1):
        with open(path, "wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    function(*arguments)


def _run_code(code, arguments):
    _be_main("", ["-c", *arguments])
    exec(compile(code, "<string>", "exec"), vars(sys.modules["__main__"]))


def _run_script(path, arguments):
    _be_main(os.path.dirname(path), [path, *arguments])
    runpy.run_path(path, run_name="__main__")


def _be_main(directory, arguments):
    """Leave nothing of the tests: neither their modules, nor their folders in the path."""
    outside = [
        entry for entry in sys.path if not Path(entry or ".").resolve().is_relative_to(TESTS)
    ]
    sys.path[:] = [directory, *outside]
    sys.argv[:] = arguments
    sys.modules["__main__"] = types.ModuleType("__main__")
