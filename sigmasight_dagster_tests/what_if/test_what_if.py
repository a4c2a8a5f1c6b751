"""What-if end to end: today's side is what is stored, nothing is stored but sessions, sessions come back."""

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pandas as pd
import pytest
from mcp import Client

from sigmasight_core.tables import (
    Alerts,
    Factors,
    OptionDeliveries,
    PortfolioGroups,
    ReturnAttribution,
    Scenarios,
    StressResults,
    Table,
    WhatIfResults,
    WhatIfSessions,
    WhatIfTrades,
    table_name,
)
from sigmasight_core.what_if.measured import Target
from sigmasight_core.what_if.targets import Limits
from sigmasight_core.what_if.trades_csv import trades_csv
from sigmasight_dagster import cli
from sigmasight_dagster.agents.server import make_server
from sigmasight_dagster.agents.services import Services
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.commands.results import what_if as what_if_command
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.what_if.suggest import Suggestion, suggest
from sigmasight_dagster.what_if.what_if import PORTFOLIO_ASSETS, Comparison, WhatIf
from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.support.api_house import ApiHouse, add_users, api_on
from sigmasight_dagster_tests.support.project import EXAMPLES, CliProject
from sigmasight_dagster_tests.support.stored_rows import sql

DAY = pd.Timestamp("2022-12-16")
START = dt.date(2021, 7, 1)
NAME = "hedge_fund"
SESSION_TABLES: tuple[type[Table], ...] = (WhatIfSessions, WhatIfTrades, WhatIfResults)
MODELS = [model for asset in PORTFOLIO_ASSETS for model in asset.tables]
TRADES = """ticker,quantity,price,tags
AAPL,-2500,,flip
MSFT,500,250.5,
JPM,300,,banks
BBY230317P00070000,-25,,
UNH230120C00580000,5,,
XOM230120C00110000,10,,"calls,new"
JNJ230616P00155000,14,,
"""
Invoke = Callable[..., tuple[int, str, str]]


