"""The folder of caches: files that can be computed or downloaded again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "KERAS_TEXTCLS_CACHE"


def cache_folder(name: str) -> Path | None:
    """Return the folder of one kind of thing, which need not exist.

    Args:
        name: string, what is kept there, such as `"downloads"`.

    Returns:
        The `Path` of that name in the folder that the environment variable
        `KERAS_TEXTCLS_CACHE` names, else in `~/.cache/keras_textcls`; `None`
        where the user has no home.
    """
    named = os.environ.get(CACHE_VARIABLE)
    try:
        folder = Path(named).expanduser() if named else Path.home() / ".cache" / "keras_textcls"
    except RuntimeError:
        return None
    return folder / name
