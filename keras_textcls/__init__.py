"""Text classification for people who use Keras.

Everything public is listed in `__init__.pyi` and is loaded on first use:
importing this package loads neither Keras nor a backend.
"""

import importlib
from typing import Any

import lazy_loader

from keras_textcls.data.token_counter import set_token_counter as _set_token_counter
from keras_textcls.version import __version__ as __version__

__getattr__, _, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _token_lengths() -> Any:
    return importlib.import_module(f"{__name__}.classifiers.token_lengths").token_lengths


# Datasets count tokens with it, and do not load it otherwise.
_set_token_counter(_token_lengths)
