"""Jobs: the two layers of a computation, for schedules and sensors to request and for people to launch.

The implicit job of the UI runs any selection of assets; these add names, descriptions and a place in the
runs list to the two selections that daily operation uses. Neither has run configuration: which dates and
portfolios is the run's partition or, for a rectangle of them, its partition range.
"""

import dagster as dg

from sigmasight_core.tables import Grain
from sigmasight_dagster.assets.catalogue import tables_of

MARKET, PORTFOLIO = "market", "portfolio"

market = dg.define_asset_job(
    MARKET,
    selection=dg.AssetSelection.assets(*tables_of(Grain.DATE)),
    description=(
        "Market data and market risk of trading dates, one row per symbol, for every portfolio. "
        "Partition: a trading date, or a range of them. No run configuration."
    ),
)

portfolio = dg.define_asset_job(
    PORTFOLIO,
    selection=dg.AssetSelection.assets(*tables_of(Grain.DATE_PORTFOLIO)),
    description=(
        "Values, Greeks, exposures, correlations, stress, risk and snapshots of portfolios, from published "
        "market data. Partition: date|portfolio, or a rectangle of them. No run configuration."
    ),
)

JOBS = [market, portfolio]
