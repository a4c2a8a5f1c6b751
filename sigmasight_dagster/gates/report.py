"""Gate on reports: what must hold of a document before it is stored."""

import pandas as pd

from sigmasight_core.report.document.soundness import problems
from sigmasight_core.report.document.stored import parse
from sigmasight_core.tables import PortfolioReports
from sigmasight_dagster.engine.declaration import Gate, GateResult


def _sound(rows: pd.DataFrame) -> GateResult:
    found = [problems(parse(document)) for document in rows["document"]]
    bad = [place for place, lines in enumerate(found) if lines]
    return GateResult(
        passed=not bad,
        metadata={"reports": len(rows), "problems": "; ".join(line for lines in found for line in lines)},
        rows=bad,
    )


REPORTS_ARE_SOUND = Gate(
    "reports_are_sound",
    "Counts by kind add up, no factor is there twice, who holds no shorts and no options loses no more "
    "than the gross exposure, and a section is there exactly when its availability says so",
    PortfolioReports,
    _sound,
    blocking=True,
)
