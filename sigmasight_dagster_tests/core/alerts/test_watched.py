"""Rules on market tables, groups, coverage and checks: mistakes, an alert for each row, alerts that last."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.alerts.evaluation import COLUMNS, changes, continued, evaluate
from sigmasight_core.alerts.rules import AlertRule, parse_alert_rules
from sigmasight_core.alerts.watched import (
    CheckOutcomes,
    PortfolioCoverage,
    SymbolCoverage,
    alert_tables,
    is_of_portfolios,
)
from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    Alerts,
    DailyPrices,
    PortfolioGroups,
    facts,
    table_name,
    validate,
)
from sigmasight_dagster_tests.conftest import REPOSITORY

CHECKS = {"no_partition_failed": ["portfolios"], "prices_are_sound": ["daily_prices"]}
RULE = """rules:
  - id: limit
    table: {table}
    select: {select}
    column: {column}
    comparison: "<"
    threshold: 10
    severity: info
    destinations: [log]
"""
DAYS = pd.DatetimeIndex(["2022-12-19", "2022-12-20"]).as_unit("ns")
NONE_KNOWN = pd.DataFrame(columns=COLUMNS)


def rule(model: type, column: str, select: tuple = (), portfolios: tuple | None = None) -> AlertRule:
    return AlertRule("limit", model, column, select, ">", 10.0, portfolios, "info", ("log",), each_row=True)


def prices(**closes: list[float]) -> pd.DataFrame:
    """Closes by symbol on the first of DAYS."""
    frame = pd.DataFrame({"date": DAYS[: len(next(iter(closes.values())))], **closes})
    return frame.melt("date", var_name="symbol", value_name="close").assign(status="ok")


def on(dates: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"date": dates})


@pytest.mark.parametrize(
    ("table", "select", "column", "problem"),
    [
        ("daily_prices", "{}", "source", "5: rules[0].column: unknown value 'source'; use open, high"),
        ("daily_prices", "{ticker: A}", "close", "4: $.ticker: daily_prices has no such key; "),
        ("treasury_yields", "{series: 5Y}", "yield_percent", "4: $.series: unknown value '5Y'; use 3M"),
        ("portfolio_groups", "{dimension: colour}", "weight", "4: $.dimension: unknown value 'colour'"),
        ("alert_rules", "{}", "value", "3: rules[0].table: unknown value 'alert_rules'; use "),
        ("portfolio_coverage", "{symbol: A}", "coverage", "4: $.symbol: portfolio_coverage has no such"),
        ("symbol_coverage", "{}", "source", "5: rules[0].column: unknown value 'source'; use n_sessions"),
        ("check_outcomes", "{check_name: x}", "outcome", "4: $.check_name: unknown value 'x'; use no_p"),
        (
            "check_outcomes",
            "{asset: portfolios, check_name: prices_are_sound}",
            "outcome",
            "4: $.check_name: unknown value 'prices_are_sound'; use no_partition_failed",
        ),
        ("check_outcomes", "{asset: users}", "outcome", "4: $.asset: unknown value 'users'; use "),
        ("check_outcomes", "{asset: scenarios}", "outcome", "4: $.asset: scenarios has no check"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_the_choices(
    table: str, select: str, column: str, problem: str
) -> None:
    found = parse_alert_rules(RULE.format(table=table, select=select, column=column), "r.yaml", CHECKS)
    assert found.rules == ()
    expected = problem.replace("$", "rules[0].select")
    assert found.problems[0].startswith(f"r.yaml:{expected}"), found.problems


@pytest.mark.parametrize("line", ["    portfolio: [a]\n", '    portfolio: "*"\n', "    each_row: true\n"])
@pytest.mark.parametrize(("table", "column"), [("daily_prices", "close"), ("check_outcomes", "outcome")])
def test_what_has_no_portfolios_is_refused_one(table: str, column: str, line: str) -> None:
    text = RULE.format(table=table, select="{}", column=column).replace("    select: {}\n", line)
    (problem,) = parse_alert_rules(text, "r.yaml", CHECKS).problems
    assert problem.startswith(f"r.yaml:4: rules[0].{line.split(':')[0].strip()}: {table} has no portfolios")


def test_no_private_table_can_be_watched_and_each_has_a_number() -> None:
    watched = alert_tables()
    assert not any(facts(model).private for model in watched.values())
    assert not {table_name(model) for model in OPERATIONS_TABLES} & set(watched)
    assert {"treasury_yields", "factor_returns", "portfolio_groups", "check_outcomes"} <= set(watched)
    open_to_editors = [name for name, model in watched.items() if is_of_portfolios(model)]
    assert "portfolio_coverage" in open_to_editors
    assert not {"daily_prices", "symbol_coverage", "check_outcomes"} & set(open_to_editors)


def test_the_examples_of_the_page_are_good_and_one_of_each_kind() -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = [text.partition("```")[0] for text in page.split("```yaml\n")[1:]]
    found = [parse_alert_rules(text, "page") for text in blocks if text.startswith("rules:")]
    assert [part.problems for part in found] == [(), ()]
    kinds = {table_name(parsed.model) for part in found for parsed in part.rules}
    assert {"portfolio_groups", "treasury_yields", "check_outcomes"} <= kinds
    assert {"portfolio_coverage", "symbol_coverage"} <= kinds


def test_each_matching_row_of_a_market_table_has_an_alert_that_is_everybodys() -> None:
    rows = prices(A=[11.0, 9.0], B=[12.0, 13.0], C=[1.0, np.nan])
    found = validate(
        Alerts, evaluate(rule(DailyPrices, "close"), partitions=on(DAYS), rows=rows, known=NONE_KNOWN)
    )
    assert found[["date", "subject", "value"]].values.tolist() == [
        [DAYS[0], "symbol=A", 11.0],
        [DAYS[0], "symbol=B", 12.0],
        [DAYS[1], "symbol=B", 13.0],
    ]
    assert set(found["portfolio"]) == {"*"}
    assert found["message"][0] == "2022-12-19: daily_prices.close [symbol=A] is 11, limit > 10"


def test_a_row_that_has_an_alert_ends_it_by_its_value_its_null_or_its_absence() -> None:
    watching = rule(DailyPrices, "close")
    first = evaluate(
        watching, partitions=on(DAYS[:1]), rows=prices(A=[11.0], B=[12.0], C=[13.0]), known=NONE_KNOWN
    )
    again = prices(A=[9.0], B=[np.nan])
    again.loc[again["symbol"] == "B", "status"] = "no close"
    second = evaluate(watching, partitions=on(DAYS[:1]), rows=again, known=first)
    written, told = changes(stored=first, evaluated=second)
    states = written.set_index("subject")["state"].to_dict()
    assert states == {"symbol=A": "cleared", "symbol=B": "unavailable", "symbol=C": "cleared"}
    assert len(told) == 3
    assert second["message"].str.endswith("unavailable: no close").sum() == 1


def test_a_row_that_the_rule_names_and_that_is_not_there_is_unavailable() -> None:
    watching = rule(DailyPrices, "close", select=(("symbol", "Z"),))
    found = evaluate(watching, partitions=on(DAYS), rows=prices(A=[11.0, 12.0]), known=NONE_KNOWN)
    assert found["state"].tolist() == ["unavailable"] * 2
    assert found["message"][0].endswith("[symbol=Z] is unavailable: there is no such row")


@settings(max_examples=30)
@given(
    now=st.dictionaries(st.sampled_from("ABCDE"), st.integers(5, 15) | st.none(), max_size=5),
    before=st.dictionaries(st.sampled_from("ABCDE"), st.integers(5, 15), max_size=5),
)
def test_an_alert_for_each_row_is_what_a_loop_over_the_rows_says(
    now: dict[str, int | None], before: dict[str, int]
) -> None:
    """State after two publications of one date, and no second telling of the same."""

    def frame(values: dict[str, int | None]) -> pd.DataFrame:
        cells = pd.DataFrame({"symbol": list(values), "close": list(values.values())}).astype(
            {"symbol": "str", "close": "float64"}
        )
        return cells.assign(date=DAYS[0], status="gone")

    watching, parts = rule(DailyPrices, "close"), on(DAYS[:1])
    stored = evaluate(watching, partitions=parts, rows=frame(before), known=NONE_KNOWN)
    found = evaluate(watching, partitions=parts, rows=frame(now), known=stored)
    written, told = changes(stored=stored, evaluated=found)
    fired = {f"symbol={name}" for name, close in before.items() if close > 10}
    firing = {f"symbol={name}" for name, close in now.items() if close is not None and close > 10}
    assert set(stored["subject"]) == fired
    assert set(told["subject"]) == fired ^ firing
    assert set(written.loc[written["state"] == "firing", "subject"]) <= firing
    again = evaluate(watching, partitions=parts, rows=frame(now), known=found)
    assert [len(part) for part in changes(stored=found, evaluated=again)] == [0, 0]


def test_each_sector_of_each_portfolio() -> None:
    keys = pd.MultiIndex.from_product([DAYS, ["a", "b"], ["sector", "tag"], ["x", "y"]])
    rows = keys.to_frame(index=False, name=["date", "portfolio", "dimension", "group_name"])
    rows = rows.assign(weight=np.where(rows["group_name"] == "x", 11.0, 12.0), status="ok")
    partitions = rows[["date", "portfolio"]].drop_duplicates()
    watching = rule(PortfolioGroups, "weight", select=(("dimension", "sector"),), portfolios=("b",))
    found = evaluate(watching, partitions=partitions, rows=rows, known=NONE_KNOWN)
    assert len(found) == 4
    assert set(found["portfolio"]) == {"b"}
    assert set(found["subject"]) == {"dimension=sector, group_name=x", "dimension=sector, group_name=y"}


def test_an_alert_on_how_things_stand_lasts_from_its_first_day_and_begins_anew_after_its_end() -> None:
    watching, stored = rule(SymbolCoverage, "stale_sessions"), NONE_KNOWN
    history = []
    for day, stale in zip(pd.bdate_range("2022-12-19", periods=5), [11, 12, 0, 0, 13], strict=True):
        rows = pd.DataFrame({"date": [day], "symbol": "A", "stale_sessions": stale})
        known = stored.assign(date=day)
        found = evaluate(watching, partitions=on(pd.DatetimeIndex([day])), rows=rows, known=known)
        written, told = changes(stored=stored, evaluated=continued(found, stored))
        stored = pd.concat([stored, written]).drop_duplicates(["date", "subject"], keep="last")
        history.append((len(told), [f"{date:%d}" for date in stored["date"]], stored["state"].tolist()))
    assert history == [
        (1, ["19"], ["firing"]),
        (0, ["19"], ["firing"]),
        (1, ["19"], ["cleared"]),
        (0, ["19"], ["cleared"]),
        (1, ["19", "23"], ["cleared", "firing"]),
    ]


def test_a_portfolio_that_holds_nothing_any_more_is_told() -> None:
    watching = AlertRule("limit", PortfolioCoverage, "coverage", (), "<", 0.5, None, "info", ("log",))
    rows = pd.DataFrame({"date": DAYS[:1], "portfolio": ["a"], "coverage": [0.25]})
    partitions = pd.DataFrame({"date": DAYS[[0, 0]], "portfolio": ["a", "b"]})
    found = evaluate(watching, partitions=partitions, rows=rows)
    assert found[["portfolio", "state"]].values.tolist() == [["a", "firing"], ["b", "unavailable"]]


def test_a_check_says_what_it_found() -> None:
    rows = pd.DataFrame(
        {
            "date": DAYS[[0, 0, 0]],
            "portfolio": ["", "a", ""],
            "asset": "positions",
            "check_name": ["x", "x", "y"],
            "outcome": [11, 12, 0],
            "detail": ["two bad", "", ""],
        }
    )
    found = evaluate(rule(CheckOutcomes, "outcome"), partitions=rows, rows=rows)
    found = found.sort_values(["subject", "portfolio"], ignore_index=True)
    assert found["state"].tolist() == ["firing", "firing", "cleared"]
    assert found["portfolio"].tolist() == ["", "a", ""]
    named = "[asset=positions, check_name=x] is"
    assert found["message"][0] == f"2022-12-19: check_outcomes.outcome {named} 11, limit > 10: two bad"
    assert found["message"][1] == f"a 2022-12-19: check_outcomes.outcome {named} 12, limit > 10"
