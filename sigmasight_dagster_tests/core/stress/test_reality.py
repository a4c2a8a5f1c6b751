"""Stress against reality: the published figures of the sample, a plain recomputation, and invariants."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.market.returns import to_wide
from sigmasight_core.stress.reality import (
    HISTORIC_WINDOWS,
    SPECIFIC,
    Reality,
    Window,
    equal_weights,
    linear_weights,
    stress_against_reality,
)
from sigmasight_dagster.providers.sample import SampleProvider

STOCKS = [
    "AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO",
    "LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM",
]  # fmt: skip
PROXIES = {"market": "SP500", "value": "VLUE", "momentum": "MTUM", "quality": "QUAL", "size": "SIZE",
           "low_volatility": "USMV"}  # fmt: skip
PRIORS = np.array([0.45, 0.7, 0.7, 0.7, 0.7, 0.7])
CONFIG = FactorModelConfig.default(PROXIES)
LONG_SHORT = pd.DataFrame(
    {"basket": "long_short", "symbol": ["AAPL", "XOM", "GE", "AMD"], "weight": [0.4, 0.2, -0.3, -0.1]}
)


@pytest.fixture(scope="module")
def closes() -> pd.DataFrame:
    provider = SampleProvider()
    first = calendar.shift_sessions("2018-09-20", -252)
    sessions = calendar.sessions(first, "2022-06-16")
    prices = provider.daily_prices([*STOCKS, *PROXIES.values()], first.date(), dt.date(2022, 6, 16))
    return to_wide(prices, sessions)


@pytest.fixture(scope="module")
def reality(closes: pd.DataFrame) -> Reality:
    weights = pd.concat([equal_weights("equal", STOCKS), LONG_SHORT])
    return stress_against_reality(CONFIG, HISTORIC_WINDOWS, weights=weights, adjusted_close_wide=closes)


def of(reality: Reality, basket: str, column: str) -> np.ndarray:
    rows = reality.results[reality.results["basket"] == basket]
    return rows[column].to_numpy()


def in_percent(values: np.ndarray) -> np.ndarray:
    return 100 * values


def test_the_equal_weight_basket_has_the_published_figures(reality: Reality) -> None:
    """Figures of the method's own study of these 20 stocks, in percent; made by other code."""
    np.testing.assert_allclose(in_percent(of(reality, "equal", "realised")), [-19.0, -31.2, -8.0], atol=0.05)
    np.testing.assert_allclose(
        in_percent(of(reality, "equal", "predicted")), [-19.3, -33.6, -17.4], atol=0.05
    )
    np.testing.assert_allclose(in_percent(of(reality, "equal", "original")), [-105, -196, -88], atol=0.5)


def least_squares(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y, rcond=None)[0]


@pytest.mark.parametrize("window", HISTORIC_WINDOWS, ids=lambda window: window.id)
def test_a_window_equals_a_plain_recomputation(
    closes: pd.DataFrame, reality: Reality, window: Window
) -> None:
    """Step by step with numpy.linalg.lstsq, symbol by symbol."""
    start, end = (closes.index.get_loc(pd.Timestamp(date)) for date in (window.start, window.end))
    logs = np.log(closes).diff().iloc[start - 251 : start + 1]
    total = np.log(closes.iloc[end] / closes.iloc[start])
    market = logs["SP500"].to_numpy()
    state, moves = [market], [total["SP500"]]
    for proxy in list(PROXIES.values())[1:]:
        intercept, loading = least_squares(logs[proxy].to_numpy(), market)
        state.append(logs[proxy].to_numpy() - intercept - loading * market)
        moves.append(total[proxy] - loading * moves[0])
    design = np.column_stack([part - part.mean() for part in state])

    predicted, original = {}, {}
    for symbol in STOCKS:
        y = logs[symbol].to_numpy() - logs[symbol].mean()
        ols = np.linalg.lstsq(design, y, rcond=None)[0]
        penalty = ((y - design @ ols) ** 2).sum() / (252 - 6 - 1) * np.diag(PRIORS**-2)
        prior = np.array([1.0, 0, 0, 0, 0, 0])
        beta = np.linalg.solve(design.T @ design + penalty, design.T @ y + penalty @ prior)
        predicted[symbol] = np.exp(beta @ np.array(moves)) - 1
        slopes = [least_squares(logs[symbol].to_numpy(), logs[p].to_numpy())[1] for p in PROXIES.values()]
        original[symbol] = np.array(slopes) @ (np.exp(total[list(PROXIES.values())]) - 1)

    rows = reality.results.set_index(["window", "basket"])
    equal, book = rows.loc[(window.id, "equal")], LONG_SHORT.set_index("symbol")["weight"]
    assert equal["predicted"] == pytest.approx(np.mean(list(predicted.values())), rel=1e-9)
    assert equal["original"] == pytest.approx(np.mean(list(original.values())), rel=1e-9)
    mixed = rows.loc[(window.id, "long_short")]
    assert mixed["predicted"] == pytest.approx(sum(book[s] * predicted[s] for s in book.index), rel=1e-9)
    realised = closes.iloc[end] / closes.iloc[start] - 1
    assert mixed["realised"] == pytest.approx((book * realised[book.index]).sum(), rel=1e-12)


