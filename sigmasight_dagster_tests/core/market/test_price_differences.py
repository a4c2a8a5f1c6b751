"""Two sources side by side, by hand."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.market.price_differences import price_differences
from sigmasight_core.tables import PriceDifferences, validate
from sigmasight_dagster.gates.market import PRICES_AGREE_ACROSS_SOURCES

DAY = pd.Timestamp("2024-01-12")


def prices(**closes: float) -> pd.DataFrame:
    frame = pd.DataFrame({"symbol": list(closes), "close": list(closes.values())})
    return frame.assign(date=DAY, source="one", price_date=pd.Timestamp("NaT"))


def test_differences_and_reasons() -> None:
    own = prices(A=101.0, B=100.0, C=np.nan, D=5.0, E=np.nan)
    other = prices(A=100.0, B=100.0, C=7.0, F=1.0)
    rows = validate(
        PriceDifferences, price_differences(prices=own, others=other, other_source="two")
    ).set_index("symbol")
    assert rows["relative_difference"].to_dict() == pytest.approx(
        {"A": 0.01, "B": 0.0, "C": np.nan, "D": np.nan, "E": np.nan}, nan_ok=True
    )
    assert rows["status"].tolist() == [
        "ok", "ok", "a close at two alone", "no close at two", "no close at either",
    ]  # fmt: skip


def test_carried_marks_are_left_out() -> None:
    own = prices(A=1.0).assign(price_date=DAY)
    assert price_differences(prices=own, others=prices(A=2.0), other_source="two").empty


@pytest.mark.parametrize(
    ("other", "passed", "apart", "one_sided"),
    [(100.4, True, 0, 0), (100.6, False, 1, 0), (np.nan, False, 0, 1)],
)
def test_gate(other: float, passed: bool, apart: int, one_sided: int) -> None:
    rows = price_differences(prices=prices(A=100.0), others=prices(A=other), other_source="two")
    result = PRICES_AGREE_ACROSS_SOURCES.evaluate(rows)
    assert result.passed is passed
    assert result.metadata["above_0.5_percent"] == apart
    assert result.metadata["without_one_of_the_closes"] == one_sided


def test_gate_without_a_second_source() -> None:
    empty = price_differences(prices=prices(A=1.0), others=prices(A=1.0), other_source="two").iloc[:0]
    assert PRICES_AGREE_ACROSS_SOURCES.evaluate(empty).inconclusive
