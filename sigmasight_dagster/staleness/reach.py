"""How far a changed source row reaches: a table's sessions after it whose rows depend on it.

Follows the declared inputs and adds their look-backs, through one of six kinds of paths:

- `symbol`: what holds for any position in the symbol. Not through what matters to options alone: quotes,
  volatilities, rates, dividend yields and the prices at which options settled; nor through tables of factors.
- `option`: a position in an option on the symbol: those paths too. A yield concerns every option.
- `delivered`: an option that turns into shares: the close at which it does, too.
- `shared`: factors' proxies and yields, which matter to everybody, by way of the tables of factors and of the
  estimates over the factor window.
- `benchmark`: the symbol that a portfolio is held against: its prices and what is estimated from them, to
  tables that are held against it, and no further.
- `holdings`: the same of a symbol that its benchmark holds.
"""

from collections.abc import Callable, Iterable

from sigmasight_core.market.staleness import Reach
from sigmasight_core.tables import (
    DailyPrices,
    DividendYields,
    Grain,
    OptionVolatilities,
    RealizedVolatility,
    Table,
    TreasuryYields,
    facts,
    grain,
)
from sigmasight_dagster.engine.declaration import Input, RiskAsset

Path = Callable[[RiskAsset, type[Table], Input], bool]
"""Whether a change goes through an input into a table of an asset."""


def by_symbol(model: type[Table]) -> bool:
    """Whether rows belong to one symbol, or its options: tables of factors do not."""
    columns = model.to_schema().columns
    return grain(model) is not Grain.DATE or "symbol" in columns or "contract" in columns


def prices_options(asset: RiskAsset, item: Input) -> bool:
    """Whether an input of an asset by portfolio matters to options alone."""
    settles = item.model is DailyPrices and item.since_entry
    of_options = item.model in (RealizedVolatility, OptionVolatilities, TreasuryYields, DividendYields)
    return asset.grain is Grain.DATE_PORTFOLIO and not item.interest_on_cash and (settles or of_options)


def delivered_path(asset: RiskAsset, model: type[Table], item: Input) -> bool:  # noqa: ARG001
    return by_symbol(model)


def option_path(asset: RiskAsset, model: type[Table], item: Input) -> bool:  # noqa: ARG001
    return by_symbol(model) and not item.deliveries


def symbol_path(asset: RiskAsset, model: type[Table], item: Input) -> bool:
    return by_symbol(model) and not item.deliveries and not prices_options(asset, item)


def shared_path(asset: RiskAsset, model: type[Table], item: Input) -> bool:
    if item.model is not DailyPrices:
        return not prices_options(asset, item)
    estimated = not by_symbol(model) or any(other.factor_window for other in asset.inputs)
    return asset.grain is Grain.DATE and estimated


def benchmark_path(asset: RiskAsset, model: type[Table], item: Input) -> bool:
    of_symbol = by_symbol(model) if asset.grain is Grain.DATE else facts(model).benchmark
    return of_symbol and (item.benchmark or asset.grain is Grain.DATE)


def holdings_path(asset: RiskAsset, model: type[Table], item: Input) -> bool:
    of_symbol = by_symbol(model) if asset.grain is Grain.DATE else facts(model).holdings
    return of_symbol and (item.holdings or asset.grain is Grain.DATE)


def reaches(assets: Iterable[RiskAsset], source: type[Table], path: Path) -> dict[type[Table], Reach]:
    """Reach of one source into each table that depends on it, by a kind of paths.

    :param assets: every declaration, upstream first.
    """
    found: dict[type[Table], Reach] = {}
    for asset in assets:
        for model in asset.tables:
            reach = Reach()
            for item in asset.inputs:
                if not item.advisory and path(asset, model, item):
                    reach |= _from_source(item) if item.model is source else _onward(found, item)
            if not reach.none:
                found[model] = reach
    return found


def all_reaches(assets: Iterable[RiskAsset]) -> dict[tuple[type[Table], Path], dict[type[Table], Reach]]:
    """`reaches` by source, or market result, and kind of paths."""
    declared = tuple(assets)
    paths = (shared_path, symbol_path, option_path, delivered_path, benchmark_path, holdings_path)
    sources = [model for asset in declared if asset.grain is Grain.DATE for model in asset.tables]
    return {(source, path): reaches(declared, source, path) for source in sources for path in paths}


def _onward(found: dict[type[Table], Reach], item: Input) -> Reach:
    return found.get(item.model, Reach()).through(item.look_back, since_entry=item.since_entry)


def _from_source(item: Input) -> Reach:
    if item.carried_prices:
        return Reach(carried=0)
    return Reach(fixed=0).through(item.look_back, since_entry=item.since_entry)
