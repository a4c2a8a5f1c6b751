"""The tools: each reads what is stored, for portfolios that the caller may see."""

import json
from typing import Annotated, Final, Literal

from anyio import CapacityLimiter, to_thread
from pydantic import Field

from sigmasight_core.errors import InputError
from sigmasight_dagster.agents.callers import visible
from sigmasight_dagster.agents.explained import explained
from sigmasight_dagster.agents.hypothetical import computed
from sigmasight_dagster.agents.meaning import found_source
from sigmasight_dagster.agents.models import (
    Availability,
    Hypothetical,
    Number,
    Pairs,
    Portfolio,
    Portfolios,
    Rows,
    Sections,
    Trade,
)
from sigmasight_dagster.agents.pairs import pairs
from sigmasight_dagster.agents.reading import (
    EVERY_ROW,
    MOST_ROWS,
    NothingPublished,
    Question,
    day,
    fetched,
    read,
)
from sigmasight_dagster.agents.services import Services
from sigmasight_dagster.warehouse.answers import portfolio as of
from sigmasight_dagster.warehouse.answers.ask import Ask
from sigmasight_dagster.warehouse.answers.report import AVAILABILITY, current_document
from sigmasight_dagster.warehouse.answers.source import Source

_PLAIN: Final = r"^[^\x00]*$"
"""Without NUL, which PostgreSQL cannot store."""
Text = Annotated[str, Field(max_length=200, pattern=_PLAIN)]
Name = Annotated[Text, Field(description="A portfolio's name, from the tool portfolios")]
Date = Annotated[
    Text | None,
    Field(description="Trading date YYYY-MM-DD; default: the newest", json_schema_extra={"format": "date"}),
]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Most rows")]
Texts = Annotated[tuple[Text, ...], Field(max_length=100)]

_COMPARED: Final = (of.OVERVIEW, of.EXPOSURES, of.RISK, of.SCENARIOS)
_EXPOSURES: Final = {
    "factors": of.EXPOSURES,
    "positions": of.POSITION_EXPOSURES,
    "rates": of.RATE_EXPOSURES,
    "groups": of.GROUPS,
    "sides": of.SIDES,
}
MOST_NUMBERS: Final = 400


