"""Sums and risk of positions by tag, sector, industry, underlying, position type and asset class."""

from typing import Final

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, key, label, value

DIMENSIONS: Final = ("asset_class", "industry", "position_type", "sector", "tag", "underlying")
EXPLAINED: Final = "position_pnl_explain.*"
SIMULATED: Final = (
    "daily_prices.adjusted_close position_values.exposure position_values.quantity "
    "position_greeks.implied_volatility"
)


class PortfolioGroups(PortfolioTable):
    """Positions of a portfolio summed by group, one dimension at a time; closed ones add P&L alone.

    The groups of a dimension sum to the portfolio, but for `tag`: a position with several tags counts fully
    in each of them. An underlying's group is the stock and all options on it. Value at risk and expected
    shortfall of a group alone do not sum; the components do.
    """

    dimension: Series[str] = key(
        "asset_class, industry, position_type, sector, tag (a position counts fully in each of its tags) or "
        "underlying",
        isin=DIMENSIONS,
    )
    group_name: Series[str] = key(
        "The group: 'option' or the security type; industry or sector, or 'unclassified'; LONG, SHORT, LC, "
        "SC, LP or SP; the tag, empty = without a tag; the underlying symbol",
        of="position_values.underlying position_values.position_type position_values.sector "
        "position_values.tags security_master.industry security_master.security_type",
    )
    n_positions: Series[int] = value(
        "Positions held at the close", "positions", ge=0, of="position_values.quantity"
    )
    n_priced: Series[int] = value(
        "Held positions with a price", "positions", ge=0, of="position_values.price"
    )
    gross_exposure: Series[float] = value("Sum of |exposure|", "USD", ge=0, of="position_values.exposure")
    net_exposure: Series[float] = value("Sum of exposure", "USD", of="position_values.exposure")
    long_exposure: Series[float] = value(
        "Sum of the positive exposures", "USD", ge=0, of="position_values.exposure"
    )
    short_exposure: Series[float] = value(
        "Sum of the negative exposures, <= 0", "USD", le=0, of="position_values.exposure"
    )
    weight: Series[float] = value(
        "net_exposure / gross exposure of the portfolio", "fraction", of="position_values.*"
    )
    delta_usd: Series[float] = value(
        "Sum of delta_exposure: net dollar delta", "USD", of="position_greeks.delta_exposure"
    )
    delta_adjusted_exposure: Series[float] = value(
        "Sum of |delta_exposure|", "USD", ge=0, of="position_greeks.delta_exposure"
    )
    daily_pnl: Series[float] = value(
        "Sum of the positions' daily_pnl, of prices alone", "USD", of="position_values.*"
    )
    trading_pnl: Series[float] = value("Part of daily_pnl: entries and exits", "USD", of=EXPLAINED)
    dividend_pnl: Series[float] = value("Part of daily_pnl: fall of prices by dividends", "USD", of=EXPLAINED)
    market_pnl: Series[float] = value("Part of daily_pnl: market", "USD", of=EXPLAINED)
    styles_pnl: Series[float] = value("Part of daily_pnl: styles", "USD", of=EXPLAINED)
    rates_pnl: Series[float] = value("Part of daily_pnl: rates", "USD", of=EXPLAINED)
    specific_pnl: Series[float] = value("Part of daily_pnl: specific", "USD", of=EXPLAINED)
    gamma_pnl: Series[float] = value("Part of daily_pnl: gamma of options", "USD", of=EXPLAINED)
    vega_pnl: Series[float] = value("Part of daily_pnl: vega of options", "USD", of=EXPLAINED)
    theta_pnl: Series[float] = value("Part of daily_pnl: theta of options", "USD", of=EXPLAINED)
    rho_pnl: Series[float] = value("Part of daily_pnl: rho of options", "USD", of=EXPLAINED)
    residual_pnl: Series[float] = value(
        "Part of daily_pnl: what the Greeks of options do not explain", "USD", of=EXPLAINED
    )
    unrealized_pnl: Series[float] = value("Sum of unrealized_pnl", "USD", of="position_values.*")
    realized_pnl: Series[float] = value(
        "Sum of the P&L locked in by exits and expiries of this session", "USD", of="position_values.*"
    )
    delta: Series[float] = value("Sum of position_delta", "shares", of="position_greeks.position_delta")
    gamma: Series[float] = value(
        "Sum of position_gamma", "shares per USD", of="position_greeks.position_gamma"
    )
    theta: Series[float] = value("Sum of position_theta", "USD per day", of="position_greeks.position_theta")
    vega: Series[float] = value(
        "Sum of position_vega", "USD per volatility point", of="position_greeks.position_vega"
    )
    rho: Series[float] = value(
        "Sum of position_rho", "USD per percentage point", of="position_greeks.position_rho"
    )
    market_beta_usd: Series[float] = value(
        "Sum of delta_exposure x market beta", "USD", of="position_greeks.delta_exposure factor_betas.beta"
    )
    var_95_usd: Series[float] = value(
        "1-day value at risk of the group alone, 95%, simulated as in risk_measures; loss positive",
        "USD",
        of=SIMULATED,
    )
    es_95_usd: Series[float] = value(
        "1-day expected shortfall of the group alone, 95%, simulated; loss positive", "USD", of=SIMULATED
    )
    component_var_usd: Series[float] = value(
        "Part of the portfolio's parametric_var_95_usd: sum of the positions' component_var_usd",
        "USD",
        of="risk_contributions.*",
    )
    component_es_usd: Series[float] = value(
        "Part of the portfolio's simulated es_95_usd: the group's mean loss in its worst scenarios",
        "USD",
        of=SIMULATED,
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "portfolio_groups"
        # the tables of the positions say in the readiness what there is
        metadata = {"facts": Facts(detail=True, readiness=(), packed=True)}
