"""Runs that ask for corporate actions which are not known of what is held."""

from collections.abc import Sequence

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.market.action_coverage import ASSUMED, entries, to_ask
from sigmasight_core.tables import CorporateActions, table_name
from sigmasight_dagster.partitions.keys import Keys, of_rectangle
from sigmasight_dagster.platform import COMPLETE, Platform


def lacking(platform: Platform, portfolios: Sequence[str] | None = None) -> Keys:
    """The latest partition of corporate actions, whose run asks for what lacks; none where nothing does.

    :param portfolios: whose positions matter; None = all.
    """
    warehouse = platform.warehouse
    published = warehouse.published(CorporateActions)["date"]
    published = published[calendar.are_sessions(published)]
    if published.empty:
        return {}
    latest = published.max()
    held = entries(warehouse.positions(portfolios)).drop_duplicates("symbol", ignore_index=True)
    coverage = platform.action_coverage()
    sources = coverage["source"]
    counts = sources.eq(sources) if platform.settings.provider in COMPLETE else sources != ASSUMED
    known = coverage.assign(source=sources.mask(counts, ""))
    if not to_ask(held=held, coverage=known, source="", before=latest).any():
        return {}
    return {table_name(CorporateActions): of_rectangle(pd.DatetimeIndex([latest]))}
