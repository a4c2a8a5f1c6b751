"""RISK_ASSETS is found in the files, upstream first."""

from graphlib import CycleError
from typing import Any

import pytest

from sigmasight_core.tables import TABLES, FactorBetas, FactorReturns, FactorState, Kind, facts
from sigmasight_dagster.assets.catalogue import RISK_ASSETS, upstream_first
from sigmasight_dagster.engine.declaration import Input, RiskAsset, risk_asset
from sigmasight_dagster.story import Story


def reads(model: Any, *inputs: Any, **more: Any) -> RiskAsset:
    def compute(batch: Any) -> Any: ...

    compute.__name__ = model.__name__
    return risk_asset(model, inputs=[Input(item) for item in inputs], group="test", **more)(compute)


def test_each_source_and_result_is_published_by_one_asset() -> None:
    published = [model for asset in RISK_ASSETS for model in asset.tables]
    assert len(published) == len(set(published))
    assert set(published) == {model for model in TABLES if facts(model).kind in (Kind.SOURCE, Kind.RESULT)}


def test_assets_come_after_what_they_read() -> None:
    ready = {model for model in TABLES if facts(model).kind is Kind.LEDGER}
    for asset in RISK_ASSETS:
        assert {item.model for item in asset.inputs} <= ready, asset.name
        ready |= set(asset.tables)
    one, two, three = reads(FactorBetas), reads(FactorState, FactorBetas), reads(FactorReturns, FactorState)
    assert upstream_first([three, two, one]) == (one, two, three)


def test_a_circle_is_refused() -> None:
    with pytest.raises(CycleError):
        upstream_first([reads(FactorBetas, FactorState), reads(FactorState, FactorBetas)])


def test_a_story_stands_at_the_asset_that_publishes_its_table() -> None:
    with pytest.raises(TypeError, match="a story is told by the asset that publishes its table"):
        reads(FactorBetas, stories={FactorState: Story()})
