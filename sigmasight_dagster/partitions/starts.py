"""Where Dagster's partitions begin, by date and by date and portfolio: at the first that was ever planned.

From the provider's first date on, most would be missing for good: the UI would show 2% of a demo filled. So
the demo notes where its runs begin, and a run that reaches further back moves that. No figure depends on it:
windows reach back to the first session of the data. Without the file partitions begin there too.
"""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

FILE: Final = "partitions.json"


@dataclass(frozen=True)
class Starts:
    """First date of the partitions by date, and of those by date and portfolio."""

    market: dt.date
    portfolio: dt.date

    def reaching(self, runs: Iterable[Any]) -> Self:
        """As far back as these runs (`RangeRun`) reach, if that is further."""
        market, portfolio = self.market, self.portfolio
        for run in runs:
            first = run.dates[0].date()
            market = min(market, first)
            portfolio = min(portfolio, first) if run.portfolios else portfolio
        return type(self)(market, portfolio)


def noted(home: Path) -> Starts | None:
    """What the state directory says; None where nothing was noted, or what was cannot be read."""
    try:
        found = json.loads((home / FILE).read_text(encoding="utf-8"))
        return Starts(*(dt.date.fromisoformat(found[name]) for name in ("market", "portfolio")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note(home: Path, starts: Starts) -> None:
    """Write it, whole or not at all."""
    draft = home / f"{FILE}.new"
    draft.write_text(json.dumps({"market": f"{starts.market}", "portfolio": f"{starts.portfolio}"}))
    draft.replace(home / FILE)


def reach(home: Path, runs: Iterable[Any]) -> Starts | None:
    """Let what is noted reach as far back as planned runs do, before they are executed; what holds now."""
    before = noted(home)
    after = before.reaching(runs) if before else None
    if after and after != before:
        note(home, after)
    return after
