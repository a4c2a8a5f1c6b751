"""Write the example directory of the provider `files`: the sample's last 60 sessions of three symbols."""

import sys
from pathlib import Path

import pandas as pd

from sigmasight_core.market.returns import to_wide
from sigmasight_dagster.providers.sample import SampleProvider

SYMBOLS = ("AAPL", "MSFT", "QUAL")
SESSIONS = 60


def build(target: Path) -> None:
    """Write SYMBOL.csv for each symbol, and a splits.csv without rows, into the directory `target`."""
    provider = SampleProvider()
    rows = provider.daily_prices(SYMBOLS, provider.first_date(), provider.last_date())
    closes = to_wide(rows, pd.DatetimeIndex(rows["date"].unique())[-SESSIONS:], "close")
    for symbol in SYMBOLS:
        closes[symbol].rename("Close").to_csv(target / f"{symbol}.csv", index_label="Date")
    (target / "splits.csv").write_text("symbol,ex_date,ratio\n", encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
