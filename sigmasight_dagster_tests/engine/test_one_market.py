"""Real prices and made-up ones are not stored side by side."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster.assets import market
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp, Warehouse
from sigmasight_dagster_tests.support.house import House

DATES = pd.DatetimeIndex(["2022-12-15", "2022-12-16"]).as_unit("ns")
MADE_UP, REAL, MARKED = "simulated, seed 7", "sample: skfolio data set", "marks: private.csv"


def store(warehouse: Warehouse, source: str, date: pd.Timestamp) -> None:
    row: dict[str, Any] = {name: [None] for name in DailyPrices.to_schema().columns}
    row |= {"date": [date], "symbol": ["X"], "close": [1.0], "adjusted_close": [1.0], "source": [source]}
    frame = pd.DataFrame(row | {"status": ["ok"]})
    types = {name: column.dtype.type for name, column in DailyPrices.to_schema().columns.items()}
    warehouse.replace(DailyPrices, frame.astype(types), [date], None, AuditStamp.now("test"))


def platform(home: Path, house: House, **settings: Any) -> Platform:
    url = house.platform.settings.database_url
    return Platform(Settings(_env_file=None, home=home, database_url=url, **settings))


@pytest.mark.parametrize(
    ("stored", "settings", "refused"),
    [
        ([], {"provider": "simulated"}, ""),
        ([MADE_UP, MADE_UP], {"provider": "simulated"}, ""),
        ([REAL, REAL], {"provider": "sample"}, ""),
        ([REAL, MARKED], {"provider": "simulated"}, REAL),
        ([MARKED, MARKED], {"provider": "simulated"}, ""),
        ([REAL, REAL], {"provider": "simulated"}, REAL),
        ([REAL, MADE_UP], {"provider": "sample"}, MADE_UP),
        ([MADE_UP, MADE_UP], {"provider": "live"}, MADE_UP),
        ([MADE_UP, REAL], {"provider": "live", "price_sources": "yahoo,simulated"}, ""),
    ],
)
def test_the_provider_is_of_the_market_that_is_stored(
    house: House,
    tmp_path: Path,
    stored: list[str],
    settings: dict[str, str],
    refused: str,
) -> None:
    for source, date in zip(stored, DATES, strict=False):
        store(house.platform.warehouse, source, date)
    made = platform(tmp_path, house, **settings)
    if not refused:
        made.require_one_market()
        return
    with pytest.raises(InputError, match=f"hold prices of another market .{refused}.*SIGMASIGHT_HOME"):
        made.require_one_market()


def test_a_step_fetches_nothing_of_another_market(house: House, tmp_path: Path) -> None:
    store(house.platform.warehouse, REAL, DATES[0])
    made = platform(tmp_path, house, provider="simulated")
    with pytest.raises(InputError, match="real prices and made-up ones are not mixed"):
        market.daily_prices.compute(Batch(market.daily_prices, made, DATES, (), DATES[0]))
