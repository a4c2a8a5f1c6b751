"""Trading dates, rectangles and range tags, against the exchange's calendar and Dagster itself."""

import datetime as dt
from itertools import product
from zoneinfo import ZoneInfo

import dagster as dg
import exchange_calendars
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_dagster.partitions import dates as partitions
from sigmasight_dagster.settings import Settings

NEW_YORK = ZoneInfo("America/New_York")
SESSIONS = calendar.sessions("2022-12-12", "2022-12-30")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2014-01-02", "2025-12-31"), ("2001-09-01", "2001-09-30"), ("2012-10-01", "2012-11-30")],
)
def test_trading_dates_are_the_sessions_of_the_exchange(start: str, end: str) -> None:
    exchange = exchange_calendars.get_calendar("XNYS", start="2000-01-03", end="2025-12-31")
    expected = [f"{date:%Y-%m-%d}" for date in exchange.sessions_in_range(start, end)]
    definition = partitions.trading_dates(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
    assert list(definition.get_partition_keys()) == expected


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2022-12-15 23:59", "2022-12-15"),
        ("2022-12-16 00:00", "2022-12-16"),
        ("2022-12-17 00:00", "2022-12-19"),
        ("2022-12-26 12:00", "2022-12-27"),
        ("2022-12-27 00:00", "2022-12-27"),
    ],
)
def test_without_an_end_a_key_exists_from_the_midnight_after_the_session_before(now: str, last: str) -> None:
    definition = partitions.trading_dates(dt.date(2022, 12, 1), None)
    time = dt.datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    with dg._core.definitions.partitions.context.partition_loading_context(time):  # type: ignore[attr-defined]
        assert definition.get_partition_keys()[-1] == last


@given(st.lists(st.tuples(st.sampled_from(list(SESSIONS)), st.sampled_from("abc")), unique=True))
def test_rectangles_cover_exactly_the_keys(cells: list[tuple[pd.Timestamp, str]]) -> None:
    found = partitions.rectangles(f"{date:%Y-%m-%d}|{name}" for date, name in cells)
    covered = [cell for dates, names in found for cell in product(dates, names)]
    assert sorted(covered) == sorted(cells)
    assert all(dates.is_monotonic_increasing and list(names) == sorted(names) for dates, names in found)


def test_rectangles_of_dates_have_no_portfolio() -> None:
    [(dates, names)] = partitions.rectangles(["2022-12-14", "2022-12-12"])
    assert list(dates) == [pd.Timestamp("2022-12-12"), pd.Timestamp("2022-12-14")]
    assert names == ()
    assert partitions.rectangles([]) == []


def test_a_rectangle_stays_one_in_any_order_of_its_keys() -> None:
    keys = [f"{date:%Y-%m-%d}|{name}" for name in "cab" for date in SESSIONS[::-1]]
    [(dates, names)] = partitions.rectangles(keys)
    assert list(dates) == list(SESSIONS)
    assert names == ("a", "b", "c")


def test_range_tags_name_the_corners() -> None:
    assert partitions.range_tags(SESSIONS[:3], None) == {
        "dagster/asset_partition_range_start": "2022-12-12",
        "dagster/asset_partition_range_end": "2022-12-14",
    }
    tags = partitions.range_tags(SESSIONS[:3], ("a", "c"))
    assert list(tags.values()) == ["2022-12-12|a", "2022-12-14|c"]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "c"), ("c", "c")])
def test_dagster_reads_the_tags_as_the_rectangle(names: tuple[str, str]) -> None:
    seen: list[str] = []
    dates = partitions.trading_dates(dt.date(2022, 12, 1), dt.date(2022, 12, 30))

    @dg.asset(
        partitions_def=partitions.portfolio_dates(dates), backfill_policy=dg.BackfillPolicy.single_run()
    )
    def table(context: dg.AssetExecutionContext) -> None:
        seen.extend(context.partition_keys)

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("portfolio", ["c", "a", "b"])
        chosen = SESSIONS[2:9]
        result = dg.materialize(
            [table], instance=instance, tags=partitions.range_tags(chosen, names), raise_on_error=False
        )
        order = ["c", "a", "b"]
    first, last = order.index(names[0]), order.index(names[1])
    if first > last:
        assert not result.success or not seen
        return
    expected = {f"{date:%Y-%m-%d}|{name}" for date in chosen for name in order[first : last + 1]}
    assert set(seen) == expected
    [(found, columns)] = partitions.rectangles(seen)
    assert list(found) == list(chosen)
    assert columns == tuple(sorted(order[first : last + 1]))


def test_bounds_come_from_the_settings_first(tmp_path) -> None:
    made = Settings(_env_file=None, home=tmp_path, start_date="2020-01-02", end_date="2020-06-30")
    assert partitions.date_bounds(made) == (dt.date(2020, 1, 2), dt.date(2020, 6, 30))
    provided = Settings(_env_file=None, home=tmp_path, start_date="2020-01-02")
    assert partitions.date_bounds(provided) == (dt.date(2020, 1, 2), dt.date(2022, 12, 28))


def test_a_provider_without_a_first_date_needs_the_setting(tmp_path) -> None:
    settings = Settings(_env_file=None, home=tmp_path, provider="files", files_dir=tmp_path)
    with pytest.raises(InputError):
        partitions.date_bounds(settings)
