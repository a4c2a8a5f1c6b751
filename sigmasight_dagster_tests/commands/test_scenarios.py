"""`sigmasight scenarios`: files of one's own are listed with the shipped ones, or refused line by line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sigmasight_core.errors import InputError
from sigmasight_dagster.cli import cli
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings

OWN = """scenarios:
  - id: my_crash
    name: My crash
    category: market
    severity: extreme
    basis: total_return
    shocks:
      market: {value: -50, unit: percent}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["scenarios", *arguments])


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    return file


def test_ones_own_are_listed_with_those_that_are_shipped(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = json.loads(run("list", "--json").stdout)
    assert "my_crash" not in {row["scenario"] for row in shipped}
    for setting in (own, own.parent):
        monkeypatch.setenv("SIGMASIGHT_SCENARIO_FILES", str(setting))
        rows = json.loads(run("list", "--json").stdout)
        assert len(rows) == len(shipped) + 1
        assert rows[-1] == {
            "scenario": "my_crash",
            "category": "market",
            "severity": "extreme",
            "shocks": "market -50%",
            "comparison": False,
            "source": f"{own}:2",
        }
    narrow = json.loads(run("list", "--json", "--category", "market", "--severity", "extreme").stdout)
    assert [row["scenario"] for row in narrow] == ["my_crash"]
    shown = run("list", "--category", "historical").stdout
    assert "covid_crash_2020_original" in shown
    assert "for comparison alone" in " ".join(shown.split())


def test_a_file_is_checked_line_by_line(own: Path) -> None:
    good = run("check", str(own))
    assert (good.exit_code, good.stdout) == (0, f"{own}: ok, 1 scenarios: my_crash\n")
    own.write_text(OWN.replace("-50", "-150").replace("market\n", "markets\n"))
    bad = run("check", str(own))
    assert bad.exit_code == 1
    assert bad.stderr.splitlines() == [
        f"{own}:4: my_crash.category: unknown value 'markets'; "
        "use market, rates, rotation, volatility, historical",
        f"{own}:8: my_crash.shocks.market.value: a fall of 150% is impossible; keep it above -100 percent",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            OWN.replace("my_crash", "market_down_20"),
            "duplicate id, already used in sigmasight_core",
        ),
        (OWN.replace("market: {", "oil: {"), "own.yaml:8: my_crash.shocks.oil: unknown factor; use one of"),
        ("scenarios: [", "not YAML"),
        ("", "the file is empty"),
    ],
)
def test_a_bad_file_stops_what_is_computed_with_it(
    own: Path, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text(text)
    monkeypatch.setenv("SIGMASIGHT_SCENARIO_FILES", str(own))
    with pytest.raises(InputError) as found:
        Platform(Settings()).scenarios  # noqa: B018 (reads the files)
    assert reason in str(found.value)


def test_a_file_that_is_not_there_and_an_empty_folder(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.unlink()
    for given, reason in ((own, "No such file or directory"), (own.parent, r"no \*.yaml in it")):
        monkeypatch.setenv("SIGMASIGHT_SCENARIO_FILES", str(given))
        with pytest.raises(InputError, match=reason):
            Platform(Settings()).scenarios  # noqa: B018 (reads the files)
    monkeypatch.delenv("SIGMASIGHT_SCENARIO_FILES")
    assert "no scenario file is set" in str(run("check").exception)
