"""Alert rules: mistakes with file, line and key; evaluation over dates x portfolios; changes of state."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sigmasight_core.alerts.evaluation import changes, evaluate, failed_run
from sigmasight_core.alerts.rules import AlertRule, as_yaml, parse_alert_rules
from sigmasight_core.errors import InputError
from sigmasight_core.tables import Alerts, PortfolioSnapshots, PositionValues, RiskMeasures, validate

DATES = pd.DatetimeIndex(["2022-12-19", "2022-12-20"])
PARTITIONS = pd.MultiIndex.from_product([DATES, ["a", "b"]], names=["date", "portfolio"]).to_frame(
    index=False
)

GOOD = """rules:
  - id: var_limit
    table: risk_measures
    select: {measure: var_99_usd}
    column: value
    comparison: ">"
    threshold: 50000
    portfolio: "*"
    severity: critical
    destinations: [log, email]
run_failed:
  severity: warning
  destinations: [webhook]
"""


def rule(**changed: object) -> AlertRule:
    fields = {
        "rule_id": "limit",
        "model": PortfolioSnapshots,
        "column": "daily_pnl",
        "select": (),
        "comparison": "<",
        "threshold": -10.0,
        "portfolios": None,
        "severity": "warning",
        "destinations": ("log",),
    }
    return AlertRule(**{**fields, **changed})  # type: ignore[arg-type]


def snapshots(values: list[float], status: str = "ok") -> pd.DataFrame:
    return PARTITIONS.assign(daily_pnl=values, status=status)


def states(rows: pd.DataFrame) -> list[str]:
    return rows["state"].tolist()


def test_a_good_file() -> None:
    found = parse_alert_rules(GOOD, "rules.yaml")
    assert found.problems == ()
    assert (found.run_failed_severity, found.run_failed_destinations) == ("warning", ("webhook",))
    (parsed,) = found.rules
    assert parsed == rule(
        rule_id="var_limit",
        model=RiskMeasures,
        column="value",
        select=(("measure", "var_99_usd"),),
        comparison=">",
        threshold=50000.0,
        severity="critical",
        destinations=("log", "email"),
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("risk_measures", "risk_measure", 3, "table", "unknown value 'risk_measure'"),
        ("table: risk_measures", "table: users", 3, "table", "unknown value 'users'; use "),
        ("measure: var", "measures: var", 4, "select.measures", "no such key; use measure"),
        ("var_99_usd", "var_98_usd", 4, "select.measure", "unknown value 'var_98_usd'"),
        ("column: value", "column: unit", 5, "column", "unknown value 'unit'; use value, n_obs"),
        ('">"', '"=>"', 6, "comparison", "unknown value '=>'"),
        ('">"', ">", 6, "comparison", "in quotes"),
        ("50000", "50k", 7, "threshold", "'50k' is not a number"),
        ('"*"', '[ok, "Not OK"]', 8, "portfolio", "'Not OK' is not a portfolio's name"),
        ("critical", "urgent", 9, "severity", "unknown value 'urgent'"),
        ("[log, email]", "[log, pager]", 10, "destinations", "unknown value 'pager'"),
        ("    severity: critical\n", "", 2, "severity", "missing"),
        ("    severity:", "    colour: red\n    severity:", 9, "colour", "unknown key"),
        ("id: var_limit", "id: run_failed", 2, "id", "choose another id"),
    ],
)
def test_a_mistake_is_named_by_line_and_key_and_the_rest_goes_on(
    old: str, new: str, line: int, key: str, says: str
) -> None:
    assert old in GOOD
    second = GOOD[GOOD.index("  - id") : GOOD.index("run_failed")].replace("var_limit", "second")
    text = GOOD.replace(old, new, 1).replace("run_failed:\n", second + "run_failed:\n")
    found = parse_alert_rules(text, "rules.yaml")
    assert [parsed.rule_id for parsed in found.rules] == ["second"]
    assert found.problems[0].startswith(f"rules.yaml:{line}: rules[0].{key}: ")
    assert says in found.problems[0]


def test_an_id_twice_keeps_the_first() -> None:
    body = GOOD[GOOD.index("  - id") : GOOD.index("run_failed")]
    found = parse_alert_rules("rules:\n" + body + body.replace("50000", "1"), "r.yaml")
    assert [parsed.threshold for parsed in found.rules] == [50000.0]
    assert found.problems == (
        "r.yaml:11: rules[1].id: 'var_limit' is the id of a rule above; choose another",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "r.yaml:1: rules"), ("rules: [", "not YAML"), ("rules: []", "at least one"), ("x: 1", "missing")],
)
def test_an_unusable_file(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_alert_rules(text, "r.yaml")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@example('\U0001f4b0 \x85\u2028\\ud83d"\x7f\n')
def test_a_rule_as_json_is_read_to_the_character(text: str) -> None:
    text = f"({text})"  # what is around a text is left out
    given = {
        **{"id": "one", "table": "position_values", "column": "market_value", "comparison": ">"},
        **{"threshold": 1e-05, "severity": "info", "destinations": ["log"], "select": {"position_id": text}},
    }
    found = parse_alert_rules(as_yaml([given, {**given, "severity": text}]), "request")
    assert [(rule.select, rule.threshold) for rule in found.rules] == [((("position_id", text),), 1e-05)]
    assert found.problems[0].startswith("request:1: rules[1].")


def test_every_date_and_portfolio_in_one_call() -> None:
    found = validate(
        Alerts,
        evaluate(rule(), partitions=PARTITIONS, rows=snapshots([-11.0, -10.0, 5.0, np.nan], "no price")),
    )
    by_key = found.set_index(["date", "portfolio"])["state"]
    assert by_key.loc[DATES[0]].to_dict() == {"a": "firing", "b": "cleared"}
    assert by_key.loc[DATES[1]].to_dict() == {"a": "cleared", "b": "unavailable"}
    messages = found.set_index(["date", "portfolio"])["message"]
    assert messages[DATES[0], "a"] == "a 2022-12-19: portfolio_snapshots.daily_pnl is -11, limit < -10"
    assert messages[DATES[1], "b"].endswith("is unavailable: no price")


@pytest.mark.parametrize(
    ("number", "says"),
    [(-2817592.9186, "is -2,817,592.92,"), (-1e9, "is -1,000,000,000,"), (-0.0123456789, "is -0.0123457,")],
)
def test_numbers_in_messages_can_be_read(number: float, says: str) -> None:
    found = evaluate(rule(threshold=0.0), partitions=PARTITIONS, rows=snapshots([number] * 4))
    assert found["message"].str.contains(says, regex=False).all()


def test_a_rule_of_one_portfolio_leaves_the_others_out() -> None:
    found = evaluate(rule(portfolios=("b",)), partitions=PARTITIONS, rows=snapshots([-99.0] * 4))
    assert set(found["portfolio"]) == {"b"}


def test_a_selected_row_that_is_not_there_is_unavailable() -> None:
    rows = PARTITIONS.assign(measure="var_95_usd", value=1.0, status="ok")
    found = evaluate(
        rule(model=RiskMeasures, column="value", select=(("measure", "var_99_usd"),)),
        partitions=PARTITIONS,
        rows=rows,
    )
    assert states(found) == ["unavailable"] * 4


def test_an_open_key_means_any_row_and_names_the_worst() -> None:
    weights = [0.1, -0.4, 0.3, np.nan, 0.05]
    rows = pd.DataFrame(
        {
            "date": DATES[[0, 0, 0, 0, 1]],
            "portfolio": ["a", "a", "a", "a", "b"],
            "position_id": ["A@1", "B@1", "C@1", "D@1", "E@1"],
            "weight": weights,
            "status": "ok",
        }
    )
    watching = rule(model=PositionValues, column="weight", comparison="abs>", threshold=0.25)
    found = evaluate(watching, partitions=PARTITIONS, rows=rows).set_index(["date", "portfolio"])
    assert found.loc[(DATES[0], "a"), "item"] == "position_id=B@1"
    assert found.loc[(DATES[0], "a"), "value"] == -0.4
    assert found["state"].tolist() == ["firing", "cleared", "cleared", "cleared"]  # no positions: none beyond


@given(
    values=st.lists(st.integers(-5, 5), min_size=4, max_size=4),
    threshold=st.integers(-5, 5),
    comparison=st.sampled_from(["<", "<=", ">", ">=", "abs>"]),
)
def test_comparisons_are_pythons(values: list[int], threshold: int, comparison: str) -> None:
    python = {
        "<": lambda x: x < threshold,
        "<=": lambda x: x <= threshold,
        ">": lambda x: x > threshold,
        ">=": lambda x: x >= threshold,
        "abs>": lambda x: abs(x) > threshold,
    }[comparison]
    watching = rule(comparison=comparison, threshold=float(threshold))
    found = evaluate(watching, partitions=PARTITIONS, rows=snapshots([float(x) for x in values]))
    assert [state == "firing" for state in states(found)] == [python(x) for x in values]


def test_changes_of_state_are_told_once() -> None:
    def step(stored: pd.DataFrame, values: list[float]) -> tuple[pd.DataFrame, list[str]]:
        written, told = changes(
            stored=stored, evaluated=evaluate(rule(), partitions=PARTITIONS, rows=snapshots(values, "gone"))
        )
        rest = stored.merge(written[["date", "portfolio"]], how="left", indicator=True)["_merge"]
        kept = stored[(rest == "left_only").to_numpy()]
        return validate(Alerts, pd.concat([kept, written])), told["portfolio"].tolist()

    none = validate(Alerts, failed_run("x", (), "", (), "info", DATES[0])).iloc[:0]
    stored, told = step(none, [-20.0, 0.0, 0.0, np.nan])
    assert (len(stored), told) == (2, ["a"])  # what holds is not stored; what is unavailable is not told
    again, told = step(stored, [-20.0, 0.0, 0.0, np.nan])
    assert told == []
    pd.testing.assert_frame_equal(again, stored)
    stored, told = step(stored, [-30.0, 0.0, 0.0, -11.0])
    assert told == ["b"]
    assert stored["value"].tolist() == [-30.0, -11.0]  # a new value is stored, not told
    stored, told = step(stored, [1.0, 0.0, 0.0, -11.0])
    assert told == ["a"]
    assert sorted(states(stored)) == ["cleared", "firing"]


def test_a_failed_run_names_its_assets_reason_and_partitions() -> None:
    bad = ("2022-12-20|a", "2022-12-19|a")
    row = validate(Alerts, failed_run("r1", ("position_values",), "boom", bad, "critical", DATES[1])).iloc[0]
    assert (row["rule"], row["portfolio"], row["date"]) == ("run_failed", "a", DATES[0])
    assert row["message"] == (
        "run r1 failed: position_values: boom; bad partitions (2): 2022-12-20|a, 2022-12-19|a"
    )
    several = failed_run("r2", (), "boom", ("2022-12-20|a", "2022-12-20|b"), "critical", DATES[0]).iloc[0]
    assert (several["portfolio"], several["date"]) == ("", DATES[1])
