"""The fast event storage is used on the Dagster that it was written for, and on no other."""

import warnings
from pathlib import Path
from types import FunctionType
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage

from sigmasight_core.tables import TreasuryYields
from sigmasight_dagster.instance import fingerprint, partition_events, storage
from sigmasight_dagster.instance.known_dagster import (
    KNOWN,
    KNOWN_OF_EVENTS,
    KNOWN_OF_RANGES,
    parts_of_events,
    parts_of_ranges,
)
from sigmasight_dagster_tests.support.house import DATES, House, dagster_instance, partition_keys, yields


def test_the_installed_dagster_is_the_known_one() -> None:
    for parts, known in (
        (storage.parts_of_dagster(), KNOWN),
        (parts_of_events(), KNOWN_OF_EVENTS),
        (parts_of_ranges(), KNOWN_OF_RANGES),
    ):
        assert parts.keys() == known.keys()
        assert fingerprint.changed(parts, known) == [], "see known_dagster.py for what to do"


def test_every_method_that_is_replaced_is_watched() -> None:
    for ours in (storage.BulkEventLogStorage, storage.PooledRunStorage, storage.SigmaSightStorage):
        stock = ours.__mro__[1]
        replaced = {name for name in vars(ours) if isinstance(getattr(stock, name, None), FunctionType)}
        assert replaced <= {part.split(".")[1] for part in KNOWN if part.startswith(f"{stock.__name__}.")}
    assert "PostgresEventLogStorage._store_asset_event_tags" in KNOWN, "replaced by way of store_event_batch"


@pytest.fixture
def changed_method(monkeypatch: pytest.MonkeyPatch) -> str:
    """Dagster stores a batch in another way: as its base class does, event by event."""

    def store_event_batch(self: Any, events: Any) -> None:
        for event in events:
            self.store_event(event)

    monkeypatch.setattr(PostgresEventLogStorage, "store_event_batch", store_event_batch)
    return "PostgresEventLogStorage.store_event_batch"


def test_a_changed_method_gets_the_stock_storage_and_one_warning_that_names_it(
    changed_method: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = storage.SigmaSightStorage.from_config_value(None, {"postgres_url": database_url})
    said = [str(warning.message) for warning in caught if "storage" in str(warning.message)]
    assert len(said) == 1
    assert f"({changed_method}): using Dagster's own PostgreSQL storage" in said[0]
    assert type(made) is DagsterPostgresStorage
    assert type(made.event_log_storage) is PostgresEventLogStorage


@pytest.mark.usefixtures("changed_method")
@pytest.mark.filterwarnings("ignore:Dagster .* differs:UserWarning")
def test_runs_are_recorded_by_the_stock_storage(url: str, database_url: str, tmp_path: Path) -> None:
    with dagster_instance(database_url, tmp_path / "dagster") as instance:
        house = House.make(url, tmp_path, instance)
        assert house.run(yields()).succeeded
        assert type(instance.event_log_storage) is PostgresEventLogStorage
        key = dg.AssetKey("treasury_yields")
        assert instance.get_materialized_partitions(key) == partition_keys(DATES)
        assert house.check(TreasuryYields, "rows_meet_the_contract").passed


def test_where_events_are_made_otherwise_dagster_makes_them_with_one_warning(
    url: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here its materializations say so in their message, which no template of ours would have."""
    made = dg.DagsterEvent.from_step

    def from_step(*args: Any, message: str | None = None, **named: Any) -> Any:
        return made(*args, message=message and f"{message} Another Dagster.", **named)

    monkeypatch.setattr(dg.DagsterEvent, "from_step", from_step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with dagster_instance(database_url, tmp_path / "dagster") as instance:
            house = House.make(url, tmp_path, instance)
            outcome = house.run(yields())
            run = instance.get_run_by_id(outcome.run_id)
            event = instance.get_latest_materialization_event(dg.AssetKey("treasury_yields"))
            found = instance.get_materialized_partitions(dg.AssetKey("treasury_yields"))
    said = [str(warning.message) for warning in caught if "SigmaSight" in str(warning.message)]
    assert len(said) == 1
    assert "(DagsterEvent.from_step): Dagster makes each event of runs itself" in said[0]
    assert run
    assert not partition_events.ours(run)
    assert event
    assert "Another Dagster" in event.message
    assert found == partition_keys(DATES)


class Stock:
    def kept(self, size: int) -> int:
        """One docstring."""
        return self.called(size)

    def called(self, size: int) -> int:
        return size + 1

    def asked_by_super(self) -> int:
        return self.not_our_business()

    def not_our_business(self) -> int:
        return 1


class Ours(Stock):
    def kept(self, size: int) -> int:
        return size + 1

    def asked_by_super(self) -> int:
        return super().asked_by_super()


def test_parts_are_what_is_replaced_and_what_that_called_unless_it_is_still_asked() -> None:
    assert set(fingerprint.of_parts([Ours], [])) == {"Stock.kept", "Stock.called", "Stock.asked_by_super"}


def test_words_and_layout_do_not_count_but_code_does() -> None:
    class Reworded:
        def kept(self, size: int) -> int:
            """Another docstring."""
            # And a comment.
            return self.called(
                size
            )  # fmt: skip

    class Recoded:
        def kept(self, size: int) -> int:
            """One docstring."""
            return self.called(size + 1)

    known = fingerprint.of_function(Stock.kept)
    assert fingerprint.of_function(Reworded.kept) == known
    assert fingerprint.of_function(Recoded.kept) != known


def test_a_column_counts() -> None:
    tables = [
        sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *more)
        for more in ((), (sa.Column("note", sa.Text),))
    ]
    assert len({fingerprint.of_table(table) for table in tables}) == 2
    assert fingerprint.changed({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "0"}) == ["b", "c"]
    assert fingerprint.changed({"a": "1", "b": "2"}, {"a": "0 1", "b": "12"}) == ["b"]


def test_a_function_that_is_not_there_is_missing() -> None:
    found = fingerprint.of_named(Stock, "called", "gone")
    assert found == {"Stock.called": fingerprint.of_function(Stock.called), "Stock.gone": "missing"}


def test_code_without_its_source_is_unknown() -> None:
    scope: dict[str, Any] = {}
    exec("def hidden(): pass", scope)
    assert fingerprint.of_function(scope["hidden"]) == "no source"
