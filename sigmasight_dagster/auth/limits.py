"""How many requests one user may make in a minute. Counted in memory: `sigmasight serve` is one process."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem

WINDOW_SECONDS: Final = 60
_MOST_KNOWN: Final = 10_000
"""Users and addresses that are counted at once; beyond them, who was seen longest ago is forgotten."""


@dataclass(frozen=True)
class Verdict:
    """Whether a request is let in, and what is left of the window afterwards."""

    allowed: bool
    limit: int
    remaining: int
    retry_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """As answers show it; the window slides, so that `reset` is when one more is let in at the latest."""
        shown = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.retry_seconds),
        }
        return shown if self.allowed else {**shown, "Retry-After": str(self.retry_seconds)}


class Limits:
    """:param per_minute: 0 = any number."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, InMemoryBucket] = OrderedDict()

    def ask(self, who: str, per_minute: int | None = None) -> Verdict | None:
        """Count a request of a user or address; None = nothing is counted.

        :param per_minute: instead of the setting, where that lets more in.
        """
        if not self._per_minute:
            return None
        limit = min(per_minute or self._per_minute, self._per_minute)
        bucket = self._bucket(who, limit)
        now = bucket.now()
        bucket.leak(now)
        decision = bucket.put_decision(RateItem(who, now))
        wait = decision.retry_after_ms or 0  # type: ignore[union-attr]  # only other buckets are awaited
        remaining = max(0, limit - bucket.count())
        seconds = max(1, -(-wait // 1000)) if wait else WINDOW_SECONDS
        return Verdict(decision.allowed, limit, remaining, seconds)  # type: ignore[union-attr]

    def _bucket(self, who: str, limit: int) -> InMemoryBucket:
        found = self._buckets.get(who) or InMemoryBucket([Rate(limit, Duration.SECOND * WINDOW_SECONDS)])
        self._buckets[who] = found
        self._buckets.move_to_end(who)
        if len(self._buckets) > _MOST_KNOWN:
            self._buckets.popitem(last=False)
        return found
