"""COPY into Dagster's tables: any text arrives as it was, ids ascend."""

import datetime as dt

import sqlalchemy as sa

from sigmasight_dagster.instance.copy_rows import copy_rows, next_ids
from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster_tests.support.stored_rows import AWKWARD

TABLE = sa.Table(
    "rows",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=True),
    sa.Column("text", sa.Text),
    sa.Column("at", sa.TIMESTAMP),
)


def test_rows_arrive_as_they_were(database_url: str) -> None:
    at = dt.datetime.fromisoformat("2024-05-06T07:08:09.123456")
    engine = sa.create_engine(sqlalchemy_url(database_url))
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        copy_rows(connection, TABLE, [])
        ids = next_ids(connection, TABLE, len(AWKWARD) + 1)
        rows = [{"id": n, "text": text, "at": at} for n, text in zip(ids, (*AWKWARD, None), strict=True)]
        copy_rows(connection, TABLE, rows)
        later = connection.execute(TABLE.insert().values(text="next").returning(TABLE.c.id)).scalar_one()
        stored = connection.execute(sa.select(TABLE).where(TABLE.c.id != later).order_by(TABLE.c.id))
        assert [dict(row) for row in stored.mappings()] == rows
    engine.dispose()
    assert ids == sorted(set(ids))
    assert later > ids[-1]
