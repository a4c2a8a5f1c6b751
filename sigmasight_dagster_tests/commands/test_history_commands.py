"""`sigmasight import` of brokers' histories: which format, what --explain shows, presets of one's own."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.ledger.portfolios import import_portfolio
from sigmasight_dagster.ledger.presets import presets, shipped
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "examples" / "brokers"
MINE = "preset: mine\nextends: degiro\nsymbols: {US4370761029: HD}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of its own; what is shown needs no database."""
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))
    monkeypatch.delenv("SIGMASIGHT_PRESETS_DIR", raising=False)
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(import_portfolio, [str(argument) for argument in arguments])


def message(result: Result) -> str:
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_example_is_told_and_explained_in_80_columns(home: Path, name: str) -> None:
    result = run(FOLDER / f"{name}.csv", "--explain")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Read by preset {name}:\nline date")
    assert max(map(len, result.output.splitlines())) <= 80
    assert " 0 refused" in " ".join(result.output.split())
    assert result.stderr == ""


def test_what_is_explained(home: Path) -> None:
    result = run(FOLDER / "robinhood.csv", "--explain")
    assert result.output.splitlines()[2:7] == [
        "   1 not a row  the header of activity",
        "   2 2022-12-16 expiry       HD221216C00340000           2         0        0.00",
        "   3 2022-12-12 fee                                                        -5.00",
        "   4 2022-11-22 sell         MSFT                        5       244    1,219.97",
        "                0.03 beside quantity x price: booked as fees",
    ]
    assert result.output.splitlines()[-3:] == [
        "8 transactions: 3 buy, 1 deposit, 1 dividend, 1 sell, 1 fee, 1 expiry; 0 lines",
        "ignored, 0 refused",
        "Cash that they move together: 3,934.74 USD",
    ]


def test_refused_rows_are_named_and_the_command_fails(home: Path) -> None:
    file = home / "schwab.csv"
    file.write_text((FOLDER / "schwab.csv").read_text(encoding="utf-8").replace("$5,646.75", "$5,656.75"))
    result = run(file, "--explain")
    assert result.exit_code == 1
    assert "   6 refused    not quantity x price and fees, which make 5,646.75 (differs by\n" in result.output
    assert f"{file}:6: error: Amount: '$5,656.75': not quantity x price and fees" in result.stderr


def test_a_format_by_its_name(home: Path) -> None:
    assert run(FOLDER / "degiro.csv", "--format", "degiro", "--explain").exit_code == 0
    wrong = message(run(FOLDER / "degiro.csv", "--format", "schwab", "--explain"))
    assert "degiro.csv: not a file of preset schwab: " in wrong
    unknown = message(run(FOLDER / "degiro.csv", "--format", "mybank", "--explain"))
    assert unknown.startswith("--format mybank: not a format; use auto, positions, degiro, ")


def test_presets_of_a_directory_and_of_a_path(home: Path) -> None:
    file = home / "statement.csv"
    text = (FOLDER / "degiro.csv").read_text(encoding="utf-8").replace("US5949181045", "US4370761029")
    file.write_text(text, encoding="utf-8")
    assert run(file, "--explain").exit_code == 1
    mine = home / "elsewhere.yaml"
    mine.write_text(MINE, encoding="utf-8")
    shown = run(file, "--preset", mine, "--explain")
    assert (shown.exit_code, " HD " in shown.output) == (0, True)
    (home / "presets").mkdir()
    mine.rename(home / "presets" / "mine.yaml")
    assert run(file, "--format", "mine", "--explain").exit_code == 0
    assert "the file is as well of degiro as of mine; say which with --format" in message(
        run(file, "--explain")
    )


def test_an_own_preset_may_take_the_place_of_one_that_is_shipped(home: Path) -> None:
    (home / "presets").mkdir()
    (home / "presets" / "degiro.yaml").write_text(MINE.replace("mine", "degiro"), encoding="utf-8")
    assert presets(Settings())["degiro"].symbols["US4370761029"] == "HD"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preset: mine\nextends: nobody\n", "mine.yaml:2: extends: unknown value 'nobody'; use "),
        ("", "mine.yaml:1: preset: the file is empty"),
        (None, "mine.yaml: No such file or directory: give the path of a preset (YAML)"),
    ],
)
def test_a_preset_that_cannot_be_used_names_its_file(home: Path, text: str | None, said: str) -> None:
    file = home / "mine.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert said in message(run(FOLDER / "degiro.csv", "--preset", file, "--explain"))


def test_two_ways_to_say_the_format_are_one_too_many(home: Path) -> None:
    said = message(run(FOLDER / "degiro.csv", "--preset", home / "x.yaml", "--format", "degiro", "--explain"))
    assert said == "--format and --preset both say how to read the file; give one of them"


def test_a_directory_of_presets_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMASIGHT_PRESETS_DIR", str(home / "nowhere"))
    assert "nowhere is no directory; make it, or unset it" in message(run(FOLDER / "degiro.csv", "--explain"))


def test_a_list_of_positions_is_not_explained(home: Path) -> None:
    said = message(run(REPOSITORY / "examples" / "portfolios" / "individual.csv", "--explain"))
    assert said.endswith("a list of positions; --explain shows histories: leave it out")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--cash", "5"), "a history has its cash; of which day is the balance? Give --cash-date DATE"),
        (("--shares-of", "today"), "a history has the shares of each day; leave --shares-of out"),
    ],
)
def test_options_of_lists_of_positions_are_refused(home: Path, option: tuple[str, str], said: str) -> None:
    assert said in message(run(FOLDER / "degiro.csv", "--portfolio", "x", *option))


def test_without_a_name_nothing_is_imported(home: Path) -> None:
    result = run(FOLDER / "degiro.csv")
    assert result.exit_code == 2
    assert "Missing argument 'PORTFOLIO'" in result.output