class ShortProject(CliProject):
    """A project whose data starts late: value at risk has its 252 sessions, its backtest has not."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "SIGMASIGHT_START_DATE": str(START)}


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    made = ShortProject(**vars(new_project()))
    made.ok("import", str(EXAMPLES / f"{NAME}.csv"), "--portfolio", NAME, "--cash", "100000")
    made.ok("backfill", "--start", "2022-12-15", "--end", "2022-12-16")
    return made


@pytest.fixture(scope="module")
def settings(project: CliProject) -> Settings:
    return Settings(home=project.home, database_url=project.asset_url, start_date=START)


@pytest.fixture(scope="module")
def comparison(settings: Settings) -> Comparison:
    question = WhatIf(Platform(settings), NAME, DAY)
    parsed = question.parse(TRADES.encode(), "trades.csv")
    assert parsed.errors.empty
    return question.compute(parsed.trades, "trades.csv")


@pytest.fixture
def invoke(project: CliProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Invoke:
    """Run `sigmasight ARGUMENTS` in this process: exit code, standard output and error."""
    for name, text in project.environment.items():
        monkeypatch.setenv(name, text)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sigmasight", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def trades_file(tmp_path: Path) -> Path:
    file = tmp_path / "trades.csv"
    file.write_text(TRADES)
    return file


def side(computed: dict[type[Table], pd.DataFrame], model: type[Table], name: str) -> pd.DataFrame:
    rows = computed[model]
    return rows[rows["portfolio"] == name].drop(columns="portfolio").reset_index(drop=True)


@pytest.mark.parametrize("model", MODELS, ids=table_name)
def test_todays_side_is_what_is_stored(
    project: CliProject, comparison: Comparison, model: type[Table]
) -> None:
    stored = project.warehouse().read(model, [DAY], [NAME]).drop(columns="portfolio")
    # options of this portfolio settle in cash: they deliver nothing; what its benchmark holds is not known
    assert (len(stored) > 0) == (model not in (OptionDeliveries, ReturnAttribution))
    pd.testing.assert_frame_equal(side(comparison.computed, model, NAME), stored, rtol=1e-9, atol=1e-9)


def test_scenarios_kept_for_comparison_are_not_compared(comparison: Comparison) -> None:
    items = comparison.results.loc[comparison.results["table_name"] == "stress_results", "item"]
    assert "market_down_10" in set(items)
    assert not items.str.endswith("_original").any()


def test_without_trades_both_sides_are_the_same(settings: Settings) -> None:
    question = WhatIf(Platform(settings), NAME, DAY)
    none = question.parse(TRADES.encode(), "trades.csv").trades.iloc[:0]
    computed = question.compute(none, "none").computed
    for model in MODELS:
        pd.testing.assert_frame_equal(
            side(computed, model, "what-if"), side(computed, model, NAME), rtol=1e-9, atol=1e-9
        )


def test_value_moves_by_the_price_difference_and_risk_follows_the_positions(comparison: Comparison) -> None:
    found = comparison.results.set_index(["table_name", "item", "measure"])["change"]
    close = comparison.computed[next(m for m in MODELS if table_name(m) == "position_values")]
    msft = close.loc[close["symbol"] == "MSFT", "price"].iloc[0]
    gain = 500 * (msft - 250.5)
    for measure in ("total_value", "daily_pnl", "cumulative_pnl"):
        assert found["portfolio_snapshots", "", measure] == pytest.approx(gain, abs=1e-6)
    assert found["portfolio_snapshots", "", "cash"] == pytest.approx(comparison.session["cash_change"])
    assert comparison.trades["held_after"].tolist() == [-700, 1500, 300, -10, 0, 10, 4]
    flipped = found["factor_exposures", "market", "exposure_usd"]
    factors = comparison.computed[next(m for m in MODELS if table_name(m) == "position_factor_exposures")]
    market = factors[factors["factor"] == "market"].groupby("portfolio")["exposure_usd"].sum()
    assert flipped == pytest.approx(market["what-if"] - market[NAME], abs=1e-6)
    assert {"stress_results", "risk_measures", "correlation_summary"} <= set(comparison.results["table_name"])


def test_the_command_stores_a_session_and_nothing_else(
    project: CliProject, comparison: Comparison, trades_file: Path
) -> None:
    before = project.contents()
    asked = ("what-if", NAME, str(trades_file))
    written = pd.read_csv(
        io.StringIO(project.ok(*asked, "--csv")), dtype={"item": "str"}, keep_default_na=False
    )
    shown = project.ok(*asked)
    assert "What-if on hedge_fund at the close of 2022-12-16: 7 trades of trades.csv" in shown
    assert max(map(len, shown.splitlines())) <= 80
    content = json.loads(project.ok(*asked, "--save", "first", "--json"))
    after = project.contents()
    for model, rows in before.items():
        if model not in SESSION_TABLES:
            pd.testing.assert_frame_equal(after[model], rows, check_exact=True, obj=table_name(model))
    stored = after[WhatIfResults].drop(columns=["session", "result"])
    expected = comparison.results.drop(columns="result")
    pd.testing.assert_frame_equal(stored, expected, check_exact=False, rtol=1e-12)
    assert len(written) == len(stored)
    assert content["session"]["portfolio"] == NAME
    assert [trade["symbol"] for trade in content["trades"]][:2] == ["AAPL", "MSFT"]
    assert [row["today"] for row in content["results"]] == [
        pytest.approx(number) if number == number else None for number in stored["today"]
    ]


def test_a_session_is_listed_shown_exported_computed_again_replaced_and_removed(
    project: CliProject, invoke: Invoke, trades_file: Path, tmp_path: Path
) -> None:
    what_if = ("what-if", NAME, "--date", "2022-12-16")
    assert invoke(*what_if, str(trades_file), "--save", "kept")[0] == 0
    code, listed, _ = invoke("what-if-sessions", "list")
    assert code == 0
    assert "kept" in listed
    assert "2022-12-16" in listed

    exported = tmp_path / "exported.csv"
    code, shown, _ = invoke("what-if-sessions", "show", "kept")
    assert code == 0
    assert "code 0.1.0" in shown
    assert "7 trades of trades.csv" in shown
    assert invoke("what-if-sessions", "export", "kept", str(exported))[0] == 0
    assert invoke("what-if-sessions", "export", "kept")[1] == exported.read_text()
    fix = ("what-if-sessions", "export", "kept", "--format", "fix")
    assert "need their header: --sender and --target" in invoke(*fix)[2]
    orders = invoke(*fix, "--sender", "FUND", "--target", "BROKER")[1]
    assert orders.count("\x0135=D\x0149=FUND\x0156=BROKER\x01") == 10  # AAPL, BBY and JNJ turn
    texts = (
        invoke(*what_if, str(exported), "--csv")[1],
        invoke("what-if-sessions", "show", "kept", "--csv")[1],
    )
    again, before = (pd.read_csv(io.StringIO(text)) for text in texts)
    pd.testing.assert_frame_equal(again, before, check_exact=False, rtol=1e-12)

    refused = invoke(*what_if, str(exported), "--save", "kept")
    assert refused[0] == 1
    assert "what-if session kept: already saved; use --replace to overwrite it" in refused[2]
    exported.write_text("ticker,quantity\nKO,-4200\n")
    assert invoke(*what_if, str(exported), "--save", "kept", "--replace")[0] == 0
    assert project.warehouse().what_if("kept")[WhatIfTrades]["symbol"].tolist() == ["KO"]
    assert invoke("what-if-sessions", "remove", "kept")[:2] == (0, "Session kept: removed\n")
    assert not (project.warehouse().what_if_sessions()["session"] == "kept").any()
    assert not (project.contents()[WhatIfResults]["session"] == "kept").any()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ("what-if", NAME, "FILE", "--date", "2022-12-14"),
            "its results are not published; sigmasight run hedge_fund --date 2022-12-14",
        ),
        (("what-if", NAME, "FILE", "--date", "2022-12-17"), "2022-12-17 is not a trading date: weekend"),
        (("what-if", NAME, "FILE", "--date", "16/12/2022"), "write YYYY-MM-DD"),
        (
            ("what-if", "nobody", "FILE", "--date", "2022-12-16"),
            "unknown portfolio 'nobody'; registered: hedge",
        ),
        (("what-if", NAME, "gone.csv", "--date", "2022-12-16"), "gone.csv: No such file or directory: give"),
        (("what-if", NAME, "FILE", "--date", "2022-12-16", "--save", "A b"), "session name 'A b' must match"),
        (("what-if-sessions", "show", "gone"), "what-if session gone: there is none; list them"),
        (("what-if-sessions", "export", "gone"), "what-if session gone: there is none"),
        (("what-if-sessions", "remove", "gone"), "what-if session gone: there is none"),
    ],
)
def test_refusals_are_one_line_with_the_cure(
    invoke: Invoke, trades_file: Path, arguments: tuple[str, ...], named: str
) -> None:
    code, _, error = invoke(*(str(trades_file) if word == "FILE" else word for word in arguments))
    assert code == 1
    assert named in error
    assert len(error.strip().splitlines()) == 1


def test_bad_rows_are_named_and_nothing_is_computed(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("ticker,quantity\nZZZZ,5\nKO,0\nAAPL221216C00150000,1\n")
    code, shown, error = invoke("what-if", NAME, str(file), "--date", "2022-12-16", "--save", "bad")
    assert (code, shown) == (1, "")
    lines = error.strip().splitlines()
    assert [line.split(":")[1] for line in lines[:3]] == ["2", "3", "4"]
    assert [what in line for what, line in zip(("ZZZZ", "zero", "settled"), lines, strict=False)] == [
        True
    ] * 3
    assert "Nothing computed: 3 errors" in lines[3]
    assert invoke("what-if-sessions", "show", "bad")[0] == 1


def test_scenarios_that_are_run_alone_say_what_is_stored(
    project: CliProject, invoke: Invoke, tmp_path: Path
) -> None:
    stored = project.contents()[StressResults].query("date == @DAY").set_index("scenario")
    code, out, _ = invoke("scenarios", "run", NAME, "--category", "market", "--json")
    assert code == 0
    for row in json.loads(out):
        assert row["direct_pnl"] == pytest.approx(stored.loc[row["scenario"], "direct_pnl"], rel=1e-12)
    file = tmp_path / "own.yaml"
    file.write_text(
        "scenarios:\n  - id: own\n    name: Own\n    category: market\n    severity: extreme\n"
        "    basis: total_return\n    shocks:\n      market: {value: -20, unit: percent}\n"
    )
    code, out, _ = invoke("scenarios", "run", NAME, "--date", "2022-12-16", "--file", str(file), "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert row["correlated_pnl"] == pytest.approx(stored.loc["market_down_20", "correlated_pnl"], rel=1e-12)
    code, _, problem = invoke("scenarios", "run", NAME, "--scenario", "nothing")
    assert code == 1
    assert "scenario nothing: there is none" in problem
    kept = project.contents()
    assert "own" not in set(kept[StressResults]["scenario"])
    assert set(kept[Scenarios]["scenario"]) == set(stored.index)
    assert kept[Factors]["position"].tolist() != []


def test_an_agents_path_from_the_list_to_a_what_if(settings: Settings, comparison: Comparison) -> None:
    """List, summary, explain a number, what-if: over the SDK's client, on a database that refuses changes."""
    assert settings.database_url
    use = Services.of_local_user(settings, settings.database_url)
    trades = [
        {"ticker": symbol, "quantity": float(quantity), **({"price": float(price)} if price else {})}
        for symbol, quantity, price, _ in csv.reader(io.StringIO(TRADES.partition("\n")[2]))
    ]

    async def walk() -> list[Any]:
        async with use.opened(), Client(make_server(use)) as client:
            answers = []
            for tool, given in (
                ("portfolios", {}),
                ("summary", {"portfolio": NAME}),
                ("explain_number", {"portfolio": NAME, "table": "portfolio_today", "column": "market_beta"}),
                ("what_if", {"portfolio": NAME, "trades": trades}),
                ("what_if", {"portfolio": NAME, "trades": [{"ticker": "NOSUCH", "quantity": 1}]}),
            ):
                answers.append(await client.call_tool(tool, given))
            return answers

    *answered, refused = anyio.run(walk)
    assert [answer.content for answer in answered if answer.is_error] == []
    listed, summary, explained, what_if = (answer.structured_content for answer in answered)
    assert listed["portfolios"] == [{"portfolio": NAME, "newest_date": f"{DAY:%Y-%m-%d}"}]
    (overview,) = summary["sections"]["overview"]["rows"]
    (cell,) = explained["cells"]
    assert (cell["value"], cell["error"]) == (overview["market_beta"], overview["market_beta_std_error"])
    assert cell["error"] > 0
    shown = pd.DataFrame(what_if["results"])
    wanted = comparison.results[comparison.results["table_name"].isin(set(shown["table_name"]))]
    columns = ["table_name", "item", "measure", "today", "what_if", "change"]
    pd.testing.assert_frame_equal(
        shown[columns], wanted[columns].reset_index(drop=True), check_dtype=False, rtol=1e-12
    )
    assert what_if["computed_not_stored"] is True
    assert what_if["cash_change"] == comparison.session["cash_change"]
    assert refused.is_error
    assert "trade 1, ticker: 'NOSUCH'" in refused.content[0].text


