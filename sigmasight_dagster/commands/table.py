"""Tables on a terminal: as wide as it is, 80 columns in a file or pipe, and nothing is cut off."""

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 80
GAP: Final = "  "
INDENT: Final = "    "
LISTED: Final = 3
SHOWN: Final = 5
RIGHT: Final = -1
"""As the decimals of a column: its texts are numbers already, to the right."""
_NARROWEST: Final = 12
Row = Mapping[Any, Any]


def width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def number(value: float | str | None, digits: int | None = 2) -> str:
    """A stored cell as text; n/a for NULL and NaN. :param digits: None = as many as there are."""
    if value is None or value != value:
        return "n/a"
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = f"{value:,}" if isinstance(value, int) else f"{value:,.12g}"
        return whole if digits is None or isinstance(value, int) else f"{value:,.{digits}f}"
    return str(value)


def few(names: Sequence[str], most: int = SHOWN) -> str:
    """The names, with commas; of more than `most` the first, and how many more."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def table(
    rows: Sequence[Row], columns: Sequence[tuple[str, int | None]], below: str = "", above: str = ""
) -> list[str]:
    """Lines of a table with a heading; text to the left, numbers to the right.

    The last column is wrapped where it is text and too wide.

    :param columns: name and decimals of each column (None = as many as there are), or RIGHT.
    :param below: column of text that stands under its row, each of its lines wrapped.
    :param above: column of text that stands on a line of its own before its row.
    """
    heading = [name.removesuffix("_usd").replace("_", " ") for name, _ in columns]
    cells = [[number(row[name], digits) for name, digits in columns] for row in rows]
    right = [
        digits == RIGHT or any(isinstance(row[name], int | float) for row in rows) for name, digits in columns
    ]
    widths = [max(map(len, column)) for column in zip(heading, *cells, strict=True)]
    if not right[-1]:
        left = width() - sum(widths[:-1]) - len(GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(left, _NARROWEST))
    lines = _lines(heading, widths, right)
    for row, texts in zip(rows, cells, strict=True):
        lines += [str(row[above])] if above and row[above] else []
        lines += _lines(texts, widths, right)
        under = str(row[below] or "").splitlines() if below else []
        lines += [line for text in under for line in wrapped(text, INDENT, INDENT + GAP)]
    return lines


def wrapped(text: str, indent: str = "", more: str | None = None) -> list[str]:
    """The text in lines of the terminal's width; no word is broken. :param more: indent of further lines."""
    further = indent if more is None else more
    return textwrap.wrap(
        text,
        width(),
        initial_indent=indent,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def reasons(rows: Iterable[Row], name: str, status: str = "status") -> list[str]:
    """Each text of a column that is not ok, with the rows that it is of: what would fill the table."""
    by_status: dict[str, list[str]] = {}
    for row in rows:
        if (text := row.get(status)) not in ("ok", "", None):
            by_status.setdefault(text, []).append(str(row.get(name, "")))
    lines: list[str] = []
    for text, names in by_status.items():
        lines += wrapped(f"{few(names, LISTED)}: {text}" if any(names) else text, "", GAP)
    return lines


def _lines(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    """One row of a table: several lines where its last cell is wider than its column."""
    last = textwrap.wrap(texts[-1], widths[-1], break_long_words=False, break_on_hyphens=False) or [""]
    lines = [[*texts[:-1], last[0]], *([""] * (len(texts) - 1) + [text] for text in last[1:])]
    return [
        GAP.join(
            cell.rjust(column) if on_right else cell.ljust(column)
            for cell, column, on_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]