def test_contributions_sum_to_what_happened(reality: Reality) -> None:
    rows = reality.contributions
    by = [rows["window"], rows["basket"]]
    results = reality.results.set_index(["window", "basket"])
    total = rows["contribution"].groupby(by).sum()
    np.testing.assert_allclose(total, results["realised"].reindex(total.index), atol=1e-14)
    factors = rows["contribution"].where(rows["factor"] != SPECIFIC, 0.0).groupby(by).sum()
    np.testing.assert_allclose(factors, results["predicted"].reindex(factors.index), atol=1e-14)
    specific = reality.holdings.groupby(["window", "basket"])["specific_contribution"].sum()
    miss = results["realised"] - results["predicted"]
    np.testing.assert_allclose(specific, miss.reindex(specific.index), atol=1e-14)


def test_the_market_itself_is_predicted_exactly(closes: pd.DataFrame) -> None:
    found = stress_against_reality(
        CONFIG, HISTORIC_WINDOWS, weights=equal_weights("market", ["SP500"]), adjusted_close_wide=closes
    ).results
    np.testing.assert_allclose(found["predicted"], found["realised"], atol=1e-9)
    assert (found["specific_sigma"] < 1e-6).all()


def test_nothing_of_the_window_is_in_the_estimates(closes: pd.DataFrame, reality: Reality) -> None:
    window = HISTORIC_WINDOWS[0]
    changed = closes.copy()
    inside = (changed.index > pd.Timestamp(window.start)) & (changed.index < pd.Timestamp(window.end))
    changed.loc[inside] *= np.random.default_rng(5).uniform(0.5, 2.0, changed.loc[inside].shape)
    again = stress_against_reality(
        CONFIG, [window], weights=equal_weights("equal", STOCKS), adjusted_close_wide=changed
    ).results
    assert again["predicted"].iloc[0] == pytest.approx(of(reality, "equal", "predicted")[0], rel=1e-12)


def test_a_window_does_not_depend_on_the_others(closes: pd.DataFrame, reality: Reality) -> None:
    alone = stress_against_reality(
        CONFIG, HISTORIC_WINDOWS[1:2], weights=LONG_SHORT, adjusted_close_wide=closes
    ).results
    for column in ("realised", "predicted", "predicted_first_order", "specific_sigma", "original"):
        assert alone[column].iloc[0] == pytest.approx(of(reality, "long_short", column)[1], rel=1e-12)


def test_unavailable_factors_are_named(reality: Reality) -> None:
    assert set(reality.results["status"]) == {"partial: growth, rates unavailable"}
    lost = reality.contributions[reality.contributions["factor"].isin(["growth", "rates"])]
    assert lost[["move", "state_move", "beta", "contribution"]].isna().all().all()


def test_rates_enter_with_the_move_of_the_yield(closes: pd.DataFrame) -> None:
    rng = np.random.default_rng(11)
    yields = pd.Series(2 + rng.normal(0, 0.05, len(closes)).cumsum(), index=closes.index)
    config = FactorModelConfig.default({**PROXIES, "rates": "10Y"})
    found = stress_against_reality(
        config, HISTORIC_WINDOWS, weights=LONG_SHORT, adjusted_close_wide=closes, yields_10y=yields
    )
    moves = found.contributions[found.contributions["factor"] == "rates"]["move"].to_numpy()
    expected = [yields.loc[str(w.end)] - yields.loc[str(w.start)] for w in HISTORIC_WINDOWS]
    np.testing.assert_allclose(moves, expected, rtol=1e-12)
    assert set(found.results["status"]) == {"partial: growth unavailable"}


