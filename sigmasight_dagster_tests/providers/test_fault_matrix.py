"""Every source x every fault: what comes of it, and after how many requests; the tables are expectations."""

import pytest

from sigmasight_core.errors import SourceError, TransientError
from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer, Sleeper
from sigmasight_dagster_tests.providers.fault_subjects import SUBJECTS, Subject

EXPECTED: dict[str, str] = {}
"""By source: fault | outcome | attempts."""

CASES = [
    (source, *(cell.strip() for cell in line.split("|")))
    for source, table in EXPECTED.items()
    for line in table.strip().splitlines()
]


def outcome(subject: Subject, url: str, sleeper: Sleeper) -> str:
    """As it stands in the tables: '5 good', '4 good, 1 refused: no close', 'no rows', or an error's name."""
    try:
        rows = subject.ask(url, sleeper)
    except (SourceError, TransientError) as error:
        return type(error).__name__ if "\n" not in str(error) else "an error of several lines"
    if rows.empty:
        return "no rows"
    good = rows[subject.value].notna()
    lacking = rows.loc[~good, "status"].value_counts()
    counts = [
        f"{count} {status}" if status.startswith("refused: ") else f"{count} NULL: {status}"
        for status, count in lacking.items()
    ]
    return ", ".join([f"{good.sum()} good", *counts])


@pytest.mark.parametrize(("source", "fault", "expected", "attempts"), CASES)
def test_fault(source: str, fault: str, expected: str, attempts: str) -> None:
    subject, sleeper = SUBJECTS[source], Sleeper()
    with FaultServer(subject.handlers) as server:
        server.use(FAULTS[fault], *subject.paths)
        found = outcome(subject, server.url, sleeper)
        asked = sum(server.attempts(path) for path in subject.paths)
    assert (found, asked) == (expected, int(attempts))
    assert len(sleeper.slept) == asked - 1


def test_every_source_meets_every_fault() -> None:
    assert sorted((source, fault) for source, fault, *_ in CASES) == sorted(
        (source, fault) for source in SUBJECTS for fault in FAULTS
    )
