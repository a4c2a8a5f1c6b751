"""Politeness: limits are kept, waits are those asked for, and a source that is down is left alone."""

import threading
import time
from collections.abc import Callable

import pytest

from sigmasight_core.errors import SourceError, TransientError
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster_tests.providers.fault_server import Sleeper

FAST = {"requests": 1000, "seconds": 1.0}


def failing(error: Exception, times: int = 10**9) -> tuple[Callable[[], str], list[float]]:
    """A request that fails so many times and then answers, and the moments at which it was made."""
    made: list[float] = []

    def request() -> str:
        made.append(time.monotonic())
        if len(made) <= times:
            raise error
        return "answer"

    return request, made


def test_an_answer_is_returned_after_failures_that_pass() -> None:
    request, made = failing(TransientError("busy"), 2)
    sleeper = Sleeper()
    assert Politeness("x", Manners(**FAST), sleeper).ask(request) == "answer"
    assert len(made) == 3
    assert 0.5 <= sleeper.slept[0] <= 1.5
    assert 1.0 <= sleeper.slept[1] <= 3.0


def test_attempts_end_with_the_last_error() -> None:
    request, made = failing(TransientError("busy"))
    with pytest.raises(TransientError, match=r"^busy$"):
        Politeness("x", Manners(**FAST, attempts=3), Sleeper()).ask(request)
    assert len(made) == 3


@pytest.mark.parametrize("error", [SourceError("no"), ValueError("a mistake of ours")])
def test_other_errors_end_at_once(error: Exception) -> None:
    request, made = failing(error)
    with pytest.raises(type(error)):
        Politeness("x", Manners(**FAST), Sleeper()).ask(request)
    assert len(made) == 1


def test_waits_are_bounded() -> None:
    request, _ = failing(TransientError("busy"))
    sleeper = Sleeper()
    manners = Manners(**FAST, attempts=8, failures_to_open=99, longest_wait_seconds=4)
    with pytest.raises(TransientError):
        Politeness("x", manners, sleeper).ask(request)
    assert len(sleeper.slept) == 7
    assert max(sleeper.slept) <= 4 * 1.5


def test_retry_after_is_kept_to() -> None:
    request, _ = failing(TransientError("busy", retry_after_seconds=7.0), 1)
    sleeper = Sleeper()
    assert Politeness("x", Manners(**FAST), sleeper).ask(request) == "answer"
    assert sleeper.slept == [7.0]


def test_retry_after_longer_than_the_limit_ends_at_once() -> None:
    request, made = failing(TransientError("busy", retry_after_seconds=3600.0))
    sleeper = Sleeper()
    with pytest.raises(TransientError) as raised:
        Politeness("x", Manners(**FAST), sleeper).ask(request)
    assert (len(made), sleeper.slept) == (1, [])
    assert raised.value.retry_after_seconds == 3600.0


def most_in_a_window(moments: list[float], seconds: float) -> int:
    return max(sum(0 <= later - moment < seconds for later in moments) for moment in moments)


def test_the_rate_limit_holds() -> None:
    polite = Politeness("x", Manners(requests=3, seconds=0.3))
    request, made = failing(SourceError(""), 0)
    for _ in range(8):
        polite.ask(request)
    assert most_in_a_window(made, 0.3) == 3
    assert made[-1] - made[0] >= 0.6


def test_the_rate_limit_holds_over_threads_and_attempts() -> None:
    polite = Politeness("x", Manners(requests=3, seconds=0.3, attempts=8), Sleeper())
    request, made = failing(TransientError("busy"), 4)
    threads = [threading.Thread(target=polite.ask, args=(request,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert most_in_a_window(made, 0.3) <= 3


def test_a_used_up_day_is_an_error_and_no_wait_until_tomorrow() -> None:
    polite = Politeness("x", Manners(requests=1, seconds=0.01, per_day=2), longest_turn_seconds=0.2)
    request, made = failing(SourceError(""), 0)
    polite.ask(request)
    polite.ask(request)
    began = time.monotonic()
    with pytest.raises(
        TransientError, match=r"x is not asked: its limit of 1 requests in 0\.01 s and 2 a day is used up"
    ):
        polite.ask(request)
    assert time.monotonic() - began < 2
    assert len(made) == 2


def test_the_circuit_opens_and_closes() -> None:
    manners = Manners(**FAST, attempts=2, failures_to_open=4, open_seconds=0.3)
    polite = Politeness("x", manners, Sleeper())
    request, made = failing(TransientError("down"), 5)
    for _ in range(2):
        with pytest.raises(TransientError, match=r"^down$"):
            polite.ask(request)
    with pytest.raises(
        TransientError, match="x is not asked: 4 requests in a row failed; it is asked again after"
    ):
        polite.ask(request)
    assert len(made) == 4, "an open circuit makes no request"
    time.sleep(0.35)
    with pytest.raises(TransientError):
        polite.ask(request)
    assert len(made) == 5, "one trial, which fails, and it is open again"
    time.sleep(0.35)
    assert polite.ask(request) == "answer"
    assert polite.ask(request) == "answer", "closed"


def test_refusals_do_not_open_the_circuit() -> None:
    polite = Politeness("x", Manners(**FAST, failures_to_open=2), Sleeper())
    refused, made = failing(SourceError("no"))
    for _ in range(5):
        with pytest.raises(SourceError):
            polite.ask(refused)
    assert len(made) == 5
