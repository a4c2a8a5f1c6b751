"""Markdown of the generated pages, wrapped as the written ones are."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

WIDTH: Final = 110


def paragraph(text: str) -> str:
    """Text in lines of at most WIDTH characters."""
    return _wrapped(text, "")


def bullets(lines: Iterable[str]) -> str:
    """A list, one item per line given."""
    return "\n".join(_wrapped(line, "- ") for line in lines)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], n_labels: int) -> str:
    """A table; columns between the first `n_labels` and the last one are aligned to the right."""
    rule = "|---" * n_labels + "|---:" * (len(columns) - n_labels - 1) + "|---|"
    return "\n".join([_row(columns), rule, *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _wrapped(text: str, lead: str) -> str:
    indent = " " * len(lead)
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=lead,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
