"""Small ledgers and markets for the tests of valuation, Greeks, aggregation and snapshots."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.calendar import sessions
from sigmasight_core.options.market import OptionTables
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.positions.greeks import position_greeks
from sigmasight_core.positions.settlement import settled_pnl, settlement_price_dates
from sigmasight_core.positions.snapshot import portfolio_snapshots
from sigmasight_core.positions.valuation import position_values
from sigmasight_core.tables import (
    CorporateActions,
    DividendYields,
    OptionVolatilities,
    PortfolioSnapshots,
    PositionGreeks,
    Positions,
    PositionValues,
    Table,
    TreasuryYields,
    validate,
)

RATE, YIELD, MAX_AGE = 0.03, 0.01, 7
PARAMETERS = OptionParameters(RATE, "setting", {}, YIELD, "setting")
NAN = float("nan")


def typed(model: type[Table], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of a table, validated; an empty frame keeps the model's columns."""
    return validate(model, pd.DataFrame(list(rows), columns=list(model.to_schema().columns)))


@cache
def none_of(model: type[Table]) -> pd.DataFrame:
    """No rows of a table: made once, as thousands of worlds have none."""
    return typed(model, [])


@cache
def option_of(symbol: str) -> "pd.Series[Any]":
    """The parts of an OCC symbol; missing for other symbols."""
    return parse_occ(pd.Series([symbol])).iloc[0]


def position(symbol: str, quantity: float, entry_price: float, entry: str, **other: Any) -> dict[str, Any]:
    """One ledger row; `exit=(date, price)`, `portfolio` and `tags` are optional."""
    option = option_of(symbol)
    is_option = pd.notna(option["compact"])
    side = "L" if quantity > 0 else "S"
    linear = "LONG" if quantity > 0 else "SHORT"
    exit_date, exit_price = other.get("exit", (pd.NaT, NAN))
    return {
        "portfolio": other.get("portfolio", "book"),
        "position_id": f"{symbol}@{entry}",
        "symbol": symbol,
        "underlying": option["root"] if is_option else symbol,
        "position_type": side + ("C" if option["is_call"] else "P") if is_option else linear,
        "quantity": float(quantity),
        "multiplier": 100 if is_option else 1,
        "entry_price": entry_price,
        "entry_date": pd.Timestamp(entry),
        "exit_price": exit_price,
        "exit_date": pd.Timestamp(exit_date),
        "expiry_date": option["expiry_date"] if is_option else pd.NaT,
        "strike": option["strike"] if is_option else NAN,
        "tags": other.get("tags", ""),
        "notes": other.get("notes"),
    }


def ledger(*rows: dict[str, Any]) -> pd.DataFrame:
    return typed(Positions, rows)


