"""Provider `simulated`: the contract of a provider, for any symbol, and every place that asks for a list."""

import datetime as dt
import time

import pandas as pd
import pytest

from sigmasight_core import tables
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import parse_portfolio_csv
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.base import SECURITY_COLUMNS
from sigmasight_dagster.providers.simulated import SimulatedProvider
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.support.project import EXAMPLES

START, END = dt.date(2014, 1, 2), dt.date(2025, 12, 31)


@pytest.fixture(scope="module")
def provider() -> SimulatedProvider:
    return SimulatedProvider(1)


def test_settings_choose_it_and_its_seed() -> None:
    made = [
        make_provider(Settings(_env_file=None, provider="simulated", simulated_seed=seed)) for seed in (1, 2)
    ]
    closes = [one.daily_prices(["AAPL"], START, START)["source"][0] for one in made]
    assert closes == ["simulated, seed 1", "simulated, seed 2"]
    assert (made[0].name, made[0].symbols(), made[0].first_date(), made[0].last_date()) == (
        "simulated",
        None,
        START,
        None,
    )


def test_prices_have_the_shape_of_their_table(provider: SimulatedProvider) -> None:
    names = ["AAPL", "BRK-B", "FXNAX", "VIX", *(f"S{number:03d}" for number in range(60))]
    rows = tables.validate(tables.DailyPrices, provider.daily_prices(names, START, END))
    assert rows[["date", "symbol"]].equals(rows[["date", "symbol"]].sort_values(["date", "symbol"]))
    assert set(rows["symbol"]) == set(names)
    status = rows.groupby("symbol")["status"].unique().apply(set)
    assert status["AAPL"] == {"ok"}
    assert status["FXNAX"] == {"no open, high, low, volume from this source"}
    assert status["VIX"] == {"no volume from this source"}
    gap = rows[rows["close"].isna()]
    assert set(gap["status"]) == {"no open, high, low, close, adjusted_close, volume from this source"}


def test_a_later_end_adds_rows_and_changes_none(provider: SimulatedProvider) -> None:
    names = [f"S{number:03d}" for number in range(80)]
    short = provider.daily_prices(names, START, dt.date(2016, 6, 30))
    longer = SimulatedProvider(1).daily_prices([*names, "ZZZ"], START, dt.date(2020, 6, 30))
    longer = longer[(longer["symbol"] != "ZZZ") & (longer["date"] <= "2016-06-30")].reset_index(drop=True)
    pd.testing.assert_frame_equal(short, longer, check_exact=True)


def test_actions_yields_and_quotes_have_the_shapes_of_their_tables(provider: SimulatedProvider) -> None:
    actions = provider.corporate_actions([f"S{number:03d}" for number in range(60)], START, END)
    assert set(tables.validate(tables.CorporateActions, actions)["kind"]) == {"split", "dividend"}
    yields = tables.validate(
        tables.TreasuryYields, provider.treasury_yields(dt.date(2013, 12, 30), dt.date(2014, 1, 3))
    )
    assert len(yields) == 4 * 4
    before = yields["date"] < "2014-01-02"
    assert set(yields.loc[before, "status"]) == {"unavailable: the simulated market begins on 2014-01-02"}
    assert yields.loc[~before, "yield_percent"].between(0, 8).all()
    quotes = provider.option_quotes({"SPY250919C00460000"}, dt.date(2025, 1, 2), dt.date(2025, 12, 31))
    assert tables.validate(tables.OptionQuotes, quotes)["date"].max() == pd.Timestamp("2025-09-19")
    assert len(provider.option_quotes([], START, END)) == 0


def test_securities_are_typed(provider: SimulatedProvider) -> None:
    rows = provider.securities({"SPY", "FCNTX", "VIX", "AAPL", "GLD", "ABCDX", "ABCD", "TLT"})
    assert tuple(rows.columns) == SECURITY_COLUMNS
    assert rows.set_index("symbol")["security_type"].to_dict() == {
        "AAPL": "stock",
        "ABCD": "stock",
        "ABCDX": "mutual_fund",
        "FCNTX": "mutual_fund",
        "GLD": "etf",
        "SPY": "etf",
        "TLT": "etf",
        "VIX": "index",
    }
    known = rows.set_index("symbol")
    assert (known["currency"] == "USD").all()
    assert known.loc["AAPL", ["name", "sector"]].tolist() == ["Apple Inc.", "Information Technology"]
    assert known["market_cap"].isna().sum() == 1


def test_proxies_and_the_users_own(provider: SimulatedProvider) -> None:
    assert set(provider.factor_proxies().values()) == {
        *("SPY", "VTV", "VUG", "MTUM", "QUAL", "SIZE", "USMV", "10Y")
    }
    chosen = SimulatedProvider(1, {"market": "VTI"}).factor_proxies()
    assert chosen["market"] == "VTI"
    with pytest.raises(InputError, match="there is no 'colour'"):
        SimulatedProvider(1, {"colour": "RED"}).factor_proxies()


def test_every_symbol_at_once_is_refused(provider: SimulatedProvider) -> None:
    for ask in (
        lambda: provider.daily_prices(None, START, END),
        lambda: provider.corporate_actions(None, START, END),
        lambda: provider.securities(None),
    ):
        with pytest.raises(InputError, match="name those that you want"):
            ask()


@pytest.mark.parametrize(
    ("name", "count"), [("demo_individual", 16), ("demo_high_net_worth", 17), ("demo_hedge_fund_style", 30)]
)
def test_the_original_portfolios_parse_without_complaint(name: str, count: int) -> None:
    data = (EXAMPLES / "original" / f"{name}.csv").read_bytes()
    parsed = parse_portfolio_csv(data, name, f"{name}.csv", pd.Timestamp("2025-03-31"), None)
    assert (len(parsed.positions), len(parsed.errors), len(parsed.warnings)) == (count, 0, 0)


def test_500_symbols_of_twelve_years_take_seconds() -> None:
    provider = SimulatedProvider(77)  # nothing of this market has been made yet
    started = time.process_time()
    rows = provider.daily_prices([f"S{number:03d}" for number in range(500)], START, END)
    assert len(rows) > 1_400_000
    assert time.process_time() - started < 10  # 0.8 to 2.5 s; a loop over sessions would take minutes
