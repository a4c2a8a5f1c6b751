"""Alerts of market tables, groups, coverage and checks: the rules of the page, on real tables and events."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core.tables import (
    Alerts,
    DailyPrices,
    PortfolioGroups,
    Positions,
    PriceDifferences,
    TreasuryYields,
    validate,
)
from sigmasight_dagster.alerts import evaluate, outcomes
from sigmasight_dagster.checks import late_data
from sigmasight_dagster_tests.alerts.conftest import DATES, NAMES, STAMP, Desk
from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.support.house import House, dagster_instance, exposures
from sigmasight_dagster_tests.support.stored_rows import random_rows

PAGE = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
RULES = next(text for text in PAGE.split("```yaml\n") if "sector_weight" in text).partition("```")[0]


@pytest.fixture
def watching(desk: Desk) -> Desk:
    """With the rules of the page."""
    desk.rules(RULES)
    desk.set(start_date=DATES[0].date())
    assert desk.tick().problems == []
    return desk


def alerts(desk: Desk, rule: str) -> list[tuple[str, ...]]:
    """Portfolio, day, subject and state of the alerts of a rule."""
    rows = desk.warehouse.read(Alerts)
    rows = rows[rows["rule"] == rule].assign(date=rows["date"].dt.strftime("%d"))
    return list(rows[["portfolio", "date", "subject", "state"]].itertuples(index=False, name=None))


def publish_yields(desk: Desk, percent: float) -> None:
    rows = pd.DataFrame({"date": DATES[:2], "series": "10Y", "yield_percent": [percent, 4.0]})
    rows = validate(TreasuryYields, rows.assign(source="test", status="ok"))
    desk.warehouse.replace(TreasuryYields, rows, DATES[:2], None, STAMP)


def publish_prices(desk: Desk, sessions: pd.DatetimeIndex) -> None:
    rows = pd.DataFrame({"date": sessions, "symbol": "AAPL", "close": 5.0, "adjusted_close": 5.0})
    rows = rows.assign(open=5.0, high=5.0, low=5.0, volume=1.0, price_date=pd.NaT, source="test", status="ok")
    desk.warehouse.replace(DailyPrices, validate(DailyPrices, rows), DATES, None, STAMP)


def hold(desk: Desk, portfolio: str, something: bool = True) -> None:
    """A share of AAPL, or nothing."""
    row = {
        **dict.fromkeys(Positions.to_schema().columns),
        **{"portfolio": portfolio, "position_id": "AAPL@2022-12-12", "symbol": "AAPL", "underlying": "AAPL"},
        **{"position_type": "LONG", "quantity": 1.0, "multiplier": 1, "entry_price": 5.0, "tags": ""},
        "entry_date": DATES[0],
    }
    terms = dict.fromkeys(("margin", "lots", "settlement", "benchmark"))
    registered = {"portfolio": portfolio, "cash": 0.0, "source": "test", **terms}
    held = validate(Positions, pd.DataFrame([row])).head(int(something))
    desk.warehouse.save_portfolio(registered, held, STAMP, replace=True)


def report(desk: Desk, asset: str, check: str, passed: bool, warns: bool = False, **metadata: Any) -> None:
    """An outcome of a check that no run has evaluated."""
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name=check,
        passed=passed,
        metadata=metadata,
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
    )
    desk.instance.report_runless_asset_event(evaluation)


def test_a_yield_fires_once_a_date_and_is_cleared_by_its_correction(watching: Desk) -> None:
    publish_yields(watching, 4.75)
    assert watching.tick().told == 1
    assert alerts(watching, "ten_year_yield") == [("*", "12", "", "firing")]
    publish_yields(watching, 4.9)
    assert watching.tick(keep_cursor=False).told == 0
    publish_yields(watching, 4.25)
    assert watching.tick().told == 1
    assert alerts(watching, "ten_year_yield") == [("*", "12", "", "cleared")]
    assert watching.tick().told == 0


def test_each_row_of_a_market_table_and_the_newest_date_when_the_rules_change(watching: Desk) -> None:
    rows = random_rows(PriceDifferences, DATES[:2], per_partition=3)
    rows["relative_difference"] = [0.01, 0.0, -0.02, 0.0, 0.03, 0.0]
    watching.warehouse.replace(PriceDifferences, rows, DATES[:2], None, STAMP)
    assert watching.tick().told == 3
    found = alerts(watching, "large_price_difference")
    assert [(date, state) for _, date, _, state in found] == [("12", "firing")] * 2 + [("13", "firing")]
    assert len({subject for _, _, subject, _ in found}) == 3
    watching.rules(RULES.replace("threshold: 0.005", "threshold: 0.05"))
    assert watching.tick().told == 1
    states = [state for _, _, _, state in alerts(watching, "large_price_difference")]
    assert states == ["firing", "firing", "cleared"]


def test_each_sector_of_a_portfolio(watching: Desk) -> None:
    rows = random_rows(PortfolioGroups, DATES[:1], NAMES, per_partition=4)
    rows["dimension"], rows["group_name"] = "sector", ["u", "v", "x", "y"] * 2
    rows["weight"] = [0.4, -0.5, 0.2, 0.1, 0.1, 0.1, 0.31, 0.3]
    rows = rows.sort_values(["date", "portfolio", "dimension", "group_name"])
    watching.warehouse.replace(PortfolioGroups, rows, DATES[:1], NAMES, STAMP)
    assert watching.tick().told == 3
    assert alerts(watching, "sector_weight") == [
        ("a", "12", "dimension=sector, group_name=u", "firing"),
        ("a", "12", "dimension=sector, group_name=v", "firing"),
        ("b", "12", "dimension=sector, group_name=x", "firing"),
    ]


def test_coverage_of_symbols_and_portfolios_lasts_until_it_is_filled(watching: Desk) -> None:
    hold(watching, "a")
    publish_prices(watching, DATES[:1])
    assert watching.tick().told == 2
    assert alerts(watching, "old_price") == [("*", "16", "symbol=AAPL", "firing")]
    assert alerts(watching, "portfolio_history") == [("a", "16", "", "firing")]
    assert watching.tick().told == 0
    hold(watching, "a", something=False)
    publish_prices(watching, DATES[:1])
    assert watching.tick().told == 2
    assert alerts(watching, "old_price") == [("*", "16", "symbol=AAPL", "cleared")]
    assert alerts(watching, "portfolio_history") == [("a", "16", "", "unavailable")]
    hold(watching, "a")
    publish_prices(watching, DATES)
    watching.tick()
    assert alerts(watching, "old_price") == [("*", "16", "symbol=AAPL", "cleared")]
    assert alerts(watching, "portfolio_history") == [("a", "16", "", "cleared")]


def test_a_check_fires_once_until_it_passes_and_then_again(watching: Desk) -> None:
    def outcome(passed: bool) -> tuple[int, list[str]]:
        report(watching, "portfolios", "no_partition_failed", passed, cure="sigmasight rerun-failed")
        told = watching.tick().told
        return told, [state for _, _, _, state in alerts(watching, "failed_checks")]

    assert outcome(True) == (0, [])
    assert outcome(False) == (1, ["firing"])
    assert outcome(False) == (0, ["firing"])
    assert watching.tick().told == 0
    message = watching.warehouse.read(Alerts)["message"].iloc[0]
    assert message.endswith("is 2, limit >= 2: cure sigmasight rerun-failed")
    assert outcome(True) == (1, ["cleared"])
    assert outcome(False) == (1, ["firing"])


def test_the_last_outcomes_count_when_a_rule_is_new(desk: Desk) -> None:
    report(desk, "portfolios", "no_partition_failed", False)
    report(desk, "positions", "held_symbols_have_history", False)
    report(desk, "positions", "held_symbols_have_history", True)
    desk.rules(RULES)
    assert desk.tick().told == 1
    assert alerts(desk, "failed_checks")[0][2] == "asset=portfolios, check_name=no_partition_failed"


def test_late_data_of_one_portfolio_belongs_to_it_and_the_next_verdict_is_the_whole_truth(
    watching: Desk,
) -> None:
    report(watching, "position_values", late_data.NAME, False, warns=True, portfolios="a")
    assert watching.tick().told == 0
    watching.rules(RULES.replace("threshold: 2\n    severity: c", "threshold: 1\n    severity: c"))
    for names, expected in [
        ("a", {"a": "firing"}),
        ("b", {"a": "cleared", "b": "firing"}),
        ("a, b", {"": "firing", "a": "cleared", "b": "cleared"}),
    ]:
        report(watching, "position_values", late_data.NAME, False, warns=True, portfolios=names)
        watching.tick()
        assert {name: state for name, _, _, state in alerts(watching, "failed_checks")} == expected


def test_a_gate_of_a_run_of_one_portfolio_belongs_to_it(
    database_url: str, fresh_database: Any, tmp_path: Path
) -> None:
    """On Dagster's own storage in PostgreSQL: runs of one portfolio, of another, and of several."""
    with dagster_instance(database_url, tmp_path) as instance:
        house = House.make(fresh_database(), tmp_path, instance)
        desk = Desk(house.platform, instance)
        desk.rules(RULES)
        desk.tick()
        broken, sound = exposures(lambda rows: rows.assign(n_positions=-1)), exposures()
        told = []
        for asset, names in [(broken, ["a"]), (sound, ["b"]), (broken, ["b", "c"]), (sound, ["a", "b", "c"])]:
            assert house.run(asset, names=names).failed is (asset is broken)
            report = desk.tick()
            told.append((report.told, {name: state for name, *_, state in alerts(desk, "failed_checks")}))
        assert told == [
            (1, {"a": "firing"}),
            (0, {"a": "firing"}),
            (1, {"a": "firing", "": "firing"}),
            (2, {"a": "cleared", "": "cleared"}),
        ]
        rows = evaluate.newest(house.platform, instance, evaluate.load_rules(house.platform.settings))
        assert "factor_exposures" in rows.loc[rows["state"] == "cleared", "subject"].str.cat()
        house.platform.warehouse.close()


def test_the_checks_that_there_are() -> None:
    known = outcomes.known_checks()
    assert known["no_partition_failed"] == {"portfolios"}
    assert "daily_prices" in known["prices_are_plausible"]
    assert "factor_exposures" in known["rows_meet_the_contract"]
