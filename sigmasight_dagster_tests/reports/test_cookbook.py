"""The cookbook: every query runs for the reader alone, and answers in the columns of its output."""

import re
from contextlib import closing

import psycopg2

from sigmasight_core.tables import TABLES, table_name
from sigmasight_dagster.warehouse.layout.everyday import everyday_views
from sigmasight_dagster_tests.conftest import REPOSITORY

QUESTION = re.compile(r"^## \d+\. (.+?)$.*?```sql\n(.+?)```\s+```text\n(.+?)```", re.DOTALL | re.MULTILINE)


def test_every_query_runs_and_answers_in_the_columns_of_the_page(catalogue: str) -> None:
    page = (REPOSITORY / "docs" / "cookbook.md").read_text(encoding="utf-8")
    questions = QUESTION.findall(page)
    assert len(questions) == len(re.findall("^## ", page, re.MULTILINE)) == 10
    names = {table_name(model) for model in TABLES} | {view.name for view in everyday_views()}
    with closing(psycopg2.connect(catalogue)) as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE sigmasight_reader")
        for title, query, answer in questions:
            cursor.execute(query)
            heading, rule, *rows = answer.splitlines()
            columns = [name.strip() for name in heading.split("|")]
            assert [column.name for column in cursor.description] == columns, title
            assert set(rule) == {"-", "+"}
            assert all(len(row.split("|")) == len(columns) for row in rows), title
            used = set(re.findall(r"sigmasight\.(\w+)", query))
            assert used
            assert {name.removesuffix("_latest") for name in used} <= names, title
