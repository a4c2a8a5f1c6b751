"""The data contract: what other programs may rely on, generated from the row models and the declared views.

The file follows the Open Data Contract Standard (ODCS) 3.1. It is also the snapshot that `compatibility`
holds the next one against: whoever renames, removes or redefines a published column raises VERSION.
"""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, Final

import yaml

from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Seen,
    Table,
    columns_by_role,
    facts,
    grain,
    primary_key,
    seen,
    table_name,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import kind, stored_columns
from sigmasight_dagster.warehouse.layout.view import View
from sigmasight_dagster.warehouse.layout.views import EVERYDAY

VERSION: Final = "2.0.0"
"""Of the contract. Its first number is raised, here, for a change that can break a program that reads."""

PHYSICAL: Final = {
    "text": "text",
    "float": "double precision",
    "exact": "numeric",
    "vector": "real[]",
    "int": "bigint",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
}
"""Type in PostgreSQL by the storage of a column (`warehouse.layout.schema.kind`)."""
_LOGICAL: Final = {
    "text": "string",
    "float": "number",
    "exact": "number",
    "vector": "array",
    "int": "integer",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
_BOUNDS: Final = {
    "greater_than_or_equal_to": ("minimum", "min_value"),
    "greater_than": ("exclusiveMinimum", "min_value"),
    "less_than_or_equal_to": ("maximum", "max_value"),
    "less_than": ("exclusiveMaximum", "max_value"),
    "str_matches": ("pattern", "pattern"),
}
"""Checks of a column that are options of its logical type: the option, and where the check has its number."""


def published() -> tuple[type[Table], ...]:
    """Tables that are promised to others: all but those of which nobody is granted a row."""
    return tuple(model for model in (*TABLES, *OPERATIONS_TABLES) if seen(model) is not Seen.NOTHING)


def allowed(column: Any) -> list[str] | None:
    """The values that a column may have, in the order of their declaration; None = any."""
    for check in column.checks:
        if check.name == "isin":
            return [str(value) for value in check.statistics["allowed_values"]]
    return None


def unit(column: Any) -> str:
    """Unit of a column; '' = it has none."""
    return str((column.metadata or {}).get("unit") or "")


def about(model: type[Table]) -> str:
    """What a row of the table is."""
    return cleandoc(model.__doc__ or "")


def odcs() -> dict[str, Any]:
    """The contract as plain data."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "sigmasight",
        "name": "SigmaSight",
        "version": VERSION,
        "status": "active",
        "domain": "portfolio risk",
        "description": {
            "purpose": "Positions, values, exposures, risk, stress and P&L of portfolios, by trading date.",
            "usage": "Read the views: `<table>_latest` is the newest published partition of a table. Rows of "
            "a table count while `publications` has their partition.",
            "limitations": "Columns are added without notice, so name those that you read. A value is NULL "
            "only where `status` says why. End-of-day data of the NYSE.",
        },
        "servers": [
            {
                "server": "local",
                "type": "postgres",
                "description": "The embedded server, with SIGMASIGHT_DB_PORT=5432",
                "host": "127.0.0.1",
                "port": 5432,
                "database": "sigmasight",
                "schema": SCHEMA,
            }
        ],
        "schema": [*map(_table, published()), *map(_view, EVERYDAY)],
    }


def as_yaml(document: dict[str, Any]) -> str:
    """YAML in the order of the document, with a line that says where it comes from."""
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return f"# Generated from sigmasight_core/tables by `make docs`: do not edit.\n{body}"


class _Dumper(yaml.CSafeDumper):
    """Without anchors for what is said twice."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _table(model: type[Table]) -> dict[str, Any]:
    name = table_name(model)
    partitions = grain(model).value
    properties = [
        {"property": "origin", "value": facts(model).kind.value},
        *([{"property": "latestView", "value": f"{name}_latest"}] if partitions else []),
    ]
    granularity = f"One row for each {', '.join(primary_key(model))}"
    return {
        "name": name,
        "physicalName": name,
        "physicalType": "view" if facts(model).packed else "table",
        "logicalType": "object",
        "description": about(model),
        "dataGranularityDescription": granularity,
        "properties": [_column(model, name, column) for name, column in stored_columns(model).items()],
        **_some("quality", _rules(model)),
        "customProperties": properties,
    }


def _column(model: type[Table], name: str, column: Any) -> dict[str, Any]:
    storage, keys = kind(name, column), primary_key(model)
    checks = [check for check in column.checks if check.name in _BOUNDS]
    options = {_BOUNDS[check.name][0]: _plain(check.statistics[_BOUNDS[check.name][1]]) for check in checks}
    partition = grain(model).value
    return {
        "name": name,
        "description": str(column.description),
        "logicalType": _LOGICAL[storage],
        "physicalType": PHYSICAL[storage],
        **_some("logicalTypeOptions", options),
        **({"items": {"logicalType": "number"}} if storage == "vector" else {}),
        "required": not column.nullable,
        **({"primaryKey": True, "primaryKeyPosition": keys.index(name) + 1} if name in keys else {}),
        **(
            {"partitioned": True, "partitionKeyPosition": partition.index(name) + 1}
            if name in partition
            else {}
        ),
        **_some("quality", [*_enumeration(column)]),
        **_some("customProperties", [{"property": "unit", "value": unit(column)}] if unit(column) else []),
    }


def _enumeration(column: Any) -> Iterator[dict[str, Any]]:
    values = allowed(column)
    if values is not None:
        yield {
            "type": "library",
            "metric": "invalidValues",
            "arguments": {"validValues": values, **({"missingValues": [None]} if column.nullable else {})},
            "mustBe": 0,
            "dimension": "conformity",
        }


def _rules(model: type[Table]) -> list[dict[str, Any]]:
    """Rules on whole rows: a value is there when the status is ok, and what the row model checks besides."""
    found: list[dict[str, Any]] = []
    values = columns_by_role(model, "value")
    if values and "status" in stored_columns(model):
        missing = " OR ".join(f"{name} IS NULL" for name in values)
        found.append(
            {
                "type": "sql",
                "name": "no NULL without a status",
                "description": "A value is NULL only in a row whose status says why",
                "dimension": "completeness",
                "query": f"SELECT count(*) FROM {SCHEMA}.{table_name(model)} "
                f"WHERE status = 'ok' AND ({missing})",
                "mustBe": 0,
            }
        )
    for check in model.to_schema().checks:
        method = getattr(model, str(check.name))
        found.append({"type": "text", "name": str(check.name), "description": cleandoc(method.__doc__ or "")})
    return found


def _view(view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "physicalName": view.name,
        "physicalType": "view",
        "logicalType": "object",
        "description": view.about,
        "properties": [
            {"name": name, "description": meaning, **_type_in_view(view, name)}
            for name, meaning in view.described().items()
        ],
    }


def _type_in_view(view: View, name: str) -> dict[str, str]:
    """Type of a view's column that is simply one of a table; nothing for what SQL derives."""
    alias, _, source = view.columns[name].partition(".")
    if alias == "d":
        storage = {"date": "date", "portfolio": "text"}[source]
    elif alias in view.tables and source in stored_columns(view.tables[alias]):
        storage = kind(source, stored_columns(view.tables[alias])[source])
    else:
        return {}
    return {"logicalType": _LOGICAL[storage], "physicalType": PHYSICAL[storage]}


def _some(name: str, value: Any) -> dict[str, Any]:
    """Nothing is said of what is empty."""
    return {name: value} if value else {}


def _plain(number: Any) -> Any:
    return getattr(number, "pattern", number)
