"""Locks, so that threads may share a model: what reads or changes its state runs one at a time.

Keras on JAX takes the weights out of a model while it runs; on every backend the metrics
of an evaluation are variables of the model, and on PyTorch a `predict` beside a `fit`
changes what is trained. The locks lie beside the models, which stay free to be copied
and pickled.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import keras

from keras_textcls.keras_compat.layers import all_layers, direct_parts

_guard = threading.Lock()
_locks: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def one_at_a_time(model: keras.Model) -> Iterator[None]:
    """Wait until no other thread uses the weights of a model, and keep them until the end.

    Models that share layers wait for each other.

    Args:
        model: a `keras.Model`.
    """
    with contextlib.ExitStack() as stack:
        for lock in _locks_of(model):
            stack.enter_context(lock)
        yield


def _locks_of(model: keras.Model) -> list[Any]:
    # Of the innermost layers: models over the same layers, each a layer itself, would wait for
    # each other for ever if one were used within the other.
    layers = [part for part in all_layers(model) if part.variables and not direct_parts(part)]
    with _guard:
        locks = [_locks.setdefault(layer, threading.RLock()) for layer in layers]
    # In one order for all threads.
    return sorted(locks, key=id)
