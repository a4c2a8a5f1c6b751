"""What is configured, kept beside the results that were computed with it."""

import pandas as pd

from sigmasight_core.tables import Scenarios, Table, primary_key, table_name, validate
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import lock_key, quoted
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select


class ConfiguredStore(Reader):
    """Scenarios and factors."""

    def keep_configured(self, model: type[Table], rows: pd.DataFrame, stamp: AuditStamp) -> bool:
        """Store what is configured now; what was and is no more stays, with `active` no.

        :param rows: every row that is configured, with `active` yes.
        :returns: whether anything changed; nothing is written where not.
        :raises DataQualityError: if the rows break their row model.
        """
        (key,) = primary_key(model)
        wanted = validate(model, rows)
        with self._database.transaction(lock_key("configured", table_name(model))) as cursor:
            stored = fetch(cursor, model, select(model))
            gone = stored[~stored[key].isin(wanted[key])].assign(active="no")
            kept = validate(model, pd.concat([wanted, gone], ignore_index=True) if len(gone) else wanted)
            if kept.equals(validate(model, stored)):
                return False
            cursor.execute(f"DELETE FROM {quoted(SCHEMA, table_name(model))}")
            copy_in(cursor, model, to_arrow(model, kept, stamp))
        return True

    def comparison_scenarios(self) -> set[str]:
        """Ids of the scenarios that are kept for comparison alone, also of those in no file any more."""
        rows = self.read(Scenarios, columns=["scenario", "comparison"])
        return set(rows.loc[rows["comparison"] == "yes", "scenario"])
