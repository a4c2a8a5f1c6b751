"""The gate on P&L explain stops rows whose parts do not add up."""

import pandas as pd
import pytest

from sigmasight_core.tables.pnl import PNL_PARTS
from sigmasight_dagster.gates.pnl import PORTFOLIO_PARTS_SUM, POSITION_PARTS_SUM

NAN = float("nan")


def rows(**changes: float) -> pd.DataFrame:
    """A good row, a row without a P&L, and a row of 100 USD (60 market, 40 specific) with changes."""
    good = dict.fromkeys(PNL_PARTS, 0.0) | {"market_pnl": 60.0, "specific_pnl": 40.0}
    good |= {"daily_pnl": 100.0, "delta_pnl": 100.0}
    return pd.DataFrame([good, dict.fromkeys(good, NAN), good | changes])


@pytest.mark.parametrize("gate", [POSITION_PARTS_SUM, PORTFOLIO_PARTS_SUM])
@pytest.mark.parametrize(
    ("changes", "bad"),
    [
        ({}, []),
        ({"rates_pnl": NAN}, []),
        ({"specific_pnl": 40.0 + 5e-7}, []),
        ({"specific_pnl": 40.0 + 5e-6}, [2]),
        ({"delta_pnl": 90.0}, [2]),
        ({"gamma_pnl": 1.0}, [2]),
    ],
)
def test_parts_must_sum(gate: object, changes: dict[str, float], bad: list[int]) -> None:
    result = gate.evaluate(rows(**changes))  # type: ignore[attr-defined]
    assert (result.passed, list(result.rows)) == (not bad, bad)
    assert gate.blocking  # type: ignore[attr-defined]
    assert result.metadata["rows_with_pnl"] == 2
