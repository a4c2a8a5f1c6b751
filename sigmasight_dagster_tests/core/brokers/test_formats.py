"""Numbers and dates in the forms of brokers: what is written in a form is read, and nothing else."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core.brokers.formats import decimals, plain_numbers, read_dates, read_numbers
from sigmasight_core.brokers.presets.rules import SIGNS, DateFormat, NumberFormat
from sigmasight_core.ledger.csv_fields import Report

SEPARATORS = st.sampled_from([(".", ","), (",", "."), (".", ""), (",", ""), (".", "'"), (",", " ")])
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=4)


def written(number: Decimal, form: NumberFormat, sign: str, grouped: bool, currency: str) -> str:
    """A number as a broker writes it; built from digits, not by the code that reads it."""
    whole, _, fraction = f"{abs(number):f}".partition(".")
    if grouped and form.thousands:
        whole = re.sub(r"(?<=\d)(?=(\d{3})+$)", lambda _: form.thousands, whole)
    digits = whole + (form.decimal + fraction if fraction else "")
    digits = currency + digits
    if number >= 0:
        return digits
    return {"minus": f"-{digits}", "trailing minus": f"{digits}-", "parentheses": f"({digits})"}[sign]


@given(
    number=NUMBERS,
    separators=SEPARATORS,
    sign=st.sampled_from(SIGNS),
    grouped=st.booleans(),
    currency=st.sampled_from(["", "$", "US$"]),
)
def test_a_number_is_read_as_it_was_written(
    number: Decimal, separators: tuple[str, str], sign: str, grouped: bool, currency: str
) -> None:
    form = NumberFormat(separators[0], separators[1], ("US$", "$"), (sign,))
    text = written(number, form, sign, grouped, currency)
    rows, report = pd.DataFrame({"line": [7], "Amount": [text]}), Report()
    found = read_numbers(rows, "Amount", form, report)
    assert report.errors().empty
    assert found.iloc[0] == float(number)


@given(number=NUMBERS.filter(lambda value: value < 0), separators=SEPARATORS, sign=st.sampled_from(SIGNS))
def test_a_sign_that_the_preset_does_not_say_is_not_read(
    number: Decimal, separators: tuple[str, str], sign: str
) -> None:
    others = tuple(other for other in SIGNS if other != sign)
    form = NumberFormat(*separators, (), others)
    text = written(number, form, sign, True, "")
    assert plain_numbers(pd.Series([text], dtype="str"), form).isna().all()


@given(number=NUMBERS.filter(lambda value: abs(value) >= 1000))
def test_the_other_locale_is_never_read_as_another_number(number: Decimal) -> None:
    """1.234.567,8901 is no number with a decimal point, however it is grouped."""
    there = NumberFormat(",", ".", (), ("minus",))
    text = written(number, there, "minus", True, "")
    assert plain_numbers(pd.Series([text], dtype="str"), NumberFormat()).isna().all()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1,234.50", "1234.50"),
        ("-$1,234.50", "-1234.50"),
        ("$-1,234.50", "-1234.50"),
        ("($1,234.50)", "-1234.50"),
        ("$ 5", "5"),
        ("5 $", "5"),
        (".5", ".5"),
        ("5.", "5."),
        ("+5", "+5"),
        ("0E-10", "0E-10"),
        ("\u22125", "-5"),
        ("2S", "2"),
    ],
)
def test_forms_that_are_read(text: str, plain: str) -> None:
    form = NumberFormat(currency=("$",), negative=("minus", "parentheses"), drop=("S",))
    found = plain_numbers(pd.Series([text], dtype="str"), form).iloc[0]
    assert float(found) == float(plain)


@pytest.mark.parametrize(
    "text",
    [
        "1,23.5",
        "12,34",
        "1,2345",
        ",234",
        "1,234,56",
        "1 234",
        "--5",
        "-(5)",
        "(5",
        "5)",
        "(-5)",
        "5-",
        "€5",
        "5%",
        "$",
        "-",
        "",
        "1.2.3",
        "five",
        "nan",
        "inf",
        "1e",
        "0x10",
        "٣",
    ],
)
def test_forms_that_are_not(text: str) -> None:
    form = NumberFormat(currency=("$",), negative=("minus", "parentheses"))
    assert plain_numbers(pd.Series([text], dtype="str"), form).isna().all()


def test_a_number_that_is_no_number_is_refused_with_an_example() -> None:
    rows, report = pd.DataFrame({"line": [3, 4, 5], "Price": ["5,0", "", "1" * 14]}), Report()
    form = NumberFormat(negative=("minus", "trailing minus", "parentheses"))
    np.testing.assert_array_equal(read_numbers(rows, "Price", form, report), [np.nan] * 3)
    errors = report.errors()
    assert errors[["line", "value"]].to_numpy().tolist() == [[3, "5,0"], [5, "1" * 14]]
    assert errors["reason"].iloc[0].endswith("1,234.50 or -1,234.50 or 1,234.50- or (1,234.50)")
    assert "larger than 1e12" in errors["reason"].iloc[1]


def test_decimals_are_those_that_are_written() -> None:
    texts = pd.Series(["1,234.5678", "$5", "(2.50)", ""], dtype="str")
    form = NumberFormat(currency=("$",), negative=("parentheses",))
    assert decimals(texts, form).tolist() == [4, 0, 2, 0]


@given(
    date=st.dates(min_value=pd.Timestamp("1980-01-01").date(), max_value=pd.Timestamp("2040-01-01").date())
)
def test_a_date_is_read_by_the_first_format_that_fits(date: object) -> None:
    day = pd.Timestamp(str(date))
    form = DateFormat(("%m/%d/%Y", "%Y-%m-%d"), re.compile("(?:.* as of )?(.*)"))
    texts = [f"{day:%m/%d/%Y}", f"{day:%Y-%m-%d}", f"01/01/2000 as of {day:%m/%d/%Y}", f"{day:%d.%m.%Y}"]
    rows, report = pd.DataFrame({"line": range(4), "Date": texts}), Report()
    assert read_dates(rows, "Date", form, report).tolist() == [day, day, day, pd.NaT]
    assert report.errors()["line"].tolist() == [3]
