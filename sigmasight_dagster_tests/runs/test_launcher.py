"""What is left of a process that is gone goes on in the others; errors of one end all."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.launcher import Launcher
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster_tests.runs.test_plan import EXPOSURES, SESSIONS


def lane(name: str) -> list[RangeRun]:
    return [RangeRun("portfolio", (EXPOSURES,), SESSIONS[i : i + 1], (name,)) for i in range(3)]


class Elsewhere:
    """In place of a worker: gives these answers, and is gone after the last."""

    def __init__(self, *answers: str | None) -> None:
        self._answers: Iterator[str | None] = iter(answers)
        self._left, self.alive = len(answers), True

    def execute(self, _: Any, run: RangeRun, run_id: str) -> RunOutcome | None:
        self._left -= 1
        self.alive = self._left > 0
        answer = next(self._answers)
        return None if answer is None else RunOutcome(run, run_id, error=answer, lost=bool(answer))


def launched(
    worker: Elsewhere, *, error: Exception | None = None, full: bool = False
) -> tuple[list[RunOutcome], list[RangeRun]]:
    """Outcomes of two lanes, and the runs that were executed here."""
    here: list[RangeRun] = []

    def execute(run: RangeRun, run_id: str) -> RunOutcome:
        here.append(run)
        if error:
            raise error
        return RunOutcome(run, run_id)

    without_runs: Any = SimpleNamespace(get_run_by_id=lambda _: None)

    def nothing(*_: Any) -> None:
        return

    def disk_is_full() -> None:
        raise OSError("no room is left")

    workers = [cast("Any", worker)]
    launcher = Launcher(without_runs, execute, workers, nothing, nothing, disk_is_full if full else nothing)
    return launcher.execute([[lane("a"), lane("b")]], threading.Event()), here


def test_the_run_of_a_process_that_is_gone_has_failed_and_those_after_it_are_executed_here() -> None:
    outcomes, here = launched(Elsewhere("", "killed"))
    assert [run.portfolios[0] for run in here] == ["a", "a", "a", "b"]
    assert here[-1].dates[0] == SESSIONS[2]
    assert [(each.run.portfolios, each.error) for each in outcomes if each.failed] == [(("b",), "killed")]
    assert (len(outcomes), sum(each.split for each in outcomes)) == (6, 0)


def test_a_run_that_a_process_never_began_is_executed_here() -> None:
    outcomes, here = launched(Elsewhere(None))
    assert [(run.portfolios[0], run.dates[0]) for run in here] == [
        (name, date) for name in "ab" for date in SESSIONS[:3]
    ]
    assert (len(outcomes), {each.error for each in outcomes}) == (6, {""})


def test_an_error_is_raised() -> None:
    with pytest.raises(ConnectionError, match="lost"):
        launched(Elsewhere("", "", ""), error=ConnectionError("the database is lost"))


def test_a_failed_run_ends_all_where_there_is_no_room_left() -> None:
    with pytest.raises(OSError, match="no room"):
        launched(Elsewhere("killed"), full=True)
