"""Whether the market data and estimates of a date would come out as they are published.

Beside late data (`stale`) that takes the code, the settings and the local files of now, the symbols that
portfolios hold now, what a source may still say otherwise, and rows that nobody has changed by hand.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.factors import configured
from sigmasight_core.tables import DailyPrices, Factors, OptionQuotes, TreasuryYields, table_name, validate
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.engine.fetched import SETTLING
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.staleness.stale import late

INCOMPLETE: Final = "not every table of it is published"
OTHERWISE_MADE: Final = "code, settings or local files changed"
SETTLES: Final = "its sources may still correct it"
LACKING: Final = "a source may have by now what it lacked"
DAMAGED: Final = "rows were changed by hand"


def outdated(platform: Platform, market: Sequence[RiskAsset], date: pd.Timestamp) -> str:
    """Why market tables of a date have to be computed again, in words; '' = they are published and current.

    :param market: declarations by date, upstream first; of all of them where their look-backs matter.
    """
    names = {name for asset in market for name in asset.table_names}
    published = platform.warehouse.made_with(date)
    published = published[published["table_name"].isin(names)]
    if len(published) < len(names):
        return INCOMPLETE
    if (published["made_with"] != platform.made_with).any() or not _factors_are_known(platform, names):
        return OTHERWISE_MADE
    if reason := _source_may_differ(platform, published, date):
        return reason
    changed = late(platform, market, since=date)
    if (changed := changed[changed["date"] == date]).size:
        return f"{changed['cause'].iloc[0]} changed after it was computed"
    models = [model for asset in market for model in asset.tables]
    damaged = any(len(platform.warehouse.differing_partitions(model, [date])) for model in models)
    return DAMAGED if damaged else ""


def _factors_are_known(platform: Platform, names: set[str]) -> bool:
    """Whether the table of factors says what is configured: runs of other settings may have come since."""
    if "factor_returns" not in names:
        return True
    stored = platform.warehouse.read(Factors)
    wanted = validate(Factors, configured.factor_rows(platform.factor_model))
    key = "factor"
    return (
        stored[stored["active"] == "yes"]
        .sort_values(key, ignore_index=True)
        .equals(wanted.sort_values(key, ignore_index=True))
    )


def _source_may_differ(platform: Platform, published: pd.DataFrame, date: pd.Timestamp) -> str:
    """Why a source, asked again, may say more than is stored; ''= it says the same.

    One that lists its symbols gives all that it has at once, so that only contracts can lack. Any other may
    correct a session until hours after its close, and may have later what it lacked then.
    """
    warehouse, day = platform.warehouse, [date]
    if new := _not_asked_for(platform, published, date):
        return f"{new} is held now, and its quote was not asked for"
    if platform.market_data.symbols() is not None:
        return ""
    if (published["computed_at"] < calendar.session_close(date) + SETTLING).any():
        return SETTLES
    prices = warehouse.read(DailyPrices, day, columns=["symbol", "close"])
    held = warehouse.ledger_symbols()["underlying"]
    yields = warehouse.read(TreasuryYields, day, columns=["yield_percent"])["yield_percent"]
    priced = prices.loc[prices["close"].notna(), "symbol"]
    return LACKING if not held.isin(priced).all() or yields.isna().any() else ""


def _not_asked_for(platform: Platform, published: pd.DataFrame, date: pd.Timestamp) -> str:
    """An option that came into the ledger after quotes of the date were fetched, which lack it; '' = none."""
    times = published.set_index("table_name")["computed_at"]
    if (name := table_name(OptionQuotes)) not in times.index:
        return ""
    held = platform.warehouse.contracts_since(date)
    new = held[held["since"] > times.loc[name]]
    if new.empty:
        return ""
    asked = platform.warehouse.read(OptionQuotes, [date], columns=["contract"])["contract"]
    lacking = new.loc[~new["symbol"].isin(asked), "symbol"]
    return lacking.iloc[0] if len(lacking) else ""
