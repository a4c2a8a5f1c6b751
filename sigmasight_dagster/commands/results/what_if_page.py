"""A what-if on the terminal, as JSON and as CSV: each number today, with the trades, and the change."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.tables import (
    CorrelationSummary,
    FactorExposures,
    PortfolioSnapshots,
    RiskContributions,
    RiskMeasures,
    StressResults,
    Table,
    WhatIfResults,
    WhatIfSessions,
    WhatIfTrades,
    table_name,
)
from sigmasight_dagster.commands.table import GAP, INDENT, RIGHT, reasons, table, wrapped

WORST_SCENARIOS: Final = 5
MOST_ROWS: Final = 16
_SNAPSHOT: Final = table_name(PortfolioSnapshots)
_STRESS: Final = table_name(StressResults)
_WHOLE: Final = tuple(table_name(model) for model in (FactorExposures, CorrelationSummary, RiskMeasures))
_SHOWN_MEASURES: Final = {
    _STRESS: ("direct_pnl", "correlated_pnl"),
    table_name(RiskContributions): ("component_var_usd",),
}
_SIDES: Final = {"today": "today", "what-if": "what_if", "change": "change"}
_RESULT_COLUMNS: Final = ["table_name", "item", "measure", "unit", "today", "what_if", "change", "status"]


def lines(rows: Mapping[type[Table], pd.DataFrame]) -> list[str]:
    """A comparison for the terminal."""
    results = rows[WhatIfResults]
    made = wrapped(_headline(rows[WhatIfSessions].iloc[0])) + _trades_table(rows[WhatIfTrades])
    for name in results["table_name"].unique():
        made += _results(name, results[results["table_name"] == name])
    return [*made, "", f"{len(results):,} numbers in all: --csv or --json"]


def session_lines(sessions: pd.DataFrame) -> list[str]:
    """The saved sessions, one row each."""
    rows = [
        {
            **row,
            "date": f"{row['trade_date']:%Y-%m-%d}",
            "trades": row["n_trades"],
            "saved": f"{row['saved_date']:%Y-%m-%d}",
            "code": row["code_version"],
            "from": row["trades_source"],
        }
        for row in sessions.to_dict("records")
    ]
    columns = ("session", "portfolio", "date", "trades", "saved", "code", "from")
    return ["What-if sessions", *table(rows, [(name, 0) for name in columns])]


def as_csv(rows: Mapping[type[Table], pd.DataFrame]) -> str:
    """Every number of the comparison, one line each; empty = not available, see status."""
    return rows[WhatIfResults][_RESULT_COLUMNS].to_csv(index=False, lineterminator="\n")


def content(rows: Mapping[type[Table], pd.DataFrame]) -> dict[str, Any]:
    """Session, trades and every number, for JSON; null = not available, see status."""
    session = rows[WhatIfSessions].drop(columns="session", errors="ignore")
    return {
        "session": session.to_dict("records")[0],
        "trades": rows[WhatIfTrades].drop(columns="session", errors="ignore"),
        "results": rows[WhatIfResults][_RESULT_COLUMNS],
    }


def _headline(session: pd.Series) -> str:
    flow = float(session["cash_change"])
    return (
        f"What-if on {session['portfolio']} at the close of {session['trade_date']:%Y-%m-%d}: "
        f"{session['n_trades']} trades of {session['trades_source']}, cash {flow:+,.2f} USD "
        f"(code {session['code_version']}). Nothing is stored in the portfolio's tables."
    )


def _trades_table(trades: pd.DataFrame) -> list[str]:
    rows = [
        {
            **row,
            "quantity": f"{row['quantity']:+,.10g}",
            "price": row["trade_price"],
            "cash": f"{row['cash_change']:+,.2f}",
        }
        for row in trades.to_dict("records")
    ]
    columns = [("symbol", 0), ("quantity", RIGHT), ("price", 4), ("cash", RIGHT), ("held_before", None)]
    made = table(rows, [*columns, ("held_after", None)])
    return ["", "Trades", *made, *reasons(rows, "symbol", "price_source")]


def _results(name: str, results: pd.DataFrame) -> list[str]:
    chosen, title = _chosen(name, results)
    missing = chosen["today"].isna() & chosen["what_if"].isna()
    rows = chosen[~missing]
    made = ["", title, *(_results_table(rows) if len(rows) else [])]
    return made + [line for text in _missing(chosen[missing]) for line in wrapped(text, GAP, INDENT)]


def _results_table(rows: pd.DataFrame) -> list[str]:
    """Numbers of one table. An item stands above its measures, or in the place of the only one."""
    measures, has_items = rows["measure"], bool((rows["item"] != "").any())
    several = bool((measures != measures.iloc[0]).any())
    shown: list[dict[str, str]] = []
    last = ""
    for row in rows.to_dict("records"):
        head = row["item"] if has_items and several and row["item"] != last else ""
        last = row["item"]
        indent = GAP if has_items and several and last else ""
        name = indent + row["measure"] if several or not last else last
        said = "" if row["status"] == OK else row["status"]
        numbers = {title: _number(row[side], row["unit"]) for title, side in _SIDES.items()}
        shown.append({"name": name, "head": head, "unit": row["unit"], "said": said, **numbers})
    columns = [("name", 0), *((title, RIGHT) for title in _SIDES), ("unit", 0)]
    return table(shown, columns, below="said", above="head")


def _chosen(name: str, results: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows that are worth a line on the terminal, and the title that says which."""
    if name == _SNAPSHOT:
        return results, name
    wanted = _SHOWN_MEASURES.get(name)
    counts = results["measure"].str.startswith("n_")
    rows = results[~counts if wanted is None else results["measure"].isin(wanted)]
    if name == _STRESS:
        worst = rows[["today", "what_if"]].min(axis=1).groupby(rows["item"]).min().dropna()
        items = worst.sort_values(kind="stable").index[:WORST_SCENARIOS]
        order = rows["item"].map({item: place for place, item in enumerate(items)})
        rows = rows.assign(order=order).dropna(subset="order").sort_values("order", kind="stable")
        return rows, f"{name}: the {len(items)} worst of {results['item'].nunique()} scenarios"
    if name in _WHOLE:
        return rows, name
    changed = rows[rows["change"] != 0.0]
    size = changed["change"].abs().fillna(0.0).sort_values(ascending=False, kind="stable")
    kept = changed.loc[size.index[:MOST_ROWS].sort_values()]
    return kept, name if len(kept) == len(rows) else f"{name}: {len(kept)} changes in {len(rows)} numbers"


def _missing(rows: pd.DataFrame) -> list[str]:
    """What is on neither side, one line a reason."""
    names = rows["item"].where(rows["item"] != "", rows["measure"])
    return [f"{', '.join(dict.fromkeys(group))}: {why}" for why, group in names.groupby(rows["status"])]


def _number(value: float, unit: str) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:,.2f}" if unit.startswith("USD") else f"{value:,.6g}"
