"""Provider `simulated`: a seeded market of any symbols with known betas (`simulated_market` of the core)."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded
from sigmasight_core.calendar import sessions
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.simulated.bars import bars
from sigmasight_core.simulated.catalogue import PROXIES
from sigmasight_core.simulated.factors import FIRST_SESSION
from sigmasight_core.simulated.market import simulated_market
from sigmasight_core.simulated.options import option_quotes
from sigmasight_dagster.providers.base import (
    OPTION_QUOTE_COLUMNS,
    YIELD_SERIES,
    YieldColumn,
    action_rows,
    merge_proxies,
    no_option_quotes,
    security_rows,
    treasury_rows,
)
from sigmasight_dagster.providers.rows.panel import missing_status

BEFORE: Final = f"the simulated market begins on {FIRST_SESSION.date()}"
CURRENCY, COUNTRY = "USD", "United States"


class SimulatedProvider:
    """Made-up prices of any symbol from 2014-01-02 on; every row's source says that it is simulated."""

    name: str = "simulated"

    def __init__(self, seed: int, proxies: Mapping[str, str] | None = None) -> None:
        """:param proxies: symbols by factor, instead of those of the simulated market."""
        self._market = simulated_market(seed)
        self._proxies = proxies or {}
        self._source = f"simulated, seed {seed}"

    def symbols(self) -> None:
        """None: any symbol may be asked for."""

    def first_date(self) -> dt.date:
        """2014-01-02."""
        return FIRST_SESSION.date()

    def last_date(self) -> None:
        """None: there are prices of every session of the calendar."""

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``: from each symbol's first close on, NULLs where it has a gap.

        :raises InputError: without symbols.
        """
        names = self._named(symbols)
        made = bars(self._market, names, pd.Timestamp(start), pd.Timestamp(end))
        at = made.listed.nonzero()
        values = {field: array[at] for field, array in made.fields.items()}
        frame = pd.DataFrame({"date": made.sessions[at[0]], "symbol": coded(names, at[1]), **values})
        frame["price_date"] = pd.NaT
        frame["source"] = coded([self._source], np.zeros(len(frame), dtype=np.intp))
        frame["status"] = missing_status(frame)
        return frame

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions``.

        :raises InputError: without symbols.
        """
        found = self._market.actions(self._named(symbols), pd.Timestamp(start), pd.Timestamp(end))
        symbol, ex_date, amount, kind = (
            found[name].to_numpy() for name in ("symbol", "date", "amount", "kind")
        )
        return action_rows(symbol, ex_date, amount, self._source, kind)

    def actions_known_from(
        self,
        symbols: Collection[str],  # noqa: ARG002 (fixed by the protocol)
    ) -> Mapping[str, dt.date]:
        """None: there is nothing before the simulated market begins."""
        return {}

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.TreasuryYields``; NULL with the reason before 2014-01-02."""
        days = sessions(start, end)
        factors = self._market.factors
        at = factors.sessions.get_indexer(days)
        status = np.where(at < 0, f"unavailable: {BEFORE}", OK).astype(object)
        columns = {
            series: YieldColumn(np.where(at < 0, np.nan, factors.yields[series][at]), self._source, status)
            for series in YIELD_SERIES
        }
        return treasury_rows(days, columns)

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.OptionQuotes`` of the contracts and two strikes on either side of each."""
        if not contracts:
            return no_option_quotes()
        quotes = option_quotes(self._market, sorted(contracts), pd.Timestamp(start), pd.Timestamp(end))
        return quotes.assign(source=self._source).astype({"source": "str"})[list(OPTION_QUOTE_COLUMNS)]

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS; one row per symbol asked for.

        :raises InputError: without symbols.
        """
        names = self._named(symbols)
        made = self._market.parameters(names)
        columns = ("name", "security_type", "sector", "industry", "exchange")
        frame = pd.DataFrame(
            {
                "symbol": names,
                **{column: [getattr(item, column) for item in made.securities] for column in columns},
                "market_cap": made.market_cap,
            }
        )
        frame = frame.assign(currency=CURRENCY, country=COUNTRY, source=self._source)
        return security_rows(frame, names, self._source)

    def factor_proxies(self) -> Mapping[str, str | None]:
        """Symbol that stands for each factor, the 10-year yield for rates."""
        return merge_proxies({**PROXIES, "rates": "10Y"}, self._proxies, None)

    def _named(self, symbols: Collection[str] | None) -> list[str]:
        if symbols is None:
            raise InputError("the simulated market has any symbol: name those that you want")
        return sorted(set(symbols))
