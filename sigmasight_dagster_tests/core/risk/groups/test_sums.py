"""Group sums against pandas groupby on the same rows, and what they leave out."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.positions.groups import Groups
from sigmasight_core.risk.groups.rows import portfolio_groups
from sigmasight_core.risk.groups.tails import GroupRisk
from sigmasight_core.tables import FactorBetas, PositionPnlExplain, RiskContributions, SecurityMaster
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN, World, ledger, position

SUMS = [
    "gross_exposure",
    "net_exposure",
    "delta_usd",
    "position_delta",
    "gamma",
    "theta",
    "vega",
    "rho",
    "daily_pnl",
]


def by(dimension: str, *, position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Rows of one dimension, of positions of which nothing but value and Greeks is known."""
    groups = Groups.of(position_values, position_values=position_values, securities=SecurityMaster.empty())
    zeros = np.zeros(len(groups.partition))
    rows = portfolio_groups(
        groups,
        GroupRisk(zeros, zeros, zeros, np.full(len(zeros), "", dtype=object)),
        position_values=position_values,
        position_greeks=position_greeks,
        pnl_explain=PositionPnlExplain.empty(),
        contributions=RiskContributions.empty(),
        betas=FactorBetas.empty(),
        market="market",
    )
    rows = rows[rows["dimension"] == dimension]
    return rows.rename(columns={"group_name": dimension, "delta": "position_delta"})


def world() -> World:
    book = ledger(
        position("A", 10, 99.0, "2024-01-03", tags="tech,core"),
        position("A240621C00100000", -2, 5.0, "2024-01-03", tags="tech"),
        position("A240105P00100000", 1, 5.0, "2024-01-03", portfolio="other"),
        position("B", -5, 20.0, "2024-01-03"),
        position("B", 5, 20.0, "2024-01-04", exit=("2024-01-05", 21.0), tags="core"),
    )
    found = World(book, {"A": [100, 101, 104, 99], "B": [20, 21, 22, 23]}, "2024-01-02")
    found.securities = found.securities.assign(sector="one sector")
    return found


def expected(values: pd.DataFrame, greeks: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The same sums by pandas' merge and groupby."""
    rows = values.merge(greeks, how="left", on=["date", "portfolio", "position_id"])
    rows = rows.assign(gross_exposure=rows["exposure"].abs(), net_exposure=rows["exposure"])
    rows = rows.rename(columns={"delta_exposure": "delta_usd"}).drop(
        columns=["gamma", "theta", "vega", "rho"]
    )
    rows = rows.rename(columns={f"position_{name}": name for name in ("gamma", "theta", "vega", "rho")})
    return rows.groupby(keys)[SUMS].sum().reset_index()


@pytest.mark.parametrize("group", ["underlying", "sector"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_sums_by_a_column(group: str, shuffled: bool) -> None:
    values = world().values()
    greeks = world().greeks(values)
    given = greeks.sample(frac=1, random_state=1) if shuffled else greeks
    found = by(group, position_values=values, position_greeks=given)
    wanted = expected(values, greeks, ["date", "portfolio", group])
    assert (
        found[["date", "portfolio", group]].values.tolist()
        == wanted[["date", "portfolio", group]].values.tolist()
    )
    np.testing.assert_allclose(found[SUMS], wanted[SUMS], rtol=1e-12, atol=1e-12)


def test_a_position_counts_in_each_of_its_tags() -> None:
    values = world().values()
    greeks = world().greeks(values)
    found = by("tag", position_values=values, position_greeks=greeks)
    rows = values.assign(tag=values["tags"].str.split(",")).explode("tag")
    wanted = expected(rows, greeks, ["date", "portfolio", "tag"])
    assert found["tag"].tolist() == wanted["tag"].tolist()
    assert set(found["tag"]) == {"", "core", "tech"}
    np.testing.assert_allclose(found[SUMS], wanted[SUMS], rtol=1e-12, atol=1e-12)


def test_counts_of_held_and_priced_positions() -> None:
    frame = by("underlying", position_values=world().values(), position_greeks=world().greeks())
    last = frame[(frame["date"] == frame["date"].max()) & (frame["portfolio"] == "book")].set_index(
        "underlying"
    )
    assert last["n_positions"].to_dict() == {"A": 2, "B": 1}
    assert last["n_priced"].to_dict() == {"A": 2, "B": 1}


def test_what_has_no_price_is_left_out_and_counted() -> None:
    book = ledger(
        position("A", 10, 99.0, "2024-01-03", tags="x"),
        position("Z", 1, 1.0, "2024-01-03", tags="x"),
        position("Y", 1, 1.0, "2024-01-03", tags="y"),
    )
    unpriced = World(book, {"A": [100, 101], "B": [NAN, NAN]}, "2024-01-02")
    found = by("tag", position_values=unpriced.values(), position_greeks=unpriced.greeks()).set_index("tag")
    assert found.loc["x", ["net_exposure", "n_positions", "n_priced"]].tolist() == [1010, 2, 1]
    assert found.loc["y", ["net_exposure", "gross_exposure", "delta_usd", "daily_pnl"]].isna().all()
    assert found.loc["y", ["n_positions", "n_priced"]].tolist() == [1, 0]


def test_no_rows() -> None:
    values, greeks = world().values(), world().greeks()
    for dimension in ("underlying", "tag", "sector"):
        rows = by(dimension, position_values=values.iloc[:0], position_greeks=greeks.iloc[:0])
        assert len(rows) == 0
