"""A preprocessor with another tokenizer in the place of its own, which stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_textcls.tokenization.prefixes import first_ids


class TokenizerStandIn:
    """Gives token ids as lists, which preprocessors of Keras Hub take without TensorFlow.

    Args:
        tokenizer: a `keras_hub.models.Tokenizer`, whose attributes this has, too.
        ids: callable from a list of strings to a tuple of an int array of all
            ids end to end, and an int array of how many each text has.

    Call arguments:
        texts: list of strings.

    Returns:
        A list of lists of ints.
    """

    def __init__(self, tokenizer: Any, ids: Callable[[list[str]], Any], needed: int) -> None:
        self._tokenizer, self.ids, self._needed = tokenizer, ids, needed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, texts: list[str]) -> list[list[int]]:
        """Tokenize `texts`."""
        flat, counts = first_ids(self.ids, list(texts), self._needed)
        return [row.tolist() for row in np.split(flat, np.cumsum(counts)[:-1])]


def with_tokenizer(
    preprocessor: Any, make: Callable[[Any], Callable[[list[str]], Any]], needed: int
) -> Any:
    """Return a preprocessor that tokenizes otherwise, and shares all else with the given one.

    Args:
        preprocessor: a `keras_hub.models.Preprocessor` that is built.
        make: callable from its tokenizer to `ids` of a `TokenizerStandIn`.
        needed: int, how many tokens of a text it looks at.

    Returns:
        A layer of the same class.
    """
    # Neither `copy.copy`, which Keras does by way of a file, nor an attribute set, which Keras
    # tracks in lists that the two share.
    twin = object.__new__(type(preprocessor))
    vars(twin).update(vars(preprocessor))
    tokenizer = preprocessor.tokenizer
    vars(twin)["_tokenizer"] = TokenizerStandIn(tokenizer, make(tokenizer), needed)
    return twin
