"""Display of untrusted texts in a terminal, a table or a picture."""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e0fff]"
)


def printable(text: str) -> str:
    """Replace control characters and line breaks, which a terminal would interpret.

    Args:
        text: string.

    Returns:
        A string without control characters and line breaks.

    Example:
    >>> printable("see" + chr(27) + "you") == "see" + chr(0xFFFD) + "you"
    True
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def one_line(text: str, width: int) -> str:
    """Return a text in one line, truncated to a width.

    Args:
        text: string.
        width: int, most characters.

    Returns:
        A string.

    Example:
    >>> one_line("see you  at six", 11) == "see you at" + chr(0x2026)
    True
    """
    text = printable(" ".join(text.split()))
    return text if len(text) <= width else text[: width - 1] + "\u2026"


def without_invisible(text: str) -> str:
    """Remove characters that cannot be seen: zero-width and directional marks, fillers.

    These are the default ignorable code points of Unicode, without the tags that tell
    flags apart. They come with texts from web pages and office programs (soft hyphens,
    byte-order marks).

    Args:
        text: string.

    Returns:
        A string.

    Example:
    >>> without_invisible("sp" + chr(0x200B) + "am")
    'spam'
    """
    return text if text.isascii() else _INVISIBLE.sub("", text)
