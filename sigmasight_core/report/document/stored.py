"""A report as it is stored and read back."""

import json
from typing import Any

import pandas as pd
from pydantic import ValidationError

from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.report.document.model import VERSION, ReportBase, report_type
from sigmasight_core.report.document.sources import CALCULATIONS


def as_row(report: ReportBase) -> dict[str, str | int]:
    """The columns of tables.PortfolioReports beside its key."""
    missing = [name for name in CALCULATIONS if not report.engine(name).available]
    odd = [
        name for name in CALCULATIONS if report.engine(name).available and report.engine(name).status != OK
    ]
    words = [("without ", missing), ("not whole: ", odd)]
    said = "; ".join(lead + ", ".join(names) for lead, names in words if names)
    status = f"partial: {said}" if said else OK
    return {
        "report_version": VERSION,
        "document": report.model_dump_json(),
        "n_available": len(CALCULATIONS) - len(missing),
        "status": status,
    }


def parse(
    document: str, generated_at: pd.Timestamp | None = None, data_known_at: pd.Timestamp | None = None
) -> ReportBase:
    """A stored document as a report, with the moments that its row has beside it (UTC).

    :raises InputError: when another version of the code wrote it, whose documents this one does not know.
    """
    content: dict[str, Any] = json.loads(document)
    moments = {"generated_at": generated_at, "data_known_at": data_known_at}
    content["metadata"] |= {name: stamp(moment) for name, moment in moments.items()}
    try:
        return report_type().model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"the stored report has another layout than this version of the code ({where}: {first['msg']}): "
            "run the date again"
        ) from None


def stamp(moment: pd.Timestamp | None) -> str | None:
    """A moment as text: UTC, milliseconds."""
    if moment is None:
        return None
    return f"{moment.tz_convert('UTC').isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
