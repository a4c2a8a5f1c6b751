"""The warehouse: PostgreSQL tables made from the row models, replaced and read partition by partition.

The only package that speaks SQL on SigmaSight's tables. `Warehouse` is its one interface: `store` replaces
and reads partitions, `stores` keep what is not partitioned, `layout` makes the tables. What a row means and
what is to be computed is not known here.
"""

from sigmasight_dagster.warehouse.errors import (
    InputsChanged,
    MigrationError,
    UpstreamNotPublished,
    WarehouseError,
)
from sigmasight_dagster.warehouse.replacement import Replacement
from sigmasight_dagster.warehouse.rows import AuditStamp
from sigmasight_dagster.warehouse.store import Warehouse
from sigmasight_dagster.warehouse.stores.actions import LearnedActions
from sigmasight_dagster.warehouse.stores.basis import Basis
from sigmasight_dagster.warehouse.stores.doubts import Exchange, Findings

__all__ = [
    "AuditStamp",
    "Basis",
    "Exchange",
    "Findings",
    "InputsChanged",
    "LearnedActions",
    "MigrationError",
    "Replacement",
    "UpstreamNotPublished",
    "Warehouse",
    "WarehouseError",
]
