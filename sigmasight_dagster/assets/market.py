"""Market data: what the provider delivers, one partition a trading date, for every portfolio."""

import pandas as pd
import structlog

from sigmasight_core.errors import NoDataError, SourceError, TransientError
from sigmasight_core.market import price_differences as differences
from sigmasight_core.options import volatilities
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    OptionQuotes,
    Portfolios,
    Positions,
    PriceDifferences,
    SecurityMaster,
    TreasuryYields,
    validate,
)
from sigmasight_dagster.engine import fetched, known_actions
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.market import (
    ACTIONS_ARE_PLAUSIBLE,
    PRICES_AGREE_ACROSS_SOURCES,
    PRICES_ARE_PLAUSIBLE,
    PRICES_ARE_SOUND,
)
from sigmasight_dagster.story import Story, figures

GROUP = "market"

_log = structlog.get_logger(__name__)


@risk_asset(
    DailyPrices,
    inputs=[Portfolios, Positions, Input(CorporateActions, advisory=True)],
    group=GROUP,
    page="doubtful.md",
    gates=[PRICES_ARE_SOUND, PRICES_ARE_PLAUSIBLE],
    judged=True,
    stories={
        DailyPrices: Story(
            (figures.known("close", "symbols with a close"),),
            ("symbol", "close", "adjusted_close", "volume", "source", "status"),
        )
    },
)
def daily_prices(batch: Batch) -> pd.DataFrame:
    """Fetched from the configured provider; a session without any price fails, a doubtful one is kept out."""
    provider, universe = batch.market_data, _universe(batch)
    if universe is None:
        prices = provider.daily_prices(None, batch.dates[0], batch.dates[-1])
    else:
        prices = fetched.daily_prices(batch, universe)
    prices = prices[prices["date"].isin(batch.dates)]
    priced = prices.loc[prices["close"].notna(), "date"]
    missing = batch.dates.difference(pd.DatetimeIndex(priced.unique()))
    if len(missing):
        raise NoDataError(
            f"no prices for {missing[0]:%Y-%m-%d} from provider {provider.name} ({len(missing)} of "
            f"{len(batch.dates)} sessions): check the provider's coverage, then run these dates again",
            list(missing),
        )
    return prices


@risk_asset(
    PriceDifferences,
    inputs=[DailyPrices],
    group=GROUP,
    page="doubtful.md",
    gates=[PRICES_AGREE_ACROSS_SOURCES],
)
def price_differences(batch: Batch) -> pd.DataFrame:
    """Closes of the cross-check source beside the stored ones; no rows without one."""
    other, prices = batch.cross_check, batch.read(DailyPrices)
    if other is None:
        return validate(PriceDifferences, PriceDifferences.empty())
    name = other.name
    try:
        found = other.daily_prices(sorted(prices["symbol"].unique()), batch.dates[0], batch.dates[-1])
    except (SourceError, TransientError) as error:
        _log.warning("cross-check source failed", source=name, error=str(error))
        found, name = prices.iloc[:0], f"{name}, which does not answer"
    return differences.price_differences(prices=prices, others=found, other_source=name)


@risk_asset(
    CorporateActions,
    inputs=[Portfolios, Positions],
    group=GROUP,
    page="doubtful.md",
    gates=[ACTIONS_ARE_PLAUSIBLE],
    judged=True,
)
def corporate_actions(batch: Batch) -> pd.DataFrame:
    """Splits and dividends by ex-date, from the configured provider; what is no split is a distribution.

    Most dates have none. Of a held symbol whose actions since its entry are not known the source is asked for
    those too.
    """
    provider, universe = batch.market_data, _universe(batch)
    known_actions.learn(batch, universe)
    if universe is None:
        actions = provider.corporate_actions(None, batch.dates[0], batch.dates[-1])
    else:
        actions = fetched.corporate_actions(batch, universe)
    return actions[actions["date"].isin(batch.dates)]


@risk_asset(
    TreasuryYields,
    group=GROUP,
    page="providers.md",
    stories={TreasuryYields: Story((figures.at("series", "yield_percent", **{"10Y": "10-year yield (%)"}),))},
)
def treasury_yields(batch: Batch) -> pd.DataFrame:
    """Constant-maturity yields; a missing one is NULL with a status, never filled."""
    yields = batch.market_data.treasury_yields(batch.dates[0], batch.dates[-1])
    return yields[yields["date"].isin(batch.dates)]


@risk_asset(OptionQuotes, inputs=[Positions], group=GROUP, page="providers.md")
def option_quotes(batch: Batch) -> pd.DataFrame:
    """Quotes of the contracts that portfolios hold, and of their neighbours in the chain."""
    provider, contracts = batch.market_data, batch.held_contracts
    quotes = provider.option_quotes(sorted(contracts["symbol"]), batch.dates[0], batch.dates[-1])
    quotes = fetched.option_quotes(batch, quotes[quotes["date"].isin(batch.dates)])
    return volatilities.with_lacking(quotes=quotes, contracts=contracts, source=provider.name)


@risk_asset(SecurityMaster, inputs=[DailyPrices], group=GROUP, page="providers.md")
def security_master(batch: Batch) -> pd.DataFrame:
    """Name, type and sector of every symbol with a price on the date."""
    symbols = batch.read(DailyPrices)[["date", "symbol"]]
    names = sorted(symbols["symbol"].unique())
    listed = batch.market_data.symbols() is not None
    known = batch.market_data.securities(names) if listed else fetched.securities(batch, names)
    return symbols.merge(known, on="symbol", validate="many_to_one")


def _universe(batch: Batch) -> list[str] | None:
    """Symbols to fetch: all of a provider that can list its own, else holdings, proxies, benchmarks."""
    provider = batch.market_data
    if provider.symbols() is not None:
        return None
    proxies = (f.proxy for f in batch.factor_model.factors if f.proxy and f.kind != "rates")
    return sorted({*batch.held_since()["underlying"], *proxies})
