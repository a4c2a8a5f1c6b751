"""Cash and the total value over single events, by hand; balances against a loop."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.account.balances import balances
from sigmasight_core.account.cash import IN_PRICE_MARK
from sigmasight_core.account.terms import CashTerms
from sigmasight_core.tables import CorporateActions, TreasuryYields
from sigmasight_dagster_tests.core.account.account_inputs import Account, actions, entry, history
from sigmasight_dagster_tests.core.positions.ledger_inputs import none_of, typed

DAYS = pd.DatetimeIndex(["2022-01-03", "2022-01-04", "2022-01-05", "2022-01-06", "2022-01-07", "2022-01-10"])
CALL = "A220106C00050000"
BOUGHT = (entry(DAYS[1], "deposit", amount=1000.0), entry(DAYS[1], "buy", "A", 10, 50.0))


def account(*rows: Any, closes: Any = (50.0,) * 6, child: Any = None, **more: Any) -> Account:
    prices = {"A": list(closes)} | ({} if child is None else {"CHILD": list(child)})
    return Account(history(*rows), prices, **more)


def totals(made: Account) -> list[float]:
    np.testing.assert_allclose(made.breaks, 0.0, atol=1e-12)
    return made.total.round(9).tolist()


def test_a_sale_at_the_close_leaves_the_total_unchanged() -> None:
    made = account(*BOUGHT, entry(DAYS[3], "sell", "A", 4, 55.0), closes=(50, 50, 52, 55, 55, 55))
    assert totals(made) == [0.0, 1000.0, 1020.0, 1050.0, 1050.0, 1050.0]
    assert made.cash["closing"].tolist() == [0.0, 500.0, 500.0, 720.0, 720.0, 720.0]


def test_an_option_in_the_money_pays_the_session_after_its_last_one() -> None:
    rows = (entry(DAYS[1], "deposit", amount=1000.0), entry(DAYS[1], "buy", CALL, 1, 2.0))
    made = account(*rows, closes=(50, 50, 52, 57, 58, 59))
    assert totals(made)[3:] == [800.0 + 700.0] * 3
    assert made.cash["settlements"].tolist() == [0.0, 0.0, 0.0, 0.0, 700.0, 0.0]
    # what the broker books itself counts on the day, at the broker's price
    booked = account(
        *rows, entry(DAYS[3], "expiry", CALL, 1, 7.0, amount=700.0), closes=(50, 50, 52, 57, 58, 59)
    )
    assert totals(booked)[3:] == [1500.0] * 3
    assert booked.cash["settlements"].tolist() == [0.0, 0.0, 0.0, 700.0, 0.0, 0.0]


def test_an_exercise_delivers_shares_at_the_strike() -> None:
    rows = (entry(DAYS[1], "deposit", amount=6000.0), entry(DAYS[1], "buy", CALL, 1, 2.0))
    ended = entry(DAYS[3], "exercise", CALL, 1, 0.0, amount=0.0)
    shares = entry(DAYS[3], "buy", "A", 100, 50.0)
    made = account(*rows, ended, shares, closes=(50, 50, 52, 57, 58, 58))
    assert totals(made)[3:] == [6000 - 200 + 700.0, 6600.0, 6600.0]


def test_a_dividend_by_the_quantity_before_the_ex_date_restated_and_a_short_pays() -> None:
    events = actions(("2022-01-06", "A", "split", 2.0), ("2022-01-06", "A", "dividend", 0.5))
    closes = (50, 50, 50, 24.5, 24.5, 24.5)
    late = entry(DAYS[3], "buy", "A", 6, 24.5)
    made = account(*BOUGHT, late, closes=closes, corporate_actions=events)
    assert made.cash["dividends"].tolist() == [0, 0, 0, 20 * 0.5, 0, 0]
    assert totals(made) == [0.0] + [1000.0] * 5
    short = account(entry(DAYS[1], "short", "A", 10, 50.0), closes=closes, corporate_actions=events)
    assert short.cash["dividends"].tolist() == [0, 0, 0, -10.0, 0, 0]
    assert totals(short) == [0.0] * 6


def test_a_dividend_that_the_ledger_states_is_not_booked_twice() -> None:
    paid = entry(DAYS[4], "dividend", "A", amount=4.9)
    made = account(*BOUGHT, paid, corporate_actions=actions(("2022-01-06", "A", "dividend", 0.5)))
    assert made.cash["dividends"].tolist() == [0, 0, 0, 0, 4.9, 0]
    assert set(made.cash["dividend_source"]) == {"stated"}


def test_closes_that_hold_the_dividends_say_so() -> None:
    made = account(*BOUGHT, entry(DAYS[4], "sell", "A", 10, 50.0))
    assert set(made.cash["dividend_source"]) == {"booked"}
    prices = made.world.prices.assign(source=f"sample: {IN_PRICE_MARK}")
    said = portfolio(made, prices)["dividend_source"].tolist()
    assert said == ["booked", "in price", "in price", "in price", "booked", "booked"]


def portfolio(made: Account, prices: pd.DataFrame) -> pd.DataFrame:
    from sigmasight_core.account.cash import portfolio_cash

    return portfolio_cash(
        sessions=made.sessions,
        portfolios=pd.DataFrame({"portfolio": ["book"], "margin": [False]}),
        entries=made.entries,
        positions=made.positions,
        prices=prices,
        corporate_actions=made.actions,
        yields=none_of(TreasuryYields),
        terms=CashTerms(),
        max_price_age_days=7,
    )


def test_a_dividend_whose_amount_is_not_known_is_said_ever_after() -> None:
    events = typed(
        CorporateActions,
        [
            {
                "date": DAYS[2],
                "symbol": "A",
                "kind": "dividend",
                "amount": np.nan,
                "source": "t",
                "status": "refused",
            }
        ],
    )
    status = account(*BOUGHT, corporate_actions=events).cash["status"].tolist()
    assert status[:2] == ["ok", "ok"]
    assert set(status[2:]) == {"partial: no amount of a dividend of A"}


def test_a_split_changes_no_value() -> None:
    made = account(
        *BOUGHT, closes=(50, 50, 50, 25, 25, 25), corporate_actions=actions(("2022-01-06", "A", "split", 2.0))
    )
    assert totals(made) == [0.0] + [1000.0] * 5


def test_a_spin_off_moves_value_from_the_parent_to_the_child() -> None:
    received = entry(DAYS[3], "split_off", "CHILD", 5, parent="A")
    made = account(*BOUGHT, received, closes=(50, 50, 50, 40, 40, 40), child=(20,) * 6)
    assert totals(made) == [0.0] + [1000.0] * 5
    assert made.cash["external_flow"].sum() == 1000.0


def test_a_deposit_and_a_transfer_change_value_without_pnl() -> None:
    rows = (entry(DAYS[3], "deposit", amount=300.0), entry(DAYS[4], "transfer_in", "A", 2, 45.0))
    made = account(*BOUGHT, *rows)
    assert totals(made) == [0.0, 1000.0, 1000.0, 1300.0, 1400.0, 1400.0]
    assert made.cash["external_flow"].tolist() == [0.0, 1000.0, 0.0, 300.0, 90.0, 0.0]
    assert made.pnl.tolist() == [0.0, 0.0, 0.0, 0.0, 10.0, 0.0]


def test_a_purchase_beyond_the_cash_is_a_deposit_that_says_so_or_margin() -> None:
    late = entry(DAYS[3], "buy", "A", 14, 50.0)
    made = account(*BOUGHT, late)
    assert made.cash["inferred"].tolist() == [0.0, 0.0, 0.0, 200.0, 0.0, 0.0]
    assert totals(made)[2:] == [1000.0, 1200.0, 1200.0, 1200.0]
    owing = account(*BOUGHT, late, margin=True)
    assert owing.cash["closing"].tolist()[2:] == [500.0, -200.0, -200.0, -200.0]
    assert totals(owing)[2:] == [1000.0] * 4


def test_a_statement_sets_the_balance_and_its_difference_is_a_flow() -> None:
    made = account(*BOUGHT, entry(DAYS[3], "statement", amount=480.0), entry(DAYS[4], "fee", amount=-5.0))
    assert made.cash["adjustment"].tolist() == [0.0, 0.0, 0.0, -20.0, 0.0, 0.0]
    assert totals(made)[2:] == [1000.0, 980.0, 975.0, 975.0]
    assert made.pnl.tolist()[3:] == [0.0, -5.0, 0.0]


def test_a_brokers_rounding_is_a_cost() -> None:
    made = account(entry(DAYS[1], "buy", "A", 0.3333, 150.01, amount=-50.0))
    assert made.cash["fees"].iloc[1] == pytest.approx(0.3333 * 150.01 - 50.0)
    np.testing.assert_allclose(made.breaks, 0.0, atol=1e-12)


def test_cash_earns_the_yield_less_a_spread_and_debt_pays_more() -> None:
    yields = typed(
        TreasuryYields,
        [
            {"date": day, "series": "3M", "yield_percent": 4.0, "source": "t", "status": "ok"}
            for day in DAYS[:4]
        ],
    )
    terms = CashTerms(interest_spread=0.01, borrow_spread=0.02)
    rich = account(entry(DAYS[1], "deposit", amount=36500.0), terms=terms, yields=yields)
    # 3 % over one calendar day, and over a weekend, on what was earned too
    np.testing.assert_allclose(rich.cash["interest"].iloc[2:4], [3.0, 3.0 * (1 + 3 / 36500)])
    assert rich.cash["interest"].iloc[5] == pytest.approx(9.0, rel=1e-3)
    owing = account(entry(DAYS[1], "withdrawal", amount=-36500.0), margin=True, terms=terms, yields=yields)
    np.testing.assert_allclose(owing.cash["interest"].iloc[2], -6.0)
    np.testing.assert_allclose(owing.breaks * 36500, 0.0, atol=1e-6)
    stated = account(
        entry(DAYS[1], "deposit", amount=36500.0),
        entry(DAYS[3], "interest", amount=1.5),
        terms=terms,
        yields=yields,
    )
    assert stated.cash["interest"].tolist() == [0.0, 0.0, 0.0, 1.5, 0.0, 0.0]


def test_a_session_without_a_yield_is_said_where_there_is_interest_on_it() -> None:
    known = typed(
        TreasuryYields,
        [{"date": DAYS[2], "series": "3M", "yield_percent": 4.0, "source": "t", "status": "ok"}],
    )
    paid_in, taken = (
        entry(DAYS[1], kind, amount=amount) for kind, amount in (("deposit", 9.0), ("withdrawal", -9.0))
    )
    lacking = ["ok", "ok"] + ["partial: no 3-month yield for interest on 2022-01-05"] * 4
    earns, pays = CashTerms(interest_spread=0.0), CashTerms(borrow_spread=0.0)
    for row, terms, status in (
        (paid_in, earns, lacking),
        (paid_in, pays, ["ok"] * 6),
        (taken, pays, lacking),
        (taken, earns, ["ok"] * 6),
    ):
        made = account(row, margin=True, terms=terms, yields=known)
        assert made.cash["status"].tolist() == status
        assert (made.cash["interest"] != 0).any() == (status is lacking)


def in_a_loop(flows: Any, stated: Any, margin: Any, rates: Any, borrow: Any) -> list[np.ndarray]:
    closing, inferred, adjustment, interest = (np.zeros(flows.shape) for _ in range(4))
    for column in range(flows.shape[1]):
        owing = margin[column] or (np.nan_to_num(stated[:, column]) < 0).any()
        balance = 0.0
        for row in range(len(flows)):
            interest[row, column] = balance * (rates[row] if balance >= 0 else borrow[row])
            balance += interest[row, column] + flows[row, column]
            if balance < 0 and not owing:
                inferred[row, column], balance = -balance, 0.0
            if not np.isnan(stated[row, column]):
                adjustment[row, column] = stated[row, column] - balance
                balance = stated[row, column]
            closing[row, column] = balance
    return [closing, inferred, adjustment, interest]


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_balances_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (60, 4)
    flows = np.where(rng.random(shape) < 0.4, rng.normal(0, 1000, shape), 0.0)
    stated = np.where(rng.random(shape) < 0.05, rng.normal(500, 800, shape), np.nan)
    margin, rates, borrow = rng.random(4) < 0.4, rng.random(60) * 0.01, rng.random(60) * 0.02
    found = balances(flows, stated=stated, margin=margin, rates=rates[:, None], borrow_rates=borrow[:, None])
    mine = [found.closing, found.inferred, found.adjustment, found.interest]
    for ours, theirs in zip(mine, in_a_loop(flows, stated, margin, rates, borrow), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
