#!/bin/sh
# model2vec 0.10.0: `encode` cuts a text to max_length times the median token length in
# CHARACTERS before it counts tokens, so a vocabulary of short tokens drops most of a long
# text although it has far fewer than max_length tokens. sentence-transformers 6.2 reads the
# same folder without any cut, so the two give other vectors. Seen with numpy 2, tokenizers 0.23.
# Usage: sh model2vec_cuts_characters.sh   (needs: pip install model2vec)
python3 - <<'PY'
import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers

words = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "extraordinary": 3}, "[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
model = StaticModel(np.eye(4, dtype="float32"), words, max_length=512)
text = " ".join(["extraordinary"] * 200 + ["b"])  # 201 tokens, of 512 that are allowed
print("median token length:", model.median_token_length)
print("tokens:", len(words.encode(text).ids))
print("the last token counts:", bool(model.encode([text])[0][2] > 0))
print("without max_length:   ", bool(model.encode([text], max_length=None)[0][2] > 0))
PY
