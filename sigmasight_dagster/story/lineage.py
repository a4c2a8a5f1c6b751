"""Dagster's column lineage, from what the columns of the row models say that they are computed from."""

import dagster as dg

from sigmasight_core.tables import Table, computed_from


def column_lineage(model: type[Table]) -> dg.TableColumnLineage | None:
    """Input columns that each column is computed from, also by way of other columns of the row."""
    deps = {str(column): _inputs(model, str(column)) for column in model.to_schema().columns}
    known = {column: names for column, names in deps.items() if names}
    return dg.TableColumnLineage(known) if known else None


def _inputs(model: type[Table], column: str) -> list[dg.TableColumnDep]:
    found: dict[tuple[str, str], None] = {}
    names, seen = list(computed_from(model, column)), {column}
    while names:
        table, dot, name = names.pop(0).rpartition(".")
        if dot:
            found[table, name] = None
        elif name not in seen:
            seen.add(name)
            names += computed_from(model, name)
    return [dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=name) for table, name in found]
