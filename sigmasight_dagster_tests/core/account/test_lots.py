"""Lots: which opening a closing closes, by rule, over splits, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.account.entries import entries
from sigmasight_core.account.gains import average_costs, realized_gains
from sigmasight_core.account.lots import LotRule, oversold, pieces, positions
from sigmasight_core.account.netting import netted
from sigmasight_core.account.positions_file import positions_of, transactions_of
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import parse_portfolio_csv
from sigmasight_core.tables import CorporateActions, Positions, Transactions, validate
from sigmasight_dagster_tests.core.account.account_inputs import actions, entry, history
from sigmasight_dagster_tests.core.positions.ledger_inputs import none_of

NONE = none_of(CorporateActions)
CALL = "AAPL220318C00060000"


def lots(transactions: pd.DataFrame, rule: LotRule = "fifo", splits: pd.DataFrame = NONE) -> list[tuple]:
    """Quantity, entry price, exit price (None = open) of each lot."""
    read = entries(transactions, corporate_actions=splits)
    rows = validate(Positions, positions(read, pieces(read, rule)))
    exits = rows["exit_price"].astype(object).where(rows["exit_price"].notna(), None)
    return list(zip(rows["quantity"], rows["entry_price"], exits, strict=True))


THREE = (
    entry("2022-03-01", "buy", "A", 10, 50.0),
    entry("2022-03-02", "buy", "A", 10, 70.0),
    entry("2022-03-03", "buy", "A", 10, 60.0),
)


def test_first_in_first_out_splits_a_lot() -> None:
    found = lots(history(*THREE, entry("2022-03-04", "sell", "A", 15, 80.0)))
    assert sorted(found, key=str) == sorted(
        [(10.0, 50.0, 80.0), (5.0, 70.0, 80.0), (5.0, 70.0, None), (10.0, 60.0, None)], key=str
    )


def test_highest_cost_first() -> None:
    found = lots(history(*THREE, entry("2022-03-04", "sell", "A", 15, 80.0)), "highest")
    assert sorted(found, key=str) == sorted(
        [(10.0, 70.0, 80.0), (5.0, 60.0, 80.0), (5.0, 60.0, None), (10.0, 50.0, None)], key=str
    )


def test_a_lot_that_is_named_is_closed() -> None:
    named = entry("2022-03-04", "sell", "A", 4, 80.0, lot="A@2022-03-03")
    later = entry("2022-03-07", "sell", "A", 12, 81.0)
    found = lots(history(*THREE, named, later))
    assert sorted(found, key=str) == sorted(
        [(4.0, 60.0, 80.0), (6.0, 60.0, None), (10.0, 50.0, 81.0), (2.0, 70.0, 81.0), (8.0, 70.0, None)],
        key=str,
    )
    with pytest.raises(InputError, match="lot A@2022-03-03 holds less than the 14"):
        lots(history(*THREE, named | {"quantity": 14.0}))


def test_a_sale_after_a_split_closes_shares_of_the_entry() -> None:
    split = actions(("2022-03-04", "A", "split", 2.0))
    found = lots(history(*THREE[:1], entry("2022-03-04", "sell", "A", 5, 30.0)), splits=split)
    assert sorted(found, key=str) == sorted([(2.5, 50.0, 30.0), (7.5, 50.0, None)], key=str)


def test_shorts_are_matched_apart_from_longs() -> None:
    rows = (
        entry("2022-03-01", "buy", "A", 10, 50.0),
        entry("2022-03-01", "short", "A", 4, 50.0),
        entry("2022-03-02", "cover", "A", 3, 45.0),
        entry("2022-03-02", "sell", "A", 10, 55.0),
    )
    assert sorted(lots(history(*rows)), key=str) == sorted(
        [(10.0, 50.0, 55.0), (-3.0, 50.0, 45.0), (-1.0, 50.0, None)], key=str
    )


def test_an_expiry_counts_on_the_last_session_and_a_worthless_one_closes_the_side_that_is_held() -> None:
    sold = entry("2022-03-14", "short", CALL, 2, 1.5)
    read = entries(history(sold, entry("2022-03-21", "expiry", CALL, 2, 0.0)), corporate_actions=NONE)
    (row,) = positions(read, pieces(read)).to_dict("records")
    assert (row["quantity"], row["position_type"], row["exit_price"]) == (-2.0, "SC", 0.0)
    assert row["exit_date"] == pd.Timestamp("2022-03-18")
    paid = history(sold, entry("2022-03-21", "expiry", CALL, 2, 3.0, amount=-600.0))
    assert lots(paid) == [(-2.0, 1.5, 3.0)]


def test_an_exercise_closes_at_nothing() -> None:
    bought = entry("2022-03-14", "buy", CALL, 2, 1.5)
    shares = entry("2022-03-18", "buy", "AAPL", 200, 60.0)
    found = lots(history(bought, entry("2022-03-18", "exercise", CALL, 2, 60.0, amount=0.0), shares))
    assert sorted(found, key=str) == [(2.0, 1.5, 0.0), (200.0, 60.0, None)]


def test_more_than_is_held_is_refused_or_a_short() -> None:
    rows = history(*THREE[:1], entry("2022-03-02", "sell", "A", 25, 60.0, fees=5.0))
    read = entries(rows, corporate_actions=NONE)
    assert oversold(read)[["source_line", "excess"]].to_numpy().tolist() == [[3, 15.0]]
    with pytest.raises(InputError, match="line 3: sell of 25 A on 2022-03-02 is 15 more than is held"):
        pieces(read)
    back = entry("2022-03-03", "buy", "A", 20, 55.0)
    split = netted(entries(history(*THREE[:1], dict(rows.iloc[1]), back), corporate_actions=NONE))
    assert split["kind"].tolist() == ["buy", "sell", "short", "cover", "buy"]
    assert split["quantity"].tolist() == [10.0, 10.0, 15.0, 15.0, 5.0]
    assert split["amount"].sum() == pytest.approx(-500 + 25 * 60 - 5 - 20 * 55)
    assert sorted(lots(validate(Transactions, split)), key=str) == sorted(
        [(10.0, 50.0, 60.0), (-15.0, 60.0, 55.0), (5.0, 55.0, None)], key=str
    )


def test_a_day_that_is_listed_backwards_is_read_all_the_same() -> None:
    rows = (entry("2022-03-01", "sell", "A", 10, 51.0), entry("2022-03-01", "buy", "A", 10, 50.0))
    assert lots(history(*rows)) == [(10.0, 50.0, 51.0)]


DAY = (
    entry("2022-03-01", "deposit", amount=900.0),
    entry("2022-03-02", "buy", "A", 10, 50.0),
    entry("2022-03-02", "sell", "A", 10, 52.0),
    entry("2022-03-02", "buy", "A", 5, 51.0),
)


@pytest.mark.parametrize("turned", [False, True])
def test_a_day_is_netted_in_the_order_in_which_it_happened(turned: bool) -> None:
    """Bought, sold and bought again: no short, whichever way the file is written."""
    rows = history(*(reversed(DAY) if turned else DAY))
    made = validate(Transactions, netted(entries(rows, corporate_actions=NONE)))
    assert sorted(made["kind"]) == ["buy", "buy", "deposit", "sell"]
    assert lots(made) == [(10.0, 50.0, 52.0), (5.0, 51.0, None)]


def test_a_file_of_one_day_counts_in_its_own_order() -> None:
    made = netted(entries(history(*reversed(DAY[1:3])), corporate_actions=NONE))
    assert sorted(made["kind"]) == ["cover", "short"]


def test_of_two_lots_of_a_day_the_first_is_sold_first_whichever_way_the_file_is_written() -> None:
    rows = (*DAY[:2], DAY[3], entry("2022-03-03", "sell", "A", 10, 60.0))
    assert lots(history(*rows)) == lots(history(*reversed(rows))) == [(10.0, 50.0, 60.0), (5.0, 51.0, None)]


CSV = """\
ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price
AAPL,-5,50,2022-03-01,x,,
AAPL,7,51,2022-03-01,y,2022-03-11,40
AAPL,7.125,52.123456,2022-03-01,"y,z",,
AAPL220318C00060000,2,1,2022-03-01,,,
JPM,3,100,2022-03-01,,2022-03-01,101
"""


@pytest.mark.parametrize("splits", [NONE, actions(("2022-03-07", "AAPL", "split", 3.0))])
def test_a_positions_file_is_its_buys_and_sells_and_comes_back(splits: pd.DataFrame) -> None:
    ledger = validate(
        Positions, parse_portfolio_csv(CSV, "book", "p.csv", pd.Timestamp("2022-04-01")).positions
    )
    rows = validate(Transactions, transactions_of(ledger, "p.csv"))
    assert rows["kind"].value_counts().to_dict() == {"buy": 4, "short": 1, "sell": 2}
    pd.testing.assert_frame_equal(validate(Positions, positions_of(rows, corporate_actions=splits)), ledger)


def test_average_cost_by_hand() -> None:
    rows = history(
        entry("2022-03-01", "buy", "A", 10, 50.0),
        entry("2022-03-02", "buy", "A", 10, 60.0),
        entry("2022-03-11", "sell", "A", 10, 35.0),
        entry("2022-03-14", "buy", "A", 10, 70.0),
        entry("2022-03-15", "sell", "A", 40, 35.0),
        entry("2022-03-16", "buy", "A", 1, 90.0),
    )
    read = entries(rows, corporate_actions=actions(("2022-03-10", "A", "split", 2.0)))
    # 20 at 55 are 40 at 27.5; 30 of these and 10 at 70 are 40 at 38.125; then a new start
    np.testing.assert_allclose(average_costs(read), [50.0, 55.0, 27.5, 38.125, 38.125, 90.0])
    splits = actions(("2022-03-10", "A", "split", 2.0))
    gains = realized_gains(read, pieces(read), "average", corporate_actions=splits, closes=CLOSES)
    assert gains["gain"].sum() == pytest.approx(10 * (35 - 27.5) + 40 * (35 - 38.125))


CLOSES = pd.DataFrame(
    [
        ("2022-03-02", "A", 20.0),
        ("2022-03-02", "B", 20.0),
        ("2022-03-07", "B", 15.0),
        ("2022-03-07", "C", 5.0),
    ],
    columns=["date", "symbol", "close"],
).assign(date=lambda rows: pd.to_datetime(rows["date"]))
SPUN = (
    entry("2022-02-01", "buy", "A", 4, 60.0),
    entry("2022-02-02", "buy", "A", 1, 40.0),
    entry("2022-03-02", "split_off", "B", 5, parent="A"),
    entry("2022-03-03", "sell", "B", 2, 25.0),
    entry("2022-03-04", "sell", "A", 10, 23.0),
    entry("2022-03-07", "split_off", "C", 3, parent="B"),
    entry("2022-03-08", "sell", "B", 3, 16.0),
    entry("2022-03-08", "sell", "C", 1, 6.0),
)


def gains_of(*rows: dict, closes: pd.DataFrame = CLOSES) -> dict[str, float]:
    """Cost of what was sold by symbol, after a split of A of 2 for 1."""
    splits = actions(("2022-02-15", "A", "split", 2.0))
    read = entries(history(*rows), corporate_actions=splits)
    found = realized_gains(read, pieces(read), corporate_actions=splits, closes=closes)
    np.testing.assert_allclose(found["gain"], found["proceeds"] - found["cost"])
    return found.groupby("symbol")["cost"].sum(min_count=1).to_dict()


def test_a_split_off_takes_its_share_of_the_cost_by_the_closes_of_its_day() -> None:
    """5 B at 20 of 10 A at 20: a third of 280; 3 C at 5 of 3 B at 15: a quarter of what 3 B had taken."""
    found = gains_of(*SPUN)
    taken = 280 / 3
    assert found["A"] == pytest.approx(280 - taken)
    assert found["B"] == pytest.approx(taken * 2 / 5 + taken * 3 / 5 * 3 / 4)
    assert found["C"] == pytest.approx(taken * 3 / 5 / 4 / 3)
    last = entry("2022-03-09", "sell", "C", 2, 6.0)
    assert sum(gains_of(*SPUN, last).values()) == pytest.approx(280)


def test_a_split_off_without_a_close_leaves_the_costs_unknown_and_without_a_parent_it_is_free() -> None:
    found = gains_of(*SPUN, closes=CLOSES[CLOSES["symbol"] != "C"])
    assert found["A"] == pytest.approx(280 * 2 / 3)
    assert np.isnan(found["C"])
    assert gains_of(entry("2022-03-02", "split_off", "B", 5), entry("2022-03-03", "sell", "B", 5, 9.0)) == {
        "B": 0.0
    }
    of_a_short = (
        entry("2022-02-01", "short", "A", 5, 60.0),
        entry("2022-03-02", "split_off", "B", -5, parent="A"),
    )
    assert gains_of(*of_a_short, entry("2022-03-03", "cover", "B", 5, 25.0)) == {"B": pytest.approx(-100.0)}


def slow_lots(rows: list[tuple[str, float, float]], highest: bool) -> list[tuple]:
    """Matching in a loop: (kind, quantity, price) in order to sorted (quantity, entry, exit)."""
    held: list[list[float]] = []
    made = []
    for kind, quantity, price in rows:
        if kind == "buy":
            held.append([quantity, price])
            continue
        left = quantity
        for lot in sorted(held, key=lambda lot: -lot[1]) if highest else list(held):
            taken = min(lot[0], left)
            if taken > 1e-9:
                made.append((round(taken, 6), lot[1], price))
            lot[0] -= taken
            left -= taken
    return sorted(made + [(round(q, 6), p, -1.0) for q, p in held if q > 1e-9])


@given(seed=st.integers(0, 1 << 32), highest=st.booleans())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_matching_is_that_of_a_loop(seed: int, highest: bool) -> None:
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2022-03-01", periods=40)
    plain: dict[str, list] = {"A": [], "B": []}
    rows, held = [], {"A": 0.0, "B": 0.0}
    for day in days:
        name = str(rng.choice(["A", "B"]))
        price = round(float(rng.uniform(10, 90)), 4)
        sells = held[name] > 1 and rng.random() < 0.5
        size = round(float(rng.choice([held[name], held[name] * rng.random()])), 4) if sells else 0.0
        kind = "sell" if size > 0 else "buy"
        size = size or float(rng.integers(1, 50))
        held[name] += size if kind == "buy" else -size
        rows.append(entry(day, kind, name, size, price))
        plain[name].append((kind, size, price))
    read = entries(history(*rows), corporate_actions=NONE)
    ledger = positions(read, pieces(read, "highest" if highest else "fifo"))
    for name, own in plain.items():
        mine = ledger[ledger["symbol"] == name]
        found = zip(
            mine["quantity"].round(6), mine["entry_price"], mine["exit_price"].fillna(-1.0), strict=True
        )
        assert sorted(found) == slow_lots(own, highest)
