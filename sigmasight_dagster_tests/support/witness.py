"""What a project knows of one of its tables, and whether it can compute it; run in a copy of the project.

python -m sigmasight_dagster_tests.support.witness TABLE ASSET_URL DAGSTER_URL FOLDER writes JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from sigmasight_core.tables import TABLES, DailyPrices, columns_by_role, primary_key, table_name
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.definitions import defs
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.reports import readiness
from sigmasight_dagster.reports.data_dictionary import data_dictionary
from sigmasight_dagster.staleness import reach
from sigmasight_dagster_tests.support.house import DATES, NAMES, House, dagster_instance
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql, stamp

NUMBER = 2.0


def witness(name: str, asset_url: str, dagster_url: str, folder: Path) -> dict[str, Any]:
    """Everything about a table that follows from its declaration."""
    model = next(model for model in TABLES if table_name(model) == name)
    asset = next(asset for asset in RISK_ASSETS if model in asset.tables)
    node = next(node for node in defs.resolve_asset_graph().asset_nodes if node.key.path == [name])
    lineage = node.metadata["dagster/column_lineage"].deps_by_column
    with dagster_instance(dagster_url, folder / "dagster") as instance:
        house = House.make(asset_url, folder, instance)
        warehouse = house.platform.warehouse
        _store_inputs(house, asset)
        outcome = house.run(asset, names=NAMES)
        stored = warehouse.read(model)
        reported = readiness.measure(house.platform, NAMES[0], DATES[0])
        retired = warehouse.retire(DATES[-1] + pd.Timedelta(days=1), dry_run=True)
        found = {
            "error": outcome.error,
            "published": len(house.published(model)),
            "rows": stored.drop(columns=["date"]).drop_duplicates().to_dict("list"),
            "view": sql(asset_url, f"SELECT to_regclass('sigmasight.{name}_latest') IS NOT NULL"),
            "readiness": reported.loc[reported["n"] > 0, "calculation"].tolist(),
            "retention": retired.set_index("what")["n_rows"].to_dict().get(name),
        }
        warehouse.close()
    return {
        **found,
        "primary_key": primary_key(model),
        "group": node.group_name,
        "reads": sorted(key.to_user_string() for key in node.parent_keys),
        "columns": [column.name for column in node.metadata["dagster/column_schema"].columns],
        "lineage": {
            column: sorted(f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps)
            for column, deps in lineage.items()
        },
        "checks": sorted(key.name for key in node.check_keys),
        "dictionary": f"## {name}" in data_dictionary(),
        "stale_after_prices": model in reach.reaches(RISK_ASSETS, DailyPrices, reach.symbol_path),
    }


def _store_inputs(house: House, asset: RiskAsset) -> None:
    """Two rows in each partition of each input; every value is NUMBER."""
    for item in asset.inputs:
        rows = random_rows(item.model, DATES, NAMES, per_partition=2)
        rows = rows.assign(**dict.fromkeys(columns_by_role(item.model, "value"), NUMBER), status="ok")
        house.platform.warehouse.replace(item.model, rows, DATES, NAMES, stamp())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(witness(*sys.argv[1:4], Path(sys.argv[4]))))