@pytest.fixture(scope="module")
def api(project: CliProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """The API on the project, with an editor whose portfolio it is."""
    add_users(project.asset_url)
    grant = f"INSERT INTO sigmasight.user_portfolios VALUES ('editor@example.com', '{NAME}', 't', '0', now())"
    sql(project.asset_url, grant, "SELECT 1")
    with api_on(project.asset_url, tmp_path_factory.mktemp("api"), start_date=START) as made:
        yield made


def test_a_session_of_the_api_is_what_the_command_says(
    api: ApiHouse, project: CliProject, comparison: Comparison
) -> None:
    opened = api.post("/modeling/sessions", {"portfolio": NAME}, "editor")
    assert opened.json()["trade_date"] == "2022-12-16"
    path = f"/modeling/sessions/{opened.json()['session_id']}"
    rows = pd.read_csv(io.StringIO(TRADES), keep_default_na=False).rename(columns={"ticker": "symbol"})
    rows["price"] = rows["price"].map(lambda text: float(text) if text else None).astype(object)
    trades = [{k: v for k, v in row.items() if v == v} for row in rows.to_dict("records")]
    wrong = api.post(f"{path}/trades", {"trades": [*trades, {"symbol": "ZZZZ", "quantity": 1}]}, "editor")
    assert (wrong.status_code, wrong.json()["fields"][0]["field"]) == (422, "body.trades.7.symbol")
    assert len(api.post(f"{path}/trades", {"trades": trades[:2]}, "editor").json()["trades"]) == 2
    assert len(api.post(f"{path}/trades", {"trades": trades}, "editor").json()["trades"]) == 7

    calculated = api.post(f"{path}/calculate", {}, "editor").json()
    assert calculated["cash_change"] == pytest.approx(comparison.session["cash_change"], rel=1e-12)
    assert [fill["held_after"] for fill in calculated["trades"]] == [-700, 1500, 300, -10, 0, 10, 4]
    found = []
    answer = api.get(f"{path}/impacts", "editor", params={"limit": 900})
    while True:
        found += answer.json()["rows"]
        if not answer.json()["next"]:
            break
        assert answer.headers["link"] == f'<{answer.json()["next"]}>; rel="next"'
        answer = api.client.get(answer.json()["next"], headers=api.headers("editor"))
    assert len(found) == calculated["n_impacts"]
    expected = comparison.results
    assert [row["item"] for row in found] == expected["item"].tolist()
    for column in ("today", "what_if", "change"):
        numbers = pd.Series([row[column] for row in found], dtype=float)
        pd.testing.assert_series_equal(numbers, expected[column], check_names=False, rtol=1e-9, atol=1e-9)

    saved = api.post(f"{path}/save", {"name": "by-api"}, "editor")
    assert (saved.status_code, saved.json()["saved_as"]) == (201, "by-api")
    stored = project.warehouse().what_if("by-api")
    kept = pd.Series([row["today"] for row in found], dtype=float, name="today")
    pd.testing.assert_series_equal(stored[WhatIfResults]["today"], kept, check_exact=True)
    assert api.post(f"{path}/save", {"name": "by-api"}, "editor").json()["code"] == "name_taken"
    assert api.post(f"{path}/save", {"name": "by-api", "replace": True}, "editor").status_code == 201
    left = api.client.delete(f"{BASE}{path}/trades/AAPL", headers=api.headers("editor")).json()
    assert (len(left["trades"]), left["calculated"], left["saved_as"]) == (6, False, None)
    assert api.get(f"{path}/impacts", "editor").json()["code"] == "not_calculated"
    project.warehouse().remove_what_if("by-api")


@pytest.mark.parametrize(
    ("measure", "part", "near"),
    [("market_beta", 0.8, 2e-3), ("net_exposure", 0.9, 1e-3), ("parametric_var_95_usd", 0.8, 2e-3)],
)
def test_suggested_trades_bring_the_computed_measure_to_its_target(
    settings: Settings, comparison: Comparison, measure: str, part: float, near: float
) -> None:
    rows = comparison.results.set_index(["table_name", "item", "measure"])["today"]
    place = {
        "market_beta": ("factor_exposures", "market", "beta"),
        "net_exposure": ("portfolio_snapshots", "", "net_exposure"),
        "parametric_var_95_usd": ("risk_measures", "parametric_var_95_usd", "value"),
    }[measure]
    target = part * rows[place]
    found = suggest(Platform(settings), NAME, DAY, Target(measure, target), Limits())
    assert found.before == pytest.approx(rows[place], rel=1e-9)
    assert found.after == pytest.approx(target, rel=near)
    made = trades_csv(pd.DataFrame(found.trades).assign(price=float("nan"), tags=""))
    question = WhatIf(Platform(settings), NAME, DAY)
    checked = question.compute(question.parse(made.encode(), "x").trades, "x")
    numbers = checked.results.set_index(["table_name", "item", "measure"])
    assert numbers.loc[place, "what_if"] == pytest.approx(found.after, rel=1e-9)
    assert found.turnover == pytest.approx(checked.trades["cash_change"].abs().sum(), rel=1e-9)
    assert sum(trade["effect"] for trade in found.trades) == pytest.approx(
        found.after - found.before, rel=0.2 if measure.startswith("parametric") else 1e-6
    )


def test_the_command_suggests_what_the_api_does_as_a_list_that_what_if_reads(
    api: ApiHouse, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"largest_usd": 300_000, "keep": ["AAPL"]}
    target = {"measure": "market_beta", "value": 0.5}
    asked = api.post("/modeling/suggestions", {"portfolio": NAME, "target": target, **limits}, "editor")
    told = asked.json()
    given = ("what-if", NAME, "--target", "market_beta=0.5", "--largest-usd", "300000", "--keep", "aapl")
    code, out, _ = invoke(*given, "--json")
    content = json.loads(out)
    assert (code, content.pop("target")["measure"]) == (0, "market_beta")
    assert content == told
    assert "AAPL" not in [trade["symbol"] for trade in content["trades"]]

    found = Suggestion(**{k: v for k, v in told.items() if k != "reachable"} | {"trade_date": DAY})
    monkeypatch.setattr(what_if_command, "suggest", lambda *_, **__: found)  # once is enough
    code, shown, _ = invoke(*given)
    lines = shown.splitlines()
    assert (code, max(map(len, lines)) <= 80) == (0, True), shown
    assert f"with {len(told['trades'])} trades of {told['turnover']:,.2f} USD" in " ".join(lines[:3])
    assert "AAPL: not traded: it is to be kept" in lines
    for trade in told["trades"]:
        (line,) = (line for line in lines if line.startswith(f"{trade['symbol']} "))
        assert line.split()[1:] == [
            f"{trade['quantity']:+,.10g}",
            f"{trade['price']:,.4f}",
            f"{trade['usd']:+,.2f}",
            f"{trade['effect']:+,.6g}",
        ]
    file = tmp_path / "suggested.csv"
    file.write_text(invoke(*given, "--csv")[1])
    code, out, _ = invoke("what-if", NAME, str(file), "--json")
    numbers = {(row["table_name"], row["item"], row["measure"]): row for row in json.loads(out)["results"]}
    beta = numbers["factor_exposures", "market", "beta"]
    assert (beta["today"], beta["what_if"]) == pytest.approx((told["before"], told["after"]), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--target", "beta=1"), "no such measure; choose of market_beta=VALUE, factor_usd:FACTOR=VALUE, "),
        (("--target", "0.8"), "--target 0.8: no such measure; choose of"),
        (("--target", "market_beta=x"), "'x' is no number; give a ratio"),
        (("--target", "net_exposure=nan"), "'nan' is no number; give USD"),
        (("--target", "market_beta:momentum=1"), "write it as market_beta=VALUE"),
        (("--target", "factor_usd=1"), "write it as factor_usd:FACTOR=VALUE"),
        (("--target", "group_weight:sector=0.2"), "write it as group_weight:DIMENSION=GROUP=VALUE"),
        (("--target", "group_weight:country=US=0.2"), "dimension 'country': choose of sector, underlying"),
        (("--target", "group_weight:sector=Cheese=0.2"), "group 'Cheese': nothing of it is held in sector"),
        (
            ("--target", "market_beta=1", "--date", "2022-12-14"),
            "its results are not published; sigmasight run",
        ),
        (("--keep", "AAPL"), "give --target"),
        ((), "give TRADES.CSV, or --target"),
        (("--target", "market_beta=1", "--save", "x"), "leave out TRADES.CSV, --save and --replace"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_what_can(
    invoke: Invoke, arguments: tuple[str, ...], named: str
) -> None:
    code, out, error = invoke("what-if", NAME, *arguments)
    assert (code > 0, out) == (True, "")
    assert named in error


def test_the_nearest_that_can_be_had_can_be_had(invoke: Invoke) -> None:
    error = invoke(
        "what-if", NAME, "--target", "group_weight:underlying=AAPL=0.99", "--largest-usd", "300000"
    )[2]
    nearest = error.partition("the nearest: --target '")[2].partition("'")[0]
    code, out, _ = invoke("what-if", NAME, "--target", nearest, "--largest-usd", "300000", "--json")
    assert code == 0
    assert json.loads(out)["after"] == pytest.approx(float(nearest.rpartition("=")[2]), rel=1e-3)


def test_a_suggestion_of_the_api_names_what_can_be_reached(api: ApiHouse) -> None:
    weight = {"measure": "group_weight", "dimension": "underlying", "group": "AAPL", "value": 0.99}
    asked = {"portfolio": NAME, "target": weight, "largest_usd": 300_000}
    answer = api.post("/modeling/suggestions", asked, "editor").json()
    assert (answer["reachable"], answer["trades"], answer["after"]) == (False, [], None)
    assert 0 <= answer["lowest"] < answer["before"] < answer["highest"] < 0.99
    unknown = {"measure": "factor_usd", "factor": "nothing", "value": 0}
    refused = api.post("/modeling/suggestions", {"portfolio": NAME, "target": unknown}, "editor")
    detail = refused.json()["detail"]
    assert (refused.status_code, detail.partition(";")[0]) == (422, "factor 'nothing': there is none"), detail
    assert "market" in detail.partition("choose of ")[2]


def test_rules_of_alerts_are_tried_on_what_is_stored(
    project: CliProject, invoke: Invoke, tmp_path: Path
) -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    text = next(text for text in page.split("```yaml\n") if "sector_weight" in text).partition("```")[0]
    file = tmp_path / "alerts.yaml"
    lower = text.replace("threshold: 2\n    severity: c", "threshold: 0\n    severity: c")
    file.write_text(lower.replace("threshold: 0.3", "threshold: 0.1"))
    code, out, _ = invoke("alerts", "rules", str(file))
    assert (code, out.splitlines()[0]) == (0, "7 rules")
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = invoke("alerts", "try", str(file), "--json")
    assert code == 0
    found = pd.DataFrame(json.loads(out))
    groups = project.contents()[PortfolioGroups].query("date == @DAY and dimension == 'sector'")
    heavy = groups[groups["weight"].abs() > 0.1].set_index("group_name")["weight"]
    told = found[found["rule"] == "sector_weight"].set_index("subject")["value"]
    assert len(heavy) > 0
    expected = {f"dimension=sector, group_name={name}": weight for name, weight in heavy.items()}
    assert told.to_dict() == pytest.approx(expected)
    checks = set(found.loc[found["rule"] == "failed_checks", "subject"])
    assert "asset=portfolio_snapshots, check_name=snapshots_equal_their_positions" in checks
    assert "asset=position_values, check_name=rows_meet_the_contract" in checks
    assert invoke("alerts", "list")[:2] == (0, "No alert is firing.\n")
    assert project.warehouse().read(Alerts).empty
    file.write_text(text.replace("dimension: tag", "dimension: colour"))
    for command in ("rules", "try"):
        code, out, problem = invoke("alerts", command, str(file))
        assert code == 1
        assert f"{file}:13: rules[1].select.dimension: unknown value 'colour'; use asset_class" in problem
