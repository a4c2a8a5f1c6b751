"""Random accounts: value changes by P&L and flows alone; the cash is that of a plain ledger in a loop."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_dagster_tests.core.account.account_inputs import RandomAccount

MOST = settings(max_examples=20, deadline=None, derandomize=True)


@given(seed=st.integers(0, 1 << 32), margin=st.booleans())
@MOST
def test_value_changes_by_pnl_and_flows_alone(seed: int, margin: bool) -> None:
    account = RandomAccount(seed, margin=margin).account()
    np.testing.assert_allclose(account.breaks, 0.0, atol=1e-6)


@given(seed=st.integers(0, 1 << 32), margin=st.booleans())
@MOST
def test_cash_is_that_of_a_ledger_in_a_loop(seed: int, margin: bool) -> None:
    plain = RandomAccount(seed, margin=margin)
    cash = plain.account().cash
    np.testing.assert_allclose(cash["closing"], plain.closing, atol=1e-6)
    np.testing.assert_allclose(cash["inferred"], plain.inferred, atol=1e-6)
    parts = ["opening", "trades", "settlements", "dividends", "interest", "fees"]
    moved = cash[[*parts, "external", "adjustment", "inferred"]].sum(axis=1)
    np.testing.assert_allclose(cash["closing"], moved, atol=1e-6)
    np.testing.assert_allclose(cash["opening"].iloc[1:], cash["closing"].iloc[:-1], atol=1e-9)
