"""What is left of a backend in a forked process: memory, but none of its threads.

TensorFlow and JAX wait for ever for the threads of the parent; PyTorch does, too, unless
it computes in one thread. So a process that was forked from one in which the backend ran
says so at once.
"""

from __future__ import annotations

import sys

import keras

from keras_textcls.keras_compat.tokenizers import tokenize_without_tensorflow
from keras_textcls.utils.forked import lost, refuse_lost


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
    if backend == "torch" and "tensorflow" in lost:
        tokenize_without_tensorflow()
    if backend == "torch" and backend in lost:
        sys.modules["torch"].set_num_threads(1)
        lost.discard(backend)
    refuse_lost(backend)
