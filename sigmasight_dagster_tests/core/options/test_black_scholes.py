"""Black-Scholes-Merton against QuantLib, published examples, and the identities that it must obey."""

import warnings

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.options.black_scholes import black_scholes_merton, intrinsic_value, option_price

# QuantLib analytic European
REFERENCE = """
spot,strike,days,rate,dividend_yield,volatility,type,price,delta,gamma,theta_per_year,vega_per_unit,rho_per_unit
100,100,365,0.05,0,0.2,call,10.4505835722,0.6368306512,0.0187620173,-6.4140275464,37.5240346917,53.2324815454
100,100,365,0.05,0,0.2,put,5.5735260223,-0.3631693488,0.0187620173,-1.6578804239,37.5240346917,-41.8904609047
100,100,30,0.05,0.02,0.25,call,2.9751278395,0.5271311798,0.0554332886,-18.7555398328,11.3904017657,4.0880539841
100,110,90,0.04,0.015,0.3,call,2.6203596584,0.2990541998,0.0232594461,-11.1095718431,17.2056176383,6.7278230929
100,90,90,0.04,0.015,0.3,put,1.8425441432,-0.2044596295,0.0190143451,-7.9716044577,14.0654059677,-5.4957962687
150,120,180,0.045,0.03,0.35,call,33.4476466091,0.8430590815,0.0060736615,-8.7620035860,23.5874388260,45.8685446869
150,180,180,0.045,0.03,0.35,put,33.7819449312,-0.7113989298,0.0089650808,-9.2341668097,34.8164437769,-69.2836197042
50,60,7,0.05,0,0.6,put,9.9658262359,-0.9838692046,0.0097020959,-1.4079788268,0.2791013886,-1.1345616583
400,400,730,0.03,0.013,0.18,put,32.6424126136,-0.3869147675,0.0036897448,-5.9535256057,212.5292978501,-374.8166392416
25,20,45,0,0,0.8,call,5.7581120634,0.8250648168,0.0366985878,-7.3397175530,2.2622417115,1.8331037700
"""
UNITS = {"price": 1.0, "delta": 1.0, "gamma": 1.0, "theta": 1 / 365, "vega": 0.01, "rho": 0.01}

PROPERTY = settings(deadline=None, derandomize=True, max_examples=200)


def contract_of(log_moneyness, **terms):
    return {**terms, "strike": float(terms["spot"] * np.exp(log_moneyness))}


CONTRACT = st.builds(
    contract_of,
    spot=st.floats(1, 1000),
    log_moneyness=st.floats(-0.7, 0.7),
    years=st.floats(0.02, 3),
    rate=st.floats(-0.02, 0.12),
    dividend_yield=st.floats(0, 0.08),
    volatility=st.floats(0.05, 1.5),
    is_call=st.booleans(),
)


@pytest.mark.parametrize("row", REFERENCE.split()[1:])
def test_reference_table(row):
    spot, strike, days, rate, dividend_yield, volatility, kind, *expected = row.split(",")
    contract = [float(text) for text in (spot, strike, days, rate, dividend_yield, volatility)]
    contract[2] /= 365
    values = black_scholes_merton(*contract, kind == "call")
    for name, reference in zip(values._fields, expected, strict=True):
        assert getattr(values, name) == pytest.approx(float(reference) * UNITS[name], abs=1e-9), name


def test_published_examples_of_hull():
    price = option_price(42, 40, 0.5, 0.1, 0, 0.2, [True, False])  # Hull, Example 15.6
    assert price == pytest.approx([4.76, 0.81], abs=0.005)
    values = black_scholes_merton(49, 50, 0.3846, 0.05, 0, 0.2, True)  # Hull, Examples 19.1 to 19.7
    assert values.delta == pytest.approx(0.522, abs=0.0005)
    assert values.theta * 365 == pytest.approx(-4.31, abs=0.005)
    assert values.gamma == pytest.approx(0.066, abs=0.0005)
    assert values.vega == pytest.approx(0.121, abs=0.0005)
    assert values.rho == pytest.approx(0.0891, abs=0.00005)


