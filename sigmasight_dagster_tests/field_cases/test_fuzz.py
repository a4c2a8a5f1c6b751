"""A slice of the fuzz campaign: no mutated input is silently wrong, and what is not mutated is right."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz import campaign, mutations, portfolios, prices, quotes
from benchmarks.fuzz.outcomes import Outcome, off
from sigmasight_core.ledger.portfolio_csv import parse_portfolio_csv
from sigmasight_dagster.providers.files.provider import FilesProvider

COUNT = 60


def test_nothing_is_silently_wrong() -> None:
    results = campaign.run(seed=11, count=COUNT)
    assert len(results) == COUNT
    counts = Counter(result.outcome for result in results)
    assert min(counts[outcome] for outcome in (Outcome.RIGHT, Outcome.REFUSED, Outcome.DOUBTFUL)) > 3
    wrong = [result for result in results if result.outcome is Outcome.WRONG]
    assert not wrong, wrong


def test_the_same_seed_gives_the_same_campaign() -> None:
    first, again = campaign.run(3, 6), campaign.run(3, 6)
    assert first == again
    assert first != campaign.run(4, 6)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_not_mutated_is_right(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    closes = prices._closes(rng)
    (tmp_path / "AAA.csv").write_text(prices._sheet(closes, rng).text())
    (tmp_path / "splits.csv").write_text(f"symbol,ex_date,ratio\nAAA,{prices.SPLIT:%Y-%m-%d},4\n")
    assert prices._published(FilesProvider(tmp_path), closes, 10) == (Outcome.RIGHT, "")
    market = portfolios._market(rng)
    sheet = portfolios._sheet(market, rng)
    parsed = parse_portfolio_csv(sheet.text(), "book", "book.csv", portfolios.AS_OF, set(portfolios.NAMES))
    assert len(parsed.positions) == len(sheet.rows)
    assert portfolios._doubts(parsed, market).empty
    assert portfolios._wrong(parsed, sheet, set()) == ""


def test_quotes_that_are_not_mutated_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotes, "KINDS", {"nothing": lambda *_: {}})
    assert {result.outcome for result in quotes.run(range(60))} == {Outcome.RIGHT}


def test_a_wrong_value_that_is_taken_is_seen() -> None:
    rng = np.random.default_rng(1)
    market = portfolios._market(rng)
    sheet = portfolios._sheet(market, rng)
    false = sheet.changed(0, "entry_price", mutations.times(3.0))
    parsed = parse_portfolio_csv(false.text(), "book", "book.csv", portfolios.AS_OF, set(portfolios.NAMES))
    assert portfolios._wrong(parsed, sheet, set()).startswith("line 2")
    found = off(np.array([2.1, 0.4, -1.0, 1.9, np.nan]), np.array([1.0, 1.0, 1.0, 1.0, 1.0]))
    assert found.tolist() == [True, True, True, False, False]
