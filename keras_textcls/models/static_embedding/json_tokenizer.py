"""`JsonTokenizer`: a tokenizer of the `tokenizers` library, as its `tokenizer.json` has it.

Static models of other projects come with vocabularies that Keras Hub's classes do not take:
WordPiece without `[CLS]`, unigrams without a SentencePiece model, words. Here the library
that made them splits the texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf
import tokenizers

from keras_textcls.errors import PresetError
from keras_textcls.utils.ragged import end_to_end

_FILE = "tokenizer.json"


@keras.saving.register_keras_serializable(package="keras_textcls")
class JsonTokenizer(keras_hub.models.Tokenizer):
    """A tokenizer that is described by a `tokenizer.json`.

    It adds no special tokens, truncates nothing and pads nothing.

    Args:
        contents: string, the contents of the file, or `None` before a preset
            gives it its file. Defaults to `None`.
        skips_unknown: bool, whether unknown tokens are left out, as `model2vec`
            does. Defaults to `False`.
        **kwargs: `name` and `dtype`, as for a Keras Hub tokenizer.

    Call arguments:
        inputs: a string, a list of strings, or a tensor of strings.

    Returns:
        An int array for a string and a list of lists of ints for a list. For a
        tensor of TensorFlow a tensor of ids, or a `tf.RaggedTensor`.

    Example:
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[UNK]": 0, "good": 1, "day": 2}, "[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> [int(i) for i in JsonTokenizer(words.to_str())("good old day")]
    [1, 0, 2]
    """

    def __init__(
        self, contents: str | None = None, skips_unknown: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(dtype=kwargs.pop("dtype", "int32"), **kwargs)
        self.skips_unknown = bool(skips_unknown)
        self.file_assets = [_FILE]
        self._tokenizer: tokenizers.Tokenizer | None = None
        self._unknown: int | None = None
        if contents is not None:
            self._set(contents)

    def call(self, inputs: Any, *_: Any, training: Any = None, **__: Any) -> Any:
        """Return what `tokenize` returns."""
        # Keras Hub would make a tensor of TensorFlow of every text.
        return self.tokenize(inputs)

    def tokenize(self, inputs: Any) -> Any:
        """Return the ids of the tokens of `inputs`."""
        if tf.is_tensor(inputs):
            return self._in_graph(inputs)
        if isinstance(inputs, (str, bytes)):
            return self._ids([inputs])[0]
        flat, counts = self._ids(inputs)
        return [row.tolist() for row in np.split(flat, np.cumsum(counts)[:-1])]

    def ids_of_texts(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize texts without TensorFlow.

        Args:
            texts: list of strings.

        Returns:
            A tuple of an int array of all ids end to end, and an int array of
            how many each text has.
        """
        encoded = self._made().encode_batch_fast(texts, add_special_tokens=False)
        ids = [encoding.ids for encoding in encoded]
        if self.skips_unknown and self._unknown is not None:
            ids = [[one for one in row if one != self._unknown] for row in ids]
        flat, counts = end_to_end(ids)
        return flat.astype("int32"), counts

    def _in_graph(self, texts: Any) -> Any:
        batch = tf.reshape(texts, (-1,))
        flat, counts = tf.numpy_function(self._ids, [batch], (tf.int32, tf.int64))
        flat, counts = tf.ensure_shape(flat, (None,)), tf.ensure_shape(counts, (None,))
        return flat if texts.shape.rank == 0 else tf.RaggedTensor.from_row_lengths(flat, counts)

    @property
    def contents(self) -> str:
        """The contents of `tokenizer.json`."""
        return str(self._made().to_str())

    def vocabulary_size(self) -> int:
        """Return the number of ids, up to the largest."""
        return max(self._made().get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def get_vocabulary(self) -> list[str]:
        """Return the tokens by id."""
        return [self.id_to_token(i) for i in range(self.vocabulary_size())]

    def id_to_token(self, id: int) -> str:  # noqa: A002 (as Keras Hub calls it)
        """Return the token of an id."""
        return self._made().id_to_token(id) or ""

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token, or `None`."""
        found: int | None = self._made().token_to_id(token)
        return found

    def save_assets(self, dir_path: str) -> None:
        """Write `tokenizer.json` into a directory."""
        Path(dir_path, _FILE).write_text(self.contents, encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Read `tokenizer.json` from a directory."""
        self._set(Path(dir_path, _FILE).read_text(encoding="utf-8"))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, without the contents of the file."""
        return {**super().get_config(), "skips_unknown": self.skips_unknown}

    def _set(self, contents: str) -> None:
        try:
            made = tokenizers.Tokenizer.from_str(contents)
        except Exception as error:  # The library raises nothing more precise.
            raise PresetError(f"{_FILE} is broken: {error!s:.300}") from error
        made.no_padding()
        made.no_truncation()
        model = json.loads(contents)["model"]
        token = model.get("unk_token")
        self._tokenizer = made
        self._unknown = model.get("unk_id") if token is None else made.token_to_id(token)

    def _made(self) -> tokenizers.Tokenizer:
        if self._tokenizer is None:
            raise PresetError(f"The tokenizer has no vocabulary: no {_FILE} was loaded.")
        return self._tokenizer

    def _ids(self, texts: Iterable[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
        # TensorFlow holds texts as bytes; what was a text is UTF-8.
        return self.ids_of_texts(
            [t.decode("utf-8", "replace") if isinstance(t, bytes) else t for t in texts]
        )
