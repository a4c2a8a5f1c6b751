"""Write the three example portfolios; every entry price is derived from the sample market data.

Stocks and ETFs enter at the sample's adjusted close of the entry date, options at their
Black-Scholes-Merton price from the underlying's EWMA volatility of that date and the default rate and
dividend yield of the settings: as the system itself prices them. Run it with ``python build.py``.
"""

import csv
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.market.returns import log_returns, realized_volatility, to_wide
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.options.occ import format_occ
from sigmasight_dagster.providers.sample import SampleProvider
from sigmasight_dagster.settings import Settings

HEADER = ("ticker", "quantity", "entry_price", "entry_date", "tags")


@dataclass(frozen=True)
class Holding:
    """Shares of one symbol; negative = short."""

    symbol: str
    quantity: int
    entry_date: str
    tags: str


@dataclass(frozen=True)
class Option:
    """Contracts on one underlying; negative = short. The strike is at about `moneyness` x spot."""

    underlying: str
    letter: str
    expiry: str
    moneyness: float
    quantity: int
    entry_date: str
    tags: str = "options_overlay"


INDIVIDUAL = (
    Holding("AAPL", 150, "2021-11-15", "core_holdings,tech_growth"),
    Holding("MSFT", 80, "2021-11-15", "core_holdings,tech_growth"),
    Holding("AMD", 120, "2022-01-18", "tech_growth"),
    Holding("UNH", 50, "2021-12-01", "core_holdings"),
    Holding("HD", 60, "2022-02-22", "core_holdings"),
    Holding("JNJ", 120, "2021-06-15", "dividend_income"),
    Holding("JPM", 130, "2022-03-15", "dividend_income"),
    Holding("KO", 300, "2021-06-15", "dividend_income"),
    Holding("PG", 130, "2021-07-15", "dividend_income"),
    Holding("PEP", 110, "2021-07-15", "dividend_income"),
    Holding("XOM", 250, "2022-01-18", "dividend_income"),
    Holding("QUAL", 350, "2021-03-15", "core_holdings"),
    Holding("USMV", 550, "2021-03-15", "core_holdings"),
    Holding("MTUM", 200, "2021-03-15", "core_holdings"),
    Holding("SIZE", 220, "2022-06-15", "core_holdings"),
    Holding("VLUE", 250, "2022-06-15", "core_holdings"),
)

HIGH_NET_WORTH = (
    Holding("QUAL", 2000, "2021-02-16", "blue_chip"),
    Holding("MTUM", 1500, "2021-02-16", "blue_chip"),
    Holding("AAPL", 1200, "2021-03-15", "blue_chip"),
    Holding("MSFT", 700, "2021-03-15", "blue_chip"),
    Holding("UNH", 350, "2021-04-15", "blue_chip"),
    Holding("JPM", 1200, "2021-04-15", "blue_chip"),
    Holding("JNJ", 1000, "2021-05-17", "blue_chip"),
    Holding("PG", 1100, "2021-05-17", "blue_chip"),
    Holding("HD", 500, "2021-09-15", "blue_chip"),
    Holding("XOM", 1500, "2022-01-18", "blue_chip"),
    Holding("CVX", 800, "2022-01-18", "blue_chip"),
    Holding("LLY", 500, "2022-02-22", "blue_chip"),
    Holding("MRK", 1500, "2022-02-22", "blue_chip"),
    Holding("WMT", 900, "2022-05-25", "blue_chip"),
    Holding("PEP", 800, "2022-06-15", "blue_chip"),
    Holding("USMV", 3000, "2022-04-18", "alternative_assets,risk_hedge"),
    Holding("RRC", 3000, "2022-04-18", "alternative_assets,risk_hedge"),
)

