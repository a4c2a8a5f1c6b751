"""The later sections: P&L by cause, returns, benchmark, the positions, and what the data can say."""

from typing import Final

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.rows import Row
from sigmasight_core.report.document.sources import CALCULATIONS
from sigmasight_core.report.page.parts import (
    COUNT,
    PERCENT,
    PERIODS,
    STATUS,
    TEXT,
    Bars,
    Chart,
    Column,
    Section,
    known,
    largest,
    missing,
    number,
    table,
)
from sigmasight_core.tables.pnl import PNL_PARTS

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def pnl(report: ReportBase) -> Section:
    """The day's P&L by cause, explained and unexplained as columns."""
    section = Section("pnl", "P&L explained", missing(report.engine("pnl_explain")))
    if section.sentences:
        return section
    row = report.rows("portfolio_pnl_explain")[0]
    lines = [
        {"what": name.removesuffix("_pnl"), "value": row[name], "status": row["status"]} for name in PNL_PARTS
    ]
    data = table("Parts of the day's P&L", (Column("what", "part", TEXT), Column("value", "USD")), lines)
    drawn = known(lines, "value")
    bars = Bars([line["what"] for line in drawn], [number(line, "value") for line in drawn])
    caption = "They sum to the P&L of the positions. Specific, residual: what no factor or Greek explains."
    section.charts.append(Chart("pnl", "P&L by cause", caption, "USD", bars, data))
    wide = (
        Column("position_id", "position", TEXT),
        Column("daily_pnl", "day's P&L"),
        *(Column(name, name.removesuffix("_pnl")) for name in PNL_PARTS),
    )
    every = report.rows("position_pnl_explain")
    ordered = largest(every, "daily_pnl")
    section.tables.append(table("By position, USD", wide, ordered, "position_pnl_explain"))
    return section


def returns(report: ReportBase) -> Section:
    """Returns of the periods, and month by year where the month's return is stored."""
    section = Section("returns", "Returns", missing(report.engine("returns")))
    if section.sentences:
        return section
    row = report.rows("portfolio_returns")[0]
    lines = [
        {
            "period": period.upper(),
            "twr": row.get(f"twr_{period}"),
            "mwr": row.get(f"mwr_{period}"),
            "status": row["status"],
        }
        for period in PERIODS
        if f"twr_{period}" in row or f"mwr_{period}" in row
    ]
    columns = (
        Column("period", "period", TEXT),
        Column("twr", "time-weighted", PERCENT),
        Column("mwr", "money-weighted", PERCENT),
    )
    section.tables.append(table("Returns, not annualised", columns, lines, "portfolio_returns"))
    months = _months([found.model_dump() for found in report.months])
    if months:
        of_year = (Column("year", "year", TEXT), *(Column(name, name, PERCENT) for name in MONTHS))
        section.tables.append(table("Returns by month", of_year, months, "portfolio_returns"))
    else:
        section.sentences.append("Month by year: n/a (no monthly return is stored).")
    return section


def _months(past: list[Row]) -> list[Row]:
    """One row a year: the return month to date on the last session of each month that is published."""
    years: dict[str, Row] = {}
    for row in past:
        if row.get("twr_mtd") is not None:
            year, month = row["date"][:4], int(row["date"][5:7])
            years.setdefault(year, {"year": year, "status": "no return of the whole month"})
            years[year][MONTHS[month - 1]] = row["twr_mtd"]
    return list(years.values())


def benchmark(report: ReportBase) -> Section:
    """The returns beside those of the benchmark."""
    section = Section("benchmark", "Benchmark")
    rows = report.rows("portfolio_returns")
    if not rows:
        section.sentences.append(f"n/a: {report.engine('returns').status}.")
        return section
    row = rows[0]
    wanted = (
        ("benchmark_return", "day's return of the benchmark", PERCENT),
        ("active_return", "active return, 252 sessions", PERCENT),
        ("tracking_error", "tracking error a year", PERCENT),
        ("beta", "beta to the benchmark", "number"),
        ("correlation", "correlation with it", "number"),
        ("up_capture", "up capture", "number"),
        ("down_capture", "down capture", "number"),
        ("n_obs", "days with both returns", COUNT),
    )
    section.sentences.append(f"Benchmark: {row['benchmark']}. {row['status']}.")
    for how, caption in ((PERCENT, "In percent"), ("number", "Ratios"), (COUNT, "Observations")):
        lines = [
            {"what": words, "value": row[name], "status": row["status"]}
            for name, words, said in wanted
            if said == how
        ]
        columns = (Column("what", "figure", TEXT), Column("value", "value", how))
        section.tables.append(table(f"Beside the benchmark: {caption.lower()}", columns, lines))
    return section


def positions(report: ReportBase) -> Section:
    """Every position; the CSV has all of its columns."""
    counts = report.positions_summary
    section = Section("positions", "Positions")
    section.sentences.append(
        f"{counts.total} held: {counts.long} long, {counts.short} short, {counts.options} of them options; "
        f"{counts.ended} ended in the session."
    )
    columns = (
        Column("position_id", "position", TEXT),
        Column("position_type", "type", TEXT),
        Column("quantity", "quantity"),
        Column("entry_price", "entry price"),
        Column("current_price", "price"),
        Column("position_exposure", "exposure, USD"),
        Column("portfolio_weight", "weight", PERCENT),
        Column("daily_pnl", "day's P&L, USD"),
        Column("unrealized_pnl", "unrealized, USD"),
        Column("realized_pnl", "realized, USD"),
        Column("delta", "delta"),
        Column("sector", "sector", TEXT),
        Column("tags", "tags", TEXT),
        Column("notes", "notes", TEXT),
        STATUS,
    )
    rows = [row.model_dump() for row in report.positions]
    rows = [row | {"notes": row["notes"] or "", "tags": row["tags"] or ""} for row in rows]
    ordered = sorted(
        rows, key=lambda row: -abs(number(row, "position_exposure") if row["position_exposure"] else 0.0)
    )
    section.tables.append(table("Positions, the largest first", columns, ordered))
    return section


def availability(report: ReportBase) -> Section:
    """A line for each calculation: what is there, partial or missing, and why."""
    section = Section("availability", "Data availability")
    lines = [row.model_dump() for row in report.data_availability]
    lines = [
        line
        | {
            "whom": ", ".join((line["items"] + line["parts"])[:6]) or ("all" if line["reason"] else ""),
            "reason": line["reason"] or "whole",
        }
        for line in lines
    ]
    columns = (
        Column("calculation", "calculation", TEXT),
        Column("n", "results", COUNT),
        Column("n_ok", "whole", COUNT),
        Column("n_reserved", "with reservation", COUNT),
        Column("n_missing", "missing", COUNT),
        Column("reason", "reason", TEXT),
        Column("n_rows", "have it", COUNT),
        Column("whom", "whom it concerns", TEXT),
    )
    section.tables.append(table("What each calculation can say", columns, lines))
    engines = [(name, report.engine(name)) for name in CALCULATIONS]
    rows = [
        {"name": name, "as_of": engine.as_of, "n": engine.count, "status": engine.status}
        for name, engine in engines
    ]
    of_engine = (
        Column("name", "calculation", TEXT),
        Column("as_of", "as of", TEXT),
        Column("n", "rows", COUNT),
        STATUS,
    )
    section.tables.append(table("Sections of this report", of_engine, rows))
    return section
