"""Detects the scripts and languages of texts."""

from __future__ import annotations

import collections
import functools
import importlib
import unicodedata
from collections.abc import Iterable, Sequence

# Scripts that one language uses together.
_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "IDEOGRAPHIC": "CJK"}
# A language counts from this probability on; shorter texts than this get none.
_CERTAIN = 0.9
_SHORTEST = 30


@functools.lru_cache(maxsize=8192)
def script_of(character: str) -> str | None:
    """Return the script of a letter, from its Unicode name.

    Args:
        character: string of one character.

    Returns:
        A string such as `"LATIN"`, or `None` if the character is not a letter.

    Example:
    >>> script_of("a"), script_of("я"), script_of("!")
    ('LATIN', 'CYRILLIC', None)
    """
    if not character.isalpha():
        return None
    name = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return _TOGETHER.get(name, name) or None


def main_script(text: str) -> str | None:
    """Return the script of most letters of a text.

    Args:
        text: string; only its first 1,000 characters are used.

    Returns:
        A string, or `None` for a text without letters.
    """
    counts = collections.Counter(filter(None, map(script_of, text[:1000])))
    return counts.most_common(1)[0][0] if counts else None


def count_scripts(texts: Iterable[str]) -> dict[str, int]:
    """Count the main scripts of texts.

    Args:
        texts: iterable of strings.

    Returns:
        A dict from script to number of texts, the most frequent first.
    """
    return dict(collections.Counter(filter(None, map(main_script, texts))).most_common())


def count_languages(texts: Sequence[str]) -> dict[str, int] | None:
    """Count the languages of texts that are long enough to detect one.

    Args:
        texts: sequence of strings.

    Returns:
        A dict from ISO 639-1 code to number of texts, the most frequent first;
        `None` if py3langid is not installed.

    Reference:
        Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification
        Tool", ACL 2012 (as py3langid).
    """
    try:
        langid = importlib.import_module("py3langid.langid")
    except ImportError:
        return None
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        if len(text) >= _SHORTEST:
            language, probability = identifier.classify(text)
            if probability >= _CERTAIN:
                counts[str(language)] += 1
    return dict(counts.most_common())
