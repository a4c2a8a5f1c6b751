"""The thresholds of every rule, in one place; docs/doubtful.md states them."""

from dataclasses import dataclass
from typing import Final

LONGEST_RUN: Final = 5
"""Sessions in a row that may be wrong together and still be told by their coming back."""
HISTORY_SESSIONS: Final = 60
"""Sessions before a row that tell the symbol's own volatility."""
LONGEST_GAP_DAYS: Final = 30
"""Closes further apart (calendar days) say nothing about each other."""


@dataclass(frozen=True)
class Limits:
    """From where on a value is doubted; factors hold up and down (3 = three times or a third).

    :param print_factor: a close that comes back, at least so far from the closes on both sides, and
        `print_sigmas` daily volatilities of the symbol; `print_certain` is enough whatever the volatility.
    :param jump_factor: a close that nothing follows yet, against the one before, and `jump_sigmas`.
    :param level_factor: a level without a split that no later close confirms; enough for any rule of jumps.
    :param dividend_share: of the close before, a dividend without a fall of the price.
    :param adjusted_tolerance: by which an adjusted return may fall short of that of the close (fraction).
    :param untold_dividend: by which it may exceed it: a dividend that the source has not told (fraction).
    :param range_tolerance: by which a close may lie outside of its day's range (fraction).
    """

    print_factor: float = 1.5
    print_sigmas: float = 12.0
    print_certain: float = 5.0
    jump_factor: float = 2.0
    jump_sigmas: float = 20.0
    level_factor: float = 8.0
    dividend_share: float = 0.2
    adjusted_tolerance: float = 0.02
    untold_dividend: float = 0.2
    range_tolerance: float = 0.05
