"""The warehouse: PostgreSQL tables made from the row models, replaced and read partition by partition.

The only package that speaks SQL.
"""

from sigmasight_dagster.warehouse.errors import MigrationError, UpstreamNotPublished, WarehouseError
from sigmasight_dagster.warehouse.rows import AuditStamp
from sigmasight_dagster.warehouse.store import Warehouse

__all__ = ["AuditStamp", "MigrationError", "UpstreamNotPublished", "Warehouse", "WarehouseError"]
