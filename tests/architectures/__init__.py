"""Every text backbone of Keras Hub, each as a tiny random model with a tiny tokenizer.

`ARCHITECTURES` is meant for parametrised tests of code that must work with any backbone which
reads token ids. Each entry builds a fresh model of two layers and a tokenizer whose vocabulary is
made in code; nothing is downloaded. Seed with `keras.utils.set_random_seed` before building, and
mind that some classes initialise with a standard deviation so small that their outputs hardly
differ between texts.

It holds no weights, no expected values and no published configuration. It does not say which
inputs a backbone takes: read `backbone.input` for that. `NOT_TEXT` names every other backbone
class, so that a test can find the classes that a new release of Keras Hub adds.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras_hub

from .decoders import DECODERS
from .encoder_decoders import ENCODER_DECODERS
from .encoders import ENCODERS
from .not_text import NOT_TEXT

__all__ = ["ARCHITECTURES", "NOT_TEXT", "Architecture", "architecture"]

VOCABULARY_SIZE_WITHOUT_TOKENIZER = 64


@dataclasses.dataclass(frozen=True)
class Architecture:
    """One Keras Hub backbone class, small enough for tests.

    Attributes:
        name: The name of the backbone class, such as `"BertBackbone"`.
        kind: `"encoder"`, `"decoder"` or `"encoder_decoder"`.
        build_backbone: Builds a tiny model without dropout. Keyword arguments replace those of
            the constructor.
        build_tokenizer: Builds a tokenizer whose ids the backbone covers, or `None` where Keras
            Hub has no tokenizer of that backbone class.
    """

    name: str
    kind: str
    build_backbone: Callable[..., keras_hub.models.Backbone]
    build_tokenizer: Callable[[], keras_hub.models.Tokenizer] | None

    def __repr__(self):
        return self.name


def _build(name, make_arguments, make_tokenizer, **overrides: Any):
    """Build the backbone `name` with its tiny arguments, updated with `overrides`."""
    if make_tokenizer is None:
        size = VOCABULARY_SIZE_WITHOUT_TOKENIZER
    else:
        size = make_tokenizer().vocabulary_size()
    return getattr(keras_hub.models, name)(**{**make_arguments(size), **overrides})


def _rows():
    kinds = {"encoder": ENCODERS, "decoder": DECODERS, "encoder_decoder": ENCODER_DECODERS}
    for kind, table in kinds.items():
        for name, (make_arguments, make_tokenizer) in table.items():
            build = functools.partial(_build, name, make_arguments, make_tokenizer)
            yield Architecture(name, kind, build, make_tokenizer)


ARCHITECTURES = tuple(sorted(_rows(), key=lambda entry: entry.name))
_BY_NAME = {entry.name: entry for entry in ARCHITECTURES}


def architecture(name: str) -> Architecture:
    """Return the entry of `ARCHITECTURES` for the backbone class `name`."""
    return _BY_NAME[name]
