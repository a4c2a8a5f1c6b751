"""Spellings of options to OCC symbols: root, date, right and strike from the words of a broker."""

from typing import Final

import pandas as pd

from sigmasight_core.brokers.presets.rules import OPTION_PARTS
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_fields import Report
from sigmasight_core.options.occ import format_occ

MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}


def occ_symbols(parts: pd.DataFrame, shown: pd.DataFrame, column: str, report: Report) -> "pd.Series[str]":
    """OCC symbols of rows that name the parts of an option; missing where there are none or they are wrong.

    :param parts: columns OPTION_PARTS as text, missing where the row names no option.
    :param shown: `line` and `column` of the same rows, for what is refused.
    """
    named = parts["strike"].notna()
    distinct = parts[named].drop_duplicates()
    texts: dict[tuple[str, ...], str] = {}
    problems: dict[tuple[str, ...], str] = {}
    for key in distinct[list(OPTION_PARTS)].itertuples(index=False, name=None):
        try:
            texts[key] = _symbol(*key)
        except InputError as error:
            problems[key] = str(error)
    keys = pd.Series(list(parts[list(OPTION_PARTS)].itertuples(index=False, name=None)), index=parts.index)
    keys = keys.where(named)
    reason = keys.map(problems).astype("str")
    report.refuse(reason.notna(), shown, column, "not an option that can be read: " + reason)
    return keys.map(texts).astype("str")


def _symbol(root: str, year: str, month: str, day: str, right: str, strike: str) -> str:
    """:raises InputError: where the parts are no option."""
    name = "".join(sign for sign in root.upper() if sign.isalnum())
    number = MONTHS.get(month.strip().upper()[:3]) if month.strip().isalpha() else int(month)
    full = int(year) + (2000 if len(year.strip()) == 2 else 0)
    if number is None or not 1 <= number <= 12 or not 1 <= int(day) <= 31:
        raise InputError(f"{day} {month} {year} is not a date; correct it")
    price = float(strike.replace(",", ""))
    return format_occ(
        name, f"{full:04d}-{number:02d}-{int(day):02d}", right.strip().upper()[:1] == "C", price
    )
