"""The figures of docs/stress_five_falls.md: `python -m benchmarks.stress_falls PRICES [IMAGES]`.

PRICES holds closes.parquet (sessions x symbols, adjusted closes) and treasury_10y.csv (date, yield_percent).
All that is predicted comes from the 252 returns up to the evening before; the factors' moves are given.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.stress_fall_charts import beta_chart, names_chart
from benchmarks.var_books import LARGE
from sigmasight_core.factors import model
from sigmasight_core.factors.config import DEFAULT_KINDS, DEFAULT_PRIORS, Factor, FactorModelConfig
from sigmasight_core.market.returns import log_returns
from sigmasight_core.stress.reality import HISTORIC_WINDOWS, Window, stress_against_reality

WINDOWS: Final = (
    *HISTORIC_WINDOWS,
    Window("rates_2023", "Jul-Oct 2023", dt.date(2023, 7, 31), dt.date(2023, 10, 27)),
    Window("tariffs_2025", "Feb-Apr 2025", dt.date(2025, 2, 19), dt.date(2025, 4, 8)),
)
PROXIES: Final = dict(
    zip(DEFAULT_KINDS, ("SPY", "VTV", "VUG", "MTUM", "QUAL", "SIZE", "USMV", "10Y"), strict=True)
)
CONFIG: Final = FactorModelConfig.default(PROXIES)
MARKET_ALONE: Final = FactorModelConfig((Factor("market", "SPY", "market", *DEFAULT_PRIORS["market"]),))
MIXES: Final = {
    "60/40": {"SPY": 0.6, "IEF": 0.4},
    "SPY and BND": {"SPY": 0.6, "BND": 0.4},
    "bonds": {"TLT": 0.25, "IEF": 0.25, "LQD": 0.25, "SHY": 0.25},
}
QUARTER: Final = 63
KINDS: Final = {"ten of 25 large stocks": 200, "ten of all 496 names": 200, "60/40": 1}
"""Books whose betas are held against the next quarter's, and how many of each."""


class Data(NamedTuple):
    """Adjusted closes, the 10-year yield by session, and the names that are no proxies."""

    closes: pd.DataFrame
    yields: "pd.Series[float]"
    names: list[str]

    @classmethod
    def read(cls, folder: Path) -> "Data":
        """Of a directory."""
        closes = pd.read_parquet(folder / "closes.parquet")
        rows = pd.read_csv(folder / "treasury_10y.csv", parse_dates=["date"])
        names = [name for name in closes.columns if name not in PROXIES.values()]
        return cls(closes, rows.set_index("date")["yield_percent"].reindex(closes.index), names)


def falls(data: Data) -> pd.DataFrame:
    """Realised and predicted moves of every name in every fall, by the market alone as well."""
    weights = pd.DataFrame({"basket": data.names, "symbol": data.names, "weight": 1.0})
    frames = []
    for config, word in ((CONFIG, "predicted"), (MARKET_ALONE, "market_alone")):
        found = stress_against_reality(
            config, WINDOWS, weights=weights, adjusted_close_wide=data.closes, yields_10y=data.yields
        ).results
        frames.append(
            found.set_index(["window", "basket"])[["realised", "predicted"]].set_axis(
                ["realised", word], axis=1
            )
        )
    return frames[0].join(frames[1]["market_alone"]).dropna().reset_index()


def mixes(data: Data) -> pd.DataFrame:
    """The same of portfolios, and of ten names drawn a thousand times."""
    rng = np.random.default_rng(7)
    complete = [name for name in data.names if data.closes[name].notna().all()]
    drawn = {f"ten {n}": dict.fromkeys(rng.choice(complete, 10, replace=False), 0.1) for n in range(1000)}
    rows = [
        (basket, symbol, weight)
        for basket, held in {**MIXES, **drawn}.items()
        for symbol, weight in held.items()
    ]
    weights = pd.DataFrame(rows, columns=["basket", "symbol", "weight"])
    return stress_against_reality(
        CONFIG, WINDOWS, weights=weights, adjusted_close_wide=data.closes, yields_10y=data.yields
    ).results


