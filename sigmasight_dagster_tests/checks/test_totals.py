"""Standing checks of totals on a real warehouse: right ones pass, one position off is found."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.tables import (
    FactorExposures,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionStress,
    PositionValues,
    StressResults,
    Table,
)
from sigmasight_dagster.checks import totals
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, stamp

KEYS = ["date", "portfolio"]
PNL = ("direct_pnl", "correlated_pnl", "spot_only_pnl")


def store(warehouse: Warehouse, model: type[Table], rows: pd.DataFrame) -> None:
    warehouse.replace(model, rows, DATES, PORTFOLIOS, stamp())


def total(model: type[Table], keys: list[str], sums: dict[str, "pd.Series[float]"]) -> pd.DataFrame:
    """Rows of a table of totals whose columns are these sums by key."""
    found = pd.DataFrame(sums).reset_index()
    rows = random_rows(model).iloc[np.zeros(len(found), dtype=int)].reset_index(drop=True)
    return rows.assign(**{name: found[name] for name in [*keys, *sums]})


def positions(model: type[Table], *columns: str) -> pd.DataFrame:
    """Random rows whose columns are of the size of dollars, some NULL."""
    rows, draw = random_rows(model), np.random.default_rng(3)
    known = draw.random((len(rows), len(columns))) < 0.9
    values = np.where(known, draw.normal(0, 1e4, known.shape), np.nan)
    return rows.assign(**dict(zip(columns, values.T, strict=True)))


def verdict(check: Any, warehouse: Warehouse) -> Any:
    platform = SimpleNamespace(platform=SimpleNamespace(warehouse=warehouse))
    context = SimpleNamespace(resources=platform, run=SimpleNamespace(run_id="run"))
    [found] = check.op.compute_fn.decorated_fn(context)
    return found


def off(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One position in the middle is wrong by a hundredth of what all of them come to, or by 1."""
    place = rows[column].dropna().index[len(rows) // 2 :][0]
    wrong = rows.copy()
    wrong.loc[place, column] += max(1.0, 0.01 * rows[column].abs().sum())
    return wrong


def by(rows: pd.DataFrame, keys: list[str], column: str) -> "pd.Series[float]":
    return rows.groupby(keys)[column].sum()


@pytest.mark.parametrize("column", [*PNL])
def test_stress(warehouse: Warehouse, column: str) -> None:
    keys, parts = [*KEYS, "scenario"], positions(PositionStress, *PNL)
    store(warehouse, PositionStress, parts)
    store(warehouse, StressResults, total(StressResults, keys, {name: by(parts, keys, name) for name in PNL}))
    assert verdict(totals.stress_equals_its_positions, warehouse).passed
    store(warehouse, PositionStress, off(parts, column))
    found = verdict(totals.stress_equals_its_positions, warehouse)
    assert not found.passed
    assert [name for name in PNL if found.metadata[name].value > 1e-6] == [column]


def test_factor_dollars(warehouse: Warehouse) -> None:
    keys, parts = [*KEYS, "factor"], positions(PositionFactorExposures, "exposure_usd")
    store(warehouse, PositionFactorExposures, parts)
    sums = {"exposure_usd": by(parts, keys, "exposure_usd")}
    store(warehouse, FactorExposures, total(FactorExposures, keys, sums))
    assert verdict(totals.factor_dollars_equal_their_positions, warehouse).passed
    store(warehouse, PositionFactorExposures, off(parts, "exposure_usd"))
    assert not verdict(totals.factor_dollars_equal_their_positions, warehouse).passed


def test_snapshots(warehouse: Warehouse) -> None:
    parts: dict[type[Table], pd.DataFrame] = {
        model: positions(model, *(name.strip("|") for name in dict.fromkeys(columns.values())))
        for model, columns in totals.SNAPSHOT_SUMS.items()
    }
    sums = {"gross_exposure": by(parts[PositionValues].eval("size = abs(exposure)"), KEYS, "size")}
    for model, columns in totals.SNAPSHOT_SUMS.items():
        sums |= {name: by(parts[model], KEYS, column) for name, column in columns.items() if name not in sums}
        store(warehouse, model, parts[model])
    store(warehouse, PortfolioSnapshots, total(PortfolioSnapshots, KEYS, sums))
    found = verdict(totals.snapshots_equal_their_positions, warehouse)
    assert found.passed, found.metadata
    assert len(sums) == 9
    for model, column in ((PositionValues, "exposure"), (PositionGreeks, "position_vega")):
        store(warehouse, model, off(parts[model], column))
        assert not verdict(totals.snapshots_equal_their_positions, warehouse).passed
        store(warehouse, model, parts[model])


def test_nothing_published(warehouse: Warehouse) -> None:
    for check in (totals.stress_equals_its_positions, totals.snapshots_equal_their_positions):
        assert verdict(check, warehouse).passed
