"""Value at risk and expected shortfall of groups of positions, alone and as parts of their portfolio's."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.gaps import gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import MIN_SCENARIOS
from sigmasight_core.risk.tails import tail_losses, tail_weights

GROUP_LEVEL: Final = 0.95
"""Confidence level of the risk of groups."""


class Pairs(NamedTuple):
    """Which rows of a book are in which groups (g): one pair a row and group."""

    row: Ints
    """(M) rows of the book, rising within a group."""
    group: Ints
    """(M) number of the group, rising."""
    partition: Ints
    """(g) partition of each group, rising."""

    def of(self, part: slice) -> tuple["Pairs", slice]:
        """Those of some partitions, numbered from their first group on, and which groups they are."""
        groups = slice(*np.searchsorted(self.partition, [part.start, part.stop]))
        which = slice(*np.searchsorted(self.group, [groups.start, groups.stop]))
        return Pairs(self.row[which], self.group[which] - groups.start, self.partition[groups]), groups


NO_GROUPS: Final = Pairs(*np.zeros((3, 0), dtype=np.intp))


class Grouped(NamedTuple):
    """Groups and what of them is simulated."""

    pairs: Pairs
    used: Bools
    """(R) rows of the book that are simulated."""
    n_obs: Ints
    """(g) scenarios common to the rows of a group that are."""


class GroupRisk(NamedTuple):
    """Simulated 1-day risk of groups (g), USD, at `GROUP_LEVEL`; loss positive."""

    value_at_risk: Floats
    """(g) of the group alone."""
    expected_shortfall: Floats
    """(g) of the group alone."""
    component_shortfall: Floats
    """(g) mean loss of the group in the tail of its portfolio: those of a portfolio sum to its own."""
    reason: Texts
    """(g) what is NaN, or left out, for want of scenarios; '' = nothing."""


def tails_of_groups(pnl: Floats, grouped: Floats, partition: Ints) -> Floats:
    """Value at risk and expected shortfall of groups alone, and their parts of the partitions', (3, g).

    The expected shortfall is minus the mean of the worst n p scenarios of the portfolio, so that a group's
    part is minus its mean in them (Tasche, 1999). Scenarios that tie at the quantile share its weight.

    :param pnl: (G, N). :param grouped: (g, N). :param partition: (g) rows of `pnl`.
    """
    if not len(grouped):
        return np.zeros((3, 0))
    alone = tail_losses(grouped, (GROUP_LEVEL,))
    weight = tail_weights(pnl, GROUP_LEVEL)[partition]
    component = 0.0 - (np.where(weight > 0, grouped, 0.0) * weight).sum(axis=1)
    return np.stack([alone.value_at_risk[:, 0], alone.expected_shortfall[:, 0], component])


def explained_groups(
    book: RiskBook, short: Bools, risk: GroupRisk, grouped: Grouped, unknown: Texts
) -> GroupRisk:
    """The risk of groups, NaN where nothing of them is simulated or too few scenarios are common to all.

    :param short: (R) has too few scenarios of its own.
    :param unknown: (G) why nothing can be said of a portfolio; '' = something can.
    """
    pairs, used, n_obs = grouped
    count, words = len(pairs.partition), f"fewer than {MIN_SCENARIOS} scenarios"
    held = np.bincount(pairs.group, minlength=count)
    left = np.bincount(pairs.group[used[pairs.row]], minlength=count)
    lost = short[pairs.row]
    names = book.rows["underlying"].to_numpy(dtype=object)[pairs.row[lost]]
    reason = gap_texts([(f"{words} for", pairs.group[lost], names)], count)
    few = (left > 0) & (n_obs < MIN_SCENARIOS)
    reason[few] = f"{words} common to all of the group"
    of_portfolio = unknown[pairs.partition]
    apart = (held > 0) & (of_portfolio != "") & (reason == "")
    reason[apart] = "no simulation of the portfolio: " + of_portfolio[apart]
    alone = few | ((held > 0) & (left == 0))
    value_at_risk, shortfall, component, _ = risk
    return GroupRisk(
        np.where(alone, np.nan, np.where(held > 0, value_at_risk, 0.0)),
        np.where(alone, np.nan, np.where(held > 0, shortfall, 0.0)),
        np.where(alone | ((held > 0) & (of_portfolio != "")), np.nan, np.where(held > 0, component, 0.0)),
        reason,
    )
