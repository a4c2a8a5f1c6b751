"""A report from the rows of the stored tables: nothing is computed here that is not in a table."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.report import availability
from sigmasight_core.report.document import model as shape
from sigmasight_core.report.document.changes import changes
from sigmasight_core.report.document.positions import summary, written_positions
from sigmasight_core.report.document.rows import Row, as_written
from sigmasight_core.report.document.sources import CALCULATIONS, PAST_SESSIONS, Calculation, models
from sigmasight_core.tables import (
    PortfolioReturns,
    PortfolioSnapshots,
    PositionGreeks,
    PositionValues,
    SecurityMaster,
    StressResults,
    Table,
    columns_by_role,
    readiness,
    table_name,
)

Frames = Mapping[type[Table], pd.DataFrame]


def build(
    date: pd.Timestamp,
    registered: pd.Series,
    code_version: str,
    previous: Mapping[str, Any] | None,
    *,
    compared: Collection[str],
    ledger: pd.DataFrame,
    frames: Frames,
) -> shape.ReportBase:
    """The report of one portfolio on one date.

    :param registered: the portfolio's row of tables.Portfolios. :param ledger: its rows of tables.Positions.
    :param previous: the document of its report before; None = there is none.
    :param compared: ids of the scenarios that are kept for comparison alone.
    :param frames: rows of the tables of `sources.models`, of the portfolio alone (by-date tables: of what it
        holds); those with several sessions up to the date.
    :returns: what `report_type()` describes. Whoever stores it asks `soundness.problems` first.
    """
    snapshots = frames[PortfolioSnapshots]
    of_date = {found: rows[rows["date"] == rows["date"].max()] for found, rows in frames.items()}
    of_date |= {found: frames[found][frames[found]["date"] == date] for found in _of_the_day(frames)}
    values = of_date[PositionValues]
    document: dict[str, Any] = {
        "metadata": {
            "portfolio": registered["portfolio"],
            "report_date": f"{date:%Y-%m-%d}",
            "anchor_date": f"{snapshots['date'].max():%Y-%m-%d}",
            "code_version": code_version,
        },
        "portfolio": {
            "name": registered["portfolio"],
            "source": registered["source"],
            "margin": registered["margin"] == "yes",
            "benchmark": _benchmark(frames),
        },
        "calculation_engines": {name: _engine(what, of_date) for name, what in CALCULATIONS.items()},
        "positions_summary": summary(values),
        "positions": written_positions(
            values=values,
            greeks=of_date[PositionGreeks],
            ledger=ledger,
            securities=of_date.get(SecurityMaster, SecurityMaster.empty()),
            snapshot=of_date[PortfolioSnapshots].iloc[0],
        ),
        "snapshots": as_written(PortfolioSnapshots, snapshots),
        "past_returns": _past(frames, shape.RETURN_DAY, lambda rows: rows.tail(PAST_SESSIONS)),
        "months": _past(frames, shape.MONTH, _month_ends),
        "comparison_scenarios": sorted(set(compared) & set(of_date[StressResults]["scenario"])),
        "changes": None,
        "data_availability": _availability(of_date),
    }
    document["changes"] = changes(previous, document)
    return shape.report_type().model_validate(document)


def _of_the_day(frames: Frames) -> list[type[Table]]:
    """Tables that must be of the date itself: all but those of which the newest rows count."""
    newest = {found for source, found in models().items() if source.newest}
    return [found for found in frames if found not in newest]


def _benchmark(frames: Frames) -> str | None:
    rows = frames.get(PortfolioReturns)
    return None if rows is None or rows.empty else str(rows["benchmark"].iloc[-1])


def _past(
    frames: Frames, columns: Sequence[str], chosen: Callable[[pd.DataFrame], pd.DataFrame]
) -> list[Row]:
    rows = frames.get(PortfolioReturns)
    written = [] if rows is None else as_written(PortfolioReturns, chosen(rows))
    return [{name: row[name] for name in columns} for row in written]


def _month_ends(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby(rows["date"].dt.to_period("M")).tail(1)


def _engine(calculation: Calculation, frames: Frames) -> dict[str, Any]:
    known = {source: found for source, found in models().items() if source in calculation.sources}
    main = known.get(calculation.sources[0])
    rows = None if main is None else frames.get(main)
    there = main is not None and rows is not None and _has_values(main, rows)
    data = {
        table_name(found): as_written(found, frames[found]) if found in frames else []
        for found in known.values()
    }
    return {
        "available": there,
        "status": _status(rows),
        "as_of": None if rows is None or rows.empty else f"{rows['date'].max():%Y-%m-%d}",
        "units": shape.units(calculation) if there else {},
        "description": calculation.description,
        "count": 0 if rows is None else len(rows),
        "data": data if there else None,
    }


def _has_values(found: type[Table], rows: pd.DataFrame) -> bool:
    floats = rows[columns_by_role(found, "value")].select_dtypes("float")
    return bool(floats.notna().to_numpy().any())


def _status(rows: pd.DataFrame | None) -> str:
    if rows is None:
        return availability.NOT_COMPUTED
    if rows.empty:
        return "no rows: nothing of it is held"
    odd = rows.loc[~rows["status"].isin(availability.GOOD), "status"]
    if odd.empty:
        return OK
    most = str(odd.mode().iloc[0])
    return most if len(rows) == 1 else f"partial: {len(rows) - len(odd)} of {len(rows)} are whole; {most}"


def _availability(frames: Frames) -> list[Row]:
    held = set(frames[PositionValues]["underlying"])
    lines = {}
    for source, found in models().items():
        for item in readiness(found):
            rows = frames.get(found)
            wanted = held if source.symbol else set()
            results = None if rows is None else availability.results(item, rows, wanted)
            lines[item.calculation] = results
    found_rows = availability.readiness(lines)
    missing = found_rows["n"] - found_rows["n_ok"] - found_rows["n_reserved"]
    kept = ["calculation", "n", "n_ok", "n_reserved", "n_missing", "reason", "n_rows"]
    lines_found = found_rows.assign(n_missing=missing)[[*kept, "has_value", "items", "parts"]]
    return [{str(name): cell for name, cell in row.items()} for row in lines_found.to_dict("records")]
