"""A file to its tables of text: where each begins, what stands around them, and which columns they have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from sigmasight_core.brokers.presets.rules import Preset, TableRules, column_key
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_fields import Report
from sigmasight_core.ledger.csv_rows import MAX_ROWS, Record, decoded, records

_SHOWN: Final = 60
NOT_READ: Final = "not a row"
IGNORED: Final = "ignored"


@dataclass
class Part:
    """One header and its rows.

    :param names: columns as the file writes them; one without a name is the one before with (2).
    """

    rules: TableRules
    names: list[str]
    header_line: int
    lines: list[int] = field(default_factory=list)
    values: list[list[str]] = field(default_factory=list)

    def frame(self) -> pd.DataFrame:
        """`line`, and every column under its key, as stripped text; rows of the file, in its order."""
        keys = pd.Index([column_key(name) for name in self.names])
        rows = pd.DataFrame(self.values, columns=keys).astype("str")
        rows = rows.apply(lambda column: column.str.strip())
        return rows.assign(line=pd.Series(self.lines, dtype="int64"))


@dataclass
class Layout:
    """The tables of a file, and what each of its other lines is (`line`, `kind`, `reason`)."""

    parts: list[Part] = field(default_factory=list)
    notes: list[tuple[int, str, str]] = field(default_factory=list)


def lay_out(text: str | bytes, source: str, preset: Preset, report: Report) -> Layout:
    """Cut a file into the tables of a preset; a line that has no place there is refused in the report.

    :raises InputError: when the file as a whole cannot be read: too large, not UTF-8, empty, no table of the
        preset, a table's column missing, too many rows.
    """
    found = list(records(decoded(text, source), preset.delimiter))
    if not found:
        raise InputError(f"{source}: the file is empty; export the history again")
    if len(found) > MAX_ROWS:
        raise InputError(f"{source}: {len(found):,} lines are more than {MAX_ROWS:,}; export shorter periods")
    layout = Layout()
    reader = _sectioned if preset.sections else _stacked
    reader(found, preset, report, layout)
    if not layout.parts:
        raise InputError(f"{source}: not a file of preset {preset.name}: {missing_header(found, preset)}")
    return layout


def header_names(fields: Sequence[str]) -> list[str]:
    """Names of columns; one without a name is that before it with (2), as is one that is there twice."""
    names: list[str] = []
    seen: dict[str, int] = {}
    last = "column"
    for written in fields:
        base = " ".join(written.split()) or last
        last = base
        seen[base] = seen.get(base, 0) + 1
        names.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
    return names


def table_of(fields: Sequence[str], tables: Sequence[TableRules]) -> TableRules | None:
    """The table whose header this is: of several the one that needs most columns."""
    keys = {column_key(name) for name in fields}
    fitting = [table for table in tables if not lacking(keys, table)]
    return max(fitting, key=lambda table: len(table.header), default=None)


def lacking(keys: set[str], table: TableRules) -> list[str]:
    """Columns that the header of a table needs and these are not."""
    return [" or ".join(names) for names in table.header if not keys & {column_key(name) for name in names}]


def missing_header(found: Sequence[Record], preset: Preset) -> str:
    """What the header of the nearest table lacks."""
    best = min(
        (
            (lacking({column_key(name) for name in record.fields}, table), table)
            for record, table in _pairs(found, preset)
        ),
        key=lambda pair: len(pair[0]) - len(pair[1].header),
        default=None,
    )
    if best is None:
        return "it has no line that can be read"
    missing, table = best
    needed = ", ".join(" or ".join(names) for names in table.header)
    if len(missing) == len(table.header):
        return f"no line is the header of table {table.name}; its columns are {needed}"
    return f"the header of table {table.name} lacks {', '.join(missing)}; its columns are {needed}"


def _pairs(found: Sequence[Record], preset: Preset) -> Iterator[tuple[Record, TableRules]]:
    return ((record, table) for record in found[:50] if not record.problem for table in preset.tables)


def _stacked(found: list[Record], preset: Preset, report: Report, layout: Layout) -> None:
    """Tables one below the other, each from its header on."""
    part: Part | None = None
    for record in found:
        if table := table_of(record.fields, preset.tables):
            part = Part(table, header_names(record.fields), record.line)
            layout.parts.append(part)
            layout.notes.append((record.line, NOT_READ, f"the header of {table.name}"))
        elif any(pattern.fullmatch(_joined(record)) for pattern in preset.footer):
            layout.notes.append((record.line, NOT_READ, "a line after or between the rows"))
        elif part is None:
            _before(record, preset, report, layout)
        else:
            _row(record, record.fields, part, report)


def _before(record: Record, preset: Preset, report: Report, layout: Layout) -> None:
    """A line before the first header."""
    if any(pattern.fullmatch(_joined(record)) for pattern in preset.preamble):
        layout.notes.append((record.line, NOT_READ, "a line before the rows"))
    else:
        reason = "not understood, and before the header; remove the line, or add it to the preset's preamble"
        report.refuse_line(record.line, record.text, record.problem or reason)


def _sectioned(found: list[Record], preset: Preset, report: Report, layout: Layout) -> None:
    """Rows that name their table."""
    rules = preset.sections
    assert rules is not None
    tables = {column_key(table.name): table for table in preset.tables}
    others = {column_key(name) for name in rules.others}
    current: dict[str, Part] = {}
    width = max(rules.name, rules.row)
    for record in found:
        if record.problem or len(record.fields) < width:
            report.refuse_line(
                record.line, record.text, record.problem or "no table and kind of line; remove it"
            )
            continue
        name, word = (record.fields[place - 1].strip() for place in (rules.name, rules.row))
        values, key = record.fields[width:], column_key(name)
        if key in others:
            layout.notes.append((record.line, NOT_READ, f"table {name} holds no transactions"))
        elif key not in tables:
            reason = f"table '{name}' is not known; remove its lines, or add it to the preset"
            report.refuse_line(record.line, record.text, reason)
        elif word == rules.header:
            _begin(record, tables[key], values, current, layout, report)
        elif word in rules.skipped:
            layout.notes.append((record.line, NOT_READ, f"{word}: says again what the rows say"))
        elif word == rules.data and key not in current:
            reason = f"a row of table {name} without a header that can be read above it; export it again"
            report.refuse_line(record.line, record.text, reason)
        elif word != rules.data:
            reason = f"'{word}' is not a kind of line that is known here; remove the line"
            report.refuse_line(record.line, record.text, reason)
        else:
            _row(record, values, current[key], report)


def _begin(
    record: Record,
    table: TableRules,
    values: list[str],
    current: dict[str, Part],
    layout: Layout,
    report: Report,
) -> None:
    """A table's header, whose columns may change in the middle of a file."""
    missing = lacking({column_key(name) for name in values}, table)
    if missing:
        reason = f"the header of table {table.name} lacks {', '.join(missing)}; export it with these columns"
        report.refuse_line(record.line, record.text, reason)
        current.pop(column_key(table.name), None)
        return
    part = Part(table, header_names(values), record.line)
    current[column_key(table.name)] = part
    layout.parts.append(part)
    layout.notes.append((record.line, NOT_READ, f"the header of {table.name}"))