class Tools:
    """Its public methods are the tools; their docstrings are what an agent reads of them."""

    def __init__(self, use: Services) -> None:
        self._use = use
        self._one_at_a_time = CapacityLimiter(1)

    async def portfolios(self) -> Portfolios:
        """List the portfolios that you may see, each with its newest date that has results. Begin here."""
        names = await self._use.callers.portfolios()
        newest = [await self._use.answers.newest(of.OVERVIEW, Ask(1, name)) for name in names]
        found = [
            Portfolio(portfolio=name, newest_date=date) for name, date in zip(names, newest, strict=True)
        ]
        return Portfolios(portfolios=found)

    async def summary(self, portfolio: Name, date: Date = None) -> Sections:
        """Value, P&L, exposures, market beta with its error, risk, returns by period, worst scenario."""
        wanted = {"overview": of.OVERVIEW, "risk": of.RISK, "returns": of.PERFORMANCE}
        return await self._sections(wanted, Question(await self._seen(portfolio), day(date)))

    async def positions(
        self,
        portfolio: Name,
        date: Date = None,
        symbols: Annotated[Texts, Field(description="Only these symbols; [] = every one")] = (),
        columns: Annotated[Texts, Field(description="Only these columns; [] = every one")] = (),
        limit: Limit = 50,
    ) -> Rows:
        """Each position: quantity, price, value, P&L, Greeks, share of the value at risk, worst scenario."""
        asked = Question(
            await self._seen(portfolio),
            day(date),
            filters={"symbol": symbols},
            columns=columns,
            limit=limit,
        )
        return await read(self._use.answers, of.POSITIONS, asked)

    async def exposures(
        self,
        portfolio: Name,
        by: Literal["factors", "positions", "rates", "groups", "sides"] = "factors",
        date: Date = None,
        limit: Limit = MOST_ROWS,
    ) -> Rows:
        """Exposures: betas and dollars by factor (with standard errors), by position and factor, to Treasury
        yields (rates), sums by sector, tag, asset class and underlying (groups), or long and short (sides).
        """
        asked = Question(await self._seen(portfolio), day(date), limit=limit)
        return await read(self._use.answers, _EXPOSURES[by], asked)

    async def stress(
        self,
        portfolio: Name,
        date: Date = None,
        scenarios: Annotated[Texts, Field(description="Scenario ids; [] = every one, worst first")] = (),
    ) -> Sections:
        """P&L of the stress scenarios with plausibility, worst first, and the likeliest moves that lose a
        given share (reverse). With scenarios: also their P&L by factor and by position.
        """
        asked = Question(await self._seen(portfolio), day(date), filters={"scenario": scenarios})
        wanted: dict[str, Source] = {"scenarios": of.SCENARIOS}
        if scenarios:
            return await self._sections(
                wanted | {"by_factor": of.SCENARIO_IMPACTS, "by_position": of.POSITION_STRESS}, asked
            )
        return await self._sections(wanted | {"reverse": of.REVERSE_STRESS}, Question(portfolio, asked.date))

    async def explain_pnl(
        self,
        portfolio: Name,
        date: Date = None,
        first_date: Annotated[Text | None, Field(description="A history from here on, not date")] = None,
        last_date: Annotated[Text | None, Field(description="A history up to here, not date")] = None,
        by: Literal["portfolio", "positions"] = "portfolio",
        limit: Limit = MOST_ROWS,
    ) -> Rows:
        """P&L of a day by cause (Greeks, factors, unexplained), or of each day of a history; by="positions":
        of each position.
        """
        if date and (first_date or last_date):
            raise InputError("date is one date, first_date and last_date a history: give one or the other")
        name, source = await self._seen(portfolio), of.PNL if by == "portfolio" else of.POSITION_PNL
        asked = Question(name, day(date), day(first_date), day(last_date), limit=limit)
        return await read(self._use.answers, source, asked)

    async def compare_dates(
        self,
        portfolio: Name,
        date_before: Annotated[Text, Field(description="Trading date YYYY-MM-DD")],
        date_after: Annotated[Text | None, Field(description="Default: the newest date")] = None,
        only_changed: bool = True,
    ) -> Pairs:
        """Value, P&L, factor exposures, risk and stress of a portfolio on two dates beside each other."""
        name = await self._seen(portfolio)
        before, after = day(date_before), day(date_after)
        sides = [
            [
                await fetched(self._use.answers, source, Question(name, date, limit=EVERY_ROW))
                for date in (before, after)
            ]
            for source in _COMPARED
        ]
        numbers = [
            one
            for source, (old, new) in zip(_COMPARED, sides, strict=True)
            for one in pairs(source, old[1], new[1])
        ]
        chosen = [one for one in numbers if not only_changed or one.before != one.after]
        return Pairs(
            portfolio=name,
            date_before=str(sides[0][0][0].last_date),
            date_after=str(sides[0][1][0].last_date),
            only_changed=only_changed,
            more=len(chosen) > MOST_NUMBERS,
            numbers=chosen[:MOST_NUMBERS],
        )

    async def what_if(
        self,
        portfolio: Name,
        trades: Annotated[list[Trade], Field(min_length=1, max_length=100)],
        date: Date = None,
        tables: Annotated[
            Texts, Field(description="Numbers of these tables, such as stress_results; [] = the main ones")
        ] = (),
    ) -> Hypothetical:
        """Value, exposures and risk of a portfolio without and with hypothetical trades at the close.
        Computed for this answer, stored nowhere; takes seconds.
        """
        name = await self._seen(portfolio)
        return await to_thread.run_sync(
            lambda: computed(self._use.platform, name, trades, date, tables),
            limiter=self._one_at_a_time,
            abandon_on_cancel=True,
        )

    async def data_availability(self, portfolio: Name, date: Date = None) -> Availability:
        """For each calculation of the stored report: what is there, partial or missing, and why."""
        name = await self._seen(portfolio)
        found = await current_document(self._use.pool, name, day(date), AVAILABILITY)
        return Availability(
            portfolio=name,
            as_of_date=found.date,
            published_at=found.published_at,
            calculations=json.loads(found.text),
        )

    async def explain_number(
        self,
        table: Annotated[Text, Field(description="Table or view, as an answer names it")],
        column: Text,
        portfolio: Annotated[Text, Field(description="'' for market data, which is of no portfolio")] = "",
        key: Annotated[
            dict[Text, Text] | None,
            Field(description='Which row, such as {"factor": "market"}; {} = every one', max_length=10),
        ] = None,
        date: Date = None,
    ) -> Number:
        """What a number means and how good it is: definition or formula, unit, the asset that computes it,
        the page with the method's sources, lineage, and the stored value with status and standard error.
        """
        source = found_source(table)
        name = await self._seen(portfolio) if source.scope == "portfolio" else ""
        asked = Question(name, day(date), limit=EVERY_ROW)
        return await explained(self._use.answers, source, column, key or {}, asked)

    async def _seen(self, portfolio: str) -> str:
        return await visible(self._use.callers, portfolio)

    async def _sections(self, wanted: dict[str, Source], asked: Question) -> Sections:
        sections, missing = {}, {}
        for name, source in wanted.items():
            try:
                sections[name] = await read(self._use.answers, source, asked)
            except NothingPublished as error:
                missing[name] = str(error)
        if not sections:
            raise NothingPublished(next(iter(missing.values())))
        return Sections(portfolio=asked.portfolio, sections=sections, missing=missing)
