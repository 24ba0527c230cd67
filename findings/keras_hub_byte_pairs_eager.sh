#!/usr/bin/env bash
# A byte-pair tokenizer of Keras Hub (GPT-2, RoBERTa, BART, Llama 3 and others) gives one text two
# sequences of tokens: called on a string it does not divide the text into words first, within
# `tf.data` it does.
#
# Seen with keras-hub 0.32.0, tokenizers 0.23.3, tensorflow 2.21.0, tensorflow-text 2.21.1.
# Guessed: `tokenizer(text)` and `dataset.map(tokenizer)` give the same tokens, and those of the
#   model's own tokenizer: two spaces and "hi" are " " and " hi".
# Seen: called on a string, the two spaces are merged first, then comes "hi". The pattern of words
#   is passed to `tokenizers.pre_tokenizers.Split` as a string, which is taken letter by letter
#   and not as a regular expression, so that it never matches.
# Who meets it: whoever trains through `tf.data` and answers single texts, on texts with two spaces
#   in a row, indented code, or lists.
# A remedy: tokenize within `tf.data` or `tf.function` on both sides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras-hub==0.32.0 keras==3.15.1 tokenizers==0.23.3 \
  tensorflow==2.21.0 tensorflow-text==2.21.1
KERAS_BACKEND=tensorflow "$folder/venv/bin/python" - <<'PYTHON'
import string

import keras_hub
import tensorflow as tf

merges = ["Ġ Ġ", "h i", "Ġ hi"]
pieces = [*string.ascii_letters, "Ġ", *(merge.replace(" ", "") for merge in merges)]
vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
tokenizer = keras_hub.tokenizers.BytePairTokenizer(vocabulary, merges, dtype="string")
text = "hi  hi"
called = [str(piece) for piece in tokenizer(text)]
data = tf.data.Dataset.from_tensor_slices([text]).map(tokenizer)
mapped = [piece.decode() for piece in next(iter(data)).numpy()]
print("called:        ", called)
print("within tf.data:", mapped)
assert called == ["hi", "ĠĠ", "hi"] and mapped == ["hi", "Ġ", "Ġhi"], "the behaviour has changed"
PYTHON