def _row(record: Record, values: list[str], part: Part, report: Report) -> None:
    """A row of a table; empty fields beyond its header are dropped."""
    n_columns = len(part.names)
    extra = values[n_columns:]
    if record.problem:
        report.refuse_line(record.line, record.text, record.problem)
    elif any(text.strip() for text in extra):
        reason = f"{len(values)} fields instead of {n_columns}; a text with the separator in it needs quotes"
        report.refuse_line(record.line, record.text, reason)
    elif len(values) < n_columns - 1 and not _only_end_missing(values, part):
        reason = f"{len(values)} fields instead of {n_columns}; add a footer to the preset if this is none"
        report.refuse_line(record.line, record.text, reason)
    else:
        part.lines.append(record.line)
        part.values.append([*values[:n_columns], *[""] * (n_columns - len(values))])


def _only_end_missing(values: list[str], part: Part) -> bool:
    """Whether the fields that a short row lacks are columns that its table does not use."""
    used = {column_key(name) for names in part.rules.fields.values() for name in names}
    return not any(column_key(name) in used for name in part.names[len(values) :])


def _joined(record: Record) -> str:
    return " ".join(text.strip() for text in record.fields if text.strip()) or record.text.strip()


__all__ = ["IGNORED", "NOT_READ", "Layout", "Part", "header_names", "lay_out", "missing_header", "table_of"]
