"""Rows of every table that a report is made of, drawn at random, and reports from them."""

from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.report.document.build import build
from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.sources import models
from sigmasight_core.tables import (
    PortfolioReturns,
    PortfolioSnapshots,
    Positions,
    PositionValues,
    Table,
    primary_key,
    table_name,
)

DATE = pd.Timestamp("2022-12-28")
NAME = "book"
TYPES = ("LONG", "SHORT", "LC", "SP")
TYPED = ("<script>alert(1)</script>", "=HYPERLINK(1)", "+1", "-2", "@x", "a|b & c", "plain")
"""What users may type into tags and notes."""
_KEYS = {
    "measure": (
        "var_95_usd",
        "var_99_usd",
        "es_95_usd",
        "es_99_usd",
        "annualized_volatility",
        "max_drawdown",
    ),
    "confidence": ("95", "99"),
    "factor": ("market", "size", "value", "momentum", "rates", "growth"),
    "scenario": ("market_down_10", "covid", "rates_up", "crash_replayed", "rally", "vix_spike_150"),
    "kind": ("factor", "position"),
    "period": ("ytd", "1y"),
    "dimension": ("sector", "tag", "asset_class"),
    "series": ("2Y", "10Y", "30Y"),
}


def frames(n_positions: int = 6, seed: int = 0) -> dict[type[Table], pd.DataFrame]:
    """Rows by table; one of five numbers is NULL, and then the status says why."""
    rng = np.random.default_rng(seed)
    return {model: _rows(model, source.sessions, n_positions, rng) for source, model in models().items()}


def _rows(model: type[Table], sessions: int, n_positions: int, rng: np.random.Generator) -> pd.DataFrame:
    dates = calendar.sessions(calendar.shift_sessions(DATE, 1 - min(sessions, 30)), DATE)
    own = [name for name in primary_key(model) if name not in ("date", "portfolio")]
    size = n_positions if own else 1
    frame = pd.DataFrame({"date": np.repeat(dates.as_unit("ns"), size)})
    for name, column in model.to_schema().columns.items():
        if name != "date":
            frame[name] = _values(str(name), column, len(frame), size, rng)
    return frame[list(model.to_schema().columns)].drop_duplicates(primary_key(model), ignore_index=True)


def _values(name: str, column: Any, n_rows: int, size: int, rng: np.random.Generator) -> Any:
    dtype, each = str(column.dtype).lower(), np.arange(n_rows) % size
    texts = {
        "portfolio": np.full(n_rows, NAME),
        "position_id": np.array([f"S{n}@2022-01-05" for n in each]),
        "symbol": np.array([f"S{n}" for n in each]),
        "underlying": np.array([f"S{n}" for n in each]),
        "symbol_1": np.full(n_rows, "S0"),
        "symbol_2": np.array([f"S{n}" for n in each]),
        "item": np.array([f"S{n}@2022-01-05" for n in each]),
        "group_name": np.array([f"group {n}" for n in each]),
        "bucket": np.array([f"bucket {n}" for n in each]),
        "position_type": np.array([TYPES[n % len(TYPES)] for n in each]),
        "tags": rng.choice(TYPED, n_rows),
        "status": np.where(each == 1, "partial: a reason", "ok"),
        "unit": rng.choice(["USD", "fraction"], n_rows),
        "category": rng.choice(["market", "rates"], n_rows),
    }
    if name in texts:
        return pd.Series(texts[name], dtype="str")
    if name in _KEYS and dtype.startswith("str"):
        return pd.Series([_KEYS[name][n % len(_KEYS[name])] for n in each], dtype="str")
    if dtype.startswith("float"):
        scale = 10.0 ** rng.integers(-4, 7)
        drawn = scale * rng.standard_normal(n_rows)
        bounded = any("min_value" in check.statistics for check in column.checks)
        return pd.Series(np.where(each == 1, np.nan, np.abs(drawn) if bounded else drawn))
    if dtype.startswith("datetime"):
        return pd.Series(np.full(n_rows, np.datetime64("2022-11-01", "ns")))
    if dtype.startswith("int"):
        return pd.Series(rng.integers(2, 300, n_rows)).astype(str(column.dtype))
    if dtype.startswith("str"):
        return pd.Series(rng.choice(TYPED, n_rows), dtype="str")
    return pd.Series([None] * n_rows, dtype=object)


def ledger(rows: dict[type[Table], pd.DataFrame]) -> pd.DataFrame:
    """The positions' rows of tables.Positions."""
    values = rows[PositionValues]
    drawn = np.random.default_rng(1).uniform(0.01, 300.0, len(values))
    made = Positions.empty().reindex(range(len(values)))
    return made.assign(
        portfolio=NAME,
        position_id=values["position_id"],
        entry_price=drawn,
        entry_date=pd.Timestamp("2022-01-05"),
        exit_date=pd.Timestamp("2023-03-01"),
        notes=pd.Series([TYPED[n % len(TYPED)] for n in range(len(values))], dtype="str"),
    )


def report(rows: dict[type[Table], pd.DataFrame], previous: Any = None) -> ReportBase:
    """The report of the rows; the snapshot counts what is held."""
    registered = pd.Series({"portfolio": NAME, "source": "book.csv", "cash": 0.0, "margin": None})
    return build(
        DATE,
        registered,
        "1.2.3",
        previous,
        compared={"crash_replayed", "no_more_computed"},
        ledger=ledger(rows),
        frames=rows,
    )


def by_name(rows: dict[type[Table], pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows by the name of their table."""
    return {table_name(model): frame for model, frame in rows.items()}


def sound(n_positions: int = 6, seed: int = 0) -> dict[type[Table], pd.DataFrame]:
    """`frames` whose snapshots count the positions as they are."""
    rows = frames(n_positions, seed)
    types = rows[PositionValues]["position_type"]
    counts = {
        "n_positions": len(types),
        "n_long": int(types.isin(["LONG", "LC", "LP"]).sum()),
        "n_short": int(types.isin(["SHORT", "SC", "SP"]).sum()),
        "n_options": int((~types.isin(["LONG", "SHORT"])).sum()),
    }
    rows[PortfolioSnapshots] = rows[PortfolioSnapshots].assign(**counts)
    rows[PortfolioReturns] = rows[PortfolioReturns].assign(benchmark="SPY")
    return rows
