"""What cash earns and costs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CashTerms:
    """What cash earns and costs, fractions per year over the 3-month yield; None = nothing.

    :param interest_spread: below the yield, earned on a positive balance.
    :param borrow_spread: above the yield, paid on a negative one.
    """

    interest_spread: float | None = None
    borrow_spread: float | None = None

    @property
    def none(self) -> bool:
        """Whether cash earns and costs nothing: then no yield is needed."""
        return self.interest_spread is None and self.borrow_spread is None
