"""Random accounts: value changes by P&L and flows alone; the cash is that of a plain ledger in a loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.account.performance.returns import daily_returns, linked
from sigmasight_core.calendar import sessions
from sigmasight_dagster_tests.core.account.account_inputs import (
    START,
    Account,
    RandomAccount,
    actions,
    entry,
    history,
)

MOST = settings(max_examples=20, deadline=None, derandomize=True)


@given(seed=st.integers(0, 1 << 32), margin=st.booleans(), physical=st.booleans())
@MOST
def test_value_changes_by_pnl_and_flows_and_cash_is_that_of_a_ledger_in_a_loop(
    seed: int, margin: bool, physical: bool
) -> None:
    plain = RandomAccount(seed, margin=margin)
    account = plain.account()
    np.testing.assert_allclose(account.breaks, 0.0, atol=1e-6)
    cash = account.cash
    np.testing.assert_allclose(cash["closing"], plain.closing, atol=1e-6)
    np.testing.assert_allclose(cash["inferred"], plain.inferred, atol=1e-6)
    parts = ["opening", "trades", "settlements", "dividends", "interest", "fees"]
    moved = cash[[*parts, "external", "adjustment", "inferred"]].sum(axis=1)
    np.testing.assert_allclose(cash["closing"], moved, atol=1e-6)
    np.testing.assert_allclose(cash["opening"].iloc[1:], cash["closing"].iloc[:-1], atol=1e-9)
    if physical:
        np.testing.assert_allclose(plain.account("physical").breaks, 0.0, atol=1e-6)


def test_a_year_of_dividends_is_the_return_of_the_total_return_index() -> None:
    """Dividends that are taken out on the day leave nothing beside the shares."""
    rng = np.random.default_rng(11)
    days = sessions(START, "2023-12-29")[:252]
    closes = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.01, len(days))))
    paid = {int(at): 0.9 for at in (20, 83, 146, 209)}
    for at, amount in paid.items():
        closes[at:] *= 1 - amount / closes[at - 1]
    rows = [entry(days[1], "buy", "A", 100, round(closes[1], 6))]
    rows += [entry(days[at], "withdrawal", amount=-100 * amount) for at, amount in paid.items()]
    events = actions(*((str(days[at].date()), "A", "dividend", amount) for at, amount in paid.items()))
    closes[1] = round(closes[1], 6)
    account = Account(history(*rows), {"A": closes}, events)
    assert account.cash["dividends"].sum() == 100 * 3.6
    daily = daily_returns(
        account.total.to_numpy()[:, None],
        daily_pnl=account.pnl.to_numpy()[:, None],
        external_flow=account.cash["external_flow"].to_numpy()[:, None],
    )
    mine = linked(daily, np.full((len(days), 1), -1)).total[-1, 0]
    income = np.array([paid.get(at, 0.0) for at in range(2, len(days))])
    assert mine == pytest.approx(np.prod((closes[2:] + income) / closes[1:-1]) - 1, abs=1e-12)
    # data vendors adjust the closes before an ex-date by 1 - dividend / close before: to first order the same
    drops = np.array([1 - paid.get(at, 0.0) / closes[at - 1] for at in range(2, len(days))])
    vendors = np.prod(closes[2:] / (closes[1:-1] * drops)) - 1
    assert abs(mine - vendors) < 0.0005
    # kept as cash instead, it drags a little
    kept = Account(history(rows[0]), {"A": closes}, events)
    assert kept.total.iloc[-1] - account.total.iloc[-1] == pytest.approx(360.0)
