"""The first sections: what one wants to know at a glance, value over time, exposures."""

from collections.abc import Iterator
from typing import Final

from sigmasight_core.conventions import OK
from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.rows import Row
from sigmasight_core.report.page.parts import (
    COUNT,
    PERCENT,
    PERIODS,
    SHORT,
    STATUS,
    TEXT,
    Bars,
    Chart,
    Column,
    Lines,
    Section,
    Table,
    known,
    largest,
    number,
    shown,
    table,
)
from sigmasight_core.report.page.scenarios import headline_of, ranked, scenarios

FIGURE, OF = Column("figure", "figure", TEXT), Column("status", "note", TEXT)
CONTRIBUTIONS: Final = 3
DIMENSIONS: Final = (("asset_class", "asset class"), ("sector", "sector"), ("tag", "tag"))


def summary(report: ReportBase) -> Section:
    """The figures that a reader looks for first."""
    section = Section("summary", "Summary")
    section.tables += _money_figures(report)
    section.tables += _ratios(report)
    section.tables += list(_contributions(report))
    section.sentences += [*_worst(report), *_changed(report), *_quality(report)]
    if report.changes is not None:
        section.tables.append(_changes_table(report))
    return section


def _first(report: ReportBase, name: str) -> Row:
    return next(iter(report.rows(name)), {})


def _line(figure: str, row: Row, key: str) -> Row:
    status, value = row.get("status", "not computed"), row.get(key)
    concerns = status != OK and (value is None or status.startswith("partial"))
    return {"figure": figure, "value": value, "status": status if concerns else ""}


def _money_figures(report: ReportBase) -> list[Table]:
    snapshot = _first(report, "portfolio_snapshots")
    measures = {row["measure"]: row for row in report.rows("risk_measures")}
    lines = [
        _line("total value", snapshot, "total_value"),
        _line("cash", snapshot, "cash"),
        _line("day's P&L", snapshot, "daily_pnl"),
        _line("P&L since entry", snapshot, "cumulative_pnl"),
        _line("value at risk, 1 day, 95%", measures.get("var_95_usd", {}), "value"),
        _line("value at risk, 1 day, 99%", measures.get("var_99_usd", {}), "value"),
        _line("expected shortfall, 1 day, 95%", measures.get("es_95_usd", {}), "value"),
        _line("expected shortfall, 1 day, 99%", measures.get("es_99_usd", {}), "value"),
    ]
    return [table("In dollars", (FIGURE, Column("value", "USD"), OF), lines)]


def _ratios(report: ReportBase) -> list[Table]:
    snapshot, returns = _first(report, "portfolio_snapshots"), _first(report, "portfolio_returns")
    measures = {row["measure"]: row for row in report.rows("risk_measures")}
    lines = [_line("day's return", snapshot, "daily_return")]
    lines += [
        _line(f"return {period.upper()}, time-weighted", returns, f"twr_{period}")
        for period in PERIODS
        if f"twr_{period}" in returns
    ]
    lines += [
        _line("volatility a year, simulated", measures.get("annualized_volatility", {}), "value"),
        _line("volatility a year, realized", measures.get("annualized_realized_volatility", {}), "value"),
        _line("largest drawdown, 252 sessions", measures.get("max_drawdown", {}), "value"),
    ]
    market = next((row for row in report.rows("factor_exposures") if row["factor"] == "market"), {})
    betas = [_line("beta to the market", market, "beta"), _line("its standard error", market, "std_error")]
    return [
        table("Beta", (FIGURE, Column("value", "ratio"), OF), betas),
        table("In percent", (FIGURE, Column("value", "percent", PERCENT), OF), lines),
    ]


def _contributions(report: ReportBase) -> Iterator[Table]:
    rows = known(report.rows("return_contributions"), "contribution")
    for period in ("ytd", "1y"):
        of_period = [row for row in rows if row["period"] == period]
        chosen = sorted(of_period, key=lambda row: -number(row, "contribution"))
        if chosen:
            if len(chosen) > 2 * CONTRIBUTIONS:
                chosen = chosen[:CONTRIBUTIONS] + chosen[-CONTRIBUTIONS:]
            columns = (
                Column("item", "underlying", TEXT),
                Column("pnl", "P&L, USD"),
                Column("contribution", "contribution", PERCENT),
                Column("period_return", "portfolio's return", PERCENT),
            )
            caption = f"Contributions to the return, {period.upper()}: the largest and the smallest"
            yield table(caption, columns, chosen, "return_contributions")


def _worst(report: ReportBase) -> list[str]:
    rows = ranked(scenarios(report))
    if not rows:
        return [f"Worst scenario: n/a ({report.engine('stress_testing').status})."]
    worst = rows[0]
    pnl = shown(worst[headline_of(worst)], "number")
    return [f"Worst scenario: {worst['scenario'].replace('_', ' ')}, {pnl} USD ({worst['severity']})."]


def _changed(report: ReportBase) -> list[str]:
    found = report.changes
    if found is None:
        return ["There is no report before this one to compare with."]
    words = [(found.opened, "opened"), (found.closed, "closed or expired")]
    said = [f"{', '.join(names)} {verb}" for names, verb in words if names]
    return [f"Since the report of {found.previous_date}: {'; '.join(said) or 'the same positions are held'}."]


