"""dbt's `sources.yml`: the tables and views of the contract as sources, with tests for what they promise."""

from collections.abc import Iterator
from typing import Any

from sigmasight_core.tables import grain, primary_key, table_name
from sigmasight_dagster.reports.contract import PHYSICAL, VERSION, about, allowed, published, unit
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import kind, stored_columns
from sigmasight_dagster.warehouse.layout.views import EVERYDAY


def sources() -> dict[str, Any]:
    """The sources as plain data."""
    return {
        "version": 2,
        "sources": [
            {
                "name": "sigmasight",
                "schema": SCHEMA,
                "description": "Portfolio risk by trading date. Read the `_latest` views, or join "
                "`publications`: rows of a table count while it has their partition.",
                "config": {"meta": {"contract_version": VERSION}},
                "tables": [*_tables(), *_views()],
            }
        ],
    }


def _tables() -> Iterator[dict[str, Any]]:
    for model in published():
        name = table_name(model)
        columns = [_column(name, column) for name, column in stored_columns(model).items()]
        key = {"config": {"meta": {"primary_key": primary_key(model)}}}
        yield {"name": name, "description": about(model), **key, "columns": columns}
        if grain(model).value:
            yield {"name": f"{name}_latest", "description": f"Rows of {name} of the latest published date"}


def _views() -> Iterator[dict[str, Any]]:
    for view in EVERYDAY:
        columns = [{"name": name, "description": text} for name, text in view.described().items()]
        yield {"name": view.name, "description": view.about, "columns": columns}


def _column(name: str, column: Any) -> dict[str, Any]:
    values = allowed(column)
    tests: list[Any] = [] if column.nullable else ["not_null"]
    if values is not None:
        tests.append({"accepted_values": {"arguments": {"values": values}}})
    return {
        "name": name,
        "description": str(column.description),
        "data_type": PHYSICAL[kind(name, column)],
        **({"config": {"meta": {"unit": unit(column)}}} if unit(column) else {}),
        **({"data_tests": tests} if tests else {}),
    }
