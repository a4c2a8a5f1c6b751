"""How far a change goes through declared inputs, on declarations of the test's own."""

import pandas as pd
import pytest

from sigmasight_core.conventions import PRICE_LOOK_BACK_SESSIONS
from sigmasight_core.market.staleness import Reach
from sigmasight_core.tables import (
    DailyPrices,
    FactorExposures,
    PortfolioCash,
    PositionValues,
    RealizedVolatility,
    TreasuryYields,
)
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.assets.catalogue import declared as configured
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, RiskAsset, risk_asset
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.staleness import reach

CARRIED = Input(DailyPrices, carried_prices=True)


def declared(item: Input) -> tuple[RiskAsset, RiskAsset]:
    """A table that reads an input, and one that reads it over three sessions."""

    @risk_asset(PositionValues, inputs=[item], group="test")
    def first(batch: Batch) -> pd.DataFrame:
        raise AssertionError("not run")

    @risk_asset(FactorExposures, inputs=[Input(PositionValues, look_back=3)], group="test")
    def second(batch: Batch) -> pd.DataFrame:
        raise AssertionError("not run")

    return first, second


@pytest.mark.parametrize("path", [reach.symbol_path, reach.option_path])
@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (CARRIED, Reach(carried=0)),
        (Input(DailyPrices, look_back=PRICE_LOOK_BACK_SESSIONS), Reach(fixed=PRICE_LOOK_BACK_SESSIONS)),
        (Input(DailyPrices, look_back=3), Reach(fixed=3)),
        (Input(DailyPrices), Reach(fixed=0)),
    ],
)
def test_only_what_says_so_carries_prices(item: Input, expected: Reach, path: reach.Path) -> None:
    found = reach.reaches(declared(item), DailyPrices, path)
    assert found == {PositionValues: expected, FactorExposures: expected.through(3)}


def test_carried_prices_set_the_look_back() -> None:
    assert CARRIED.look_back == PRICE_LOOK_BACK_SESSIONS
    for wrong in ({"model": RealizedVolatility}, {"model": DailyPrices, "look_back": 5}):
        with pytest.raises(TypeError, match="carried_prices"):
            Input(carried_prices=True, **wrong)  # type: ignore[arg-type]


def test_the_assets_that_value_positions_carry_prices() -> None:
    carrying = {asset.name for asset in RISK_ASSETS for item in asset.inputs if item.carried_prices}
    assert carrying == {"position_values", "position_greeks", "position_pnl_explain"}


def test_a_yield_reaches_every_account_since_its_entry_where_cash_has_interest_and_none_else() -> None:
    without, earning = (configured(Settings(cash_interest_spread=spread)) for spread in (None, 0.0))
    assert PortfolioCash not in reach.reaches(without, TreasuryYields, reach.shared_path)
    assert reach.reaches(earning, TreasuryYields, reach.shared_path)[PortfolioCash].always
    (cash,) = (asset for asset in without if asset.name == "portfolio_cash")
    assert TreasuryYields not in {item.model for item in cash.inputs}


def test_a_close_reaches_positions_for_ever_where_options_turn_into_shares_and_nowhere_else() -> None:
    delivered, plain = (
        reach.reaches(RISK_ASSETS, DailyPrices, path) for path in (reach.delivered_path, reach.option_path)
    )
    assert delivered[PositionValues].always
    assert not plain[PositionValues].always
    assert plain[PortfolioCash].always
