"""What a target's measure is, read from the computed tables of one portfolio on one date."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    FactorExposures,
    PortfolioGroups,
    PortfolioSnapshots,
    RiskMeasures,
    Table,
)

BETA: Final = "market_beta"
DOLLARS: Final = "factor_usd"
NET: Final = "net_exposure"
GROUP: Final = "group_weight"
RISK: Final = "parametric_var_95_usd"
MEASURES: Final = (BETA, DOLLARS, NET, GROUP, RISK)
GROUPED: Final = ("sector", "underlying", "position_type", "tag")
"""Dimensions of groups whose weight can be a target."""

Tables = Mapping[type[Table], pd.DataFrame]


@dataclass(frozen=True)
class Target:
    """What is to be reached.

    :param measure: of MEASURES. :param value: USD, of market_beta a ratio, of group_weight a fraction of the
        gross exposure. :param factor: of factor_usd.
    :param dimension: of GROUPED, and `group`: of group_weight.
    """

    measure: str
    value: float
    factor: str = ""
    dimension: str = ""
    group: str = ""


def measured(target: Target, tables: Tables, market: str) -> float:
    """The measure of the target in these tables; of a group that is not held 0.

    :param market: id of the market factor.
    :raises InputError: on a measure, factor or dimension that there is not, or one that is NULL.
    """
    match target.measure:
        case "net_exposure":
            return _known(tables[PortfolioSnapshots].iloc[0], "net_exposure", NET)
        case "market_beta" | "factor_usd":
            rows = tables[FactorExposures]
            name = factor_of(target, market)
            found = rows[rows["factor"] == name]
            if found.empty:
                raise InputError(
                    f"factor {name[:80]!r}: there is none; choose of {', '.join(rows['factor'])}"
                )
            column = "beta" if target.measure == BETA else "exposure_usd"
            return _known(found.iloc[0], column, f"{target.measure} of {name}")
        case "group_weight":
            if target.dimension not in GROUPED:
                raise InputError(f"dimension {target.dimension[:80]!r}: choose of {', '.join(GROUPED)}")
            rows = tables[PortfolioGroups]
            found = rows[(rows["dimension"] == target.dimension) & (rows["group_name"] == target.group)]
            return _known(found.iloc[0], "weight", GROUP) if len(found) else 0.0
        case "parametric_var_95_usd":
            return _known(tables[RiskMeasures].set_index("measure").loc[[RISK]].iloc[0], "value", RISK)
    raise InputError(f"target {target.measure[:80]!r}: there is none; choose of {', '.join(MEASURES)}")


def factor_of(target: Target, market: str) -> str:
    """The factor that a target is about."""
    return market if target.measure == BETA else target.factor


def _known(row: pd.Series, column: str, name: str) -> float:
    number = float(row[column])
    if not np.isfinite(number):
        raise InputError(f"{name} is not known on this date: {row['status']}")
    return number
