"""Replace of 1,000,000 rows x 12 columns in one transaction against DataFrame.to_sql."""

import numpy as np
import pandas as pd
import sqlalchemy as sa

from benchmarks.measure import compare, own_server
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster.warehouse import AuditStamp, Warehouse

DATES, SYMBOLS, PLAIN_DATES = 2_000, 500, 100


def prices(n_dates: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    dates = pd.bdate_range("2000-01-03", periods=n_dates)
    n = n_dates * SYMBOLS
    close = rng.uniform(10, 500, n)
    return pd.DataFrame(
        {
            "date": np.repeat(dates.to_numpy(), SYMBOLS),
            "symbol": np.tile([f"S{i:04d}" for i in range(SYMBOLS)], n_dates),
            **dict.fromkeys(("open", "high", "low", "close", "adjusted_close"), close),
            "volume": rng.uniform(1e5, 1e7, n),
            "price_date": pd.Timestamp("NaT"),
            "source": "benchmark",
            "status": "ok",
        }
    )


def main() -> None:
    with own_server() as (_, server):
        _measure(server.url("sigmasight"))


def _measure(url: str) -> None:
    warehouse = Warehouse(url)
    warehouse.migrate()
    engine = sa.create_engine(sqlalchemy_url(url))
    _execute(engine, "CREATE TABLE plain (LIKE sigmasight.daily_prices INCLUDING INDEXES)")
    ours_frame, plain_frame = prices(DATES), prices(PLAIN_DATES)
    dates = pd.DatetimeIndex(ours_frame["date"].unique())
    stamp = AuditStamp("benchmark", "0", pd.Timestamp("2024-01-01", tz="UTC"))
    audit = {"run_id": stamp.run_id, "code_version": stamp.code_version, "computed_at": stamp.computed_at}

    def plain() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM plain"))
            plain_frame.assign(**audit).to_sql("plain", connection, if_exists="append", index=False)

    def ours() -> None:
        warehouse.replace(DailyPrices, ours_frame, dates, None, stamp)

    def empty() -> None:
        ours = "daily_prices", "publications", "corrections", "superseded_rows"
        _execute(engine, f"TRUNCATE plain, {', '.join(f'sigmasight.{name}' for name in ours)}")

    scale = DATES / PLAIN_DATES
    compare("replace 1,000,000 x 12, new dates; to_sql", plain, ours, ">= 25", scale, before=empty)
    compare("replace 1,000,000 x 12, same dates; to_sql", plain, ours, ">= 25", scale)
    others = ours_frame.assign(volume=ours_frame["volume"].where(ours_frame["date"] != dates[-1], 0.0))

    def one_day_changed() -> None:
        for frame in (others, ours_frame):
            warehouse.replace(DailyPrices, frame, dates, None, stamp)

    compare("the same, twice, one day with other volumes", plain, one_day_changed, "", 2 * scale)
    engine.dispose()


def _execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
