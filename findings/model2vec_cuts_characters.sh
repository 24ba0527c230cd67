#!/usr/bin/env bash
# A static model of model2vec reads only the beginning of a text of few tokens: `encode` cuts it
# to `max_length` times the median token length, in characters, before it counts tokens.
#
# Seen with model2vec 0.10.0.
# Guessed: `max_length=512` keeps the first 512 tokens.
# Seen: of 201 tokens, of which most are longer than the median of the vocabulary, the last is
#   dropped. sentence-transformers reads the same folder without any cut, so that one model gives
#   two vectors for one text.
# Who meets it: whoever embeds long words (German, medicine, code) with a vocabulary that has many
#   short tokens, or compares the two libraries on long texts.
# A remedy: `encode(texts, max_length=None)`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q model2vec==0.10.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers

words = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "extraordinary": 3}, "[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
model = StaticModel(np.eye(4, dtype="float32"), words, max_length=512)
text = " ".join(["extraordinary"] * 200 + ["b"])
tokens = len(words.encode(text).ids)
cut = bool(model.encode([text])[0][2] > 0)
whole = bool(model.encode([text], max_length=None)[0][2] > 0)
print(f"{tokens} tokens, median length {model.median_token_length}")
print(f"max_length=512: the last token counts: {cut}; max_length=None: {whole}")
assert tokens < 512 and not cut and whole, "the behaviour has changed"
PYTHON
