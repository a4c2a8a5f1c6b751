"""What the UI's GraphQL API answers about the assets of `house`, asked in this process."""

import asyncio
from collections.abc import Sequence
from typing import Any

import dagster as dg
import pandas as pd
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.schema import create_schema

from sigmasight_core.tables import Grain
from sigmasight_dagster.engine import dagster_assets
from sigmasight_dagster.partitions import dates
from sigmasight_dagster_tests.support import house


def definitions() -> dg.Definitions:
    """The assets as the UI knows them: nothing is run."""
    trading = dates.trading_dates(house.START, house.END)
    by_grain = {Grain.DATE: trading, Grain.DATE_PORTFOLIO: dates.portfolio_dates(trading)}
    made = [house.yields(), house.exposures()]
    first = pd.Timestamp(house.START)
    return dg.Definitions(
        [dagster_assets.build(asset, by_grain, first) for asset in made],
        resources={"platform": dg.ResourceDefinition.none_resource()},
    )


def answers(instance: dg.DagsterInstance, queries: Sequence[str]) -> list[dict[str, Any]]:
    """The data of each query."""
    schema, found = create_schema(), []
    target = LoadableTargetOrigin(module_name=__name__, attribute="definitions")
    here = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target, location_name="house"))
    with WorkspaceProcessContext(instance, here) as process:
        for query in queries:
            asked = schema.execute_async(query, context_value=process.create_request_context())
            answer = asyncio.run(asked)
            assert not answer.errors, answer.errors
            found.append(answer.data)
    return found
