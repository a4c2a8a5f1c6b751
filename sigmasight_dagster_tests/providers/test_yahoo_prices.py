"""yfinance itself against answers in Yahoo's shape: what prices, splits and dividends come of them."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import CorporateActions, DailyPrices, validate
from sigmasight_dagster_tests.providers.fault_server import Fault, FaultServer
from sigmasight_dagster_tests.providers.yahoo_answers import (
    CHART,
    COOKIES,
    UNKNOWN_CHART,
    bars,
    by_symbol,
    chart,
)
from sigmasight_dagster_tests.providers.yahoo_sources import new_york, source

# AAPL split 4:1 on 2020-08-31: 499.23 at the close before, which Yahoo shows as 124.8075.
AAPL = bars("2020-08-27", [125.01, 124.8075, 129.04, 134.18], [4e8, 187.6e6, 225.7e6, 151.9e6])
START, END = dt.date(2020, 8, 27), dt.date(2020, 9, 1)


def served(answers: dict[str, Any]) -> FaultServer:
    return FaultServer({**COOKIES, CHART: by_symbol(answers)})


def prices(answers: dict[str, Any], symbols: list[str], **options: Any) -> pd.DataFrame:
    start, end = options.pop("start", START), options.pop("end", END)
    with served(answers) as server:
        return validate(DailyPrices, source(server, **options).daily_prices(symbols, start, end))


def actions(answers: dict[str, Any], symbols: list[str], start: dt.date, end: dt.date) -> pd.DataFrame:
    with served(answers) as server:
        return validate(CorporateActions, source(server).corporate_actions(symbols, start, end))


def test_prices_before_a_split_are_as_traded() -> None:
    rows = prices({"AAPL": chart("AAPL", AAPL, splits=[("2020-08-31", 4, 1)])}, ["AAPL"])
    assert rows["date"].dt.strftime("%m-%d").tolist() == ["08-27", "08-28", "08-31", "09-01"]
    assert rows["close"].tolist() == pytest.approx([500.04, 499.23, 129.04, 134.18])
    assert rows["high"].tolist() == pytest.approx(
        [500.04 * 1.02, 499.23 * 1.02, 129.04 * 1.02, 134.18 * 1.02]
    )
    assert rows["low"].tolist() == pytest.approx([500.04 * 0.98, 499.23 * 0.98, 129.04 * 0.98, 134.18 * 0.98])
    assert rows["open"].tolist() == pytest.approx(
        [500.04 * 0.99, 499.23 * 0.99, 129.04 * 0.99, 134.18 * 0.99]
    )
    assert rows["volume"].tolist() == pytest.approx([1e8, 46.9e6, 225.7e6, 151.9e6])
    assert rows["adjusted_close"].tolist() == pytest.approx([row["adjclose"] for row in AAPL])
    assert rows["status"].tolist() == ["ok"] * 4
    assert rows["source"].tolist() == ["yahoo"] * 4


def test_a_split_after_the_range_counts() -> None:
    answers = {"AAPL": chart("AAPL", AAPL, splits=[("2020-08-31", 4, 1)])}
    rows = prices(answers, ["AAPL"], end=dt.date(2020, 8, 28))
    assert rows["close"].tolist() == pytest.approx([500.04, 499.23])


def test_yahoo_is_asked_from_the_start_until_now() -> None:
    with served({"AAPL": chart("AAPL", AAPL)}) as server:
        source(server).daily_prices(["AAPL"], START, START)
        (asked,) = [request for request in server.requests if request.path.startswith(CHART)]
    assert int(asked.query["period1"]) == int(new_york("2020-08-27T00:00").timestamp())
    assert abs(int(asked.query["period2"]) - dt.datetime.now(dt.UTC).timestamp()) < 60
    assert asked.query["interval"] == "1d"


def test_a_year_as_traded_comes_back_from_yahoos_adjusted_one() -> None:
    """Yahoo's adjusting is done here in a loop, split by split."""
    random = np.random.default_rng(7)
    traded = 100 * np.exp(np.cumsum(random.normal(0, 0.01, 252)))
    dates = [row["date"] for row in bars("2022-01-03", [1.0] * 252)]
    ratios, paid = {40: (3, 1), 41: (1, 10), 200: (3, 2)}, {10: 0.5, 41: 0.7, 150: 0.25, 251: 0.3}
    shown, shown_paid = traded.copy(), dict(paid)
    for at, (new, old) in ratios.items():
        traded[at:] *= old / new
        for later in range(252):
            shown[later] *= 1.0 if later >= at else old / new
        shown[at:] *= old / new
        shown_paid = {day: cash * (old / new if day < at else 1) for day, cash in shown_paid.items()}
    answer = chart(
        "XYZ",
        bars("2022-01-03", list(shown)),
        splits=[(dates[at], *ratio) for at, ratio in ratios.items()],
        dividends=[(dates[at], cash) for at, cash in shown_paid.items()],
    )
    first, last = dt.date.fromisoformat(dates[0]), dt.date.fromisoformat(dates[-1])
    rows = prices({"XYZ": answer}, ["XYZ"], start=first, end=last)
    assert rows["date"].dt.strftime("%Y-%m-%d").tolist() == dates
    np.testing.assert_allclose(rows["close"], traded, rtol=1e-12)
    np.testing.assert_allclose(rows["volume"] * rows["close"], 1000 * shown, rtol=1e-12)
    cash = actions({"XYZ": answer}, ["XYZ"], first, last).query("kind == 'dividend'")
    assert cash["date"].dt.strftime("%Y-%m-%d").tolist() == [dates[at] for at in paid]
    np.testing.assert_allclose(cash["amount"], list(paid.values()), rtol=1e-12)


