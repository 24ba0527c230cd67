"""`ResultTable`: a small table of results, for a terminal, a notebook, pandas and CSV."""

from __future__ import annotations

import csv
import dataclasses
import html
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keras_textcls.errors import ArgumentError, MissingDependencyError, shorten
from keras_textcls.utils.atomic import replace_file
from keras_textcls.utils.text_display import printable

if TYPE_CHECKING:
    import pandas


@dataclasses.dataclass(frozen=True)
class ResultTable:
    """Rows of results under named columns.

    Args:
        columns: tuple of strings.
        rows: tuple of tuples, a value for each column: strings, ints, floats
            (`nan` where undefined) or `None`.

    Example:
    >>> table = ResultTable(("label", "f1"), (("ham", 0.9), ("spam", float("nan"))))
    >>> print(table)
    label     f1
    ham    0.900
    spam     nan
    >>> table.column("label")
    ['ham', 'spam']
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def column(self, name: str) -> list[Any]:
        """Return the values of a column.

        Args:
            name: string.

        Returns:
            A list.
        """
        if name not in self.columns:
            raise ArgumentError(
                f"There is no column {shorten(name)}. Choose one of {', '.join(self.columns)}."
            )
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def frame(self) -> pandas.DataFrame:
        """Return the table as a data frame.

        Returns:
            A `pandas.DataFrame`.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingDependencyError("`frame` needs pandas: pip install pandas") from error
        return pandas.DataFrame(list(self.rows), columns=list(self.columns))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the table.

        Args:
            path: string or path of the file, replaced if it is there.
        """
        from pathlib import Path

        with replace_file(Path(path)) as draft, open(draft, "w", encoding="utf-8", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(self.columns)
            writer.writerows(self.rows)

    def __str__(self) -> str:
        cells = [tuple(map(_cell, row)) for row in (self.columns, *self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = []
        for row in cells:
            aligned = [
                cell.rjust(width) if self._is_number(i) else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(aligned).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        def line(kind: str, cells: Any) -> str:
            shown = (
                f'<{kind} style="text-align:{"right" if self._is_number(i) else "left"}">'
                f"{html.escape(cell)}</{kind}>"
                for i, cell in enumerate(cells)
            )
            return f"<tr>{''.join(shown)}</tr>"

        body = "".join(line("td", map(_cell, row)) for row in self.rows)
        return f"<table><thead>{line('th', self.columns)}</thead><tbody>{body}</tbody></table>"

    def _is_number(self, place: int) -> bool:
        return all(not isinstance(row[place], str) for row in self.rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value))
