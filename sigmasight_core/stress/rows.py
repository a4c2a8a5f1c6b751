"""Long frames of stress results: sums by portfolio, statuses and warnings in words."""

from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import IMPLAUSIBLE_SIGMA, OK
from sigmasight_core.stress.book import Book
from sigmasight_core.stress.scenarios import RATES
from sigmasight_core.stress.states import MARKET, StressStates

REGIME_WARNING: Final = "regime: correlated rate shocks depend on the stock-bond correlation"


def portfolio_rows(
    *,
    partitions: pd.DataFrame,
    book: Book,
    states: StressStates,
    direct: Floats,
    correlated: Floats,
    spot_only: Floats,
) -> pd.DataFrame:
    """Rows of tables.StressResults: every partition (G) x scenario (N), summed over what there is."""
    date = codes_of(states.dates, partitions["date"])
    sums = [_sum_by(values, book.partition, len(partitions)) for values in (direct, correlated, spot_only)]
    status, complete = _portfolio_status(book, states, date, len(partitions))
    for values in sums:
        values[~complete] = np.nan
    n = len(states.scenarios)
    row, scenario = np.repeat(np.arange(len(partitions)), n), np.tile(np.arange(n), len(partitions))
    frame = {
        "date": partitions["date"].array.take(row),
        "portfolio": partitions["portfolio"].array.take(row),
        "scenario": _words([s.id for s in states.scenarios], scenario),
        "category": _words([s.category for s in states.scenarios], scenario),
        "severity": _words([s.severity for s in states.scenarios], scenario),
        "direct_pnl": sums[0].ravel(),
        "correlated_pnl": sums[1].ravel(),
        "correlation_effect": (sums[1] - sums[0]).ravel(),
        "spot_only_pnl": sums[2].ravel(),
        "plausibility_sigma": states.plausibility_sigma[date].ravel(),
        "warning": pd.array(_warnings(states)[date].ravel(), dtype="str"),
        "status": pd.array(status.ravel(), dtype="str"),
    }
    return pd.DataFrame(frame)


def position_rows(
    book: Book, states: StressStates, *, direct: Floats, correlated: Floats, spot_only: Floats
) -> pd.DataFrame:
    """Rows of tables.PositionStress: every held position (P) x scenario (N)."""
    n = len(states.scenarios)
    row = np.repeat(np.arange(len(book.rows)), n)
    frame = {
        "date": book.rows["date"].array.take(row),
        "portfolio": book.rows["portfolio"].array.take(row),
        "scenario": _words([s.id for s in states.scenarios], np.tile(np.arange(n), len(book.rows))),
        "position_id": book.rows["position_id"].array.take(row),
        "direct_pnl": direct.ravel(),
        "correlated_pnl": correlated.ravel(),
        "spot_only_pnl": spot_only.ravel(),
        "status": _position_status(book, states),
    }
    return pd.DataFrame(frame)


def _sum_by(values: Floats, group: Ints, n_groups: int) -> Floats:
    """Sums (G, N) of the values (P, N) that are not NaN; 0 for an empty group."""
    sums = np.zeros((n_groups, values.shape[1]))
    if values.size:
        order = np.argsort(group, kind="stable")
        groups, starts = np.unique(group[order], return_index=True)
        sums[groups] = np.add.reduceat(np.nan_to_num(values[order], nan=0.0), starts, axis=0)
    return sums


def _portfolio_status(book: Book, states: StressStates, date: Ints, n_partitions: int) -> tuple[Texts, Bools]:
    """Words (G, N), and where the sums stand for something (G, N)."""
    texts = missing_by_partition(book.missing, n_partitions)[:, None]
    held = np.bincount(book.partition, minlength=n_partitions)
    lost = np.bincount(book.missing["partition"].to_numpy(dtype=np.intp), minlength=n_partitions)
    nothing_left = ((held > 0) & (held == lost))[:, None]
    computed = states.computed[date]
    scenario = states.status[date]
    partial = np.where(scenario == OK, "partial: " + texts, scenario + "; " + texts)
    status = np.where(texts == "", scenario, np.where(nothing_left, "unavailable: " + texts, partial))
    return np.where(computed, status, scenario), computed & ~nothing_left


def missing_by_partition(missing: pd.DataFrame, n_partitions: int) -> Texts:
    """'no beta for X, Y; no price for Z' per partition, '' where nothing is missing."""
    texts = np.full(n_partitions, "", dtype=object)
    if len(missing):
        distinct = (
            missing[["partition", "what", "name"]]
            .drop_duplicates()
            .sort_values(["partition", "what", "name"])
        )
        names = distinct.groupby(["partition", "what"])["name"].agg(", ".join).reset_index()
        phrases = ("no " + names["what"] + " for " + names["name"]).groupby(names["partition"]).agg("; ".join)
        texts[phrases.index.to_numpy()] = phrases.to_numpy(dtype=object)
    return texts


def _position_status(book: Book, states: StressStates) -> Any:
    """Words of each position and scenario, picked from the few distinct ones."""
    scenario_code, scenario_words = pd.factorize(states.status.ravel())
    word = scenario_code.reshape(states.status.shape)[book.date]
    reason_code, reasons = pd.factorize(book.missing["reason"].to_numpy(dtype=object))
    word[book.missing["position"].to_numpy(dtype=np.intp)] = len(scenario_words) + reason_code[:, None]
    return _words([*scenario_words, *reasons], word.ravel())


def _warnings(states: StressStates) -> Texts:
    """(D, N) warnings; '' = none."""
    sigma = states.plausibility_sigma
    shown = np.char.mod("%.1f", sigma).astype(object)
    implausible = np.where(sigma > IMPLAUSIBLE_SIGMA, "implausible: " + shown + " sigma", "")
    # Where a scenario shocks the market as well, nothing is read off the stock-bond correlation
    named = [{shock.factor for shock in x.shocks} for x in states.scenarios]
    shocks_rates = np.array([RATES in factors and MARKET not in factors for factors in named], dtype=bool)
    rates_live = np.asarray(states.available[:, [f == RATES for f in states.factors]].any(axis=1))
    regime = np.where(rates_live[:, None] & shocks_rates, REGIME_WARNING, "").astype(object)
    both = np.where((implausible != "") & (regime != ""), "; ", "").astype(object)
    return implausible + both + regime


def _words(words: list[str], which: Ints) -> Any:
    """A string array built from a few distinct words."""
    return pd.array(words, dtype="str").take(which)
