"""Backtest of value at risk: breaches, and the tests of Kupiec, Christoffersen and the Basel committee."""

from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import bdtr, chdtrc, xlogy

from sigmasight_core.arrays.types import Bools, Floats, Ints

TESTED_SESSIONS: Final = 252
"""Sessions that a portfolio's value at risk is tested on."""

BASEL_SESSIONS: Final = 250
BASEL_YELLOW: Final = 0.95
BASEL_RED: Final = 0.9999


class Breaches(NamedTuple):
    """Outcome of the sessions (T') that were tested, for series (G) and confidence levels (L)."""

    tested: Bools
    """(G, T'): the session had a value at risk and a return."""
    breached: Bools
    """(G, L, T'): its loss was above value at risk."""


class BacktestStatistics(NamedTuple):
    """Statistics of breaches, each (G, L) but for n_obs (G)."""

    n_obs: Ints
    breaches: Ints
    expected: Floats
    kupiec: Floats
    """p-values"""
    independence: Floats
    conditional_coverage: Floats
    zone: Ints
    """0 green, 1 yellow, 2 red."""


def backtest(outcome: Breaches, levels: tuple[float, ...] = (0.95, 0.99)) -> BacktestStatistics:
    """Test breaches against the levels; p-values are NaN where nothing was tested."""
    tails = 1.0 - np.array(levels)
    n = outcome.tested.sum(axis=1)
    breaches = outcome.breached.sum(axis=2)
    ratio = kupiec_ratio(breaches, n[:, None], tails)
    independence = independence_ratio(*_transitions(outcome))
    tested = (n > 0)[:, None]
    recent = _last(outcome.tested, BASEL_SESSIONS)
    zone = traffic_zone(
        (outcome.breached & recent[:, None, :]).sum(axis=2), recent.sum(axis=1)[:, None], tails
    )
    return BacktestStatistics(
        n,
        breaches,
        n[:, None] * tails,
        np.where(tested, chdtrc(1, ratio), np.nan),
        np.where(tested, chdtrc(1, independence), np.nan),
        np.where(tested, chdtrc(2, ratio + independence), np.nan),
        zone,
    )


def kupiec_ratio(breaches: Any, n_obs: Any, tail: Any) -> Floats:
    """Likelihood ratio of the proportion of failures, chi-squared with 1 degree of freedom.

    Kupiec, Techniques for verifying the accuracy of risk measurement models, 1995. 0 without observations.
    """
    held = n_obs - breaches
    share = breaches / np.maximum(n_obs, 1)
    free = xlogy(breaches, share) + xlogy(held, 1.0 - share)
    return np.maximum(2.0 * (free - xlogy(breaches, tail) - xlogy(held, 1.0 - tail)), 0.0)


def independence_ratio(n00: Any, n01: Any, n10: Any, n11: Any) -> Floats:
    """Likelihood ratio of independence against a first-order Markov chain, chi-squared with 1 degree.

    Christoffersen, Evaluating interval forecasts, 1998, equations 6 and 7.

    :param n01: transitions from a session without a breach to one with a breach, and so on.
    """

    def likelihood(stays: Any, moves: Any) -> Any:
        share = moves / np.maximum(stays + moves, 1)
        return xlogy(stays, 1.0 - share) + xlogy(moves, share)

    free = likelihood(n00, n01) + likelihood(n10, n11)
    return np.maximum(2.0 * (free - likelihood(n00 + n10, n01 + n11)), 0.0)


def traffic_zone(breaches: Any, n_obs: Any, tail: Any) -> Ints:
    """0 green, 1 yellow, 2 red: where the number of breaches stands in its binomial distribution.

    Yellow from a cumulative probability of 95%, red from 99.99%: 5 and 10 breaches of a 99% value at risk
    in 250 sessions (Basel Committee, Supervisory framework for the use of backtesting, 1996, table 2).
    """
    cumulative = bdtr(np.asarray(breaches, dtype=float), np.asarray(n_obs), tail)
    return (cumulative >= BASEL_YELLOW).astype(np.intp) + (cumulative >= BASEL_RED)


def _transitions(outcome: Breaches) -> tuple[Ints, Ints, Ints, Ints]:
    """Numbers of pairs of adjacent tested sessions by (breach before, breach after)."""
    both = (outcome.tested[:, :-1] & outcome.tested[:, 1:])[:, None, :]
    before, after = outcome.breached[..., :-1], outcome.breached[..., 1:]
    pairs = ((~before, ~after), (~before, after), (before, ~after), (before, after))
    n00, n01, n10, n11 = ((first & second & both).sum(axis=2) for first, second in pairs)
    return n00, n01, n10, n11


def _last(tested: Bools, count: int) -> Bools:
    """The last `count` of the tested sessions."""
    from_end = tested[:, ::-1].cumsum(axis=1)[:, ::-1]
    return tested & (from_end <= count)
