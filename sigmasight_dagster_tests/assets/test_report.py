"""Which reports a run makes by itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from sigmasight_core.tables import PortfolioReports, validate
from sigmasight_dagster.assets import report


def batch(**more: Any) -> Any:
    usual = {"portfolios": ("a", "b", "c"), "report_portfolios": 2, "every_report": False, "goes_on": False}
    return SimpleNamespace(**usual | more)


def test_a_run_of_more_portfolios_than_the_setting_makes_none_and_reads_nothing() -> None:
    for given in (batch(), batch(report_portfolios=9, goes_on=True)):
        rows = report.portfolio_reports.compute(given)
        assert validate(PortfolioReports, rows).empty  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"report_portfolios": 3}, {"every_report": True}])
def test_up_to_the_setting_and_where_all_are_wanted_they_are_made(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Made(Exception):
        pass

    def settled(_: Any) -> Any:
        raise Made

    monkeypatch.setattr(report, "settled_ledger", settled)
    asked = batch()
    asked.__dict__.update(given)
    with pytest.raises(Made):
        report.portfolio_reports.compute(asked)
