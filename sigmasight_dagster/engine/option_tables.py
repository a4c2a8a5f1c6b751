"""The market tables that price options of positions: which inputs they are, and reading them."""

from typing import Final

from sigmasight_core.conventions import PRICE_LOOK_BACK_SESSIONS, YIELD_LOOK_BACK_SESSIONS
from sigmasight_core.options.market import OptionTables
from sigmasight_core.tables import DividendYields, OptionVolatilities, RealizedVolatility, TreasuryYields
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input

OPTION_TABLES: Final = (
    Input(RealizedVolatility, look_back=PRICE_LOOK_BACK_SESSIONS),
    Input(OptionVolatilities, look_back=PRICE_LOOK_BACK_SESSIONS),
    Input(TreasuryYields, look_back=YIELD_LOOK_BACK_SESSIONS),
    Input(DividendYields, look_back=PRICE_LOOK_BACK_SESSIONS),
)
"""What prices options of positions: inputs of an asset that calls `option_tables`."""


def option_tables(batch: Batch) -> OptionTables:
    """The market tables that price the options of the batch's positions."""
    return OptionTables(
        batch.read(RealizedVolatility),
        batch.read(OptionVolatilities),
        batch.read(TreasuryYields),
        batch.read(DividendYields, symbols=sorted(batch.positions["underlying"].unique())),
    )