HEDGE_FUND = (
    Holding("AAPL", 1800, "2022-01-05", "long_momentum"),
    Holding("MSFT", 1000, "2022-01-05", "long_momentum"),
    Holding("UNH", 550, "2022-01-10", "long_momentum"),
    Holding("LLY", 900, "2022-01-10", "long_momentum"),
    Holding("XOM", 3000, "2022-01-12", "long_momentum"),
    Holding("CVX", 1700, "2022-01-12", "long_momentum"),
    Holding("MRK", 3000, "2022-02-01", "long_momentum"),
    Holding("HD", 800, "2022-02-01", "long_momentum"),
    Holding("JNJ", 1500, "2022-03-01", "long_momentum"),
    Holding("PEP", 1500, "2022-03-01", "long_momentum"),
    Holding("KO", 4200, "2022-03-15", "long_momentum"),
    Holding("MTUM", 1700, "2022-04-04", "long_momentum"),
    Holding("QUAL", 2000, "2022-04-04", "long_momentum"),
    Holding("AMD", -800, "2022-01-25", "short_value_traps"),
    Holding("GE", -1300, "2022-01-25", "short_value_traps"),
    Holding("BAC", -2400, "2022-02-10", "short_value_traps"),
    Holding("BBY", -1000, "2022-02-10", "short_value_traps"),
    Holding("PFE", -1800, "2022-03-08", "short_value_traps"),
    Holding("RRC", -2200, "2022-06-06", "short_value_traps"),
    Holding("VLUE", -900, "2022-06-06", "short_value_traps"),
    Holding("SIZE", -800, "2022-07-11", "short_value_traps"),
    Holding("WMT", -700, "2022-07-11", "short_value_traps"),
    Option("MSFT", "C", "2023-01-20", 1.10, 15, "2022-08-15"),
    Option("XOM", "C", "2022-12-16", 1.10, 20, "2022-08-15"),
    Option("BAC", "P", "2022-12-16", 0.95, 40, "2022-08-22"),
    Option("BBY", "P", "2023-03-17", 0.95, 15, "2022-08-22"),
    Option("AAPL", "C", "2022-11-18", 1.10, -15, "2022-09-12"),
    Option("UNH", "C", "2023-01-20", 1.10, -5, "2022-09-12"),
    Option("JPM", "P", "2022-10-21", 0.90, -10, "2022-09-15"),
    Option("JNJ", "P", "2023-06-16", 0.95, -10, "2022-09-15"),
)

PORTFOLIOS = {"individual": INDIVIDUAL, "high_net_worth": HIGH_NET_WORTH, "hedge_fund": HEDGE_FUND}


class Pricer:
    """Prices of the sample at the close of a date."""

    @cached_property
    def _closes(self) -> pd.DataFrame:
        provider = SampleProvider()
        rows = provider.daily_prices(None, provider.first_date(), provider.last_date())
        return to_wide(rows, pd.DatetimeIndex(rows["date"].unique()))

    @cached_property
    def _log_returns(self) -> pd.DataFrame:
        return log_returns(self._closes)

    def row(self, position: Holding | Option) -> tuple[str, int, str, str, str]:
        """One row of the CSV file: ticker, quantity, entry price, entry date, tags."""
        ticker, price = self._stock(position) if isinstance(position, Holding) else self._option(position)
        return ticker, position.quantity, f"{price:.2f}", position.entry_date, position.tags

    def _stock(self, holding: Holding) -> tuple[str, float]:
        return holding.symbol, float(self._closes[holding.symbol].loc[pd.Timestamp(holding.entry_date)])

    def _option(self, option: Option) -> tuple[str, float]:
        date, expiry = pd.Timestamp(option.entry_date), pd.Timestamp(option.expiry)
        spot = float(self._closes[option.underlying].loc[date])
        step = 5 if spot >= 50 else 1
        strike, is_call = round(spot * option.moneyness / step) * step, option.letter == "C"
        volatility = realized_volatility(self._log_returns[[option.underlying]], pd.DatetimeIndex([date]))
        price = option_price(
            spot,
            strike,
            (expiry - date).days / DAYS_PER_YEAR,
            Settings.model_fields["risk_free_rate"].default,
            Settings.model_fields["dividend_yield"].default,
            volatility["annualized_volatility"].iloc[0],
            is_call,
        )
        return str(format_occ(option.underlying, expiry, is_call, strike)), float(price)


def build(target: Path) -> None:
    """Write one CSV file per portfolio into the directory `target`."""
    pricer = Pricer()
    for name, positions in PORTFOLIOS.items():
        with (target / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(pricer.row(position) for position in positions)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
