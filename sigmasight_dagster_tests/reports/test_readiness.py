"""The readiness command on real tables: a symbol without prices, no proxies, nothing computed."""

from collections.abc import Callable

import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

LEDGER = "ticker,quantity,entry_price,entry_date\nZZZZ,5,10,2022-11-15\nAAPL,5,10,2022-11-15\n"


def report(shown: str) -> dict[str, list[str]]:
    """Cells of each calculation; lines that go on are joined."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in shown.splitlines():
        cells = [cell.strip() for cell in line.strip("\u2502").split("\u2502")]
        if len(cells) == 5:
            name = cells[0] or name
            found.setdefault(name, cells[1:4]).append(cells[4])
    return {name: [*cells[:3], " ".join(cells[3:])] for name, cells in found.items()}


def test_what_is_missing_is_counted_and_named(new_project: Callable[[], CliProject]) -> None:
    project = SmallProject.of(new_project(), [])
    file = project.home / "book.csv"
    file.write_text(LEDGER)
    project.here("import", str(file), "--portfolio", "book", "--allow-unpriced")
    with pytest.raises(InputError, match="portfolio book: nothing is computed yet: sigmasight run"):
        project.here("readiness")
    assert project.here("run", "--date", "2022-11-22") == 0
    shown = project.ok("readiness", "book")
    assert "Readiness of book on 2022-11-22" in shown
    found = report(shown)
    assert found["valuation"] == ["1 of 2", "", "1", "no price: it has none within 7 days (ZZZZ)"]
    assert found["factor betas"][0] == "0 of 9"
    assert "1: no prices: the provider has none on the date (ZZZZ)" in found["factor betas"][3]
    assert "unavailable: no proxy configured (AAPL; growth, rates)" in found["factor betas"][3]
    assert "unavailable: sample has no Treasury yields (AAPL)" in found["rate betas"][3]
    assert "not computed" in report(project.ok("readiness", "book", "--date", "2022-11-21"))["snapshot"][3]
    with pytest.raises(InputError, match="unknown portfolio 'nobody'"):
        project.here("readiness", "nobody")
