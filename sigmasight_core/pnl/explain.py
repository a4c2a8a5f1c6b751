"""P&L explain: the daily P&L of positions and portfolios by cause.

Everything that explains is known before the move: Greeks, delta exposure, betas and the loadings of the
state are of the close that the P&L starts from, the previous session's (or the last one, where it had none).
To second order in the underlying's price (Hull, Options, Futures, and Other Derivatives, ch. 19)::

    daily = trading + delta (S1 - S0) + gamma (S1 - S0)^2 / 2 + vega dsigma + theta days + rho dr + residual

A linear position has delta 1 and nothing else. The delta term is told apart by factor. With the log return
R = ln((S1 + dividend) / S0) and the orthogonal moves x of the factors, R = sum(beta_f x_f) + specific; each
part of R is worth ``delta exposure x (exp(R) - 1) / R`` (Carino, Combining attribution effects over time,
1999), so that the parts add up and a pure factor move leaves nothing specific, however large it is.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import OK
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.market.corporate_actions import Dividends
from sigmasight_core.options.market import Market, OptionMarket, OptionParameters, OptionTables
from sigmasight_core.pnl.factor_parts import ExplainedReturns, FactorTables, explained_returns
from sigmasight_core.pnl.price_parts import PriceParts, price_parts
from sigmasight_core.positions.greeks import with_ledger
from sigmasight_core.positions.held import partition_frame, partition_numbers
from sigmasight_core.positions.sums import group_sums
from sigmasight_core.positions.valuation import previous_sessions
from sigmasight_core.tables.pnl import PNL_PARTS

_KEY: Final = ["date", "portfolio", "position_id"]
_COLUMNS: Final = ["daily_pnl", *PNL_PARTS[:6], "delta_pnl", *PNL_PARTS[6:]]


class PnlExplain(NamedTuple):
    """Rows of `tables.PositionPnlExplain` and `tables.PortfolioPnlExplain`."""

    positions: pd.DataFrame
    portfolios: pd.DataFrame


def pnl_explain(
    *,
    sessions: pd.DatetimeIndex,
    position_values: pd.DataFrame,
    positions: pd.DataFrame,
    prices: pd.DataFrame,
    option_tables: OptionTables,
    corporate_actions: pd.DataFrame,
    factors: FactorTables,
    config: FactorModelConfig,
    parameters: OptionParameters,
    max_price_age_days: int,
    partitions: pd.DataFrame,
) -> PnlExplain:
    """Explain the daily_pnl of every row of `position_values`, and of every portfolio.

    Trades: on the entry session the whole P&L is `trading_pnl`, on the exit session what lies between the
    close and the exit price. Splits: everything is in units of the row's date. A price that returns after a
    gap is explained over the gap, with the Greeks and betas of its beginning.

    NaN policy: a row without daily_pnl is NULL with the reason of its value. A factor without a state or a
    move, and a factor for which the underlying has no beta, has a NULL part (styles: where no style has
    one), named in the status ('partial: without rates; no beta for X'); its P&L is in specific_pnl. The P&L
    of an option that a quote prices and that has no volatility ('no volatility for X') is in residual_pnl.
    The sum of the parts, NULL as nothing, is daily_pnl in every row. A portfolio sums the rows that have a
    daily P&L and names the others; a part is NULL where no row has it; nothing held: zeros.

    :param sessions: every session from max_price_age_days before the session before the first date on.
    :param position_values: `tables.PositionValues` rows of the dates; the market frames as in
        `valuation.position_values`, from the same first session.
    :param factors: rows of the betas, state and factor returns of the same sessions.
    :param partitions: date and portfolio of every portfolio row wanted.
    :returns: USD, signed.
    :raises InputError: for a position that is not in the ledger or not of `partitions`, or a date that is
        not a session with one before it.
    """
    rows = with_ledger(held=position_values, positions=positions)
    names = pd.Index(rows["underlying"].unique())
    market = Market.of(
        names, prices=prices, corporate_actions=corporate_actions, max_price_age_days=max_price_age_days
    )
    dates = pd.DatetimeIndex(rows["date"].unique())
    parts = price_parts(
        rows,
        closed=(position_values["quantity"] == 0).to_numpy(),
        price=position_values["price"].to_numpy(dtype=float),
        daily_pnl=position_values["daily_pnl"].to_numpy(dtype=float),
        previous=previous_sessions(day_numbers(rows["date"]), dates, sessions),
        market=OptionMarket.of(market, option_tables, parameters),
        dividends=Dividends.of(names, corporate_actions, market.splits),
    )
    moved = parts.moved
    explained = explained_returns(
        config,
        factors,
        sessions,
        names,
        codes=parts.codes[moved],
        base_day=parts.base_day[moved],
        last_day=parts.last_day[moved],
    )
    columns = {"daily_pnl": position_values["daily_pnl"].to_numpy(dtype=float)}
    columns |= _delta_parts(config, parts, explained) | _other_parts(parts)
    gaps = list(_gaps(config, parts, explained, names))
    unknown = np.isnan(columns["daily_pnl"])
    by_position = rows[_KEY].assign(
        **{name: columns[name] for name in _COLUMNS}, status=_position_status(gaps, rows["status"], unknown)
    )
    return PnlExplain(by_position, _portfolio_rows(by_position, gaps, names, parts.codes, partitions))


def _delta_parts(
    config: FactorModelConfig, parts: PriceParts, explained: ExplainedReturns
) -> dict[str, Floats]:
    """Delta P&L of every row by factor; what is not told apart is specific."""
    contribution = np.zeros((len(parts.delta), len(config.factors)))
    contribution[np.isnan(parts.delta)] = np.nan
    log_return = parts.log_return[parts.moved][:, None]
    linking = np.divide(np.expm1(log_return), log_return, out=np.ones_like(log_return), where=log_return != 0)
    per_return = parts.base_exposure[parts.moved][:, None] * linking
    contribution[parts.moved] = per_return * explained.contribution
    kinds = np.array([factor.kind for factor in config.factors])
    market, styles, rates = (_sum_known(contribution[:, kinds == k]) for k in ("market", "style", "rates"))
    told = sum(np.nan_to_num(part) for part in (market, styles, rates, parts.dividend))
    return {
        "dividend_pnl": parts.dividend,
        "market_pnl": market,
        "styles_pnl": styles,
        "rates_pnl": rates,
        "specific_pnl": parts.delta - told,
        "delta_pnl": parts.delta,
    }


def _other_parts(parts: PriceParts) -> dict[str, Floats]:
    names = ("trading", "gamma", "vega", "theta", "rho", "residual")
    return {f"{name}_pnl": getattr(parts, name) for name in names}


def _sum_known(values: Floats) -> Floats:
    """Sums (N) over the columns that are known; NaN where none is."""
    known = ~np.isnan(values)
    return np.where(known.any(axis=1), np.where(known, values, 0.0).sum(axis=1), np.nan)


class _Gap(NamedTuple):
    """One thing that rows lack: its words, the names that follow them, and each row's, 0 = nothing."""

    words: str
    names: Sequence[str]
    code: Ints


