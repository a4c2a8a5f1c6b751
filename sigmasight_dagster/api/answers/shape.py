"""What answers look like, for OpenAPI: the schema of a page and an example, from the columns."""

from typing import Any, Final

from sigmasight_core.tables import Table
from sigmasight_dagster.warehouse.answers.source import Source

_TYPES: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": ["string", "null"]},
    "float": {"type": ["number", "null"]},
    "exact": {"type": ["number", "null"]},
    "int": {"type": ["integer", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "timestamp": {"type": ["string", "null"], "format": "date-time"},
    "vector": {"type": ["array", "null"], "items": {"type": ["number", "null"]}},
}
_EXAMPLES: Final[dict[str, Any]] = {
    "float": 1234.5,
    "exact": 150.25,
    "int": 12,
    "bool": True,
    "date": "2022-12-28",
    "timestamp": "2022-12-28T21:30:00.000Z",
    "vector": [-120.5, 33.25],
}
_TEXTS: Final = {
    "portfolio": "individual",
    "position_id": "AAPL@2022-10-03",
    "symbol": "AAPL",
    "underlying": "AAPL",
    "factor": "market",
    "scenario": "market_down_10",
    "status": "ok",
    "measure": "var_95_usd",
    "unit": "USD",
    "proxy": "SPY",
    "contract": "AAPL230120C00150000",
}


def page_schema(source: Source, *, paged: bool) -> dict[str, Any]:
    """JSON Schema of a page of rows."""
    columns = {
        name: {**_TYPES[source.kinds[name]], "description": meaning}
        for name, meaning in source.view.described().items()
    }
    date = {"type": ["string", "null"], "format": "date"}
    known: dict[str, Any] = {
        "as_of_date": {**date, "description": "Newest date of the rows; null = they have none"},
        "first_date": {**date, "description": "Oldest date of the rows"},
        "published_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When the newest of what the rows are made of was published (UTC)",
        },
        "n_rows": {"type": "integer", "minimum": 0},
        "rows": {"type": "array", "items": {"type": "object", "properties": columns}},
    }
    if paged:
        known["next"] = {"type": ["string", "null"], "description": "Path of the next page; null = none"}
    return {"type": "object", "properties": known, "required": list(known)}


def page_example(source: Source, *, paged: bool) -> dict[str, Any]:
    """One page with one row."""
    dated = source.view.newest_of is not None
    row = {name: _TEXTS.get(name, _text(source, name)) for name in source.view.columns}
    return {
        "as_of_date": "2022-12-28" if dated else None,
        "first_date": "2022-12-28" if dated else None,
        "published_at": "2022-12-28T21:30:00.000Z" if dated else None,
        "n_rows": 1,
        "rows": [row],
        **({"next": None} if paged else {}),
    }


def _text(source: Source, name: str) -> Any:
    kind = source.kinds[name]
    if kind != "text":
        return _EXAMPLES[kind]
    alias, _, column = source.view.columns[name].partition(".")
    return _allowed(source.view.tables.get(alias), column) or ("ok" if name.endswith("status") else "...")


def _allowed(model: type[Table] | None, column: str) -> Any:
    """The first text that a column may have, where it says so."""
    declared = model.to_schema().columns.get(column) if model else None
    checks = declared.checks if declared is not None else []
    found = [check.statistics.get("allowed_values") for check in checks if check.statistics]
    return next((next(iter(values)) for values in found if values), None)
