"""Risk measures of portfolios, their Euler decomposition and the backtest of value at risk, in one call."""

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, tiled
from sigmasight_core.arrays.types import Floats, Ints, Texts
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR
from sigmasight_core.positions.groups import Groups
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.groups.rows import book_pairs
from sigmasight_core.risk.groups.tails import NO_GROUPS, GroupRisk
from sigmasight_core.risk.groups.vectors import simulated_pnl_rows
from sigmasight_core.risk.historical_simulation import SimulatedRisk, simulated_risk
from sigmasight_core.risk.parametric.active import ActiveRisk, tracking_error
from sigmasight_core.risk.parametric.decomposition import ParametricRisk, normal_quantile, parametric_risk
from sigmasight_core.risk.parametric.factor_risk import NOT_FINITE
from sigmasight_core.risk.performance import RealizedPerformance, realized_performance
from sigmasight_core.risk.portfolio_backtest import HISTORY, var_backtests
from sigmasight_core.risk.tails import LEVELS

SIMULATED_MEASURES: Final = ("var_95_usd", "var_99_usd", "es_95_usd", "es_99_usd", "annualized_volatility")

_ROUNDING: Final = 1e-9

Measure = tuple[str, str, Floats, Ints, Texts]
"""Name, unit, values (G), observations (G), statuses (G)."""


class RiskOutput(NamedTuple):
    """Long frames in the shapes of tables.RiskMeasures, RiskContributions, VarBacktests and SimulatedPnl."""

    measures: pd.DataFrame
    contributions: pd.DataFrame
    backtests: pd.DataFrame
    simulated_pnl: pd.DataFrame
    groups: GroupRisk
    """Of the groups that were asked for."""


def risk_measures(
    partitions: pd.DataFrame,
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    log_returns: pd.DataFrame,
    betas: pd.DataFrame,
    factor_covariance: pd.DataFrame,
    factor_returns: pd.DataFrame,
    window: int,
    snapshots: pd.DataFrame,
    snapshot_sessions: pd.DatetimeIndex,
    first_entries: pd.Series,
    benchmarks: "pd.Series[str]",
    risk_free_rate: float,
    groups: Groups | None = None,
) -> RiskOutput:
    """Everything in the module's tables, for all dates and portfolios at once.

    Value at risk and expected shortfall are positive for a loss, in USD, over one session. Options on their
    expiry session are settled at its close and carry no risk.

    :param partitions: date and portfolio: each gets every measure, also where nothing is held.
    :param position_values: rows of tables.PositionValues. :param position_greeks: rows of
        tables.PositionGreeks: its rows are the positions held.
    :param log_returns: sessions x symbols, 1,008 sessions up to each date where they exist.
    :param betas: rows of tables.FactorBetas. :param factor_covariance: rows of tables.FactorCovariance.
    :param factor_returns: the same sessions x factors (`factors.model.factor_log_returns`).
    :param window: sessions of the factor model.
    :param snapshots: rows of tables.PortfolioSnapshots of the partitions and of what is published before.
    :param snapshot_sessions: every session that those may be of.
    :param first_entries: first entry date by portfolio.
    :param benchmarks: symbol of each portfolio's benchmark, by portfolio.
    :param risk_free_rate: continuous, per year; for the Sharpe and Sortino ratios.
    :param groups: groups of the rows of position_values whose risk is wanted too.
    :raises InputError: on inputs that do not belong together.
    """
    book = RiskBook.of(partitions, position_values, position_greeks)
    panel = ReturnPanel.of(log_returns, book.symbols)
    pairs = book_pairs(book, groups, position_values) if groups else NO_GROUPS
    simulated = simulated_risk(book, panel, pairs)
    parametric = parametric_risk(
        book,
        panel,
        betas=betas,
        covariance=factor_covariance,
        factor_returns=factor_returns,
        window=min(window, HISTORY),
    )
    realized = realized_performance(
        book.partitions,
        snapshots=snapshots,
        first_entries=first_entries,
        sessions=snapshot_sessions,
        risk_free_rate=risk_free_rate,
    )
    total = _total_values(book.partitions, snapshots)
    active = tracking_error(
        book,
        total_value=total,
        benchmarks=benchmarks,
        log_returns=log_returns,
        betas=betas,
        covariance=factor_covariance,
        factor_returns=factor_returns,
        window=min(window, HISTORY),
    )
    bound = book.largest_loss()
    measures = [
        *_simulated(simulated, total, bound),
        *_parametric(parametric, bound),
        *_realized(realized),
        _active(active),
    ]
    return RiskOutput(
        _rows(book.partitions, measures, simulated.n_bounded),
        parametric.contributions,
        var_backtests(book, panel),
        simulated_pnl_rows(
            book.partitions,
            pnl=simulated.pnl,
            known=np.isfinite(simulated.deviation),
            n_obs=simulated.n_obs,
            status=simulated.status,
        ),
        simulated.groups,
    )