def _gaps(
    config: FactorModelConfig, parts: PriceParts, explained: ExplainedReturns, names: pd.Index
) -> Iterator[_Gap]:
    ids = config.factor_ids
    lost, which = np.unique(explained.lost, axis=0, return_inverse=True)
    texts = [", ".join(name for name, out in zip(ids, row, strict=True) if out) for row in lost]
    known = [text for text in texts if text]
    code = np.array([known.index(text) + 1 if text else 0 for text in texts], dtype=np.int64)
    for words, names_of, values in (
        ("without", known, _scatter(parts.moved, code[which.ravel()[explained.unmeasured]])),
        ("no beta for", names, _scatter(parts.moved, explained.no_beta) * (parts.codes + 1)),
        (
            "no dividend amount for",
            names,
            (parts.moved & np.isnan(parts.dividend) & ~np.isnan(parts.delta)) * (parts.codes + 1),
        ),
        ("no price at the exit for", names, parts.unpriced_exit * (parts.codes + 1)),
        ("no volatility for", names, parts.no_volatility * (parts.codes + 1)),
    ):
        yield _Gap(words, [str(name) for name in names_of], np.asarray(values, dtype=np.int64))


def _scatter(where: Bools, values: Any) -> Ints:
    found = np.zeros(where.shape, dtype=np.int64)
    found[where] = values
    return found


def _position_status(gaps: Sequence[_Gap], value_status: "pd.Series[str]", unknown: Bools) -> Any:
    """'ok', 'partial: ...' with the row's gaps, or the status of its value where it has no daily P&L."""
    sizes = [len(gap.names) + 1 for gap in gaps]
    combined = np.ravel_multi_index(tuple(gap.code for gap in gaps), tuple(sizes))
    distinct, which = np.unique(combined, return_inverse=True)
    labels = []
    for codes in zip(*np.unravel_index(distinct, tuple(sizes)), strict=True):
        found = [f"{gap.words} {gap.names[c - 1]}" for gap, c in zip(gaps, codes, strict=True) if c]
        labels.append("partial: " + "; ".join(found) if found else OK)
    reasons, reason = np.unique(value_status.to_numpy(dtype=object)[unknown].astype(str), return_inverse=True)
    which[unknown] = len(labels) + reason
    return coded([*labels, *reasons], which)


def _portfolio_rows(
    rows: pd.DataFrame, gaps: Sequence[_Gap], names: pd.Index, codes: Ints, partitions: pd.DataFrame
) -> pd.DataFrame:
    wanted = partition_frame(partitions)
    group = partition_numbers(wanted, rows)
    sums = group_sums(group, len(wanted), {name: rows[name].to_numpy(dtype=float) for name in _COLUMNS})
    unknown = rows["daily_pnl"].isna().to_numpy()
    no_pnl = _Gap("no daily P&L for", [str(name) for name in names], unknown * (codes + 1))
    texts = gap_texts([_pairs(gap, group) for gap in (no_pnl, *gaps)], len(wanted))
    status = gap_status(texts, sums["daily_pnl"].isna().to_numpy())
    return wanted.join(sums).assign(status=pd.array(status, dtype="str"))


def _pairs(gap: _Gap, group: Ints) -> tuple[str, Ints, Any]:
    """The distinct (portfolio, name) of a gap, as `gaps.gap_texts` takes them; lists taken apart."""
    lacking = gap.code > 0
    pairs = np.unique(group[lacking] * len(gap.names) + gap.code[lacking] - 1)
    groups, codes = np.divmod(pairs, max(len(gap.names), 1))
    each = pd.Series(gap.names, dtype="str").str.split(", ").iloc[codes].set_axis(groups).explode()
    return gap.words, each.index.to_numpy(dtype=np.int64), each.to_numpy(dtype=object)
