"""Many portfolios of a simulated market, each of 50 positions drawn from 500 symbols, as files."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.simulated.market import simulated_market

ENVIRONMENT: Final = {"SIGMASIGHT_PROVIDER": "simulated", "SIGMASIGHT_END_DATE": "2022-12-28"}
SEED: Final = 1
N_SYMBOLS: Final = 500
N_OPTIONS: Final = 50
"""Contracts that portfolios hold, on the first half as many symbols: a call and a put each."""
OPTIONS_EACH: Final = 5
POSITIONS: Final = 50
ENTRY_DATE: Final = "2022-11-01"
EXPIRY: Final = "230616"


def symbols() -> list[str]:
    """The first of three letters that have prices from the first session on."""
    letters = "BDGKNPRTVWXYZ"
    names = [f"{a}{b}{c}" for a in letters for b in letters for c in letters]
    made = simulated_market(SEED).parameters(names)
    whole = [
        name
        for name, listed, gappy in zip(names, made.listed, made.gappy, strict=True)
        if not listed and not gappy
    ]
    return whole[:N_SYMBOLS]


def closes(names: list[str]) -> np.ndarray:
    """Of the entry date, to the cent."""
    day = pd.Timestamp(ENTRY_DATE)
    return np.round(simulated_market(SEED).closes(names, day, day).close[0], 2)


def contracts(names: list[str]) -> list[str]:
    """Calls and puts near the money."""
    strikes = np.maximum(np.round(closes(names) / 5) * 5, 5)
    return [
        f"{name}{EXPIRY}{kind}{int(strike * 1000):08d}"
        for name, strike in zip(names, strikes, strict=True)
        for kind in "CP"
    ]


def write_portfolios(folder: Path, count: int, first: int = 0) -> None:
    """NAME.csv of each: 45 symbols and 5 contracts, long or short."""
    stocks = symbols()
    options = contracts(stocks[: N_OPTIONS // 2])
    prices = dict(zip(stocks, closes(stocks), strict=True)) | dict.fromkeys(options, 5.0)
    for number in range(first, first + count):
        rng = np.random.default_rng([SEED, number])
        held = [
            *rng.choice(stocks, POSITIONS - OPTIONS_EACH, replace=False),
            *rng.choice(options, OPTIONS_EACH, replace=False),
        ]
        sizes = np.repeat([100, 2], [POSITIONS - OPTIONS_EACH, OPTIONS_EACH])
        quantities = sizes * rng.choice([-2, -1, 1, 2, 3], POSITIONS)
        rows = [f"{name},{n},{prices[name]},{ENTRY_DATE}" for name, n in zip(held, quantities, strict=True)]
        (folder / f"p{number:05d}.csv").write_text(
            "ticker,quantity,entry_price,entry_date\n" + "\n".join(rows) + "\n"
        )
