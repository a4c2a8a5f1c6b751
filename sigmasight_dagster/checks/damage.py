"""Damage: what something else than a run or a command has changed in the tables.

Partitions against their checksums, the ledger against its seals, publications against those of what was
computed together and from them, and results against later changes of what they were computed from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import dagster as dg
import pandas as pd

from sigmasight_core.arrays.found import found_in
from sigmasight_core.tables import Grain, Portfolios, Publications, grain, table_name
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.checks.judged import judged
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.staleness.stale import stale

COLUMNS: Final = ["table_name", "date", "portfolio", "damage", "n_rows", "n_found"]
CHANGED: Final = "values are not those that were published"
OTHER_WRITER: Final = "rows are of another run, or time, than their publication"
LOST: Final = "fewer rows than were published"
ADDED: Final = "more rows than were published"
NOT_FINITE: Final = "NaN or infinite: "
FOREIGN: Final = "rows without a publication"
UNREGISTERED: Final = "published for a portfolio that is not registered"
MISSING: Final = "not published, but what was computed with or from it is: "
LEDGER: Final = "ledger changed by no command"
STALE: Final = "computed before a change: "
UNKNOWN: Final = "published without a checksum: not known"

RECENT: Final = pd.Timedelta(days=7)
SHOWN: Final = 20
_KEYS: Final = ["date", "portfolio"]

Dates = tuple[pd.Timestamp, pd.Timestamp] | pd.DatetimeIndex


def find(platform: Platform, dates: Dates | None = None, names: Sequence[str] = ()) -> pd.DataFrame:
    """What is damaged, one row for each partition or table of the ledger and kind of damage.

    :param dates: None = every one. :param names: portfolios; none = every one, in no ledger too. What market
        data say is looked at whichever portfolio is named.
    :returns: table_name, date (NaT in the ledger), portfolio ('' in a date table), damage, n_rows (published)
        and n_found, in the order of the flow of data. What was published without a checksum is UNKNOWN.
    """
    assets = declared(platform.settings)
    partitions = list(_partitions(platform, assets, dates, names))
    missing = _publications(platform, assets, dates, names)
    stored = [rows[rows["damage"] == FOREIGN] for rows in partitions]
    for rows in stored:  # the same publication is not missed twice
        missing = missing[~found_in(missing, rows, ["table_name", *_KEYS])]
    found = [_ledger(platform, names), *partitions, missing, _stale(platform, assets, dates, names)]
    filled = [part for part in found if len(part)]
    return pd.concat(filled or found[:1], ignore_index=True)[COLUMNS]


def _ledger(platform: Platform, names: Sequence[str]) -> pd.DataFrame:
    rows = platform.warehouse.differing_ledger(names or None)
    return rows.assign(date=pd.Series(pd.NaT, index=rows.index), damage=LEDGER)


def _partitions(
    platform: Platform, assets: Iterable[RiskAsset], dates: Dates | None, names: Sequence[str]
) -> Iterator[pd.DataFrame]:
    for model in (model for asset in assets for model in asset.tables):
        chosen = names if names and grain(model) is Grain.DATE_PORTFOLIO else None
        rows = platform.warehouse.differing_partitions(model, dates, chosen)
        if len(rows):
            yield rows.assign(table_name=table_name(model), damage=_words(rows))


def _words(rows: pd.DataFrame) -> pd.Series:
    words = pd.Series(CHANGED, index=rows.index, dtype="str")
    words = words.mask(~rows["same_writer"], OTHER_WRITER).mask(~rows["known"], UNKNOWN)
    words = words.mask(rows["n_found"] > rows["n_rows"], ADDED).mask(rows["n_found"] < rows["n_rows"], LOST)
    words = words.mask(rows["not_finite"] != "", NOT_FINITE + rows["not_finite"])
    return words.mask(~rows["published"], FOREIGN)


def _publications(
    platform: Platform, assets: Sequence[RiskAsset], dates: Dates | None, names: Sequence[str]
) -> pd.DataFrame:
    """Publications of portfolios that there are not, and those that are not there though they must be."""
    keys = ["table_name", *_KEYS]
    chosen = ["", *names] if names else None
    books = platform.warehouse.read(Publications, dates, chosen, columns=keys)
    withdrawn = platform.warehouse.withdrawn()[keys]
    registered = {"", *platform.warehouse.portfolios()["portfolio"]}
    strangers = books[~books["portfolio"].isin(registered)].assign(damage=UNREGISTERED)
    first = platform.warehouse.first_published()
    there = pd.crosstab([books["date"], books["portfolio"]], books["table_name"]) > 0
    lacking = [rows for asset in assets for rows in _lacking(asset, assets, there, first)]
    missing = pd.concat(lacking, ignore_index=True) if lacking else books.iloc[:0].assign(damage="")
    missing = missing[missing["portfolio"].isin(registered) & ~found_in(missing, withdrawn, keys)]
    found = pd.concat([strangers, missing.drop_duplicates(keys)], ignore_index=True)
    return found.assign(n_rows=0, n_found=0)


def _lacking(
    asset: RiskAsset,
    assets: Sequence[RiskAsset],
    there: pd.DataFrame,
    first: Mapping[str, pd.Timestamp],
) -> Iterator[pd.DataFrame]:
    """Partitions of tables that an asset publishes, and reads on the date itself, which are not published.

    Not those before a table's first: it came later, or retention deleted its detail.

    :param there: whether each table (columns) is published, by date and portfolio.
    """
    made = there.reindex(columns=list(asset.table_names), fill_value=False).any(axis=1)
    mine = there.index[made.to_numpy()]
    stored = {model for each in assets for model in each.tables}
    read = [item.model for item in asset.inputs if not (item.newest or item.advisory or item.deliveries)]
    for model in dict.fromkeys([*asset.tables, *(model for model in read if model in stored)]):
        name, wanted = table_name(model), mine
        if grain(model) is not asset.grain:
            wanted = pd.MultiIndex.from_product([mine.unique("date"), [""]], names=_KEYS)
        theirs = there.index[there[name].to_numpy()] if name in there else there.index[:0]
        days = wanted.get_level_values("date")
        wanted = wanted[(days >= first.get(name, days.min())) & ~wanted.isin(theirs)]
        if len(wanted):
            yield wanted.to_frame(index=False).assign(table_name=name, damage=MISSING + asset.name)


def _stale(
    platform: Platform, assets: Sequence[RiskAsset], dates: Dates | None, names: Sequence[str]
) -> pd.DataFrame:
    rows = stale(platform, assets)
    if dates is not None:
        inside = rows["date"].between(*dates) if isinstance(dates, tuple) else rows["date"].isin(dates)
        rows = rows[inside]
    if names:
        rows = rows[rows["portfolio"].isin(["", *names])]
    return rows.assign(damage=STALE + rows["cause"], n_rows=0, n_found=0)


@dg.asset_check(
    asset=table_name(Portfolios),
    description="The ledger, and what was published in the last seven days, are as runs and commands have "
    "stored them. Of every partition: sigmasight verify",
    required_resource_keys={"platform"},
)
@judged
def nothing_was_changed_by_hand(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    platform: Platform = context.resources.platform
    dates = platform.warehouse.dates_published_since(pd.Timestamp.now(tz="UTC") - RECENT)
    return verdict(find(platform, dates))


def verdict(found: pd.DataFrame) -> dg.AssetCheckResult:
    """What the check says; results that are stale have a check of their own."""
    wrong = found[(found["damage"] != UNKNOWN) & ~found["damage"].str.startswith(STALE)]
    first = wrong.head(SHOWN).assign(date=wrong["date"].dt.strftime("%Y-%m-%d").fillna("-"))
    return dg.AssetCheckResult(
        passed=wrong.empty,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "damaged": len(wrong),
            "without_checksum": int((found["damage"] == UNKNOWN).sum()),
            "first": dg.MetadataValue.json(
                first[["table_name", "date", "portfolio", "damage"]].to_dict("records")
            ),
            "cure": "" if wrong.empty else "sigmasight verify, then sigmasight verify --repair",
        },
    )
