"""The breach table of docs/var.md on prices of one's own: `python -m benchmarks.var_books PRICES [IMAGES]`.

PRICES holds closes.parquet (sessions x symbols, adjusted closes) and treasury_10y.csv (date, yield_percent).
Every book is held at constant weights on every session 2019-2025 and judged by the next: linear books in
dollars, options opened anew each day and marked at the EWMA volatility, for there are no quotes of the past.
Options are American, as those on SPY are; their symbol tells so, strike and expiry are those of the row.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.var_charts import breach_chart, specific_chart
from sigmasight_core.calendar import next_sessions
from sigmasight_core.factors.config import DEFAULT_KINDS, DEFAULT_PRIORS, Factor, FactorModelConfig
from sigmasight_core.factors.covariance import factor_covariance
from sigmasight_core.factors.model import estimate, factor_log_returns
from sigmasight_core.options.pricing import option_price, option_values
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel, forecast_volatility
from sigmasight_core.risk.historical_simulation import simulated_risk
from sigmasight_core.risk.parametric.decomposition import parametric_risk
from sigmasight_core.risk.var_backtest import Breaches, backtest

FIRST, LAST, RATE = "2019-01-02", "2025-12-31", 0.03
PROXIES = ("SPY", "VTV", "VUG", "MTUM", "QUAL", "SIZE", "USMV", "DGS10")
LARGE = "AAPL MSFT AMZN GOOGL NVDA JNJ JPM V META HD PG AMD NFLX XOM F GE KO PEP MRK PFE LLY BAC CVX WMT TSLA"


def weights(size: float, longs: str, shorts: str = "") -> dict[str, float]:
    return dict.fromkeys(longs.split(), size) | dict.fromkeys(shorts.split(), -size)


LINEAR = {
    "25 large caps": weights(0.04, LARGE),
    "long-short": weights(0.2, "AAPL MSFT JPM XOM KO", "TSLA AMD NFLX META F"),
    "pairs": weights(0.5, "KO XOM", "PEP CVX"),
    **{name: {name: 1.0} for name in ("TSLA", "SPY", "TLT")},
    "bonds": weights(0.2, "TLT IEF SHY LQD HYG"),
    "60/40": {"SPY": 0.6, "IEF": 0.4},
    **{name: {name: 1.0} for name in ("HYG", "SHY", "GLD")},
    "USMV - .75 SPY": {"USMV": 1.0, "SPY": -0.75},
    "1.3 QQQ - .3 XLU": {"QQQ": 1.3, "XLU": -0.3},
    "short SPY": {"SPY": -1.0},
    "EEM": {"EEM": 1.0},
}
OPTIONS: dict[str, list[tuple[float, float, int, bool]]] = {
    "short straddle, 30 days": [(-1, 1.0, 30, True), (-1, 1.0, 30, False)],
    "long straddle, 30 days": [(1, 1.0, 30, True), (1, 1.0, 30, False)],
    "short 5% put, 30 days": [(-1, 0.95, 30, False)],
    "long 5% put, 30 days": [(1, 0.95, 30, False)],
    "covered call, 30 days": [(-1, 1.02, 30, True)],
    "put spread, 30 days": [(1, 0.97, 30, False), (-1, 0.9, 30, False)],
    "short strangle, 7 days": [(-1, 1.02, 7, True), (-1, 0.98, 7, False)],
    "short straddle, 90 days": [(-1, 1.0, 90, True), (-1, 1.0, 90, False)],
    "short straddle, 3 days": [(-1, 1.0, 3, True), (-1, 1.0, 3, False)],
}
"""Contracts, strike over spot, calendar days, call; on one share of SPY."""
SPECIFIC = {
    **{name: LINEAR[name] for name in ("25 large caps", "long-short", "TSLA", "SPY", "60/40", "TLT")},
    "XOM - CVX": weights(1.0, "XOM", "CVX"),
    "XOM + CVX": weights(1.0, "XOM CVX"),
    "JPM + BAC": weights(1.0, "JPM BAC"),
    "four drug makers": weights(1.0, "MRK PFE LLY JNJ"),
    "LQD + HYG": weights(1.0, "LQD HYG"),
}


class Inputs:
    """Rows of position_values and position_greeks of books that are the same on every date."""

    def __init__(self, dates: pd.DatetimeIndex) -> None:
        self.dates = dates
        self._rows: list[pd.DataFrame] = []

    def hold(
        self, portfolio: str, underlying: str, kind: str, quantity: float, symbol: str = "", **columns: object
    ) -> None:
        empty = ("strike", "implied_volatility", "risk_free_rate", "dividend_yield")
        symbol = symbol or underlying
        rows = pd.DataFrame(
            {"date": self.dates, "portfolio": portfolio, "underlying": underlying, "symbol": symbol}
        )
        rows = rows.assign(
            position_type=kind, multiplier=1, quantity=quantity, **dict.fromkeys(empty, np.nan)
        )
        rows["days_to_expiry"] = pd.array([pd.NA] * len(rows), dtype="Int64")
        self._rows.append(rows.assign(position_id=f"{symbol}/{len(self._rows)}", **columns))

    def weights(self, books: dict[str, dict[str, float]]) -> None:
        for name, held in books.items():
            for symbol, weight in held.items():
                kind = "LONG" if weight > 0 else "SHORT"
                self.hold(
                    name, symbol, kind, weight, exposure=weight, delta_exposure=weight, underlying_price=1
                )

    def book(self) -> RiskBook:
        rows = pd.concat(self._rows, ignore_index=True)
        shared = ["date", "portfolio", "position_id"]
        values = rows[
            [*shared, "symbol", "underlying", "position_type", "multiplier", "quantity", "exposure"]
        ]
        greeks = ["underlying_price", "strike", "days_to_expiry", "implied_volatility", "risk_free_rate"]
        return RiskBook.of(
            rows[["date", "portfolio"]], values, rows[[*shared, *greeks, "dividend_yield", "delta_exposure"]]
        )


def option_books(inputs: Inputs, spot: pd.Series, moves: pd.Series) -> dict[str, np.ndarray]:
    """Hold the books of options, and say what each gained on the session after each date."""
    dates = inputs.dates
    volatility = forecast_volatility(moves.to_numpy()).volatility * np.sqrt(252)
    at = spot.index.get_indexer(dates)
    now, later = spot.to_numpy()[at], spot.to_numpy()[at + 1]
    days = (next_sessions(dates + pd.Timedelta(days=1)) - dates).days.to_numpy()
    gains = {}
    for name, legs in OPTIONS.items():
        gains[name] = np.zeros(len(dates))
        if name.startswith("covered"):
            inputs.hold(name, "SPY", "LONG", 1, exposure=now, delta_exposure=now, underlying_price=now)
            gains[name] += later - now
        for quantity, moneyness, expiry, is_call in legs:
            sigma, strike = volatility[at + 1], moneyness * now
            value = option_values(now, strike, expiry / 365, RATE, 0, sigma, is_call, True)
            left = np.maximum(expiry - days, 0) / 365
            new = option_price(later, strike, left, RATE, 0, volatility[at + 2], is_call, True)
            gains[name] += quantity * (new - value.price)
            inputs.hold(
                name,
                "SPY",
                ("L" if quantity > 0 else "S") + ("C" if is_call else "P"),
                quantity,
                f"SPY251231{'C' if is_call else 'P'}00100000",
                exposure=quantity * value.price,
                delta_exposure=quantity * value.delta * now,
                underlying_price=now,
                days_to_expiry=pd.array([expiry] * len(dates), dtype="Int64"),
                risk_free_rate=RATE,
                dividend_yield=0.0,
                strike=strike,
                implied_volatility=sigma,
            )
    return gains


def breach_table(closes: pd.DataFrame, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Breaches and p-values of every book at both levels."""
    names = sorted({symbol for book in LINEAR.values() for symbol in book})
    moves = np.log(closes[names]).diff()
    inputs = Inputs(dates)
    inputs.weights(LINEAR)
    following = np.expm1(moves).shift(-1).loc[dates]
    gains = {name: (following[list(held)] * pd.Series(held)).sum(axis=1) for name, held in LINEAR.items()}
    gains |= option_books(inputs, closes["SPY"], moves["SPY"])
    book = inputs.book()
    risk = simulated_risk(book, ReturnPanel.of(moves, book.symbols))
    portfolio = book.partitions["portfolio"].to_numpy()
    rows = []
    for name, gain in gains.items():
        mine = portfolio == name
        breached = np.asarray(gain)[:, None] < -risk.value_at_risk[mine]
        tests = backtest(Breaches(np.isfinite(risk.value_at_risk[mine]).all(axis=1)[None], breached.T[None]))
        columns = (tests.breaches, tests.kupiec, tests.conditional_coverage)
        found = [value[0, level] for level in (0, 1) for value in columns]
        rows.append([name, tests.n_obs[0], *found, risk.n_bounded[mine].mean()])
    names = [f"{what} {level}" for level in (95, 99) for what in ("breaches", "Kupiec p", "Christoffersen p")]
    return pd.DataFrame(rows, columns=["book", "sessions", *names, "bounded of 504"])


