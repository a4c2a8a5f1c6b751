"""Dividend yields from stored dividends: sums by hand, what counts as known, what the settings override."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.calendar import sessions
from sigmasight_core.options.dividend_yields import (
    ABOVE_CLOSE,
    AN_INDEX,
    NO_DIVIDENDS_GIVEN,
    NO_YEAR,
    OF_DIVIDENDS,
    UNKNOWN,
    dividend_yields,
    unknown_names,
)
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.tables import CorporateActions, DividendYields, validate
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN, typed

SESSIONS = sessions("2023-01-03", "2024-06-28")
DAY = pd.Timestamp("2024-06-14")
QUARTERS = ("2023-06-14", "2023-06-15", "2023-09-14", "2023-12-14", "2024-03-14")
"""The first of them is 366 days before DAY, the second 365."""
PARAMETERS = OptionParameters(0.03, "settings", {"NAMED": 0.07}, 0.02, "settings")

Paid = Sequence[tuple[str, float]]


def actions(symbol: str, paid: Paid, kind: str = "dividend") -> list[dict[str, object]]:
    fixed = {"symbol": symbol, "kind": kind, "source": "test"}
    return [
        {"date": day, "amount": amount, "status": "ok" if amount == amount else "?", **fixed}
        for day, amount in paid
    ]


def prices(symbol: str, close: float = 50.0, paid: Paid = (), first: str = "2023-01-03") -> pd.DataFrame:
    """A close that stands still, adjusted by each dividend as vendors do: the closes before x (1 - d / S)."""
    days = SESSIONS[first <= SESSIONS]
    adjusted = np.full(len(days), close)
    for day, amount in paid:
        adjusted[days < day] *= 1 - amount / close
    return pd.DataFrame(
        {"date": days, "symbol": symbol, "close": close, "adjusted_close": adjusted, "price_date": pd.NaT}
    ).astype({"symbol": "str", "price_date": "datetime64[ns]"})


def of(
    frames: Sequence[pd.DataFrame], rows: Sequence[dict[str, object]], day: pd.Timestamp = DAY
) -> pd.DataFrame:
    found = dividend_yields(
        dates=pd.DatetimeIndex([day]),
        prices=pd.concat(frames, ignore_index=True),
        corporate_actions=typed(CorporateActions, rows),
        parameters=PARAMETERS,
    )
    return validate(DividendYields, found).set_index("symbol")


def test_dividends_of_365_days_over_the_close() -> None:
    paid = [(day, 0.5 + n / 10) for n, day in enumerate(QUARTERS)]
    row = of([prices("KO", paid=paid)], actions("KO", paid)).loc["KO"]
    assert row["dividends"] == pytest.approx(0.7 + 0.8 + 0.9, rel=1e-15)  # (t - 365, t]: not the first two
    assert row["dividend_yield"] == pytest.approx(2.4 / 50, rel=1e-15)
    assert row["dividend_yield_source"] == OF_DIVIDENDS
    assert row["status"] == "ok"
    assert row["expected_dividend"] == 0.9
    assert row["expected_ex_date"] == pd.Timestamp("2024-03-14") + pd.Timedelta(days=365 // 3)


def test_no_dividends_of_a_payer_of_none_and_others_that_pay() -> None:
    paid = [("2024-03-14", 0.5)]
    found = of([prices("KO", paid=paid), prices("BRK-B")], actions("KO", paid)).loc["BRK-B"]
    assert found[["dividends", "dividend_yield", "expected_dividend"]].tolist() == [0, 0, 0]
    assert found["dividend_yield_source"] == OF_DIVIDENDS
    assert pd.isna(found["expected_ex_date"])


def test_amounts_are_restated_for_later_splits() -> None:
    paid = [("2023-12-14", 4.0), ("2024-03-14", 1.0)]
    frame = prices("N", paid=[("2023-12-14", 2.0), ("2024-03-14", 1.0)])
    frame.loc[frame["date"] < "2024-02-01", "close"] *= 2
    found = of([frame], [*actions("N", paid), *actions("N", [("2024-02-01", 2.0)], "split")]).loc["N"]
    assert found["dividends"] == 3.0
    assert found["dividend_yield"] == 3.0 / 50
    assert found["status"] == "ok"


@pytest.mark.parametrize(
    ("frame", "paid", "reason"),
    [
        (prices("X", first="2023-09-01"), [("2024-03-14", 0.5)], NO_YEAR),
        (prices("X", paid=[("2023-12-14", 0.5), ("2024-03-14", 0.5)]), [("2024-03-14", 0.5)], UNKNOWN),
        (prices("X", paid=[("2024-03-14", 0.5)]), [("2024-03-14", NAN)], UNKNOWN),
        (prices("X"), [], NO_DIVIDENDS_GIVEN),
        (prices("X", paid=[("2024-03-14", 30.0), ("2024-04-15", 30.0)]),
         [("2024-03-14", 30.0), ("2024-04-15", 30.0)], ABOVE_CLOSE),
        (prices("SPX"), [("2024-03-14", 0.5)], AN_INDEX),
    ],
)  # fmt: skip
def test_where_they_are_not_known_the_settings_default(frame: pd.DataFrame, paid: Paid, reason: str) -> None:
    found = of([frame], actions("OTHER" if frame["symbol"].iloc[0] == "SPX" else "X", paid)).iloc[0]
    assert found["dividend_yield"] == 0.02
    assert found["dividend_yield_source"] == f"settings: {reason}"
    assert found["status"] == reason
    assert np.isnan([found["dividends"], found["expected_dividend"]]).all()


def test_the_settings_come_first_and_what_was_paid_is_shown_beside() -> None:
    paid = [("2024-03-14", 0.5)]
    found = of([prices("NAMED", paid=paid)], actions("NAMED", paid)).loc["NAMED"]
    assert found["dividend_yield"] == 0.07
    assert found["dividend_yield_source"] == "settings"
    assert found["dividends"] == 0.5


def test_closes_that_nobody_adjusted_for_dividends_do_not_make_stored_ones_doubtful() -> None:
    assert of([prices("X")], actions("X", [("2024-03-14", 0.5)])).loc["X", "dividends"] == 0.5


def test_a_special_dividend_counts_for_its_year() -> None:
    paid = [("2023-07-03", 10.0), ("2024-03-14", 0.5)]
    frame, rows = [prices("X", paid=paid)], actions("X", paid)
    assert of(frame, rows).loc["X", "dividend_yield"] == 10.5 / 50
    assert of(frame, rows, pd.Timestamp("2024-06-28")).loc["X", "dividend_yield"] == 10.5 / 50
    later = [row for row in rows if row["date"] != "2023-07-03"]
    assert of([prices("X", paid=paid[1:])], later).loc["X", "dividend_yield"] == 0.5 / 50


def test_a_dividend_that_is_long_overdue_is_not_expected() -> None:
    paid = [("2023-07-03", 0.5), ("2023-09-14", 0.5), ("2023-12-14", 0.5)]
    row = of([prices("X", paid=paid)], actions("X", paid)).loc["X"]
    assert row["expected_dividend"] == 0
    assert pd.isna(row["expected_ex_date"])


def test_a_date_has_the_same_bits_in_any_range() -> None:
    paid = [(day, 0.3 + n / 7) for n, day in enumerate(QUARTERS)]
    arguments = {
        "prices": pd.concat([prices("KO", paid=paid), prices("X")], ignore_index=True),
        "corporate_actions": typed(CorporateActions, actions("KO", paid)),
        "parameters": PARAMETERS,
    }
    every = dividend_yields(dates=SESSIONS[-60:], **arguments)
    alone = dividend_yields(dates=pd.DatetimeIndex([DAY]), **arguments)
    chosen = every[every["date"] == DAY].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), chosen, check_exact=True)


def test_names_that_nobody_has() -> None:
    assert unknown_names({"KO": 0.03, "K0": 0.03, "AAAA": 0}, ["KO", "PEP"]) == ["AAAA", "K0"]
