"""The declared assets as the rest of the project asks for them: all, configured, fetched, by grain."""

import pkgutil
from collections.abc import Iterable
from graphlib import TopologicalSorter
from importlib import import_module
from typing import Final

from sigmasight_core.tables import Grain
from sigmasight_dagster.engine.declaration import RiskAsset, with_factor_window, with_interest_on_cash
from sigmasight_dagster.settings import Settings

FOLDER: Final = __name__.rpartition(".")[0]


def upstream_first(assets: Iterable[RiskAsset]) -> tuple[RiskAsset, ...]:
    """The assets by date, then those by date and portfolio, each after what it reads.

    :raises graphlib.CycleError: when they read each other in a circle.
    """
    found = tuple(assets)
    maker = {model: asset.name for asset in found for model in asset.tables}
    reads = {
        asset.name: [maker[item.model] for item in asset.inputs if item.model in maker] for asset in found
    }
    steps: dict[str, int] = {}
    for name in TopologicalSorter(reads).static_order():
        steps[name] = 1 + max((steps[read] for read in reads[name]), default=0)
    return tuple(sorted(found, key=lambda asset: (asset.grain is not Grain.DATE, steps[asset.name])))


def _collected() -> list[RiskAsset]:
    """Every declaration in the files of this folder, by file."""
    names = [f"{FOLDER}.{found.name}" for found in pkgutil.iter_modules(import_module(FOLDER).__path__)]
    modules = [import_module(name) for name in names if name != __name__]
    return [thing for module in modules for thing in vars(module).values() if isinstance(thing, RiskAsset)]


RISK_ASSETS: Final = upstream_first(_collected())
"""Every computation, in the order of the flow of data."""


def declared(settings: Settings) -> tuple[RiskAsset, ...]:
    """Every declaration, upstream first, as configured: window of the factor model, interest on cash."""
    sized = with_factor_window(RISK_ASSETS, settings.factor_model.window)
    return with_interest_on_cash(sized, not settings.cash_terms.none)


def source_assets(assets: Iterable[RiskAsset] = RISK_ASSETS) -> tuple[RiskAsset, ...]:
    """Those whose rows a provider gives."""
    return tuple(asset for asset in assets if asset.is_source)


def tables_of(grain: Grain) -> list[str]:
    """Tables of every asset of a grain, upstream first."""
    return [name for asset in RISK_ASSETS if asset.grain is grain for name in asset.table_names]
