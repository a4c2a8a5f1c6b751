"""American prices a second; what exercise costs in risk, stress and reverse stress of 21 x 20 x 30 positions.

Plain holds the same options on an index, which are European; every portfolio holds the same five contracts.
The ratio is plain over ours: 0.9 is 10% slower.
"""

import time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import compare, rates
from sigmasight_core.factors.config import DEFAULT_KINDS
from sigmasight_core.options.american.pricing import american_price
from sigmasight_core.options.black_scholes import black_scholes_merton, option_price
from sigmasight_core.reverse_stress.reverse_stress import reverse_stress
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.historical_simulation import simulated_risk
from sigmasight_core.risk.portfolio_backtest import var_backtests
from sigmasight_core.stress.scenarios import default_scenarios
from sigmasight_core.stress.stress import stress

N_DATES, N_PORTFOLIOS, N_SYMBOLS, N_SESSIONS = 21, 20, 25, 1_400
N_PRICES = 30_000
RATE, YIELD = 0.03, 0.012
FACTORS = tuple(DEFAULT_KINDS)
CONTRACTS = (
    (0, 1.0, 200, True),
    (1, 0.9, 180, False),
    (2, 1.1, 330, True),
    (3, 1.1, 330, False),
    (4, 1.0, 120, True),
)
"""Underlying, strike over spot, calendar days, call."""


def main() -> None:
    _prices_a_second()
    rng = np.random.default_rng(5)
    sessions = pd.bdate_range("2014-01-01", periods=N_SESSIONS, name="date").as_unit("ns")
    names = pd.Index([f"S{number:02d}" for number in range(N_SYMBOLS)], dtype="str")
    size = (N_SESSIONS, N_SYMBOLS)
    noise = 0.006 * rng.standard_t(5, (N_SESSIONS, 1)) + 0.009 * rng.standard_t(4, size)
    moves = pd.DataFrame(noise, index=sessions, columns=names)
    rows = holdings(moves, rng)
    works = [_Work(rows, moves, root) for root in ("SPX", "")]
    for name in ("value_at_risk", "backtest", "stress", "reverse_stress"):
        plain, ours = (getattr(work, name) for work in works)
        compare(f"{name.replace('_', ' ')}, American options", plain, ours, "")


def _prices_a_second() -> None:
    """Of CPU time; plain is the European formula on the same contracts."""
    rng = np.random.default_rng(3)
    spot, calls = rng.uniform(50, 400, N_PRICES), rng.random(N_PRICES) < 0.5
    strike, years = spot * rng.uniform(0.7, 1.3, N_PRICES), rng.integers(5, 730, N_PRICES) / 365
    terms = [rng.uniform(*ends, N_PRICES) for ends in ((0.001, 0.06), (0.001, 0.05), (0.12, 0.9))]
    found: tuple[list[float], list[float]] = [], []
    for _ in range(3):
        for price, speeds in zip((option_price, american_price), found, strict=True):
            begun = time.process_time()
            price(spot, strike, years, *terms, calls)
            speeds.append(N_PRICES / (time.process_time() - begun))
    rates("American prices a second and core", *found, ">= 30,000")


