"""Compares output that a document shows with what its code prints.

The rule: both are the same words and signs in the same lines, but for

- a number with a decimal point, which may differ by 0.03 or by 3 %, since machines and
  backends round otherwise;
- a number of seconds, milliseconds or minutes (`4 s`), which may be any;
- `...` in what is shown, which stands for anything, several lines too;
- how much space stands between words, at the ends of lines and of the whole.
"""

import math
import re

_TIME = re.compile(r"\b\d[\d,.]*(?= (?:s|ms|min|seconds|minutes)\b)")
_DECIMAL = r"-?\d[\d,]*\.\d+"


def assert_shows(shown, printed):
    """Fail with both texts unless `printed` is what `shown` says."""
    __tracebackhide__ = True
    if not shows(shown, printed):
        raise AssertionError(f"The document shows\n\n{shown}\nbut its code prints\n\n{printed}")


def shows(shown, printed):
    """Whether `printed` is what `shown` says, by the rule of this file."""
    expected, pattern = [], []
    for piece in re.split(rf"(\.\.\.|{_DECIMAL})", _plain(shown)):
        if re.fullmatch(_DECIMAL, piece):
            expected.append(piece)
            pattern.append(f"({_DECIMAL})")
        else:
            pattern.append(".*" if piece == "..." else re.escape(piece))
    found = re.fullmatch("".join(pattern), _plain(printed), re.DOTALL)
    return found is not None and all(map(_near, expected, found.groups()))


def _plain(text):
    lines = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    return _TIME.sub("0", lines)


def _near(one, other):
    numbers = (float(number.replace(",", "")) for number in (one, other))
    return math.isclose(*numbers, rel_tol=0.03, abs_tol=0.03)
