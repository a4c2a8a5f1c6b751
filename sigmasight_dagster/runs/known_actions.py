"""Runs that ask for corporate actions which are not known of what is held."""

from collections.abc import Sequence

import pandas as pd

from sigmasight_core.market.action_coverage import ASSUMED, entries, to_ask
from sigmasight_core.tables import CorporateActions, table_name
from sigmasight_dagster.partitions.keys import Keys, of_rectangle
from sigmasight_dagster.platform import Platform


def lacking(platform: Platform, portfolios: Sequence[str] | None = None) -> Keys:
    """The latest published partition of corporate actions, whose run asks for what lacks; none if nothing does.

    :param portfolios: whose positions matter; None = all.
    """
    warehouse = platform.warehouse
    published = warehouse.published(CorporateActions)["date"]
    if published.empty:
        return {}
    latest = published.max()
    held = entries(warehouse.positions(portfolios)).drop_duplicates("symbol", ignore_index=True)
    coverage = warehouse.action_coverage()
    known = coverage.assign(source=coverage["source"].mask(coverage["source"] != ASSUMED, ""))
    if not to_ask(held=held, coverage=known, source="", before=latest).any():
        return {}
    return {table_name(CorporateActions): of_rectangle(pd.DatetimeIndex([latest]))}