def splits(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Corporate actions from (ex-date, symbol, ratio)."""
    fixed = {"kind": "split", "source": "test"}
    return typed(
        CorporateActions,
        [
            {
                "date": day,
                "symbol": symbol,
                "amount": ratio,
                "status": "ok" if ratio == ratio else "?",
                **fixed,
            }
            for day, symbol, ratio in rows
        ],
    )


class World:
    """Prices by symbol from a first session on (NaN = no row), volatilities, splits, and what follows."""

    def __init__(
        self,
        positions: pd.DataFrame,
        closes: Mapping[str, Sequence[float]],
        start: str,
        actions: pd.DataFrame | None = None,
        volatility: float = 0.3,
    ) -> None:
        count = len(next(iter(closes.values())))
        self.sessions = sessions(start, pd.Timestamp(start) + pd.Timedelta(days=2 * count + 20))[:count]
        self.positions = positions
        wide = pd.DataFrame({name: list(values) for name, values in closes.items()}, index=self.sessions)
        long = (
            wide.rename_axis("date")
            .reset_index()
            .melt("date", var_name="symbol", value_name="close")
            .dropna()
        )
        self.prices = (
            long.assign(price_date=pd.Timestamp("NaT"), source="test")
            .reset_index(drop=True)
            .astype({"symbol": "str", "source": "str"})
        )
        self.volatilities = self.prices[["date", "symbol"]].assign(annualized_volatility=volatility)
        self.quoted, self.yields = none_of(OptionVolatilities), none_of(TreasuryYields)
        self.parameters = PARAMETERS
        self.dividends = none_of(DividendYields)
        self.actions = none_of(CorporateActions) if actions is None else actions
        self.securities = self.prices[["date", "symbol"]].assign(sector=self.prices["symbol"] + " sector")
        self.portfolios = pd.DataFrame({"portfolio": ["book"], "cash": [0.0], "source": ["test.csv"]})

    @property
    def option_tables(self) -> OptionTables:
        return OptionTables(self.volatilities, self.quoted, self.yields, self.dividends)

    def at(self, *numbers: int) -> pd.DatetimeIndex:
        return self.sessions[list(numbers)]

    def values(self, dates: pd.DatetimeIndex | None = None) -> pd.DataFrame:
        return validate(
            PositionValues,
            position_values(
                dates=self.sessions[1:] if dates is None else dates,
                sessions=self.sessions,
                positions=self.positions,
                prices=self.prices,
                option_tables=self.option_tables,
                corporate_actions=self.actions,
                securities=self.securities,
                parameters=self.parameters,
                max_price_age_days=MAX_AGE,
            ),
        )

    def greeks(self, values: pd.DataFrame | None = None) -> pd.DataFrame:
        rows = self.values() if values is None else values
        return validate(
            PositionGreeks,
            position_greeks(
                position_values=rows,
                positions=self.positions,
                prices=self.prices,
                option_tables=self.option_tables,
                corporate_actions=self.actions,
                parameters=self.parameters,
                max_price_age_days=MAX_AGE,
            ),
        )

    def settled(self, until: pd.Timestamp | None = None) -> pd.DataFrame:
        last = self.sessions[-1] if until is None else until
        needed = settlement_price_dates(self.positions, last, MAX_AGE)
        prices = self.prices[self.prices["date"].isin(needed)]
        return settled_pnl(
            positions=self.positions,
            prices=prices,
            corporate_actions=self.actions,
            until=last,
            max_price_age_days=MAX_AGE,
        )

    def snapshots(self, dates: pd.DatetimeIndex | None = None) -> pd.DataFrame:
        asked = self.sessions[1:] if dates is None else dates
        values = self.values(asked)
        greeks = self.greeks(values)
        return validate(
            PortfolioSnapshots,
            portfolio_snapshots(
                dates=asked,
                portfolio_cash=cash_rows(self.portfolios, asked),
                positions=self.positions,
                position_values=values,
                position_greeks=greeks,
                settled_pnl=self.settled(),
            ),
        )


def cash_rows(portfolios: pd.DataFrame, dates: pd.DatetimeIndex, **flows: float) -> pd.DataFrame:
    """An account in which nothing but `flows` moves: the same `cash` of each portfolio on every date."""
    rows = portfolios[["portfolio", "cash"]].rename(columns={"cash": "closing"})
    rows = pd.DataFrame({"date": dates}).merge(rows, how="cross")
    nothing = dict.fromkeys(("dividends", "interest", "fees", "income_to_date", "external_flow"), 0.0)
    return rows.assign(**{**nothing, **flows}, status="ok")


def row(frame: pd.DataFrame, date: pd.Timestamp, position_id: str | None = None) -> pd.Series:
    """The one row of a date (and position)."""
    chosen = frame[
        (frame["date"] == date) & (True if position_id is None else frame["position_id"] == position_id)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def black_price(spot: float, strike: float, days: float, volatility: float, is_call: bool) -> float:
    """European option by QuantLib's Black calculator, at the tests' rate and dividend yield."""
    import QuantLib as ql

    years = days / 365
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    forward = spot * np.exp((RATE - YIELD) * years)
    return ql.BlackCalculator(payoff, forward, volatility * np.sqrt(years), np.exp(-RATE * years)).value()
