"""Small complete inputs for the stress tests, in the shapes of the tables."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.options.black_scholes import black_scholes_merton
from sigmasight_core.stress.scenarios import Scenario, Shock
from sigmasight_core.stress.stress import StressOutput, stress
from sigmasight_core.tables import PositionStress, ScenarioImpacts, StressResults, validate
from sigmasight_dagster.gates.stress import IMPACTS_SUM_TO_THE_PNL

DAY = pd.Timestamp("2022-10-03")
FACTORS = ("market", "value", "growth", "rates")
LOADINGS = {"market": (0.0, 0.0), "value": (0.9, 0.02), "growth": (1.1, -0.03), "rates": (2.0, 0.0)}
PNL = ["direct_pnl", "correlated_pnl", "spot_only_pnl"]
VOLATILITIES = {"market": 0.011, "value": 0.004, "growth": 0.005, "rates": 0.06}
CORRELATION = np.array(
    [[1, 0.1, -0.2, 0.15], [0.1, 1, -0.7, 0.2], [-0.2, -0.7, 1, -0.1], [0.15, 0.2, -0.1, 1]]
)


def scenario(name: str = "test", category: str = "market", **shocks: float) -> Scenario:
    """A scenario from shocks in percent, rates in basis points."""
    entries = (Shock(f, value, "basis_points" if f == "rates" else "percent") for f, value in shocks.items())
    return Scenario(name, name, category, "mild", "total_return", tuple(entries))


def covariance_matrix() -> np.ndarray:
    scale = np.array([VOLATILITIES[f] for f in FACTORS])
    return CORRELATION * scale[:, None] * scale


@dataclass
class Inputs:
    """What `stress` takes, built position by position."""

    loadings: dict[str, tuple[float, float]] = field(default_factory=lambda: dict(LOADINGS))
    sigma: np.ndarray = field(default_factory=covariance_matrix)
    dates: list[pd.Timestamp] = field(default_factory=lambda: [DAY])
    partitions: list[tuple[pd.Timestamp, str]] = field(default_factory=lambda: [(DAY, "p")])
    rows: list[dict[str, Any]] = field(default_factory=list)
    betas: dict[str, dict[str, float]] = field(default_factory=dict)
    beta_status: str = "ok"

    def hold(
        self, symbol: str, quantity: float, price: float, *, portfolio: str = "p", date: Any = DAY
    ) -> str:
        """A linear position."""
        kind = "LONG" if quantity > 0 else "SHORT"
        row = {
            "position_type": kind,
            "multiplier": 1,
            "exposure": quantity * price,
            "delta_exposure": quantity * price,
            "underlying_price": price,
        }
        return self._add(symbol, symbol, quantity, portfolio, date, "linear", row)

    def hold_option(
        self,
        symbol: str,
        quantity: float,
        spot: float,
        strike: float,
        days: int,
        volatility: float,
        is_call: bool,
        *,
        rate: float = 0.04,
        dividend_yield: float = 0.01,
        portfolio: str = "p",
        date: Any = DAY,
        american: bool = False,
    ) -> str:
        """An option position of 100 shares per contract; an American one has an OCC symbol."""
        delta = float((spot > strike) - (not is_call))
        if days:
            terms = (days / 365, rate, dividend_yield, volatility, is_call)
            delta = float(black_scholes_merton(spot, strike, *terms).delta)
        row = {
            "delta_exposure": 100 * quantity * spot * delta,
            "position_type": ("L" if quantity > 0 else "S") + ("C" if is_call else "P"),
            "multiplier": 100,
            "exposure": 0.0,
            "underlying_price": spot,
            "strike": strike,
            "days_to_expiry": days,
            "implied_volatility": volatility,
            "risk_free_rate": rate,
            "dividend_yield": dividend_yield,
        }
        kind = "C" if is_call else "P"
        name = f"{symbol}-{strike:g}{kind}{days}"
        if american:
            name = f"{symbol}230120{kind}{round(1000 * strike):08d}"
        return self._add(name, symbol, quantity, portfolio, date, "ok", row)

    def _add(
        self,
        symbol: str,
        underlying: str,
        quantity: float,
        portfolio: str,
        date: pd.Timestamp,
        status: str,
        row: dict[str, Any],
    ) -> str:
        position_id = f"{symbol}@2022-01-03/{len(self.rows)}"
        empty = dict.fromkeys(
            ("strike", "days_to_expiry", "implied_volatility", "risk_free_rate", "dividend_yield")
        )
        names = {"date": date, "portfolio": portfolio, "position_id": position_id, "symbol": symbol}
        self.rows.append(
            empty | names | {"underlying": underlying, "quantity": quantity, "greeks": status} | row
        )
        return position_id

    def factor_state(self) -> pd.DataFrame:
        rows = [(d, f, b, c, "ok") for d in self.dates for f, (b, c) in self.loadings.items()]
        return pd.DataFrame(rows, columns=["date", "factor", "market_loading", "rates_loading", "status"])

    def factor_covariance(self) -> pd.DataFrame:
        names = list(self.loadings)
        rows = [
            (d, a, b, self.sigma[i, j])
            for d in self.dates
            for i, a in enumerate(names)
            for j, b in enumerate(names)
        ]
        return pd.DataFrame(rows, columns=["date", "factor_1", "factor_2", "covariance"])

    def frames(self) -> dict[str, pd.DataFrame]:
        """Keyword arguments of `stress` but for the scenarios."""
        columns = ["date", "portfolio", "position_id", "symbol", "underlying", "position_type", "multiplier"]
        columns += [
            "quantity",
            "exposure",
            "underlying_price",
            "strike",
            "days_to_expiry",
            "implied_volatility",
        ]
        columns += ["risk_free_rate", "dividend_yield", "delta_exposure", "greeks"]
        rows = pd.DataFrame(self.rows, columns=columns).astype(
            {"date": "datetime64[ns]", "days_to_expiry": "Int64"}
            | dict.fromkeys(("portfolio", "position_id", "symbol", "underlying", "greeks"), "str")
        )
        betas = [
            (d, symbol, f, by_factor.get(f, np.nan), self.beta_status)
            for d in self.dates
            for symbol, by_factor in self.betas.items()
            for f in FACTORS
        ]
        return {
            "position_values": rows.assign(status="ok"),
            "position_greeks": rows.drop(columns=["symbol", "quantity"]).rename(columns={"greeks": "status"}),
            "positions": rows.drop_duplicates(["portfolio", "position_id"]),
            "betas": pd.DataFrame(betas, columns=["date", "symbol", "factor", "beta", "status"]),
            "factor_state": self.factor_state(),
            "factor_covariance": self.factor_covariance(),
            "partitions": pd.DataFrame(self.partitions, columns=["date", "portfolio"]),
        }

    def run(self, *scenarios: Scenario) -> StressOutput:
        """Run, and hold the output to the tables' contract and the parts by factor to their sum."""
        output = stress(list(scenarios), **self.frames())
        impacts = validate(ScenarioImpacts, output.impacts)
        assert IMPACTS_SUM_TO_THE_PNL.evaluate(impacts).passed
        return StressOutput(
            validate(StressResults, output.results), validate(PositionStress, output.positions), impacts
        )


def betas(
    market: float = 1.0, value: float = 0.0, growth: float = 0.0, rates: float = 0.0
) -> dict[str, float]:
    return {"market": market, "value": value, "growth": growth, "rates": rates}


def mixed_book() -> Inputs:
    """Long, short, calls and puts on three symbols."""
    inputs = Inputs()
    inputs.betas = {
        "A": betas(1.2, 0.3, -0.2, -0.01),
        "B": betas(0.7, -0.4, 0.5, 0.02),
        "C": betas(1.6, 0.1, 0.9, -0.03),
    }
    inputs.hold("A", 100, 50.0)
    inputs.hold("B", -40, 120.0)
    inputs.hold_option("A", 5, 50.0, 55.0, 45, 0.3, is_call=True)
    inputs.hold_option("B", -3, 120.0, 110.0, 10, 0.25, is_call=False)
    inputs.hold_option("C", -2, 200.0, 210.0, 200, 0.5, is_call=True)
    inputs.hold_option("C", 4, 200.0, 190.0, 0, 0.5, is_call=True)
    return inputs
