"""Which runs go side by side, and what is the same as one after the other."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sigmasight_dagster.executors import processes
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.runs import lanes
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.runs.test_plan import EXPOSURES, ORDER, SESSIONS, VALUES, planned

ENOUGH = 1_000


def spread(
    runs: Sequence[RangeRun], n_processes: int = 2, held: Sequence[int] = (ENOUGH,) * 5, chunk: int = 300
) -> list[lanes.Stage]:
    n_positions = dict(zip(ORDER, held, strict=True))
    return lanes.side_by_side(runs, n_processes, n_positions, ORDER, chunk)


def every_key(runs: Sequence[RangeRun]) -> list[str]:
    return sorted(key for run in runs for key in run.partition_keys)


def names(stage: lanes.Stage) -> list[set[str]]:
    return [{name for run in lane for name in run.portfolios} for lane in stage]


def test_market_data_come_first_then_portfolios_side_by_side_each_in_order_of_dates() -> None:
    runs = planned(SESSIONS[-100:], ORDER, chunk_partitions=100)
    market, portfolios = spread(runs)
    assert market == [[run for run in runs if not run.portfolios]]
    assert names(portfolios) == [{"a", "b"}, {"c", "d", "e"}]
    for lane in portfolios:
        assert [run.dates[0] for run in lane] == sorted(run.dates[0] for run in lane)
    together = [run for lane in portfolios for run in lane]
    assert every_key(together) == every_key([run for run in runs if run.portfolios])


def test_each_run_is_a_rectangle_of_neighbours_that_is_not_larger_than_before() -> None:
    runs = planned(SESSIONS[-100:], ORDER, chunk_partitions=150)
    assert [len(run.dates) for run in runs if run.portfolios] == [30, 30, 30, 10]
    _, stage = spread(runs, chunk=150)
    assert [[len(run.dates) for run in lane] for lane in stage] == [[50, 50], [50, 50]]
    for run in (run for lane in stage for run in lane):
        assert run.portfolios == keys.neighbours(run.portfolios, ORDER)[0]
        assert len(run.partition_keys) <= 150


def test_the_last_run_of_each_portfolio_makes_the_reports_however_many_processes_there_are() -> None:
    runs = planned(SESSIONS[-100:], ORDER, chunk_partitions=150)
    for stages in (lanes.one_by_one(runs), spread(runs, chunk=150)):
        marked = [run for stage in stages for lane in stage for run in lanes.told_at_the_end(lane)]
        last = [run for run in marked if not run.goes_on and run.portfolios]
        assert {run.dates[-1] for run in last} == {SESSIONS[-1]}
        assert sorted(name for run in last for name in run.portfolios) == sorted(ORDER)
        assert not any(run.goes_on for run in marked if not run.portfolios)


def test_lanes_take_as_long_as_each_other_not_as_many_portfolios() -> None:
    runs = planned(SESSIONS[-100:], ORDER)
    assert names(spread(runs, held=(9_000, 900, 900, 900, 900))[-1]) == [{"a"}, {"b", "c", "d", "e"}]


def test_what_pays_no_second_process_stays_as_planned() -> None:
    runs = planned(SESSIONS[-3:], ORDER, chunk_partitions=5)
    assert spread(runs, held=(30,) * 5)[-1] == [[run for run in runs if run.portfolios]]
    assert len(spread(planned(SESSIONS[-100:], ORDER), 9, held=(130,) * 5)[-1]) == 3, "three are worth it"
    assert len(spread(planned(SESSIONS[-100:], ("c",)), held=(10**6,) * 5)[-1]) == 1, "dates go in order"


def test_what_is_left_of_a_backfill_keeps_its_gaps_and_its_assets() -> None:
    """Runs of some assets, of dates that do not follow on each other: they are not joined."""
    left = [
        RangeRun("portfolio", (VALUES, EXPOSURES), SESSIONS[10:20], ("a", "b")),
        RangeRun("portfolio", (VALUES, EXPOSURES), SESSIONS[21:30], ("a", "b")),
        RangeRun("portfolio", (EXPOSURES,), SESSIONS[30:40], ("a", "b")),
        RangeRun("portfolio", (EXPOSURES,), SESSIONS[40:50], ("a", "b")),
    ]
    (stage,) = spread(left)
    assert names(stage) == [{"a"}, {"b"}]
    for lane in stage:
        assert [(run.assets, len(run.dates)) for run in lane] == [
            ((VALUES, EXPOSURES), 10),
            ((VALUES, EXPOSURES), 9),
            ((EXPOSURES,), 20),
        ]


@pytest.mark.parametrize(
    ("given", "executor", "limits", "expected"),
    [
        (3, "in_process", {}, 3),
        (3, "celery", {}, 1),
        (0, "in_process", {"cpu.max": "100000 100000"}, 1),
        (0, "in_process", {"cpu.max": "max 100000", "memory.max": f"{3 << 30}", "memory.current": "0"}, 1),
    ],
)
def test_processes_are_as_many_as_the_setting_or_a_container_s_limits_say(
    tmp_path: Path, given: int, executor: str, limits: dict[str, str], expected: int
) -> None:
    for name, text in limits.items():
        (tmp_path / name).write_text(f"{text}\n")
    settings = Settings(_env_file=None, processes=given, executor=executor)
    assert processes.usable(settings, tmp_path) == expected
