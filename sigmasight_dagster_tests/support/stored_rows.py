"""Random rows of any row model, and plain SQL."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pandas as pd
import psycopg2

from sigmasight_core.tables import Grain, Table, grain, primary_key
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.warehouse.database import Database
from sigmasight_dagster.warehouse.rows import to_arrow
from sigmasight_dagster.warehouse.tables import copy_in

DATES = pd.DatetimeIndex(["2019-12-31", "2024-02-29", "2024-07-03", "2024-12-24"]).as_unit("ns")
PORTFOLIOS = ("a", "b-1", "c_2")
AWKWARD = (
    "plain", "", " ", "O'Neil", "''", '"', "\\", "\\'", "\\N", "a\tb\nc\r", "100%", "%s", ":x", "$1", "{a}",
    "NULL", "nan", "é", "日本", "\U0001f4b0", "; DROP TABLE x; --", "\x01", "A" * 3000,
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1 + 0.2, 1 / 3, 5e-324, -1.7976931348623157e308, 1e22, 123456789.125)
SINGLES = (0.0, -1.5, 0.1, 3.4e38, 1e-45, np.nan)
EXACT = (0.0, 1.0, -1.5, 0.1, 0.1 + 0.2, 1 / 3, 1e-9, 1e15, 123456789.125)
INTS = (0, 1, -1, 2**31, -(2**63), 2**63 - 1, 2**53 + 1)


def stamp(run_id: str = "run") -> AuditStamp:
    return AuditStamp(run_id, "1.2.3", pd.Timestamp("2024-05-06 07:08:09.123456", tz="UTC"))


def random_rows(
    model: type[Table],
    dates: pd.DatetimeIndex = DATES,
    portfolios: tuple[str, ...] = PORTFOLIOS,
    per_partition: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Rows with unique keys, sorted by key, NULL wherever the row model lets one in; bounds are not kept."""
    rng = np.random.default_rng(seed)
    by = grain(model)
    per_partition = per_partition if len(primary_key(model)) > len(by.value) else min(per_partition, 1)
    parts: list[Any] = {Grain.DATE: [dates], Grain.DATE_PORTFOLIO: [dates, portfolios]}.get(by, [])
    index = pd.MultiIndex.from_product([*parts, range(per_partition)], names=[*by.value, "_n"])
    frame = index.to_frame(index=False)
    for name, column in model.to_schema().columns.items():
        if name not in by.value:
            frame[name] = _values(str(name), column, len(frame), rng)
    keys = [name for name in primary_key(model) if name not in by.value]
    if keys:  # unique within the partition, however few letters were drawn
        frame[keys[0]] = _distinct(frame[keys[0]], frame["_n"])
    made = frame[list(model.to_schema().columns)].sort_values(primary_key(model), ignore_index=True)
    return made.astype({"portfolio": "str"}) if "portfolio" in made else made


def _distinct(values: pd.Series, numbers: pd.Series) -> pd.Series:
    if pd.api.types.is_string_dtype(values.dtype):
        return values + "#" + numbers.astype("str")
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return pd.to_datetime(numbers, unit="s").astype(values.dtype)  # the database keeps microseconds
    return numbers.astype(values.dtype)


def _values(name: str, column: Any, size: int, rng: np.random.Generator) -> pd.Series:
    dtype = str(column.dtype).lower()
    exact = (column.metadata or {}).get("exact")
    missing = (rng.random(size) < 0.3) & bool(column.nullable)
    if dtype.startswith("str"):
        return pd.Series(rng.choice(AWKWARD, size), dtype="str").mask(missing)
    if dtype.startswith("float"):
        return pd.Series(rng.choice(EXACT if exact else FLOATS, size)).mask(missing)
    if dtype == "object":  # arrays
        arrays = [rng.choice(SINGLES, 4).astype(np.float32) for _ in range(size)]
        return pd.Series(arrays, dtype=object).mask(missing, None)
    if dtype.startswith("datetime"):
        return pd.Series(rng.choice(DATES, size)).astype("datetime64[ns]").mask(missing)
    if str(column.dtype) == "Int64":
        return pd.Series(rng.choice(INTS, size), dtype="Int64").mask(missing)
    return pd.Series(rng.choice(INTS, size), dtype="int64")


def keep(url: str, model: type[Table], rows: pd.DataFrame) -> None:
    """Append rows to any table, also to one that no store writes as a whole."""
    database = Database(url)
    with database.transaction() as cursor:
        copy_in(cursor, model, to_arrow(model, rows, stamp()))
    database.close()


@contextmanager
def refusing(url: str, what: str) -> Iterator[None]:
    """A database that refuses a change. :param what: `INSERT ON schema.table`, as triggers say it."""
    sql(
        url,
        "CREATE FUNCTION sigmasight.refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'refused by a test'; END $$",
        f"CREATE TRIGGER refuse BEFORE {what} FOR EACH ROW EXECUTE FUNCTION sigmasight.refuse()",
    )
    try:
        yield
    finally:
        sql(url, "DROP FUNCTION sigmasight.refuse CASCADE")


def sql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in one transaction; the rows of the last."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


STORAGE_PARAMETERS = (
    "SELECT c.relname, t.relname IS NOT NULL, ARRAY(SELECT unnest(c.reloptions) ORDER BY 1), "
    "ARRAY(SELECT unnest(t.reloptions) ORDER BY 1) FROM pg_class AS c "
    "LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid "
    "WHERE c.relnamespace = 'sigmasight'::regnamespace AND c.relkind IN ('r', 'i') ORDER BY 1"
)
"""Of each table, its long values, and each index."""
