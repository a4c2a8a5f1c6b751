"""Stress of 250,000 options under 18 scenarios by full revaluation against a mibian loop.

The loop makes one price for each option and scenario; ours makes the three P&L of each (direct, correlated,
spot-only), the second line with the rows of both tables.
"""

import mibian
import numpy as np
import pandas as pd

from benchmarks.measure import compare
from sigmasight_core.factors.config import DEFAULT_KINDS
from sigmasight_core.positions.held import partition_frame
from sigmasight_core.stress.book import held_book
from sigmasight_core.stress.scenarios import default_scenarios
from sigmasight_core.stress.states import stress_states
from sigmasight_core.stress.stress import position_pnl, stress

N_OPTIONS, N_SYMBOLS, N_SCENARIOS, N_PLAIN = 250_000, 500, 18, 300
DAY = pd.Timestamp("2022-10-03")
FACTORS = tuple(DEFAULT_KINDS)


def main() -> None:
    scenarios = default_scenarios(FACTORS)[:N_SCENARIOS]
    values, greeks, ledger, betas = book()
    partitions = greeks[["date", "portfolio"]].drop_duplicates()
    state, covariance = market()
    states = stress_states(
        scenarios, pd.DatetimeIndex([DAY]), factor_state=state, factor_covariance=covariance
    )
    held = held_book(
        partitions=partition_frame(partitions),
        states=states,
        position_values=values,
        position_greeks=greeks,
        positions=ledger,
        betas=betas,
    )
    terms = greeks[["underlying_price", "strike", "risk_free_rate", "days_to_expiry"]] * [1, 1, 100, 1]
    rows = terms.head(N_PLAIN).to_numpy().tolist()

    def plain() -> None:
        for row in rows:
            mibian.BS(row, volatility=30)

    def ours() -> None:
        position_pnl(held, states)

    def tables() -> None:
        stress(
            scenarios,
            position_values=values,
            position_greeks=greeks,
            positions=ledger,
            betas=betas,
            factor_state=state,
            factor_covariance=covariance,
            partitions=partitions,
        )

    scale = N_OPTIONS * N_SCENARIOS / N_PLAIN
    compare("stress of 250,000 options x 18, mibian loop", plain, ours, ">= 2,000", scale)
    compare("  with the rows of its tables", plain, tables, "", scale, repeats=1)


def book() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows of position_values, position_greeks, positions and factor_betas."""
    rng = np.random.default_rng(11)
    number = np.arange(N_OPTIONS)
    spot = rng.uniform(50, 400, N_SYMBOLS)[number % N_SYMBOLS]
    symbols = np.array([f"S{i:03d}" for i in range(N_SYMBOLS)])
    quantity = rng.choice([-5.0, -1.0, 2.0, 10.0], N_OPTIONS)
    is_call = rng.random(N_OPTIONS) < 0.5
    kinds = np.where(is_call, np.where(quantity > 0, "LC", "SC"), np.where(quantity > 0, "LP", "SP"))
    keys = {
        "date": DAY,
        "portfolio": [f"p{i:02d}" for i in number % 100],
        "position_id": [f"o{i:06d}" for i in number],
    }
    greeks = pd.DataFrame(
        {
            **keys,
            "underlying_price": spot,
            "strike": spot * rng.uniform(0.7, 1.3, N_OPTIONS),
            "days_to_expiry": rng.integers(1, 730, N_OPTIONS).astype(float),
            "implied_volatility": rng.uniform(0.1, 0.8, N_OPTIONS),
            "risk_free_rate": 0.04,
            "dividend_yield": 0.0,
            "delta_exposure": 1.0,
            "status": "ok",
        }
    )
    terms = {"symbol": keys["position_id"], "underlying": symbols[number % N_SYMBOLS], "position_type": kinds}
    held = pd.DataFrame({**keys, **terms, "quantity": quantity, "multiplier": 100.0})
    values = held.assign(exposure=1.0, status="ok")
    betas = pd.DataFrame(
        {
            "date": DAY,
            "symbol": np.repeat(symbols, len(FACTORS)),
            "factor": np.tile(FACTORS, N_SYMBOLS),
            "beta": rng.normal(0.3, 0.4, N_SYMBOLS * len(FACTORS)),
            "status": "ok",
        }
    )
    return values, greeks, held.drop(columns="date"), betas


def market() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of factor_state and factor_covariance."""
    size = len(FACTORS)
    state = pd.DataFrame({"date": DAY, "factor": FACTORS, "market_loading": 0.9, "rates_loading": 0.0})
    first, second = np.divmod(np.arange(size**2), size)
    covariance = pd.DataFrame(
        {
            "date": DAY,
            "factor_1": np.take(FACTORS, first),
            "factor_2": np.take(FACTORS, second),
            "covariance": np.where(first == second, 1e-4, 2e-5),
        }
    )
    return state, covariance
