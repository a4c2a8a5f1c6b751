"""When the market of a date is taken as it is published: every reason why not, on tables without runs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from sigmasight_core import calendar
from sigmasight_core.factors import configured
from sigmasight_core.tables import (
    DailyPrices,
    Factors,
    Grain,
    Positions,
    Table,
    TreasuryYields,
    columns_by_role,
    validate,
)
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.settings import Settings, made_with
from sigmasight_dagster.staleness import current
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster_tests.conftest import execute

BEFORE, DAY = pd.DatetimeIndex(["2022-11-15", "2022-11-16"])
MARKET = [asset for asset in RISK_ASSETS if asset.grain is Grain.DATE]
OPTION = "AAPL230120C00150000"


class Market:
    """Every market table of a date, with few or no rows."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.settings = Settings(_env_file=None, home=home, database_url=url, provider="sample")
        self.platform = Platform(self.settings)

    def fill(self) -> None:
        self.hold("AAPL", "LONG")
        self.prices(BEFORE)
        self.compute()

    def compute(self, *, settings: Settings | None = None) -> None:
        made = Platform(settings or self.settings).made_with
        for asset in MARKET:
            for model in asset.tables:
                if model is DailyPrices:
                    self.prices(DAY, made=made)
                else:
                    self.replace(model, DAY, made)
        model = self.platform.factor_model
        self.platform.warehouse.keep_configured(Factors, configured.factor_rows(model), self.stamp(made))

    def prices(self, date: pd.Timestamp, close: float = 50.0, made: str | None = None) -> None:
        values = dict.fromkeys(columns_by_role(DailyPrices, "value"), close)
        row = {"date": [date], "symbol": "AAPL", "price_date": pd.NaT, "source": "test", "status": "ok"}
        rows = validate(DailyPrices, pd.DataFrame({**row, **values}))
        self.platform.warehouse.replace(DailyPrices, rows, [date], None, self.stamp(made))

    def replace(self, model: type[Table], date: pd.Timestamp, made: str | None) -> None:
        empty = validate(model, self.platform.warehouse.read(model, dates=[]))
        self.platform.warehouse.replace(model, empty, [date], None, self.stamp(made))

    def stamp(self, made: str | None = None) -> AuditStamp:
        return AuditStamp("test", "1", pd.Timestamp.now(tz="UTC"), made)

    def hold(self, symbol: str, kind: str) -> None:
        option, name = kind != "LONG", f"of_{symbol.lower()}"
        row = {
            "portfolio": name,
            "position_id": f"{symbol}@2022-10-03",
            "symbol": symbol,
            "underlying": "AAPL" if option else symbol,
            "position_type": kind,
            "quantity": 1.0,
            "multiplier": 100 if option else 1,
            "entry_price": 10.0,
            "entry_date": pd.Timestamp("2022-10-03"),
            "exit_price": None,
            "exit_date": pd.NaT,
            "expiry_date": pd.Timestamp("2023-01-20") if option else pd.NaT,
            "strike": 150.0 if option else None,
            "tags": "",
            "notes": None,
        }
        rows, registered = validate(Positions, pd.DataFrame([row])), {"cash": 0.0, "source": "x.csv"}
        self.platform.warehouse.save_portfolio({"portfolio": name, **registered}, rows, self.stamp())

    def why(self, platform: Platform | None = None) -> str:
        return current.outdated(platform or self.platform, MARKET, DAY)


@pytest.fixture(scope="module")
def filled(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Name of a database with the market of DAY, to copy."""
    name = "market_of_a_day"
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    made = Market(postgres_server.url(name), tmp_path_factory.mktemp("home"))
    made.fill()
    assert made.why() == ""
    made.platform.warehouse.close()
    yield name
    execute(postgres_server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def market(filled: str, fresh_database: Callable[..., str], tmp_path: Path) -> Iterator[Market]:
    made = Market(fresh_database(filled), tmp_path)
    yield made
    made.platform.warehouse.close()


def test_a_table_that_is_not_published(market: Market) -> None:
    execute(
        market.url, f"DELETE FROM sigmasight.publications WHERE table_name = 'rate_betas' AND date = '{DAY}'"
    )
    assert market.why() == current.INCOMPLETE


def test_late_data(market: Market) -> None:
    market.prices(BEFORE, 51.0)
    assert market.why() == "daily_prices of 2022-11-15 AAPL changed after it was computed"
    market.compute()
    assert market.why() == ""


def test_other_settings_and_what_was_published_before_there_were_fingerprints(market: Market) -> None:
    other = market.settings.model_copy(update={"risk_free_rate": 0.05})
    assert market.why(Platform(other)) == current.OTHERWISE_MADE
    of_no_market = {"plot_partitions": 0, "database_url": market.url, "polygon_api_key": SecretStr("x")}
    assert market.why(Platform(market.settings.model_copy(update=of_no_market))) == ""
    market.replace(TreasuryYields, DAY, None)
    assert market.why() == current.OTHERWISE_MADE


def test_factors_that_a_run_of_other_settings_has_left(market: Market) -> None:
    rows = configured.factor_rows(market.platform.factor_model).iloc[:-1]
    market.platform.warehouse.keep_configured(Factors, rows, market.stamp())
    assert market.why() == current.OTHERWISE_MADE


def test_rows_that_were_changed_by_hand(market: Market) -> None:
    execute(market.url, f"UPDATE sigmasight.daily_prices SET close = close * 2 WHERE date = '{DAY}'")
    assert market.why() == current.DAMAGED


def test_an_option_that_came_into_the_ledger_since(market: Market) -> None:
    market.hold(OPTION, "LC")
    assert market.why() == f"{OPTION} is held now, and its quote was not asked for"
    market.compute()
    assert market.why() == ""


def test_a_source_that_may_say_more_is_asked_again(market: Market) -> None:
    """One that lists no symbols: what it lacked it may have by now, and until hours after the close any."""
    model = market.platform.factor_model
    live = SimpleNamespace(symbols=lambda: None)
    market.platform.__dict__.update(market_data=live, factor_model=model)
    assert market.why() == ""
    market.hold("XOM", "LONG")
    assert market.why() == current.LACKING
    close = calendar.session_close(DAY)
    soon = f"UPDATE sigmasight.publications SET computed_at = '{close + pd.Timedelta(hours=5)}'"
    execute(market.url, f"{soon} WHERE table_name = 'treasury_yields'")
    assert market.why() == current.SETTLES


def test_the_fingerprint_is_of_code_and_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def now(**given: Any) -> str:
        return made_with.fingerprint(
            Settings(_env_file=None, home=tmp_path, files_dir=tmp_path / "f", **given)
        )

    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "AAPL.csv").write_text("Date,Close\n")
    before = now()
    assert now(polygon_api_key="secret", plot_partitions=1, max_price_age_days=7) == before
    assert now(simulated_seed=2) != before
    (tmp_path / "f" / "AAPL.csv").write_text("Date,Close\n2022-11-16,50\n")
    after = now()
    assert after != before
    monkeypatch.setattr(made_with, "_code", lambda: iter([b"another line"]))
    assert now() not in (before, after)
    fields = Settings.model_fields.keys()
    assert fields >= made_with.PLACES | made_with.NOT_OF_THE_MARKET
