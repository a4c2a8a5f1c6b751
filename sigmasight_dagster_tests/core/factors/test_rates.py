"""Interest-rate betas against statsmodels and simulated truth; P&L of a hand-made book of every kind."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.factors.rates import rate_betas, rate_exposures, wide_yields
from sigmasight_core.tables import RateBetas, RateExposures, TreasuryYields, validate
from sigmasight_core.tables.factors import YIELD_SERIES
from sigmasight_dagster_tests.core.factors.factor_inputs import sessions
from sigmasight_dagster_tests.core.positions.ledger_inputs import World, black_price, ledger, position, typed

NUMBERS = ["beta_per_percentage_point", "std_error", "t_stat", "r_squared"]
TRUTH = {"BOND": (-0.02, -0.16), "BANK": (1.2, 0.04), "STAPLE": (0.6, -0.03)}
NO_YIELDS = "unavailable: sample has no Treasury yields"


class Market:
    """Log returns that follow TRUTH with the 10-year yield, and four yields that move together."""

    def __init__(self, count: int = 300, seed: int = 0, noise: float = 0.01) -> None:
        rng = np.random.default_rng(seed)
        self.sessions = sessions(count)
        self.market = pd.Series(rng.normal(0.0004, 0.011, count), self.sessions)
        common = rng.normal(0, 0.05, (count, 1)) + 1.5 * self.market.to_numpy()[:, None]
        moves = common + rng.normal(0, 0.03, (count, 4))
        self.yields = pd.DataFrame(3 + moves.cumsum(axis=0), self.sessions, list(YIELD_SERIES))
        change = self.yields["10Y"].diff().fillna(0)
        self.symbols = pd.DataFrame(
            {
                name: 0.0001 + b * self.market + c * change + rng.normal(0, noise, count)
                for name, (b, c) in TRUTH.items()
            }
        )

    def betas(self, dates: pd.DatetimeIndex | None = None, **other: object) -> pd.DataFrame:
        asked = self.sessions[-1:] if dates is None else dates
        rows = rate_betas(
            symbol_log_returns=self.symbols,
            market_log_returns=self.market,
            yields=self.yields,
            dates=asked,
            **other,
        )  # type: ignore[arg-type]
        return validate(RateBetas, rows)


def of(rows: pd.DataFrame, symbol: str, series: str = "10Y") -> pd.Series:
    (found,) = [row for _, row in rows[(rows["symbol"] == symbol) & (rows["series"] == series)].iterrows()]
    return found


def fit(market: Market, symbol: str, series: str, end: int, window: int = 252):
    """The same regression by statsmodels, on the sessions of the window that have everything."""
    frame = pd.DataFrame({"y": market.symbols[symbol], "m": market.market, "d": market.yields[series].diff()})
    known = frame.iloc[max(0, end + 1 - window) : end + 1].dropna()
    return sm.OLS(known["y"], sm.add_constant(known[["m", "d"]])).fit()


def assert_equals(row: pd.Series, expected) -> None:
    reference = [expected.params["d"], expected.bse["d"], expected.tvalues["d"], expected.rsquared]
    np.testing.assert_allclose(row[NUMBERS].astype(float), reference, rtol=1e-9)
    assert (row["n_obs"], row["status"]) == (expected.nobs, "ok")


class TestAgainstStatsmodels:
    @pytest.mark.parametrize("series", YIELD_SERIES)
    @pytest.mark.parametrize("symbol", list(TRUTH))
    def test_every_symbol_and_series(self, symbol, series):
        market = Market()
        assert_equals(of(market.betas(), symbol, series), fit(market, symbol, series, 299))

    def test_gaps_of_yields_market_and_symbols_are_left_out_not_filled(self):
        market = Market()
        market.yields.loc[market.sessions[[100, 180, 181]], "10Y"] = np.nan
        market.yields.loc[market.sessions[150], "2Y"] = np.nan
        market.market.iloc[220] = np.nan
        market.symbols.loc[market.sessions[[120, 121, 260]], "BANK"] = np.nan
        market.symbols.loc[market.sessions[:200], "BOND"] = np.nan
        rows = market.betas()
        counts = {("STAPLE", "10Y"): 246, ("BANK", "10Y"): 243, ("BOND", "10Y"): 99, ("STAPLE", "2Y"): 249}
        for (symbol, series), n in counts.items():
            assert_equals(of(rows, symbol, series), fit(market, symbol, series, 299))
            assert of(rows, symbol, series)["n_obs"] == n

    def test_window_and_least_observations_are_arguments(self):
        market = Market()
        assert_equals(of(market.betas(window=90, min_obs=30), "BOND"), fit(market, "BOND", "10Y", 299, 90))
        early = market.betas(market.sessions[[40]], min_obs=30)
        assert_equals(of(early, "BOND"), fit(market, "BOND", "10Y", 40))

    def test_any_batch_of_dates_equals_one_date_at_a_time(self):
        market = Market()
        market.symbols.loc[market.sessions[[230, 270]], "BANK"] = np.nan
        market.yields.loc[market.sessions[[255]], "30Y"] = np.nan
        dates = market.sessions[[70, 250, 251, 252, 299]]
        batch = market.betas(dates)
        single = pd.concat([market.betas(dates[[i]]) for i in range(len(dates))], ignore_index=True)
        pd.testing.assert_frame_equal(batch, single, rtol=1e-12)

    def test_the_market_itself_has_no_rate_beta(self):
        market = Market()
        market.symbols["SPY"] = market.market
        assert abs(of(market.betas(), "SPY")["beta_per_percentage_point"]) < 1e-12


def test_simulated_truth_is_found_within_its_standard_error():
    rows = Market(noise=0.002).betas()
    for symbol, (_, truth) in TRUTH.items():
        row = of(rows, symbol)
        assert abs(row["beta_per_percentage_point"] - truth) < 4 * row["std_error"]
        assert row["std_error"] < 0.004


def test_without_the_market_in_the_regression_a_bank_would_look_longer_of_rates():
    market = Market(noise=0.001)
    alone = sm.OLS(market.symbols["BANK"][-252:], sm.add_constant(market.yields["10Y"].diff()[-252:])).fit()
    assert alone.params["10Y"] > 2 * TRUTH["BANK"][1]
    assert of(market.betas(), "BANK")["beta_per_percentage_point"] == pytest.approx(0.04, abs=0.005)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(-5, 5).filter(lambda x: abs(x) > 0.01), drift=st.floats(-0.01, 0.01))
def test_betas_scale_with_the_symbol_and_ignore_drift_and_level(scale, drift):
    market, changed = Market(count=120), Market(count=120)
    changed.symbols = scale * changed.symbols + drift
    changed.yields = changed.yields + 2
    before, after = market.betas(), changed.betas()
    column = "beta_per_percentage_point"
    np.testing.assert_allclose(after[column], scale * before[column], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(after["r_squared"], before["r_squared"], rtol=1e-7)


class TestMissing:
    def test_no_yields_is_unavailable_with_the_reason_and_never_zero(self):
        market = Market()
        market.yields[:] = np.nan
        given_status = pd.DataFrame(NO_YIELDS, market.sessions, list(YIELD_SERIES))
        rows = market.betas(yield_status=given_status)
        assert len(rows) == 3 * 4
        assert rows[NUMBERS].isna().all(axis=None)
        assert set(rows["status"]) == {NO_YIELDS}
        assert set(rows["n_obs"]) == {0}

    def test_a_reason_that_does_not_say_unavailable_is_made_to(self):
        market = Market()
        market.yields["2Y"] = np.nan
        given_status = pd.DataFrame("ok", market.sessions, list(YIELD_SERIES)).astype("str")
        given_status["2Y"] = "dgs2.csv ends on 2019-01-02"
        rows = market.betas(yield_status=given_status)
        assert of(rows, "BOND", "2Y")["status"] == "unavailable: dgs2.csv ends on 2019-01-02"
        assert of(rows, "BOND", "10Y")["status"] == "ok"

    def test_without_a_reason_the_series_is_named(self):
        market = Market()
        market.yields["30Y"] = np.nan
        market.yields.loc[market.sessions[50:], "3M"] = np.nan
        market.yields["2Y"] = 2.5
        rows = market.betas(market.sessions[-1:])
        assert of(rows, "BOND", "30Y")["status"] == "unavailable: no data of 30Y in the window"
        short = "unavailable: insufficient history of 3M, 2 of 60 observations"
        assert of(rows, "BOND", "3M")["status"] == short
        assert of(rows, "BOND", "2Y")["status"] == "unavailable: 2Y is constant or follows from other factors"

    def test_no_market(self):
        market = Market()
        market.market[:] = np.nan
        assert set(market.betas()["status"]) == {"unavailable: needs the market factor"}

    def test_short_constant_and_absent_symbols(self):
        market = Market()
        market.symbols.loc[market.sessions[:241], "BOND"] = np.nan
        market.symbols["BANK"] = np.nan
        market.symbols["STAPLE"] = 0.0
        rows = market.betas()
        assert rows[NUMBERS].isna().all(axis=None)
        assert of(rows, "BOND")["status"] == "insufficient: 59 of 60 observations"
        assert of(rows, "BANK")["status"] == "insufficient: 0 of 60 observations"
        assert of(rows, "STAPLE")["status"] == "insufficient: constant returns in the window"

    def test_yield_that_stood_still_on_the_symbols_sessions_gives_no_beta(self):
        market = Market()
        market.yields.loc[market.sessions[200:], "10Y"] = 4.0
        market.symbols.loc[market.sessions[:201], "BOND"] = np.nan
        row = of(market.betas(), "BOND")
        assert (
            row["status"] == "insufficient: 10Y does not move apart from the market on the symbol's sessions"
        )
        assert row[NUMBERS].isna().all()

    def test_no_symbols(self):
        market = Market()
        market.symbols = market.symbols[[]]
        assert market.betas().empty


class TestRefused:
    def test_date_sessions_and_series(self):
        market = Market()
        with pytest.raises(InputError, match="2031-01-02"):
            market.betas(pd.DatetimeIndex(["2031-01-02"]))
        with pytest.raises(InputError, match="unknown yield series 5Y"):
            rate_betas(
                symbol_log_returns=market.symbols,
                market_log_returns=market.market,
                yields=market.yields.assign(**{"5Y": 1.0}),
                dates=market.sessions[-1:],
            )
        with pytest.raises(InputError, match="different sessions"):
            rate_betas(
                symbol_log_returns=market.symbols,
                market_log_returns=market.market[1:],
                yields=market.yields,
                dates=market.sessions[-1:],
            )


def test_wide_yields_keep_gaps_and_reasons():
    rows = typed(
        TreasuryYields,
        [
            {"date": "2024-01-02", "series": "10Y", "yield_percent": 3.9, "source": "t", "status": "ok"},
            {"date": "2024-01-03", "series": "10Y", "yield_percent": np.nan, "source": "t", "status": "gone"},
        ],
    )
    days = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04"])
    yields, status = wide_yields(rows, days)
    assert list(yields.columns) == list(YIELD_SERIES)
    assert yields["10Y"].iloc[0] == 3.9
    assert yields.notna().sum().sum() == 1
    assert status.loc["2024-01-03", "10Y"] == "gone"


START = "2024-03-01"
CALL, PUT = "RUT240621C00100000", "RUT240621P00100000"
CALL2, PUT2 = "XSP240621C00050000", "XSP240621P00050000"
QUANTITIES = {"RUT": 100, "XSP": -300, CALL: 4, PUT: 6, CALL2: -5, PUT2: -7}
BETAS = {"RUT": -0.05, "XSP": 0.08}


def book() -> World:
    """Long and short shares and all four kinds of options."""
    rows = [position(name, quantity, 5.0, START) for name, quantity in QUANTITIES.items()]
    return World(ledger(*rows), {"RUT": [100.0, 104.0], "XSP": [50.0, 47.0]}, START)


def known_betas(date: pd.Timestamp, betas: dict[str, float] = BETAS, status: str = "ok") -> pd.DataFrame:
    values = dict.fromkeys(("std_error", "t_stat", "r_squared"), 0.5)
    return typed(
        RateBetas,
        [
            {"date": date, "symbol": s, "series": x, "n_obs": 252, "status": status, **values}
            | {"beta_per_percentage_point": b * (1 + i / 10)}
            for s, b in betas.items()
            for i, x in enumerate(YIELD_SERIES)
        ],
    )


def exposures(world: World, betas: pd.DataFrame, portfolio: str = "book") -> pd.DataFrame:
    date = world.sessions[1]
    values = world.values(world.at(1))
    partitions = pd.DataFrame({"date": [date], "portfolio": [portfolio]})
    return validate(
        RateExposures,
        rate_exposures(
            position_values=values, position_greeks=world.greeks(values), betas=betas, portfolios=partitions
        ),
    )


def delta_dollars(symbol: str, spot: float, world: World) -> float:
    """Delta exposure by a central difference of QuantLib's price."""
    if symbol in BETAS:
        return QUANTITIES[symbol] * spot
    days = (pd.Timestamp("2024-06-21") - world.sessions[1]).days
    strike, is_call = float(symbol[-8:]) / 1000, symbol[-9] == "C"
    up, down = (black_price(spot + h, strike, days, 0.3, is_call) for h in (0.001, -0.001))
    return QUANTITIES[symbol] * 100 * spot * (up - down) / 0.002