def test_several_splits_and_a_reverse_split() -> None:
    rows = bars("2024-01-02", [20.0, 20.0, 20.0, 20.0])
    splits = [("2024-01-03", 2, 1), ("2024-01-05", 1, 8)]
    answers = {"GE": chart("GE", rows, splits=splits)}
    found = prices(answers, ["GE"], start=dt.date(2024, 1, 2), end=dt.date(2024, 1, 5))
    assert found["close"].tolist() == pytest.approx([5.0, 2.5, 2.5, 20.0])
    assert found["volume"].tolist() == pytest.approx([4000.0, 8000.0, 8000.0, 1000.0])


def test_a_split_that_is_not_yet_in_the_closes_refuses_the_symbol() -> None:
    rows = bars("2020-08-27", [500.04, 499.23, 129.04, 134.18])
    answers = {
        "AAPL": chart("AAPL", rows, splits=[("2020-08-31", 4, 1)]),
        "MSFT": chart("MSFT", AAPL[:2]),
    }
    found = prices(answers, ["AAPL", "MSFT"]).set_index("symbol")
    assert found.loc["AAPL", "close"].isna().all()
    assert set(found.loc["AAPL", "status"]) == {
        "refused: the closes are not adjusted for the 4:1 split of 2020-08-31"
    }
    assert found.loc["MSFT", "close"].notna().all()


def test_dividends_are_in_the_shares_of_their_ex_date() -> None:
    # Paid 0.82 on 2020-08-27 before the 4:1 split; Yahoo shows a quarter of it. And 0.205 after it.
    answer = chart(
        "AAPL", AAPL, splits=[("2020-08-31", 4, 1)], dividends=[("2020-08-27", 0.205), ("2020-09-01", 0.205)]
    )
    rows = actions({"AAPL": answer}, ["AAPL"], START, END)
    assert list(zip(rows["date"].dt.strftime("%m-%d"), rows["kind"], strict=True)) == [
        ("08-27", "dividend"),
        ("08-31", "split"),
        ("09-01", "dividend"),
    ]
    assert rows["amount"].tolist() == pytest.approx([0.82, 4.0, 0.205])


def test_actions_are_those_of_the_range_and_later_splits_count() -> None:
    answer = chart("AAPL", AAPL, splits=[("2020-08-31", 4, 1)], dividends=[("2020-08-27", 0.205)])
    rows = actions({"AAPL": answer}, ["AAPL"], START, dt.date(2020, 8, 28))
    assert rows[["kind", "amount"]].to_numpy().tolist() == [["dividend", pytest.approx(0.82)]]


@pytest.mark.parametrize(
    ("dividend", "meta", "status"),
    [
        (("2020-08-28", 1.0, "EUR"), {}, "refused: the dividend is not in USD"),
        (("2020-08-28", 1.0), {"currency": "GBp"}, "refused: the dividend is not in USD"),
        (("2020-08-28", -1.0), {}, "refused: the dividend is not positive"),
    ],
)
def test_a_dividend_that_cannot_be_used_is_null(
    dividend: tuple[Any, ...], meta: dict[str, str], status: str
) -> None:
    rows = actions({"AAPL": chart("AAPL", AAPL, dividends=[dividend], **meta)}, ["AAPL"], START, END)
    assert rows["amount"].isna().tolist() == [True]
    assert rows["status"].tolist() == [status]


