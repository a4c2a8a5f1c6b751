"""Books and return histories for the tests of risk measures, in the shapes of the tables."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.options.black_scholes import black_scholes_merton
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel

RATE, YIELD = 0.04, 0.01
SESSIONS = pd.bdate_range("2015-01-01", periods=1100, name="date").as_unit("ns")
DAY = SESSIONS[-1]
DAYS_TO_NEXT = 1
"""DAY is a Wednesday."""
NAN = float("nan")


def history(*symbols: str, seed: int = 0, count: int = len(SESSIONS)) -> pd.DataFrame:
    """Log returns with fat tails, clustered volatility and a common part; the last `count` sessions."""
    rng = np.random.default_rng(seed)
    size = (len(SESSIONS), len(symbols))
    level = np.exp(0.5 * np.sin(np.arange(len(SESSIONS)) / 60))[:, None]
    moves = level * (0.006 * rng.standard_t(5, (size[0], 1)) + 0.009 * rng.standard_t(4, size))
    return pd.DataFrame(moves, index=SESSIONS, columns=pd.Index(symbols, dtype="str")).iloc[-count:]


@dataclass
class Holdings:
    """Positions added one by one; `frames()` gives position_values and position_greeks."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def hold(self, symbol: str, quantity: float, price: float, **where: Any) -> "Holdings":
        kind = "LONG" if quantity > 0 else "SHORT"
        exposure = quantity * price
        return self._add(symbol, symbol, kind, 1, quantity, exposure, price, {}, exposure, where)

    def hold_option(
        self,
        symbol: str,
        quantity: float,
        spot: float,
        strike: float,
        days: int,
        sigma: float,
        is_call: bool,
        *,
        american: bool = False,
        rate: float = RATE,
        dividend_yield: float = YIELD,
        **where: Any,
    ) -> "Holdings":
        """100 shares a contract; an American one has an OCC symbol, valued here as if it were European."""
        values = black_scholes_merton(spot, strike, days / 365, rate, dividend_yield, sigma, is_call)
        kind = ("L" if quantity > 0 else "S") + ("C" if is_call else "P")
        terms = {
            "strike": strike,
            "days_to_expiry": days,
            "implied_volatility": sigma,
            "risk_free_rate": rate,
            "dividend_yield": dividend_yield,
        }
        occ = f"{symbol}210115{kind[1]}{round(1000 * strike):08d}"
        name = occ if american else f"{symbol}-{strike:g}{kind}{days}"
        units = 100 * quantity
        delta = units * float(values.delta) * spot
        return self._add(
            name, symbol, kind, 100, quantity, units * float(values.price), spot, terms, delta, where
        )

    def _add(
        self,
        symbol: str,
        underlying: str,
        kind: str,
        multiplier: int,
        quantity: float,
        exposure: float,
        spot: float,
        terms: dict[str, float],
        delta: float,
        where: dict[str, Any],
    ) -> "Holdings":
        empty = dict.fromkeys(
            ("strike", "days_to_expiry", "implied_volatility", "risk_free_rate", "dividend_yield"), NAN
        )
        row = {
            "date": where.get("date", DAY),
            "portfolio": where.get("portfolio", "book"),
            "position_id": f"{symbol}@2018-01-02/{len(self.rows):02d}",
            "symbol": symbol,
            "underlying": underlying,
            "position_type": kind,
            "multiplier": multiplier,
            "quantity": float(quantity),
            "exposure": exposure,
            "underlying_price": spot,
            "delta_exposure": delta,
        }
        self.rows.append(row | empty | terms)
        return self

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        columns = ["date", "portfolio", "position_id", "symbol", "underlying", "position_type", "multiplier"]
        columns += ["quantity", "exposure", "underlying_price", "delta_exposure", "strike", "days_to_expiry"]
        columns += ["implied_volatility", "risk_free_rate", "dividend_yield"]
        texts = ("portfolio", "position_id", "symbol", "underlying", "position_type")
        rows = pd.DataFrame(self.rows, columns=columns).astype(
            {"date": "datetime64[ns]", "days_to_expiry": "Int64"} | dict.fromkeys(texts, "str")
        )
        return rows[columns[:9]], rows[["date", "portfolio", "position_id", *columns[9:]]]

    def book(self, *partitions: tuple[pd.Timestamp, str]) -> RiskBook:
        """Of these partitions, by default those of the positions."""
        keys = partitions or tuple({(row["date"], row["portfolio"]) for row in self.rows})
        return RiskBook.of(pd.DataFrame(keys, columns=["date", "portfolio"]), *self.frames())


