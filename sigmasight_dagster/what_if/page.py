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
from sigmasight_dagster.terminal import wide_console

WORST_SCENARIOS: Final = 5
MOST_ROWS: Final = 16
_SNAPSHOT: Final = table_name(PortfolioSnapshots)
_STRESS: Final = table_name(StressResults)
_WHOLE: Final = tuple(table_name(model) for model in (FactorExposures, CorrelationSummary, RiskMeasures))
_SHOWN_MEASURES: Final = {
    _STRESS: ("direct_pnl", "correlated_pnl"),
    table_name(RiskContributions): ("component_var_usd",),
}
_RESULT_COLUMNS: Final = ["table_name", "item", "measure", "unit", "today", "what_if", "change", "status"]


def show(session: pd.Series, trades: pd.DataFrame, results: pd.DataFrame) -> None:
    """Print a comparison: rows of `WhatIfSessions`, `WhatIfTrades` and `WhatIfResults`."""
    console = wide_console()
    console.print(_headline(session), highlight=False, markup=False)
    console.print(_trades_table(trades))
    for name in results["table_name"].unique():
        _print_results(console, name, results[results["table_name"] == name])
    console.print(f"{len(results):,} numbers in all: --csv FILE or --json FILE", highlight=False)


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
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


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


def _print_results(console: Console, name: str, results: pd.DataFrame) -> None:
    chosen, title = _chosen(name, results)
    missing = chosen["today"].isna() & chosen["what_if"].isna()
    rows = chosen[~missing]
    console.print(_results_table(title, rows) if len(rows) else Text(title, style="italic"))
    for line in _missing(chosen[missing]):
        console.print(Text(f"  {line}"))


def _results_table(title: str, rows: pd.DataFrame) -> RichTable:
    table = RichTable(title=title, title_justify="left")
    items, measures = (rows["item"] != ""), rows["measure"]
    shown = {
        "item": bool(items.any()),
        "measure": not items.all() or bool((measures != measures.iloc[0]).any()),
        "today": True,
        "what-if": True,
        "change": True,
        "unit": True,
        "status": bool((rows["status"] != OK).any()),
    }
    for column in filter(shown.get, shown):
        number = column in ("today", "what-if", "change")
        table.add_column(column, justify="right" if number else "left", no_wrap=number, overflow="fold")
    last = None
    for row in rows.to_dict("records"):
        unit = row["unit"]
        cells = {
            "item": "" if row["item"] == last else row["item"],
            "measure": row["measure"],
            "today": _number(row["today"], unit),
            "what-if": _number(row["what_if"], unit),
            "change": _number(row["change"], unit),
            "unit": unit,
            "status": "" if row["status"] == OK else row["status"],
        }
        table.add_row(*(Text(cells[column]) for column in filter(shown.get, shown)))
        last = row["item"]
    return table


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
