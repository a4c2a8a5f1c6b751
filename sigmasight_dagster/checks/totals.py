"""Standing checks: tables against each other, on what is stored. They never load an asset as an input."""

from collections.abc import Sequence

import dagster as dg
import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import OK
from sigmasight_core.factors import audit as betas_audit
from sigmasight_core.market import returns
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorExposures,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionStress,
    PositionValues,
    StressResults,
    Table,
    TreasuryYields,
    table_name,
)
from sigmasight_dagster.checks.completeness import COMPLETENESS_CHECKS
from sigmasight_dagster.checks.late_data import no_input_has_changed_since
from sigmasight_dagster.partitions.dates import rectangles
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import Warehouse

TOLERANCE = 1e-6
AUDITED_DATES, AUDITED_SYMBOLS = 3, 6

SNAPSHOT_SUMS: dict[str, tuple[type[Table], str]] = {
    "net_exposure": (PositionValues, "exposure"),
    "daily_pnl": (PositionValues, "daily_pnl"),
    "portfolio_delta": (PositionGreeks, "position_delta"),
    "portfolio_gamma": (PositionGreeks, "position_gamma"),
    "portfolio_theta": (PositionGreeks, "position_theta"),
    "portfolio_vega": (PositionGreeks, "position_vega"),
    "portfolio_rho": (PositionGreeks, "position_rho"),
    "delta_usd": (PositionGreeks, "delta_exposure"),
}


def largest_difference(total: pd.DataFrame, column: str, parts: pd.DataFrame, part_column: str) -> float:
    """Largest |total - sum of parts| over the keys of `total`, relative to the larger of 1 and |total|."""
    keys = [name for name in ("date", "portfolio", "factor", "scenario") if name in total.columns]
    sums = parts.groupby(keys)[part_column].sum().rename("_sum")
    joined = total.set_index(keys)[[column]].join(sums).fillna({"_sum": 0.0}).dropna()
    scale = joined[column].abs().clip(lower=1.0)
    return float(((joined[column] - joined["_sum"]).abs() / scale).max()) if len(joined) else 0.0


class _Stored:
    """Stored rows of the partitions that the check's run published, or of all when it published none."""

    def __init__(self, context: dg.AssetCheckExecutionContext, of: type[Table]):
        self._warehouse = context.resources.platform.warehouse
        self.partitions = self._warehouse.published(of, run_id=context.run.run_id)
        if self.partitions.empty:
            self.partitions = self._warehouse.published(of)
        keys = self.partitions["date"].dt.strftime("%Y-%m-%d") + "|" + self.partitions["portfolio"]
        self._rectangles = rectangles(keys)

    def rows(self, model: type[Table], columns: Sequence[str] | None = None) -> pd.DataFrame:
        pieces = [
            self._warehouse.read(model, dates=d, portfolios=p, columns=columns) for d, p in self._rectangles
        ]
        return pd.concat(pieces, ignore_index=True) if pieces else self._warehouse.read(model, dates=[])


def _result(differences: dict[str, float], stored: _Stored) -> dg.AssetCheckResult:
    worst = max(differences.values(), default=0.0)
    return dg.AssetCheckResult(
        passed=worst <= TOLERANCE,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"partitions": len(stored.partitions), "tolerance": TOLERANCE, **differences},
    )


@dg.asset_check(
    asset=table_name(PortfolioSnapshots),
    description="Each total of a snapshot equals the sum over the stored positions to 1e-6",
    required_resource_keys={"platform"},
)
def snapshots_equal_their_positions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, PortfolioSnapshots)
    snapshots = stored.rows(PortfolioSnapshots)
    frames = {PositionValues: stored.rows(PositionValues), PositionGreeks: stored.rows(PositionGreeks)}
    differences = {
        column: largest_difference(snapshots, column, frames[model], part)
        for column, (model, part) in SNAPSHOT_SUMS.items()
    }
    gross = frames[PositionValues].assign(gross=lambda rows: rows["exposure"].abs())
    differences["gross_exposure"] = largest_difference(snapshots, "gross_exposure", gross, "gross")
    return _result(differences, stored)


@dg.asset_check(
    asset=table_name(FactorExposures),
    description="Factor dollars of a portfolio equal the sum over its positions to 1e-6",
    required_resource_keys={"platform"},
)
def factor_dollars_equal_their_positions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, FactorExposures)
    totals = stored.rows(FactorExposures)
    positions = stored.rows(PositionFactorExposures, ["date", "portfolio", "factor", "exposure_usd"])
    return _result(
        {"exposure_usd": largest_difference(totals, "exposure_usd", positions, "exposure_usd")}, stored
    )


