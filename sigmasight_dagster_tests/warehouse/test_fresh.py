"""Rows that a process has published are handed on while they are what is published, and else read."""

from collections.abc import Callable

import pandas as pd
import pytest

from sigmasight_core.tables import DailyPrices, FactorExposures, Table, table_name
from sigmasight_dagster.warehouse import AuditStamp, Basis, Warehouse, fresh
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp

BETWEEN = (DATES[0], DATES[-1])
ROWS = random_rows(FactorExposures)


def held(warehouse: Warehouse, model: type[Table] = FactorExposures) -> pd.DataFrame | None:
    portfolios = None if model is DailyPrices else PORTFOLIOS
    return warehouse.fresh(
        model, warehouse.note_partitions(Basis(), model, BETWEEN, portfolios), DATES, portfolios
    )


@pytest.fixture
def publisher(warehouse: Warehouse) -> Warehouse:
    warehouse.replace(FactorExposures, ROWS, DATES, PORTFOLIOS, stamp())
    assert held(warehouse) is not None
    return warehouse


def test_chosen_columns_are_those_that_a_read_gives(publisher: Warehouse) -> None:
    names = ["beta", "date"]
    said = publisher.note_partitions(Basis(), FactorExposures, BETWEEN, PORTFOLIOS)
    found = publisher.fresh(FactorExposures, said, DATES, PORTFOLIOS[::-1], names)
    pd.testing.assert_frame_equal(found, publisher.read(FactorExposures, columns=names))
    assert publisher.fresh(FactorExposures, said, DATES[:2], PORTFOLIOS) is None
    assert publisher.fresh(FactorExposures, said, DATES, PORTFOLIOS[:2]) is None


def _published_again(url: str) -> None:
    rows = ROWS.query("portfolio == 'a'")
    Warehouse(url).replace(FactorExposures, rows, DATES, ["a"], AuditStamp.now("another"))


def _withdrawn(url: str) -> None:
    sql(url, "DELETE FROM sigmasight.publications WHERE portfolio = 'a'")


@pytest.mark.parametrize("change", [_published_again, _withdrawn])
def test_not_after_another_process_has_changed_them(
    url: str, publisher: Warehouse, change: Callable[[str], None]
) -> None:
    change(url)
    assert held(publisher) is None


def test_not_after_a_correction(url: str, warehouse: Warehouse) -> None:
    """Single rows of a source may change, and their publication keeps its moment and its number of rows."""
    warehouse.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())
    assert held(warehouse, DailyPrices) is not None
    sql(
        url,
        "INSERT INTO sigmasight.corrections SELECT table_name, date, 'X', now(), run_id, code_version, "
        f"computed_at FROM sigmasight.publications WHERE table_name = '{table_name(DailyPrices)}' LIMIT 1",
    )
    assert held(warehouse, DailyPrices) is None


def test_they_are_of_one_run_and_bounded(publisher: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp("the next run"))
    assert held(publisher) is None
    assert held(publisher, DailyPrices) is not None
    monkeypatch.setattr(fresh, "MOST_BYTES", 1)
    publisher.replace(FactorExposures, ROWS, DATES, PORTFOLIOS, stamp("the next run"))
    assert held(publisher) is held(publisher, DailyPrices) is None
    shuffled = ROWS.sample(frac=1, random_state=1)
    monkeypatch.undo()
    publisher.replace(FactorExposures, shuffled, DATES, PORTFOLIOS, stamp("the next run"))
    assert held(publisher) is None
