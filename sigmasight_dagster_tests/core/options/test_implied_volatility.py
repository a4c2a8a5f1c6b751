"""Implied volatility: exact prices in the wings, round trips, QuantLib, and every refusal in words."""

import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sigmasight_core.options import implied_volatility as module
from sigmasight_core.options.black_scholes import black_scholes_merton, option_price
from sigmasight_core.options.implied_volatility import implied_volatility, quote_price


def exact_normal_cdf(z):
    """N(z) = 1/2 + n(z) (z + z^3/3 + z^5/15 + ...) (Abramowitz and Stegun 26.2.11)."""
    term = total = z
    odd = 1
    while abs(term) > Decimal(10) ** -150:
        odd += 2
        term = term * z * z / odd
        total += term
    two_pi = 2 * Decimal(
        "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803"
    )
    return Decimal("0.5") + (-z * z / 2).exp() * total / two_pi.sqrt()


def exact_price(spot, strike, years, rate, dividend_yield, volatility, is_call):
    """Black-Scholes-Merton in 160 digits; pi is given to 87, enough for 1e-60 prices in 16 digits."""
    with localcontext() as context:
        context.prec = 160
        spot, strike, years, rate, dividend_yield, volatility = map(
            Decimal, (spot, strike, years, rate, dividend_yield, volatility)
        )
        spot_part, strike_part = spot * (-dividend_yield * years).exp(), strike * (-rate * years).exp()
        spread = volatility * years.sqrt()
        d1 = (spot_part / strike_part).ln() / spread + spread / 2
        sign = 1 if is_call else -1
        value = spot_part * exact_normal_cdf(sign * d1) - strike_part * exact_normal_cdf(sign * (d1 - spread))
        return float(sign * value)


@pytest.mark.parametrize(
    ("spot", "strike", "years", "volatility", "is_call"),
    [
        (100.0, 101.0, 1 / 365, 0.15, True),
        (100.0, 150.0, 30 / 365, 0.25, True),  # price 1.4e-8
        (100.0, 60.0, 14 / 365, 0.2, False),  # price 5.5e-40
        (100.0, 180.0, 7 / 365, 0.5, True),  # price 1.2e-17
        (100.0, 130.0, 7 / 365, 0.15, True),  # price 1.9e-37
        (100.0, 20.0, 2.0, 0.35, False),
        (100.0, 1000.0, 2.0, 4.0, True),
        (100.0, 100.0, 2.0, 3.5, False),
        (100.0, 99.0, 1e-4, 0.1, False),
        (100.0, 103.0, 1.0, 0.001, True),
    ],
)
def test_exact_prices_in_the_wings(spot, strike, years, volatility, is_call):
    price = exact_price(spot, strike, years, 0.04, 0.01, volatility, is_call)
    found, status = implied_volatility(price, spot, strike, years, 0.04, 0.01, is_call)
    assert status == "ok"
    assert found == pytest.approx(volatility, rel=1e-9)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    st.floats(1, 2000),
    st.floats(-1.5, 1.5),
    st.floats(1 / 365, 3),
    st.floats(-0.02, 0.12),
    st.floats(0, 0.08),
    st.floats(0.01, 4),
    st.booleans(),
)
def test_round_trip(spot, log_moneyness, years, rate, dividend_yield, volatility, is_call):
    strike = spot * np.exp(log_moneyness)
    values = black_scholes_merton(spot, strike, years, rate, dividend_yield, volatility, is_call)
    rounding = 1e-15 * max(spot, strike) / (100 * float(values.vega) or np.inf)
    assume(0 < rounding < 1e-10 * volatility)
    found, status = implied_volatility(values.price, spot, strike, years, rate, dividend_yield, is_call)
    assert status == "ok"
    assert found == pytest.approx(volatility, rel=1e-9)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.floats(0.001, 0.999), st.floats(-2, 2), st.floats(1 / 365, 3), st.booleans())
