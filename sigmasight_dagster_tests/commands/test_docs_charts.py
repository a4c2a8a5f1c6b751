"""`stress-reality` and `docs-charts` on a real project: what they print and write, and what they refuse."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sigmasight_dagster.reports.data_dictionary import broken_links
from sigmasight_dagster_tests.support.project import EXAMPLES, CliProject

DATE = "2022-12-16"
PAGES = ("risk_results.md", "stress_against_reality.md")
IMAGES = (
    "correlations",
    "factor_exposures",
    "stress_against_reality",
    "stress_scenarios",
    "stress_waterfall",
)


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    made = new_project()
    for name in ("hedge_fund", "individual"):
        made.ok("import", str(EXAMPLES / f"{name}.csv"), "--portfolio", name, "--cash", "100000")
    made.ok("run", "hedge_fund", "--date", DATE)
    return made


@pytest.fixture(scope="module")
def folder(project: CliProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    shown = project.ok("docs-charts", "hedge_fund", "--docs", str(root / "docs"))
    assert shown.startswith(f"hedge_fund on {DATE}:\n")
    return root


def test_every_page_and_image_is_written_and_linked(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "docs").iterdir()) == ["images", *PAGES]
    images = sorted((folder / "docs" / "images").iterdir())
    assert [path.stem for path in images] == list(IMAGES)
    assert broken_links(folder) == []
    pages = "".join((folder / "docs" / page).read_text(encoding="utf-8") for page in PAGES)
    assert all(f"images/{path.name}" in pages for path in images)


def test_the_page_has_the_published_figures_and_names_what_is_missing(folder: Path) -> None:
    page = (
        (folder / "docs" / "stress_against_reality.md")
        .read_text(encoding="utf-8")
        .replace("\N{MINUS SIGN}", "-")
    )
    for period, realised, predicted in (
        ("2018-09-20..2018-12-24", "-19.0", "-19.3"),
        ("2020-02-19..2020-03-23", "-31.2", "-33.6"),
        ("2022-01-03..2022-06-16", "-8.0", "-17.4"),
    ):
        assert f"| {period} | equal weight, 20 stocks | {realised} | {predicted} |" in page
        assert f"| {period} | hedge_fund |" in page
    assert "option positions are left out" in page
    assert "individual: its positions were never computed on any date" in page


def test_a_second_run_writes_the_same_bytes(project: CliProject, folder: Path, tmp_path: Path) -> None:
    project.ok("stress-reality", "--docs", str(tmp_path))
    for path in tmp_path.rglob("*.*"):
        assert path.read_bytes() == (folder / "docs" / path.relative_to(tmp_path)).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ("docs-charts", "--date", "2022-12-15", "hedge_fund"),
            "sigmasight run hedge_fund --date 2022-12-15",
        ),
        (("stress-reality", "--date", "16.12.2022"), "write YYYY-MM-DD"),
    ],
)
def test_requests_without_results_are_refused(
    project: CliProject, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    result = project.run(*arguments, *(["--docs", str(tmp_path)] if arguments[0] == "docs-charts" else []))
    assert result.returncode == 1
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
