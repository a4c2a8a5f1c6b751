"""What-if for agents: trades as arguments, both sides computed in memory, nothing stored."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import FactorExposures, PortfolioSnapshots, RiskMeasures, table_name
from sigmasight_dagster.agents.models import Changed, Hypothetical, Trade
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.what_if.what_if import WhatIf

SOURCE: Final = "trades"
SHOWN: Final = tuple(table_name(model) for model in (PortfolioSnapshots, FactorExposures, RiskMeasures))
MOST_RESULTS: Final = 300


def computed(
    platform: Platform, portfolio: str, trades: Sequence[Trade], date: str | None, tables: Sequence[str]
) -> Hypothetical:
    """A portfolio with and without trades at the close of a date; takes seconds, blocks.

    :param date: default: the newest with results. :param tables: whose numbers are answered; () = `SHOWN`.
    :raises InputError: on a trade that cannot be made, a date without results, or a table without numbers.
    """
    day = parse_date(date) if date else latest_date(platform.warehouse, portfolio, PortfolioSnapshots)
    question = WhatIf(platform, portfolio, day)
    parsed = question.parse(_as_csv(trades), SOURCE)
    if len(parsed.errors):
        raise InputError("; ".join(_reports(parsed.errors)))
    comparison = question.compute(parsed.trades, SOURCE)
    results = comparison.results
    known = list(dict.fromkeys(results["table_name"]))
    unknown = [name for name in tables if name not in known]
    if unknown:
        raise InputError(f"no numbers of table {unknown[0][:80]!r}; there are {', '.join(known)}")
    chosen = results[results["table_name"].isin(tables or SHOWN)]
    return Hypothetical(
        portfolio=portfolio,
        trade_date=f"{day:%Y-%m-%d}",
        code_version=str(comparison.session["code_version"]),
        cash_change=float(comparison.session["cash_change"]),
        warnings=_reports(parsed.warnings),
        trades=[_plain(row) for row in comparison.trades.to_dict("records")],
        tables=known,
        more=len(chosen) > MOST_RESULTS,
        results=[
            Changed(**_plain(row))
            for row in chosen[list(Changed.model_fields)].head(MOST_RESULTS).to_dict("records")
        ],
    )


def _as_csv(trades: Sequence[Trade]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["ticker", "quantity", "price"])
    rows.writerows([trade.ticker, repr(trade.quantity), trade.price or ""] for trade in trades)
    return text.getvalue().encode()


def _reports(found: pd.DataFrame) -> list[str]:
    """One line for each report; line 2 of the list is the first trade."""
    return [
        f"trade {int(row['line']) - 1}, {row['column']}: {row['value']!r}: {row['reason']}"
        for row in found.to_dict("records")
    ]


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Values as JSON has them: dates as text, NaN as null."""
    return {str(name): _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