def test_every_price_inside_the_bounds_is_reached(share, log_moneyness, years, is_call):
    strike = 100 * np.exp(log_moneyness)
    spot_part, strike_part = 100 * np.exp(-0.01 * years), strike * np.exp(-0.03 * years)
    low = max(0.0, (1 if is_call else -1) * (spot_part - strike_part))
    price = low + share * ((spot_part if is_call else strike_part) - low)
    found, status = implied_volatility(price, 100, strike, years, 0.03, 0.01, is_call)
    assert status == "ok"
    assert option_price(100, strike, years, 0.03, 0.01, found, is_call) == pytest.approx(price, rel=1e-11)


def test_quantlib_implied_deviations():
    random = np.random.default_rng(7)
    n = 500
    forward = random.uniform(20, 500, n)
    strike = forward * np.exp(random.normal(0, 0.3, n))
    years = random.uniform(0.01, 2, n)
    is_call = strike > forward
    price = np.minimum(forward, strike) * np.exp(random.uniform(np.log(1e-6), np.log(0.8), n))
    found, status = implied_volatility(price, forward, strike, years, 0, 0, is_call)
    assert set(status) == {"ok"}
    reference = [
        ql.blackFormulaImpliedStdDev(
            ql.Option.Call if call else ql.Option.Put, k, f, p, 1.0, 0.0, 0.5, 1e-12, 500
        )
        for call, k, f, p in zip(
            is_call.tolist(), strike.tolist(), forward.tolist(), price.tolist(), strict=True
        )
    ]
    np.testing.assert_allclose(found * np.sqrt(years), reference, rtol=1e-8)


def test_refusals_in_words():
    nan = np.nan
    cases = {
        "price": [nan, 5, 5, 5, 0, -1, 4.0, 20.0, 100.0, 130.0, 5],
        "spot": [100, nan, 0, 100, 100, 100, 100, 120, 100, 100, 100],
        "strike": [100, 100, 100, 100, 100, 100, 90, 100, 100, 100, 100],
        "years": [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
        "rate": [0.0] * 11,
        "dividend_yield": [0.0] * 11,
        "is_call": [True] * 11,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, status = implied_volatility(**cases)
    assert status.tolist() == [
        module.MISSING,
        module.MISSING,
        module.IMPOSSIBLE,
        module.EXPIRED,
        module.NO_PRICE,
        module.NO_PRICE,
        module.BELOW_INTRINSIC,
        module.BELOW_INTRINSIC,
        module.ABOVE_BOUND,
        module.ABOVE_BOUND,
        "ok",
    ]
    assert np.isnan(found).tolist() == [True] * 10 + [False]


def test_unknown_kind_is_missing_and_empty_input_is_legal():
    _, status = implied_volatility(10, 100, 100, 1, 0, 0, [True, None])
    assert status.tolist() == ["ok", module.MISSING]
    found, status = implied_volatility([], [], [], [], 0, 0, [])
    assert found.shape == status.shape == (0,)
    found, _ = implied_volatility(np.full((3, 1), 10.0), 100, [90.0, 110.0], 1, 0, 0, False)
    assert found.shape == (3, 2)


def test_one_refused_price_leaves_its_neighbours_alone():
    found, status = implied_volatility([10.0, np.nan, 10.0], 100, 100, 1, 0.05, 0, True)
    assert status.tolist() == ["ok", module.MISSING, "ok"]
    assert found[0] == found[2] == implied_volatility(10.0, 100, 100, 1, 0.05, 0, True)[0]


def test_quote_price():
    nan = np.nan
    price, source = quote_price(
        bid=[1.0, 2.0, 0.0, 1.2, nan, nan, nan],
        ask=[1.2, 2.0, 0.1, 1.0, 1.0, nan, nan],
        last=[9, nan, 0.05, 1.1, 1, 0, nan],
    )
    assert source.tolist() == ["mid", "mid", "last", "last", "last", "none", "none"]
    assert price[:5] == pytest.approx([1.1, 2.0, 0.05, 1.1, 1.0])
    assert np.isnan(price[5:]).all()
