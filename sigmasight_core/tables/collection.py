"""The collection of every row model of the core: there is no list to forget."""

import pkgutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Final, overload

from sigmasight_core.tables.base import Kind, Table, facts


@contextmanager
def _absent(package: str) -> Iterator[None]:
    """As if a package that nothing has imported yet was not installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment] # an ImportError to whoever asks for it
    try:
        yield
    finally:
        del sys.modules[package]


with _absent("hypothesis"):
    # It imports Hypothesis where there is one, for test data that nobody asks of it: a third of a second.
    import pandera.strategies.base_strategies  # noqa: F401

CORE: Final = __name__.partition(".")[0]
ROOM: Final = __name__.rpartition(".")[0]
TOPICS: Final = (
    "ledger",
    "market",
    "options",
    "account.deliveries",
    "account.cash",
    "positions",
    "account.returns",
    "account.contributions",
    "account.attribution",
    "factors",
    "portfolio.configured",
    "correlation",
    "stress",
    "portfolio.impacts",
    "pnl",
    "risk",
    "portfolio.simulated",
    "portfolio.groups",
    "portfolio.horizons",
    "portfolio.reports",
    "what_if",
    "operations",
    "alerts",
    "access.managed",
    "access.modeling",
    "access.users",
)
"""The flow of data, for the order of the tables. What is not in these files comes after them, by name."""


class Tables(Sequence[type[Table]]):
    """The row models of some kinds; they are collected when somebody looks, not on import.

    That is why the core may say `TABLES` inside of functions only: a row model may lie in any room above.
    """

    def __init__(self, kinds: set[Kind]):
        self._kinds = kinds

    @property
    def _models(self) -> tuple[type[Table], ...]:
        return tuple(model for model in row_models() if facts(model).kind in self._kinds)

    def __iter__(self) -> Iterator[type[Table]]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    @overload
    def __getitem__(self, index: int) -> type[Table]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[type[Table], ...]: ...
    def __getitem__(self, index: int | slice) -> type[Table] | tuple[type[Table], ...]:
        return self._models[index]


@cache
def row_models() -> tuple[type[Table], ...]:
    """Every row model of the core: the public subclasses of `Table` in each of its modules."""
    names = [f"{ROOM}.{topic}" for topic in TOPICS]
    found = (module.name for module in pkgutil.walk_packages([*import_module(CORE).__path__], f"{CORE}."))
    names += sorted(set(found) - {*names, f"{ROOM}.base"})
    return tuple(
        thing
        for name in names
        for thing in vars(import_module(name)).values()
        if isinstance(thing, type)
        and issubclass(thing, Table)
        and thing.__module__ == name
        and not thing.__name__.startswith("_")
    )
