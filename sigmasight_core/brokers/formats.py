"""Texts in a broker's form to plain numbers and dates, or the report that they are none."""

import re
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.brokers.presets.rules import DateFormat, NumberFormat
from sigmasight_core.ledger.csv_fields import Report, parse_dates, parse_numbers

_MINUS: Final = "-\u2212\u2013"


def plain_numbers(text: "pd.Series[str]", form: NumberFormat) -> "pd.Series[str]":
    """Numbers as `1234.5` or `-1234.5`; missing where a text is no number of this form.

    :param text: stripped; an empty text is missing.
    """
    parts = text.str.extract(_number_pattern(form), expand=True)
    body = parts["whole"].fillna("") + parts["point"].fillna("")
    if form.thousands:
        whole = parts["whole"].fillna("").str.replace(form.thousands, "", regex=False)
        body = whole.str.replace("\u00a0", "", regex=False) + parts["point"].fillna("")
    body = body.str.replace(form.decimal, ".", regex=False) + parts["exponent"].fillna("")
    front = parts["front"].fillna("") + parts["inner"].fillna("")
    brackets = parts["open"].notna().astype(int), parts["close"].notna().astype(int)
    minus, trail = front.str.count(f"[{_MINUS}]"), parts["trail"].notna().astype(int)
    marks = minus + trail + brackets[0]
    fits = parts["body"].notna() & (brackets[0] == brackets[1]) & (marks <= 1) & (front.str.len() <= 1)
    allowed = {"minus": minus, "trailing minus": trail, "parentheses": brackets[0]}
    for name, count in allowed.items():
        if name not in form.negative:
            fits &= count == 0
    return body.mask(marks > 0, "-" + body).where(fits).astype("str")


@cache
def _number_pattern(form: NumberFormat) -> str:
    """A number with groups front, inner (signs), open, close, body, whole, point, exponent and trail."""
    point, signs = re.escape(form.decimal), "|".join(map(re.escape, form.currency))
    sign = rf"(?:(?:{signs})\s?)?" if signs else ""
    grouped = ""
    if form.thousands:
        separator = re.escape(form.thousands) if form.thousands.strip() else "[ \u00a0\u202f]"
        grouped = rf"[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+|"
    drop = "|".join(map(re.escape, form.drop))
    ending = rf"(?:{drop})?" if drop else ""
    return (
        rf"^(?P<open>\()?(?P<front>[{_MINUS}+])?\s?{sign}(?P<inner>[{_MINUS}+])?"
        rf"(?P<body>(?P<whole>{grouped}[0-9]+|(?={point}[0-9]))(?P<point>{point}[0-9]*)?(?P<exponent>[eE][+-]?[0-9]+)?)"
        rf"\s?{sign}(?P<trail>[{_MINUS}])?(?P<close>\))?{ending}$"
    )


def read_numbers(rows: pd.DataFrame, column: str, form: NumberFormat, report: Report) -> "pd.Series[float]":
    """Finite numbers of a column; NaN where blank or refused.

    :param rows: `line` and the column.
    """
    text = rows[column]
    if (text == "").all():
        return pd.Series(np.nan, index=text.index)
    plain = plain_numbers(text, form)
    report.refuse(
        (text != "") & plain.isna(), rows, column, f"not a number as the preset writes them, {said(form)}"
    )
    known = pd.DataFrame({"line": rows["line"], column: plain.fillna("")})
    return parse_numbers(known, column, report, needed=False)


def said(form: NumberFormat) -> str:
    """An example of a number in this form."""
    digits = f"1{form.thousands}234{form.decimal}50"
    negative = {"minus": f"-{digits}", "trailing minus": f"{digits}-", "parentheses": f"({digits})"}
    return " or ".join([digits, *(negative[name] for name in form.negative)])


def decimals(text: "pd.Series[str]", form: NumberFormat) -> "pd.Series[int]":
    """Digits after the decimal sign of each number as written; 0 where there are none."""
    plain = plain_numbers(text, form)
    digits = plain.str.extract(r"\.([0-9]+)", expand=True)[0]
    return digits.str.len().fillna(0).astype(int)


def read_dates(
    rows: pd.DataFrame, column: str, form: DateFormat, report: Report
) -> "pd.Series[pd.Timestamp]":
    """Dates of a column; NaT where refused, and a blank one is.

    :param rows: `line` and the column.
    """
    text = rows[column]
    part = text
    if form.part is not None:
        found = text.map({value: form.part.fullmatch(value) for value in text.unique()})
        part = found.map(lambda match: match[1] if match else None).astype("str")
    dates = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    for written in form.formats:
        read = pd.to_datetime(part.where(dates.isna()), format=written, errors="coerce")
        dates = dates.fillna(read.dt.normalize().astype("datetime64[ns]"))
    wrong = (text != "") & dates.isna()
    report.refuse(wrong, rows, column, f"not a date as the preset writes them ({', '.join(form.formats)})")
    iso = pd.DataFrame({"line": rows["line"], column: dates.dt.strftime("%Y-%m-%d").fillna("")})
    return parse_dates(iso[~wrong], column, report).reindex(text.index)
