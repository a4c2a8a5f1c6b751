"""Declarations to Dagster assets: names, groups, column schemas, partitions, checks, dependencies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from inspect import cleandoc
from typing import Any

import dagster as dg
import pandas as pd
from pandera.dtypes import DataType

from sigmasight_core.tables import TABLES, Grain, Kind, Table, computed_from, facts, grain, table_name
from sigmasight_dagster import story
from sigmasight_dagster.engine import publish
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.executors.queues import DEFAULT_QUEUE, QUEUE_TAG
from sigmasight_dagster.warehouse.database import SCHEMA

OWNERS = ["team:risk"]
LEDGER_GROUP = "portfolio"

_NAMES = re.compile(r"(?<![`\w./*])[A-Za-z]\w*[_*][\w*]*(?:\.\w+)*(?![`\w/])")
_TYPES = {
    "datetime64[ns]": "date",
    "float64": "double precision",
    "Int64": "bigint",
    "int64": "bigint",
    "object": "real[]",
}


@cache
def _type(dtype: DataType) -> str:
    """SQL type of a column. Numpy needs longer for a dtype's name than Dagster for the rest of the column."""
    return _TYPES.get(str(dtype), "text")


def column_schema(model: type[Table]) -> dg.TableSchema:
    """Dagster's column schema of a row model: type, description with unit and sources, constraints."""
    columns = []
    for name, column in model.to_schema().columns.items():
        facts = column.metadata or {}
        unit = f" [{facts['unit']}]" if facts.get("unit") else ""
        sources = ", ".join(computed_from(model, str(name)))
        columns.append(
            dg.TableColumn(
                name=str(name),
                type=_type(column.dtype),
                description=f"{column.description}{unit}" + (f". From {sources}" if sources else ""),
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, other=["primary key"] if facts.get("role") == "key" else []
                ),
            )
        )
    return dg.TableSchema(columns=columns)


def build(
    asset: RiskAsset,
    partitions: Mapping[Grain, dg.PartitionsDefinition],
    first_date: pd.Timestamp,
    queue: str = DEFAULT_QUEUE,
) -> dg.AssetsDefinition:
    """The Dagster asset of a declaration; several tables make a multi-asset that runs as one.

    :param queue: where its steps wait for a worker, with a distributed executor.
    """

    @dg.multi_asset(
        name=asset.name,
        specs=[_spec(asset, model) for model in asset.tables],
        check_specs=list(_check_specs(asset)),
        partitions_def=partitions[asset.grain],
        pool=asset.name,
        op_tags={QUEUE_TAG: queue},
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"platform"},
    )
    def materialize(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from publish.run(asset, context, first_date)

    return materialize


WRITERS = {Kind.LEDGER: "sigmasight import", Kind.CONFIGURED: "runs that compute with it"}


def unpartitioned_specs() -> Sequence[dg.AssetSpec]:
    """The ledger, which commands write, and what is configured: shown in the graph, not materialised."""
    return [
        dg.AssetSpec(
            table_name(model),
            description=cleandoc(model.__doc__ or ""),
            group_name=LEDGER_GROUP,
            owners=OWNERS,
            kinds={"postgres"},
            tags=_tags(model),
            metadata={**_table_metadata(model, ""), "written_by": WRITERS[facts(model).kind]},
        )
        for model in TABLES
        if facts(model).kind in WRITERS
    ]


def _spec(asset: RiskAsset, model: type[Table]) -> dg.AssetSpec:
    own = {table_name(table) for table in asset.tables}
    names = dict.fromkeys(table_name(item.model) for item in asset.inputs)
    return dg.AssetSpec(
        table_name(model),
        deps=[name for name in names if name not in own],
        description=_description(asset, model),
        group_name=asset.group,
        owners=OWNERS,
        kinds={"postgres", "pandas"},
        code_version=publish.CODE_VERSION,
        tags=_tags(model),
        metadata=_table_metadata(model, asset.page),
    )


def _description(asset: RiskAsset, model: type[Table]) -> str:
    others = [f"`{name}`" for name in asset.table_names if name != table_name(model)]
    together = [f"Published together with {', '.join(others)}: one step computes them."] if others else []
    pages = ", ".join(f"`{link.value}`" for link in story.links(table_name(model), asset.page).values())
    said = [*map(in_code, [cleandoc(model.__doc__ or ""), asset.description]), *together, f"See {pages}."]
    return "\n\n".join(said)


def in_code(text: str) -> str:
    """Names of columns and measures as code: Markdown takes `_` and `*` for emphasis."""
    return _NAMES.sub(r"`\g<0>`", text)


def _tags(model: type[Table]) -> dict[str, str]:
    return {"sigmasight/partitions": "-".join(grain(model).value) or "none"}


def _table_metadata(model: type[Table], page: str) -> dict[str, Any]:
    lineage = story.column_lineage(model)
    return {
        "dagster/column_schema": column_schema(model),
        "dagster/table_name": f"{SCHEMA}.{table_name(model)}",
        **({"dagster/column_lineage": lineage} if lineage else {}),
        **story.links(table_name(model), page),
    }


def _check_specs(asset: RiskAsset) -> Iterator[dg.AssetCheckSpec]:
    for model in asset.tables:
        yield dg.AssetCheckSpec(
            publish.CONTRACT_CHECK,
            asset=table_name(model),
            description="Types, bounds, unique keys, and no NULL without a status; run before publishing",
            blocking=True,
        )
    for gate in asset.gates:
        yield dg.AssetCheckSpec(
            gate.name, asset=table_name(gate.model), description=gate.description, blocking=gate.blocking
        )
