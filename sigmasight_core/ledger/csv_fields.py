"""Fields of a portfolio CSV: text columns to numbers, dates, symbols and tags, and the report on bad ones."""

import re
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.ledger.symbol_changes import SYMBOL_CHANGES, SymbolChange, renamed, resolved
from sigmasight_core.options import occ

MAX_NUMBER: Final = 1e12
MAX_TAG: Final = 20

_NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SEPARATED: Final = r"[+-]?[0-9.,'\u00a0\u202f ]*[0-9][,'\u00a0\u202f ][0-9][0-9.,'\u00a0\u202f ]*"
_CURRENCY: Final = r".*(?:[$€£¥]|USD|EUR).*"
_NOT_FINITE: Final = r"[+-]?(?:nan|inf|infinity|n/a|#n/a|null|none)"
_SYMBOL: Final = r"\^?[A-Z0-9]{1,10}(?:[-=][A-Z0-9]{1,4})?"
_TAG: Final = re.compile(rf"\w{{1,{MAX_TAG}}}")
_SHOWN: Final = 100
_COLUMNS: Final = ["line", "column", "value", "reason"]
_CHANGES: Final = resolved(SYMBOL_CHANGES)


class Report:
    """Collects what is wrong with which line: `refuse` for errors, `warn` for what is kept."""

    def __init__(self) -> None:
        self._errors: list[pd.DataFrame] = []
        self._warnings: list[pd.DataFrame] = []

    def refuse(
        self, bad: "pd.Series[bool]", rows: pd.DataFrame, column: str, reason: "str | pd.Series[str]"
    ) -> None:
        """Refuse the rows where `bad`; `reason` is one text or one per row."""
        self._errors.append(_entries(bad, rows, column, reason))

    def warn(
        self, odd: "pd.Series[bool]", rows: pd.DataFrame, column: str, reason: "str | pd.Series[str]"
    ) -> None:
        """Keep the rows where `odd`, and say why they are odd."""
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
    """Finite numbers up to MAX_NUMBER in plain or scientific notation; NaN where blank or refused."""
    text = rows[column]
    blank = is_blank(text)
    plain = text.str.fullmatch(_NUMBER)
    number = pd.to_numeric(text.where(plain), errors="coerce").astype(float)
    large = number.abs() > MAX_NUMBER
    separated, currency = text.str.fullmatch(_SEPARATED), text.str.fullmatch(_CURRENCY, flags=re.IGNORECASE)
    reason = pd.Series(
        np.select(
            [
                (blank & needed).to_numpy(),
                large.to_numpy(),
                currency.to_numpy(),
                separated.to_numpy(),
                text.str.fullmatch(_NOT_FINITE, flags=re.IGNORECASE).to_numpy(),
                (~plain & ~blank).to_numpy(),
            ],
            [
                f"the {column} is missing; fill it in",
                "the number is not finite or larger than 1e12; correct it",
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
    return number.mask(large)


def parse_dates(
    rows: pd.DataFrame, column: str, report: Report, needed: bool = True
) -> "pd.Series[pd.Timestamp]":
    """Dates written YYYY-MM-DD; NaT where blank or refused."""
    text = rows[column]
    blank = is_blank(text)
    written = text.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
    dates = pd.to_datetime(text.where(written), format="%Y-%m-%d", errors="coerce").astype("datetime64[ns]")
    report.refuse(blank & needed, rows, column, f"the {column} is missing; write it as YYYY-MM-DD")
    report.refuse(~blank & ~written, rows, column, "not a date in the form YYYY-MM-DD, such as 2024-01-31")
    report.refuse(written & dates.isna(), rows, column, "there is no such date; correct it")
    return dates


def to_sessions(
    dates: "pd.Series[pd.Timestamp]", rows: pd.DataFrame, column: str, report: Report
) -> "pd.Series[pd.Timestamp]":
    """The same dates, each non-session moved to the next session with a warning."""
    early = dates < calendar.FIRST_DATE
    report.refuse(early, rows, column, f"before the trading calendar starts, {calendar.FIRST_DATE:%Y-%m-%d}")
    dates = dates.mask(early)
    moved = pd.Series(calendar.next_sessions(dates), index=dates.index).astype("datetime64[ns]")
    shifted = moved.notna() & (moved != dates)
    why = dates[shifted].map({day: calendar.non_session_reason(day) for day in dates[shifted].unique()})
    reason = "not a session (" + why.astype("str") + "): moved to " + moved[shifted].dt.strftime("%Y-%m-%d")
    report.warn(shifted, rows, column, reason.reindex(dates.index))
    return moved


def parse_symbols(
    rows: pd.DataFrame,
    known_symbols: Collection[str] | None,
    report: Report,
    changes: Iterable[SymbolChange] = _CHANGES,
) -> pd.DataFrame:
    """Columns symbol, underlying, expiry_date, strike and is_call; symbol missing where refused.

    A symbol that was renamed (`changes`) and is not among the known ones is read as its successor, with a
    warning.
    """
    text = rows["ticker"].str.upper()
    options = occ.parse_occ(text)
    is_option = options["compact"].notna()
    linear = text.str.replace(".", "-", regex=False)
    is_linear = ~is_option & linear.str.fullmatch(_SYMBOL)
    broken = text.map({name: occ.occ_error(name) for name in text[~is_option].unique()}).astype("str")
    wrong_option = ~is_option & broken.notna()
    report.refuse(is_blank(text), rows, "ticker", "the ticker is missing; fill it in")
    report.refuse(wrong_option, rows, "ticker", "not a valid option symbol: " + broken)
    nonsense = ~is_blank(text) & ~is_option & ~is_linear & ~wrong_option
    report.refuse(nonsense, rows, "ticker", "not a symbol; write it like AAPL, BRK-B or AAPL240119C00150000")

    valid = is_option | (is_linear & ~wrong_option)
    symbols = pd.DataFrame(
        {
            "symbol": options["compact"].where(is_option, linear).where(valid).astype("str"),
            "underlying": options["root"].where(is_option, linear).where(valid).astype("str"),
            "expiry_date": options["expiry_date"],
            "strike": options["strike"].astype(float),
            "is_call": options["is_call"],
        }
    )
    symbols, happened = renamed(symbols, changes, known_symbols)
    report.warn(happened.notna(), rows, "ticker", happened + ": imported as " + symbols["symbol"])
    if known_symbols is not None:
        happened = (" (" + happened + ")").fillna("")
        symbols["underlying"] = _known(
            symbols["underlying"], is_option, set(known_symbols), rows, report, happened
        )
    return symbols


def _known(
    underlying: "pd.Series[str]",
    is_option: "pd.Series[bool]",
    known: set[str],
    rows: pd.DataFrame,
    report: Report,
    happened: "pd.Series[str]",
) -> "pd.Series[str]":
    """Refuse unknown symbols. OCC roots have no hyphen: the root BRKB is the known symbol BRK-B."""
    by_root = {name.replace("-", ""): name for name in sorted(known) if "-" in name}
    renamed = underlying.map({root: name for root, name in by_root.items() if root not in known})
    found = underlying.mask(is_option & renamed.notna(), renamed)
    unknown = found.notna() & ~found.isin(known)
    what = pd.Series(
        np.where(is_option, "unknown underlying ", "unknown symbol "), index=found.index, dtype="str"
    )
    reason = what + found.fillna("") + happened + "; cure: correct it, or add its prices to the market data"
    report.refuse(unknown, rows, "ticker", reason)
    return found


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
