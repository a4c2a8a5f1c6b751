"""Holdings and measures of one portfolio on one date, from its computed tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats, Texts
from sigmasight_core.errors import InputError
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.risk.parametric.decomposition import DECOMPOSED_LEVEL, normal_quantile
from sigmasight_core.risk.parametric.factor_risk import FactorRisk
from sigmasight_core.tables import (
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionValues,
    RiskContributions,
)
from sigmasight_core.what_if.measured import BETA, GROUP, RISK, Tables, Target, factor_of, measured
from sigmasight_core.what_if.measures import Holdings, Linear, Measure, NormalRisk, Weight

AN_OPTION, SETTLED, NO_PRICE, BOTH_SIDES, MIXED_TAGS = (
    "it is an option, and options are not asked for",
    "it is settled on the date",
    "it has no price",
    "it is held long and short",
    "its lots have different tags",
)


@dataclass(frozen=True)
class Limits:
    """How far holdings may be traded. Nothing that is not held is bought.

    :param flips: whether a holding may change its sign.
    :param options: whether options are traded too.
    :param largest_usd: |exposure| of a holding afterwards, unless it is larger already.
    :param kept: symbols that are not traded.
    """

    flips: bool = False
    options: bool = False
    largest_usd: float = np.inf
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Question:
    """A target in terms of the holdings. :ivar untraded: why a symbol is left out, by symbol."""

    holdings: Holdings
    measure: Measure
    today: float
    untraded: Mapping[str, str]


def question(
    target: Target,
    limits: Limits,
    *,
    tables: Tables,
    betas: pd.DataFrame,
    factor_covariance: pd.DataFrame,
    market: str,
) -> Question:
    """Everything that `least_turnover` needs.

    :param tables: computed rows of one portfolio on one date.
    :param betas: rows of `tables.FactorBetas` of the date, as `factor_covariance`.
    :param market: id of the market factor.
    :raises InputError: on a target that there is not, or whose measure is NULL today.
    """
    held = _held(tables)
    by_symbol = held.groupby("symbol")
    symbols = by_symbol["quantity"].sum().index
    quantity = by_symbol["quantity"].sum().to_numpy(dtype=float)
    exposure = by_symbol["exposure"].sum(min_count=1).to_numpy(dtype=float)
    priced = by_symbol["exposure"].apply(lambda lots: lots.notna().all()).to_numpy(dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = exposure / quantity
    one_sided = by_symbol["quantity"].agg(lambda lots: (np.sign(lots) == np.sign(lots.iloc[0])).all())
    reasons = np.full(len(symbols), "", dtype=object)
    reasons[symbols.isin(limits.kept)] = "it is to be kept"
    terms = parse_occ(pd.Series(symbols))
    reasons[terms["strike"].notna() & (not limits.options)] = AN_OPTION
    reasons[terms["expiry_date"] <= tables[PortfolioSnapshots]["date"].iloc[0]] = SETTLED
    reasons[~one_sided.to_numpy(dtype=bool)] = BOTH_SIDES
    reasons[~(priced & (unit > 0))] = NO_PRICE
    unit = np.where(unit > 0, unit, 1.0)
    today = measured(target, tables, market)
    lots = _Lots(tables, held, symbols, quantity, unit)
    match target.measure:
        case "net_exposure":
            measure, unknown = _net(lots, today)
        case "market_beta" | "factor_usd":
            measure, unknown = _factor(lots, today, target, market)
        case "group_weight":
            measure, unknown = _weight(lots, target)
        case _:
            measure, unknown = _risk(lots, betas, factor_covariance)
    reasons = np.where((reasons == "") & (unknown != ""), unknown, reasons)
    if target.measure == GROUP and limits.flips:
        raise InputError("a group's weight is no target while holdings may flip: leave flips out")
    free = reasons == ""
    largest = np.maximum(limits.largest_usd / unit, np.abs(quantity))
    lower = np.where((quantity > 0) & (not limits.flips), 0.0, -largest)
    upper = np.where((quantity < 0) & (not limits.flips), 0.0, largest)
    holdings = Holdings(
        tuple(symbols), quantity, unit, np.where(free, lower, quantity), np.where(free, upper, quantity)
    )
    untraded = {str(name): str(why) for name, why in zip(symbols, reasons, strict=True) if why}
    return Question(holdings, measure, today, untraded)


class _Lots(NamedTuple):
    """What is held by lot, and its sums by symbol (n)."""

    tables: Tables
    held: pd.DataFrame
    symbols: pd.Index
    quantity: Floats
    unit: Floats

    def sums(self, parts: "pd.Series[float]") -> Floats:
        """(n) of a value by position; NaN where one is missing."""
        of_lots = parts.reindex(self.held["position_id"]).to_numpy(dtype=float, na_value=np.nan)
        known = pd.Series(of_lots).groupby(self.held["symbol"].to_numpy())
        found = known.sum().where(known.count() == known.size())
        return np.asarray(found.reindex(self.symbols), dtype=np.float64)


_Found = tuple[Measure, Texts]
"""A measure, and why the part of a symbol (n) is not known; empty = it is."""


def _net(lots: _Lots, today: float) -> _Found:
    fixed = today - float(lots.quantity @ lots.unit)
    return Linear(lots.unit, fixed), np.full(len(lots.symbols), "", dtype=object)


def _factor(lots: _Lots, today: float, target: Target, market: str) -> _Found:
    name = factor_of(target, market)
    parts = lots.tables[PositionFactorExposures]
    dollars = lots.sums(parts[parts["factor"] == name].set_index("position_id")["exposure_usd"])
    total = lots.tables[PortfolioSnapshots]["total_value"].iloc[0] if target.measure == BETA else 1.0
    slope = np.nan_to_num(dollars / lots.quantity / total)
    unknown = np.where(np.isnan(dollars), f"it has no beta to {name}", "").astype(object)
    return Linear(slope, today - float(lots.quantity @ slope)), unknown


def _weight(lots: _Lots, target: Target) -> _Found:
    held = lots.held
    labels = held["tags" if target.dimension == "tag" else target.dimension].astype(str)
    members = labels == target.group
    if target.dimension == "tag" and target.group:
        members = ("," + labels + ",").str.contains(f",{target.group},", regex=False)
    if not members.any():
        raise InputError(f"group {target.group[:80]!r}: nothing of it is held in {target.dimension}")
    share = members.astype(float).groupby(held["symbol"]).mean().reindex(lots.symbols).to_numpy()
    net = float((members * held["exposure"].fillna(0.0)).sum())
    inside, signed = np.where(share == 1, lots.unit, 0.0), lots.unit * np.sign(lots.quantity)
    gross = float(held["exposure"].abs().sum())
    measure = Weight(
        inside, signed, net - float(lots.quantity @ inside), gross - float(lots.quantity @ signed)
    )
    return measure, np.where((share > 0) & (share < 1), MIXED_TAGS, "").astype(object)


def _risk(lots: _Lots, betas: pd.DataFrame, factor_covariance: pd.DataFrame) -> _Found:
    """Factor and specific covariance of the holdings; what it lacks is in the correction by `at_full`."""
    delta = lots.sums(lots.tables[PositionGreeks].set_index("position_id")["delta_exposure"]) / lots.quantity
    underlying = lots.held.groupby("symbol")["underlying"].first().reindex(lots.symbols)
    names = pd.Index(underlying.unique())
    date = pd.DatetimeIndex(lots.tables[PortfolioSnapshots]["date"])
    model = FactorRisk.of(date, names, betas, factor_covariance)
    loading = model.betas[0]
    matrix = loading @ model.covariance[0] @ loading.T + np.diag(model.specific[0] ** 2)
    place = names.get_indexer(underlying)
    covariance = matrix[np.ix_(place, place)] * np.outer(delta, delta)
    lost = np.isnan(np.diag(covariance))
    covariance = np.where(lost[:, None] | lost[None, :], 0.0, covariance)
    plain = NormalRisk(covariance, normal_quantile(DECOMPOSED_LEVEL), lots.quantity)
    unknown = np.where(lost, "it has no betas or no Greeks", "").astype(object)
    return plain.corrected(lots.quantity, *at_full(lots.tables, lots.symbols)), unknown


def at_full(tables: Tables, symbols: pd.Index) -> tuple[float, Floats]:
    """parametric_var_95_usd as computed, and its gradient (n) in USD per unit; NaN of what is not held."""
    held = _held(tables)
    units = held.groupby("symbol")["quantity"].sum().reindex(symbols).to_numpy(dtype=float)
    parts = tables[RiskContributions]
    component = _Lots(tables, held, symbols, units, units).sums(
        parts[parts["kind"] == "position"].set_index("item")["component_var_usd"]
    )
    return measured(Target(RISK, 0.0), tables, ""), component / units


def _held(tables: Tables) -> pd.DataFrame:
    rows = tables[PositionValues]
    return rows[rows["quantity"].fillna(0) != 0]
