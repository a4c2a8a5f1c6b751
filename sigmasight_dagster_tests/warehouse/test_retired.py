"""What happened long ago leaves the tables, but for what something of today is still made of."""

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Corrections, DailyPrices, SupersededRows, TreasuryYields
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.stored_rows import DATES, random_rows, sql, stamp
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