def _total_values(partitions: pd.DataFrame, snapshots: pd.DataFrame) -> Floats:
    found = partitions.merge(
        snapshots[["date", "portfolio", "total_value"]], how="left", validate="one_to_one"
    )
    return found["total_value"].to_numpy(dtype=float, na_value=np.nan)


def _simulated(risk: SimulatedRisk, total: Floats, bound: Floats) -> list[Measure]:
    measures: list[Measure] = []
    for name, losses in (("var", risk.value_at_risk), ("es", risk.expected_shortfall)):
        measures += [
            (
                f"{name}_{round(100 * level)}_usd",
                "USD",
                losses[:, place],
                risk.n_obs,
                _beyond(losses[:, place], bound, risk.status, "the model value of its options is another"),
            )
            for place, level in enumerate(LEVELS)
        ]
    scaled = risk.deviation * np.sqrt(SESSIONS_PER_YEAR)
    with np.errstate(over="ignore"):  # what overflows is infinite, and told so by `_rows`
        volatility = np.divide(scaled, total, out=np.full(total.shape, np.nan), where=total > 0)
    reason = np.where(np.isnan(total), "no total value", "total value is not positive")
    status = np.where(total > 0, risk.status, _joined(risk.status, reason))
    return [*measures, ("annualized_volatility", "1/sqrt(year)", volatility, risk.n_obs, status)]


def _parametric(risk: ParametricRisk, bound: Floats) -> list[Measure]:
    measures: list[Measure] = []
    for level in LEVELS:
        losses = normal_quantile(level) * risk.volatility
        words = _beyond(losses, bound, risk.status, "normal returns at the deltas of today")
        measures.append((f"parametric_var_{round(100 * level)}_usd", "USD", losses, risk.n_obs, words))
    return measures


def _active(risk: ActiveRisk) -> Measure:
    return ("tracking_error_ex_ante", "1/sqrt(year)", risk.tracking_error, risk.n_obs, risk.status)


def _beyond(losses: Floats, bound: Floats, status: Texts, reason: str) -> Texts:
    """The status, with a reason where a book without shorts would lose more than it is worth."""
    beyond = losses > bound * (1.0 + _ROUNDING)
    words = f"more than a book without shorts is worth: {reason}"
    return np.where(beyond, _joined(status, words), status)


def _realized(realized: RealizedPerformance) -> list[Measure]:
    found, status = realized
    ratios = (
        ("sharpe_ratio", found.sharpe, "daily returns do not vary"),
        ("sortino_ratio", found.sortino, "no daily return below the risk-free return"),
    )
    measures: list[Measure] = [
        ("annualized_realized_volatility", "1/sqrt(year)", found.volatility, found.n_obs, status)
    ]
    for name, values, reason in ratios:
        undefined = np.isnan(values) & ~np.isnan(found.volatility)
        words = np.where(undefined, _joined(status, np.full(len(status), reason, dtype=object)), status)
        measures.append((name, "ratio", values, found.n_obs, words))
    return [*measures, ("max_drawdown", "fraction", found.drawdown, found.n_obs, status)]


def _joined(status: Texts, reason: Any) -> Texts:
    return np.where(status == OK, reason, status + "; " + reason)


def _rows(partitions: pd.DataFrame, measures: list[Measure], bounded: Ints) -> pd.DataFrame:
    names, units, values, counts, statuses = zip(*measures, strict=True)
    size = len(measures)
    numbers, said = np.column_stack(values).ravel(), np.column_stack(statuses).ravel()
    infinite = np.isinf(numbers)
    said[infinite] = _joined(said, NOT_FINITE)[infinite]
    frame = partitions.take(np.repeat(np.arange(len(partitions)), size)).reset_index(drop=True)
    codes, words = pd.factorize(said)
    return frame.assign(
        measure=tiled(names, len(partitions)),
        value=np.where(infinite, np.nan, numbers),
        unit=tiled(units, len(partitions)),
        n_obs=np.column_stack(counts).ravel(),
        n_bounded=(bounded[:, None] * np.isin(names, SIMULATED_MEASURES)).ravel(),
        status=coded(list(words), codes),
    )
