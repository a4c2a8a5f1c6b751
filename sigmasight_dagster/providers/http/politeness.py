"""How a source is asked: within its rate limit, again when that may help, not at all while it is down."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import pybreaker
import tenacity
from pyrate_limiter import Duration, Limiter, Rate

from sigmasight_core.errors import TransientError

Answer = TypeVar("Answer")

LONGEST_RETRY_AFTER_SECONDS: Final = 120.0
"""A source that asks for more is left to the run's own retries."""

LONGEST_TURN_SECONDS: Final = 300.0
"""How long a request waits for its turn under the rate limit."""


@dataclass(frozen=True)
class Manners:
    """Limits of one source under one plan.

    :param requests: at most so many in `seconds`.
    :param attempts: of one request, the first included.
    :param first_wait_seconds: before the second attempt; doubled each time, give or take half.
    :param failures_to_open: transient failures in a row after which it is not asked any more...
    :param open_seconds: ...for so long.
    :param per_day: at most so many in 24 hours, as counted by this process.
    """

    requests: int
    seconds: float
    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    failures_to_open: int = 8
    open_seconds: float = 60.0
    per_day: int | None = None


@dataclass
class Politeness:
    """Asks one source, one request at a time. One for each source and process: its limits hold over threads.

    :param sleep: between attempts; waits for the rate limit are the limiter's own.
    :param longest_turn_seconds: how long a request may wait for the rate limit.
    """

    source: str
    manners: Manners
    sleep: Callable[[float], None] = time.sleep
    longest_turn_seconds: float = LONGEST_TURN_SECONDS
    _limiter: Limiter = field(init=False)
    _breaker: pybreaker.CircuitBreaker = field(init=False)

    def __post_init__(self) -> None:
        rates = [Rate(self.manners.requests, int(self.manners.seconds * Duration.SECOND))]
        if self.manners.per_day is not None:
            rates.append(Rate(self.manners.per_day, Duration.DAY))
        self._limiter = Limiter(rates)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=self.manners.failures_to_open,
            reset_timeout=self.manners.open_seconds,
            exclude=[
                lambda error: not isinstance(error, TransientError) or isinstance(error, _NotAskedError)
            ],
            throw_new_error_on_trip=False,
        )

    def ask(self, request: Callable[[], Answer]) -> Answer:
        """The answer of a request; it is made again, later, after a TransientError.

        :raises TransientError: when the last attempt failed, or at once while the source is down.
        :raises Exception: anything else that the request raises, at the first attempt.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_pass),
            stop=tenacity.stop_after_attempt(self.manners.attempts),
            wait=self._wait,
            sleep=self.sleep,
            reraise=True,
        )
        return attempts(self._attempt, request)

    def _attempt(self, request: Callable[[], Answer]) -> Answer:
        try:
            return self._breaker.call(self._within_limits, request)
        except pybreaker.CircuitBreakerError:
            raise _NotAskedError(
                f"{self.source} is not asked: {self.manners.failures_to_open} requests in a row failed; "
                f"it is asked again after {self.manners.open_seconds:.0f} s"
            ) from None

    def _within_limits(self, request: Callable[[], Answer]) -> Answer:
        if not self._limiter.try_acquire(self.source, timeout=self.longest_turn_seconds):
            raise _NotAskedError(
                f"{self.source} is not asked: its limit of {self._limits()} is used up; "
                "ask later, or set the plan to what your key has"
            )
        return request()

    def _limits(self) -> str:
        a_day = "" if self.manners.per_day is None else f" and {self.manners.per_day} a day"
        return f"{self.manners.requests} requests in {self.manners.seconds:g} s{a_day}"

    @staticmethod
    def _may_pass(error: BaseException) -> bool:
        wait = getattr(error, "retry_after_seconds", None) or 0.0
        return (
            isinstance(error, TransientError)
            and not isinstance(error, _NotAskedError)
            and wait <= LONGEST_RETRY_AFTER_SECONDS
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        grown = self.manners.first_wait_seconds * 2 ** (state.attempt_number - 1)
        wait = min(grown, self.manners.longest_wait_seconds) * random.uniform(0.5, 1.5)
        error = state.outcome.exception() if state.outcome else None
        return max(wait, getattr(error, "retry_after_seconds", None) or 0.0)


class _NotAskedError(TransientError):
    """The circuit is open, or the limit used up: a later run may try, this request is not made."""
