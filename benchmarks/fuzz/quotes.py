"""Quotes of options: one of a chain of five is mutated; its price is what is published."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.fuzz.mutations import Rng
from benchmarks.fuzz.outcomes import Outcome, Result, off
from sigmasight_core.errors import DataQualityError
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.options.occ import format_occ
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.volatilities import UNIDENTIFIED, option_volatilities
from sigmasight_core.tables import DailyPrices, DividendYields, OptionQuotes, TreasuryYields, validate

DAY: Final = pd.Timestamp("2021-07-30")
EXPIRY: Final = pd.Timestamp("2021-10-15")
YEARS: Final = (EXPIRY - DAY).days / 365
RATE: Final = 0.04
SIDES: Final = ["bid", "ask", "last"]
NO_DIVIDENDS: Final = DividendYields.empty()


Row = dict[str, Any]


def _scaled(row: Row, names: list[str], factor: float) -> Row:
    return {name: row[name] * factor for name in names}


def _factor(rng: Rng) -> float:
    return float(rng.choice([10.0, 100.0, 1000.0, 0.1, 0.01]))


def _side(rng: Rng) -> str:
    return str(rng.choice(SIDES))


KINDS: Final[dict[str, Callable[[Row, Rng], Row]]] = {
    "bid by a factor": lambda row, rng: _scaled(row, ["bid"], _factor(rng)),
    "ask by a factor": lambda row, rng: _scaled(row, ["ask"], _factor(rng)),
    "last by a factor": lambda row, rng: _scaled(row, ["last"], _factor(rng)),
    "both sides by a factor": lambda row, rng: _scaled(row, ["bid", "ask"], _factor(rng)),
    "all by a factor": lambda row, rng: _scaled(row, SIDES, _factor(rng)),
    "price of the contract": lambda row, _: _scaled(row, SIDES, 100.0),
    "sides swapped": lambda row, _: {"bid": row["ask"], "ask": row["bid"]},
    "no bid": lambda _, rng: {"bid": float(rng.choice([np.nan, 0.0]))},
    "no ask": lambda _, rng: {"ask": float(rng.choice([np.nan, 0.0]))},
    "no sides": lambda *_: {"bid": np.nan, "ask": np.nan},
    "negative": lambda row, rng: _scaled(row, [_side(rng)], -1.0),
    "not finite": lambda _, rng: {_side(rng): float(rng.choice([np.inf, -np.inf, np.nan]))},
    "zero": lambda _, rng: {_side(rng): 0.0},
    "stale last": lambda row, rng: {
        "bid": np.nan,
        "ask": np.nan,
        "last": row["last"] * float(rng.choice([0.2, 6.0])),
    },
    "bid is the strike": lambda row, _: {"bid": row["strike"]},
    "ask is the strike": lambda row, _: {"ask": row["strike"]},
    "bid is a volume": lambda _, rng: {"bid": float(rng.integers(100, 90_000))},
    "quote of another strike": lambda row, _: {name: row[f"{name}_next"] for name in SIDES},
}


def _chain(number: int, rng: Rng) -> tuple[list[Row], float, str]:
    """Five quotes, the one in the middle mutated; its fair value, and how."""
    spot, sigma, is_call = rng.uniform(20, 400), rng.uniform(0.15, 0.6), bool(rng.random() < 0.5)
    strikes = np.round(spot * np.array([0.9, 0.95, 1.0, 1.05, 1.1]) * rng.uniform(0.9, 1.1), 1)
    fair = option_price(spot, strikes, YEARS, RATE, 0.0, sigma, np.full(5, is_call))
    spread = rng.uniform(0.005, 0.04)
    root = "".join(chr(ord("A") + number // 26**place % 26) for place in range(5))
    rows: list[Row] = [
        {
            "date": DAY,
            "contract": format_occ(root, f"{EXPIRY:%Y-%m-%d}", is_call, float(strike)),
            "underlying": root,
            "bid": value * (1 - spread),
            "ask": value * (1 + spread),
            "last": value,
            "strike": float(strike),
            "spot": float(spot),
        }
        for strike, value in zip(strikes, fair, strict=True)
    ]
    rows[2].update({f"{name}_next": rows[4][name] for name in SIDES})
    kind = str(rng.choice(list(KINDS)))
    rows[2].update(KINDS[kind](rows[2], rng))
    return rows, float(fair[2]), kind


def _frame(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)[["date", "contract", "underlying", *SIDES]]
    status = "no implied volatility from this source"
    return frame.assign(implied_volatility=np.nan, open_interest=1.0, source="fuzz", status=status)


def _unusual(frame: pd.DataFrame) -> bool:
    sides = frame[SIDES].to_numpy()
    return bool((np.isinf(sides) | (sides <= 0)).any())


def run(seeds: range) -> list[Result]:
    """Mutated quotes, all of them in one call as a batch of a day has them."""
    results: dict[int, Result] = {}
    frames, kept, spots = [], [], []
    for seed in seeds:
        rows, fair, what = _chain(seed, np.random.default_rng([3, seed]))
        try:
            # The row model takes a while: it is asked where it may refuse, and of all the others at once
            frame = _frame(rows)
            frames.append(validate(OptionQuotes, frame) if _unusual(frame) else frame)
        except DataQualityError as error:
            results[seed] = Result("quotes", what, Outcome.REFUSED, str(error))
            continue
        kept.append((seed, rows[2]["contract"], fair, what))
        spots.append((rows[0]["underlying"], rows[0]["spot"]))
    found = option_volatilities(
        quotes=validate(OptionQuotes, pd.concat(frames, ignore_index=True)),
        prices=_closes(spots),
        yields=_yields(),
        dividends=NO_DIVIDENDS,
        parameters=OptionParameters(RATE, "fuzz", {}, 0.0, "fuzz"),
    ).set_index("contract")
    for seed, contract, fair, what in kept:
        row = found.loc[contract]
        wrong = bool(off(np.array([row["price"]]), np.array([fair]))[0])
        # A price that says too little of its volatility is not in doubt itself
        believed = row["status"] == "ok" or row["status"].endswith(UNIDENTIFIED)
        outcome = Outcome.RIGHT if believed else Outcome.DOUBTFUL
        outcome = Outcome.WRONG if wrong and believed else outcome
        detail = (
            f"{row['price']:.6g} for {fair:.6g}, volatility {row['implied_volatility']:.3g}, {row['status']}"
        )
        results[seed] = Result("quotes", what, outcome, detail)
    return [results[seed] for seed in seeds]


def _closes(spots: list[tuple[str, float]]) -> pd.DataFrame:
    names, closes = zip(*spots, strict=True)
    frame = pd.DataFrame({"date": DAY, "symbol": names, "close": closes})
    same = dict.fromkeys(("open", "high", "low", "adjusted_close"), frame["close"])
    return validate(
        DailyPrices, frame.assign(**same, volume=1.0, price_date=pd.NaT, source="fuzz", status="ok")
    )


def _yields() -> pd.DataFrame:
    rows = {"date": DAY, "series": ["3M", "2Y", "10Y", "30Y"], "yield_percent": 100 * np.log1p(RATE)}
    return validate(TreasuryYields, pd.DataFrame(rows).assign(source="fuzz", status="ok"))
