"""Keeps what TensorFlow, JAX and Grain print at import off the terminal.

Their C++ code writes to the standard error of the process, before logging of Python
exists. So the file descriptor leads to a temporary file while they are imported. If
the import fails, what was written is shown; if it crashes, the place is.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence

# Grain, which Keras imports where it is installed, warns of a missing JAX.
_PACKAGES = ("tensorflow", "tensorflow_text", "jax", "jaxlib", "grain")
_STDERR = 2


class QuietImports(importlib.abc.MetaPathFinder):
    """Finds the packages that print at import, and has them imported quietly."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of one of the packages, otherwise `None`."""
        if name not in _PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


class _QuietLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        assert module.__spec__ is not None
        # The package itself finds its own loader, as without this one.
        module.__spec__.loader = module.__loader__ = self._loader
        with quiet_stderr():
            self._loader.exec_module(module)


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Import the packages quietly within this context.

    A user who sets `TF_CPP_MIN_LOG_LEVEL` to see what TensorFlow says sees it.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") < "3":
        yield
        return
    finder = QuietImports()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hide what is written to the standard error of the process, unless an error is raised.

    Example:
    >>> with quiet_stderr():
    ...     written = os.write(2, b"noise")
    """
    with contextlib.ExitStack() as stack:
        try:
            terminal = os.dup(_STDERR)
        except OSError:
            # The process has no standard error.
            yield
            return
        stack.callback(os.close, terminal)
        held = stack.enter_context(tempfile.TemporaryFile())
        if sys.stderr is not None:
            sys.stderr.flush()
        has_handler = faulthandler.is_enabled()
        if not has_handler:
            faulthandler.enable(terminal)
            stack.callback(faulthandler.disable)
        os.dup2(held.fileno(), _STDERR)
        failed = True
        try:
            yield
            failed = False
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(terminal, _STDERR)
            if failed:
                held.seek(0)
                os.write(_STDERR, held.read())
