"""What is not as in the portfolio's report before: numbers beside each other, positions come and gone."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sigmasight_core.report.document.rows import Row

SNAPSHOT: Final = ("total_value", "gross_exposure", "net_exposure", "delta_usd", "cash")
MEASURES: Final = ("var_95_usd", "var_99_usd", "es_95_usd", "annualized_volatility")
FACTORS: Final = ("beta", "exposure_usd")


def changes(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any] | None:
    """The changes between two documents of one portfolio; None without a report before.

    Nothing is subtracted: each number is a cell of its own date, and what is in neither is left out.
    """
    if before is None:
        return None
    old, new = ({row["position_id"]: row for row in document["positions"]} for document in (before, now))
    held_before, held_now = ({name for name, row in rows.items() if _held(row)} for rows in (old, new))
    return {
        "previous_date": before["metadata"]["report_date"],
        "numbers": list(_numbers(before, now)),
        "opened": sorted(held_now - held_before),
        "closed": sorted(held_before - held_now),
    }


def _held(row: Row) -> bool:
    return row["quantity"] is None or float(row["quantity"]) != 0.0


def _numbers(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Row]:
    wanted = [
        *((("portfolio_snapshot", "portfolio_snapshots"), {}, name, "USD") for name in SNAPSHOT),
        *((("risk_measures", "risk_measures"), {"measure": name}, "value", "") for name in MEASURES),
        *((("factor_analysis", "factor_exposures"), {"factor": "market"}, name, "") for name in FACTORS),
        *(
            (("stress_testing", "stress_results"), {"scenario": name}, "correlated_pnl", "USD")
            for name in _scenarios(now)
        ),
    ]
    for (engine, table), key, column, unit in wanted:
        old, new = (_row(document, engine, table, key) for document in (before, now))
        if old.get(column) is not None or new.get(column) is not None:
            yield {
                "table": table,
                "item": next(iter(key.values()), ""),
                "column": column,
                "unit": unit or new.get("unit") or old.get("unit") or ("USD" if "usd" in column else "ratio"),
                "before": old.get(column),
                "now": new.get(column),
            }


def _scenarios(document: Mapping[str, Any]) -> list[str]:
    """The three scenarios that are worst now."""
    rows = _rows(document, "stress_testing", "stress_results")
    left_out = document["comparison_scenarios"]
    known = [row for row in rows if row["correlated_pnl"] is not None and row["scenario"] not in left_out]
    return [row["scenario"] for row in sorted(known, key=lambda row: float(row["correlated_pnl"]))[:3]]


def _rows(document: Mapping[str, Any], engine: str, table: str) -> list[Row]:
    data = (document["calculation_engines"].get(engine) or {}).get("data") or {}
    return data.get(table) or []


def _row(document: Mapping[str, Any], engine: str, table: str, key: Row) -> Row:
    rows = _rows(document, engine, table)
    return next((row for row in rows if all(row.get(name) == text for name, text in key.items())), {})
