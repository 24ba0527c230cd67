"""The exact reader of delimited text (CSV, TSV): reads record by record and loses none.

It follows RFC 4180 as spreadsheets write it: a quote opens a quoted cell only at the
beginning of a cell, elsewhere it is an ordinary character; two quotes within a quoted cell
stand for one. On well-formed files it returns the same cells as `csv.reader` of the
standard library. In addition, it returns the position of each record, and marks records
with a quote that is never closed: such a record ends at the end of its line, so that only
this line is lost and not all that follow.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator

from keras_textcls.data.rows.columns import USUAL_NAMES

# Maximum number of characters of a record; in a longer one, a quote was not closed.
MAX_RECORD = 16 << 20
# Number of records from which the dialect is detected.
_LOOKED_AT = 300
_CLEARLY = 0.05
# If this share of the records has an unclosed quote, quotes are ordinary characters.
_MANY = 0.1
_LINE_END = re.compile(r"\r\n|\n|\r")
# The first line by which Excel is told the delimiter.
_TOLD = re.compile(r'"?sep=([^\r\n"])"?[ \t]*(\r\n|\n|\r)', re.IGNORECASE)
# Number of lines before a table that are looked for.
_MOST_TITLES = 10


@dataclasses.dataclass(frozen=True)
class Dialect:
    """The delimiter and the quote of a file.

    Args:
        delimiter: string of one character. Defaults to `","`.
        quote: string of one character, or `None` if quotes are ordinary
            characters. Defaults to `'"'`.
    """

    delimiter: str = ","
    quote: str | None = '"'


@dataclasses.dataclass(frozen=True)
class Record:
    """One record of a file.

    Args:
        cells: list of strings; bytes that are not UTF-8 are lone surrogates.
        begin: int, position in the text where the record begins.
        end: int, position where the next record begins.
        is_blank: bool, whether it is an empty line. Defaults to `False`.
        is_unclosed: bool, whether a quote was opened and not closed. Defaults
            to `False`.
    """

    cells: list[str]
    begin: int
    end: int
    is_blank: bool = False
    is_unclosed: bool = False


@functools.lru_cache(maxsize=64)
def _cell_pattern(dialect: Dialect) -> re.Pattern[str]:
    """A pattern of a cell and its end: a delimiter, the end of the line, or of the text."""
    delimiter = re.escape(dialect.delimiter)
    end = rf"({delimiter}|\r\n|\n|\r|\Z)"
    if dialect.quote is None:
        return re.compile(rf"()()([^{delimiter}\r\n]*){end}")
    quote = re.escape(dialect.quote)
    # Possessive quantifiers: two quotes that were matched together are not split again.
    quoted = rf"{quote}([^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+){quote}([^{delimiter}\r\n]*)"
    return re.compile(rf"(?:{quoted}|(?!{quote})([^{delimiter}\r\n]*)){end}")


def read_records(text: str, dialect: Dialect, is_last: bool = True) -> Iterator[Record]:
    """Read the records of a text, or those that are complete.

    Args:
        text: string.
        dialect: `Dialect`.
        is_last: bool, whether the file ends with this text. If not, the last
            record is left out unless the end of its line is in the text.
            Defaults to `True`.

    Returns:
        An iterator of `Record`, including records of empty lines.
    """
    position = 0
    while position < len(text):
        record = _read_record(text, position, dialect, is_last)
        if record is None:
            return
        yield record
        position = record.end


def _read_record(text: str, begin: int, dialect: Dialect, is_last: bool) -> Record | None:
    match_cell = _cell_pattern(dialect).match
    cells: list[str] = []
    position = begin
    while True:
        match = match_cell(text, position)
        # A quoted cell that spans lines and is followed by other characters: a stray quote.
        if match is None or (match[2] and "\n" in match[1]):
            if match is None and not is_last and len(text) - begin < MAX_RECORD:
                return None
            return _unclosed(text, begin, position, dialect, cells, is_last)
        if match[1] is None or dialect.quote is None:
            cells.append(match[3])
        else:
            cells.append(match[1].replace(dialect.quote * 2, dialect.quote) + match[2])
        position = match.end()
        if match[4] == dialect.delimiter:
            continue
        is_cut = not match[4] or (match[4] == "\r" and position == len(text))
        # The text ends here; the rest of the cell may follow in the file.
        if is_cut and not is_last:
            is_endless = len(text) - begin >= MAX_RECORD
            return Record(cells, begin, len(text), is_unclosed=True) if is_endless else None
        return Record(cells, begin, position, is_blank=match[3] == "" and len(cells) == 1)


def _unclosed(
    text: str, begin: int, position: int, dialect: Dialect, cells: list[str], is_last: bool
) -> Record | None:
    """The record whose quote was not closed: it ends with the line."""
    line_end = _LINE_END.search(text, position)
    if line_end is None and not is_last:
        return None
    end = len(text) if line_end is None else line_end.end()
    rest = text[position:end].rstrip("\r\n").split(dialect.delimiter)
    return Record([*cells, *rest], begin, end, is_unclosed=True)


def sniff_dialect(sample: str, delimiter: str | None = None, quote: str | None = "auto") -> Dialect:
    r"""Detect the delimiter and the quoting from the beginning of a file.

    The dialect is chosen that gives a column a usual name, such as `text`, and gives the
    most records the same number of cells as the first. Quotes count as ordinary
    characters only if this fits clearly better.

    Args:
        sample: string, the beginning of a file, complete lines.
        delimiter: string or `None`, the delimiter if it is known. Defaults to
            `None`.
        quote: string or `None`, the quote if it is known, `"auto"` if not.
            Defaults to `"auto"`.

    Returns:
        A `Dialect`.

    Example:
    >>> sniff_dialect("text;label\nOne, two;a\nThree;b\n").delimiter
    ';'
    """
    delimiters = [delimiter] if delimiter else [",", "\t", ";", "|"]

    def best(quote: str | None) -> tuple[tuple[bool, bool, float], Dialect]:
        candidates = [Dialect(d, quote) for d in delimiters]
        # Of equal dialects `max` takes the first, which has the most usual delimiter.
        return max(((_fit(sample, d), d) for d in candidates), key=lambda pair: pair[0])

    if quote != "auto":
        return best(quote)[1]
    (quoted_fit, quoted), (plain_fit, plain) = best('"'), best(None)
    is_better = plain_fit[:2] >= quoted_fit[:2] and plain_fit[2] > quoted_fit[2] + _CLEARLY
    is_better = is_better and _share_unclosed(sample, quoted) > _MANY
    return plain if is_better else quoted


def read_preface(text: str, skip_rows: int = 0) -> tuple[int | None, str | None]:
    r"""Find where the table of a file begins.

    Args:
        text: string, the beginning of a file.
        skip_rows: int, number of lines before the table. Defaults to `0`.

    Returns:
        A tuple of the position where the table begins, or `None` if the text has
        not so many lines, and of the delimiter that a first line `sep=;` names,
        or `None`.

    Example:
    >>> read_preface("sep=;\ntext;label\n")
    (6, ';')
    """
    told = _TOLD.match(text)
    position = 0
    for _ in range(skip_rows):
        end = _LINE_END.search(text, position)
        if end is None:
            return None, None
        position = end.end()
    return (position, None) if told is None else (max(position, told.end()), told[1])


def title_lines(
    sample: str, dialect: Dialect, delimiter: str | None = None, quote: str | None = "auto"
) -> int:
    """Return how many lines seem to stand before the table, such as a title.

    Args:
        sample: string, the beginning of a file, complete lines.
        dialect: `Dialect` that was detected for the whole.
        delimiter: as for `sniff_dialect`. Defaults to `None`.
        quote: as for `sniff_dialect`. Defaults to `"auto"`.

    Returns:
        An int, 0 if the first line names a usual column, or no later one does.
    """
    if _fit(sample, dialect)[0]:
        return 0
    position = 0
    for lines in range(1, _MOST_TITLES + 1):
        end = _LINE_END.search(sample, position)
        if end is None:
            return 0
        position = end.end()
        rest = sample[position:]
        is_named, fits, _ = _fit(rest, sniff_dialect(rest, delimiter, quote))
        if is_named and fits:
            return lines
    return 0


def _share_unclosed(sample: str, dialect: Dialect) -> float:
    records = list(itertools.islice(read_records(sample, dialect), _LOOKED_AT))
    return sum(record.is_unclosed for record in records) / max(len(records), 1)


def _fit(sample: str, dialect: Dialect) -> tuple[bool, bool, float]:
    filled = (r for r in read_records(sample, dialect) if not r.is_blank)
    records = list(itertools.islice(filled, _LOOKED_AT))
    if not records:
        return False, False, 0.0
    width = len(records[0].cells)
    fitting = sum(len(r.cells) == width and not r.is_unclosed for r in records)
    share = fitting / len(records)
    is_named = any(cell.strip().lower() in USUAL_NAMES for cell in records[0].cells)
    # One cell in each record fits any file, so it counts only if nothing else fits.
    return is_named, width > 1 and share >= 0.5, round(share, 2)
