"""`JsonTokenizer`: a tokenizer of the `tokenizers` library, as its `tokenizer.json` has it.

Static models of other projects come with vocabularies that Keras Hub's classes do not take:
WordPiece without `[CLS]`, unigrams without a SentencePiece model, words. Here the library
that made them splits the texts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf
import tokenizers

from keras_textcls.errors import PresetError

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
        A tensor of token ids for a string, else a `tf.RaggedTensor`.

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

    def tokenize(self, inputs: Any) -> Any:
        """Return the ids of the tokens of `inputs`."""
        texts = tf.convert_to_tensor(inputs)
        batch = tf.reshape(texts, (-1,))
        flat, counts = tf.numpy_function(self._ids, [batch], (tf.int32, tf.int64))
        flat, counts = tf.ensure_shape(flat, (None,)), tf.ensure_shape(counts, (None,))
        return flat if texts.shape.rank == 0 else tf.RaggedTensor.from_row_lengths(flat, counts)

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
        Path(dir_path, _FILE).write_text(self._made().to_str(), encoding="utf-8")

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

    def _ids(self, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # TensorFlow holds texts as bytes; what was a text is UTF-8.
        decoded = [text.decode("utf-8", "replace") for text in texts.tolist()]
        encoded = self._made().encode_batch_fast(decoded, add_special_tokens=False)
        ids = [encoding.ids for encoding in encoded]
        if self.skips_unknown and self._unknown is not None:
            ids = [[one for one in row if one != self._unknown] for row in ids]
        counts = np.array([len(row) for row in ids], "int64")
        return np.array([one for row in ids for one in row], "int32"), counts
