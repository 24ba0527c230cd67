"""Text classification for people who use Keras.

Everything public is listed in `__init__.pyi` and is loaded on first use:
importing this package loads neither Keras nor a backend.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