def _changes_table(report: ReportBase) -> Table:
    found = report.changes
    assert found is not None
    numbers = [row.model_dump() for row in found.numbers]
    names = [
        {"item": row["item"] or "portfolio", "column": row["column"].replace("_", " ")} for row in numbers
    ]
    rows = [row | name for row, name in zip(numbers, names, strict=True)]
    columns = (
        Column("item", "of", TEXT),
        Column("column", "number", TEXT),
        Column("before", found.previous_date),
        Column("now", report.metadata.report_date),
        Column("unit", "unit", TEXT),
    )
    return table("What changed since the last report", columns, rows)


def _quality(report: ReportBase) -> list[str]:
    lines = {row.calculation: row for row in report.data_availability}
    whole = sum(row.n > 0 and row.n_ok == row.n for row in lines.values())
    missing = [row.calculation for row in lines.values() if row.n_ok + row.n_reserved == 0]
    said = f"Data quality: {whole} of {len(lines)} calculations are whole"
    return [said + (f"; nothing of {', '.join(missing)}." if missing else ".")]


def value(report: ReportBase) -> Section:
    """Value, return and drawdown over time."""
    section = Section("value", "Value and drawdown")
    rows = known([row.model_dump() for row in report.snapshots], "total_value")
    columns = (
        Column("date", "date", TEXT),
        Column("total_value", "total value, USD"),
        Column("daily_pnl", "day's P&L, USD"),
        Column("daily_return", "return", PERCENT),
        Column("external_flow", "paid in or out, USD"),
    )
    data = table("Value by session", columns, rows, "portfolio_snapshots")
    if len(rows) > 1:
        lines = Lines(
            [row["date"] for row in rows], {"total value": [number(row, "total_value") for row in rows]}
        )
        caption = "Total value at the close: positions and cash. Payments in and out move it too."
        section.charts.append(Chart("value", "Total value", caption, "USD", lines, data))
    else:
        section.tables.append(data)
    past = [row.model_dump() for row in report.past_returns]
    for key, title in (("twr_itd", "return since inception, time-weighted"), ("drawdown", "drawdown")):
        points = known(past, key)
        if len(points) > 1:
            lines = Lines([row["date"] for row in points], {title: [number(row, key) for row in points]})
            of_line = (Column("date", "date", TEXT), Column(key, title, PERCENT))
            of_points = table(title.capitalize(), of_line, points, "portfolio_returns")
            section.charts.append(Chart(key, title.capitalize(), _note(key), "percent", lines, of_points))
    drawdown = [row for row in report.rows("risk_measures") if row["measure"] == "max_drawdown"]
    what = (Column("value", "largest drawdown, 252 sessions", PERCENT), Column("n_obs", "returns", COUNT))
    section.tables.append(table("Drawdown", what, drawdown, "risk_measures"))
    return section


def _note(key: str) -> str:
    return {
        "twr_itd": "Daily returns linked: payments in and out do not move it.",
        "drawdown": "Loss since the highest point before.",
    }[key]


def exposures(report: ReportBase) -> Section:
    """Gross, net, long and short; and by group, where the groups are there."""
    section = Section("exposures", "Exposures")
    snapshot = report.rows("portfolio_snapshots")[:1]
    names = ["gross_exposure", "net_exposure", "long_exposure", "short_exposure", "stock_exposure"]
    names += ["options_exposure", "notional", "delta_usd", "delta_adjusted_exposure", "cash"]
    lines = [
        {"what": name.replace("_", " "), "value": row[name], "status": row["status"]}
        for row in snapshot
        for name in names
    ]
    data = table(
        "Exposures of the portfolio", (Column("what", "exposure", TEXT), Column("value", "USD")), lines
    )
    drawn = known(lines, "value")
    if drawn:
        bars = Bars([row["what"] for row in drawn], [number(row, "value") for row in drawn])
        caption = "Short is negative. Options count with their value, in delta dollars with their delta."
        section.charts.append(Chart("exposures", "Exposures", caption, "USD", bars, data))
    groups = report.rows("portfolio_groups")
    for dimension, title in DIMENSIONS:
        rows = [row for row in groups if row["dimension"] == dimension]
        if rows:
            section.tables.append(_groups(title, [_named(row) for row in rows]))
    section.tables += _liquidity(report)
    if not groups:
        section.sentences.append(f"By class, sector and tag: n/a ({report.engine('groups').status}).")
    return section


def _liquidity(report: ReportBase) -> list[Table]:
    columns = (
        Column("days_to_liquidate", "sessions to close everything", SHORT),
        Column("liquid_in_1_session", "closed in one", PERCENT),
        Column("liquid_in_5_sessions", "in five", PERCENT),
        Column("n_positions", "positions with a volume", COUNT),
        STATUS,
    )
    rows = report.rows("portfolio_liquidity")
    return [table("Liquidity", columns, rows, "portfolio_liquidity")] if rows else []


def _named(row: Row) -> Row:
    return row | {"group_name": row["group_name"] or "(none)"}


def _groups(title: str, rows: list[Row]) -> Table:
    columns = (
        Column("group_name", title, TEXT),
        Column("n_positions", "positions", COUNT),
        Column("gross_exposure", "gross, USD"),
        Column("net_exposure", "net, USD"),
        Column("long_exposure", "long, USD"),
        Column("short_exposure", "short, USD"),
        Column("weight", "weight", PERCENT),
        Column("daily_pnl", "day's P&L, USD"),
        Column("component_var_usd", "part of VaR 95%, USD"),
    )
    return table(f"By {title}", columns, largest(rows, "net_exposure"), "portfolio_groups")
