"""Partition keys: one codec, rectangles and range tags, against Dagster itself."""

import datetime as dt
from itertools import product

import dagster as dg
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core import calendar
from sigmasight_dagster.partitions import dates as partitions
from sigmasight_dagster.partitions import keys

SESSIONS = calendar.sessions("2022-12-12", "2022-12-30")
CELLS = st.lists(st.tuples(st.sampled_from(list(SESSIONS)), st.sampled_from(["", "a", "b-c"])), unique=True)


@given(CELLS)
def test_a_key_is_written_and_read_alike_everywhere(cells: list[tuple[pd.Timestamp, str]]) -> None:
    expected = [f"{date:%Y-%m-%d}|{name}" if name else f"{date:%Y-%m-%d}" for date, name in cells]
    assert [keys.key(date, name) for date, name in cells] == expected
    assert [keys.parse(text) for text in expected] == cells
    assert [keys.split(text) for text in expected] == [(f"{date:%Y-%m-%d}", name) for date, name in cells]
    rows = pd.DataFrame(cells, columns=["date", "portfolio"])
    assert keys.of_frame(rows).tolist() == expected
    assert keys.of_frame(rows[["date"]]).tolist() == [f"{date:%Y-%m-%d}" for date, _ in cells]


def test_a_row_without_a_date_or_portfolio_has_no_key() -> None:
    rows = pd.DataFrame({"date": [SESSIONS[0], pd.NaT, SESSIONS[1]], "portfolio": ["a", "b", None]})
    assert keys.of_frame(rows).isna().tolist() == [False, True, True]


def test_keys_of_a_rectangle() -> None:
    dates = SESSIONS[:2]
    assert keys.of_rectangle(dates) == {"2022-12-12", "2022-12-13"}
    assert keys.of_rectangle(dates, ["a", "b"]) == {
        "2022-12-12|a",
        "2022-12-12|b",
        "2022-12-13|a",
        "2022-12-13|b",
    }
    assert keys.of_rectangle(dates[:0], ["a"]) == keys.of_rectangle(dates[:0]) == frozenset()


@given(CELLS, st.sampled_from([("a", "b-c"), ()]))
def test_matches_are_what_each_row_means(
    wanted: list[tuple[pd.Timestamp, str]], names: tuple[str, ...]
) -> None:
    wanted = [*wanted, (pd.NaT, "a")] if len(wanted) % 2 else wanted
    parts = [(SESSIONS[:3], names), (SESSIONS[5:7], names[:1])]
    asked = pd.DataFrame(wanted, columns=["date", "portfolio"])
    expected = [
        keys.key(date, name)
        for dates, columns in parts
        for date in dates
        for name in columns or ("",)
        if {(date, name), (date, ""), (pd.NaT, name)} & set(wanted)
    ]
    assert keys.of_matches(parts, asked) == expected


def test_within_goes_by_date_and_portfolio() -> None:
    chosen = {"x": keys.of_rectangle(SESSIONS[:4], ["a", "b"]), "y": keys.of_rectangle(SESSIONS[:4])}
    found = keys.within(chosen, (SESSIONS[1], SESSIONS[2]), ["b"])
    assert found == {
        "x": keys.of_rectangle(SESSIONS[1:3], ["b"]),
        "y": keys.of_rectangle(SESSIONS[1:3]),
    }


def test_range_of_reads_what_range_tags_wrote() -> None:
    assert keys.range_of(keys.range_tags(SESSIONS[:3], ("a", "c"))) == ("2022-12-12|a", "2022-12-14|c")
    assert keys.range_of({"dagster/partition": "2022-12-12"}) == ("2022-12-12", "2022-12-12")
    assert keys.range_of({}) is None


@given(st.lists(st.tuples(st.sampled_from(list(SESSIONS)), st.sampled_from("abc")), unique=True))
def test_rectangles_cover_exactly_the_keys(cells: list[tuple[pd.Timestamp, str]]) -> None:
    found = keys.rectangles(f"{date:%Y-%m-%d}|{name}" for date, name in cells)
    covered = [cell for dates, names in found for cell in product(dates, names)]
    assert sorted(covered) == sorted(cells)
    assert all(dates.is_monotonic_increasing and list(names) == sorted(names) for dates, names in found)


def test_rectangles_of_dates_have_no_portfolio() -> None:
    [(dates, names)] = keys.rectangles(["2022-12-14", "2022-12-12"])
    assert list(dates) == [pd.Timestamp("2022-12-12"), pd.Timestamp("2022-12-14")]
    assert names == ()
    assert keys.rectangles([]) == []


def test_a_rectangle_stays_one_in_any_order_of_its_keys() -> None:
    texts = [f"{date:%Y-%m-%d}|{name}" for name in "cab" for date in SESSIONS[::-1]]
    [(dates, names)] = keys.rectangles(texts)
    assert list(dates) == list(SESSIONS)
    assert names == ("a", "b", "c")


def test_range_tags_name_the_corners() -> None:
    assert keys.range_tags(SESSIONS[:3], None) == {
        "dagster/asset_partition_range_start": "2022-12-12",
        "dagster/asset_partition_range_end": "2022-12-14",
    }
    tags = keys.range_tags(SESSIONS[:3], ("a", "c"))
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
            [table], instance=instance, tags=keys.range_tags(chosen, names), raise_on_error=False
        )
        order = ["c", "a", "b"]
    first, last = order.index(names[0]), order.index(names[1])
    if first > last:
        assert not result.success or not seen
        return
    expected = {f"{date:%Y-%m-%d}|{name}" for date in chosen for name in order[first : last + 1]}
    assert set(seen) == expected
    [(found, columns)] = keys.rectangles(seen)
    assert list(found) == list(chosen)
    assert columns == tuple(sorted(order[first : last + 1]))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True))
def test_neighbours_are_ranges_that_hold_exactly_the_names(names: list[str]) -> None:
    order = "hgfedcba"
    groups = keys.neighbours(names, order)
    assert sorted(name for group in groups for name in group) == sorted(names)
    assert all("".join(group) in order for group in groups)
    starts = [order.index(group[0]) for group in groups]
    ends = [order.index(group[-1]) for group in groups]
    assert all(start > end + 1 for start, end in zip(starts[1:], ends, strict=False))


def test_an_unknown_portfolio_is_no_range() -> None:
    with pytest.raises(KeyError):
        keys.neighbours(["zzz"], ("a", "b", "c", "d", "e"))
