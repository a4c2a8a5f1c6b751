"""Expiries against pandas, days to liquidate by hand."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.positions.expiries import expiries
from sigmasight_core.positions.liquidity import liquidity
from sigmasight_core.positions.sums import GREEK_COLUMNS
from sigmasight_core.tables import Expiries, PortfolioLiquidity, PositionLiquidity, validate

SESSIONS = pd.bdate_range("2022-10-24", periods=22).as_unit("ns")
DAY = SESSIONS[-1]
DAYS = [1, 7, 8, 30, 31, 60, 61, 90, 91, 700]
KEY = ["date", "portfolio", "position_id"]
BOTH = pd.DataFrame({"date": DAY, "portfolio": ["book", "empty"]})


def held(symbols: list[str], quantities: list[float], **more: object) -> pd.DataFrame:
    size = len(symbols)
    frame = {
        "date": DAY,
        "portfolio": "book",
        "position_id": [f"{symbol}@2022-10-03/{number}" for number, symbol in enumerate(symbols)],
        "symbol": symbols,
        "underlying": symbols,
        "position_type": ["LONG" if quantity >= 0 else "SHORT" for quantity in quantities],
        "quantity": quantities,
        "multiplier": 1,
        "exposure": [10.0 * quantity for quantity in quantities],
        "status": ["ok"] * size,
    }
    texts = ("portfolio", "position_id", "symbol", "underlying", "position_type", "status")
    return pd.DataFrame({**frame, **more}).astype(dict.fromkeys(texts, "str"))


def options(days: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    size = len(days)
    values = held(
        [f"A{number}" for number in range(size)],
        [float(number - 4) or 1.0 for number in range(size)],
        position_type=["SP" if number < 4 else "LC" for number in range(size)],
        multiplier=100,
    )
    greeks = values[KEY].assign(
        underlying_price=50.0,
        days_to_expiry=pd.array(days, dtype="Int64"),
        delta_exposure=rng.normal(0, 1000, size),
        **{name: rng.normal(0, 10, size) for name in GREEK_COLUMNS},
    )
    return values, greeks


def test_options_end_in_the_bucket_of_their_days() -> None:
    values, greeks = options([*DAYS, 0])
    found = validate(Expiries, expiries(BOTH, position_values=values, position_greeks=greeks))
    rows = values.merge(greeks, on=KEY)
    rows = rows[rows["days_to_expiry"] > 0]
    names = ["<=7", "8-30", "31-60", "61-90", ">90"]
    rows["bucket"] = pd.cut(rows["days_to_expiry"].astype(float), [0, 7, 30, 60, 90, np.inf], labels=names)
    rows["notional"] = rows["quantity"].abs() * 100 * 50.0
    columns = {"notional": "notional", "exposure": "net_exposure", "delta_exposure": "delta_usd"}
    columns |= {name: name.removeprefix("position_") for name in GREEK_COLUMNS}
    wanted = rows.groupby("bucket", observed=True)[list(columns)].sum().rename(columns=columns)
    one = found.set_index("bucket").loc[names]
    np.testing.assert_allclose(one[list(wanted.columns)], wanted, rtol=1e-12)
    assert one["n_positions"].tolist() == [2, 2, 2, 2, 2]
    assert set(found["status"]) == {"ok"}


def test_shares_do_not_expire_and_what_has_no_greeks_is_named() -> None:
    values, greeks = options([5, 6])
    stock = held(["A"], [10.0], position_id=["A@2022"])
    linear = stock[KEY].assign(
        underlying_price=10.0, days_to_expiry=pd.NA, delta_exposure=100.0, **dict.fromkeys(GREEK_COLUMNS, 1.0)
    )
    only = expiries(BOTH, position_values=stock, position_greeks=linear.astype({"days_to_expiry": "Int64"}))
    assert only.empty
    greeks.loc[0, ["delta_exposure", *GREEK_COLUMNS]] = np.nan
    rows = validate(Expiries, expiries(BOTH, position_values=values, position_greeks=greeks))
    assert rows["status"].tolist() == ["partial: no Greeks for A0"]
    assert rows["delta_usd"].item() == greeks["delta_exposure"].iloc[1]


def volumes(**by_symbol: object) -> pd.DataFrame:
    frames = [pd.DataFrame({"date": SESSIONS, "symbol": name, "volume": v}) for name, v in by_symbol.items()]
    return pd.concat(frames, ignore_index=True)


def actions(*rows: tuple[pd.Timestamp, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["date", "symbol", "kind", "amount"])


def days(
    values: pd.DataFrame, prices: pd.DataFrame, *splits: tuple, share: float = 0.2
) -> tuple[pd.DataFrame, pd.DataFrame]:
    by_position, by_portfolio = liquidity(
        BOTH,
        position_values=values,
        prices=prices,
        sessions=SESSIONS,
        corporate_actions=actions(*splits),
        share=share,
    )
    return validate(PositionLiquidity, by_position), validate(PortfolioLiquidity, by_portfolio)


def test_days_are_shares_over_the_tradable_volume() -> None:
    rising = np.arange(22.0) * 100  # the last 20: mean 1,150
    values = held(["A", "B", "A"], [460.0, -5000.0, 230.0])
    rows, total = days(values, volumes(A=rising, B=1000.0))
    assert rows["average_daily_volume"].tolist() == [1150.0, 1150.0, 1000.0]
    assert rows["days_to_liquidate"].tolist() == pytest.approx([2.0, 1.0, 25.0], rel=1e-12)
    book, empty = total.to_dict("records")
    assert (book["days_to_liquidate"], book["n_positions"], book["status"]) == (25.0, 3, "ok")
    # both lots of A wait for each other: 3 sessions
    assert book["liquid_in_1_session"] == pytest.approx((6900 / 3 + 50_000 / 25) / 56_900)
    assert book["liquid_in_5_sessions"] == pytest.approx((6900 + 50_000 / 5) / 56_900)
    assert (empty["days_to_liquidate"], empty["liquid_in_1_session"], empty["status"]) == (0.0, 1.0, "ok")
    half, _ = days(values, volumes(A=rising, B=1000.0), share=0.1)
    np.testing.assert_allclose(half["days_to_liquidate"], 2 * rows["days_to_liquidate"])


def test_volumes_count_in_shares_of_the_date() -> None:
    split = (SESSIONS[-5], "A", "split", 4.0)
    traded = np.where(SESSIONS[-5] > SESSIONS, 250.0, 1000.0)
    rows, _ = days(held(["A"], [1000.0]), volumes(A=traded), split)
    assert rows["average_daily_volume"].item() == 1000.0
    assert rows["days_to_liquidate"].item() == 5.0


def test_what_is_not_known_is_null_and_said() -> None:
    few = np.where(np.arange(22) >= 16, 100.0, np.nan)
    values = held(["A", "B", "C", "D"], [10.0, 10.0, 10.0, 10.0])
    values = pd.concat([values, held(["O"], [1.0], position_type=["LC"], position_id=["O@x"])])
    closed = held(["Z"], [0.0], status=["closed"], position_id=["Z@x"])
    given = volumes(A=1000.0, B=few, C=0.0)
    rows, total = days(pd.concat([values, closed], ignore_index=True), given)
    said = rows.assign(symbol=rows["position_id"].str[0]).set_index("symbol")
    assert said["status"].to_dict() == {
        "A": "ok",
        "B": "volume on 6 of 20 sessions",
        "C": "not traded for 20 sessions",
        "D": "volume on 0 of 20 sessions",
        "O": "no volume of options",
        "Z": "closed",
    }
    assert said["days_to_liquidate"].isna().tolist() == [False, True, True, True, True, False]
    book = total.iloc[0]
    assert book["status"] == "partial: no volume for B, C, D, O"
    assert book["n_positions"] == 1
    _, none = days(held(["D"], [10.0]), given)
    assert none.iloc[0]["status"] == "unavailable: no volume for D"
    assert none.iloc[0][["days_to_liquidate", "liquid_in_1_session"]].isna().all()


def test_a_position_outside_of_the_partitions_is_named() -> None:
    values = held(["A", "B"], [1.0, 1.0], portfolio=["book", "elsewhere"])
    with pytest.raises(InputError, match="B@2022-10-03/1 of elsewhere on 2022-11-22 is outside of the"):
        days(values, volumes(A=1.0, B=1.0))


def test_nothing_is_held() -> None:
    rows, total = days(held([], []), volumes(A=1.0))
    assert rows.empty
    assert total["status"].tolist() == ["ok", "ok"]
    values, greeks = options([5])
    assert expiries(BOTH, position_values=values.iloc[:0], position_greeks=greeks.iloc[:0]).empty