def quantlib_values(spot, strike, days, rate, dividend_yield, volatility, is_call):
    today = ql.Date(2, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, dividend_yield, count)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count)),
    )
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    option = ql.VanillaOption(payoff, ql.EuropeanExercise(today + int(days)))
    option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    return (
        option.NPV(),
        option.delta(),
        option.gamma(),
        option.theta() / 365,
        option.vega() / 100,
        option.rho() / 100,
    )


def test_quantlib_on_a_random_grid():
    random = np.random.default_rng(20240102)
    n = 300
    spot = random.uniform(5, 800, n)
    grid = (
        spot,
        spot * np.exp(random.normal(0, 0.25, n)),
        random.integers(1, 900, n),
        random.uniform(-0.01, 0.1, n),
        random.uniform(0, 0.06, n),
        np.exp(random.uniform(np.log(0.06), np.log(2), n)),
        random.random(n) < 0.5,
    )
    ours = black_scholes_merton(grid[0], grid[1], grid[2] / 365, *grid[3:])
    theirs = np.array([quantlib_values(*row) for row in np.column_stack(grid).tolist()])
    for name, reference in zip(ours._fields, theirs.T, strict=True):
        np.testing.assert_allclose(getattr(ours, name), reference, rtol=1e-9, atol=1e-11 * 800, err_msg=name)


@PROPERTY
@given(CONTRACT)
def test_put_call_parity(contract):
    call = black_scholes_merton(**{**contract, "is_call": True})
    put = black_scholes_merton(**{**contract, "is_call": False})
    spot, strike, years = contract["spot"], contract["strike"], contract["years"]
    carry, discount = np.exp(-contract["dividend_yield"] * years), np.exp(-contract["rate"] * years)
    close = {"abs": 1e-12 * (spot + strike)}
    assert call.price - put.price == pytest.approx(spot * carry - strike * discount, **close)
    assert call.delta - put.delta == pytest.approx(carry, abs=1e-12)
    assert call.gamma == put.gamma
    assert call.vega == put.vega
    assert call.rho - put.rho == pytest.approx(0.01 * years * strike * discount, abs=1e-12 * strike)
    forward_theta = contract["dividend_yield"] * spot * carry - contract["rate"] * strike * discount
    assert call.theta - put.theta == pytest.approx(forward_theta / 365, **close)


@PROPERTY
@given(CONTRACT)
def test_price_bounds_and_signs(contract):
    values = black_scholes_merton(**contract)
    years = contract["years"]
    spot_part = contract["spot"] * np.exp(-contract["dividend_yield"] * years)
    strike_part = contract["strike"] * np.exp(-contract["rate"] * years)
    sign, bound = (1, spot_part) if contract["is_call"] else (-1, strike_part)
    slack = 1e-13 * (spot_part + strike_part)
    assert max(sign * (spot_part - strike_part), 0) - slack <= values.price <= bound + slack
    assert 0 <= sign * values.delta <= 1
    assert values.gamma >= 0
    assert values.vega >= 0
    assert sign * values.rho >= 0


@PROPERTY
@given(CONTRACT)
def test_greeks_are_the_derivatives_of_the_price(contract):
    values = black_scholes_merton(**contract)
    spot, years = contract["spot"], contract["years"]
    width = contract["volatility"] * np.sqrt(years)

    def slope(name, step, function=option_price):
        up, down = ({**contract, name: contract[name] + sign * step} for sign in (1, -1))
        return (function(**up) - function(**down)) / (2 * step)

    step = 1e-3 * width * spot
    assert values.delta == pytest.approx(slope("spot", step), abs=2e-6)
    gamma = slope("spot", step, lambda **c: black_scholes_merton(**c).delta)
    assert values.gamma * spot * width == pytest.approx(gamma * spot * width, abs=2e-6)
    assert values.vega == pytest.approx(
        0.01 * slope("volatility", 1e-4 * contract["volatility"]), abs=1e-7 * spot
    )
    assert values.theta == pytest.approx(-slope("years", 1e-4 * years) / 365, abs=1e-6 * spot)
    assert values.rho == pytest.approx(0.01 * slope("rate", 1e-5), abs=1e-7 * spot)


