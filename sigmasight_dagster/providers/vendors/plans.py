"""What a vendor sells under each plan, as declared by it: rate limits and years of history."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sigmasight_dagster.providers.http.politeness import Manners


@dataclass(frozen=True)
class PlanLimits:
    """One plan.

    :param manners: its rate limit; where the vendor names none, what we hold to.
    :param history_years: of daily bars until today; None = all that the vendor has.
    """

    manners: Manners
    history_years: int | None

    def first_date(self, today: dt.date) -> dt.date:
        """First day of which the plan has bars; a day later than it says, for another idea of its length."""
        if self.history_years is None:
            return dt.date.min
        return today - dt.timedelta(days=round(self.history_years * 365.25) - 1)


POLYGON: Final[Mapping[str, PlanLimits]] = {
    "free": PlanLimits(Manners(requests=5, seconds=60), 2),
    "starter": PlanLimits(Manners(requests=100, seconds=1), 5),
    "developer": PlanLimits(Manners(requests=100, seconds=1), 10),
    "advanced": PlanLimits(Manners(requests=100, seconds=1), None),
}
"""Stocks Basic, Starter, Developer, Advanced. Paid plans: no limit, but below 100/s."""

FMP: Final[Mapping[str, PlanLimits]] = {
    "free": PlanLimits(Manners(requests=5, seconds=1, per_day=250), 5),
    "starter": PlanLimits(Manners(requests=300, seconds=60), 5),
    "developer": PlanLimits(Manners(requests=750, seconds=60), None),
    "advanced": PlanLimits(Manners(requests=3000, seconds=60), None),
}
"""Basic, Starter, Premium, Ultimate."""
