"""Stress against reality: what the method predicts for a historic window, beside what happened.

A window runs from the close of `start` to the close of `end`. Betas, state and specific volatilities come
from the returns up to and including that of `start`: every return used lies strictly before the first one of
the window. The factors' moves over the window are given (a stress test predicts the portfolio, not the
market), so what is left over is what the factors do not explain.

With the state x of the window's moves (`stress.states`) and the betas of a symbol:

- predicted: sum of weight x (exp(beta'x) - 1), as `stress` computes a linear position.
- predicted_first_order: sum of weight x beta'x, without compounding.
- original: sum of weight x (univariate beta x simple return) over the equity factors, the method of the
  system that SigmaSight replaces. The factors are nearly one bet: it counts that bet once per factor.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, tiled
from sigmasight_core.arrays.types import Floats, Ints, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.positions.held import is_option
from sigmasight_core.stress.reality_moves import Moves, Totals, basket_totals, window_moves

SPECIFIC: Final = "specific"
"""Name of the part that no factor explains, beside the ids of the factors."""
NAMES_SHOWN: Final = 3
"""Symbols that the status of a basket names before it says how many more there are."""


@dataclass(frozen=True)
class Window:
    """A historic period between two closes; `start` is the last session before its first return."""

    id: str
    name: str
    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise InputError(f"window {self.id}: start {self.start} is not before end {self.end}; swap them")


HISTORIC_WINDOWS: Final = (
    Window("selloff_2018", "Sep-Dec 2018", dt.date(2018, 9, 20), dt.date(2018, 12, 24)),
    Window("covid_crash_2020", "Feb-Mar 2020", dt.date(2020, 2, 19), dt.date(2020, 3, 23)),
    Window("bear_market_2022", "Jan-Jun 2022", dt.date(2022, 1, 3), dt.date(2022, 6, 16)),
)
"""From the S&P 500's highest close before each fall to the lowest close of it (2022: of its first half)."""


class Reality(NamedTuple):
    """Long frames. Moves and P&L are fractions of the sum of |weight| that was given; a gain is positive.

    :ivar results: window, basket, start, end, n_sessions (returns in the window), n_symbols, realised,
        predicted, predicted_first_order, specific_sigma (standard deviation of realised - predicted if the
        symbols' specific returns were independent), original, status. NULL where status is 'unavailable:
        ...'; 'partial: ...' names the factors that could not be measured.
    :ivar contributions: window, basket, factor, move (simple return of the proxy; rates in percentage
        points), state_move (its orthogonal part, log), beta (sum of weight x beta), contribution (to
        `predicted`). The row 'specific' holds realised - predicted: contributions sum to `realised`.
    :ivar holdings: window, basket, symbol, weight, realised and predicted (moves of the symbol),
        specific_contribution = weight x (realised - predicted), status.
    """

    results: pd.DataFrame
    contributions: pd.DataFrame
    holdings: pd.DataFrame


def equal_weights(basket: str, symbols: Sequence[str]) -> pd.DataFrame:
    """Columns basket, symbol, weight: 1 / N each."""
    names = sorted(set(symbols))
    frame = pd.DataFrame({"basket": basket, "symbol": names, "weight": 1.0 / max(len(names), 1)})
    return frame.astype({"basket": "str", "symbol": "str"})


def linear_weights(position_values: pd.DataFrame) -> pd.DataFrame:
    """Columns basket (portfolio), symbol, weight of the linear positions held: exposure / sum of |exposure|.

    Lots of one symbol are netted. Options have no weight: their contracts did not exist in a past window.
    A symbol without an exposure makes every weight of its portfolio NaN.

    :param position_values: rows of `tables.PositionValues`, one date per portfolio.
    """
    linear = ~is_option(position_values) & (position_values["quantity"] != 0)
    net = position_values[linear].groupby(["portfolio", "symbol"])["exposure"].sum(skipna=False).reset_index()
    gross = net["exposure"].abs().groupby(net["portfolio"]).sum(skipna=False)
    total = net["portfolio"].map(gross[gross > 0]).astype(float)
    return pd.DataFrame(
        {"basket": net["portfolio"], "symbol": net["symbol"], "weight": net["exposure"] / total}
    )


def stress_against_reality(
    config: FactorModelConfig,
    windows: Sequence[Window],
    *,
    weights: pd.DataFrame,
    adjusted_close_wide: pd.DataFrame,
    yields_10y: pd.Series | None = None,
) -> Reality:
    """Predicted and realised P&L of every basket in every window.

    :param weights: columns basket, symbol, weight (signed; each pair once), see `equal_weights` and
        `linear_weights`. Every basket gets a row per window; one that lacks a price or a beta of any symbol
        is unavailable, for a part of a basket is another basket.
    :param adjusted_close_wide: sessions x symbols with the proxies of the factors, NaN = no price; its rows
        reach from `config.window` sessions before the first start to the last end.
    :param yields_10y: 10-year Treasury yield in percent by session, None = there is none.
    :raises InputError: for a window whose ends have no row, or weights that name a pair twice.
    """
    if weights.duplicated(["basket", "symbol"]).any():
        raise InputError("the weights name a symbol of a basket twice; add its weights up")
    basket_codes, baskets = pd.factorize(weights["basket"])
    symbol_codes, symbols = pd.factorize(weights["symbol"])
    held = np.zeros((len(baskets), len(symbols)))
    held[basket_codes, symbol_codes] = weights["weight"].to_numpy(dtype=float)
    ends = [pd.DatetimeIndex([window.start for window in windows]).as_unit("ns")]
    ends.append(pd.DatetimeIndex([window.end for window in windows]).as_unit("ns"))
    found = window_moves(config, ends, adjusted_close_wide, yields_10y, [str(name) for name in symbols])
    totals = basket_totals(found, held)

    keys = _keys(windows, [str(name) for name in baskets])
    holdings = _holdings(windows, weights, symbol_codes, found, _symbol_status(config, windows, found))
    results = keys.assign(
        start=np.repeat(ends[0], len(baskets)),
        end=np.repeat(ends[1], len(baskets)),
        n_sessions=np.repeat(found.n_sessions, len(baskets)),
        n_symbols=np.tile((held != 0).sum(axis=1), len(windows)),
        realised=totals.realised.ravel(),
        predicted=totals.predicted.ravel(),
        predicted_first_order=totals.first_order.ravel(),
        specific_sigma=totals.specific_sigma.ravel(),
        original=totals.original.ravel(),
        status=_basket_status(config, keys, found, holdings),
    )
    return Reality(results, _contributions(config, keys, found, totals), holdings)


