"""Partition keys: nothing else in the project knows that they read "2022-10-03" and "2022-10-03|individual".

A portfolio of '' stands for none: the key of a partition by date alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Final

import pandas as pd

from sigmasight_core import calendar

DATE_FORMAT: Final = "%Y-%m-%d"
SEPARATOR: Final = "|"
MAX_MARKET_DATES: Final = 252
"""Most sessions of one run by date alone."""

MAX_PORTFOLIOS: Final = 1_000
"""Most portfolios of one run: each takes the memory of 252 tested sessions, however few its dates are."""

Keys = Mapping[str, frozenset[str]]
"""Partition keys by name of asset."""
Rectangle = tuple[pd.DatetimeIndex, tuple[str, ...]]
"""Every one of some sorted dates with every one of some portfolios; without portfolios, the dates alone."""

_SINGLE_TAG = "dagster/partition"
_START_TAG, _END_TAG = (f"dagster/asset_partition_range_{end}" for end in ("start", "end"))


def key(date: pd.Timestamp, portfolio: str = "") -> str:
    """The key of one partition."""
    return f"{date:{DATE_FORMAT}}{SEPARATOR}{portfolio}" if portfolio else f"{date:{DATE_FORMAT}}"


def split(text: str) -> tuple[str, str]:
    """Date, as text, and portfolio of a key."""
    date, _, portfolio = text.partition(SEPARATOR)
    return date, portfolio


def parse(text: str) -> tuple[pd.Timestamp, str]:
    """Date and portfolio of a key."""
    date, portfolio = split(text)
    return pd.Timestamp(date), portfolio


def of_frame(rows: pd.DataFrame) -> pd.Series:
    """The key of each row, by its `date` and, if it has the column, `portfolio`; missing where either is."""
    dates = pd.to_datetime(rows["date"]).dt.strftime(DATE_FORMAT)
    if "portfolio" not in rows:
        return dates
    return (dates + SEPARATOR + rows["portfolio"].astype("str")).str.removesuffix(SEPARATOR)


def of_rectangle(dates: pd.DatetimeIndex, portfolios: Sequence[str] = ()) -> frozenset[str]:
    """Keys of every date with every portfolio, or of the dates alone."""
    days = dates.strftime(DATE_FORMAT)
    if not portfolios:
        return frozenset(days)
    return frozenset(f"{day}{SEPARATOR}{name}" for day in days for name in portfolios)


def of_matches(parts: Sequence[Rectangle], wanted: pd.DataFrame) -> list[str]:
    """Keys in the rectangles that the rows of `wanted` mean, in the order of the rectangles.

    :param wanted: date and portfolio; a missing date means every one, and so does a portfolio of ''.
    """
    cells = [
        pd.MultiIndex.from_product([dates, names or ("",)], names=["date", "portfolio"])
        for dates, names in parts
    ]
    every = pd.concat([cell.to_frame(index=False) for cell in cells], ignore_index=True)
    dates = pd.to_datetime(wanted["date"])
    any_date, any_portfolio = dates.isna(), wanted["portfolio"] == ""
    chosen = (
        every["date"].isin(dates[any_portfolio & ~any_date])
        | every["portfolio"].isin(wanted.loc[any_date, "portfolio"])
        | pd.MultiIndex.from_frame(every).isin(pd.MultiIndex.from_arrays([dates, wanted["portfolio"]]))
    )
    return of_frame(every[chosen]).tolist()


def rectangles(keys: Iterable[str]) -> list[Rectangle]:
    """Split partition keys into rectangles (sorted dates x sorted portfolios); no portfolio in a date key.

    A range run is one rectangle; any other set of keys is the union of the rectangles returned.
    """
    names_by_date: dict[str, set[str]] = defaultdict(set)
    for text in keys:
        date, name = split(str(text))
        names_by_date[date].add(name)
    dates_by_names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for date in sorted(names_by_date):
        dates_by_names[tuple(sorted(filter(None, names_by_date[date])))].append(date)
    return [
        (pd.DatetimeIndex(pd.to_datetime(dates, format=DATE_FORMAT)), names)
        for names, dates in dates_by_names.items()
    ]


def range_tags(dates: pd.DatetimeIndex, names: tuple[str, str] | None) -> dict[str, str]:
    """Run tags of the rectangle from the first to the last date and, if given, portfolio."""
    first, last = names or ("", "")
    return {_START_TAG: key(dates[0], first), _END_TAG: key(dates[-1], last)}


def range_of(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """First and last key of a run's rectangle, by its tags; None when they select no partition."""
    single = tags.get(_SINGLE_TAG)
    first, last = tags.get(_START_TAG, single), tags.get(_END_TAG, single)
    return (first, last) if first and last else None


def dimension_tags(text: str) -> dict[str, str]:
    """Tags of an event of a partition by date and portfolio, as Dagster sets them; none by date alone."""
    date, portfolio = split(text)
    return {f"{_SINGLE_TAG}/date": date, f"{_SINGLE_TAG}/portfolio": portfolio} if portfolio else {}


def within(keys: Keys, dates: tuple[pd.Timestamp, pd.Timestamp], portfolios: Iterable[str]) -> Keys:
    """The keys between two dates, both inclusive, by date alone or of one of the portfolios."""
    first, last = (key(date) for date in dates)
    names = {"", *portfolios}
    return {
        asset: frozenset(
            text
            for text, (date, name) in zip(chosen, map(split, chosen), strict=True)
            if first <= date <= last and name in names
        )
        for asset, chosen in keys.items()
    }


def runs_of_sessions(dates: pd.DatetimeIndex) -> Iterator[pd.DatetimeIndex]:
    """Cut sorted sessions where one is left out: ranges cannot skip."""
    sessions = calendar.sessions(dates[0], dates[-1])
    gaps = pd.Series(sessions.get_indexer(dates)).diff().fillna(1).ne(1).cumsum()
    for _, part in pd.Series(dates).groupby(gaps.to_numpy()):
        yield from chunks(pd.DatetimeIndex(part), MAX_MARKET_DATES * 4)


def chunks(dates: pd.DatetimeIndex, size: int) -> Iterator[pd.DatetimeIndex]:
    """Cut dates into pieces of at most `size`."""
    for start in range(0, len(dates), size):
        yield dates[start : start + size]


def neighbours(names: Sequence[str], order: Sequence[str], most: int | None = None) -> list[tuple[str, ...]]:
    """Group names that stand next to each other in the definition's order: ranges cannot skip.

    :param most: partitions of a run, of which a group is to be: no more names, nor than `MAX_PORTFOLIOS`;
        default: groups are not cut.
    """
    rank = {name: place for place, name in enumerate(order)}
    ranked = sorted(names, key=rank.__getitem__)
    groups = [
        tuple(name for _, name in group)
        for _, group in groupby(enumerate(ranked), key=lambda item: rank[item[1]] - item[0])
    ]
    return [
        part for group in groups for part in _parts(group, min(most, MAX_PORTFOLIOS) if most else len(group))
    ]


def _parts(names: tuple[str, ...], most: int) -> Iterator[tuple[str, ...]]:
    """As few parts as can be, all of about the same size."""
    count = -(-len(names) // most)
    ends = [len(names) * number // count for number in range(count + 1)]
    return (names[start:end] for start, end in pairwise(ends))
