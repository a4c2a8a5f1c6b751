"""Runs and events that are old leave; what statuses, failures, data versions and checks are made of stays."""

import datetime as dt
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from sigmasight_core.tables import FactorExposures, TreasuryYields
from sigmasight_dagster.automation import retention
from sigmasight_dagster.instance.retention import output, records
from sigmasight_dagster.runs import recovery
from sigmasight_dagster_tests.support.house import DATES, NAMES, House, exposures, partition_keys, yields
from sigmasight_dagster_tests.support.stored_rows import sql

KEYS = [dg.AssetKey("factor_exposures"), dg.AssetKey("treasury_yields")]
REFUSED = exposures(lambda rows: rows.assign(n_positions=-1))
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=400)


@pytest.fixture
def played(house: House) -> House:
    """Yields twice, exposures twice of some dates, then an attempt on others that is refused."""
    for _ in range(2):
        assert house.run(yields()).succeeded
        assert house.run(exposures(inputs=[TreasuryYields]), dates=DATES[:3], names=NAMES).succeeded
    assert house.run(REFUSED, dates=DATES[2:], names=NAMES).failed
    return house


def shown(house: House) -> dict[str, Any]:
    """What Dagster says of partitions, data versions, failures and checks."""
    storage, instance = house.instance.event_log_storage, house.instance
    checks = storage.get_asset_check_summary_records(
        [dg.AssetCheckKey(key, "rows_meet_the_contract") for key in KEYS]
    )
    return {
        "partitions": [house.status(FactorExposures, exposures()), house.status(TreasuryYields, yields())],
        "latest": [instance.get_latest_materialization_event(key) for key in KEYS],
        "by partition": [
            storage.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
            for key in KEYS
        ],
        "versions": [
            storage.get_latest_tags_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"]
            )
            for key in KEYS
        ],
        "failed": recovery.failed_partitions(instance, [exposures()]),
        "checks": [
            (
                key,
                record.last_check_execution_record and record.last_check_execution_record.status,
                record.last_run_id,
            )
            for key, record in checks.items()
        ],
    }


def url(house: House) -> str:
    return house.instance.event_log_storage.postgres_url.replace("+psycopg2", "")


def counts(house: House) -> dict[str, int]:
    return {table: sql(url(house), f"SELECT count(*) FROM {table}")[0][0] for table in records._OLD}


def test_what_the_ui_shows_is_the_same_after_all_that_is_old_has_gone(
    played: House, database_url: str
) -> None:
    job = played.definitions(yields()).resolve_implicit_global_asset_job_def()
    started = played.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    before, stored = shown(played), counts(played)
    records.retire(played.instance, dt.datetime.now(dt.UTC) - dt.timedelta(hours=1), dry_run=False)
    (planned,) = {
        table: stored[table] - n for table, n in counts(played).items() if stored[table] > n
    }.items()
    assert planned == ("asset_check_executions", 2 * len(DATES)), "nothing else is old"
    assert shown(played) == before
    stored = counts(played)
    dry = records.retire(played.instance, LATER, dry_run=True)
    assert counts(played) == stored
    done = records.retire(played.instance, LATER, dry_run=False)
    pd.testing.assert_frame_equal(done.drop(columns="n_bytes"), dry.drop(columns="n_bytes"))
    assert counts(played) == {
        table: stored[table] - done.set_index("what")["n_rows"][table] for table in stored
    }
    sql(url(played), "UPDATE asset_keys SET cached_status_data = NULL", "SELECT 1")
    assert shown(played) == before
    assert before["failed"]["factor_exposures"] == partition_keys(DATES[2:], NAMES)
    runs = sorted(run.status.value for run in played.instance.get_runs())
    assert runs == ["FAILURE", "STARTED", "SUCCESS"], "what failed, what goes on, the last that has published"
    played.instance.report_run_failed(started)
    materialized = sql(
        url(played), "SELECT count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    )
    assert materialized == [(len(DATES) + 3 * len(NAMES),)], "one each"
    assert records.retire(played.instance, LATER, dry_run=False)["n_rows"].sum() == 0
    assert played.run(exposures(), dates=DATES, names=NAMES).succeeded, "and life goes on"
    assert set(played.status(FactorExposures, exposures()).values()) == {"MATERIALIZED"}


def test_captured_output_leaves_but_that_of_a_run_that_goes_on(house: House, tmp_path: Path) -> None:
    job = house.definitions(yields()).resolve_implicit_global_asset_job_def()
    started = house.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    base = tmp_path / "output"
    files = [base / name / "compute_logs" / "x.out" for name in (started.run_id, "gone", "new")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("12345")
    for file in files[:2]:
        os.utime(file, (0, 0))
    house.instance._compute_log_manager = LocalComputeLogManager(str(base))  # type: ignore[attr-defined]
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    for dry_run in (True, False):
        assert [file.exists() for file in files] == [True] * 3
        found = output.retire(house.instance, before, dry_run=dry_run)
        assert found.to_dict("records") == [{"what": "captured output", "n_rows": 1, "n_bytes": 5}]
    assert [file.exists() for file in files] == [True, False, True]
    assert not (base / "gone").exists()


def test_the_job_deletes_each_kind_that_is_not_kept_for_ever(
    played: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has deleted, or would delete, is in its log."""
    settings = played.platform.settings
    kept = settings.model_copy(update=dict.fromkeys(("keep_history_days", "keep_alerts_days"), 0))
    monkeypatch.setattr(played.platform, "settings", kept)
    monkeypatch.setattr(retention, "retire", partial(_later, retention.retire))
    said = {}
    for dry_run in (True, False):
        config = {"ops": {"retire_what_is_old": {"config": {"dry_run": dry_run}}}}
        result = retention.retention.execute_in_process(
            run_config=config, instance=played.instance, resources={"platform": played.platform}
        )
        lines = [record.user_message for record in played.instance.all_logs(result.run_id)]
        said[dry_run] = [line for line in lines if "runs before" in line]
        assert [line for line in lines if "history before" in line] == []
    for dry_run, word in ((True, "Would delete"), (False, "Deleted")):
        assert re.fullmatch(rf"{word} runs before 20..-..-..: \d+ rows, about [\d.]+ MB\.", *said[dry_run])
    left = {run.run_id for run in played.instance.get_runs()}
    assert result.run_id in left
    assert len(left) == 3, "the one that failed, the last that has published, the job's own"


def _later(retire: Any, platform: Any, instance: Any, kept: Any, now: pd.Timestamp, dry_run: bool) -> Any:
    return retire(platform, instance, kept, now + pd.Timedelta(days=kept.keep_runs_days, hours=1), dry_run)
