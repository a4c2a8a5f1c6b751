"""What a column means: from the row models' metadata, the assets' declarations and the columns' lineage."""

import difflib
import re
from dataclasses import dataclass
from typing import Final

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, computed_from, table_name
from sigmasight_dagster.agents.models import Step
from sigmasight_dagster.agents.reading import name_of, sources
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.story import column_lineage
from sigmasight_dagster.warehouse.answers.source import Source

MOST_STEPS: Final = 40
DICTIONARY: Final = "docs/data_dictionary.md"
_UNIT: Final = re.compile(r" \[([^\]]+)\]$")
_OF_TABLE: Final = re.compile(r"^(\w+)\.(\w+)\b")
_ERROR_OF: Final = re.compile(r"error of (?:the )?(\w+)")


@dataclass(frozen=True)
class Meaning:
    """:ivar cell_of: model and column that it is a cell of; None = a view made it."""

    definition: str
    unit: str
    cell_of: tuple[type[Table], str] | None
    error_column: str | None


def found_source(name: str) -> Source:
    """:raises InputError: when there is none of this name."""
    if name not in sources():
        raise InputError(f"no table {name[:80]!r}{_near(name, list(sources()))}")
    return sources()[name]


def meaning(source: Source, column: str) -> Meaning:
    """:raises InputError: when the source has no such column."""
    described = source.view.described()
    if column not in described:
        raise InputError(f"{name_of(source)} has no column {column[:80]!r}{_near(column, list(described))}")
    text = described[column]
    unit = _UNIT.search(text)
    return Meaning(
        _UNIT.sub("", text),
        unit.group(1) if unit else "",
        _cell(source, column, text),
        _error(source, column),
    )


def made_by(model: type[Table]) -> tuple[str, str]:
    """What computes a table, and the page of docs that explains how."""
    asset = next((asset for asset in RISK_ASSETS if model in asset.tables), None)
    if asset is None:
        return "", DICTIONARY
    page = f"docs/{asset.page}" if asset.page else DICTIONARY
    return f"{asset.name}: {' '.join(asset.description.split())}", page


def lineage(model: type[Table], column: str) -> list[Step]:
    """From a column upstream, breadth first: each step is a column and what it is computed from."""
    models = {table_name(one): one for asset in RISK_ASSETS for one in asset.tables}
    steps: list[Step] = []
    waiting, seen = [(table_name(model), column)], {(table_name(model), column)}
    while waiting and len(steps) < MOST_STEPS:
        of, name = waiting.pop(0)
        if of not in models or name not in models[of].to_schema().columns:
            continue
        known = column_lineage(models[of])
        inputs = known.deps_by_column.get(name, []) if known else []
        below = [(dep.asset_key.path[-1], dep.column_name) for dep in inputs]
        if below or computed_from(models[of], name):
            steps.append(
                Step(column=f"{of}.{name}", computed_from=[f"{table}.{part}" for table, part in below])
            )
        waiting += [one for one in below if one not in seen]
        seen |= set(below)
    return steps


def _cell(source: Source, column: str, text: str) -> tuple[type[Table], str] | None:
    alias, _, name = source.view.columns[column].partition(".")
    model = source.view.tables.get(alias)
    if model is not None and name in model.to_schema().columns:
        return model, name
    named = _OF_TABLE.match(text)
    models = {table_name(one): one for one in source.models}
    if named and named.group(1) in models and named.group(2) in models[named.group(1)].to_schema().columns:
        return models[named.group(1)], named.group(2)
    return None


def _error(source: Source, column: str) -> str | None:
    """The column of the standard error of a column: by its name, or by what its description says."""
    described = source.view.described()
    if f"{column}_std_error" in described:
        return f"{column}_std_error"
    for name in described:
        said = _ERROR_OF.search(described[name]) if name.endswith("std_error") else None
        if said and name != column and re.fullmatch(rf"{said.group(1)}(_per_\w+)?", column):
            return name
    return None


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 3)
    return f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(known)}"
