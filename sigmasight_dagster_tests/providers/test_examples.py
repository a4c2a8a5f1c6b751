"""The example portfolios and price directory: counts, real prices, and that the scripts rebuild them."""

import datetime as dt
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import tables
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_dagster.providers.files.provider import FilesProvider
from sigmasight_dagster.providers.sample import SampleProvider

EXAMPLES = Path(__file__).parents[2] / "examples"
COUNTS = {
    "individual": {"LONG": 16},
    "high_net_worth": {"LONG": 17},
    "hedge_fund": {"LONG": 13, "SHORT": 9, "LC": 2, "LP": 2, "SC": 2, "SP": 2},
}
TAGS = {
    "individual": {"core_holdings", "tech_growth", "dividend_income"},
    "high_net_worth": {"blue_chip", "alternative_assets", "risk_hedge"},
    "hedge_fund": {"long_momentum", "short_value_traps", "options_overlay"},
}


@pytest.fixture(scope="module")
def sample() -> SampleProvider:
    return SampleProvider()


def parsed(name: str, sample: SampleProvider) -> ParsedPortfolio:
    data = (EXAMPLES / "portfolios" / f"{name}.csv").read_bytes()
    return parse_portfolio_csv(data, name, f"{name}.csv", pd.Timestamp("2022-09-30"), sample.symbols())


@pytest.mark.parametrize("name", COUNTS)
def test_a_portfolio_parses_without_complaint(name: str, sample: SampleProvider) -> None:
    result = parsed(name, sample)
    positions = tables.validate(tables.Positions, result.positions)
    assert len(result.errors) == len(result.warnings) == 0
    assert positions["position_type"].value_counts().to_dict() == COUNTS[name]
    assert set(positions["tags"].str.split(",").explode()) == TAGS[name]
    assert positions["exit_date"].isna().all()
    assert positions["entry_date"].between("2021-01-01", "2022-09-29").all()


@pytest.mark.parametrize("name", COUNTS)
def test_linear_positions_entered_at_the_close(name: str, sample: SampleProvider) -> None:
    positions = parsed(name, sample).positions
    linear = positions[positions["multiplier"] == 1]
    prices = sample.daily_prices(None, dt.date(2021, 1, 1), dt.date(2022, 9, 30))
    joined = linear.merge(prices, left_on=["symbol", "entry_date"], right_on=["symbol", "date"])
    assert len(joined) == len(linear)
    np.testing.assert_allclose(joined["entry_price"], joined["close"], atol=0.005001, rtol=0)


def test_options_expire_inside_and_after_the_range(sample: SampleProvider) -> None:
    positions = parsed("hedge_fund", sample).positions
    expiries = positions["expiry_date"].dropna()
    inside = expiries.between("2022-10-03", "2022-12-28")
    assert (inside.sum(), (~inside).sum()) == (4, 4)
    assert (expiries[~inside] > pd.Timestamp("2023-01-01")).all()


def test_options_entered_at_the_independent_model_price(sample: SampleProvider) -> None:
    import QuantLib as ql

    positions = parsed("hedge_fund", sample).positions.set_index("symbol")
    closes = sample.daily_prices({"XOM"}, dt.date(2021, 1, 1), dt.date(2022, 8, 15))["close"].to_numpy()
    squares = np.diff(np.log(closes))[::-1][:252] ** 2
    weights = 0.94 ** np.arange(252)
    volatility = np.sqrt(252 * (weights @ squares) / weights.sum())
    years = (dt.date(2022, 12, 16) - dt.date(2022, 8, 15)).days / 365
    discount = np.exp(-0.04 * years)
    forward, spread = closes[-1] / discount, volatility * np.sqrt(years)
    expected = ql.blackFormula(ql.Option.Call, 100.0, forward, spread, discount)
    assert positions["entry_price"]["XOM221216C00100000"] == pytest.approx(expected, abs=0.005001)


def test_sizes_are_sensible(sample: SampleProvider) -> None:
    gross = {}
    for name in COUNTS:
        held = parsed(name, sample).positions
        exposure = held["quantity"] * held["multiplier"] * held["entry_price"]
        gross[name] = exposure.abs().sum()
        assert gross[name] < 2 * exposure.sum()
    assert 300_000 < gross["individual"] < 500_000
    assert 2_000_000 < gross["high_net_worth"] < 3_000_000
    assert 3_000_000 < gross["hedge_fund"] < 6_000_000


@pytest.mark.parametrize("folder", ["portfolios", "histories", "prices"])
def test_the_script_rebuilds_the_files(folder: str, tmp_path: Path) -> None:
    runpy.run_path(str(EXAMPLES / folder / "build.py"))["build"](tmp_path)
    committed = {path.name: path.read_text() for path in (EXAMPLES / folder).glob("*.csv")}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == committed


def test_the_price_directory_gives_the_samples_rows(sample: SampleProvider) -> None:
    provider = FilesProvider(EXAMPLES / "prices", "adjusted")
    start, end = provider.first_date(), provider.last_date()
    rows = tables.validate(tables.DailyPrices, provider.daily_prices(None, start, end))
    same = sample.daily_prices({"AAPL", "MSFT", "QUAL"}, start, end)
    assert len(rows) == 3 * 60
    columns = ["date", "symbol", "close", "adjusted_close"]
    pd.testing.assert_frame_equal(rows[columns], same[columns])
    assert rows["source"].iloc[0] == "files: AAPL.csv, adjusted, un-split by splits.csv"


ORIGINALS = {"demo_individual": 16, "demo_high_net_worth": 17, "demo_hedge_fund_style": 30}


def test_the_original_portfolios_import_without_complaint() -> None:
    folder = EXAMPLES / "portfolios" / "original"
    assert {path.stem for path in folder.glob("*.csv")} == set(ORIGINALS)
    for name, count in ORIGINALS.items():
        data = (folder / f"{name}.csv").read_bytes()
        found = parse_portfolio_csv(data, name, f"{name}.csv", pd.Timestamp("2024-06-28"))
        assert (len(found.positions), len(found.errors), len(found.warnings)) == (count, 0, 0)
