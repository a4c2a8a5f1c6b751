"""Risk-free rates against np.interp on the series that a day has, and the bond-equivalent convention."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.options.risk_free import MATURITIES, RiskFreeRates, continuous_rate
from sigmasight_dagster_tests.core.options.quote_inputs import curve, yields
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN

DAY = "2024-01-12"
YEARS = np.array([0.25, 2.0, 10.0, 30.0])
FLAT = yields(DAY, m3=5.0, y2=5.0, y10=5.0, y30=5.0)
RISING = yields(DAY, m3=5.2, y2=4.4, y10=4.0, y30=4.2)


def at(rates: RiskFreeRates, day: str, *days_to_expiry: int) -> tuple[np.ndarray, list[str]]:
    asked = np.full(len(days_to_expiry), day_numbers([pd.Timestamp(day)])[0])
    found = rates.at(asked, asked + np.array(days_to_expiry))
    applies = np.ones(len(asked), dtype=bool)
    return found.rate, rates.sources(found, asked, applies, "linear").tolist()


def of(*rows: list[dict[str, object]]) -> RiskFreeRates:
    return RiskFreeRates.of(curve(*rows), 0.03, "settings")


def test_two_half_years_at_the_yield_are_a_year_at_the_continuous_rate() -> None:
    assert np.exp(continuous_rate(5.0)) == pytest.approx((1 + 0.05 / 2) ** 2, rel=1e-15)
    assert continuous_rate(0.0) == 0
    assert continuous_rate(-0.5) == pytest.approx(2 * np.log(0.9975), rel=1e-12)


def test_linear_between_the_maturities_and_flat_outside() -> None:
    days = (0, 30, 91, 365, 730, 2190, 3650, 7300, 10950, 20000)
    rate, source = at(of(RISING), DAY, *days)
    percent = np.interp(np.array(days) / 365, YEARS, [5.2, 4.4, 4.0, 4.2])
    np.testing.assert_allclose(rate, 2 * np.log(1 + percent / 200), rtol=1e-14)
    assert set(source) == {"treasury"}
    assert list(MATURITIES.values()) == YEARS.tolist()


def test_a_series_that_is_missing_is_left_out() -> None:
    rows = yields(DAY, m3=NAN, y2=4.4, y10=NAN, y30=4.2)
    rate, _ = at(of(rows), DAY, 30, 3650)
    expected = [4.4, 4.4 + (4.2 - 4.4) * 8 / 28]
    np.testing.assert_allclose(rate, continuous_rate(expected), rtol=1e-14)


def test_yields_are_carried_for_a_week_and_say_so() -> None:
    rates = of(FLAT, yields("2024-01-16", m3=4.0, y2=NAN), yields("2024-01-17", m3=NAN))
    rate, source = at(rates, "2024-01-15", 365)
    assert (rate[0], source) == (continuous_rate(5.0), ["treasury: yields of 2024-01-12"])
    assert at(rates, "2024-01-16", 3650) == (continuous_rate(4.0), ["treasury: extrapolated from 3M"])
    assert at(rates, "2024-01-23", 365)[1] == ["treasury: yields of 2024-01-16, extrapolated from 3M"]
    assert at(rates, "2024-01-23", 91 + 31)[1] == ["treasury: yields of 2024-01-16"]
    assert at(rates, "2024-01-24", 365) == (0.03, ["settings"])
    assert at(rates, "2024-01-11", 365) == (0.03, ["settings"])


@pytest.mark.parametrize(
    ("rows", "days", "name"),
    [
        (yields(DAY, m3=NAN, y2=NAN, y10=4.0, y30=NAN), 38, "10Y"),
        (yields(DAY, m3=NAN, y2=NAN, y10=4.0, y30=NAN), 3618, "10Y"),
        (yields(DAY, m3=NAN, y2=NAN, y10=4.0, y30=NAN), 3619, ""),
        (yields(DAY, m3=NAN, y2=NAN, y10=4.0, y30=NAN), 3681, ""),
        (yields(DAY, m3=NAN, y2=NAN, y10=4.0, y30=NAN), 3682, "10Y"),
        (yields(DAY, m3=NAN, y2=4.4, y10=4.0, y30=4.2), 7, "2Y"),
        (yields(DAY, m3=5.2, y2=4.4, y10=NAN, y30=NAN), 900, "2Y"),
        (yields(DAY, m3=5.2, y2=NAN, y10=4.0, y30=NAN), 1000, ""),
        (RISING, 1, ""),
    ],
)
def test_a_yield_far_from_the_expiry_is_told_as_extrapolated(rows: list, days: int, name: str) -> None:
    assert at(of(rows), DAY, days)[1] == [f"treasury: extrapolated from {name}" if name else "treasury"]


def test_extrapolated_and_carried_rows_beside_others() -> None:
    rates = of(yields(DAY, m3=NAN, y2=NAN, y10=4.0, y30=NAN), yields("2024-01-16", y10=4.1))
    day = day_numbers(pd.to_datetime(["2024-01-15", "2024-01-12", "2024-01-15", "2023-01-01"]))
    expiry = day + np.array([38, 38, 3650, 38])
    texts = rates.sources(rates.at(day, expiry), day, np.ones(4, dtype=bool), "linear").tolist()
    carried = "treasury: yields of 2024-01-12"
    of_day = "treasury: extrapolated from 10Y"
    assert texts == [f"{carried}, extrapolated from 10Y", of_day, carried, "settings"]


def test_without_any_yield_the_settings() -> None:
    assert at(of(), DAY, 365) == (0.03, ["settings"])
    assert at(of(yields(DAY, m3=NAN, y2=NAN, y10=NAN, y30=NAN)), DAY, 365) == (0.03, ["settings"])


def test_rows_to_which_no_rate_applies() -> None:
    rates, day = of(FLAT), day_numbers([pd.Timestamp("2024-01-15"), pd.Timestamp(DAY)])
    found = rates.at(day, day + 10)
    assert rates.sources(found, day, np.array([False, True]), "linear").tolist() == ["linear", "treasury"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.none() | st.floats(-2, 20), min_size=4, max_size=4).filter(
        lambda v: any(x is not None for x in v)
    ),
    st.lists(st.integers(0, 15_000), min_size=1, max_size=8),
)
def test_any_curve_is_that_of_the_series_it_has(percent: list[float | None], days: list[int]) -> None:
    values = dict(zip(("m3", "y2", "y10", "y30"), (NAN if p is None else p for p in percent), strict=True))
    rate, _ = at(of(yields(DAY, **values)), DAY, *days)
    known = [place for place, p in enumerate(percent) if p is not None]
    expected = np.interp(np.array(days) / 365, YEARS[known], [percent[place] for place in known])
    np.testing.assert_allclose(rate, 2 * np.log(1 + expected / 200), rtol=1e-12, atol=1e-15)
