"""Brinson-Fachler: the active return of a day as allocation, selection and interaction by sector."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Floats

LEAST_WEIGHT: Final = 1e-4
"""Below a basis point of the value P&L over weight is no return of a sector."""


class Effects(NamedTuple):
    """Each (..., sectors); the three of all sectors sum to the active return."""

    allocation: Floats
    selection: Floats
    interaction: Floats


def brinson_fachler(
    *,
    portfolio_weight: Floats,
    portfolio_contribution: Floats,
    benchmark_weight: Floats,
    benchmark_contribution: Floats,
) -> Effects:
    """Effects of one period (Brinson and Fachler 1985, Journal of Portfolio Management 11(3)).

    allocation = (w_p - w_b) (r_b - R_b), selection = w_b (r_p - r_b), interaction = (w_p - w_b) (r_p - r_b),
    with w the weight of a sector, r its return and R that of the whole. Returns are contribution / weight.
    A sector that the benchmark has not is allocation as a whole, as if r_b were r_p: w_p (r_p - R_b). Where
    the portfolio's weight is below LEAST_WEIGHT there is no r_p: selection is 0, and what its P&L brought
    beside w_p r_b is interaction.

    :param portfolio_weight: and the others: (..., sectors); both kinds of weights sum to 1, so that the
        effects sum to the difference of the contributions.
    """
    total = benchmark_contribution.sum(axis=-1, keepdims=True)
    absent = np.abs(benchmark_weight) < 1e-12
    sector = benchmark_contribution / np.where(absent, 1.0, benchmark_weight)
    active = portfolio_weight - benchmark_weight
    # of a sector that is absent in the benchmark both contributions and weights of it are nothing
    allocation = np.where(
        absent, portfolio_contribution - portfolio_weight * total, active * (sector - total)
    )
    beyond = np.where(absent, 0.0, portfolio_contribution - portfolio_weight * sector)
    small = np.abs(portfolio_weight) < LEAST_WEIGHT
    excess = np.where(small, 0.0, beyond / np.where(small, 1.0, portfolio_weight))
    selection = np.where(absent, 0.0, benchmark_weight * excess)
    return Effects(allocation, selection, beyond - selection)
