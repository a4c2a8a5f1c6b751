"""Simulated P&L of portfolios, added: the risk of the sum is that of the merged portfolio."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.conventions import OK
from sigmasight_core.risk.groups.vectors import simulated_pnl_rows
from sigmasight_core.risk.parametric.factor_risk import NOT_FINITE
from sigmasight_core.risk.tails import LEVELS, tail_losses, tail_weights
from sigmasight_core.tables import SimulatedPnl, validate
from sigmasight_core.tables.portfolio.simulated import N_SCENARIOS
from sigmasight_dagster_tests.core.risk.risk_inputs import DAY, Holdings, history, mixed
from sigmasight_dagster_tests.core.risk.test_historical_simulation import simulate

HISTORY = history("A", "B", "C")
HISTORY.loc[HISTORY.index[-300:-290], "C"] = np.nan


def merged(*books: Holdings) -> Holdings:
    rows = [row | {"portfolio": "all"} for book in books for row in book.rows]
    return Holdings([row | {"position_id": f"{place:03d}"} for place, row in enumerate(rows)])


@pytest.mark.parametrize("hedge", [-0.7, -0.99, 3.0])
def test_arrays_of_portfolios_add_up_to_the_merged_portfolio(hedge: float) -> None:
    one, other = mixed(), Holdings().hold("A", 100 * hedge, 50.0).hold("B", 30, 120.0)
    total = simulate(one, HISTORY).pnl.astype(float) + simulate(other, HISTORY).pnl
    together = simulate(merged(one, other), HISTORY)
    assert np.isfinite(total).sum() == together.n_obs[0] == 494
    found = tail_losses(total, LEVELS)
    np.testing.assert_allclose(found.value_at_risk, together.value_at_risk, rtol=1e-6)
    np.testing.assert_allclose(found.expected_shortfall, together.expected_shortfall, rtol=1e-6)


def test_the_element_of_a_session_is_the_same_in_every_portfolio() -> None:
    """On the session of a crash each portfolio has its loss, though C has no return on ten others."""
    crash = HISTORY.copy()
    crash.iloc[-50] = -0.2
    for book in (Holdings().hold("A", 10, 50.0), Holdings().hold("C", 10, 50.0), mixed()):
        pnl = simulate(book, crash).pnl[0]
        if book.rows[0]["symbol"] != "A" or len(book.rows) == 1:
            assert np.nanargmin(pnl) == N_SCENARIOS - 50
        gone = np.flatnonzero(np.isnan(pnl))
        expected = [] if len(book.rows) == 1 and book.rows[0]["symbol"] == "A" else range(204, 214)
        assert gone.tolist() == list(expected)


def test_weights_of_the_tail_give_the_expected_shortfall() -> None:
    rng = np.random.default_rng(2)
    pnl = rng.normal(size=(4, 504)).round(1)  # with ties at the quantile
    pnl[1, :200] = np.nan
    weights = tail_weights(pnl, 0.95)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    shortfall = -(weights * np.nan_to_num(pnl)).sum(axis=1)
    np.testing.assert_allclose(shortfall, tail_losses(pnl, (0.95,)).expected_shortfall[:, 0], rtol=1e-10)


def test_rows_are_null_with_a_reason_where_nothing_is_known() -> None:
    pnl = np.ones((4, N_SCENARIOS), dtype=np.float32)
    pnl[1, 3], pnl[2] = np.inf, np.nan
    pnl[3, :7] = np.nan
    rows = validate(
        SimulatedPnl,
        simulated_pnl_rows(
            pd.DataFrame({"date": DAY, "portfolio": list("abcd")}),
            pnl=pnl,
            known=np.array([True, True, False, True]),
            n_obs=np.array([504, 504, 120, 497]),
            status=np.array([OK, OK, "insufficient: 120 of 252 scenarios", OK], dtype=object),
        ),
    )
    assert rows["status"].tolist() == [OK, NOT_FINITE, "insufficient: 120 of 252 scenarios", OK]
    assert rows["pnl"].isna().tolist() == [False, True, True, False]
    assert rows["n_obs"].tolist() == [504, 504, 120, 497]


def test_an_array_of_another_length_is_refused() -> None:
    rows = pd.DataFrame({"date": DAY, "portfolio": ["a"], "pnl": [np.zeros(3)], "n_obs": 3, "status": "ok"})
    with pytest.raises(Exception, match="arrays_have_every_scenario"):
        validate(SimulatedPnl, rows)
