"""What every command asks for and prints in one way: portfolios, dates, JSON, tables of 80 columns."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sigmasight_core.errors import InputError
from sigmasight_dagster.automation.retention import Retired
from sigmasight_dagster.cli import cli
from sigmasight_dagster.cli.sections import COMMANDS
from sigmasight_dagster.commands.arguments import given_portfolio, one_portfolio, some_portfolios
from sigmasight_dagster.commands.csv_files import check_name
from sigmasight_dagster.commands.data import refresh, retention
from sigmasight_dagster.commands.output import plain, print_json
from sigmasight_dagster.commands.progress import outcome_lines
from sigmasight_dagster.commands.table import RIGHT, WIDTH, reasons, table
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.plan import RangeRun

READING = (
    *(
        "show",
        "report",
        "status",
        "readiness",
        "ledger",
        "gains",
        "portfolios",
        "stale",
        "prices",
        "coverage",
    ),
    *("doubtful list", "stress-reality", "scenarios list", "scenarios run", "what-if"),
    *("what-if-sessions list", "what-if-sessions show", "db status", "db grants", "users list"),
)
STATED = {"position close"}
"""Commands whose date is a fact that only the user knows."""


def every() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", child) for below, child in command.commands.items())
        else:
            yield name, command


def options(command: click.Command) -> dict[str, click.Option]:
    return {opt: one for one in command.params if isinstance(one, click.Option) for opt in one.opts}


def test_portfolios_are_arguments_and_dates_may_be_left_out() -> None:
    for name, command in every():
        found = options(command)
        assert "--portfolio" not in found or found["--portfolio"].hidden, name
        assert "--date" not in found or found["--date"].required is (name in STATED), name


def test_every_reading_command_has_json() -> None:
    found = dict(every())
    flags = [options(found[name])["--json"] for name in READING]
    assert {(flag.name, flag.is_flag, flag.help) for flag in flags} == {
        ("as_json", True, "JSON, and nothing else, on standard output.")
    }


@click.command()
@some_portfolios
def some(names: tuple[str, ...]) -> None:
    click.echo(" ".join(names))


@click.command()
@click.argument("file")
@one_portfolio("PORTFOLIO")
def one(file: str, name: str | None) -> None:
    click.echo(f"{file} {given_portfolio(name)}")


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_the_option_of_before_is_taken_in_the_arguments_place() -> None:
    assert run(some).output == "\n"
    assert run(some, "a", "b").output == run(some, "--portfolio", "a", "--portfolio", "b").output == "a b\n"
    assert run(one, "f", "a").output == run(one, "f", "--portfolio", "a").output == "f a\n"
    for command, words in ((some, ("a",)), (one, ("f", "a"))):
        both = run(command, *words, "--portfolio", "b")
        assert (both.exit_code, "not by both" in both.output) == (2, True)
        assert "--portfolio" not in run(command, "--help").output
    assert "Missing argument 'PORTFOLIO'" in run(one, "f").output


def test_json_has_dates_whole_numbers_and_null(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(["2022-12-28", None]),
            "at": pd.to_datetime(["2022-12-28 21:00", None], utc=True),
            "value": [0.1 + 0.2, np.nan],
            "count": pd.array([1, None], dtype="Int64"),
            "names": [["ä"], []],
        }
    )
    print_json({"rows": frame, "day": dt.date(2022, 12, 28), "at": Path("a"), "inf": np.float64("inf")})
    out = capsys.readouterr().out
    assert json.loads(out) == {
        "rows": [
            {
                "date": "2022-12-28",
                "at": "2022-12-28T21:00:00+00:00",
                "value": 0.30000000000000004,
                "count": 1,
                "names": ["ä"],
            },
            {"date": None, "at": None, "value": None, "count": None, "names": []},
        ],
        "day": "2022-12-28",
        "at": "a",
        "inf": None,
    }
    assert plain(np.array([True, False])) == [True, False]
    with pytest.raises(TypeError):
        print_json({"what": object()})


def test_tables_cut_nothing_and_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "SPY230120C00400000@2022-11-15#12"
    why = "no price: it has none within 7 days, and so on and on until the line is full of words"
    rows = [{"position": name, "value": 1234.5, "text": "+3", "said": why}]
    rows.append({"position": "", "value": None, "text": "-10", "said": ""})
    columns = [("position", 0), ("value", 2), ("text", RIGHT), ("said", 0)]
    lines = table(rows, columns)
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].split() == ["position", "value", "text", "said"]
    assert name in lines[1]
    start = lines[0].index("said")
    assert " ".join(line[start:].strip() for line in lines[1:-1]) == why
    assert lines[-1].split() == ["n/a", "-10"]
    below = table(rows, columns[:3], below="said")
    assert max(map(len, below)) <= WIDTH
    assert " ".join(line.strip() for line in below[2:-1]) == why
    monkeypatch.setenv("COLUMNS", "200")
    assert len(table(rows, columns)) == 3
    assert reasons(rows, "position", "said") == [f"{name}: {why}"]


def test_runs_are_told_with_their_reason_below() -> None:
    dates = pd.to_datetime(["2022-12-09", "2022-12-19"])
    run = RangeRun("portfolio", (), dates, ("alpha", "beta"))
    why = "bad_marks.csv, line 2, column price: '-1' must be positive, and so on to the end of the line"
    failed = RunOutcome(run, "b", error=why, failed_assets=("position_values",))
    lines = outcome_lines([RunOutcome(run, "a"), failed])
    assert max(map(len, lines)) <= WIDTH
    assert [line.split()[-1] for line in lines[1:3]] == ["result", "published"]
    assert lines[3].strip() == lines[5].strip() == "alpha, beta"
    assert " ".join(line.strip() for line in lines[6:8]) == why
    assert lines[-1] == "  b  failed steps: position_values"


def test_a_name_ends_where_its_last_letter_does() -> None:
    check_name("nl")
    for name in ("nl\n", "\nnl", "Nl", "nl ", ""):
        with pytest.raises(InputError, match="must match"):
            check_name(name)


def test_what_retention_deletes_and_a_refresh_changes_is_listed_in_80_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ["return_contributions_by_group", "position_factor_exposures"]
    tables = pd.DataFrame(
        {"what": [*names, "none"], "n_rows": [1, 12_345_678_901, 0], "n_bytes": [9, 2**40, 0]}
    )
    retired = Retired("detail", pd.Timestamp("2022-01-03"), tables)
    *rows, said = retention.lines(retired, dry_run=True)
    assert [line.split() for line in rows] == [
        ["what", "rows", "MB"],
        [names[1], "12,345,678,901", "1,048,576.0"],
        [names[0], "1", "0.0"],
    ]
    assert max(map(len, rows)) <= WIDTH
    assert said == "Would delete detail before 2022-01-03: 12,345,678,902 rows, about 1,048,576.0 MB."
    assert retention.lines(replace(retired, tables=tables[2:]), dry_run=False) == [
        "Deleted detail before 2022-01-03: 0 rows, about 0.0 MB."
    ]
    closes = pd.DataFrame(
        {"date": pd.to_datetime("2022-12-28"), "symbol": ["A", "BRK.B"], "close": [1.0, 2.0]}
    )
    refresh._tell(closes, closes.assign(close=[1.0, 2.123456789012]))
    refresh._tell(closes, closes)
    told = capsys.readouterr().out.splitlines()
    assert [line.split() for line in told] == [
        ["symbol", "date", "close", "old", "close", "new"],
        ["BRK.B", "2022-12-28", "2", "2.12345678901"],
        ["1", "closes", "differ"],
        ["0", "closes", "differ"],
    ]
    assert max(map(len, told)) <= 80
