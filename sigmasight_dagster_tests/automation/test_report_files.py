"""Standing orders for reports: what is due, on the calendar, whoever may still see the portfolio."""

from collections.abc import Iterator

import pandas as pd
import pytest

from sigmasight_core.tables import TABLES, Grain, PortfolioReports, grain, table_name
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.automation.report_files import due
from sigmasight_dagster.tags import REPORT_FORMATS_TAG
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.api_house import MINE, add_portfolios, add_users
from sigmasight_dagster_tests.support.stored_rows import sql, stamp

(REPORT,) = (asset for asset in RISK_ASSETS if PortfolioReports in asset.tables)
DATES = ("2022-11-25", "2022-11-28", "2022-11-30", "2022-12-01")
"""A half day that ends its week, a Monday, a month's end, and the day after."""


def publish(url: str, *dates: str, portfolio: str = MINE, without: str = "") -> None:
    """Results of a portfolio, as far as orders look at them."""
    results = (model for model in TABLES if grain(model) is Grain.DATE_PORTFOLIO)
    names = [table_name(model) for model in results if table_name(model) != without]
    for date in dates:
        sql(
            url,
            "INSERT INTO sigmasight.publications (table_name, portfolio, date, n_rows, run_id, code_version, "
            f"computed_at) SELECT unnest(ARRAY{names}), '{portfolio}', '{date}', 1, 't', '0', now() "
            "ON CONFLICT DO NOTHING",
            "SELECT 1",
        )


def order(url: str, period: str, email: str = "editor@example.com", portfolio: str = MINE) -> None:
    sql(
        url,
        "INSERT INTO sigmasight.report_schedules (schedule_id, email, portfolio, period, formats, added_at, "
        f"run_id, code_version, computed_at) VALUES ('{period}', '{email}', '{portfolio}', '{period}', "
        "'md,html', now(), 't', '0', now())",
        "SELECT 1",
    )


def wanted(warehouse: Warehouse) -> dict[str, str]:
    """Date of each period's request."""
    found = {}
    for request in due(warehouse, REPORT):
        _, period, date = str(request.run_key).split(":")
        assert request.tags["dagster/asset_partition_range_start"] == f"{date}|{MINE}"
        assert request.tags["dagster/asset_partition_range_end"] == f"{date}|{MINE}"
        assert request.tags[REPORT_FORMATS_TAG] == "md,html"
        tables = {key.to_user_string() for key in request.asset_selection or ()}
        assert tables == {"portfolio_reports", "report_files"}
        found[period] = date
    return found


@pytest.fixture(scope="module")
def people(shared_url: str) -> str:
    add_portfolios(shared_url)
    add_users(shared_url)
    return shared_url


@pytest.fixture
def url(people: str) -> str:
    sql(people, "TRUNCATE sigmasight.publications, sigmasight.report_schedules", "SELECT 1")
    return people


@pytest.fixture
def stored(url: str) -> Iterator[Warehouse]:
    made = Warehouse(url)
    yield made
    made.close()


def test_an_order_is_due_at_the_end_of_its_period_and_once(stored: Warehouse, url: str) -> None:
    for period in ("daily", "weekly", "monthly"):
        order(url, period)
    assert wanted(stored) == {}
    publish(url, *DATES)
    publish(url, "2022-12-02", portfolio="others")
    first = {"daily": "2022-12-01", "weekly": "2022-11-25", "monthly": "2022-11-30"}
    assert wanted(stored) == first
    assert wanted(stored) == first  # until it is carried out; Dagster launches no second run of its key
    for period, date in first.items():
        stored.record_written(period, pd.Timestamp(date), stamp("written"))
    assert wanted(stored) == {}
    stored.record_written("daily", pd.Timestamp("2022-11-28"), stamp("an old run again"))
    assert wanted(stored) == {}
    publish(url, "2022-12-02", "2022-12-05")  # nobody looked for two days
    assert wanted(stored) == {"daily": "2022-12-05", "weekly": "2022-12-02"}


def test_an_order_waits_for_what_a_report_is_made_of(stored: Warehouse, url: str) -> None:
    order(url, "daily")
    publish(url, *DATES)
    publish(url, "2022-12-02", without="risk_measures")
    assert wanted(stored) == {}
    publish(url, "2022-12-02")
    assert wanted(stored) == {"daily": "2022-12-02"}


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (
            "UPDATE sigmasight.users SET disabled_at = now() WHERE email = 'editor@example.com'",
            "UPDATE sigmasight.users SET disabled_at = NULL",
        ),
        (
            "UPDATE sigmasight.user_portfolios SET portfolio = 'gone' WHERE email = 'editor@example.com'",
            "UPDATE sigmasight.user_portfolios SET portfolio = 'mine' WHERE portfolio = 'gone'",
        ),
        (
            "UPDATE sigmasight.portfolios SET portfolio = 'gone' WHERE portfolio = 'mine'",
            "UPDATE sigmasight.portfolios SET portfolio = 'mine' WHERE portfolio = 'gone'",
        ),
    ],
)
def test_an_order_rests_while_its_user_may_not_see_the_portfolio(
    stored: Warehouse, url: str, change: str, undo: str
) -> None:
    order(url, "daily")
    publish(url, *DATES)
    sql(url, change, "SELECT 1")
    assert wanted(stored) == {}
    sql(url, undo, "SELECT 1")
    assert wanted(stored) == {"daily": "2022-12-01"}


def test_an_admins_order_is_of_any_portfolio(stored: Warehouse, url: str) -> None:
    order(url, "daily", email="admin@example.com")
    publish(url, *DATES)
    assert wanted(stored) == {"daily": "2022-12-01"}