def test_a_split_without_a_ratio_leaves_no_price_and_no_dividend() -> None:
    answer = chart("AAPL", AAPL, splits=[("2020-08-31", 4, 0)], dividends=[("2020-08-27", 0.205)])
    assert set(prices({"AAPL": answer}, ["AAPL"])["status"]) == {
        "refused: the split of 2020-08-31 has no ratio"
    }
    rows = actions({"AAPL": answer}, ["AAPL"], START, END)
    assert rows["status"].tolist() == ["refused: a later split has no ratio"]


def test_names_at_yahoo() -> None:
    answers = {name: chart(name, AAPL) for name in ("BRK-B", "^VIX", "^GSPC")}
    with served(answers) as server:
        rows = source(server).daily_prices(["BRK-B", "SPX", "VIX"], START, END)
        asked = sorted(
            unquote(request.path).removeprefix(CHART) for request in server.requests if CHART in request.path
        )
    assert set(rows["symbol"]) == {"BRK-B", "SPX", "VIX"}
    assert asked == ["BRK-B", "^GSPC", "^VIX"]


@pytest.mark.parametrize("status", [200, 404])
def test_a_symbol_that_yahoo_does_not_have_gives_no_rows_after_one_request(status: int) -> None:
    unknown = Fault("unknown", status=status, body=json.dumps(UNKNOWN_CHART).encode())
    with served({"AAPL": chart("AAPL", AAPL)}) as server:
        server.use(unknown, CHART + "NONE")
        rows = source(server).daily_prices(["AAPL", "NONE"], START, END)
        assert server.attempts(CHART + "NONE") == 1
    assert set(rows["symbol"]) == {"AAPL"}


def test_only_unknown_symbols() -> None:
    rows = prices({"NONE": UNKNOWN_CHART}, ["NONE"])
    assert rows.empty
    assert list(rows.columns) == list(DailyPrices.to_schema().columns)


def test_a_session_that_has_not_closed_is_left_out() -> None:
    answers = {"AAPL": chart("AAPL", AAPL)}
    open_still = prices(answers, ["AAPL"], now=new_york("2020-09-01T15:59"))
    closed = prices(answers, ["AAPL"], now=new_york("2020-09-01T16:00"))
    assert open_still["date"].max() == pd.Timestamp("2020-08-31")
    assert closed["date"].max() == pd.Timestamp("2020-09-01")


def test_of_the_last_session_the_live_bar_counts() -> None:
    live = {**AAPL[-1], "close": 135.0}
    rows = prices({"AAPL": chart("AAPL", [*AAPL, live])}, ["AAPL"])
    assert rows["close"].tolist() == pytest.approx([125.01, 124.8075, 129.04, 135.0])


def test_a_missing_volume_is_null_and_not_zero() -> None:
    rows = prices({"AAPL": chart("AAPL", bars("2020-08-27", [10.0, 11.0, 12.0], [None, 0.0, 5.0]))}, ["AAPL"])
    assert rows["volume"].isna().tolist() == [True, False, False]
    assert rows["volume"].tolist()[1:] == [0.0, 5.0]
    assert rows["status"].tolist() == ["no volume from this source", "ok", "ok"]


def test_a_mutual_fund_has_one_price_a_day() -> None:
    nav = [
        {**row, "open": row["close"], "high": row["close"], "low": row["close"], "volume": 0.0}
        for row in AAPL
    ]
    answer = chart("VFIAX", nav, instrumentType="MUTUALFUND", dividends=[("2020-08-28", 0.5)])
    rows = prices({"VFIAX": answer}, ["VFIAX"])
    for field in ("open", "high", "low"):
        assert rows[field].tolist() == pytest.approx(rows["close"].tolist())
    assert rows["volume"].tolist() == [0.0] * 4


def test_a_currency_that_is_not_said_is_taken() -> None:
    assert prices({"AAPL": chart("AAPL", AAPL, currency=None)}, ["AAPL"])["close"].notna().all()


def test_symbols_must_be_named() -> None:
    with FaultServer({}) as server, pytest.raises(InputError, match="name the symbols"):
        source(server).daily_prices(None, START, END)


def test_the_future_is_not_asked_for() -> None:
    with served({}) as server:
        asked: Callable[..., pd.DataFrame] = source(server, new_york("2020-08-20T12:00")).daily_prices
        assert asked(["AAPL"], START, END).empty
        assert not server.requests
