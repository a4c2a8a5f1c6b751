"""The report of each portfolio: one document from the rows of all the others' tables."""

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.report.document.build import Frames, build
from sigmasight_core.report.document.sources import NEWEST_SESSIONS, Source, models
from sigmasight_core.report.document.stored import as_row
from sigmasight_core.tables import Grain, PortfolioReports, PositionValues, Table, grain
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.engine.settled_ledger import LOTS, settled_ledger
from sigmasight_dagster.gates.report import REPORTS_ARE_SOUND
from sigmasight_dagster.story import Story, figures

SOURCES = models()


def _inputs() -> list[Input]:
    return [
        Input(
            model,
            look_back=NEWEST_SESSIONS if source.newest else source.sessions - 1,
            published_only=source.sessions > 1,
            newest=source.newest,
        )
        for source, model in SOURCES.items()
    ]


@risk_asset(
    PortfolioReports,
    inputs=[*LOTS, *_inputs()],
    group="portfolio_risk",
    page="report.md",
    gates=[REPORTS_ARE_SOUND],
    stories={
        PortfolioReports: Story(
            (figures.of_row(n_available="calculations there"), figures.text_of_row(status="status")),
            ("report_version", "n_available", "status"),
        )
    },
)
def portfolio_reports(batch: Batch) -> pd.DataFrame:
    """The report as one JSON document; a run of several dates makes that of its last date alone.

    A run of more portfolios than the setting report_portfolios says makes none, unless every one is wanted:
    they are made when they are asked for. Nor does one that another goes on from with later dates.
    """
    left = batch.goes_on or len(batch.portfolios) > batch.report_portfolios
    if left and not batch.every_report:
        return PortfolioReports.empty()
    lots = settled_ledger(batch).positions
    stored = batch.stored_before(PortfolioReports, batch.dates[0])
    before = dict(zip(stored["portfolio"], map(json.loads, stored["document"]), strict=True))
    rows: list[dict[str, Any]] = []
    compared = batch.comparison_scenarios
    wanted = batch if batch.every_report else batch.of_last_date()
    read = {
        source: _split(model, wanted.read(model)) for source, model in SOURCES.items() if not source.newest
    }
    for date in wanted.dates:
        newest = {
            source: _split(model, wanted.newest(model, date))
            for source, model in SOURCES.items()
            if source.newest
        }
        for name in batch.portfolios:
            frames = _of_portfolio(name, date, read | newest)
            registered = batch.registry[batch.registry["portfolio"] == name].iloc[0]
            ledger = lots[lots["portfolio"] == name]
            report = build(
                date,
                registered,
                version("sigmasight"),
                before.get(name),
                compared=compared,
                ledger=ledger,
                frames=frames,
            )
            row = as_row(report)
            before[name] = json.loads(str(row["document"]))
            rows.append({"date": date, "portfolio": name, **row})
    return pd.DataFrame(rows, columns=list(PortfolioReports.to_schema().columns))


def _split(model: type[Table], rows: pd.DataFrame) -> Callable[[str], pd.DataFrame]:
    """The rows of a portfolio, by its name; of a table by date alone all rows."""
    if grain(model) is not Grain.DATE_PORTFOLIO:
        return lambda _: rows
    pieces = dict(list(rows.groupby("portfolio", sort=False)))
    return lambda name: pieces.get(name, rows.iloc[:0])


def _of_portfolio(
    name: str, date: pd.Timestamp, read: Mapping[Source, Callable[[str], pd.DataFrame]]
) -> Frames:
    """The rows of a portfolio up to the date, those by date alone of what it holds."""
    found: dict[type[Table], pd.DataFrame] = {}
    for source, model in SOURCES.items():
        rows = read[source](name)
        last = rows["date"] <= date
        first = source.newest | (rows["date"] >= calendar.shift_sessions(date, 1 - source.sessions))
        found[model] = rows[last & first]
    held = set(found[PositionValues]["underlying"])
    for source, model in SOURCES.items():
        if source.symbol:
            found[model] = found[model][found[model][source.symbol].isin(held)]
    return found
