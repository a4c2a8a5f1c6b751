"""When positions end: options by expiry, and how long it takes to sell the others."""

from typing import Final

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, key, label, value

BUCKETS: Final = ("<=7", "8-30", "31-60", "61-90", ">90")
OPTIONS: Final = "position_greeks.days_to_expiry position_values.quantity"


class Expiries(PortfolioTable):
    """What ends with the options that expire within a time: what the portfolio is without them."""

    bucket: Series[str] = key(
        "Calendar days to expiry; only those in which an option is held",
        isin=BUCKETS,
        of="position_greeks.days_to_expiry",
    )
    n_positions: Series[int] = value("Options held", "positions", ge=1, of=OPTIONS)
    notional: Series[float] = value(
        "Underlying price x 100 x |contracts|", "USD", ge=0, of=f"{OPTIONS} position_greeks.underlying_price"
    )
    net_exposure: Series[float] = value("Sum of exposure", "USD", of=f"{OPTIONS} position_values.exposure")
    delta_usd: Series[float] = value(
        "Sum of delta_exposure", "USD", of=f"{OPTIONS} position_greeks.delta_exposure"
    )
    delta: Series[float] = value(
        "Sum of position_delta", "shares", of=f"{OPTIONS} position_greeks.position_delta"
    )
    gamma: Series[float] = value(
        "Sum of position_gamma", "shares per USD", of=f"{OPTIONS} position_greeks.position_gamma"
    )
    theta: Series[float] = value(
        "Sum of position_theta", "USD per day", of=f"{OPTIONS} position_greeks.position_theta"
    )
    vega: Series[float] = value(
        "Sum of position_vega", "USD per volatility point", of=f"{OPTIONS} position_greeks.position_vega"
    )
    rho: Series[float] = value(
        "Sum of position_rho", "USD per percentage point", of=f"{OPTIONS} position_greeks.position_rho"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "expiries"
        # position_greeks says in the readiness what there is
        metadata = {"facts": Facts(readiness=())}


class PositionLiquidity(PortfolioTable):
    """How long it takes to close one position without being more than a share of the market's volume."""

    position_id: Series[str] = key("symbol@entry_date", of="position_values.*")
    average_daily_volume: Series[float] = value(
        "Mean of the last 20 sessions with a volume, in shares of the date",
        "shares",
        ge=0,
        of="daily_prices.volume corporate_actions.amount",
    )
    n_obs: Series[pd.Int64Dtype] = value(
        "Sessions of the 20 with a volume", "sessions", ge=0, of="daily_prices.volume"
    )
    days_to_liquidate: Series[float] = value(
        "|quantity| / (setting liquidation_share x average_daily_volume)",
        "sessions",
        ge=0,
        of="average_daily_volume position_values.quantity",
    )
    status: Series[str] = label("ok, closed, expired, or why a value is NULL")

    class Config:
        name = "position_liquidity"
        metadata = {"facts": Facts(detail=True, readiness=())}


class PortfolioLiquidity(PortfolioTable):
    """How long it takes to close the positions of a portfolio, all symbols at the same time."""

    days_to_liquidate: Series[float] = value(
        "Largest of the symbols': shares of all its positions / (liquidation_share x average volume)",
        "sessions",
        ge=0,
        of="position_liquidity.average_daily_volume position_values.quantity",
    )
    liquid_in_1_session: Series[float] = value(
        "Part of the gross exposure, of the positions whose volume is known, that one session closes",
        "fraction",
        ge=0,
        le=1.000001,
        of="position_liquidity.days_to_liquidate position_values.exposure",
    )
    liquid_in_5_sessions: Series[float] = value(
        "The same for five sessions",
        "fraction",
        ge=0,
        le=1.000001,
        of="position_liquidity.days_to_liquidate position_values.exposure",
    )
    n_positions: Series[int] = value(
        "Held positions whose volume is known", "positions", ge=0, of="position_liquidity.n_obs"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "portfolio_liquidity"
        metadata = {"facts": Facts(readiness=(Readiness("days to liquidate", "days_to_liquidate"),))}