def test_a_basket_with_a_hole_is_unavailable_with_the_reason(closes: pd.DataFrame) -> None:
    broken = closes.copy()
    broken.loc["2020-02-19", "XOM"] = np.nan
    broken.loc[:"2018-08-15", "KO"] = np.nan
    weights = pd.concat(
        [
            equal_weights("hole", ["XOM", "AAPL"]),
            equal_weights("young", ["KO", "AAPL"]),
            equal_weights("unknown", ["NOPE"]),
            equal_weights("whole", ["AAPL", "MSFT"]),
        ]
    )
    rows = stress_against_reality(
        CONFIG, HISTORIC_WINDOWS, weights=weights, adjusted_close_wide=broken
    ).results
    found = rows.set_index(["basket", "window"])["status"]
    assert found["hole", "covid_crash_2020"] == "unavailable: XOM: no price on 2020-02-19"
    assert found["young", "selloff_2018"] == "unavailable: KO: 24 of 60 returns before 2018-09-20"
    assert found["unknown", "selloff_2018"] == "unavailable: NOPE: no price on 2018-09-20"
    assert found["young", "covid_crash_2020"].startswith("partial")
    assert found["whole"].str.startswith("partial").all()
    numbers = ["realised", "predicted", "predicted_first_order", "specific_sigma", "original"]
    unavailable = rows["status"].str.startswith("unavailable")
    assert rows.loc[unavailable, numbers].isna().all().all()
    assert rows.loc[~unavailable, numbers].notna().all().all()


def test_without_a_market_all_is_unavailable(closes: pd.DataFrame) -> None:
    rows = stress_against_reality(
        CONFIG, HISTORIC_WINDOWS, weights=LONG_SHORT, adjusted_close_wide=closes.drop(columns="SP500")
    ).results
    assert rows["status"].str.contains("no market move: unavailable: no data of SP500").all()
    assert rows["predicted"].isna().all()


def test_weights_of_a_portfolio_are_its_linear_exposures() -> None:
    values = pd.DataFrame(
        [
            ("p", "AAPL", "LONG", 10.0, 600.0),
            ("p", "AAPL", "LONG", 5.0, 300.0),
            ("p", "GE", "SHORT", -5.0, -100.0),
            ("p", "AAPL230120C00150000", "LC", 2.0, 5_000.0),
            ("p", "AAPL230120P00150000", "SP", -2.0, -5_000.0),
            ("p", "XOM", "LONG", 0.0, 0.0),
            ("unpriced", "ZZZ", "LONG", 1.0, np.nan),
            ("options", "AAPL230120P00150000", "LP", 2.0, 10.0),
        ],
        columns=["portfolio", "symbol", "position_type", "quantity", "exposure"],
    )
    weights = linear_weights(values).set_index(["basket", "symbol"])["weight"]
    assert weights["p"].to_dict() == pytest.approx({"AAPL": 0.9, "GE": -0.1})
    assert np.isnan(weights["unpriced", "ZZZ"])
    assert "options" not in weights.index.get_level_values("basket")


def test_an_unpriced_portfolio_says_so(closes: pd.DataFrame) -> None:
    weights = pd.DataFrame({"basket": "p", "symbol": ["AAPL", "GE"], "weight": np.nan})
    rows = stress_against_reality(
        CONFIG, HISTORIC_WINDOWS, weights=weights, adjusted_close_wide=closes
    ).results
    assert rows["status"].str.contains("AAPL: no exposure in its portfolio").all()
    assert rows["realised"].isna().all()


def test_bad_input_is_refused(closes: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="swap them"):
        Window("w", "w", dt.date(2020, 3, 23), dt.date(2020, 2, 19))
    with pytest.raises(InputError, match="twice"):
        stress_against_reality(
            CONFIG, HISTORIC_WINDOWS, weights=pd.concat([LONG_SHORT, LONG_SHORT]), adjusted_close_wide=closes
        )
    late = Window("w", "w", dt.date(2022, 1, 3), dt.date(2023, 1, 3))
    with pytest.raises(InputError, match="2023-01-03"):
        stress_against_reality(CONFIG, [late], weights=LONG_SHORT, adjusted_close_wide=closes)
