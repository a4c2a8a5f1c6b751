"""A process that dies between a publication and its events: the next command reports what has rows."""

import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from sigmasight_core.tables import FactorExposures
from sigmasight_dagster.instance import partition_events
from sigmasight_dagster.runs import execute, recovery, untold
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.story.metadata import ROW_COUNT
from sigmasight_dagster_tests.support.house import (
    DATES,
    NAMES,
    House,
    dagster_instance,
    exposures,
    partition_keys,
)

KEY = dg.AssetKey("factor_exposures")
EVERY = partition_keys(DATES, NAMES)
KILLED = """
import os, signal, sys
from pathlib import Path
from sigmasight_dagster.instance import partition_events
from sigmasight_dagster_tests.support.house import DATES, NAMES, House, dagster_instance, exposures

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

partition_events.materialize = killed
assets, dagster, home = sys.argv[1:]
with dagster_instance(dagster, Path(home) / "dagster") as instance:
    House.make(assets, Path(home), instance).run(exposures(), dates=DATES, names=NAMES)
"""


def attempts(instance: dg.DagsterInstance) -> set[str]:
    """Partitions whose last attempt has no materialization."""
    storage = instance.event_log_storage
    return set(storage.get_latest_asset_partition_materialization_attempts_without_materializations(KEY))


def test_rows_of_a_killed_process_get_their_events_from_the_next_command(
    url: str, database_url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, url, database_url, str(tmp_path)]
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL
    with dagster_instance(database_url, tmp_path / "dagster") as instance:
        house = House.make(url, tmp_path, instance)
        warehouse = house.platform.warehouse
        assert house.published(FactorExposures) == attempts(instance) == EVERY
        assert untold.report(instance, warehouse) == 0, "its run may still go on"

        assert len(execute.report_orphans(instance)) == 1
        assert recovery.failed_partitions(instance, [exposures()]) == {"factor_exposures": EVERY}
        assert untold.report(instance, warehouse) == len(EVERY)

        assert attempts(instance) == set()
        assert house.status(FactorExposures, exposures()) == dict.fromkeys(EVERY, "MATERIALIZED")
        assert recovery.failed_partitions(instance, [exposures()]) == {"factor_exposures": frozenset()}
        event = instance.get_latest_materialization_event(KEY)
        assert event is not None
        made = event.asset_materialization
        assert made is not None
        assert isinstance(made.partition, dg.MultiPartitionKey)
        assert (made.partition, made.metadata[ROW_COUNT].value) == (max(EVERY), 1)
        assert made.metadata["note"].value == untold.NOTE
        assert untold.report(instance, warehouse) == 0, "once is enough"


def test_a_run_that_lost_the_events_database_has_failed_and_is_reported_as_far_as_it_came(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise ConnectionError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(partition_events, "materialize", lost)
        assert house.run(exposures(), dates=DATES[:2], names=NAMES).failed
    assert house.run(exposures(lambda rows: rows.assign(n_positions=-1)), dates=DATES[2:], names=NAMES).failed
    assert untold.report(house.instance, house.platform.warehouse) == 2 * len(NAMES)
    assert attempts(house.instance) == partition_keys(DATES[2:], NAMES), "what was refused has no rows"


def test_what_a_later_run_has_published_is_not_reported_for_an_earlier_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise ConnectionError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(partition_events, "materialize", lost)
        house.run(exposures(), dates=DATES[:2], names=NAMES)
    assert house.run(exposures(), dates=DATES[:2], names=NAMES).succeeded
    assert untold.report(house.instance, house.platform.warehouse) == 0


def test_what_is_left_as_it_is_shows_as_published_whatever_became_of_its_last_attempt(house: House) -> None:
    """A run publishes, a later one of more partitions fails: `--missing-only` leaves what the first made."""
    old, left, never = DATES[:1], DATES[1:3], DATES[3:]
    for dates in (old, left):
        assert house.run(exposures(), dates=dates, names=NAMES).succeeded
    bad = exposures(lambda rows: rows.assign(n_positions=-1))
    assert house.run(bad, dates=DATES, names=NAMES).failed
    warehouse, asset = house.platform.warehouse, exposures()
    later = partition_keys(left.append(never), NAMES)
    assert attempts(house.instance) == EVERY

    runs = [RangeRun("portfolio", (asset,), left.append(never), NAMES)]
    assert untold.report_kept(house.instance, warehouse, runs) == len(left) * len(NAMES)
    assert attempts(house.instance) == (EVERY - later) | partition_keys(never, NAMES)
    shown = {key for key, status in house.status(FactorExposures, asset).items() if status == "MATERIALIZED"}
    assert shown == house.published(FactorExposures) & later
    assert recovery.failed_partitions(house.instance, [asset])["factor_exposures"] == EVERY - shown
    assert untold.report_kept(house.instance, warehouse, runs) == 0, "once is enough"
