"""Stress of a portfolio under any scenarios, from what is stored; nothing is stored."""

from collections.abc import Sequence

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.stress.scenarios import Scenario
from sigmasight_core.stress.stress import stress
from sigmasight_core.tables import (
    FactorBetas,
    FactorCovariance,
    FactorState,
    PositionGreeks,
    PositionValues,
    StressResults,
    Table,
    validate,
)
from sigmasight_dagster.platform import Platform


def chosen(
    scenarios: Sequence[Scenario], ids: Sequence[str], category: str | None, severity: str | None
) -> tuple[Scenario, ...]:
    """Those of these ids, and of this category and severity.

    :raises InputError: for an id that there is not, or when nothing is left.
    """
    known = {one.id for one in scenarios}
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise InputError(f"scenario {unknown[0]}: there is none; list them: sigmasight scenarios list")
    found = tuple(
        one
        for one in scenarios
        if (not ids or one.id in ids)
        and category in (None, one.category)
        and severity in (None, one.severity)
    )
    if not found:
        raise InputError("no scenario is left; ask for fewer conditions: sigmasight scenarios list")
    return found


def ad_hoc_stress(
    platform: Platform, scenarios: Sequence[Scenario], portfolio: str, date: pd.Timestamp
) -> pd.DataFrame:
    """Rows of `tables.StressResults` of one portfolio on one date, in the order of the scenarios.

    :raises UpstreamNotPublished: where the positions or the factors of the date are not computed.
    """
    warehouse, dates = platform.warehouse, pd.DatetimeIndex([date])
    held: tuple[type[Table], ...] = (PositionValues, PositionGreeks)
    shared: tuple[type[Table], ...] = (FactorBetas, FactorState, FactorCovariance)
    for model in held + shared:
        warehouse.require_published(model, dates, [portfolio] if model in held else None)
    values = warehouse.read(PositionValues, dates, [portfolio])
    rows = stress(
        scenarios,
        position_values=values,
        position_greeks=warehouse.read(PositionGreeks, dates, [portfolio]),
        positions=values,  # they have the terms of every lot, also of those that options delivered
        betas=warehouse.read(FactorBetas, dates, symbols=sorted(values["underlying"].unique())),
        factor_state=warehouse.read(FactorState, dates),
        factor_covariance=warehouse.read(FactorCovariance, dates),
        partitions=pd.DataFrame({"date": dates, "portfolio": portfolio}),
    ).results
    order = {one.id: place for place, one in enumerate(scenarios)}
    return validate(StressResults, rows).sort_values("scenario", key=lambda names: names.map(order))
