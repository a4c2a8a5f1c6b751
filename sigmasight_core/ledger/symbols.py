"""The ticker of a row to its symbol and underlying: spellings, options' roots, renames, what is known."""

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.ledger.csv_fields import Report, is_blank
from sigmasight_core.ledger.spelling import Spelling, spell
from sigmasight_core.ledger.symbol_changes import SYMBOL_CHANGES, Renamed, SymbolChange, renamed, resolved
from sigmasight_core.options import occ

UNKNOWN: Final = ("unknown symbol ", "unknown underlying ")
"""How the reasons begin for which a symbol without market data is refused."""
ADD_PRICES: Final = "add its prices to the market data"
"""The cure in such a reason, where the market data may be added to."""

_CHANGES: Final = resolved(SYMBOL_CHANGES)


def parse_symbols(
    rows: pd.DataFrame,
    known_symbols: Collection[str] | None,
    report: Report,
    dates: "pd.Series[pd.Timestamp]",
    changes: Iterable[SymbolChange] = _CHANGES,
) -> pd.DataFrame:
    """Columns symbol, underlying, expiry_date, strike and is_call; symbol missing where refused.

    A symbol that was renamed (`changes`) after its date and is not among the known ones is read as its
    successor, with a warning. One of a later date is somebody else's: it is kept, with a warning.

    :param dates: the date of each row, on which its ticker was good; NaT = before every change.
    """
    text = rows["ticker"].str.upper()
    options = occ.parse_occ(text)
    is_option = options["compact"].notna()
    broken = text.map({name: occ.occ_error(name) for name in text[~is_option].unique()}).astype("str")
    wrong_option = ~is_option & broken.notna()
    report.refuse(is_blank(text), rows, "ticker", "the ticker is missing; fill it in")
    report.refuse(wrong_option, rows, "ticker", "not a valid option symbol: " + broken)
    stock = ~is_option & ~wrong_option & ~is_blank(text)
    linear = spelled(rows, "ticker", chosen=stock, known=known_symbols, report=report)
    roots = options["root"]
    odd = roots.map({root: occ.not_standard(root) for root in roots.dropna().unique()}).astype("str")
    report.refuse(odd.notna(), rows, "ticker", odd)
    standard = is_option & odd.isna()
    symbols = pd.DataFrame(
        {
            "symbol": options["compact"].where(standard, linear).astype("str"),
            "underlying": _underlyings(roots, known_symbols).where(standard, linear).astype("str"),
            "expiry_date": options["expiry_date"],
            "strike": options["strike"].astype(float),
            "is_call": options["is_call"],
        }
    )
    result = renamed(symbols, changes, known_symbols, dates)
    report.warn(
        result.happened.notna(), rows, "ticker", result.happened + ": imported as " + result.symbols["symbol"]
    )
    report.warn(result.later.notna(), rows, "ticker", result.later)
    if known_symbols is None:
        return result.symbols
    return result.symbols.assign(underlying=_known(result, is_option, set(known_symbols), rows, report))


def spelled(
    rows: pd.DataFrame,
    column: str,
    *,
    chosen: "pd.Series[bool]",
    known: Collection[str] | None,
    report: Report,
) -> "pd.Series[str]":
    """Symbols of the chosen rows, stocks and funds, in the project's spelling; missing where refused."""
    names = set(known or ())
    written = rows[column].where(chosen)
    found: dict[str, Spelling] = {text: spell(text, names) for text in written.dropna().unique()}
    problem = written.map({text: spelling.problem or None for text, spelling in found.items()}).astype("str")
    note = written.map({text: spelling.note or None for text, spelling in found.items()}).astype("str")
    report.refuse(problem.notna(), rows, column, problem)
    report.warn(note.notna(), rows, column, note)
    return written.map({text: spelling.symbol for text, spelling in found.items()}).astype("str")


def _underlyings(roots: "pd.Series[str]", known: Collection[str] | None) -> "pd.Series[str]":
    """Underlyings of roots: where prices are known, under the name that has them (`SPX` or `^SPX`)."""
    found = occ.underlyings(roots)
    if known is None:
        return found
    names = {root: (name, f"^{name}", root) for root, name in zip(roots, found, strict=True) if root == root}
    chosen = {root: next((name for name in few if name in known), few[0]) for root, few in names.items()}
    return roots.map(chosen).astype("str")


def _known(
    result: Renamed, is_option: "pd.Series[bool]", known: set[str], rows: pd.DataFrame, report: Report
) -> "pd.Series[str]":
    """Refuse unknown symbols. OCC roots have no hyphen: the root BRKB is the known symbol BRK-B."""
    underlying, happened = result.symbols["underlying"], result.happened.fillna(result.later)
    by_root = {name.replace("-", ""): name for name in sorted(known) if "-" in name}
    by_name = underlying.map({root: name for root, name in by_root.items() if root not in known})
    found = underlying.mask(is_option & by_name.notna(), by_name)
    unknown = found.notna() & ~found.isin(known)
    of_stock, of_option = UNKNOWN
    what = pd.Series(np.where(is_option, of_option, of_stock), index=found.index, dtype="str")
    why = (" (" + happened + ")").fillna("")
    reason = what + found.fillna("") + why + f"; cure: correct it, or {ADD_PRICES}"
    report.refuse(unknown, rows, "ticker", reason)
    return found
