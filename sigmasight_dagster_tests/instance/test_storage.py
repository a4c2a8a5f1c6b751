"""Our event storage leaves the same records as Dagster's own after the same runs, and Dagster reads them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import psycopg2
import pytest

from sigmasight_core.tables import FactorExposures, TreasuryYields
from sigmasight_dagster.engine.declaration import Gate, GateResult
from sigmasight_dagster.instance import storage
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.answers import answers
from sigmasight_dagster_tests.support.house import (
    DATES,
    NAMES,
    OURS,
    STOCK,
    House,
    dagster_instance,
    exposures,
    partition_keys,
    yields,
)

SOFT = Gate("rows_are_plausible", "Soft", TreasuryYields, lambda rows: GateResult(False), blocking=False)
PUBLISHED, FAILED, CANCELED, AGAIN = DATES[:3], DATES[2:], DATES[3:], DATES[2:4]
DONE = partition_keys(PUBLISHED, NAMES) | partition_keys(AGAIN, NAMES[2:])
EXPOSURES, YIELDS = dg.AssetKey("factor_exposures"), dg.AssetKey("treasury_yields")


STATUSES = """{ assetNodeOrError(assetKey: {path: ["%s"]}) { ... on AssetNode {
  partitionStats { numMaterialized numFailed numMaterializing numPartitions }
  assetPartitionStatuses {
    ... on TimePartitionStatuses { ranges { startKey endKey status } }
    ... on MultiPartitionStatuses { primaryDimensionName ranges { primaryDimStartKey primaryDimEndKey
      secondaryDim { ... on DefaultPartitionStatuses {
        materializedPartitions failedPartitions materializingPartitions } } } } }
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
    runId status evaluation { success severity } } } } } } } }"""
EVENTS = """{ assetOrError(assetKey: {path: ["%s"]}) { ... on Asset { assetMaterializations(limit: 100) {
  runId partition stepKey label description message level tags { key value }
  metadataEntries { label __typename
    ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text }
    ... on TableMetadataEntry { table { records } } } } } } }"""
RUNS = """{ runsOrError { ... on Runs { results { runId status assetSelection { path } assets { key { path } }
  assetMaterializations { partition } stats { ... on RunStatsSnapshot { stepsSucceeded stepsFailed
    materializations expectations } } stepStats { stepKey status materializations { partition } } } } } }"""
RUN = """{ logsForRun(runId: "%s") { ... on EventConnection { events { __typename ... on MessageEvent {
  message stepKey level } ... on MaterializationEvent { partition } } } } }"""


@dataclass
class Records:
    """What a storage holds after the runs of `play`."""

    house: House
    url: str
    run_ids: list[str] = field(default_factory=list)
    while_running: dict[str, str] = field(default_factory=dict)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def run_number(self, run_id: str | None) -> int | None:
        return None if run_id is None else self.run_ids.index(run_id)


def play(records: Records) -> None:
    """A date run with a soft gate, portfolios, one that is canceled, parts of both again, one refused."""

    def watched(rows: pd.DataFrame) -> pd.DataFrame:
        records.while_running = records.house.status(FactorExposures, exposures())
        return rows

    def canceled(rows: pd.DataFrame) -> pd.DataFrame:
        house.instance.report_run_canceling(house.instance.get_runs(limit=1)[0])
        return rows

    house = records.house
    outcomes = [
        house.run(yields(gates=[SOFT])),
        house.run(exposures(watched), dates=PUBLISHED, names=NAMES),
        house.run(exposures(canceled), dates=CANCELED, names=NAMES[2:]),
        house.run(exposures(), dates=AGAIN, names=NAMES[2:]),
        house.run(exposures(lambda rows: rows.assign(n_positions=-1)), dates=FAILED, names=NAMES[:2]),
    ]
    assert [outcome.succeeded for outcome in outcomes] == [True, True, False, True, False]
    assert [outcome.canceled for outcome in outcomes] == [False, False, True, False, False]
    records.run_ids = [outcome.run_id for outcome in outcomes]


@pytest.fixture(scope="module")
def both(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Records]]:
    """The records of Dagster's own storage, which stores events one by one, and of ours, in both of its ways.

    "batches" are those of a run whose events Dagster makes, as of one launched in the UI.
    """
    maintenance, found = postgres_server.url("postgres"), {}
    for kind, storage_class, batch in (
        ("stock", STOCK, "0"),
        ("batches", OURS, "1000"),
        ("ours", OURS, "1000"),
    ):
        urls = [postgres_server.url(f"{kind}_{name}") for name in ("assets", "dagster")]
        execute(maintenance, *(f"CREATE DATABASE {kind}_{name}" for name in ("assets", "dagster")))
        home: Path = tmp_path_factory.mktemp(kind)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
            if kind == "batches":
                patch.setattr(storage.BulkEventLogStorage, "by_template", False)
            instance_context = dagster_instance(urls[1], home / "dagster", storage_class)
            instance = instance_context.__enter__()
            found[kind] = Records(House.make(urls[0], home, instance), urls[1])
            play(found[kind])
    yield found
    for kind, records in found.items():
        records.house.instance.dispose()
        execute(maintenance, *(f"DROP DATABASE {kind}_{name} WITH (FORCE)" for name in ("assets", "dagster")))


@pytest.fixture
def ours(both: dict[str, Records]) -> Records:
    return both["ours"]


def test_the_classes_compared_are_the_stock_one_and_ours(both: dict[str, Records]) -> None:
    classes = {kind: type(records.house.instance.event_log_storage) for kind, records in both.items()}
    assert classes["ours"] is storage.BulkEventLogStorage
    assert classes["stock"] is not storage.BulkEventLogStorage


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT run_id, dagster_event_type, asset_key, partition, step_key FROM event_logs ORDER BY id",
        "SELECT e.run_id, t.asset_key, t.key, t.value, e.dagster_event_type, e.partition "
        "FROM asset_event_tags t JOIN event_logs e ON e.id = t.event_id",
        "SELECT c.run_id, c.asset_key, c.check_name, c.partition, c.execution_status, e.dagster_event_type "
        "FROM asset_check_executions c LEFT JOIN event_logs e ON e.id = c.evaluation_event_storage_id",
    ],
    ids=["events", "tags", "checks"],
)
def test_rows_are_those_of_the_stock_storage(both: dict[str, Records], statement: str) -> None:
    rows = {
        kind: Counter((records.run_number(run_id), *rest) for run_id, *rest in records.rows(statement))
        for kind, records in both.items()
    }
    assert rows["ours"] == rows["batches"] == rows["stock"]
    assert rows["ours"]


def test_events_of_partitions_are_those_of_the_stock_storage_to_the_character(
    both: dict[str, Records],
) -> None:
    """But for what no two runs share: ids, moments, process, and how long the step took."""
    statement = (
        "SELECT run_id, event, asset_key, partition FROM event_logs WHERE dagster_event_type IN "
        "('ASSET_MATERIALIZATION', 'ASSET_MATERIALIZATION_PLANNED', 'ASSET_CHECK_EVALUATION_PLANNED')"
    )
    found = {
        kind: Counter(plain(event, run_id) for run_id, event, *_ in records.rows(statement))
        for kind, records in both.items()
    }
    assert found["ours"] == found["batches"] == found["stock"]
    published = len(DATES) + len(PUBLISHED) * len(NAMES) + len(AGAIN)
    unfinished = len(FAILED) * len(NAMES[:2]) + len(CANCELED)
    checks = 2 + 1 + 1 + 1 + 1
    assert found["ours"].total() == 2 * published + unfinished + checks
    assert any('"preview"' in event and "TableMetadataEntryData" in event for event in found["ours"])


def plain(event: str, run_id: str) -> str:
    """An event's text without what differs from run to run."""
    text = event.replace(run_id, "RUN")
    for varying in (
        r'"timestamp": [\d.e+]+, "user',
        r'"pid": \d+',
        r'_pointer/\w+": "\d+"',
        r'"value": [\d.e-]+}, "label": "seconds in this run"',
        r"input_data_version/(\w+)\": \"\w+",
        r'data_version": "\w+',
    ):
        text = re.sub(varying, "-", text)
    return text


