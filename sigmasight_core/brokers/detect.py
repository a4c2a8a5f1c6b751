"""Which preset a file is of, by its header and the tables that it has."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sigmasight_core.brokers.layout import table_of
from sigmasight_core.brokers.presets.rules import Preset, TableRules, column_key
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_rows import Record, decoded, plain_name, records
from sigmasight_core.ledger.portfolio_csv import FORMAT

POSITIONS: Final = "positions"
_SOME: Final = 2
"""Columns of a list of positions that make a file one that lacks the others."""
_FIRST: Final = 60
"""Records in which a header is looked for; where tables are named, all of them."""


def detect(text: str | bytes, source: str, presets: Mapping[str, Preset]) -> str:
    """The name of the preset that a file is of; POSITIONS for a file that lists positions.

    A preset whose header needs more columns than another's goes before it. A file of none with columns of a
    list of positions is one that lacks the others: its reader says so.

    :raises InputError: when none fits, or several that need as many columns, with what was looked for.
    """
    content = decoded(text, source)
    found = {name: _columns(content, preset) for name, preset in presets.items()}
    found = {name: count for name, count in found.items() if count}
    of_positions = _columns_of_positions(content)
    if of_positions == len(FORMAT.required) or (not found and of_positions >= _SOME):
        found[POSITIONS] = of_positions
    best = [name for name, count in found.items() if count == max(found.values())]
    if len(best) == 1:
        return best[0]
    if best:
        raise InputError(f"{source}: the file is as well of {' as of '.join(best)}; say which with --format")
    raise InputError(
        f"{source}: no format that is known has these columns; say which it is with --format, or write a "
        f"preset (docs/brokers.md). Looked for: {'; '.join(_wanted(presets))}"
    )


def _columns(content: str, preset: Preset) -> int:
    """Columns that the best header of a preset needs and the file has; 0 = it is not of this preset."""
    found = list(records(content, preset.delimiter))
    if preset.sections:
        return max((_in_sections(record, preset) for record in found), default=0)
    tables = (table_of(record.fields, preset.tables) for record in found[:_FIRST] if not record.problem)
    return max((len(table.header) for table in tables if table), default=0)


def _in_sections(record: Record, preset: Preset) -> int:
    rules = preset.sections
    if rules is None or record.problem or len(record.fields) <= max(rules.name, rules.row):
        return 0
    if record.fields[rules.row - 1].strip() != rules.header:
        return 0
    name = column_key(record.fields[rules.name - 1])
    tables: Sequence[TableRules] = [table for table in preset.tables if column_key(table.name) == name]
    table = table_of(record.fields, tables)
    return len(table.header) + 2 if table else 0


def _columns_of_positions(content: str) -> int:
    """Needed columns of a list of positions that the first line has, however they are separated; an empty
    file has all."""
    first = next((line for line in content.splitlines() if line.strip()), None)
    if first is None:
        return len(FORMAT.required)
    names = {plain_name(field.strip('"')) for field in re.split("[,;\t|]", first)}
    return len({FORMAT.aliases.get(name, name) for name in names} & set(FORMAT.required))


def _wanted(presets: Mapping[str, Preset]) -> list[str]:
    wanted = [f"{POSITIONS} ({', '.join(FORMAT.required)})"]
    for name, preset in presets.items():
        table = preset.tables[0]
        wanted.append(f"{name} ({', '.join(' or '.join(names) for names in table.header)})")
    return wanted
