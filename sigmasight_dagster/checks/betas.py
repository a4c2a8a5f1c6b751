"""The standing check of betas: a sample of what is stored, estimated again by statsmodels."""

import dagster as dg
import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import OK
from sigmasight_core.factors.audit import TOLERANCE, audit_betas
from sigmasight_core.market import returns
from sigmasight_core.tables import DailyPrices, FactorBetas, TreasuryYields, table_name
from sigmasight_dagster.checks.judged import judged
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import Warehouse

AUDITED_DATES, AUDITED_SYMBOLS = 3, 6


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
    """The sample held against statsmodels on the stored prices: `factors.audit.audit_betas`."""
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
    return audit_betas(
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
    bad = sample.loc[audited.index[~(audited["relative_difference"] <= TOLERANCE)]]
    first = [f"{row.date:%Y-%m-%d} {row.symbol} {row.factor}" for row in bad.head(1).itertuples()]
    return dg.AssetCheckResult(
        passed=bad.empty,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows_audited": len(audited),
            "dates": sample["date"].nunique(),
            "largest_relative_difference": worst if np.isfinite(worst) else "infinite",
            "tolerance": TOLERANCE,
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
@judged
def betas_agree_with_statsmodels(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    platform: Platform = context.resources.platform
    published = platform.warehouse.published(FactorBetas, run_id=context.run.run_id)
    if published.empty:
        published = platform.warehouse.published(FactorBetas)
    return beta_verdict(platform, pd.DatetimeIndex(published["date"].unique()))
