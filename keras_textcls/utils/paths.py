"""Checks of paths that a caller passes, before anything is looked for there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from keras_textcls.errors import ArgumentError, shorten


def read_path(value: Any, argument: str) -> Path:
    """Return a path, if the system can have a file of that name.

    Args:
        value: string or path, as given by a caller.
        argument: string, name of the argument, for messages.

    Returns:
        A `Path`; nothing needs to be there.

    Raises:
        ArgumentError: it is no path, or no file can have that name.

    Example:
    >>> read_path("some/directory", "output").parts
    ('some', 'directory')
    """
    try:
        path = os.fspath(value)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise ArgumentError(
            f"`{argument}` must be a path, as a string or a pathlib.Path. Received: "
            f"{argument}={shorten(value)} of type {type(value).__name__}."
        )
    try:
        os.stat(path)
    except ValueError:
        raise ArgumentError(
            f"`{argument}` must be a path that a file can have. Received: "
            f"{argument}={shorten(path)}, which holds a NUL or half a character."
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ArgumentError(
                f"`{argument}` is too long for a path: {len(path):,} characters. Received: "
                f"{argument}={shorten(path)}."
            ) from None
    return Path(path)
