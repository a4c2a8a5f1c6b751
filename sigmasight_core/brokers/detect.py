"""Which preset a file is of, by its header and the tables that it has."""

from collections.abc import Mapping, Sequence
from typing import Final

from sigmasight_core.brokers.layout import table_of
from sigmasight_core.brokers.presets.rules import Preset, TableRules, column_key
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_rows import Record, decoded, records
from sigmasight_core.ledger.portfolio_csv import FORMAT

POSITIONS: Final = "positions"
_FIRST: Final = 60
"""Records in which a header is looked for; where tables are named, all of them."""


def detect(text: str | bytes, source: str, presets: Mapping[str, Preset]) -> str:
    """The name of the preset that a file is of; POSITIONS for a file that lists positions.

    A preset whose header needs more columns than another's goes before it.

    :raises InputError: when none fits, or several that need as many columns, with what was looked for.
    """
    content = decoded(text, source)
    found = {name: _columns(content, preset) for name, preset in presets.items()}
    found[POSITIONS] = _columns_of_positions(content)
    most = max(found.values(), default=0)
    best = [name for name, count in found.items() if count == most]
    if most and len(best) == 1:
        return best[0]
    if most:
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
    first = next(iter(records(content)), None)
    names = {field.strip().lower().replace(" ", "_") for field in first.fields} if first else set()
    known = {FORMAT.aliases.get(name, name) for name in names}
    return len(FORMAT.required) if known >= set(FORMAT.required) else 0


def _wanted(presets: Mapping[str, Preset]) -> list[str]:
    wanted = [f"{POSITIONS} ({', '.join(FORMAT.required)})"]
    for name, preset in presets.items():
        table = preset.tables[0]
        wanted.append(f"{name} ({', '.join(' or '.join(names) for names in table.header)})")
    return wanted
