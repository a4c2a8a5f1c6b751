"""What happened long ago leaves the tables, but for what something of today is still made of."""

from contextlib import closing

import pandas as pd
import psycopg2
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    Corrections,
    DailyPrices,
    FactorExposures,
    PositionStress,
    SupersededRows,
    Table,
    TreasuryYields,
)
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.layout.schema import stored_name
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp
from sigmasight_dagster_tests.warehouse.test_versions import prices

NOW = pd.Timestamp.now(tz="UTC")
HISTORY = (
    "superseded_rows",
    "corrections",
    "rejected_rows",
    "uploads",
    "modeling_sessions",
    "refresh_tokens",
)


ALERT = (
    "INSERT INTO sigmasight.alerts VALUES ('{}', 'a', '2022-12-16', '', '', '{}', '', 'm', 1, '>', 1,"
    " 'info', '{}', '', 'r', '1', now())"
)
TOLD = (
    "INSERT INTO sigmasight.alert_deliveries VALUES ('log', '{}', 'a', '2022-12-16', '', '', 'firing', '{}',"
    " 1, '', 'r', '1', now())"
)
SEEN = (
    "INSERT INTO sigmasight.alert_acknowledgements VALUES ('{}', 'a', '2022-12-16', '', 'firing', '', 'e', "
    "now(), 'r', '1', now())"
)


SIZES = (
    "SELECT pg_total_relation_size(c.oid), pg_indexes_size(c.oid), "
    "coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) FROM pg_class AS c "
    "WHERE c.oid = 'sigmasight.{}'::regclass"
)


def moments(url: str) -> list[pd.Timestamp]:
    rows = sql(url, "SELECT DISTINCT known_until FROM sigmasight.superseded_rows ORDER BY 1")
    return [pd.Timestamp(moment) for (moment,) in rows]


def counts(rows: pd.DataFrame) -> dict[str, int]:
    return {what: n for what, n in zip(rows["what"], rows["n_rows"], strict=True) if n}


def test_reads_as_of_a_moment_that_is_kept_are_the_same_and_earlier_ones_are_refused(
    url: str, warehouse: Warehouse
) -> None:
    states = []
    rows = prices(0)
    for number in range(4):
        warehouse.replace(DailyPrices, rows, DATES, None, stamp(f"run {number}"))
        states.append((pd.Timestamp.now(tz="UTC"), rows))
        rows = rows.assign(volume=float(number))
    warehouse.replace(TreasuryYields, random_rows(TreasuryYields), DATES, None, stamp())
    second = moments(url)[2]
    stored = len(warehouse.read(SupersededRows))
    dry = warehouse.retire_history(second, None, stamp(), dry_run=True)
    assert len(warehouse.read(SupersededRows)) == stored
    done = warehouse.retire_history(second, None, stamp())
    pd.testing.assert_frame_equal(done, dry)
    assert list(done["what"]) == list(HISTORY)
    for known_at, state in states[2:]:
        pd.testing.assert_frame_equal(warehouse.read_as_of(DailyPrices, known_at), state)
        assert len(warehouse.read_as_of(DailyPrices, known_at, DATES[1:2]))
    for known_at in (states[0][0] - pd.Timedelta("1s"), states[0][0]):
        for dates in (None, DATES[1:2]):
            with pytest.raises(InputError, match=r"daily_prices: .*SIGMASIGHT_KEEP_HISTORY_DAYS"):
                warehouse.read_as_of(DailyPrices, known_at, dates)
    assert warehouse.read_as_of(TreasuryYields, states[0][0]).empty, "another table's history is whole"
    again = warehouse.retire_history(second, None, stamp())
    assert counts(again) == {}
    assert counts(warehouse.retire_history(NOW + pd.Timedelta(days=1), None, stamp()))["superseded_rows"] > 0
    for model in (DailyPrices, TreasuryYields):
        with pytest.raises(InputError, match="not kept any more"):
            warehouse.read_as_of(model, states[2][0] if model is DailyPrices else states[0][0])
        assert len(warehouse.read_as_of(model, pd.Timestamp.now(tz="UTC")))
    assert len(warehouse.read(SupersededRows)) == 2, "a marker of each source"


