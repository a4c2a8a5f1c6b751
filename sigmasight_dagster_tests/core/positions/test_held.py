"""What is held, on ledgers and position tables that are counted by hand."""

import pandas as pd
import pytest

from sigmasight_core.conventions import OPTION_TYPES, POSITION_TYPES
from sigmasight_core.errors import InputError
from sigmasight_core.positions.held import held_rows, held_symbols, is_call, is_option, partition_frame

DATE = pd.Timestamp("2024-03-15")


def frame(*portfolios: str, **columns: list) -> pd.DataFrame:
    keys = {"date": DATE, "portfolio": list(portfolios), "position_id": [f"{name}1" for name in portfolios]}
    return pd.DataFrame({**keys, **columns})


def test_held_symbols_leave_out_what_has_ended_or_not_begun():
    rows = [
        ("open", "2024-01-02", None, None),
        ("exited", "2024-01-02", "2024-03-15", None),
        ("expired", "2024-01-02", None, "2024-03-15"),
        ("option", "2024-01-02", None, "2024-06-21"),
        ("later", "2024-03-18", None, None),
    ]
    positions = pd.DataFrame(rows, columns=["underlying", "entry_date", "exit_date", "expiry_date"])
    dates = ["entry_date", "exit_date", "expiry_date"]
    positions[dates] = positions[dates].apply(pd.to_datetime)
    assert list(held_symbols(positions, DATE)) == ["open", "option"]


def test_the_type_says_what_is_an_option_and_what_a_call():
    types = pd.DataFrame({"position_type": POSITION_TYPES})
    assert [kind for kind, option in zip(POSITION_TYPES, is_option(types), strict=True) if option] == [
        *OPTION_TYPES
    ]
    assert [kind for kind, call in zip(POSITION_TYPES, is_call(types), strict=True) if call] == ["LC", "SC"]


def test_held_rows_join_what_both_tables_say_in_the_order_of_the_greeks():
    partitions = partition_frame(pd.DataFrame({"date": DATE, "portfolio": ["b", "a", "empty", "a"]}))
    rows = held_rows(
        partitions=partitions,
        position_values=frame("a", "b", "closed", symbol=["X", "Y", "Z"], status=["va", "vb", "vc"]),
        position_greeks=frame("b", "a", status=["gb", "ga"]),
    )
    assert list(partitions["portfolio"]) == ["a", "b", "empty"]
    assert rows[["partition", "symbol", "status_greeks", "status_values"]].values.tolist() == [
        [1, "Y", "gb", "vb"],
        [0, "X", "ga", "va"],
    ]


@pytest.mark.parametrize(
    ("portfolio", "valued", "problem"),
    [
        ("a", "b", "position a1 of a on 2024-03-15 has no row in"),
        ("b", "b", "position b1 of b .* is outside"),
    ],
)
def test_a_position_that_belongs_to_nothing_is_refused(portfolio, valued, problem):
    partitions = partition_frame(pd.DataFrame({"date": [DATE], "portfolio": ["a"]}))
    with pytest.raises(InputError, match=problem):
        held_rows(
            partitions=partitions,
            position_values=frame(valued, symbol=["X"]),
            position_greeks=frame(portfolio),
        )
