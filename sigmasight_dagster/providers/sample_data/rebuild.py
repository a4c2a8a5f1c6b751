"""Rebuild `prices.parquet` from an installed skfolio, which is no dependency of SigmaSight.

In a throw-away environment: ``pip install skfolio pyarrow`` and ``python rebuild.py``. The rows are taken
over as they are: float64, no rounding, no filling; the script refuses a gap and a wrong number of rows.
"""

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from skfolio.datasets import load_factors_dataset, load_sp500_dataset, load_sp500_index

FIRST, LAST = "2014-01-02", "2022-12-28"
SESSIONS = 2264
TARGET = Path(__file__).with_name("prices.parquet")


def sample_prices() -> pd.DataFrame:
    """Adjusted closes, sessions x symbols: 20 stocks, 5 factor ETFs and SP500, of skfolio's data sets."""
    loaders = (load_sp500_dataset, load_factors_dataset, load_sp500_index)
    prices = pd.concat([load() for load in loaders], axis=1).loc[FIRST:LAST]
    if len(prices) != SESSIONS or prices.isna().any(axis=None):
        raise SystemExit(
            f"skfolio's data sets have changed: {len(prices)} rows, expected {SESSIONS}, or gaps"
        )
    return prices


def main() -> None:
    """Write the Parquet file beside this script: column `date` (date32), then one float64 per symbol."""
    prices = sample_prices()
    columns = {"date": pa.array(prices.index.to_numpy("datetime64[D]"), pa.date32())}
    columns |= {str(symbol): pa.array(prices[symbol].to_numpy()) for symbol in prices}
    pq.write_table(pa.table(columns), TARGET, compression="zstd", compression_level=19)
    sys.stdout.write(f"{TARGET}: {prices.shape[0]} sessions x {prices.shape[1]} symbols\n")


if __name__ == "__main__":
    main()
