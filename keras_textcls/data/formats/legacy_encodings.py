"""Detects encodings that are older than Unicode, and says how sure the result is.

`charset-normalizer` measures the chaos (implausible characters) that each encoding leaves
in the texts. If several encodings of Latin letters leave none, it often chooses the wrong
one: of 56 samples of Spanish, Catalan, Dutch and Portuguese in cp1252 it took 34 for
cp1250 or others. So the western encoding of Windows (cp1252) is chosen unless another one
leaves clearly less chaos, or clearly more of the characters beyond ASCII become letters
of one language.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

WESTERN = "cp1252"
# The encodings that files use in practice; with more candidates, more of them look alike.
_LATIN = ("cp1250", "cp1254", "cp1257", "iso8859_2")
_OTHER_ALPHABETS = ("cp1251", "cp1253", "cp1255", "cp1256", "cp874", "koi8_r", "cp866")
_MULTIBYTE = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
# Letters beyond ASCII: of Catalan, Croatian and Slovene, Czech, Danish and Norwegian, Estonian
# and Finnish, French, German, Hungarian, Icelandic, Italian, Latvian, Lithuanian, Polish,
# Portuguese, Romanian, Slovak, Spanish, Swedish, Turkish.
_LETTERS = (
    "àçèéíïòóúü", "ćčđšž", "áčďéěíňóřšťúůýž", "åæéø", "äåõöšüž", "àâçèéêëîïôùûüœ", "ßäöü",
    "áéíóöúüőű", "áæéíðóöúýþ", "àèéìòù", "āčēģīķļņšūž", "ąčėęįšūųž", "óąćęłńśźż",
    "àáâãçéêíóôõú", "âîășțşţ", "áäéíóôúýčďĺľňŕšťž", "áéíñóúü", "äåéö", "âçîöûüğış",
)  # fmt: skip
# Maximum size of the sample, of lines with bytes beyond ASCII, and the least number of these.
_SAMPLE, _ENOUGH = 1 << 16, 24
# How much better another encoding must be; chaos counts twice, the share of letters once.
_CLEARLY = 0.06
# With these values, the file is certainly in the western encoding.
_NO_CHAOS, _OF_ONE_LANGUAGE = 0.02, 0.95
# Any bytes are letters of some alphabet; only real words have the coherence of a language.
_COHERENT = 0.25
_STEPS, _STEP = 16, 1024


@dataclasses.dataclass(frozen=True)
class Opinion:
    """A detected encoding and the evidence for it.

    Args:
        encoding: string, the name of a codec.
        certainty: string, the evidence, for a person to read. Defaults to `""`:
            the encoding is certain.
    """

    encoding: str
    certainty: str = ""


def legacy_encoding(data: bytes) -> Opinion:
    r"""Detect the encoding of texts that are neither UTF-8 nor UTF-16.

    Args:
        data: bytes, such as the first block of a file; only a part of long data is used.

    Returns:
        An `Opinion`; its encoding is `"cp1252"` if there is too little text, or if no
        other encoding is clearly better.

    Example:
    >>> text = "Доставка пришла раньше, чем обещали. Спасибо, всё понравилось!\n"
    >>> legacy_encoding(text.encode("cp1251")).encoding
    'cp1251'
    """
    # Loaded where it is needed: most files are UTF-8.
    from charset_normalizer.md import mess_ratio

    sample = _telling_lines(data)
    count = len(sample) - len(sample.decode("ascii", "ignore"))
    if count < _ENOUGH:
        return Opinion(WESTERN, f"a guess: {count} bytes beyond ASCII are too few to tell")
    western = sample.decode(WESTERN, "ignore")
    chaos, letters = mess_ratio(western, 1.0), _letters_of_a_language(western)
    as_western = f"{WESTERN} with chaos {chaos:.2f}"
    if chaos < _NO_CHAOS and letters > _OF_ONE_LANGUAGE:
        # A shortcut: a folder may hold many small files.
        return Opinion(WESTERN, f"{as_western}, {letters:.0%} of the accents of one language")
    best, gain = None, float("-inf")
    for match in _matches(sample):
        gained = 2 * (chaos - match.chaos)
        if match.encoding in _LATIN:
            gained += _letters_of_a_language(str(match)) - letters
        if gained > gain:
            best, gain = match, gained
    if best is None:
        return Opinion(WESTERN, f"a guess: no encoding fits well, {as_western}")
    other = f"{best.encoding} with chaos {best.chaos:.2f}, coherence {best.coherence:.2f}"
    if gain > _CLEARLY:
        return Opinion(best.encoding, f"{other}; {as_western}")
    is_close = "; both fit alike" if gain > -_CLEARLY else ""
    return Opinion(WESTERN, f"{as_western}; {other}{is_close}")


def _matches(sample: bytes) -> list[CharsetMatch]:
    """The matches that differ from the western one: all of Latin letters, else the best one."""
    from charset_normalizer import from_bytes

    matches = from_bytes(
        sample,
        steps=_STEPS,
        chunk_size=_STEP,
        cp_isolation=[*_LATIN, *_OTHER_ALPHABETS, *_MULTIBYTE],
        # A text that names an encoding may be about another file.
        preemptive_behaviour=False,
    )
    western = sample.decode(WESTERN, "replace")
    unlike = [match for match in matches if str(match) != western]
    latin = [match for match in unlike if match.encoding in _LATIN]
    multibyte = [match for match in unlike if match.encoding in _MULTIBYTE]
    others = [m for m in unlike if m.encoding in _OTHER_ALPHABETS and m.coherence >= _COHERENT]
    others.sort(key=lambda match: match.chaos - match.coherence)
    return [*latin, *multibyte[:1], *others[:1]]


def _telling_lines(data: bytes) -> bytes:
    """The first lines with bytes beyond ASCII, or a part of the first if it is too long."""
    lines: list[bytes] = []
    size = 0
    for line in data.splitlines(keepends=True):
        if line.isascii():
            continue
        if size + len(line) > _SAMPLE:
            if not lines:
                begin = next(i for i, byte in enumerate(line) if byte > 0x7F)
                lines.append(_cut(line[begin : begin + _SAMPLE]))
            break
        lines.append(line)
        size += len(line)
    # A block may end within a character.
    if len(lines) > 1 and data.endswith(lines[-1]) and not lines[-1].endswith((b"\n", b"\r")):
        lines.pop()
    return b"".join(lines)


def _cut(line: bytes) -> bytes:
    """The line up to an ASCII separator, which is no part of a character in any encoding."""
    return line[: max(line.rfind(mark) for mark in (b" ", b",", b'"')) + 1] or line


def _letters_of_a_language(text: str) -> float:
    """The highest share of the letters beyond ASCII that belong to one language."""
    counts = collections.Counter(c for c in text.lower() if not c.isascii() and c.isalpha())
    known = max(sum(counts[letter] for letter in letters) for letters in _LETTERS)
    return known / max(counts.total(), 1)