class TestExposures:
    def test_long_short_and_four_kinds_of_options_by_hand(self):
        world = book()
        rows = exposures(world, known_betas(world.sessions[1])).set_index("series")
        spots = {"RUT": 104.0, "XSP": 47.0}
        parts = {name: delta_dollars(name, spots[name[:3]], world) * BETAS[name[:3]] for name in QUANTITIES}
        assert [np.sign(parts[name]) for name in QUANTITIES] == [-1, -1, -1, 1, -1, 1]
        for place, series in enumerate(YIELD_SERIES):
            expected = sum(parts.values()) * (1 + place / 10)
            assert rows.loc[series, "pnl_up_100bp_usd"] == pytest.approx(expected, rel=1e-6)
            assert rows.loc[series, "exposure_usd_per_bp"] == pytest.approx(expected / 100, rel=1e-6)
        assert set(rows["n_positions"]) == {6}
        assert set(rows["status"]) == {"ok"}

    def test_what_is_missing_is_named_and_left_out(self):
        world = book()
        rows = exposures(world, known_betas(world.sessions[1], {"RUT": -0.05})).set_index("series")
        expected = sum(delta_dollars(name, 104.0, world) * -0.05 for name in ("RUT", CALL, PUT))
        assert rows.loc["3M", "pnl_up_100bp_usd"] == pytest.approx(expected, rel=1e-6)
        assert rows.loc["3M", "status"] == f"partial: no beta for XSP, {CALL2}, {PUT2}"
        assert rows.loc["3M", "n_positions"] == 3

    def test_without_yields_null_with_the_reason_never_zero(self):
        world = book()
        rows = exposures(
            world, known_betas(world.sessions[1], dict.fromkeys(BETAS, np.nan), status=NO_YIELDS)
        )
        assert rows[["pnl_up_100bp_usd", "exposure_usd_per_bp"]].isna().all(axis=None)
        assert set(rows["status"]) == {NO_YIELDS}

    def test_symbols_that_have_no_row_of_betas(self):
        world = book()
        rows = exposures(world, known_betas(world.sessions[1], {"ZZZ": 1.0}))
        assert rows["pnl_up_100bp_usd"].isna().all()
        assert rows["status"].str.startswith("no beta for RUT, ").all()

    def test_portfolio_without_positions_has_nothing_at_risk(self):
        world = World(ledger(), {"RUT": [100.0, 104.0]}, START)
        rows = exposures(world, known_betas(world.sessions[1]), "empty")
        assert rows["pnl_up_100bp_usd"].tolist() == [0.0] * 4
        assert set(rows["status"]) == {"ok"}