def plain_answer(answer: Any, run_ids: list[str]) -> Any:
    """An answer without what differs from run to run, and lists in the order of what they say."""
    text = json.dumps(answer)
    for number, run_id in enumerate(run_ids):
        text = text.replace(run_id, f"run {number}")
    text = re.sub(r" in [\d.]+(ms|s)\b|pid: \d+|process \d+", "-", text)
    return _in_order(json.loads(text))


def _in_order(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _in_order(value) for name, value in found.items()}
    if isinstance(found, list):
        return sorted(map(_in_order, found), key=json.dumps)
    return found


def test_materializations_are_stored_whole_and_by_date(both: dict[str, Records]) -> None:
    contents: dict[str, list[Any]] = {}
    for kind, records in both.items():
        for run_id in records.run_ids:
            for event in records.house.instance.all_logs(
                run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
            ):
                made = event.asset_materialization
                assert made is not None
                contents.setdefault(kind, []).append(
                    (records.run_number(run_id), made.asset_key, made.partition, sorted(made.metadata))
                )
    assert Counter(map(repr, contents["ours"])) == Counter(map(repr, contents["stock"]))
    assert contents["ours"] == contents["batches"]
    assert contents["ours"] == sorted(contents["ours"], key=lambda made: (made[0], made[2])), "not by date"
    assert len(contents["ours"]) == len(DATES) + len(PUBLISHED) * len(NAMES) + len(AGAIN)


