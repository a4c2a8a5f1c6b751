"""The audits of Greeks: rows of either style pass, and Greeks of the wrong style do not."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.options.exercise import AMERICAN, EUROPEAN
from sigmasight_core.options.occ import format_occ
from sigmasight_core.options.pricing import option_values
from sigmasight_dagster.gates.positions import (
    AMERICAN_AUDIT_ROWS,
    AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE,
    GREEKS_AGREE_WITH_MIBIAN,
)

GREEKS = ("delta", "gamma", "theta", "vega", "rho")


def greeks(root: str, style: str, *, priced_as_american: bool, n: int = 12) -> pd.DataFrame:
    """Rows of puts in the money, with the Greeks of a style."""
    strikes = np.linspace(100, 130, n)
    inputs = {
        "underlying_price": 100.0,
        "strike": strikes,
        "days_to_expiry": 365,
        "risk_free_rate": 0.05,
        "dividend_yield": 0.01,
        "implied_volatility": 0.15,
    }
    spot, strike, days, rate, dividend, volatility = inputs.values()
    values = option_values(spot, strike, days / 365, rate, dividend, volatility, False, priced_as_american)
    names = [format_occ(root, "2025-06-20", False, round(k)) + "@2024-01-02" for k in strikes]
    frame = pd.DataFrame({"position_id": names, **inputs, "exercise_style": style, "status": "ok"})
    frame["dividend_yield_source"] = "settings"
    frame = frame.assign(date=pd.Timestamp("2024-06-20"), portfolio=[f"p{i // 2}" for i in range(n)])
    return frame.assign(**{name: getattr(values, name) for name in GREEKS})


@pytest.mark.parametrize("style_is_american", [True, False])
def test_each_style_by_its_own_reference(style_is_american: bool) -> None:
    root, style = ("TLT", AMERICAN) if style_is_american else ("XSP", EUROPEAN)
    right = greeks(root, style, priced_as_american=style_is_american)
    wrong = greeks(root, style, priced_as_american=not style_is_american)
    mine, other = AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE, GREEKS_AGREE_WITH_MIBIAN
    if not style_is_american:
        mine, other = other, mine
    passed, failed = mine.evaluate(right), mine.evaluate(wrong)
    assert passed.passed, passed.metadata
    assert passed.metadata["rows_audited"] == len(right)
    assert not failed.passed
    assert len(failed.rows) > len(wrong) / 2
    assert other.evaluate(right).metadata["rows_audited"] == 0


def test_a_missing_greek_fails_and_the_sample_is_bounded() -> None:
    frame = greeks("TLT", AMERICAN, priced_as_american=True)
    frame.loc[3, "vega"] = np.nan
    found = AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE.evaluate(frame)
    assert list(found.rows) == [3]
    many = pd.concat([greeks("TLT", AMERICAN, priced_as_american=True, n=600)], ignore_index=True)
    audited = AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE.evaluate(many).metadata["rows_audited"]
    assert audited == AMERICAN_AUDIT_ROWS


def test_what_is_priced_by_cash_dividends_is_counted_and_not_held_against_a_yield() -> None:
    frame = greeks("TLT", AMERICAN, priced_as_american=True)
    frame.loc[[0, 5], "delta"] = 0.0
    frame.loc[0, "dividend_yield_source"] = "escrowed: dividends of 365 days"
    found = AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE.evaluate(frame)
    assert list(found.rows) == [5]
    assert found.metadata["rows_not_audited_of_cash_dividends"] == 1
