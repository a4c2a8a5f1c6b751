"""Bad input on the command line: one line that names the thing and the cure, and nothing stored."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sigmasight_core.tables import TABLES, table_name
from sigmasight_dagster_tests.support.project import EXAMPLES, CliProject
from sigmasight_dagster_tests.support.stored_rows import sql

HEADER = "ticker,quantity,entry_price,entry_date\n"


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    made = new_project()
    made.ok("import", str(EXAMPLES / "individual.csv"), "--portfolio", "individual")
    return made


def n_rows(project: CliProject) -> list[int]:
    """Rows of each table; the tables' contents are read much more slowly."""
    counts = ", ".join(f"(SELECT count(*) FROM sigmasight.{table_name(model)})" for model in TABLES)
    return list(sql(project.asset_url, f"SELECT {counts}")[0])


def refusal(project: CliProject, *arguments: str) -> str:
    before = n_rows(project)
    result = project.run(*arguments)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    assert n_rows(project) == before
    return result.stderr.strip() + result.stdout.strip()


@pytest.mark.parametrize(
    ("date", "named"),
    [
        ("2022-11-24", "NYSE holiday (Thanksgiving)"),
        ("2022-11-26", "weekend"),
        ("2013-12-31", "before the data starts: the first trading date is 2014-01-02"),
        ("2031-01-02", "the last trading date is 2022-12-28"),
        ("24/11/2022", "write YYYY-MM-DD"),
    ],
)
def test_dates_that_cannot_be_computed_are_refused_with_the_reason(
    project: CliProject, date: str, named: str
) -> None:
    message = refusal(project, "run", "--date", date)
    assert date in message
    assert named in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ("run", "--date", "2022-12-16", "--portfolio", "nobody"),
            "unknown portfolio 'nobody'; registered: individual",
        ),
        (("backfill", "--start", "2022-12-16", "--end", "2022-12-12"), "swap them"),
        (("import", "missing.csv", "--portfolio", "x"), "missing.csv: No such file"),
        (("import", "missing.csv", "--portfolio", "Bad Name"), "portfolio name 'Bad Name' must match"),
        (("import", "missing.csv", "--portfolio", "a|b"), "portfolio name 'a|b' must match"),
    ],
)
def test_commands_name_the_thing_and_the_cure(
    project: CliProject, arguments: tuple[str, ...], named: str
) -> None:
    message = refusal(project, *arguments)
    assert named in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "column", "named"),
    [
        ("AAPL,0,100,2022-03-01", "quantity", "zero"),
        ("AAPL,10,-5,2022-03-01", "entry_price", "positive"),
        ("ZZZZ,10,5,2022-03-01", "ticker", "unknown symbol"),
        ("AAPL230231C00150000,10,5,2022-03-01", "ticker", "AAPL230231C00150000"),
        ("AAPL,10,5,2052-03-01", "entry_date", "future"),
        (
            "AAPL,10,172.6,2024-03-15",
            "entry_date",
            "the sample's data end on 2022-12-28: choose another provider",
        ),
        ('AAPL,"1,000",5,2022-03-01', "quantity", "1,000"),
        ("AAPL,10", "", "2"),
    ],
)
def test_bad_rows_are_named_with_line_and_column_and_nothing_is_imported(
    project: CliProject, tmp_path: Path, row: str, column: str, named: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(f"{HEADER}JPM,10,150,2022-03-01\n{row}\n")
    message = refusal(project, "import", str(file), "--portfolio", "new")
    assert f"bad.csv:3: error: {column}" in message
    assert named in message
    assert "Nothing imported" in message


def test_what_the_sample_lacks_is_told_with_what_it_has_and_the_setting_that_has_it(
    project: CliProject, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(f"{HEADER}ZZZZ,10,5,2022-03-01\nAAPL,10,172.6,2024-03-15\n")
    result = project.run("onboard", str(file), "--portfolio", "new", "--yes")
    assert result.returncode == 1
    _, told = result.stderr.split("The sample has prices of 26 symbols, 2014-01-02 to 2022-12-28:")
    symbols, cure = told.split("Any symbol")
    assert len(symbols.split()) == 26
    assert {"AAPL", "XOM"} < set(symbols.split())
    assert {"SIGMASIGHT_PROVIDER=live", "SIGMASIGHT_PROVIDER=simulated"} < set(cure.split())


def test_a_history_after_the_end_of_the_data_is_told(project: CliProject, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text("date,kind,symbol,quantity,price,amount\n2024-10-03,buy,CVX,40,157.70,-6308\n")
    result = project.run("import", str(file), "--portfolio", "late")
    assert "1 of 1 transactions are later, and no date of it can be computed" in result.stderr
    assert "the sample's data end on 2022-12-28" in result.stderr


def test_a_changed_file_does_not_replace_a_portfolio_unasked(project: CliProject, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text(f"{HEADER}JPM,10,150,2022-03-01\n")
    assert "--replace" in refusal(project, "import", str(file), "--portfolio", "individual")


def test_a_missing_price_directory_is_named_with_the_cure(project: CliProject) -> None:
    result = project.run("run", "--date", "2022-12-16", SIGMASIGHT_PROVIDER="files")
    assert result.returncode == 1
    assert "SIGMASIGHT_FILES_DIR" in result.stderr
    assert "Traceback" not in result.stderr


def test_good_rows_are_imported_on_request(new_project: Callable[[], CliProject], tmp_path: Path) -> None:
    project = new_project()
    file = tmp_path / "mixed.csv"
    file.write_text(f"{HEADER}JPM,10,150,2022-03-01\nAAPL,0,100,2022-03-01\n")
    project.ok("import", str(file), "--portfolio", "mixed", "--skip-bad-rows")
    assert project.warehouse().positions(["mixed"])["symbol"].tolist() == ["JPM"]
