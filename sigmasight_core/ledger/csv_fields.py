"""Fields of a portfolio CSV: text columns to numbers, dates and tags, and the report on bad ones."""

import re
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError

MAX_NUMBER: Final = 1e12
MIN_NUMBER: Final = 1e-12
"""But for 0, the smallest: NUMERIC, which has 38 decimals, would not hold every digit of one below it."""
MAX_TAG: Final = 20
MAX_NOTE: Final = 500
_YEARS: Final = (1800, 2200)

_NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SEPARATED: Final = r"[+-]?[0-9.,'\u00a0\u202f ]*[0-9][,'\u00a0\u202f ][0-9][0-9.,'\u00a0\u202f ]*"
_DOLLARS: Final = r".*(?:[$]|USD).*"
_FOREIGN: Final = (
    r"(?=.*[0-9]).*(?:(?<![A-Z])(?!US)[A-Z]{1,2}[$]|[€£¥₹₩₽₺₪₫₱¢]|(?<![A-Z])(?:EUR|GBP|GBX|JPY|CHF|CAD|AUD|NZD|HKD|SGD|CNY"
    r"|CNH|RMB|INR|KRW|TWD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|ZAC|ILS|ILA|TRY|RUB|BTC|ETH|FR|KR)(?![A-Z])"
    r"|[0-9] ?[PC]$).*"
)
_NOT_FINITE: Final = r"[+-]?(?:nan|inf|infinity|n/a|#n/a|null|none)"
_TAG: Final = re.compile(rf"\w{{1,{MAX_TAG}}}")
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, and those that turn the direction of what is shown after them."""
_SHOWN: Final = 100
_COLUMNS: Final = ["line", "column", "value", "reason"]


class Report:
    """Collects what is wrong with which line: `refuse` for errors, `warn` for what is kept."""

    def __init__(self) -> None:
        self._errors: list[pd.DataFrame] = []
        self._warnings: list[pd.DataFrame] = []

    def refuse(
        self, bad: "pd.Series[bool]", rows: pd.DataFrame, column: str, reason: "str | pd.Series[str]"
    ) -> None:
        """Refuse the rows where `bad`; `reason` is one text or one per row."""
        if bad.any():
            self._errors.append(_entries(bad, rows, column, reason))

    def warn(
        self, odd: "pd.Series[bool]", rows: pd.DataFrame, column: str, reason: "str | pd.Series[str]"
    ) -> None:
        """Keep the rows where `odd`, and say why they are odd."""
        if odd.any():
            self._warnings.append(_entries(odd, rows, column, reason))

    def refuse_line(self, line: int, text: str, reason: str) -> None:
        """Refuse a line that could not be cut into fields."""
        self._errors.append(pd.DataFrame([[line, "", text[:_SHOWN], reason]], columns=_COLUMNS))

    def refused_lines(self) -> set[int]:
        """Line numbers with at least one error."""
        return set(self.errors()["line"])

    def errors(self) -> pd.DataFrame:
        """Every error, by line."""
        return _sorted(self._errors)

    def warnings(self) -> pd.DataFrame:
        """Every warning on a row without an error, by line."""
        found = _sorted(self._warnings)
        return found[~found["line"].isin(self.refused_lines())].reset_index(drop=True)


def _entries(
    mask: "pd.Series[bool]", rows: pd.DataFrame, column: str, reason: "str | pd.Series[str]"
) -> pd.DataFrame:
    chosen = mask.fillna(False).to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "line": rows["line"][chosen],
            "column": column,
            "value": rows[column][chosen].str.slice(0, _SHOWN),
            "reason": reason if isinstance(reason, str) else reason[chosen],
        }
    )


def _sorted(entries: list[pd.DataFrame]) -> pd.DataFrame:
    found = pd.concat([entry for entry in entries if len(entry)] or [pd.DataFrame(columns=_COLUMNS)])
    types = {"line": "int64", "column": "str", "value": "str", "reason": "str"}
    return found.astype(types).sort_values("line", kind="stable", ignore_index=True)


def is_blank(text: "pd.Series[str]") -> "pd.Series[bool]":
    """Whether a field is empty."""
    return text == ""


def parse_numbers(rows: pd.DataFrame, column: str, report: Report, needed: bool = True) -> "pd.Series[float]":
    """Finite numbers, 0 or MIN_NUMBER to MAX_NUMBER, plain or scientific; NaN where blank or refused."""
    text = rows[column]
    blank = is_blank(text)
    plain = text.str.fullmatch(_NUMBER)
    number = pd.to_numeric(text.where(plain), errors="coerce").astype(float)
    large, small = number.abs() > MAX_NUMBER, number.abs().between(0, MIN_NUMBER, inclusive="neither")
    separated, capitals = text.str.fullmatch(_SEPARATED), text.str.upper()
    foreign, dollars = capitals.str.fullmatch(_FOREIGN), capitals.str.fullmatch(_DOLLARS)
    reason = pd.Series(
        np.select(
            [
                (blank & needed).to_numpy(),
                large.to_numpy(),
                small.to_numpy(),
                foreign.to_numpy(),
                dollars.to_numpy(),
                separated.to_numpy(),
                text.str.fullmatch(_NOT_FINITE, flags=re.IGNORECASE).to_numpy(),
                (~plain & ~blank).to_numpy(),
            ],
            [
                f"the {column} is missing; fill it in",
                "the number is not finite or larger than 1e12; correct it",
                "the number is closer to 0 than 1e-12; correct it",
                "another currency, or cents; only prices in USD are supported: write 150.25 for 150.25 USD",
                "a currency sign is not accepted; write 150.25 instead of $150.25",
                "a thousands separator or decimal comma is not accepted; write 1234.5 instead of 1,234.5",
                "not a finite number; fill in the real one",
                "not a number; write it like 1234.5, negative as -1234.5",
            ],
            default="",
        ),
        index=text.index,
        dtype="str",
    )
    report.refuse(reason != "", rows, column, reason)
    return number.mask(large | small)


def parse_dates(
    rows: pd.DataFrame, column: str, report: Report, needed: bool = True
) -> "pd.Series[pd.Timestamp]":
    """Dates written YYYY-MM-DD; NaT where blank or refused."""
    text = rows[column]
    blank = is_blank(text)
    written = text.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
    year = pd.to_numeric(text.str.slice(0, 4).where(written))
    odd = (year < _YEARS[0]) | (year > _YEARS[1])
    dates = pd.to_datetime(text.where(written & ~odd), format="%Y-%m-%d", errors="coerce")
    dates = dates.astype("datetime64[ns]")
    report.refuse(blank & needed, rows, column, f"the {column} is missing; write it as YYYY-MM-DD")
    report.refuse(~blank & ~written, rows, column, "not a date in the form YYYY-MM-DD, such as 2024-01-31")
    report.refuse(odd, rows, column, "a year that cannot be; correct the year")
    report.refuse(written & ~odd & dates.isna(), rows, column, "there is no such date; correct it")
    return dates


def to_sessions(
    dates: "pd.Series[pd.Timestamp]", rows: pd.DataFrame, column: str, report: Report
) -> "pd.Series[pd.Timestamp]":
    """The same dates, each non-session moved to the next session with a warning.

    Before the trading calendar starts only weekends are known: a holiday there stays as it is.
    """
    early = dates < calendar.FIRST_DATE
    moved = pd.Series(calendar.next_sessions(dates.mask(early)), index=dates.index).astype("datetime64[ns]")
    weekday = dates.dt.day_of_week
    monday = dates + pd.to_timedelta((7 - weekday).where(weekday >= 5, 0), unit="D")
    moved = moved.mask(early, monday)
    shifted = moved.notna() & (moved != dates)
    why = dates[shifted].map({day: _why_not(day) for day in dates[shifted].unique()})
    reason = "not a session (" + why.astype("str") + "): moved to " + moved[shifted].dt.strftime("%Y-%m-%d")
    report.warn(shifted, rows, column, reason.reindex(dates.index))
    return moved


def _why_not(day: pd.Timestamp) -> str | None:
    return "weekend" if day < calendar.FIRST_DATE else calendar.non_session_reason(day)


def refuse_bad_tag(tag: str) -> None:
    """:raises InputError: for what cannot be one tag."""
    if not _TAG.fullmatch(tag):
        raise InputError(f"{tag!r} is not a tag: at most {MAX_TAG} letters, digits or _")


def parse_tags(rows: pd.DataFrame, report: Report) -> "pd.Series[str]":
    """`tags` and `strategy` as one comma-separated text, each tag once, in the order written."""
    parsed = pd.Series("", index=rows.index, dtype="str")
    for column in ("tags", "strategy"):
        lists = {
            text: [tag.strip() for tag in text.split(",") if tag.strip()] for text in rows[column].unique()
        }
        bad = {text: next((t for t in tags if not _TAG.fullmatch(t)), None) for text, tags in lists.items()}
        culprit = rows[column].map(bad).astype("str")
        reason = (
            f"is not a tag: at most {MAX_TAG} letters, digits or _, several in quotes with commas between"
        )
        report.refuse(culprit.notna(), rows, column, "'" + culprit + "' " + reason)
        parsed = parsed + "," + rows[column].map({text: ",".join(tags) for text, tags in lists.items()})
    joined = {
        text: ",".join(dict.fromkeys(tag for tag in text.split(",") if tag)) for text in parsed.unique()
    }
    return parsed.map(joined).astype("str")


def parse_notes(rows: pd.DataFrame, report: Report) -> "pd.Series[str]":
    """`notes` as one line, line breaks and runs of blanks as one blank; missing where it is empty.

    What it says is the owner's: pages and files escape it where they show it.
    """
    notes = rows["notes"].str.split().str.join(" ")
    report.refuse(
        notes.str.len() > MAX_NOTE, rows, "notes", f"longer than {MAX_NOTE} characters; shorten the note"
    )
    report.refuse(
        notes.str.contains(_HIDDEN), rows, "notes", "has a control character; write the note in plain text"
    )
    return notes.mask(is_blank(notes))
