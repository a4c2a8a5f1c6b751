"""American Greeks against central differences of the price."""

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql

from sigmasight_core.options.american.audit import audit_american_greeks
from sigmasight_core.options.american.pricing import american_price, american_values
from sigmasight_dagster_tests.core.options.american.contracts import Sample, finite_difference_prices, sample

CONTRACTS = sample(2000, seed=11)
SPOT, YEARS, RATE, VOLATILITY = 0, 2, 3, 5


def bumped(argument, bump, contracts=CONTRACTS):
    arguments = list(contracts.arguments)
    arguments[argument] = arguments[argument] + bump
    return american_price(*arguments)


def slope(argument, bump):
    return (bumped(argument, bump) - bumped(argument, -bump)) / (2 * bump)


def away_from_the_corners():
    """Not within a bump of the boundary, where gamma jumps, nor at rate 0, where a put's premium begins."""
    below, above = (american_price(*move_spot(share)) == contract_intrinsic(share) for share in (0.99, 1.01))
    return (below == above) & (CONTRACTS.rate != 0) & (CONTRACTS.days > 5)


def move_spot(share):
    return (CONTRACTS.spot * share, *CONTRACTS.arguments[1:])


def contract_intrinsic(share):
    return CONTRACTS._replace(spot=CONTRACTS.spot * share).intrinsic


@pytest.fixture(scope="module")
def values():
    return american_values(*CONTRACTS.arguments)


def test_delta(values):
    difference = np.abs(values.delta - slope(SPOT, 1e-3 * CONTRACTS.spot))
    assert difference[away_from_the_corners()].max() < 2e-3
    assert np.quantile(difference, 0.99) < 2e-4


def test_gamma(values):
    move = 1e-3 * CONTRACTS.spot
    up, down = (american_values(*move_spot(share)).delta for share in (1.001, 0.999))
    difference = np.abs(values.gamma - (up - down) / (2 * move)) * CONTRACTS.spot
    scale = 1 + values.gamma * CONTRACTS.spot
    assert (difference / scale)[away_from_the_corners()].max() < 2e-2
    assert (values.gamma > -1e-9).all()


def test_theta(values):
    bump = 0.05 / 365
    difference = np.abs(values.theta + slope(YEARS, bump) / 365) / CONTRACTS.spot
    assert difference[away_from_the_corners()].max() < 2e-6


def test_vega(values):
    difference = np.abs(values.vega - slope(VOLATILITY, np.full(2000, 1e-4)) / 100) / CONTRACTS.spot
    assert difference.max() < 1e-6


def test_rho(values):
    difference = np.abs(values.rho - slope(RATE, np.full(2000, 1e-4)) / 100) / CONTRACTS.spot
    assert difference[CONTRACTS.rate != 0].max() < 1e-6


def test_black_scholes_merton_equation(values):
    """Where the option is held: theta + (r - q) S delta + sigma^2 S^2 gamma / 2 = r V."""
    held = values.gamma > 0
    spot, rate = CONTRACTS.spot, CONTRACTS.rate
    drift = (rate - CONTRACTS.dividend_yield) * spot * values.delta
    diffusion = 0.5 * (CONTRACTS.volatility * spot) ** 2 * values.gamma
    gap = values.theta * 365 + drift + diffusion - rate * values.price
    assert np.max(np.abs(gap[held]) / spot[held]) < 1e-4


def test_lattice_greeks_against_finite_differences():
    contracts = Sample(*(np.array([value]) for value in (105.0, 100.0, 400, -0.01, -0.03, 0.25, False)))
    values = american_values(*contracts.arguments)
    up, down = (
        finite_difference_prices(contracts._replace(spot=contracts.spot * share))[0] for share in (1.02, 0.98)
    )
    middle = finite_difference_prices(contracts)[0]
    assert values.delta[0] == pytest.approx((up - down) / 4.2, abs=2e-3)
    assert values.gamma[0] == pytest.approx((up - 2 * middle + down) / 2.1**2, rel=2e-2)
    later = finite_difference_prices(contracts._replace(days=contracts.days - 1))[0]
    assert values.theta[0] == pytest.approx(later - middle, abs=1e-3)


def of_the_market(spot, days, rate, dividend_yield, volatility, contracts):
    """Puts of the simulated market at the volatility that their quotes imply, just above the boundary."""
    strikes = np.array(contracts)
    return tuple(
        np.broadcast_to(value, strikes.shape).astype(float)
        for value in (spot, strikes, days / 365, rate, dividend_yield, volatility)
    )


def quantlib_price(arguments, is_call):
    """Prices of the high-precision scheme; time is a year, what grows with it is scaled."""
    today, day_count = ql.Date(1, 1, 2025), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    prices = []
    for spot, strike, years, rate, dividend_yield, volatility in zip(*arguments, strict=True):
        flat = [
            ql.YieldTermStructureHandle(ql.FlatForward(today, value * years, day_count))
            for value in (dividend_yield, rate)
        ]
        level = ql.BlackConstantVol(today, ql.NullCalendar(), volatility * years**0.5, day_count)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)), *flat, ql.BlackVolTermStructureHandle(level)
        )
        kind = ql.Option.Call if is_call else ql.Option.Put
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(today, today + 365)
        )
        option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
        prices.append(option.NPV())
    return np.array(prices)


@pytest.mark.parametrize(
    "arguments",
    [
        (2.751354, 2, 0.022661, 0.015701, [17.812491, 17.58857], [200, 190]),
        (10.157756, 2, 0.022661, 0.02072, [15.751879, 15.656987], [460, 450]),
        (2.920728, 3, 0.022766, 0.01479, 14.6, [200]),
    ],
)
def test_vega_beside_the_boundary_is_that_of_quantlib(arguments):
    """The price steps at the boundary; across it vega was .25 of its natural size for .006."""
    puts = of_the_market(*arguments)
    spot, years = puts[0], puts[2]
    bump = 0.01 * puts[VOLATILITY]
    up, down = (quantlib_price((*puts[:5], puts[5] + by), False) for by in (bump, -bump))
    difference = american_values(*puts, False).vega - (up - down) / (2 * bump) / 100
    assert np.abs(difference / (spot * np.sqrt(years) / 100)).max() < 2e-3


@pytest.mark.parametrize("is_call", [True, False])
def test_the_last_days_near_the_strike_agree_with_the_lattice(is_call):
    grid = np.meshgrid([0.97, 1.0, 1.03], [0.5, 1, 2, 5], [0.1, 0.3, 0.8], [0.0, 0.02, 0.06])
    moneyness, days, volatility, dividend_yield = (axis.ravel() for axis in grid)
    rows = pd.DataFrame({"strike": 100 / moneyness, "days_to_expiry": days, "dividend_yield": dividend_yield})
    rows = rows.assign(
        underlying_price=100.0, risk_free_rate=0.04, implied_volatility=volatility, is_call=is_call
    )
    found = american_values(100.0, rows["strike"], days / 365, 0.04, dividend_yield, volatility, is_call)
    audited = audit_american_greeks(rows.assign(delta=found.delta, theta=found.theta, vega=found.vega))
    assert audited["difference"].max() < 1e-3