def specific_table(closes: pd.DataFrame, yields: pd.Series, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Root mean square of next day's P&L over the parametric volatility of the day before."""
    proxies = zip(DEFAULT_KINDS.items(), PROXIES, strict=True)
    config = FactorModelConfig(
        tuple(Factor(name, proxy, kind, *DEFAULT_PRIORS[kind]) for (name, kind), proxy in proxies)
    )
    factors = factor_log_returns(config, closes, yields)
    names = sorted({symbol for book in SPECIFIC.values() for symbol in book})
    moves = np.log(closes[names]).diff()
    inputs = Inputs(dates)
    inputs.weights(SPECIFIC)
    book = inputs.book()
    risk = parametric_risk(
        book,
        ReturnPanel.of(moves, book.symbols),
        betas=estimate(config, symbol_log_returns=moves, factor_log_returns=factors, dates=dates).betas,
        covariance=factor_covariance(config, factors, dates),
        factor_returns=factors,
        window=config.window,
    )
    following = np.expm1(moves).shift(-1).loc[dates]
    portfolio = book.partitions["portfolio"].to_numpy()
    rows = []
    for name, held in SPECIFIC.items():
        gain = following[list(held)] @ pd.Series(held)
        rows.append((name, np.sqrt(np.square(gain / risk.volatility[portfolio == name]).mean())))
    return pd.DataFrame(rows, columns=["book", "realised / predicted"])


def main(prices: Path, images: Path | None) -> None:
    closes = pd.read_parquet(prices / "closes.parquet").astype(float)
    closes.index = pd.DatetimeIndex(closes.index).as_unit("ns")
    yields = pd.read_csv(prices / "treasury_10y.csv", parse_dates=["date"]).set_index("date")["yield_percent"]
    dates = closes.index[(closes.index >= FIRST) & (closes.index <= LAST)]
    dates = dates[dates < closes.index[-1]]
    breaches, specific = breach_table(closes, dates), specific_table(closes, yields, dates)
    for table in (breaches, specific):
        print(table.round(3).to_csv(index=False, sep="|"))
    if images is not None:
        (images / "var_breaches.png").write_bytes(breach_chart(breaches))
        (images / "var_specific.png").write_bytes(specific_chart(specific))


if __name__ == "__main__":
    folders = [Path(name) for name in sys.argv[1:]]
    main(folders[0], folders[1] if len(folders) > 1 else None)
