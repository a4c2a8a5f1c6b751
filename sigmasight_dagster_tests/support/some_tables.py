"""Runs of some tables alone, for tests of what holds for any table: all assets take seconds of each run."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from sigmasight_core.tables import table_name
from sigmasight_dagster.assets import RISK_ASSETS, catalogue
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.ledger import first_run, inbox
from sigmasight_dagster.runs import workspace
from sigmasight_dagster.settings import Settings

MAIN = "from sigmasight_dagster.cli import main; main()"

_chosen: list[frozenset[str]] = []


def makers(*tables: str) -> frozenset[str]:
    """Names of the assets that make these tables, and of those that make what they read."""
    wanted, names = set(tables), set()
    for asset in reversed(RISK_ASSETS):
        if wanted & set(asset.table_names):
            names.add(asset.name)
            wanted |= {table_name(item.model) for item in asset.inputs}
    assert set(tables) <= {name for asset in RISK_ASSETS for name in asset.table_names}, tables
    return frozenset(names)


def choose(names: Collection[str]) -> None:
    """Runs that this process plans are of these assets alone, until `forget`."""
    _chosen.append(frozenset(names))
    _tell()


def forget() -> None:
    """Undo the latest `choose`."""
    _chosen.pop()
    _tell()


def _tell() -> None:
    """Tell the modules that plan runs of every declared asset."""
    workspace.declared = first_run.declared = _declared
    inbox.RISK_ASSETS = _only(RISK_ASSETS)


def _declared(settings: Settings) -> tuple[RiskAsset, ...]:
    return _only(catalogue.declared(settings))


def _only(assets: tuple[RiskAsset, ...]) -> tuple[RiskAsset, ...]:
    return tuple(asset for asset in assets if asset.name in _chosen[-1]) if _chosen else assets


def program() -> str:
    """What `python -c` is given to be the `sigmasight` command."""
    if not _chosen:
        return MAIN
    return f"from {__name__} import choose; choose({sorted(_chosen[-1])}); {MAIN}"


@contextmanager
def computing(*tables: str) -> Iterator[None]:
    """Until the end commands compute these tables and what they read, here and in processes of their own."""
    choose(makers(*tables))
    try:
        yield
    finally:
        forget()


@pytest.fixture(scope="module", autouse=True)
def _tables_of_the_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """A module with `pytestmark = pytest.mark.computes("TABLE", ...)` computes those."""
    yield from _marked(request.node)


@pytest.fixture(autouse=True)
def _tables_of_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test of it that is marked itself computes others; all of them, where its mark names none."""
    yield from _marked(request.node)


def _marked(node: pytest.Item | pytest.Module) -> Iterator[None]:
    own = [mark for mark in node.own_markers if mark.name == "computes"]
    if not own:
        yield
        return
    every = [name for asset in RISK_ASSETS for name in asset.table_names]
    with computing(*(own[0].args or every)):
        yield