def test_the_index_of_assets_points_at_the_latest_events(both: dict[str, Records]) -> None:
    statement = "SELECT asset_key, last_run_id, last_materialization, wipe_timestamp FROM asset_keys"
    found: dict[str, dict[str, Any]] = {}
    for kind, records in both.items():
        found[kind] = {}
        for key, run_id, last, wiped in records.rows(statement):
            record = json.loads(last)
            latest = records.rows(
                f"SELECT max(id) FROM event_logs WHERE asset_key = '{key}' "
                "AND dagster_event_type = 'ASSET_MATERIALIZATION'"
            )[0][0]
            assert record["storage_id"] == latest
            partition = record["event_log_entry"]["dagster_event"]["event_specific_data"]["materialization"][
                "partition"
            ]
            found[kind][key] = (records.run_number(run_id), partition, wiped)
    newest = {key: partition for key, (_, partition, _) in found["ours"].items()}
    assert newest['["factor_exposures"]'] == max(DONE)
    assert found["ours"] == found["batches"]
    assert [(run, wiped) for run, _, wiped in found["ours"].values()] == [
        (run, wiped) for run, _, wiped in found["stock"].values()
    ]
    assert found["ours"]['["factor_exposures"]'][0] == 4, "the planned events of the refused run came last"


class TestDagsterReadsBack:
    def test_the_status_of_every_partition(self, both: dict[str, Records]) -> None:
        expected = dict.fromkeys(DONE, "MATERIALIZED")
        expected |= dict.fromkeys(partition_keys(FAILED, NAMES[:2]), "FAILED")
        for records in both.values():
            assert records.house.status(FactorExposures, exposures()) == expected

    def test_partitions_in_progress_while_a_run_goes_on(self, both: dict[str, Records]) -> None:
        for records in both.values():
            assert records.while_running == dict.fromkeys(partition_keys(PUBLISHED, NAMES), "IN_PROGRESS")

    def test_materialized_partitions_outlive_a_failed_run(self, ours: Records) -> None:
        instance = ours.house.instance
        assert instance.get_materialized_partitions(EXPOSURES) == DONE
        assert instance.get_materialized_partitions(YIELDS) == partition_keys(DATES)

    @pytest.mark.parametrize(
        ("event_type", "keys"),
        [
            (dg.DagsterEventType.ASSET_MATERIALIZATION, DONE),
            (
                dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
                partition_keys(PUBLISHED, NAMES)
                | partition_keys(FAILED, NAMES[:2])
                | partition_keys(CANCELED, NAMES[2:]),
            ),
        ],
    )
    def test_the_latest_event_of_each_partition(
        self, both: dict[str, Records], event_type: dg.DagsterEventType, keys: set[str]
    ) -> None:
        for records in both.values():
            log = records.house.instance.event_log_storage
            found = log.get_latest_storage_id_by_partition(EXPOSURES, event_type)
            assert set(found) == keys
            by_id = records.rows("SELECT id, partition, dagster_event_type FROM event_logs")
            named = {number: (partition, kind) for number, partition, kind in by_id}
            assert all(named[number] == (key, event_type.value) for key, number in found.items())

    def test_failed_attempts_are_found_with_their_run(self, both: dict[str, Records]) -> None:
        for records in both.values():
            log = records.house.instance.event_log_storage
            attempts = log.get_latest_asset_partition_materialization_attempts_without_materializations(
                EXPOSURES
            )
            by_run = {
                run_id: {key for key, (tried, _) in attempts.items() if tried == run_id}
                for run_id in records.run_ids[2:]
            }
            assert list(by_run.values()) == [
                partition_keys(CANCELED, NAMES[2:]) - DONE,
                set(),
                partition_keys(FAILED, NAMES[:2]),
            ]
            assert len(attempts) == sum(map(len, by_run.values()))

    def test_the_latest_materialization_of_an_asset(self, both: dict[str, Records]) -> None:
        for records in both.values():
            event = records.house.instance.get_latest_materialization_event(EXPOSURES)
            assert event is not None
            assert event.run_id == records.run_ids[3]
        assert event.asset_materialization.partition == max(DONE)

    def test_events_of_a_run_by_type(self, both: dict[str, Records]) -> None:
        counts = {
            kind: Counter(
                event.dagster_event_type
                for event in records.house.instance.all_logs(records.run_ids[1])
                if event.is_dagster_event
            )
            for kind, records in both.items()
        }
        assert counts["ours"] == counts["batches"] == counts["stock"]
        assert counts["ours"][dg.DagsterEventType.ASSET_MATERIALIZATION] == len(PUBLISHED) * len(NAMES)

    def test_checks_passed_and_failed(self, ours: Records) -> None:
        assert not ours.house.check(TreasuryYields, SOFT.name).passed
        assert ours.house.check(TreasuryYields, "rows_meet_the_contract").passed
        assert not ours.house.check(FactorExposures, "rows_meet_the_contract").passed


