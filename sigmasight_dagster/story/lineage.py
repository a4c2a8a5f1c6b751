"""Column lineage of the tables, from `column_lineage.yaml`."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import dagster as dg
import yaml

from sigmasight_core.tables import Table, table_name


@cache
def declarations() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By table and column, the names that the column is computed from, `*` replaced by its own name."""
    text = resources.files(__package__).joinpath("column_lineage.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {
        table: {
            column: tuple(name.replace("*", column) for name in names.split())
            for columns, names in entries.items()
            for column in columns.split()
        }
        for table, entries in yaml.load(text, loader).items()
    }


def direct_sources(model: type[Table], column: str) -> tuple[str, ...]:
    """Names in the declaration of one column; none when it has no declaration."""
    return declarations().get(table_name(model), {}).get(column, ())


def column_lineage(model: type[Table]) -> dg.TableColumnLineage | None:
    """Input columns that each column is computed from, also by way of other columns of the row."""
    deps = {column: _inputs(model, column) for column in declarations().get(table_name(model), {})}
    known = {column: names for column, names in deps.items() if names}
    return dg.TableColumnLineage(known) if known else None


def _inputs(model: type[Table], column: str) -> list[dg.TableColumnDep]:
    found: dict[tuple[str, str], None] = {}
    names, seen = list(direct_sources(model, column)), {column}
    while names:
        table, dot, name = names.pop(0).rpartition(".")
        if dot:
            found[table, name] = None
        elif name not in seen:
            seen.add(name)
            names += direct_sources(model, name)
    return [dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=name) for table, name in found]
