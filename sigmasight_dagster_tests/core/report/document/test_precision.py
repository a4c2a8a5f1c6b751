"""How numbers are written, against decimal arithmetic on the double itself."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core.report.document.precision import POLICY, PRICE, decimals, kind_of, written


@given(st.floats(-1e15, 1e15), st.sampled_from([*POLICY, PRICE]).filter(lambda kind: "prices" not in kind))
def test_a_number_is_rounded_once_half_to_even(number: float, kind: str) -> None:
    digits = decimals(kind, number)
    expected = Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    text = written(number, kind)
    assert text is not None
    assert Decimal(text) == expected
    assert len(text.partition(".")[2]) == digits
    assert not (text.startswith("-") and Decimal(text) == 0)


@pytest.mark.parametrize("number", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_none(number: float | None) -> None:
    assert written(number, "money") is None


def test_prices_below_a_dollar_keep_their_hundredths_of_a_cent() -> None:
    assert written(0.0125, PRICE) == "0.0125"
    assert written(12.345, PRICE) == "12.35"  # 12.345 is 12.3450000000000006 as a double


@pytest.mark.parametrize(
    ("table", "column", "unit", "kind"),
    [
        ("portfolio_snapshots", "total_value", "USD", "money"),
        ("portfolio_snapshots", "portfolio_theta", "USD per day", "greeks"),
        ("position_greeks", "delta", "USD per USD", "greeks"),
        ("position_values", "quantity", "units", "quantities"),
        ("position_values", "price", "USD", PRICE),
        ("factor_exposures", "beta", "as factor_betas.beta", "factor_exposures"),
        ("rate_betas", "std_error", "per percentage point", "betas"),
        ("portfolio_returns", "beta", "ratio", "betas"),
        ("position_correlations", "correlation", "fraction", "correlations"),
        ("stress_results", "correlated_pnl", "USD", "money"),
        ("risk_contributions", "marginal_var", "USD per exposure", "other"),
        ("risk_measures", "value", "USD", "money"),
        ("risk_measures", "value", "fraction", "other"),
        ("portfolio_returns", "twr_ytd", "fraction", "other"),
    ],
)
def test_what_a_column_is(table: str, column: str, unit: str, kind: str) -> None:
    assert kind_of(table, column, unit) == kind
