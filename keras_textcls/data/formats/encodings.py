"""Detects the encoding of a file and converts its bytes to UTF-8.

The encoding is detected from a byte order mark, from the zero bytes of UTF-16, and from
whether the bytes beyond ASCII are mostly UTF-8; if they are not, `legacy_encodings`
decides among the older encodings. Bytes that cannot be decoded are converted to bytes
that are not UTF-8, so that their row is listed as invalid later.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from keras_textcls.data.formats.legacy_encodings import Opinion, legacy_encoding
from keras_textcls.errors import ArgumentError, shorten

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Undecodable bytes become a lone surrogate, which never occurs in UTF-8 text.
_BROKEN = "\udcff"
_STRAY = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_HANDLER = "keras_textcls.mark_broken"


def detect_encoding(sample: bytes) -> Opinion:
    """Detect the encoding from the beginning of a file.

    Args:
        sample: bytes, the beginning; it may end within a character.

    Returns:
        An `Opinion`. Its encoding is `"utf-8"`, `"utf-16-le"`, `"utf-16-be"`,
        `"utf-32-le"` or `"utf-32-be"`, without a `certainty`, or one of
        `legacy_encoding`.

    Example:
    >>> detect_encoding("Grüße aus Köln".encode("cp1252")).encoding
    'cp1252'
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Opinion(name)
    pairs = sample[: len(sample) // 2 * 2]
    if pairs:
        # Mostly western text in UTF-16 has a zero in every other byte.
        even, odd = pairs[0::2].count(0), pairs[1::2].count(0)
        if max(even, odd) > 0.3 * len(pairs) / 2 and min(even, odd) < 0.1 * max(even, odd):
            return Opinion("utf-16-le" if odd > even else "utf-16-be")
    decoder = codecs.getincrementaldecoder("utf-8")
    try:
        decoder().decode(sample)
        return Opinion("utf-8")
    except UnicodeDecodeError:
        text = decoder("surrogateescape").decode(sample)
    stray = len(_STRAY.findall(text))
    is_utf8 = stray <= len(_BEYOND_ASCII.findall(text)) - stray
    return Opinion("utf-8") if is_utf8 else legacy_encoding(sample)


def check_encoding(encoding: str) -> str:
    """Check the argument `encoding`.

    Args:
        encoding: string, `"auto"` or the name of a codec of Python.

    Returns:
        The normal name.

    Raises:
        ArgumentError: there is no such text encoding.
    """
    if encoding == "auto":
        return encoding
    try:
        info = codecs.lookup(encoding)
        "a".encode(info.name)
        # Some codecs cannot decode bytes incrementally.
        _decoder(info.name).decode(b"a\xff\xfe\x00.", final=True)
        return {"utf-8-sig": "utf-8", "ascii": "utf-8"}.get(info.name, info.name)
    except (LookupError, TypeError, ValueError):
        raise ArgumentError(
            f'`encoding` must be "auto" or the name of a text encoding such as "utf-8" or '
            f'"cp1252". Received: encoding={shorten(encoding)}.'
        ) from None


class Utf8Blocks:
    """Converts blocks of a file to blocks of UTF-8.

    The encoding is detected at the first block that is not ASCII.

    Args:
        blocks: iterable of bytes.
        encoding: string, a name that `check_encoding` returned. Defaults to
            `"auto"`.
    """

    def __init__(self, blocks: Iterable[bytes], encoding: str = "auto") -> None:
        self._blocks = blocks
        self._opinion = None if encoding == "auto" else Opinion(encoding)

    @property
    def encoding(self) -> str:
        """The encoding that was given or detected so far."""
        return "utf-8" if self._opinion is None else self._opinion.encoding

    @property
    def details(self) -> dict[str, str]:
        """The encoding, and its certainty if it had to be guessed."""
        certainty = "" if self._opinion is None else self._opinion.certainty
        known = {"encoding": self.encoding}
        return {**known, "encoding certainty": certainty} if certainty else known

    def __iter__(self) -> Iterator[bytes]:
        decoder: codecs.IncrementalDecoder | None = None
        is_first = True
        for block in self._blocks:
            if self._opinion is None and (not block.isascii() or b"\x00" in block):
                self._opinion = detect_encoding(block)
            if is_first:
                block = _without_mark(block, self.encoding)
                is_first = False
            if self.encoding == "utf-8":
                yield block
                continue
            if decoder is None:
                decoder = _decoder(self.encoding)
            # Lone surrogates are not valid UTF-8 either, so that their rows are listed.
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        if decoder is not None and (rest := decoder.decode(b"", final=True)):
            yield rest.encode("utf-8", "surrogatepass")


def to_utf8(data: bytes, encoding: str = "auto") -> bytes:
    """Convert the whole of a file.

    Args:
        data: bytes.
        encoding: string, as for `Utf8Blocks`. Defaults to `"auto"`.

    Returns:
        Bytes; they are not valid UTF-8 where the input could not be decoded.
    """
    return b"".join(Utf8Blocks([data], encoding))


def decode(data: bytes, encoding: str = "auto") -> str:
    """Decode the whole of a file.

    Args:
        data: bytes.
        encoding: string, as for `Utf8Blocks`. Defaults to `"auto"`.

    Returns:
        A string.

    Raises:
        UnicodeDecodeError: the data cannot be decoded.
    """
    return to_utf8(data, encoding).decode("utf-8")


def _without_mark(block: bytes, encoding: str) -> bytes:
    for mark, name in _MARKS:
        if name == encoding.replace("_", "-") and block.startswith(mark):
            return block[len(mark) :]
    return block


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    codecs.register_error(_HANDLER, _mark_broken)
    return codecs.getincrementaldecoder(encoding)(_HANDLER)


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _BROKEN, error.end
