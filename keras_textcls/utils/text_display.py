"""Display of untrusted texts in a terminal, a table or a picture."""

from __future__ import annotations


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