def mixed(scale: float = 1.0, **where: Any) -> Holdings:
    """Long, short and all four kinds of options on three underlyings."""
    return (
        Holdings()
        .hold("A", 100 * scale, 50.0, **where)
        .hold("B", -40 * scale, 120.0, **where)
        .hold_option("A", 5 * scale, 50.0, 55.0, 45, 0.3, True, **where)
        .hold_option("B", -3 * scale, 120.0, 110.0, 10, 0.25, False, **where)
        .hold_option("C", -2 * scale, 200.0, 210.0, 200, 0.5, True, **where)
        .hold_option("C", 4 * scale, 200.0, 190.0, 1, 0.5, False, **where)
    )


def panel(book: RiskBook, returns: pd.DataFrame) -> ReturnPanel:
    return ReturnPanel.of(returns, book.symbols)


def naive_volatility(returns: np.ndarray) -> float:
    """EWMA of the last 252 returns that there are, one by one, oldest first; NaN below 20.

    At least 0.15 of their root mean square.
    """
    total = weight = plain = 0.0
    for value in returns[-252:]:
        total, weight = 0.94 * total, 0.94 * weight
        if np.isfinite(value):
            total, weight, plain = total + value**2, weight + 1.0, plain + value**2
    count = np.isfinite(returns[-252:]).sum()
    return float(max(np.sqrt(total / weight), 0.15 * np.sqrt(plain / count))) if count >= 20 else NAN


def naive_scenarios(returns: np.ndarray, count: int = 504) -> np.ndarray:
    """Log moves of the next session from one symbol's returns up to today."""
    today = naive_volatility(returns)
    past = range(len(returns) - count, len(returns))
    scaled = np.array([returns[t] / naive_volatility(returns[:t]) for t in past])
    year = returns[-252:]
    largest = np.nanmax(
        [np.nanmax(np.abs(returns[-504:])), 10 * np.sqrt(np.nanmean(np.square(year))) if len(year) else 0.0]
    )
    return np.clip(np.clip(scaled, -10, 10) * today, -largest, largest)


def naive_growth(returns: np.ndarray, count: int = 504) -> np.ndarray:
    """Factor of the volatility after each of the last sessions."""
    past = range(len(returns) - count, len(returns))
    return np.array([naive_volatility(returns[: t + 1]) / naive_volatility(returns[:t]) for t in past])


def naive_tail(pnl: np.ndarray, level: float) -> tuple[float, float]:
    """Value at risk and expected shortfall from the sorted P&L, with the part of a scenario."""
    ordered = sorted(pnl)
    mass = len(ordered) * (1 - level)
    k = int(np.ceil(round(mass, 9)))
    whole = sum(ordered[: k - 1])
    return -ordered[k - 1], -(whole + (mass - (k - 1)) * ordered[k - 1]) / mass


def factor_moves(returns: pd.DataFrame, *factors: str, seed: int = 9) -> pd.DataFrame:
    """Moves of factors on the sessions of the returns, a part of them that of the returns' mean."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.01, (len(returns), len(factors)))
    common = returns.mean(axis=1).fillna(0.0).to_numpy()[:, None]
    return pd.DataFrame(noise + 0.5 * common, index=returns.index, columns=list(factors))
