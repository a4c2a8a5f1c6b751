"""Late data on the real assets: what is stale after a correction, and that exactly it is computed again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.conventions import (
    PRICE_LOOK_BACK_SESSIONS,
    YIELD_AGE_SESSIONS,
    YIELD_LOOK_BACK_SESSIONS,
)
from sigmasight_core.tables import (
    ActiveShare,
    CorporateActions,
    DailyPrices,
    FactorBetas,
    FactorExposures,
    Grain,
    OptionQuotes,
    PortfolioReturns,
    Positions,
    PositionValues,
    ReturnAttribution,
    RiskMeasures,
    Table,
    TreasuryYields,
    columns_by_role,
    grain,
    table_name,
    validate,
)
from sigmasight_dagster.assets import RISK_ASSETS, market
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.automation import retention
from sigmasight_dagster.automation.rerun_stale import rerun_requests
from sigmasight_dagster.checks import completeness, late_data
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.staleness.stale import stale
from sigmasight_dagster.warehouse import AuditStamp, Warehouse, reconciliation
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql

DATES = calendar.sessions("2022-11-01", "2022-12-16")
DAY = pd.Timestamp("2022-11-16")
NEXT = pd.Timestamp("2022-11-17")
SYMBOLS = ("AAPL", "WMT", "SPY", "XOM")
NAMES = ("both", "options", "other")
PORTFOLIO_TABLES = [
    model for asset in RISK_ASSETS for model in asset.tables if grain(model) is Grain.DATE_PORTFOLIO
]
DERIVED = [model for asset in RISK_ASSETS if not asset.only_fetches for model in asset.tables]


def position(portfolio: str, symbol: str, kind: str = "LONG", entry: str = "2022-10-03") -> dict[str, object]:
    option = kind != "LONG"
    text = f"{symbol}230120C00100000" if option else symbol
    return {
        "portfolio": portfolio,
        "position_id": f"{text}@{entry}",
        "symbol": text,
        "underlying": symbol,
        "position_type": kind,
        "quantity": 1.0,
        "multiplier": 100 if option else 1,
        "entry_price": 10.0,
        "entry_date": pd.Timestamp(entry),
        "exit_price": None,
        "exit_date": pd.NaT,
        "expiry_date": pd.Timestamp("2023-01-20") if option else pd.NaT,
        "strike": 100.0 if option else None,
        "tags": "",
        "notes": None,
    }


LEDGER = pd.DataFrame(
    [
        position("both", "AAPL"),
        position("both", "XOM", entry="2022-12-01"),
        position("options", "WMT", "LC"),
        position("other", "SPY"),
    ]
)


class Stored:
    """A warehouse in which every table of every date and portfolio is published, with few or no rows."""

    def __init__(self, url: str, home: Path) -> None:
        self.platform = Platform(Settings(_env_file=None, home=home, database_url=url, provider="sample"))
        self.warehouse: Warehouse = self.platform.warehouse
        self._stale: pd.DataFrame | None = None

    def fill(self) -> None:
        self.warehouse.migrate()
        self.compute(DATES, list(NAMES), sources=True)
        for name, rows in LEDGER.groupby("portfolio"):
            self.warehouse.save_portfolio(
                {"portfolio": name, "cash": 0.0, "source": "x.csv"}, validate(Positions, rows), self.stamp()
            )

    def replace(
        self, model: type[Table], rows: pd.DataFrame, dates: Any, names: Any, stamp: AuditStamp
    ) -> None:
        self._stale = None
        self.warehouse.replace(model, rows, dates, names, stamp)

    def stamp(self) -> AuditStamp:
        return AuditStamp.now("test")

    def compute(self, dates: pd.DatetimeIndex, names: list[str], sources: bool = False) -> None:
        """Publish, without rows, what a run of every asset would; prices have rows."""
        stamp = self.stamp()
        for asset in RISK_ASSETS:
            for model in asset.tables:
                if model is DailyPrices and sources:
                    self.replace(model, self.prices(dates), dates, None, stamp)
                elif not asset.only_fetches or sources:
                    portfolios = names if grain(model) is Grain.DATE_PORTFOLIO else None
                    self.replace(model, self.empty(model), dates, portfolios, stamp)

    def empty(self, model: type[Table]) -> pd.DataFrame:
        return validate(model, self.warehouse.read(model, dates=[]))

    def prices(self, dates: pd.DatetimeIndex) -> pd.DataFrame:
        index = pd.MultiIndex.from_product([dates, SYMBOLS], names=["date", "symbol"])
        rows = index.to_frame(index=False).assign(price_date=pd.NaT, source="test", status="ok")
        return validate(
            DailyPrices, rows.assign(**dict.fromkeys(columns_by_role(DailyPrices, "value"), 50.0))
        )

    def correct(self, symbol: str, date: pd.Timestamp = DAY, factor: float = 1.01) -> None:
        rows = self.prices(pd.DatetimeIndex([date]))
        rows["close"] = rows["close"].where(rows["symbol"] != symbol, 50.0 * factor)
        self.replace(DailyPrices, rows, [date], None, self.stamp())

    def stale(self) -> pd.DataFrame:
        self._stale = late_data.stale(self.platform)
        return self._stale

    def dates(self, table: str, portfolio: str = "") -> list[pd.Timestamp]:
        rows = self._stale if self._stale is not None else self.stale()
        return list(rows.loc[(rows["table_name"] == table) & (rows["portfolio"] == portfolio), "date"])


@pytest.fixture(scope="module")
def filled(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database that `Stored.fill` has filled, to copy."""
    name = "late_data_filled"
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {name}")
    made = Stored(postgres_server.url(name), tmp_path_factory.mktemp("home"))
    made.fill()
    made.warehouse.close()
    yield name
    execute(postgres_server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(filled: str, fresh_database: Callable[..., str]) -> str:
    return fresh_database(filled)


@pytest.fixture
def stored(url: str, tmp_path: Path) -> Iterator[Stored]:
    made = Stored(url, tmp_path)
    yield made
    made.warehouse.close()


def test_a_corrected_price_makes_stale_what_depends_on_it_and_nothing_else(stored: Stored) -> None:
    assert stored.stale().empty
    stored.replace(DailyPrices, stored.prices(DATES), DATES, None, stored.stamp())
    assert stored.stale().empty, "the same rows again are no correction"

    stored.correct("AAPL")
    later = list(DATES[DATES >= DAY])
    assert stored.dates("position_values", "both") == [DAY, NEXT]
    assert stored.dates("portfolio_snapshots", "both") == [DAY, NEXT]
    assert stored.dates("factor_exposures", "both") == later
    assert stored.dates("risk_measures", "both") == later
    assert stored.dates("realized_volatility") == stored.dates("factor_betas") == later
    assert stored.dates("factor_covariance") == stored.dates("factor_returns") == []
    rows = stored.stale()
    assert set(rows["portfolio"]) == {"", "both"}
    assert set(rows["cause"]) == {"daily_prices of 2022-11-16 AAPL"}

    stored.compute(DATES[DATES >= DAY], ["both"])
    assert stored.stale().empty


def test_what_was_computed_from_a_market_result_while_that_was_stale(stored: Stored) -> None:
    """A portfolio's run between a correction and the market's run reads new prices and old betas."""
    stored.correct("AAPL")
    stamp = stored.stamp()
    for model in PORTFOLIO_TABLES:
        stored.replace(model, stored.empty(model), list(DATES[DATES >= DAY]), list(NAMES), stamp)
    assert set(stored.stale()["portfolio"]) == {""}
    betas = (
        random_rows(FactorBetas, [DAY]).assign(symbol="AAPL").drop_duplicates(["date", "symbol", "factor"])
    )
    stored.replace(FactorBetas, betas, [DAY], None, stored.stamp())
    assert stored.dates("position_factor_exposures", "both") == [DAY]
    rows = stored.stale()
    assert set(rows["portfolio"]) == {"", "both"}, "the others hold no share of it"
    mine = rows[rows["portfolio"] == "both"]
    assert set(mine["cause"]) == {"factor_betas of 2022-11-16 AAPL"}
    assert "position_values" not in set(mine["table_name"])


def test_a_price_of_an_underlying_moves_options_through_its_volatility(stored: Stored) -> None:
    stored.correct("WMT")
    assert stored.dates("position_values", "options") == list(DATES[DATES >= DAY])
    assert set(stored.stale()["portfolio"]) == {"", "options"}


def test_a_position_entered_later_is_stale_from_its_entry(stored: Stored) -> None:
    stored.correct("XOM")
    assert stored.dates("position_values", "both") == []
    assert stored.dates("stress_results", "both") == list(DATES[DATES >= "2022-12-01"])


def test_a_price_is_carried_to_the_next_one(stored: Stored) -> None:
    gap = stored.prices(DATES)
    gap = gap[(gap["symbol"] != "AAPL") | (gap["date"] <= DAY) | (gap["date"] > DATES[14])]
    stored.replace(DailyPrices, gap.reset_index(drop=True), DATES, None, stored.stamp())
    stored.compute(DATES, list(NAMES))
    stored.correct("AAPL")
    assert stored.dates("position_values", "both") == list(DATES[11:16])


@pytest.mark.parametrize(
    ("item", "sessions"),
    [
        (Input(DailyPrices, look_back=PRICE_LOOK_BACK_SESSIONS), PRICE_LOOK_BACK_SESSIONS + 1),
        (Input(DailyPrices, carried_prices=True), 2),
    ],
    ids=["an ordinary window", "carried prices"],
)
def test_a_window_as_long_as_that_of_carried_prices_is_stale_over_all_of_it(
    stored: Stored, item: Input, sessions: int
) -> None:
    @risk_asset(FactorExposures, inputs=[Positions, item], group="portfolio_risk")
    def weekly(batch: Batch) -> pd.DataFrame:
        raise AssertionError("staleness computes nothing")

    stored.correct("AAPL")
    rows = stale(stored.platform, [market.daily_prices, weekly])
    found = rows[(rows["table_name"] == "factor_exposures") & (rows["portfolio"] == "both")]
    assert list(found["date"]) == list(DATES[DATES >= DAY][:sessions])
    assert set(rows["portfolio"]) == {"both"}


def test_a_proxy_and_a_yield_concern_every_portfolio(stored: Stored) -> None:
    proxy = next(f.proxy for f in stored.platform.factor_model.factors if f.kind == "market")
    rows = stored.prices(DATES[11:12]).assign(symbol=lambda x: x["symbol"].replace("XOM", str(proxy)))
    rows = rows.drop_duplicates(["date", "symbol"])
    stored.replace(DailyPrices, validate(DailyPrices, rows), [DAY], None, stored.stamp())
    later = list(DATES[DATES >= DAY])
    assert stored.dates("factor_covariance") == later
    assert all(stored.dates("factor_exposures", name) == later for name in NAMES)
    # it is the benchmark of who has no other
    assert all(stored.dates("portfolio_returns", name) == later for name in NAMES)
    assert stored.dates("return_contributions", "options") == []
    assert stored.dates("position_values", "options") == []
    stored.compute(DATES, list(NAMES))
    assert stored.stale().empty
    yields = pd.DataFrame(
        {"date": [DAY], "series": "10Y", "yield_percent": 4.0, "source": "t", "status": "ok"}
    )
    stored.replace(TreasuryYields, validate(TreasuryYields, yields), [DAY], None, stored.stamp())
    assert all(stored.dates("stress_results", name) == later for name in NAMES)
    assert stored.dates("realized_volatility") == []


def test_a_price_of_its_benchmark_concerns_a_portfolio_in_what_is_held_against_it(stored: Stored) -> None:
    def concerned(name: str) -> set[str]:
        rows = stored.stale()
        return set(rows.loc[rows["portfolio"] == name, "table_name"])

    stored.correct("XOM")
    assert concerned("options") == set()
    row = {"portfolio": "options", "cash": 0.0, "source": "x.csv", "benchmark": "XOM"}
    rows = LEDGER[LEDGER["portfolio"] == "options"]
    stored.warehouse.save_portfolio(row, validate(Positions, rows), stored.stamp(), replace=True)
    published = stored.warehouse.published
    assert {model for model in PORTFOLIO_TABLES if published(model, portfolios=["options"]).empty} == {
        PortfolioReturns,
        RiskMeasures,
        ActiveShare,
        ReturnAttribution,
    }
    stored.compute(DATES, ["options"])
    stored.correct("XOM", factor=1.02)
    assert concerned("options") == {"portfolio_returns", "risk_measures"}
    assert stored.dates("portfolio_returns", "options") == list(DATES[DATES >= DAY])
    assert concerned("other") == set()


def test_a_yield_moves_the_prices_of_options_alone(stored: Stored) -> None:
    yields = pd.DataFrame(
        {"date": [DAY], "series": "3M", "yield_percent": 4.0, "source": "t", "status": "ok"}
    )
    stored.replace(TreasuryYields, validate(TreasuryYields, yields), [DAY], None, stored.stamp())
    after = DATES[DATES >= DAY]
    assert stored.dates("option_volatilities") == list(after[: YIELD_AGE_SESSIONS + 1])
    for table in ("position_values", "position_greeks", "portfolio_snapshots"):
        assert stored.dates(table, "options") == list(after[: YIELD_LOOK_BACK_SESSIONS + 1])
        assert stored.dates(table, "both") == stored.dates(table, "other") == []


@pytest.mark.parametrize(("underlying", "stale"), [("WMT", True), ("AAPL", False)])
def test_a_quote_concerns_the_holders_of_options_on_its_underlying(
    stored: Stored, underlying: str, stale: bool
) -> None:
    quote = {"date": [DAY], "contract": f"{underlying}230120C00105000", "underlying": underlying}
    values = {"bid": 1.0, "ask": 2.0, "last": 1.5, "implied_volatility": 0.2, "open_interest": 3.0}
    rows = validate(OptionQuotes, pd.DataFrame({**quote, **values, "source": "t", "status": "ok"}))
    stored.replace(OptionQuotes, rows, [DAY], None, stored.stamp())
    assert stored.dates("option_volatilities") == [DAY]
    after = list(DATES[DATES >= DAY])
    expected = after[: PRICE_LOOK_BACK_SESSIONS + 1] if stale else []
    for table in ("position_values", "position_greeks", "position_pnl_explain"):
        assert stored.dates(table, "options")[: len(expected)] == expected
    assert set(stored.stale()["portfolio"]) == ({"", "options"} if stale else {""})
    assert set(stored.stale()["cause"]) == {f"option_quotes of 2022-11-16 {underlying}"}
    assert stored.dates("realized_volatility") == stored.dates("factor_betas") == []


def test_a_late_split_concerns_its_holders_to_the_end(stored: Stored) -> None:
    split = {"date": [DAY], "symbol": "AAPL", "kind": "split", "amount": 2.0, "source": "t", "status": "ok"}
    rows = validate(CorporateActions, pd.DataFrame(split))
    stored.replace(CorporateActions, rows, [DAY], None, stored.stamp())
    assert stored.dates("position_values", "both") == list(DATES[DATES >= DAY])
    found = stored.stale()
    assert set(found["portfolio"]) == {"", "both"}
    assert set(found.loc[found["portfolio"] == "", "table_name"]) == {
        "dividend_yields",
        "option_volatilities",
    }


def test_a_close_concerns_the_shares_that_an_option_turned_into(stored: Stored) -> None:
    """Of a portfolio with physical settlement; with cash there is nothing after the option's end."""
    end = {"expiry_date": pd.Timestamp("2022-11-18"), "symbol": "XOM221118C00100000"}
    ledger = validate(Positions, pd.DataFrame([position("options", "XOM", "LC") | end]))
    row = {"portfolio": "options", "cash": 0.0, "source": "x.csv"}
    day = pd.Timestamp("2022-12-01")
    for settlement, factor in (("cash", 1.01), ("physical", 1.02)):
        said = {**row, "settlement": settlement}
        stored.warehouse.save_portfolio(said, ledger, stored.stamp(), replace=True)
        stored.compute(DATES[day <= DATES], ["options"])
        stored.correct("XOM", day, factor)
        stored.stale()
        found = stored.dates("position_values", "options")
        assert found == ([] if settlement == "cash" else [day, pd.Timestamp("2022-12-02")])


def test_the_sensor_asks_for_the_market_then_for_the_portfolios(stored: Stored) -> None:
    stored.correct("AAPL")
    assets = declared(stored.platform.settings)
    rows = stored.stale()
    market = rerun_requests(rows, assets, NAMES, 1000)
    assert {request.job_name for request in market} == {"market"}
    selected = {key.to_user_string() for request in market for key in request.asset_selection or ()}
    assert selected == {
        "security_master",
        "realized_volatility",
        "dividend_yields",
        "option_volatilities",
        "price_differences",
        "factor_betas",
        "factor_state",
        "rate_betas",
    }
    portfolios = rerun_requests(rows[rows["portfolio"] != ""], assets, NAMES, 1000)
    assert {request.job_name for request in portfolios} == {"portfolio"}
    spans = [
        (
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
        )
        for request in portfolios
    ]
    assert spans[0] == ("2022-11-16|both", "2022-11-17|both")
    # More partitions than a run takes
    assert spans[1:] == [("2022-11-18|both", "2022-12-14|both"), ("2022-12-15|both", "2022-12-16|both")]
    again = rerun_requests(stored.stale(), assets, NAMES, 1000)
    assert [request.run_key for request in again] == [request.run_key for request in market]
    assert len({request.run_key for request in [*market, *portfolios]}) == len(market) + len(portfolios)
    assert rerun_requests(rows.head(0), assets, NAMES, 1000) == []


def test_the_check_names_the_stale_partitions(stored: Stored) -> None:
    stored.correct("AAPL")
    rows = stored.stale()
    bad, good = late_data.verdict("position_values", rows), late_data.verdict("factor_covariance", rows)
    assert not bad.passed
    assert bad.metadata["stale_partitions"].value == 2
    assert bad.metadata["newest"].value == ["2022-11-17|both", "2022-11-16|both"]
    assert good.passed
    tables = {evaluation.asset_key.to_user_string() for evaluation in late_data.evaluations(rows)}
    assert tables == set(rows["table_name"])


def test_retention_deletes_detail_alone_and_nothing_claims_it_any_more(stored: Stored) -> None:
    warehouse = stored.warehouse
    dry = retention.retire_detail(warehouse, 20, dry_run=True)
    assert dry is not None
    assert dry.before == pd.Timestamp("2022-11-26")
    kept = warehouse.published(_model("reverse_stress"))
    old = int((dry.before > DATES).sum()) * len(NAMES)
    assert dict(zip(dry.tables["what"], dry.tables["n_partitions"], strict=True))["position_values"] == old
    assert len(warehouse.published(_model("position_values"))) == len(DATES) * len(NAMES)

    done = retention.retire_detail(warehouse, 20, dry_run=False)
    assert done is not None
    pd.testing.assert_frame_equal(done.tables, dry.tables)
    assert done.summary.startswith("detail before 2022-11-26: ")
    assert warehouse.published(_model("position_values"))["date"].min() == pd.Timestamp("2022-11-28")
    assert len(warehouse.published(_model("portfolio_snapshots"))) == len(DATES) * len(NAMES)
    assert len(warehouse.published(_model("reverse_stress"))) == len(kept)
    again = retention.retire_detail(warehouse, 20, dry_run=False)
    assert again is not None
    assert again.tables["n_partitions"].sum() == 0
    stored.correct("AAPL")
    stale = stored.stale()
    assert stale.loc[stale["portfolio"] != "", "date"].min() == pd.Timestamp("2022-11-28"), "retired is final"


def _model(name: str) -> type[Table]:
    return next(model for model in DERIVED if table_name(model) == name)


def test_reconciliation_finds_orphans_and_other_counts(stored: Stored, url: str) -> None:
    assert stored.warehouse.reconciliation()["n"].sum() == 0
    day = pd.DatetimeIndex([DAY])
    rows = random_rows(PositionValues, day, ("both",), 1).assign(position_id="none@1")
    stored.replace(PositionValues, rows, day, ["both"], stored.stamp())
    sql(url, "DELETE FROM sigmasight.daily_prices WHERE date = '2022-11-16' AND symbol = 'SPY'")
    found = stored.warehouse.reconciliation().query("n > 0").set_index("check")["example"]
    assert found.to_dict() == {
        reconciliation.LEDGER: "2022-11-16|both none@1",
        reconciliation.GREEKS: "2022-11-16|both none@1",
        reconciliation.COUNTS: "2022-11-16|: 3 rows, published 4",
    }


def test_freshness_names_the_session_that_is_due(stored: Stored) -> None:
    assert completeness.freshness(stored.platform, "daily_prices", DATES[-1]).passed
    late = completeness.freshness(stored.platform, "daily_prices", pd.Timestamp("2022-12-19"))
    assert not late.passed
    assert late.metadata["latest_published"].value == "2022-12-16"