@PROPERTY
@given(CONTRACT, st.floats(0.01, 100))
def test_price_is_homogeneous_in_spot_and_strike(contract, factor):
    scaled = {**contract, "spot": factor * contract["spot"], "strike": factor * contract["strike"]}
    close = {"rel": 1e-9, "abs": 1e-12 * scaled["spot"]}
    assert option_price(**scaled) == pytest.approx(factor * option_price(**contract), **close)
    assert black_scholes_merton(**scaled).delta == pytest.approx(
        black_scholes_merton(**contract).delta, abs=1e-9
    )


@PROPERTY
@given(CONTRACT)
def test_price_alone_is_the_same_price(contract):
    assert option_price(**contract) == black_scholes_merton(**contract).price


@pytest.mark.parametrize("years", [0.0, -0.1])
def test_expired_options_are_worth_their_intrinsic_value(years):
    values = black_scholes_merton(
        [120, 80, 100, 120, 80, 100], 100, years, 0.05, 0.02, 0.3, [True] * 3 + [False] * 3
    )
    assert values.price.tolist() == [20, 0, 0, 0, 20, 0]
    assert values.delta.tolist() == [1, 0, 0, 0, -1, 0]
    for name in ("gamma", "theta", "vega", "rho"):
        assert getattr(values, name).tolist() == [0] * 6
    assert intrinsic_value([120, 80, np.nan], 100, [True, False, True]).tolist()[:2] == [20, 20]


@PROPERTY
@given(CONTRACT)
def test_without_volatility_the_price_is_the_limit(contract):
    limit = black_scholes_merton(**{**contract, "volatility": 0.0})
    nearly = option_price(**{**contract, "volatility": 1e-10})
    assert limit.price == pytest.approx(nearly, abs=1e-9 * contract["spot"])
    assert limit.vega == 0
    assert limit.delta in (-1, 0, 1)
    assert (limit.delta == 0) == (limit.price == 0)


def test_missing_and_impossible_inputs_are_nan_without_a_warning():
    good = [100.0, 100.0, 1.0, 0.05, 0.02, 0.2]
    cases = np.tile(good, (6 + 6 + 3, 1))
    cases[np.arange(6), np.arange(6)] = np.nan
    cases[np.arange(6) + 6, np.arange(6)] = np.inf
    cases[12, 0], cases[13, 1], cases[14, 5] = -1, 0, -0.2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = black_scholes_merton(*cases.T, True)
        expired_and_missing = black_scholes_merton(np.nan, 100, 0, 0.05, 0, 0.2, True)
        extreme = black_scholes_merton(1e-300, 1e300, 1e-12, 5, 5, [1e-300, 1e300], True)
    assert np.isnan(np.array(values)).all()
    assert np.isnan(np.array(expired_and_missing)).all()
    assert np.isfinite(extreme.price).all()


def test_one_bad_option_leaves_its_neighbours_alone():
    spot = np.full(20_001, 100.0)
    spot[10_000] = np.nan
    values = black_scholes_merton(spot, 100, 1, 0.05, 0, 0.2, True)
    for value in values:
        assert np.isnan(value).tolist() == np.isnan(spot).tolist()
        assert len(np.unique(value[~np.isnan(value)])) == 1


def test_nullable_and_object_columns():
    calls = pd.Series([True, False, None], dtype="boolean")
    years = pd.Series([365, 365, 365], dtype="Int64") / 365
    strike = pd.Series([100, None, 100], dtype="Float64")
    expected = [pytest.approx(10.4505835722), True, True]
    for flags in (calls, calls.astype(object), calls.to_numpy(dtype=object), [True, False, None]):
        price = option_price(100, strike, years, 0.05, 0, 0.2, flags)
        assert [price[0], *np.isnan(price[1:])] == expected


def test_shapes_broadcast():
    spot = np.linspace(60, 140, 18)[:, None]
    strike = np.linspace(80, 120, 5)
    prices = option_price(spot, strike, 0.5, 0.04, 0.01, 0.3, strike < 100)
    assert prices.shape == (18, 5)
    assert prices[7, 3] == option_price(spot[7, 0], strike[3], 0.5, 0.04, 0.01, 0.3, False)
    assert option_price([], 100, 1, 0.05, 0, 0.2, True).shape == (0,)
    assert black_scholes_merton(100, 100, 1, 0.05, 0, 0.2, True).rho.shape == ()
