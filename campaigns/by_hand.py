"""Before a campaign its judges are shown faults that were made by hand: one that is blind finds nothing."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import dagster as dg
import psycopg2

from campaigns import judges
from campaigns.house import DATES, FULL, PORTFOLIOS, House
from campaigns.readers import Reader
from sigmasight_dagster.server.embedded import DATABASES

_DAY, _NAME = DATES[-1], PORTFOLIOS[0]
_KEY: Final = f"{_DAY}|{_NAME}"
_ONE: Final = f"date = '{_DAY}' AND portfolio = '{_NAME}'"
IN_TABLES: Final = (
    f"UPDATE sigmasight.portfolio_snapshots SET total_value = total_value * (1 + 1e-12) WHERE {_ONE}",
    "DELETE FROM sigmasight.position_values WHERE ctid = "
    f"(SELECT min(ctid) FROM sigmasight.position_values WHERE {_ONE})",
    f"DELETE FROM sigmasight.publications WHERE table_name = 'risk_measures' AND {_ONE}",
)
IN_DAGSTER: Final = (
    "DELETE FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION' "
    f"""AND asset_key = '["stress_results"]' AND partition = '{_KEY}'""",
    "UPDATE runs SET status = 'STARTED' WHERE id = (SELECT max(id) FROM runs)",
)
SAID: Final = (
    "portfolio_snapshots: DataFrame.iloc",
    "position_values: 23 rows, undisturbed 24",
    f"risk_measures: {_KEY} (1 in all) is not published",
    f"risk_measures: {_KEY} (1 in all) is materialized, but not published",
    f"stress_results: {_KEY} (1 in all) is published, but Dagster has no",
    "verify: ",
    "is still STARTED",
    "pool returns: 1 places taken",
    "1 advisory locks are held",
    "not the rows that were published",
    "rows that nobody published",
)
"""What judges and readers must say of it; three positions of two portfolios on four dates are 24 rows."""


def unseen(made: House) -> list[str]:
    """What no judge says of faults in each thing that is judged; the state of the house is changed."""
    made.restore(FULL)
    with dg.DagsterInstance.get() as instance:
        truth = judges.look(instance)
        _run(made.url, *IN_TABLES)
        _run(made.server.url(DATABASES[1]), *IN_DAGSTER)
        instance.event_log_storage.set_concurrency_slots("returns", 1)
        instance.event_log_storage.claim_concurrency_slot("returns", "nobody", "returns")
        said = list(_verdicts(made, instance, truth))
    return [wanted for wanted in SAID if not any(wanted in line for line in said)]


def _verdicts(made: House, instance: dg.DagsterInstance, truth: judges.State) -> Iterator[str]:
    found = judges.look(instance)
    for _, judge in judges.every(found, truth, exact=True):
        yield from judge()
    yield from judges.runs(instance)
    yield from judges.slots(instance)
    with closing(psycopg2.connect(made.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")
        yield from judges.locks(made.url, seconds=0.5)
    reader = Reader(made.url)
    reader.look_at_each()
    yield from reader.problems


def _run(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            if cursor.rowcount != 1:
                raise RuntimeError(f"{cursor.rowcount} rows, not 1: {statement}")
