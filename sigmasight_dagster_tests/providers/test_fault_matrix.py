"""Every source x every fault: what comes of it, and after how many requests; the tables are expectations."""

import pytest

from sigmasight_core.errors import SourceError, TransientError
from sigmasight_dagster_tests.providers.fault_server import FAULTS, RETRY_AFTER_SECONDS, FaultServer, Sleeper
from sigmasight_dagster_tests.providers.fault_subjects import SUBJECTS, Subject

REST = """
ok                    | 5 good                                                        | 1
429 seconds           | 5 good                                                        | 2
429 date              | 5 good                                                        | 2
429 for an hour       | TransientError                                                | 1
401                   | SourceError                                                   | 1
403                   | SourceError                                                   | 1
404                   | SourceError                                                   | 1
500 then good         | 5 good                                                        | 2
500 always            | TransientError                                                | 4
slow                  | TransientError                                                | 4
cut off               | TransientError                                                | 4
cut off then good     | 5 good                                                        | 2
html                  | SourceError                                                   | 1
truncated json        | TransientError                                                | 4
empty                 | no rows                                                       | 1
null price            | 4 good, 1 refused: no close                                   | 1
nan price             | 4 good, 1 refused: no close                                   | 1
negative price        | 4 good, 1 refused: the close is negative                      | 1
zero price            | 4 good, 1 refused: the close is zero                          | 1
wrong currency        | 0 good, 5 refused: the prices are not in USD                  | 1
same row twice        | 5 good                                                        | 1
two rows of a session | 4 good, 1 refused: two different rows of one session          | 1
out of order          | 4 good, 1 refused: the row is out of order                    | 1
"""

YAHOO = """
ok                    | 5 good                                                        | 1
429 seconds           | 5 good                                                        | 2
429 date              | 5 good                                                        | 2
429 for an hour       | TransientError                                                | 1
401                   | SourceError                                                   | 1
403                   | SourceError                                                   | 1
404                   | SourceError                                                   | 1
500 then good         | 5 good                                                        | 2
500 always            | TransientError                                                | 4
slow                  | TransientError                                                | 4
cut off               | TransientError                                                | 4
cut off then good     | 5 good                                                        | 2
html                  | SourceError                                                   | 1
truncated json        | TransientError                                                | 4
empty                 | no rows                                                       | 1
null price            | 4 good, 1 refused: no close                                   | 1
nan price             | 4 good, 1 refused: no close                                   | 1
negative price        | 4 good, 1 refused: the close is negative                      | 1
zero price            | 4 good, 1 refused: the close is zero                          | 1
wrong currency        | 0 good, 5 refused: the prices are not in USD                  | 1
same row twice        | 5 good                                                        | 1
two rows of a session | 4 good, 1 refused: two different rows of one session          | 1
out of order          | 5 good                                                        | 1
"""
"""yfinance puts rows into order itself."""

FRED = """
ok                    | 5 good                                                        | 1
429 seconds           | 5 good                                                        | 2
429 date              | 5 good                                                        | 2
429 for an hour       | TransientError                                                | 1
401                   | SourceError                                                   | 1
403                   | SourceError                                                   | 1
404                   | SourceError                                                   | 1
500 then good         | 5 good                                                        | 2
500 always            | TransientError                                                | 4
slow                  | TransientError                                                | 4
cut off               | TransientError                                                | 4
cut off then good     | 5 good                                                        | 2
html                  | SourceError                                                   | 1
truncated json        | TransientError                                                | 4
empty                 | 0 good, 5 NULL: FRED has no yield of this date                | 1
null price            | 4 good, 1 NULL: FRED has no yield of this date                | 1
nan price             | 4 good, 1 NULL: FRED has no yield of this date                | 1
negative price        | 5 good                                                        | 1
zero price            | 5 good                                                        | 1
wrong currency        | 5 good                                                        | 1
same row twice        | 5 good                                                        | 1
two rows of a session | 4 good, 1 refused: two different yields of this date          | 1
out of order          | 5 good                                                        | 1
"""
"""A yield may be zero or negative, and has no currency. fredapi puts rows into order itself."""

EXPECTED = {"polygon": REST, "fmp": REST, "yahoo": YAHOO, "fred": FRED}
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
    if fault in ("429 seconds", "429 date"):
        assert RETRY_AFTER_SECONDS - 2 < sleeper.slept[0] <= RETRY_AFTER_SECONDS


def test_every_source_meets_every_fault() -> None:
    assert sorted((source, fault) for source, fault, *_ in CASES) == sorted(
        (source, fault) for source in SUBJECTS for fault in FAULTS
    )