def test_corrections_stay_where_something_is_stale(url: str, warehouse: Warehouse) -> None:
    rows = random_rows(DailyPrices)
    warehouse.replace(DailyPrices, rows, DATES, None, stamp())
    warehouse.replace(DailyPrices, rows.assign(volume=1.0), DATES, None, stamp())
    later = NOW + pd.Timedelta(days=1)
    found = warehouse.read(Corrections)
    assert set(found["date"]) == set(DATES)
    old = int((found["date"] > DATES[0]).sum())
    assert counts(warehouse.retire_history(NOW - pd.Timedelta(days=1), DATES[0], stamp())) == {}
    assert counts(warehouse.retire_history(later, DATES[0], stamp()))["corrections"] == old
    assert set(warehouse.read(Corrections)["date"]) == {DATES[0]}
    assert counts(warehouse.retire_history(later, None, stamp())) == {"corrections": len(found) - old}


def test_alerts_stay_that_are_to_be_told_or_last(url: str, warehouse: Warehouse) -> None:
    """Of coverage and checks those that fire; of results none, however long ago their date was."""
    rules = {
        "result": ("risk_measures", "firing", "delivered"),
        "waiting": ("risk_measures", "firing", "pending"),
        "lasting": ("symbol_coverage", "firing", "delivered"),
        "ended": ("symbol_coverage", "cleared", "delivered"),
    }
    for rule, (table, state, delivery) in rules.items():
        sql(url, ALERT.format(rule, table, state), TOLD.format(rule, delivery), SEEN.format(rule), "SELECT 1")
    assert counts(warehouse.retire_alerts(NOW - pd.Timedelta(days=1))) == {}
    dry = warehouse.retire_alerts(NOW + pd.Timedelta(days=1), dry_run=True)
    assert counts(dry) == {"alerts": 2, "alert_deliveries": 3}
    done = warehouse.retire_alerts(NOW + pd.Timedelta(days=1))
    assert counts(done) == {"alerts": 2, "alert_deliveries": 3, "alert_acknowledgements": 2}
    assert sql(url, "SELECT rule FROM sigmasight.alerts ORDER BY 1") == [("lasting",), ("waiting",)]
    assert sql(url, "SELECT rule FROM sigmasight.alert_deliveries") == [("waiting",)]


@pytest.mark.parametrize("model", [FactorExposures, PositionStress])
def test_what_is_published_again_takes_the_room_of_what_it_replaces(
    url: str, warehouse: Warehouse, model: type[Table]
) -> None:
    """With vacuum in between, as the server does it by itself: at most twice the first, whatever the part."""
    rows = random_rows(model, per_partition=200)
    names = (stored_name(model), "publications")
    sizes = []
    for number in range(4):
        warehouse.replace(model, rows, DATES, PORTFOLIOS, stamp(f"run {number}"))
        execute(url, *(f"VACUUM sigmasight.{name}" for name in names))
        sizes.append([size for name in names for size in sql(url, SIZES.format(name))[0]])
    page = 8192
    assert all(last <= 2 * max(first, 4 * page) for first, last in zip(sizes[0], sizes[-1], strict=True)), (
        sizes
    )


def test_who_stops_vacuum_is_named(url: str, warehouse: Warehouse) -> None:
    assert warehouse.vacuum_held_back(0) == []
    with closing(psycopg2.connect(url, application_name="a notebook")) as reader, reader.cursor() as cursor:
        reader.set_session(isolation_level="REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM sigmasight.publications")
        (held,) = warehouse.vacuum_held_back(0)
        assert (
            f"session {reader.info.backend_pid} of postgres (a notebook, idle in transaction) since" in held
        )
        assert warehouse.vacuum_held_back() == [], "not for long yet"
