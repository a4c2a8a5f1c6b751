"""The campaign's judges on states that are broken by hand: a judge that cannot fail is worth nothing."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from campaigns import between, clock, disk, judges, kills, moments, poison, races, readers, servers, services
from campaigns.between import Between
from campaigns.figures import Figures
from campaigns.house import House
from campaigns.points import POINTS
from sigmasight_dagster.checks import damage
from sigmasight_dagster_tests.conftest import REPOSITORY

DAY = pd.Timestamp("2022-12-19")
KEY = "2022-12-19|alpha"
DAMAGE = pd.DataFrame(
    {"table_name": ["returns"], "date": [DAY], "portfolio": ["alpha"], "damage": [damage.CHANGED]}
)
STALE = DAMAGE.assign(damage=damage.STALE + "ledger")
TRUTH = judges.State(
    contents={"values": pd.DataFrame({"portfolio": ["alpha", "beta"], "usd": [1.0, 2.0]})},
    published={"values": frozenset({KEY})},
    materialized={"values": frozenset({KEY})},
    damaged=DAMAGE.iloc[:0],
)
SEEN = readers.Seen("values", "2022-12-19", "alpha", 3, ["a"], 3, "a", False)


def verdicts(found: judges.State, exact: bool = True) -> list[str]:
    return [f"{kind}: {said}" for kind, judge in judges.every(found, TRUTH, exact) for said in judge()]


def rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> judges.State:
    return replace(TRUTH, contents={"values": change(TRUTH.contents["values"])})


def test_what_is_as_undisturbed_is_good() -> None:
    assert verdicts(TRUTH) == []
    assert verdicts(rows(lambda frame: frame.assign(usd=frame["usd"] + 1e-13)), exact=False) == []


BROKEN = {
    "wrong: values: 1 rows, undisturbed 2": rows(lambda frame: frame.iloc[:1]),
    "wrong: values: DataFrame.iloc": rows(lambda frame: frame.assign(usd=frame["usd"] + 1e-13)),
    "lost: values: 2022-12-19|alpha (1 in all) is not published": replace(
        TRUTH, published={"values": frozenset()}, materialized={"values": frozenset()}
    ),
    "lost: values: 2022-12-19|alpha (1 in all) is published, but Dagster": replace(
        TRUTH, materialized={"values": frozenset()}
    ),
    "wrong: values: 2022-12-20|alpha (1 in all) is materialized": replace(
        TRUTH, materialized={"values": frozenset({KEY, "2022-12-20|alpha"})}
    ),
    "wrong: verify: 1 damaged, first returns": replace(TRUTH, damaged=DAMAGE),
    "wrong: verify: 1 damaged, first returns 2022-12-19": replace(TRUTH, damaged=STALE),
}


@pytest.mark.parametrize(("said", "state"), BROKEN.items(), ids=range(len(BROKEN)))
def test_what_is_not_is_told(said: str, state: judges.State) -> None:
    [verdict] = verdicts(state)
    assert verdict.startswith(said)


def test_what_is_stale_undisturbed_too_is_no_damage() -> None:
    assert judges.damages(STALE, STALE) == []
    assert len(judges.damages(DAMAGE, DAMAGE)) == 1


@pytest.mark.parametrize(
    ("seen", "whole"),
    [
        (SEEN, True),
        (replace(SEEN, n_rows=0, run_ids=[], published_rows=0), True),
        (replace(SEEN, published_rows=None, published_by=None, withdrawn=True), True),
        (replace(SEEN, published_rows=None, published_by=None), False),
        (replace(SEEN, n_rows=2), False),
        (replace(SEEN, n_rows=0, run_ids=[]), False),
        (replace(SEEN, run_ids=["a", "b"]), False),
        (replace(SEEN, run_ids=["b"]), False),
    ],
)
def test_readers_tell_whole_partitions_from_others(seen: readers.Seen, whole: bool) -> None:
    assert (readers.wrong(seen) == "") == whole


def test_results_of_an_old_ledger_are_found_where_nothing_says_that_they_are() -> None:
    values = pd.DataFrame({"date": [DAY], "symbol": ["AAPL"], "quantity": [10.0]})
    published = pd.DataFrame({"date": [DAY], "portfolio": [races.NAME]})
    told = STALE.iloc[:0]
    assert races.silently_old(values, published, told, 10.0) == []
    assert races.silently_old(values, published, STALE, 777.0) == []
    assert races.silently_old(values, published.iloc[:0], told, 777.0) == []
    [said] = races.silently_old(values, published, told, 777.0)
    assert said == "2022-12-19 is published with 10 shares, the ledger has 777"


def test_rows_that_are_not_of_the_inputs_of_today_are_found() -> None:
    rows = TRUTH.contents["values"].assign(date=DAY)
    assert moments.differs("values", rows, rows.copy()) == ""
    for other in (rows.assign(usd=rows["usd"] + 1e-13), rows.iloc[:1]):
        said = "values: of 2022-12-19 rows counted that are not of today's inputs"
        assert moments.differs("values", rows, other) == said


def test_hostile_positions_are_found() -> None:
    before = pd.DataFrame({"portfolio": ["alpha"], "symbol": ["AAPL"], "quantity": [1.0]})
    good = pd.DataFrame({"portfolio": "good", "symbol": ["AAPL", "MSFT"], "quantity": [100.0, -50.0]})
    stranger = pd.DataFrame({"portfolio": ["bad"], "symbol": ["AAPL"], "quantity": [9.0]})
    assert poison.changed(before, pd.concat([before, good]), "good") == []
    assert len(poison.changed(before, before, "good")) == 1
    assert len(poison.changed(before, pd.concat([before, good, stranger]), "good")) == 1
    assert len(poison.changed(before, pd.concat([before.assign(quantity=2.0), good]), "good")) == 1


def test_a_round_is_told_by_its_number_alone() -> None:
    for plot in (kills.Plot, races.Plot, moments.Plot, services.Plot, clock.Plot):
        assert [plot.of(n) for n in range(20)] == [plot.of(n) for n in range(20)]
        assert len({str(plot.of(n)) for n in range(20)}) > 10
    of_the_moment = Between(House(Path()), Figures("between")).plot
    assert [of_the_moment(n) for n in range(20)] == [of_the_moment(n) for n in range(20)]
    assert {len(of_the_moment(n).kills) for n in range(20)} == {between.KILLS_A_ROUND}
    victims = {kill.victim for n in range(50) for kill in kills.Plot.of(n).kills}
    assert victims == set(kills.VICTIMS)
    assert {services.Plot.of(n).victim for n in range(200)} == set(services.VICTIMS)
    held = [plot.point for n in range(4 * len(POINTS)) if (plot := moments.Plot.of(n)).point]
    assert held == list(POINTS)
    full = [disk.Disk.plot(SimpleNamespace(), n) for n in range(50)]
    assert {kill.victim for plot in full for kill in plot.kills} == set(disk.VICTIMS)
    assert [str(plot) for plot in full] == [str(disk.Disk.plot(SimpleNamespace(), n)) for n in range(50)]
    assert "full: " in str(full[0])


REFUSAL = "Error: database host/risk cannot be used: its encoding is LATIN1, make another"
TRACED = "Error: KeyError: 'x' (a traceback: sigmasight --debug ...)"


@pytest.mark.parametrize(
    ("checked", "said", "made", "found"),
    [
        ((1, "REFUSED its encoding is\n  LATIN1, make another"), REFUSAL, 0, []),
        ((1, "REFUSED its encoding is LATIN1, make another"), REFUSAL, 3, ["has made 3 relations"]),
        ((0, "its encoding is LATIN1, make another"), REFUSAL, 0, ["finds nothing"]),
        ((1, "REFUSED the version"), REFUSAL, 0, ["has other words"]),
        ((1, "KeyError: 'x' (a traceback: sigmasight --debug ...)"), TRACED, 0, ["no clear refusal"]),
    ],
)
def test_a_refusal_is_clear_changes_nothing_and_is_that_of_db_check(
    monkeypatch: pytest.MonkeyPatch, checked: tuple[int, str], said: str, made: int, found: list[str]
) -> None:
    monkeypatch.setattr(servers, "made", lambda _: made)
    typed = [servers.Typed("db check", *checked), servers.Typed("import", 1, said)]
    _, problems = servers._refused(SimpleNamespace(), servers.PLAIN, typed)
    assert len(problems) == len(found)
    assert all(wanted in said for wanted, (_, said) in zip(found, problems, strict=True))


def test_a_fault_ends_a_campaign_with_1_and_says_how_to_see_it_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = Figures("kills", rounds=1)
    figures.found("wrong", [], 7, "the plot")
    assert figures.exit_code() == 0
    figures.found("wrong", ["a table differs"], 7, "the plot")
    assert figures.exit_code() == 1
    assert "python -m campaigns kills --once 7" in capsys.readouterr().out
    assert "1 wrong" in figures.line()
    assert Figures("kills").exit_code() == 1


def test_what_outlives_its_command_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "SECONDS_TO_FOLLOW", 0.1)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleep, start_new_session=True, cwd=REPOSITORY) as process:
        [said] = kills._left_behind(process.pid)
        assert "1 processes outlive" in said
        process.kill()
    assert kills._left_behind(process.pid) == []
