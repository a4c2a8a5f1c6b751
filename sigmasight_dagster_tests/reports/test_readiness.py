"""The readiness command on real tables: a symbol without prices, no proxies, nothing computed."""

import json
from collections.abc import Callable

import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

LEDGER = "ticker,quantity,entry_price,entry_date\nZZZZ,5,10,2022-11-15\nAAPL,5,10,2022-11-15\n"


def report(shown: str) -> dict[str, str]:
    """Counts and reasons of each calculation; its lines are joined, and one blank apart."""
    assert max(map(len, shown.splitlines())) <= 80
    found: dict[str, str] = {}
    name = ""
    for line in shown.splitlines()[2:]:
        if line[0] == " ":
            found[name] += f" {line.strip()}"
        else:
            name, counts = line.split("  ", 1)
            found[name] = " ".join(counts.split())
    return found


def test_what_is_missing_is_counted_and_named(new_project: Callable[[], CliProject]) -> None:
    project = SmallProject.of(new_project(), [])
    file = project.home / "book.csv"
    file.write_text(LEDGER)
    project.here("import", str(file), "book", "--allow-unpriced")
    with pytest.raises(InputError, match="portfolio book: nothing is computed yet: sigmasight run book"):
        project.here("readiness")
    assert project.here("run", "--date", "2022-11-22") == 0
    shown = project.ok("readiness", "book")
    assert "Readiness of book on 2022-11-22" in shown
    found = report(shown)
    assert found["valuation"] == "1 of 2 1 no price: it has none within 7 days (ZZZZ)"
    assert found["factor betas"].startswith("0 of 9 ")
    assert "1: no prices: the provider has none on the date (ZZZZ)" in found["factor betas"]
    assert "unavailable: no proxy configured (AAPL; growth, rates)" in found["factor betas"]
    assert "unavailable: sample has no Treasury yields (AAPL)" in found["rate betas"]
    rows = json.loads(project.ok("readiness", "--json"))
    (valued,) = (row for row in rows if row["calculation"] == "valuation")
    assert valued.items() >= {"portfolio": "book", "date": "2022-11-22", "n": 2, "n_ok": 1}.items()
    assert valued["items"] == ["ZZZZ"]
    assert "not computed" in report(project.ok("readiness", "book", "--date", "2022-11-21"))["snapshot"]
    with pytest.raises(InputError, match="unknown portfolio 'nobody'"):
        project.here("readiness", "nobody")
