"""Provider `sample`: 26 real series of 2014-2022 that come with the package (see sample_data/README.md)."""

import datetime as dt
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_core.calendar import sessions
from sigmasight_dagster.providers.base import (
    YIELD_SERIES,
    YieldColumn,
    action_rows,
    merge_proxies,
    no_option_quotes,
    security_rows,
    treasury_rows,
)
from sigmasight_dagster.providers.rows.panel import PricePanel

DATA = Path(__file__).with_name("sample_data")
SOURCE = "sample: skfolio data set, adjusted closes only, close = adjusted_close"
PROXIES: Mapping[str, str | None] = {
    "market": "SP500",
    "value": "VLUE",
    "growth": None,
    "momentum": "MTUM",
    "quality": "QUAL",
    "size": "SIZE",
    "low_volatility": "USMV",
    "rates": None,
}


class SampleProvider:
    """Adjusted closes of 20 US large caps, 5 factor ETFs and the S&P 500, 2014-01-02 to 2022-12-28.

    Nothing else exists here: no closes as traded, splits, dividends, volumes or Treasury yields.
    """

    name: str = "sample"

    def __init__(self, proxies: Mapping[str, str] | None = None) -> None:
        """:param proxies: symbols by factor, instead of PROXIES."""
        self._proxies = proxies or {}

    @cached_property
    def _panel(self) -> PricePanel:
        frame = pd.read_parquet(DATA / "prices.parquet")
        symbols = frame.columns.drop("date").to_numpy(object)
        closes = frame[list(symbols)].to_numpy(float)
        return PricePanel(
            dates=pd.DatetimeIndex(frame["date"].to_numpy("datetime64[ns]")),
            symbols=symbols,
            fields={"close": closes, "adjusted_close": closes},
            sources=np.full(len(symbols), SOURCE, object),
        )

    @cached_property
    def _securities(self) -> pd.DataFrame:
        known = pd.read_csv(DATA / "securities.csv", dtype="str", keep_default_na=False)
        return known.assign(source="sample: securities.csv")

    def symbols(self) -> frozenset[str]:
        """The 26 symbols."""
        return frozenset(self._panel.symbols)

    def first_date(self) -> dt.date:
        """2014-01-02."""
        return self._panel.dates[0].date()

    def last_date(self) -> dt.date:
        """2022-12-28."""
        return self._panel.dates[-1].date()

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``; open, high, low and volume are NULL, and the status says so."""
        return self._panel.rows(symbols, start, end)

    def corporate_actions(
        self,
        symbols: Collection[str] | None,  # noqa: ARG002 (fixed by the protocol)
        start: dt.date,  # noqa: ARG002
        end: dt.date,  # noqa: ARG002
    ) -> pd.DataFrame:
        """No rows: the closes are adjusted for every split and dividend already."""
        nothing = np.array([])
        return action_rows(nothing, nothing, nothing, SOURCE)

    def actions_known_from(
        self,
        symbols: Collection[str],  # noqa: ARG002 (fixed by the protocol)
    ) -> Mapping[str, dt.date]:
        """None: closes, and so shares, are of today from whenever on."""
        return {}

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.TreasuryYields``, all NULL and unavailable."""
        days = sessions(start, end)
        column = YieldColumn.unavailable(len(days), self.name, "sample has no Treasury yields")
        return treasury_rows(days, dict.fromkeys(YIELD_SERIES, column))

    def option_quotes(
        self,
        contracts: Collection[str],  # noqa: ARG002 (fixed by the protocol)
        start: dt.date,  # noqa: ARG002
        end: dt.date,  # noqa: ARG002
    ) -> pd.DataFrame:
        """No rows: there are no option prices here."""
        return no_option_quotes()

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS; one row per symbol asked for."""
        return security_rows(self._securities, symbols, "sample: unknown symbol")

    def factor_proxies(self) -> Mapping[str, str | None]:
        """Symbol that stands for each factor; growth and rates do not exist here."""
        return merge_proxies(PROXIES, self._proxies, self.symbols())
