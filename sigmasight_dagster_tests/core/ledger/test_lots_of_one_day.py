"""Ids of several lots of one symbol and day: unique, and the same however a file is ordered."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.ledger.changes import position_changes, with_stored_ids
from sigmasight_core.ledger.edits import edited
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.tables import Positions, validate

HEADER = "ticker,quantity,entry_price,entry_date"
AS_OF = pd.Timestamp("2024-06-28")


def parse(rows: list[str]) -> ParsedPortfolio:
    return parse_portfolio_csv("\n".join([HEADER, *rows]), "book", "book.csv", AS_OF)


def row(quantity: int, price: int = 150, day: str = "2024-01-08") -> str:
    return f"AAPL,{quantity},{price},{day}"


LOTS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=8)


@settings(max_examples=20, deadline=None)
@given(lots=LOTS, data=st.data())
def test_another_order_of_the_same_lots_changes_nothing(
    lots: list[tuple[int, int]], data: st.DataObject
) -> None:
    stored = parse([row(*lot) for lot in lots]).positions
    again = parse([row(*lot) for lot in data.draw(st.permutations(lots))]).positions
    assert position_changes(stored=stored, wanted=with_stored_ids(stored=stored, wanted=again)).empty


@settings(max_examples=20, deadline=None)
@given(before=LOTS, after=LOTS)
def test_ids_are_unique_and_lots_that_stay_keep_theirs(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    stored = parse([row(*lot) for lot in before]).positions
    wanted = with_stored_ids(stored=stored, wanted=parse([row(*lot) for lot in after]).positions)
    validate(Positions, wanted)
    kept = stored.merge(wanted, on=list(stored.columns))
    lots = [sorted(lots) for lots in (before, after)]
    both = sum(min(lots[0].count(lot), lots[1].count(lot)) for lot in set(lots[0]))
    assert len(kept) == both


def test_an_edit_keeps_its_number_and_a_new_lot_gets_the_next() -> None:
    stored = parse([row(1), row(2), row(3)]).positions
    changed = edited(stored, "AAPL@2024-01-08#2", parse([row(9)]))
    assert changed["position_id"].iloc[-1] == "AAPL@2024-01-08#2"
    added = edited(changed, None, parse([row(4)]))
    assert added["position_id"].iloc[-1] == "AAPL@2024-01-08#4"
    moved = edited(added, "AAPL@2024-01-08#2", parse([row(9, day="2024-01-09")]))
    assert moved["position_id"].iloc[-1] == "AAPL@2024-01-09"
    validate(Positions, moved)


@pytest.mark.parametrize("quantity", [1, 7])
def test_a_lot_that_is_removed_frees_no_id_of_another(quantity: int) -> None:
    stored = parse([row(1), row(2)]).positions
    wanted = with_stored_ids(stored=stored, wanted=parse([row(2), row(quantity)]).positions)
    by_quantity = dict(zip(wanted["quantity"], wanted["position_id"], strict=True))
    assert by_quantity[2] == "AAPL@2024-01-08#2"
    assert by_quantity[quantity] == ("AAPL@2024-01-08" if quantity == 1 else "AAPL@2024-01-08#3")