def _keys(windows: Sequence[Window], baskets: Sequence[str]) -> pd.DataFrame:
    """Every window x basket."""
    window = np.repeat(np.arange(len(windows)), len(baskets))
    return pd.DataFrame(
        {"window": coded([w.id for w in windows], window), "basket": tiled(baskets, len(windows))}
    )


def _symbol_status(config: FactorModelConfig, windows: Sequence[Window], found: Moves) -> Texts:
    """(W, S): ok, or why a symbol cannot be used in a window."""
    market = found.estimates.state.status[:, config.market]
    status = np.full(found.realised.shape, OK, dtype=object)
    for w, window in enumerate(windows):
        n_obs = found.estimates.n_obs[w]
        short = np.array([f"{n} of {config.min_obs} returns before {window.start}" for n in n_obs], object)
        constant = np.full_like(short, f"constant returns before {window.start}")
        if not found.live[w, config.market]:
            short = constant = np.full_like(short, f"no market move: {market[w]}")
        no_beta = np.isnan(found.betas[w]).any(axis=1)
        status[w] = np.where(no_beta, np.where(n_obs < config.min_obs, short, constant), status[w])
        for side, date in ((1, window.end), (0, window.start)):
            status[w][np.isnan(found.prices[side, w])] = f"no price on {date}"
    return status


def _holdings(
    windows: Sequence[Window],
    weights: pd.DataFrame,
    symbol_codes: Ints,
    found: Moves,
    status: Texts,
) -> pd.DataFrame:
    count = len(windows)
    weight = np.tile(weights["weight"].to_numpy(dtype=float), count)
    realised, predicted = found.realised[:, symbol_codes].ravel(), np.expm1(found.log_move)[:, symbol_codes]
    reason = np.where(np.isnan(weight), "no exposure in its portfolio", status[:, symbol_codes].ravel())
    rows = np.tile(np.arange(len(weights)), count)
    return pd.DataFrame(
        {
            "window": coded([w.id for w in windows], np.repeat(np.arange(count), len(weights))),
            "basket": weights["basket"].array.take(rows),
            "symbol": weights["symbol"].array.take(rows),
            "weight": weight,
            "realised": realised,
            "predicted": predicted.ravel(),
            "specific_contribution": weight * (realised - predicted.ravel()),
            "status": pd.array(reason, dtype="str"),
        }
    )


def _basket_status(
    config: FactorModelConfig, keys: pd.DataFrame, found: Moves, holdings: pd.DataFrame
) -> pd.api.extensions.ExtensionArray:
    """'ok', 'partial: growth, rates unavailable', or 'unavailable: X: no price on 2018-09-20; ...'."""
    ids = np.array(config.factor_ids, dtype=object)
    lost = [", ".join(ids[~live]) for live in found.live]
    partial = np.array([f"partial: {names} unavailable" if names else OK for names in lost], dtype=object)
    status = pd.Series(np.repeat(partial, len(keys) // max(len(lost), 1)), index=keys.index)

    bad = holdings[holdings["status"] != OK]
    named = (bad["symbol"] + ": " + bad["status"]).groupby([bad["window"], bad["basket"]])
    reasons = named.agg(lambda texts: "; ".join(texts.head(NAMES_SHOWN)))
    more = named.size() - NAMES_SHOWN
    reasons = "unavailable: " + reasons + np.where(more > 0, " and " + more.astype("str") + " more", "")
    reason = pd.MultiIndex.from_frame(keys).map(reasons.to_dict())
    return pd.array(np.where(pd.isna(reason), status, reason), dtype="str")


def _contributions(
    config: FactorModelConfig, keys: pd.DataFrame, found: Moves, totals: Totals
) -> pd.DataFrame:
    names = [*config.factor_ids, SPECIFIC]
    size, baskets = len(names), totals.realised.shape[1]
    rates = np.array([factor.kind == "rates" for factor in config.factors])
    simple = np.where(rates, found.moves, np.expm1(found.moves))
    specific = (totals.realised - totals.predicted)[:, :, None]

    def with_specific(values: Floats) -> Floats:
        live = np.where(found.live, values, np.nan)
        rows = np.pad(live, ((0, 0), (0, 1)), constant_values=np.nan)
        return np.repeat(rows[:, None], baskets, axis=1).ravel()

    return (
        keys.take(np.repeat(np.arange(len(keys)), size))
        .assign(
            factor=tiled(names, len(keys)),
            move=with_specific(simple),
            state_move=with_specific(found.state),
            beta=np.concatenate([totals.betas, np.full_like(specific, np.nan)], axis=2).ravel(),
            contribution=np.concatenate([totals.contributions, specific], axis=2).ravel(),
        )
        .reset_index(drop=True)
    )