@dg.asset_check(
    asset=table_name(StressResults),
    description="Scenario P&L of a portfolio equals the sum over its positions to 1e-6",
    required_resource_keys={"platform"},
)
def stress_equals_its_positions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, StressResults)
    columns = ("direct_pnl", "correlated_pnl", "spot_only_pnl")
    totals = stored.rows(StressResults)
    positions = stored.rows(PositionStress, ["date", "portfolio", "scenario", *columns])
    return _result({name: largest_difference(totals, name, positions, name) for name in columns}, stored)


def _spread(items: pd.Index, count: int, shift: int = 0) -> pd.Index:
    """About `count` of the items, evenly spaced; another `shift` gives others."""
    step = max(1, len(items) // count)
    return items[shift % step :: step][: count + 1]


def beta_sample(warehouse: Warehouse, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Stored betas of a few symbols on a few of the dates; the same ones for the same rows."""
    pieces = [warehouse.read(FactorBetas, dates=[])]
    for date in _spread(dates, AUDITED_DATES):
        betas = warehouse.read(FactorBetas, dates=[date])
        fitted = pd.Index(betas.loc[betas["univariate_beta"].notna(), "symbol"].unique())
        pieces.append(betas[betas["symbol"].isin(_spread(fitted, AUDITED_SYMBOLS, date.toordinal()))])
    return pd.concat(pieces, ignore_index=True)


def audit_stored_betas(platform: Platform, sample: pd.DataFrame) -> pd.DataFrame:
    """The sample held against statsmodels on the stored prices: `betas_audit.audit_betas`."""
    config = platform.factor_model
    proxies = {factor.id: factor.proxy for factor in config.factors}
    rates = None if config.rates is None else config.factor_ids[config.rates]
    days = pd.DatetimeIndex(sample["date"].unique())
    windows = [calendar.sessions(calendar.shift_sessions(day, -config.window), day) for day in days]
    sessions = pd.DatetimeIndex(np.unique(np.concatenate(windows)))
    symbols = {*sample["symbol"], *(proxy for name, proxy in proxies.items() if proxy and name != rates)}
    prices = platform.warehouse.read(
        DailyPrices, sessions, columns=["date", "symbol", "adjusted_close"], symbols=sorted(symbols)
    )
    yields = platform.warehouse.read(TreasuryYields, sessions)
    return betas_audit.audit_betas(
        sample=sample,
        adjusted_close_wide=returns.to_wide(prices, sessions),
        yields_10y=yields[yields["series"] == "10Y"].set_index("date")["yield_percent"],
        proxies=proxies,
        rates=rates,
        window=config.window,
        min_obs=config.min_obs,
    )


def beta_verdict(platform: Platform, dates: pd.DatetimeIndex) -> dg.AssetCheckResult:
    """Stored betas of a sample of the dates, held against statsmodels."""
    sample = beta_sample(platform.warehouse, dates)
    if sample.empty:
        return dg.AssetCheckResult(passed=True, metadata={"rows_audited": 0, "reason": "no stored beta"})
    audit = audit_stored_betas(platform, sample)
    audited = audit[audit["status"] == OK]
    worst = float(audited["relative_difference"].max()) if len(audited) else 0.0
    bad = sample.loc[audited.index[~(audited["relative_difference"] <= betas_audit.TOLERANCE)]]
    first = [f"{row.date:%Y-%m-%d} {row.symbol} {row.factor}" for row in bad.head(1).itertuples()]
    return dg.AssetCheckResult(
        passed=bad.empty,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows_audited": len(audited),
            "dates": sample["date"].nunique(),
            "largest_relative_difference": worst if np.isfinite(worst) else "infinite",
            "tolerance": betas_audit.TOLERANCE,
            "bad_rows": len(bad),
            "first_bad_row": ", ".join(first),
        },
    )


@dg.asset_check(
    asset=table_name(FactorBetas),
    description="Univariate betas, standard errors and p-values of a sample, estimated again by statsmodels "
    "from the stored prices, differ by less than 1e-6",
    required_resource_keys={"platform"},
)
def betas_agree_with_statsmodels(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    platform: Platform = context.resources.platform
    published = platform.warehouse.published(FactorBetas, run_id=context.run.run_id)
    if published.empty:
        published = platform.warehouse.published(FactorBetas)
    return beta_verdict(platform, pd.DatetimeIndex(published["date"].unique()))


STANDING_CHECKS = [
    betas_agree_with_statsmodels,
    snapshots_equal_their_positions,
    factor_dollars_equal_their_positions,
    stress_equals_its_positions,
    *COMPLETENESS_CHECKS,
    no_input_has_changed_since,
]
