"""Option symbols of the Options Clearing Corporation: root, YYMMDD, C or P, strike x 1000 in 8 digits.

Two spellings are read: the compact one (`AAPL240119C00150000`) and the padded one of 21 characters
(`AAPL  240119C00150000`, OSI 2010). The project stores the compact one. Case and outer spaces do not matter.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError

_ROOT: Final = r"(?=[0-9]*[A-Z])[A-Z0-9]{1,6}"
_OCC: Final = re.compile(rf"({_ROOT}) *([0-9]{{6}})([CP])([0-9]{{8}})")
_OPTION_LIKE: Final = re.compile(r"([A-Z0-9.\-/^$]*?) *([0-9]{6}) *([A-Z]) *([0-9]+(?:\.[0-9]*)?)")
_MAX_STRIKE: Final = 99_999.999

UNDERLYINGS: Final[Mapping[str, str]] = {
    "SPXW": "SPX",
    "SPXPM": "SPX",
    "NDXP": "NDX",
    "RUTW": "RUT",
    "VIXW": "VIX",
    "DJXW": "DJX",
    "XEO": "OEX",
    "OEXW": "OEX",
    "BRKB": "BRK-B",
    "BFB": "BF-B",
    "HEIA": "HEI-A",
    "LGFA": "LGF-A",
    "LGFB": "LGF-B",
    "MOGA": "MOG-A",
    "PBRA": "PBR-A",
    "RDSA": "RDS-A",
    "RDSB": "RDS-B",
}
"""Underlyings whose symbol is not the root: weekly and PM-settled series of indices, and classes of shares.

XSP, NANOS, MRUT, NQX and XND are indices of their own (a tenth, and so on, of the large one).
"""


def parse_occ(symbols: "pd.Series[str]") -> pd.DataFrame:
    """Parse many symbols (n,) at once.

    :returns: a frame with the same index: `root` (str), `expiry_date` (datetime64[ns]), `is_call` (boolean),
        `strike` (USD, float), `compact` (str: the symbol in compact form). A row whose string is not a valid
        OCC symbol is missing in every column: `occ_error` says why.
    """
    codes, distinct = pd.factorize(symbols.to_numpy(dtype=object), use_na_sentinel=True)
    parsed = _parse_distinct(pd.Series(distinct, dtype="str"))
    return parsed.reindex(codes).set_axis(symbols.index)  # code -1 (missing) is no label: a missing row


def occ_error(symbol: str) -> str | None:
    """What is wrong with a symbol that was meant as an option.

    :returns: the reason with its cure, or None if the symbol is a valid OCC symbol or does not look like an
        option at all (six digits, a letter and a number at its end).
    """
    text = symbol.strip().upper()
    match = _OCC.fullmatch(text)
    if match:
        return _date_error(match[2]) or (None if int(match[4]) else "the strike is zero; write strike x 1000")
    loose = _OPTION_LIKE.fullmatch(text)
    if not loose:
        return None
    root, digits, kind, strike = loose.groups()
    if kind not in "CP":
        return f"the option type is {kind!r}; write C for a call or P for a put"
    if not re.fullmatch(r"[0-9]{8}", strike):
        return f"the strike {strike!r} does not have 8 digits; write strike x 1000, so that 150 is 00150000"
    if not root:
        return "the root is missing; write it as AAPL240119C00150000"
    if not re.fullmatch(_ROOT, root):
        return f"the root {root!r} is not 1 to 6 letters or digits; write BRKB for BRK.B"
    return _date_error(digits) or "it has spaces in the wrong place; write it as AAPL240119C00150000"


def underlyings(roots: "pd.Series[str]") -> "pd.Series[str]":
    """The underlying of each root (n,): the root itself, but for weeklies of indices and share classes."""
    return roots.map({root: UNDERLYINGS.get(root, root) for root in roots.dropna().unique()}).astype("str")


def not_standard(root: str) -> str | None:
    """Why contracts of a root cannot be valued, or None where they deliver 100 shares, or the index in cash.

    The OCC marks a contract that a merger, a spin-off or an odd split has adjusted by a digit at the end of
    its root (`AAPL1`; mini options, of 10 shares, by a 7), and a FLEX contract by one at the start.
    """
    if root[-1:].isdigit():
        return (
            f"{root} is the root of an adjusted contract, deliverable not known (a digit at its end): it "
            "cannot be valued; leave the row out"
        )
    if root[:1].isdigit():
        return f"{root} is the root of a FLEX contract, terms not known; leave the row out"
    return None


def format_occ(root: str, expiry: pd.Timestamp | dt.date | str, is_call: bool, strike: float) -> str:
    """The compact OCC symbol of one contract.

    :raises InputError: if the root, the expiry (2000 to 2099) or the strike (thousandths of a dollar, up to
        99,999.999) cannot be written in an OCC symbol.
    """
    name = root.strip().upper()
    if not re.fullmatch(_ROOT, name):
        raise InputError(f"option root {root!r} is not 1 to 6 letters or digits; write BRKB for BRK.B")
    day = pd.to_datetime(expiry, errors="coerce")
    if pd.isna(day) or not 2000 <= day.year <= 2099:
        raise InputError(f"option expiry {expiry!r} is not a date of this century; write it as YYYY-MM-DD")
    thousandths = round(strike * 1000) if np.isfinite(strike) else 0
    if not 0 < strike <= _MAX_STRIKE or abs(strike * 1000 - thousandths) > 1e-6 or not thousandths:
        raise InputError(f"option strike {strike!r} is not 0.001 to 99,999.999 in steps of 0.001; correct it")
    return f"{name}{day:%y%m%d}{'C' if is_call else 'P'}{thousandths:08d}"


def _parse_distinct(symbols: "pd.Series[str]") -> pd.DataFrame:
    text = symbols.str.strip().str.upper()
    parts = text.str.extract(rf"^{_OCC.pattern}$", expand=True)
    expiry = pd.to_datetime("20" + parts[1], format="%Y%m%d", errors="coerce").astype("datetime64[ns]")
    strike = pd.to_numeric(parts[3]).astype(float) / 1000
    valid = expiry.notna() & (strike > 0)
    return pd.DataFrame(
        {
            "root": parts[0].where(valid),
            "expiry_date": expiry.where(valid),
            "is_call": (parts[2] == "C").astype("boolean").where(valid),
            "strike": strike.where(valid),
            "compact": (parts[0] + parts[1] + parts[2] + parts[3]).where(valid),
        }
    )


def _date_error(digits: str) -> str | None:
    try:
        dt.date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return f"the expiry 20{digits[:2]}-{digits[2:4]}-{digits[4:]} is not a date; write it as YYMMDD"
    return None