def test_the_ui_answers_the_same(both: dict[str, Records]) -> None:
    """Statuses, materializations, checks and runs, as its pages ask for them."""
    found = {}
    for kind, records in both.items():
        asked = [query % key.path[0] for query in (STATUSES, EVENTS) for key in (EXPOSURES, YIELDS)]
        asked += [RUNS, *(RUN % run_id for run_id in records.run_ids)]
        found[kind] = [
            plain_answer(answer, records.run_ids) for answer in answers(records.house.instance, asked)
        ]
    for ours, batches, stock in zip(found["ours"], found["batches"], found["stock"], strict=True):
        assert ours == batches == stock
    told = found["ours"][0]["assetNodeOrError"]["partitionStats"]
    assert told["numMaterialized"] == len(DONE - partition_keys(FAILED, NAMES[:2]))
    assert told["numFailed"] == len(partition_keys(FAILED, NAMES[:2]))
    assert len(found["ours"][2]["assetOrError"]["assetMaterializations"]) == len(PUBLISHED) * len(
        NAMES
    ) + len(AGAIN)
    assert [run["status"] for run in found["ours"][4]["runsOrError"]["results"]].count("CANCELED") == 1


def test_the_url_comes_from_the_environment_without_configuration(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", database_url)
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")
    made = storage.SigmaSightStorage.from_config_value(None, {})
    assert isinstance(made, storage.SigmaSightStorage)
    assert made.postgres_url.partition("://")[2] == database_url.partition("://")[2]
    assert made.postgres_url.startswith("postgresql+psycopg2://")
