"""What a forked process lost: the threads of what ran in its parent.

TensorFlow and JAX wait for ever for them.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from keras_textcls.errors import ProcessError

_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
# Of this process: what ran in its parent before the fork.
lost: set[str] = set()


def refuse_lost(backend: str) -> None:
    """Refuse to compute with a library whose threads this process lacks.

    Args:
        backend: `"tensorflow"` or `"jax"`.

    Raises:
        ProcessError: the process was forked from one in which it ran.
    """
    if backend not in lost:
        return
    name = _NAMES[backend]
    raise ProcessError(
        f"This process (pid {os.getpid()}) was forked from one in which {name} had run already, "
        f"and has none of its threads: {name} would wait for them for ever. Start processes by "
        '"spawn" or "forkserver", as in multiprocessing.get_context("spawn"), or load the model '
        "in the child process and nothing in its parent before the fork (gunicorn: without "
        "`--preload`). On PyTorch (KERAS_BACKEND=torch) forked processes answer, except where "
        "TensorFlow is needed (tf.data, tokenizers of your own)."
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
    lost.update(_running())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
