"""A self-contained HTML page of a report, which needs no other file and no network."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import re
import string
from pathlib import Path

from keras_textcls.evaluation.html.page_data import describe
from keras_textcls.evaluation.html.page_texts import to_json, visible, words
from keras_textcls.evaluation.report import display
from keras_textcls.evaluation.report.report_numbers import ReportNumbers
from keras_textcls.utils.atomic import replace_file

# Maximum size of the page in bytes; the texts get the space that the numbers leave.
_SIZE = 4_600_000
_FEWEST = 400_000
_FILES = "page_files"
_STYLE = re.compile(r'(?<=<td|<th) style="text-align:(?:left|right)"(?=>)')


def write_page(report: ReportNumbers, path: Path) -> Path:
    """Write a report as a self-contained HTML page.

    The data are JSON, which a script shows as text and never as markup. A content security
    policy forbids any other script or style, and any request.

    Args:
        report: `Report`.
        path: `Path` of the file; an existing file is replaced.

    Returns:
        The `Path` of the page.
    """
    # Written as bytes: the policy holds hashes of the exact bytes of script and style.
    page = render(report).encode("utf-8")
    with replace_file(path) as draft:
        draft.write_bytes(page)
    return path


def render(report: ReportNumbers) -> str:
    """Return the page as a string.

    Args:
        report: `Report`.

    Returns:
        A string of HTML.
    """
    style, script = _read("report.css"), _read("report.js")
    numbers = to_json(describe(report))
    # The policy forbids inline styles; the style sheet of the page aligns its tables.
    static = _STYLE.sub("", visible(display.as_html(report)))
    left = _SIZE - sum(len(part.encode()) for part in (style, script, numbers, static))
    policy = (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; "
        f"style-src 'sha256-{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return string.Template(_read("report.html")).substitute(
        policy=policy,
        title=html.escape(visible(f"Report of {report.name}")),
        headline=html.escape(visible(display.headline(report))),
        static=static,
        style=style,
        numbers=numbers,
        words=to_json(words(report, max(left, _FEWEST))),
        script=script,
    )


def _read(name: str) -> str:
    folder = importlib.resources.files("keras_textcls.evaluation.html").joinpath(_FILES)
    # Line ends as a browser reads them, in case the checkout has changed them.
    return folder.joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
