"""Every computation of the project. One file a topic, one short function an asset: read, compute, return.

Here belongs what an asset is: its tables, inputs, gates and what the UI tells of it. Not here: the
calculation (`sigmasight_core`), SQL, a provider, or another asset. RISK_ASSETS is collected: an `@risk_asset`
in a file of this folder is found.
"""

import pkgutil
from collections.abc import Iterable
from graphlib import TopologicalSorter
from importlib import import_module
from typing import Final

from sigmasight_core.tables import Grain
from sigmasight_dagster.engine.declaration import RiskAsset


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


def declared() -> list[RiskAsset]:
    """Every declaration in the files of this folder, by file."""
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return [thing for module in modules for thing in vars(module).values() if isinstance(thing, RiskAsset)]


RISK_ASSETS: Final = upstream_first(declared())
"""Every computation, in the order of the flow of data."""
