"""The findings of the checks, and the report of all findings."""

from __future__ import annotations

import collections
import dataclasses
import html
from collections.abc import Iterator, Sequence
from typing import Any

# Number of texts that are shown for each finding.
EXAMPLES = 3
LEVELS = ("error", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem that a check has found in a dataset.

    Args:
        name: string, such as `"duplicates"`.
        level: `"error"` if a result would be wrong, `"warning"` if it would be
            worse than possible, `"note"` for information.
        count: int, number of texts or labels concerned.
        message: string, the problem.
        remedy: string, what to do.
        examples: tuple of strings.
        rows: tuple of ints, the rows concerned, from 0; empty if all rows are
            concerned.
    """

    name: str
    level: str
    count: int
    message: str
    remedy: str
    examples: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.level}: {self.message}", *(f"    {e}" for e in self.examples)]
        return "\n".join([*lines, f"  -> {self.remedy}"])


@dataclasses.dataclass(frozen=True)
class CheckReport(Sequence[Finding]):
    """The findings of all checks of a dataset, the worst first.

    Args:
        findings: tuple of `Finding`.
        rows: int, number of texts that were checked.
        not_checked: tuple of strings, checks that were not run, with the reason.
    """

    findings: tuple[Finding, ...]
    rows: int
    not_checked: tuple[str, ...] = ()

    def named(self, name: str) -> Finding | None:
        """Return the finding with a name, or `None`.

        Args:
            name: string, such as `"leakage"`.

        Returns:
            A `Finding` or `None`.
        """
        return next((finding for finding in self.findings if finding.name == name), None)

    def __getitem__(self, item: Any) -> Any:
        return self.findings[item]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __repr__(self) -> str:
        counts = collections.Counter(finding.level for finding in self.findings)
        summary = ", ".join(f"{counts[level]} {level}s" for level in LEVELS if counts[level])
        head = f"CheckReport: {summary or 'nothing found'} in {self.rows:,} texts"
        lines = [head, *map(str, self.findings)]
        return "\n".join([*lines, *(f"not checked: {what}" for what in self.not_checked)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"
