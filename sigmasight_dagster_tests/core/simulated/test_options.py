"""Simulated option quotes: they follow the model, have a smile without arbitrage, and end at expiry."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from sigmasight_core.options.exercise import is_american
from sigmasight_core.options.occ import format_occ, parse_occ
from sigmasight_core.options.pricing import implied_volatility, option_price
from sigmasight_core.simulated.market import SimulatedMarket, simulated_market
from sigmasight_core.simulated.options import CURVE_YEARS, option_quotes, with_neighbours, yield_curve_rate

START, END = pd.Timestamp("2025-01-02"), pd.Timestamp("2025-09-30")


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    return simulated_market(1)


def near_the_money(market: SimulatedMarket, symbol: str, expiry: str, n: int = 10) -> list[str]:
    spot = market.closes([symbol], START, START).close[0, 0]
    step = 5.0 if spot >= 200 else 2.5 if spot >= 25 else 0.5
    strikes = np.round(spot / step) * step + step * np.arange(-n, n + 1)
    return [
        format_occ(symbol, expiry, call, strike) for call in (True, False) for strike in strikes if strike > 0
    ]


def inputs(market: SimulatedMarket, quotes: pd.DataFrame) -> pd.DataFrame:
    """Quotes with what priced them, from the market itself."""
    parsed = parse_occ(quotes["contract"])
    names = sorted(set(parsed["root"]))
    closes = market.closes(names, START, END)
    at = closes.sessions.get_indexer(quotes["date"]), pd.Index(names).get_indexer(parsed["root"])
    spot = closes.close[at]
    years = (parsed["expiry_date"] - quotes["date"]).dt.days / 365
    at = market.factors.sessions.get_indexer(quotes["date"])
    rate = yield_curve_rate(market, at, years.to_numpy())
    paid = parsed["root"].map(lambda root: -4 * np.log1p(-market.parameters([root]).dividend_yield[0] / 4))
    return parsed.assign(spot=spot, years=years, rate=rate, dividend_yield=paid)


@pytest.mark.parametrize("symbol", ["SPY", "TSLA", "AAPL", "VIX"])
def test_the_mid_has_the_stated_volatility(market: SimulatedMarket, symbol: str) -> None:
    quotes = option_quotes(market, near_the_money(market, symbol, "2025-09-19", 4), START, START)
    given = inputs(market, quotes)
    mid = (quotes["bid"] + quotes["ask"]) / 2
    found, status = implied_volatility(
        mid,
        given["spot"],
        given["strike"],
        given["years"],
        given["rate"],
        given["dividend_yield"],
        given["is_call"],
        is_american(quotes["contract"]),
    )
    priced = ((status == "ok") & (quotes["bid"] > 0.2)).to_numpy()
    assert priced.sum() >= 6
    assert_allclose(found[priced], quotes["implied_volatility"][priced], rtol=0.04)
    assert (quotes["bid"] < quotes["ask"]).all()
    assert (quotes["last"].dropna().between(quotes["bid"] - 0.011, quotes["ask"] + 0.011)).all()


@pytest.mark.parametrize("symbol", ["SPY", "JPM", "VIX"])
@pytest.mark.parametrize("expiry", ["2025-01-17", "2025-07-18", "2026-12-18"])
def test_the_smile_has_no_arbitrage(market: SimulatedMarket, symbol: str, expiry: str) -> None:
    contracts = [
        one for one in near_the_money(market, symbol, expiry, 25) if parse_occ(pd.Series([one]))["is_call"][0]
    ]
    quotes = option_quotes(market, contracts, START, START)
    given = inputs(market, quotes).sort_values("strike")
    sigma = quotes["implied_volatility"].loc[given.index]
    terms = (given["spot"], given["strike"], given["years"], given["rate"], given["dividend_yield"])
    calls = option_price(*terms, sigma, True, False)  # European: the density is theirs
    slopes = np.diff(calls) / np.diff(given["strike"])
    assert ((slopes < 1e-12) & (slopes > -1)).all()
    assert (np.diff(slopes) > -1e-9).all()


def test_equities_have_a_skew_and_the_volatility_index_the_opposite(market: SimulatedMarket) -> None:
    for symbol, sign in (("SPY", -1), ("VIX", 1)):
        quotes = option_quotes(market, near_the_money(market, symbol, "2025-04-17", 5), START, START)
        strikes = parse_occ(quotes["contract"])["strike"]
        assert sign * np.corrcoef(strikes, quotes["implied_volatility"])[0, 1] > 0.8


def test_neighbours_are_the_two_nearest_strikes_on_each_side() -> None:
    chain = with_neighbours(["SPY250919C00460000", "F250117P00012300", "AAPL250117C00200000", "no option"])
    strikes = chain.groupby("root")["strike"].apply(list)
    assert strikes["SPY"] == [450, 455, 460, 465, 470]
    assert strikes["F"] == [11.5, 12, 12.3, 12.5, 13]
    assert strikes["AAPL"] == [190, 195, 200, 205, 210]
    assert not chain.loc[chain["root"] == "F", "is_call"].any()


def test_quotes_end_with_the_expiry_and_do_not_depend_on_the_question(market: SimulatedMarket) -> None:
    contracts = ["SPY250919C00460000", "VIX250716C00025000"]
    both = option_quotes(market, contracts, START, END)
    assert both.groupby("underlying")["date"].max().to_dict() == {
        "SPY": pd.Timestamp("2025-09-19"),
        "VIX": pd.Timestamp("2025-07-16"),
    }
    last = both[both["date"] == "2025-07-16"].query("underlying == 'VIX'")
    assert last["implied_volatility"].isna().all()
    assert last["status"].str.startswith("no implied volatility at expiry").all()
    part = option_quotes(
        SimulatedMarket(1), contracts[1:], pd.Timestamp("2025-03-03"), pd.Timestamp("2025-03-14")
    )
    chosen = both[both["underlying"].eq("VIX") & both["date"].between("2025-03-03", "2025-03-14")]
    pd.testing.assert_frame_equal(part, chosen.reset_index(drop=True), check_exact=True)


def test_a_worthless_contract_has_no_trade(market: SimulatedMarket) -> None:
    quotes = option_quotes(market, ["SHY250221C00400000"], START, START)
    assert set(quotes["status"]) == {"no trade: worth less than half a cent"}
    assert (quotes["bid"] == 0).all()
    assert quotes["last"].isna().all()


def test_the_curve_goes_through_its_yields(market: SimulatedMarket) -> None:
    at = np.repeat(2500, len(CURVE_YEARS))
    found = yield_curve_rate(market, at, np.array(list(CURVE_YEARS.values())))
    percent = [market.factors.yields[series][2500] for series in CURVE_YEARS]
    assert_allclose(200 * np.expm1(found / 2), percent)
    assert yield_curve_rate(market, at[:1], np.array([0.01])) == found[0]


def test_no_contract_gives_no_rows(market: SimulatedMarket) -> None:
    assert len(option_quotes(market, [], START, END)) == 0
    assert len(option_quotes(market, ["SPY240119C00460000"], START, END)) == 0
