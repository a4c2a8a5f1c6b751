"""The range launcher: which runs a request becomes, and in what order."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    FactorBetas,
    FactorExposures,
    FactorReturns,
    Positions,
    PositionValues,
    RealizedVolatility,
)
from sigmasight_dagster.engine.declaration import Input, RiskAsset, risk_asset
from sigmasight_dagster.runs.plan import RangeRun, Request, plan

SESSIONS = calendar.sessions("2019-01-02", "2022-12-30")
FIRST = SESSIONS[0]
ORDER = ("a", "b", "c", "d", "e")
NO_POSITIONS = pd.DataFrame({"entry_date": pd.DatetimeIndex([])})


def declare(name: str, model: Any, inputs: Sequence[Any] = ()) -> RiskAsset:
    def compute(batch: Any) -> pd.DataFrame:
        raise AssertionError("planning computes nothing")

    compute.__name__ = name
    return risk_asset(model, inputs=inputs, group="test")(compute)


PRICES = declare("prices", DailyPrices)
ACTIONS = declare("actions", CorporateActions)
VOLATILITY = declare("volatility", RealizedVolatility, [Input(DailyPrices, look_back=10)])
BETAS = declare("betas", FactorBetas, [Input(DailyPrices, look_back=20), RealizedVolatility])
VALUES = declare(
    "values",
    PositionValues,
    [Input(RealizedVolatility, look_back=5), Input(CorporateActions, since_entry=True), Positions],
)
EXPOSURES = declare("exposures", FactorExposures, [PositionValues, FactorBetas])
ASSETS = (PRICES, ACTIONS, VOLATILITY, BETAS, VALUES, EXPOSURES)


def planned(
    dates: pd.DatetimeIndex,
    names: Sequence[str] = ("a",),
    *,
    published: dict[str, pd.DatetimeIndex] | None = None,
    entries: Sequence[str] = (),
    chunk_partitions: int = 6_300,
) -> list[RangeRun]:
    positions = pd.DataFrame({"entry_date": pd.DatetimeIndex(list(entries)).as_unit("ns")})
    request = Request(dates, tuple(names), FIRST, chunk_partitions)
    return plan(ASSETS, request, positions, published or {}, ORDER)


def history(runs: Sequence[RangeRun]) -> dict[str, list[pd.Timestamp]]:
    """Sessions of the history layer by asset."""
    found: dict[str, list[pd.Timestamp]] = {}
    for run in runs:
        if run.layer == "history":
            for asset in run.assets:
                found.setdefault(asset.name, []).extend(run.dates)
    return found


def test_layers_follow_one_another_upstream_first() -> None:
    runs = planned(SESSIONS[-3:])
    assert [run.layer for run in runs] == ["history", "history", "market", "portfolio"]
    assert [asset.name for asset in runs[0].assets] == ["prices"]
    assert [asset.name for asset in runs[1].assets] == ["volatility"]
    assert [asset.name for asset in runs[2].assets] == ["prices", "actions", "volatility", "betas"]
    assert [asset.name for asset in runs[3].assets] == ["values", "exposures"]
    assert [run.portfolios for run in runs] == [(), (), (), ("a",)]


def test_look_backs_of_look_backs_are_fetched() -> None:
    found = history(planned(SESSIONS[-3:]))
    assert found["volatility"] == list(SESSIONS[-8:-3])
    assert found["prices"] == list(SESSIONS[-23:-3]), "20 of the betas reach further than 5 + 10"
    runs = plan(
        (PRICES, ACTIONS, VOLATILITY, VALUES),
        Request(SESSIONS[-3:], ("a",), FIRST, 100),
        NO_POSITIONS,
        {},
        ORDER,
    )
    assert history(runs)["prices"] == list(SESSIONS[-18:-3]), "5 of the values, then 10 of the volatility"


def test_what_is_published_is_not_computed_again_before_the_request() -> None:
    every = {asset.name: SESSIONS for asset in ASSETS}
    assert [run.layer for run in planned(SESSIONS[-3:], published=every)] == ["market", "portfolio"]
    some = {"prices": SESSIONS[-23:-6], "actions": SESSIONS, "volatility": SESSIONS}
    found = history(planned(SESSIONS[-3:], published=some))
    assert found["prices"] == list(SESSIONS[-6:-3])


def test_a_hole_in_the_published_history_is_filled_by_runs_that_do_not_cross_it() -> None:
    published = {"prices": SESSIONS[-23:-3].delete([4, 5, 9]), "actions": SESSIONS, "volatility": SESSIONS}
    runs = [run for run in planned(SESSIONS[-3:], published=published) if run.layer == "history"]
    assert [list(run.dates) for run in runs] == [list(SESSIONS[-19:-17]), [SESSIONS[-14]]]
    assert all(run.table_names == ["daily_prices"] for run in runs)


def test_no_history_before_the_first_date() -> None:
    runs = planned(SESSIONS[:3])
    assert [run.layer for run in runs] == ["market", "portfolio"]
    assert history(planned(SESSIONS[5:7]))["prices"] == list(SESSIONS[:5])


def test_since_entry_reaches_the_earliest_entry_but_not_before_the_first_date() -> None:
    found = history(planned(SESSIONS[-3:], entries=["2022-11-01", "2022-12-01"]))
    assert found["actions"][0] == pd.Timestamp("2022-11-01")
    assert found["actions"][-1] == SESSIONS[-4]
    assert history(planned(SESSIONS[-3:], entries=["2005-03-01"]))["actions"][0] == FIRST
    assert "actions" not in history(planned(SESSIONS[-3:], entries=["2022-12-29"]))


def test_sources_share_the_runs_of_the_history_that_any_of_them_lacks() -> None:
    [sources, volatility] = [
        run for run in planned(SESSIONS[-3:], entries=["2022-11-01"]) if run.layer == "history"
    ]
    assert sources.table_names == ["daily_prices", "corporate_actions"]
    assert sources.dates[0] == pd.Timestamp("2022-11-01")
    assert volatility.table_names == ["realized_volatility"]


def calculations(*look_backs: int, published: dict[str, pd.DatetimeIndex] | None = None) -> list[RangeRun]:
    """Runs of the history of three calculations, each of which reads the one before it.

    :param look_backs: sessions before the request that are needed of each.
    """
    first = declare("first", RealizedVolatility, [DailyPrices])
    second = declare("second", FactorReturns, [RealizedVolatility])
    third = declare("third", FactorBetas, [FactorReturns])
    models = (RealizedVolatility, FactorReturns, FactorBetas)
    looks = [Input(model, look_back=n) for model, n in zip(models, look_backs, strict=True)]
    last = declare("last", PositionValues, [*looks, Positions])
    request = Request(SESSIONS[-3:], ("a",), FIRST, 100)
    runs = plan((PRICES, first, second, third, last), request, NO_POSITIONS, published or {}, ORDER)
    sources, *others = [run for run in runs if run.layer == "history"]
    assert sources.tags["for"] == "look-backs: market data"
    return others


def named(runs: Sequence[RangeRun]) -> list[list[str]]:
    return [[asset.name for asset in run.assets] for run in runs]


def test_calculations_of_the_same_sessions_share_a_run() -> None:
    [run] = calculations(5, 5, 5)
    assert named([run]) == [["first", "second", "third"]]
    assert list(run.dates) == list(SESSIONS[-8:-3])
    assert run.tags["for"] == "look-backs: market calculations"


def test_calculations_of_other_sessions_have_runs_of_their_own() -> None:
    runs = calculations(9, 7, 5)
    assert named(runs) == [["first"], ["second"], ["third"]]
    assert [len(run.dates) for run in runs] == [9, 7, 5]
    assert [run.tags["for"] for run in runs] == [f"look-backs: {name}" for [name] in named(runs)]
    assert named(calculations(9, 7, 7)) == [["first"], ["second", "third"]]


def test_no_calculation_joins_a_run_before_that_of_one_that_it_reads() -> None:
    runs = calculations(7, 7, 7, published={"second": SESSIONS[-10:-8]})
    assert named(runs) == [["first"], ["second"], ["third"]]
    assert [len(run.dates) for run in runs] == [7, 5, 7]


def test_chunks_hold_a_bounded_number_of_partitions() -> None:
    runs = planned(SESSIONS[-100:], ORDER, chunk_partitions=100)
    parts = [run for run in runs if run.layer == "portfolio"]
    assert [len(run.dates) for run in parts] == [20] * 5
    assert all(run.portfolios == ORDER for run in parts)
    assert [date for run in parts for date in run.dates] == list(SESSIONS[-100:])
    few = [run for run in planned(SESSIONS[-2:], ORDER, chunk_partitions=2) if run.layer == "portfolio"]
    assert [run.portfolios for run in few] == [("a",)] * 1 + [("b", "c")] * 2 + [("d", "e")] * 2
    assert [len(run.dates) for run in few] == [2, 1, 1, 1, 1], "a date of many portfolios is cut too"
    market = [run for run in planned(SESSIONS[-600:]) if run.layer == "market"]
    assert [len(run.dates) for run in market] == [252, 252, 96]


def test_portfolios_that_are_not_adjacent_get_runs_of_their_own() -> None:
    runs = [run for run in planned(SESSIONS[-3:], ("e", "b", "a")) if run.layer == "portfolio"]
    assert [run.portfolios for run in runs] == [("a", "b"), ("e",)]
    assert all(list(run.dates) == list(SESSIONS[-3:]) for run in runs)


def test_partitions_are_counted_over_tables_dates_and_portfolios() -> None:
    runs = planned(SESSIONS[-3:], ("a", "b"), published={asset.name: SESSIONS for asset in ASSETS})
    assert [run.n_partitions for run in runs] == [4 * 3, 2 * 3 * 2]
