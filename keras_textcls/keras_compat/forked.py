"""What is left of a backend in a forked process: memory, but none of its threads.

TensorFlow and JAX wait for ever for the threads of the parent; PyTorch does, too, unless
it computes in one thread. So a process that was forked from one in which the backend ran
says so at once.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import keras

from keras_textcls.errors import ProcessError
from keras_textcls.keras_compat.tokenizers import tokenize_without_tensorflow

_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
# Of this process: what ran in its parent before the fork.
_lost: set[str] = set()


def check_process(backend: str | None = None) -> None:
    """Refuse to compute in a process that lacks the threads of the backend.

    On PyTorch it computes in one thread instead, which always works.

    Args:
        backend: string, what is about to compute. Defaults to `None`, the
            backend of Keras.

    Raises:
        ProcessError: the process was forked from one in which it ran.
    """
    backend = backend or keras.config.backend()
    if backend == "torch" and "tensorflow" in _lost:
        tokenize_without_tensorflow()
    if backend not in _lost:
        return
    if backend == "torch":
        sys.modules["torch"].set_num_threads(1)
        _lost.discard(backend)
        return
    name = _NAMES[backend]
    raise ProcessError(
        f"This process (pid {os.getpid()}) was forked from one in which {name} had run already, "
        f"and has none of its threads: {name} would wait for them for ever. Start processes by "
        '"spawn" or "forkserver", as in multiprocessing.get_context("spawn"), or load the model '
        "in the child process and nothing in its parent before the fork (gunicorn: without "
        "`--preload`). On PyTorch (KERAS_BACKEND=torch) forked processes answer."
    )


def _running() -> set[str]:
    """What has started threads: TensorFlow and JAX at their first value, PyTorch maybe."""
    running = set()
    context: Any = sys.modules.get("tensorflow.python.eager.context")
    if getattr(getattr(context, "_context", None), "_initialized", False):
        running.add("tensorflow")
    bridge: Any = sys.modules.get("jax._src.xla_bridge")
    if getattr(bridge, "_backends", None):
        running.add("jax")
    if "torch" in sys.modules:
        running.add("torch")
    return running


def _note_fork() -> None:
    _lost.update(_running())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