def holdings(moves: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Columns of position_values, position_greeks and the ledger."""
    dates = moves.index[-N_DATES:]
    spots = (100 * np.exp(moves.iloc[-N_DATES:].cumsum())).to_numpy()
    parts = []
    for number in range(N_PORTFOLIOS):
        shared = {"date": dates, "portfolio": f"p{number:03d}"}
        for symbol, spot in zip(moves.columns, spots.T, strict=True):
            quantity = 100.0 * rng.choice([-2, -1, 1, 2, 3])
            exposure = quantity * spot
            kind = "LONG" if quantity > 0 else "SHORT"
            linear = {"symbol": symbol, "underlying": symbol, "position_type": kind, "multiplier": 1}
            value = {"quantity": quantity, "exposure": exposure, "delta_exposure": exposure}
            parts.append(pd.DataFrame(shared | linear | value | {"underlying_price": spot}))
        for underlying, moneyness, expiry, is_call in CONTRACTS:
            spot, strike, sigma = spots[:, underlying], 100 * moneyness, 0.25 + 0.05 * underlying
            days = expiry + np.arange(N_DATES)[::-1]
            model = black_scholes_merton(spot, strike, days / 365, RATE, YIELD, sigma, is_call)
            quantity, letter = float(rng.choice([-2, -1, 1, 2, 3])), "C" if is_call else "P"
            option = {
                "symbol": f"{moves.columns[underlying]}230120{letter}{int(1_000 * strike):08d}",
                "underlying": moves.columns[underlying],
                "position_type": ("L" if quantity > 0 else "S") + letter,
                "multiplier": 100,
                "quantity": quantity,
                "exposure": 100 * quantity * model.price,
                "delta_exposure": 100 * quantity * model.delta * spot,
                "underlying_price": spot,
                "strike": strike,
                "days_to_expiry": days,
                "implied_volatility": sigma,
                "risk_free_rate": RATE,
                "dividend_yield": YIELD,
            }
            parts.append(pd.DataFrame(shared | option))
    rows = pd.concat(parts, ignore_index=True)
    texts = dict.fromkeys(("portfolio", "symbol", "underlying", "position_type"), "str")
    rows = rows.assign(position_id=rows["symbol"], status="ok").astype(texts | {"days_to_expiry": "Int64"})
    return rows.sort_values(["date", "portfolio", "position_id"], ignore_index=True)


class _Work:
    """The calculations on holdings whose options have this root; '' keeps their own, which are American."""

    def __init__(self, rows: pd.DataFrame, moves: pd.DataFrame, root: str) -> None:
        if root:
            options = rows["multiplier"] == 100
            rows = rows.assign(symbol=rows["symbol"].mask(options, root + rows["symbol"].str[3:]))
        self._keys = rows[["date", "portfolio"]].drop_duplicates()
        self._book = RiskBook.of(self._keys, rows, rows)
        self._panel = ReturnPanel.of(moves, self._book.symbols)
        dates = pd.DatetimeIndex(rows["date"].unique())
        self._inputs: dict[str, Any] = {
            "position_values": rows,
            "position_greeks": rows.drop(columns=["symbol", "quantity", "exposure"]),
            "positions": rows.drop_duplicates(["portfolio", "position_id"]),
            "partitions": self._keys,
        }
        self._inputs |= _factor_rows(dates, moves.columns)

    def value_at_risk(self) -> None:
        simulated_risk(self._book, self._panel)

    def backtest(self) -> None:
        var_backtests(self._book, self._panel)

    def stress(self) -> None:
        stress(default_scenarios(FACTORS), **self._inputs)

    def reverse_stress(self) -> None:
        reverse_stress(total_values=self._keys.assign(total_value=200_000.0), **self._inputs)


def _factor_rows(dates: pd.DatetimeIndex, symbols: pd.Index) -> dict[str, pd.DataFrame]:
    """Rows of factor_betas, factor_state and factor_covariance, the same on every date."""
    size, count = len(FACTORS), len(dates)
    betas = np.random.default_rng(7).normal(0.2, 0.4, (len(symbols), size)) + np.eye(1, size)
    first, second = np.divmod(np.arange(size**2), size)
    scale = np.where(np.array(list(DEFAULT_KINDS.values())) == "rates", 0.06, 0.006)
    covariance = np.where(first == second, 1.0, 0.2) * scale[first] * scale[second]
    return {
        "betas": pd.DataFrame(
            {
                "date": np.repeat(dates, betas.size),
                "symbol": np.tile(np.repeat(symbols, size), count),
                "factor": np.tile(FACTORS, len(symbols) * count),
                "beta": np.tile(betas.ravel(), count),
                "status": "ok",
            }
        ),
        "factor_state": pd.DataFrame(
            {
                "date": np.repeat(dates, size),
                "factor": np.tile(FACTORS, count),
                "market_loading": 0.9,
                "rates_loading": 0.0,
            }
        ),
        "factor_covariance": pd.DataFrame(
            {
                "date": np.repeat(dates, size**2),
                "factor_1": np.tile(np.take(FACTORS, first), count),
                "factor_2": np.tile(np.take(FACTORS, second), count),
                "covariance": np.tile(covariance, count),
            }
        ),
    }
