"""Every case from the field with its right value, and at least two more inputs that differ in form.

`cases_of_files` and `cases_of_market` hold them: the door that an input comes in by, the input, and what
must be found. Values are our own. The tests of this folder hold more of each kind; what needs a whole
project is held by one of them alone (`ELSEWHERE`).
"""

import re
from pathlib import Path
from typing import Final

import pytest

from sigmasight_dagster_tests.field_cases import cases_of_files, cases_of_market
from sigmasight_dagster_tests.field_cases.reading import Case

CASES: Final = [*cases_of_files.CASES, *cases_of_market.CASES]
FIELD_CASES: Final = (
    *("01", "04", "05", "06", "08", "09", "11", "12", "14", "17", "18", "19", "20", "21", "22", "24", "25"),
    *("26", "40", "41", "45", "48", "49", "50", "51", "53", "54", "words"),
)
"""The table of the field's cases."""

ELSEWHERE: Final = {
    "05": ("test_actions_of_files.py", "test_splits_of_the_list_count_from_each_entry_on"),
    "06": ("test_doubtful.py", "test_a_bad_print_a_spin_off_and_a_jump"),
    "17": ("test_doubtful.py", "test_a_bad_print_a_spin_off_and_a_jump"),
    "26": ("../core/options/test_risk_free.py", "test_a_yield_far_from_the_expiry_is_told_as_extrapolated"),
    "40": ("test_portfolio_doors.py", "test_the_cash_stays_unless_it_is_given"),
    "41": ("test_closures.py", "test_a_declared_closure_is_no_session"),
    "50": ("test_actions_since_entry.py", "test_imported_and_run"),
}
"""Cases that a test of another file holds, by its path from here and its name."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_every_case(case: Case) -> None:
    found = case.door(case.given)
    for name, value in case.right.items():
        if isinstance(value, str):
            assert re.search(value, found[name], re.DOTALL), found
        else:
            assert found[name] == value, found


@pytest.mark.parametrize("number", FIELD_CASES)
def test_every_case_has_a_test_and_two_more_inputs(number: str) -> None:
    inputs = sum(number == case.number for case in CASES)
    file, name = ELSEWHERE.get(number, ("", ""))
    assert inputs >= 3 or file, f"case {number} has no test: add it to CASES or ELSEWHERE"
    if file:
        assert f"def {name}(" in (Path(__file__).parent / file).read_text(), f"{file} has no {name}"


def test_there_are_no_other_cases() -> None:
    assert {*(case.number for case in CASES), *ELSEWHERE} == set(FIELD_CASES)
