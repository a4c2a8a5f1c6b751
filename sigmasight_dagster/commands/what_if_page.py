"""A what-if on the terminal, as JSON and as CSV: each number today, with the trades, and the change."""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from sigmasight_core.conventions import OK
from sigmasight_core.tables import (
    FactorExposures,
    StressResults,
    Table,
    WhatIfResults,
    WhatIfSessions,
    WhatIfTrades,
    table_name,
)
from sigmasight_dagster.commands.progress import wide_console

WORST_SCENARIOS: Final = 5
MOST_ROWS: Final = 30
_STRESS: Final = table_name(StressResults)
_SHOWN_MEASURES: Final = {
    _STRESS: ("direct_pnl", "correlated_pnl"),
    table_name(FactorExposures): ("beta", "exposure_usd"),
}
_RESULT_COLUMNS: Final = ["table_name", "item", "measure", "unit", "today", "what_if", "change", "status"]


def show(session: pd.Series, trades: pd.DataFrame, results: pd.DataFrame) -> None:
    """Print a comparison: rows of `WhatIfSessions`, `WhatIfTrades` and `WhatIfResults`."""
    console = wide_console()
    console.print(_headline(session), highlight=False, markup=False)
    console.print(_trades_table(trades))
    for name in results["table_name"].unique():
        console.print(_results_table(name, results[results["table_name"] == name]))
    _note_what_is_left_out(console, results)


def show_sessions(sessions: pd.DataFrame) -> None:
    """Print the saved sessions, one line each."""
    table = RichTable(title="What-if sessions", title_justify="left")
    for name in ("session", "portfolio", "date", "trades", "from", "saved", "code"):
        table.add_column(name, overflow="fold")
    for row in sessions.to_dict("records"):
        texts = (
            row["session"],
            row["portfolio"],
            f"{row['trade_date']:%Y-%m-%d}",
            str(row["n_trades"]),
            row["trades_source"],
            f"{row['saved_date']:%Y-%m-%d}",
            row["code_version"],
        )
        table.add_row(*(Text(text) for text in texts))
    wide_console().print(table)


def as_csv(rows: Mapping[type[Table], pd.DataFrame]) -> str:
    """Every number of the comparison, one line each; empty = not available, see status."""
    return rows[WhatIfResults][_RESULT_COLUMNS].to_csv(index=False, lineterminator="\n")


def as_json(rows: Mapping[type[Table], pd.DataFrame]) -> str:
    """Session, trades and every number; null = not available, see status."""
    session = rows[WhatIfSessions].drop(columns="session", errors="ignore")
    content = {
        "session": _records(session)[0],
        "trades": _records(rows[WhatIfTrades].drop(columns="session", errors="ignore")),
        "results": _records(rows[WhatIfResults][_RESULT_COLUMNS]),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row["items"]()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _headline(session: pd.Series) -> str:
    flow = float(session["cash_change"])
    return (
        f"What-if on {session['portfolio']} at the close of {session['trade_date']:%Y-%m-%d}: "
        f"{session['n_trades']} trades of {session['trades_source']}, cash {flow:+,.2f} USD "
        f"(code {session['code_version']}). Nothing is stored in the portfolio's tables."
    )


def _trades_table(trades: pd.DataFrame) -> RichTable:
    table = RichTable(title="Trades", title_justify="left")
    table.add_column("symbol")
    for name in ("quantity", "price", "cash", "held before", "held after"):
        table.add_column(name, justify="right")
    table.add_column("price from")
    for row in trades.to_dict("records"):
        table.add_row(
            Text(row["symbol"]),
            f"{row['quantity']:+,.10g}",
            f"{row['trade_price']:,.4f}",
            f"{row['cash_change']:+,.2f}",
            f"{row['held_before']:,.10g}",
            f"{row['held_after']:,.10g}",
            Text(row["price_source"]),
        )
    return table


def _results_table(name: str, results: pd.DataFrame) -> RichTable:
    rows, title = _chosen(name, results)
    with_items = bool((rows["item"] != "").any())
    with_status = bool((rows["status"] != OK).any())
    table = RichTable(title=title, title_justify="left")
    if with_items:
        table.add_column("", overflow="fold")
    table.add_column("measure")
    for column in ("today", "what-if", "change"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("unit", overflow="fold")
    if with_status:
        table.add_column("status", overflow="fold")
    last = None
    for row in rows.to_dict("records"):
        item = [Text("" if row["item"] == last else row["item"])] if with_items else []
        status = [Text("" if row["status"] == OK else row["status"])] if with_status else []
        numbers = [_number(value, row["unit"]) for value in (row["today"], row["what_if"], row["change"])]
        table.add_row(*item, row["measure"], *numbers, Text(row["unit"]), *status)
        last = row["item"]
    return table


def _chosen(name: str, results: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows that are worth a line on the terminal, and the title that says which."""
    measures = _SHOWN_MEASURES.get(name)
    rows = results if measures is None else results[results["measure"].isin(measures)]
    if name == _STRESS:
        worst = rows[["today", "what_if"]].min(axis=1).groupby(rows["item"]).min().dropna()
        items = worst.sort_values(kind="stable").index[:WORST_SCENARIOS]
        order = rows["item"].map({item: place for place, item in enumerate(items)})
        rows = rows.assign(order=order).dropna(subset="order").sort_values("order", kind="stable")
        return rows, f"{name}: the {len(items)} worst of {results['item'].nunique()} scenarios"
    if len(rows) <= MOST_ROWS:
        return rows, name
    kept = rows["change"].abs().fillna(0.0).sort_values(ascending=False, kind="stable").index[:MOST_ROWS]
    return rows.loc[kept.sort_values()], f"{name}: the {MOST_ROWS} largest changes of {len(rows)}"


def _number(value: float, unit: str) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:,.2f}" if unit.startswith("USD") else f"{value:,.6g}"


def _note_what_is_left_out(console: Console, results: pd.DataFrame) -> None:
    console.print(f"{len(results):,} numbers in all: --csv FILE or --json FILE", highlight=False)