def error_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Points by window: root mean square, mean and share of names that the method is nearer to."""
    miss = 100 * (found["realised"] - found["predicted"])
    alone = 100 * (found["realised"] - found["market_alone"])
    by = found["window"]
    rows = pd.DataFrame(
        {
            "names": by.groupby(by, sort=False).size(),
            "realised": 100 * found["realised"].groupby(by, sort=False).median(),
            "rmse": (miss**2).groupby(by, sort=False).mean() ** 0.5,
            "market alone": (alone**2).groupby(by, sort=False).mean() ** 0.5,
            "mean miss": miss.groupby(by, sort=False).mean(),
            "nearer than the market alone (%)": 100
            * (miss.abs() < alone.abs()).groupby(by, sort=False).mean(),
        }
    )
    return rows.reset_index()


def next_quarter(data: Data) -> pd.DataFrame:
    """Market betas of the evening, and those of the 63 sessions after it, month by month."""
    moves = log_returns(data.closes)
    factors = model.factor_log_returns(CONFIG, data.closes, data.yields)
    month_ends = data.closes.index.to_series().groupby(data.closes.index.to_period("M")).last()
    places = data.closes.index.get_indexer(pd.DatetimeIndex(month_ends))
    places = places[(places >= CONFIG.window) & (places + QUARTER < len(data.closes))]
    symbols = data.closes.columns.tolist()
    betas = model.estimate(
        CONFIG, symbol_log_returns=moves, factor_log_returns=factors, dates=data.closes.index[places]
    ).betas.query("factor == 'market'")
    before = betas.pivot_table(index="date", columns="symbol", values="beta", observed=True)[
        symbols
    ].to_numpy()
    rng, books = np.random.default_rng(9), np.zeros((sum(KINDS.values()), len(symbols)))
    for number, row in enumerate(books[:-1]):
        drawn = rng.choice(
            LARGE.split() if number < KINDS["ten of 25 large stocks"] else data.names, 10, replace=False
        )
        row[[symbols.index(name) for name in drawn]] = 0.1
    books[-1, [symbols.index("SPY"), symbols.index("IEF")]] = 0.6, 0.4
    frames = [
        _quarter(books, before[n], moves.iloc[at + 1 : at + 1 + QUARTER]) for n, at in enumerate(places)
    ]
    dates = np.repeat(data.closes.index[places], len(books))
    return pd.concat(frames, ignore_index=True).assign(date=dates).dropna()


def _quarter(books: np.ndarray, beta: np.ndarray, after: pd.DataFrame) -> pd.DataFrame:
    """Predicted and realised betas of the books, and the standard error of the realised ones."""
    held, returns = np.where(books != 0, beta, 0.0), after.to_numpy()
    market = after["SPY"].to_numpy() - after["SPY"].mean()
    own = np.where(np.isnan(returns), 0.0, returns) @ books.T
    realised = market @ own / (market @ market)
    residual = own - own.mean(axis=0) - market[:, None] * realised
    noise = np.sqrt((residual**2).sum(axis=0) / (QUARTER - 2) / (market @ market))
    unknown = ((books != 0) & (np.isnan(beta) | np.isnan(returns).any(axis=0))).any(axis=1)
    kind = np.repeat(list(KINDS), list(KINDS.values()))
    return pd.DataFrame(
        {
            "book": kind,
            "predicted": np.where(unknown, np.nan, (books * held).sum(axis=1)),
            "realised": realised,
            "noise": noise,
        }
    )


def beta_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Errors of the next quarter's beta by kind of book."""

    def one(rows: pd.DataFrame) -> pd.Series:
        miss = rows["realised"] - rows["predicted"]
        return pd.Series(
            {
                "months": rows["date"].nunique(),
                "books": len(rows),
                "rmse": (miss**2).mean() ** 0.5,
                "noise of the realised one": (rows["noise"] ** 2).mean() ** 0.5,
                "beta = 1": ((rows["realised"] - 1) ** 2).mean() ** 0.5,
                "bias": miss.mean(),
            }
        )

    return (
        found.groupby("book", sort=False)[["date", "predicted", "realised", "noise"]].apply(one).reset_index()
    )


def mix_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Portfolios one by one, the thousand of ten names by their errors."""
    ten = found["basket"].str.startswith("ten ")
    miss = 100 * (found["realised"] - found["predicted"])
    of_ten = found[ten].assign(miss=miss[ten]).groupby("window", sort=False)
    rows = [found[~ten].assign(miss=miss[~ten])[["window", "basket", "realised", "predicted", "miss"]]]
    means = of_ten[["realised", "predicted"]].mean()
    rows.append(means.assign(basket="ten names, mean of 1,000", miss=of_ten["miss"].mean()).reset_index())
    table = pd.concat(rows, ignore_index=True)
    rmse = of_ten["miss"].apply(lambda values: float((values**2).mean() ** 0.5))
    print("rmse of ten names by window:", rmse.round(1).to_dict())
    return table.assign(realised=100 * table["realised"], predicted=100 * table["predicted"])


def main(prices: Path, images: Path | None) -> None:
    """Print the tables; write the charts."""
    data = Data.read(prices)
    found, betas = falls(data), next_quarter(data)
    for rows in (error_rows(found), mix_rows(mixes(data)), beta_rows(betas)):
        print(rows.round(3).to_string(index=False), "\n")
    worst = found.assign(miss=100 * (found["realised"] - found["predicted"]))
    worst = worst.loc[worst["miss"].abs().groupby(worst["window"]).nlargest(3).index.get_level_values(1)]
    print(worst.round(3).to_string(index=False))
    if images:
        (images / "stress_five_falls.png").write_bytes(names_chart(found, WINDOWS))
        (images / "next_quarter_beta.png").write_bytes(beta_chart(betas))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
