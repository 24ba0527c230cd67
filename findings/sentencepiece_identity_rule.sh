#!/usr/bin/env bash
# SentencePiece compiles normalization rules of one's own, of which the longest match wins, but
# refuses a rule that keeps a text as it is: an exception to a shorter rule cannot be written.
#
# Seen with sentencepiece 0.2.3 (`SentencePieceNormalizer(norm_map=...)`, new in 0.2.2).
# Guessed: rules "a" -> "c" and "ab" -> "ab" give "ab c" for "ab a", since longer rules win, as
#   they do where "ab" is changed to another text.
# Seen: ValueError "INVALID_ARGUMENT: Identity conversion is not allowed."
# Who meets it: whoever writes the normalizer of another library (lower case for all but some
#   texts, accents that are kept in a few sequences) as a `precompiled_charsmap`.
# A remedy: compile the exception to a stand-in of the same number of bytes, and put the text back
#   into the compiled table.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q sentencepiece==0.2.3
"$folder/venv/bin/python" - <<'PYTHON'
import sentencepiece

sentencepiece.SetMinLogLevel(2)


def normalize(rules, text):
    try:
        return sentencepiece.SentencePieceNormalizer(norm_map=rules).Normalize(text)
    except ValueError as error:
        return f"refused: {error}"


seen = {
    "longest match wins": normalize([("a", "c"), ("ab", "xy")], "ab a"),
    "an exception": normalize([("a", "c"), ("ab", "ab")], "ab a"),
}
for name, value in seen.items():
    print(f"{name}: {value}")
assert seen["longest match wins"] == "\u2581xy\u2581c", seen
assert seen["an exception"].endswith("Identity conversion is not allowed."), seen
PYTHON
echo "as described"
