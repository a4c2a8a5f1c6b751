"""Options that settle in shares: value before and after by hand, the lots, and what pays cash instead."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.account.delivery.due import settled_options
from sigmasight_core.account.delivery.lots import with_deliveries
from sigmasight_core.account.entries import DELIVERED
from sigmasight_dagster_tests.core.account.account_inputs import (
    Account,
    actions,
    entry,
    history,
)

DAYS = pd.DatetimeIndex(["2022-01-03", "2022-01-04", "2022-01-05", "2022-01-06", "2022-01-07", "2022-01-10"])
CALL, PUT = "A220106C00050000", "A220106P00050000"
MONEY = entry(DAYS[1], "deposit", amount=10_000.0)
UP, DOWN = (50, 50, 52, 57, 57, 59), (50, 50, 48, 43, 43, 41)


def account(*rows: Any, closes: Any = UP, **more: Any) -> Account:
    made = Account(history(MONEY, *rows), {"A": list(closes)}, settlement="physical", **more)
    np.testing.assert_allclose(made.breaks, 0.0, atol=1e-12)
    return made


def shares_of(made: Account, day: pd.Timestamp) -> dict[str, float]:
    rows = made.values[(made.values["date"] == day) & made.values["position_type"].isin(["LONG", "SHORT"])]
    return {
        name: float(size) for name, size in zip(rows["position_id"], rows["quantity"], strict=True) if size
    }


@pytest.mark.parametrize(
    ("opened", "closes", "kind", "shares"),
    [
        (entry(DAYS[1], "buy", CALL, 1, 2.0), UP, "exercise", 100.0),
        (entry(DAYS[1], "short", CALL, 1, 2.0), UP, "assignment", -100.0),
        (entry(DAYS[1], "buy", PUT, 1, 2.0), DOWN, "exercise", -100.0),
        (entry(DAYS[1], "short", PUT, 1, 2.0), DOWN, "assignment", 100.0),
    ],
)
def test_an_option_in_the_money_turns_into_its_shares_at_the_strike(
    opened: dict[str, Any], closes: Any, kind: str, shares: float
) -> None:
    made = account(opened, closes=closes)
    last, after = DAYS[3], DAYS[4]
    side = 1 if opened["kind"] == "buy" else -1
    # the option is worth 7 a share, 2 were paid; the share closes unchanged
    assert made.total[after] == made.total[last] == 10_000 + side * 500
    assert made.cash.loc[after, "closing"] == 10_000 - side * 200 - shares * 50
    assert made.total[DAYS[5]] == made.total[after] + shares * (closes[5] - closes[4])
    assert made.cash.loc[after, "trades"] == -shares * 50.0
    assert (made.cash["settlements"] == 0).all()
    option = opened["symbol"]
    lot = f"A@2022-01-07/{option}@2022-01-04"
    assert shares_of(made, last) == {}
    assert shares_of(made, after) == shares_of(made, DAYS[5]) == {lot: shares}
    rows = made.delivered.transactions.set_index("kind")
    assert rows.loc[kind, ["symbol", "quantity", "price", "amount"]].tolist() == [option, 1.0, 0.0, 0.0]
    traded = rows.loc["buy" if shares > 0 else "short"]
    assert traded[["symbol", "quantity", "price", "amount"]].tolist() == ["A", 100.0, 50.0, -50 * shares]
    assert set(rows["date"]) == {after}
    assert set(rows["inferred"]) == {f"{DELIVERED}: {option} was in the money at the close of 2022-01-06"}
    value = made.values.set_index(["position_id", "date"]).loc[f"{option}@2022-01-04"]
    assert value.loc[last, ["price_source", "status"]].tolist() == ["intrinsic", "ok"]
    done = "exercised" if kind == "exercise" else "assigned"
    assert value.loc[after, "status"] == f"closed: {done}, its shares change hands at the strike"


def test_shares_that_are_held_are_delivered_first_in_first_out() -> None:
    """100 of 150 shares go, the rest stays the lot that it was; what is not held is sold short."""
    bought = (entry(DAYS[1], "buy", "A", 30, 50.0), entry(DAYS[2], "buy", "A", 120, 52.0, note="core"))
    made = account(*bought, entry(DAYS[1], "short", CALL, 1, 2.0))
    after = DAYS[4]
    assert shares_of(made, DAYS[3]) == {"A@2022-01-04": 30.0, "A@2022-01-05": 120.0}
    assert shares_of(made, after) == {"A@2022-01-05": 50.0}
    closed = made.values[(made.values["date"] == after) & (made.values["quantity"] == 0)]
    assert set(closed["position_id"]) == {
        "A@2022-01-04",
        "A@2022-01-05/2022-01-07",
        "A220106C00050000@2022-01-04",
    }
    parts = closed.set_index("position_id")["realized_pnl"]
    assert sorted(parts) == [-140.0, 0.0, 200.0]  # 70 that were bought at 52, and the premium
    greeks = made.world.greeks(made.values).set_index(["position_id", "date"])["position_delta"]
    assert greeks["A@2022-01-05", DAYS[3]] == 120.0
    assert greeks["A@2022-01-05", after] == 50.0
    short = account(entry(DAYS[1], "buy", "A", 40, 50.0), entry(DAYS[1], "short", CALL, 1, 2.0))
    assert shares_of(short, after) == {"A@2022-01-07/A220106C00050000@2022-01-04": -60.0}
    kinds = short.delivered.transactions[["kind", "quantity"]].to_numpy().tolist()
    assert kinds == [["assignment", 1.0], ["sell", 40.0], ["short", 60.0]]
    covered = account(entry(DAYS[1], "short", "A", 40, 50.0), entry(DAYS[1], "buy", CALL, 1, 2.0))
    assert list(shares_of(covered, after).values()) == [60.0]


def test_a_lot_keeps_its_notes_when_a_part_of_it_is_delivered() -> None:
    rows = history(MONEY, entry(DAYS[1], "buy", "A", 150, 50.0), entry(DAYS[1], "short", CALL, 1, 2.0))
    made = Account(rows, {"A": list(UP)})
    lots = made.positions.assign(notes=made.positions["symbol"].map({"A": "kept"}))
    said = pd.DataFrame({"portfolio": ["book"], "settlement": ["physical"]})
    settled = with_deliveries(
        positions=lots,
        options=settled_options(positions=lots, portfolios=said, until=DAYS[5]),
        prices=made.world.prices,
        corporate_actions=made.actions,
    ).positions
    notes = settled.set_index(["symbol", "quantity"])["notes"]
    assert notes.dropna().to_dict() == {("A", 100.0): "kept", ("A", 50.0): "kept"}


def test_delivered_shares_are_delivered_on() -> None:
    """The shares of a put that was assigned go with the call a session later; a lot that a sale ends is not
    touched."""
    rows = (
        entry(DAYS[1], "short", "A220105P00060000", 1, 9.0),
        entry(DAYS[1], "short", "A220107C00055000", 1, 1.0),
        entry(DAYS[1], "buy", "A", 10, 50.0),
        entry(DAYS[5], "sell", "A", 10, 59.0),
    )
    made = account(*rows)
    assert list(shares_of(made, DAYS[3]).values()) == [10.0, 100.0]
    assert shares_of(made, DAYS[5]) == {}
    assert made.cash["trades"].tolist()[3:] == [-6000.0, 0.0, 5500.0 + 590.0]


@pytest.mark.parametrize(
    ("rows", "more", "status", "pays"),
    [
        ((entry(DAYS[1], "buy", CALL, 1, 2.0),), {"closes": (50, 50, 52, 50, 50, 50)}, "expired", 0.0),
        (
            (entry(DAYS[1], "buy", CALL, 1, 2.0),),
            {"closes": (50, 50, 52, np.nan, 57, 57)},
            "expired: settled at the close of 2022-01-05: settled in cash: no close of its last session",
            200.0,
        ),
        (
            (entry(DAYS[1], "buy", CALL, 1, 2.0),),
            {"corporate_actions": actions(("2022-01-05", "A", "distribution", 1.1))},
            "expired: settled in cash: a distribution adjusted the contract",
            700.0,
        ),
    ],
)
def test_what_delivers_nothing_says_why(rows: Any, more: Any, status: str, pays: float) -> None:
    made = account(*rows, **more)
    last = made.values[made.values["date"] == DAYS[3]].iloc[0]
    assert last["status"] == status
    assert made.delivered.transactions.empty
    assert made.cash["settlements"].tolist() == [0.0, 0.0, 0.0, 0.0, pays, 0.0]


def test_an_index_option_pays_cash_whatever_the_owner_prefers() -> None:
    made = Account(
        history(MONEY, entry(DAYS[1], "buy", "XSP220106C00050000", 1, 2.0)),
        {"XSP": list(UP)},
        settlement="physical",
    )
    assert made.cash["settlements"].sum() == 700.0
    last = made.values[made.values["date"] == DAYS[3]].iloc[0]
    assert last["status"] == "expired: settled in cash: an index option"


@pytest.mark.parametrize("day", ["2022-01-05", "2022-01-07"])
def test_a_split_between_entry_and_delivery_changes_no_value(day: str) -> None:
    at = DAYS.get_loc(day)
    closes = [close / (2.0 if i >= at else 1.0) for i, close in enumerate(UP)]
    made = account(
        entry(DAYS[1], "buy", CALL, 1, 2.0),
        closes=closes,
        corporate_actions=actions((day, "A", "split", 2.0)),
    )
    assert made.total.tolist() == account(entry(DAYS[1], "buy", CALL, 1, 2.0)).total.tolist()
    assert list(shares_of(made, DAYS[4]).values()) == [200.0]
    assert made.cash.loc[DAYS[4], "trades"] == -5000.0


def test_who_exercises_has_the_dividend_of_the_next_session() -> None:
    events = actions(("2022-01-07", "A", "dividend", 1.0))
    made = account(entry(DAYS[1], "buy", CALL, 1, 2.0), corporate_actions=events)
    assert made.cash["dividends"].tolist() == [0.0, 0.0, 0.0, 0.0, 100.0, 0.0]
    rows = (entry(DAYS[1], "buy", "A", 100, 50.0), entry(DAYS[1], "short", CALL, 1, 2.0))
    assert (account(*rows, corporate_actions=events).cash["dividends"] == 0).all()


def test_rows_of_a_date_do_not_depend_on_later_deliveries() -> None:
    """A lot is one row until a part of it is delivered, whether or not later closes are known."""
    rows = (
        entry(DAYS[1], "buy", "A", 150, 50.0),
        entry(DAYS[1], "short", "A220105C00050000", 1, 2.0),
        entry(DAYS[1], "short", CALL, 1, 2.0),
    )
    made = account(*rows)
    assert [len(shares_of(made, day)) for day in DAYS[2:]] == [1, 1, 1, 1]
    assert list(shares_of(made, DAYS[3]).items()) == [("A@2022-01-04", 50.0)]
    for until in DAYS[2:]:
        again = Account(history(MONEY, *rows), {"A": list(UP)})
        again._deliver(history(MONEY, *rows), until)
        dates = DAYS[(DAYS[0] < DAYS) & (until >= DAYS)]
        expected = made.values[made.values["date"] <= until].reset_index(drop=True)
        pd.testing.assert_frame_equal(again.world.values(dates), expected)


def test_a_ledger_without_such_options_is_as_it_was() -> None:
    made = Account(history(MONEY, entry(DAYS[1], "buy", CALL, 1, 2.0)), {"A": list(UP)})
    said = pd.DataFrame({"portfolio": ["book"], "settlement": ["physical"]})
    early = settled_options(positions=made.positions, portfolios=said, until=DAYS[2])
    assert early.empty
    found = with_deliveries(
        positions=made.positions,
        options=early,
        prices=made.world.prices,
        corporate_actions=made.actions,
    )
    pd.testing.assert_frame_equal(found.positions[made.positions.columns], made.positions)
