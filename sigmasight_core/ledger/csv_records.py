"""CSV text to records: a record may run over several lines inside of quotes; a bad one does not take others.

A quote that is never closed would swallow every line after it, so that one slip loses a whole file. A record
that cannot be read is therefore one line, and reading goes on at the next one.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BLANK: Final = ", \t"
_MAX_LINES: Final = 1_000
"""Lines that one record may run over."""
_MAX_TRIES: Final = 50
"""Lines with a quote in them that are tried as the end of one record."""
_OPEN: Final = "unexpected end of data"
"""What the reader says of a quote that is still open."""


@dataclass(frozen=True)
class Record:
    """One record: its first line (1 = first of the file), its text, and its fields or what is wrong."""

    line: int
    text: str
    fields: list[str]
    problem: str = ""


def records(text: str) -> Iterator[Record]:
    """Records of a comma-separated text, in order, without those that are blank."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        if not lines[at].strip(_BLANK) or (at == 0 and lines[at].strip().lower() == "sep=,"):
            at += 1
            continue
        record, n_lines = _record(lines, at)
        yield record
        at += n_lines


def _record(lines: list[str], at: int) -> tuple[Record, int]:
    """The record that begins at a line, and how many lines it has."""
    first, tries, problem = lines[at], 0, ""
    for n_lines in range(1, min(_MAX_LINES, len(lines) - at) + 1):
        if n_lines > 1 and '"' not in lines[at + n_lines - 1]:
            continue
        text = "\n".join(lines[at : at + n_lines])
        found = _fields(text)
        if isinstance(found, list):
            return Record(at + 1, text, found), n_lines
        problem, tries = problem or found, tries + 1
        if found != _OPEN or tries > _MAX_TRIES:
            break
    reason = f'quotes are not balanced ({problem}); close them, and write a quote in quotes as ""'
    return Record(at + 1, first, [], reason), 1


def _fields(text: str) -> list[str] | str:
    """Fields of one record, or what is wrong with its quotes."""
    try:
        rows = list(csv.reader([f"{line}\n" for line in text.split("\n")], strict=True))
    except csv.Error as error:
        return str(error)
    return rows[0]
