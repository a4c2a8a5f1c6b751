"""Spellings of shares: classes, preferred series, warrants and listings to the one that the project keeps.

The project writes symbols as Yahoo does: `BRK-B` (class B), `BAC-PL` (preferred, series L), `ACHR-WT` (a
warrant), `PSTH-UN` (a unit). What has two meanings, or another currency, is refused with both named.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sigmasight_core.ledger import listings

_SYMBOL: Final = re.compile(r"\^?[A-Z0-9]{1,10}(?:[-=][A-Z0-9]{1,4})?")
_BASE: Final = r"([A-Z0-9]{1,6})"
_SEPARATOR: Final = r"[ ./\-_]"
_CLASS: Final = re.compile(rf"{_BASE}({_SEPARATOR})([A-Z])")
_PREFERRED: Final = re.compile(
    rf"{_BASE}(?:{_SEPARATOR}(?:PR|PFD|PREF){_SEPARATOR}?([A-Z])?|[ /\-_]P{_SEPARATOR}?([A-Z])|\.P([A-Z])"
    rf"|[\^$]([A-Z]))"
)
_PREFERRED_AS_WRITTEN: Final = re.compile(r"([A-Z]{1,5})p([A-Z]?)")
_WARRANT: Final = re.compile(rf"{_BASE}(?:{_SEPARATOR}(?:WS|WT|WTS){_SEPARATOR}?([A-Z])?|\+)")
_UNIT: Final = re.compile(rf"{_BASE}{_SEPARATOR}(?:U|UN|UT)")
_SUFFIXED: Final = re.compile(r"(.+)([.\-])([A-Z]{1,6})")
_BLOOMBERG: Final = re.compile(r"([A-Z0-9/]{1,8}) ([A-Z]{2})( EQUITY| INDEX)?")
_VENUE: Final = re.compile(r"([A-Z]{2,12}) ?: ?(\S+)")
_QUOTED_IN: Final = re.compile(
    r"[A-Z0-9]{2,6}-(EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|HKD|INR|KRW|BRL|BTC|ETH)"
    r"|(?:[A-Z]{3})?(?!USD)([A-Z]{3})=X"
)
_CRYPTO: Final = re.compile(r"([A-Z0-9]{2,6})-USDT?C?")
_CUSIP: Final = re.compile(r"(?=.*[0-9].*[0-9].*[0-9])[A-Z0-9*@#]{8}[0-9]")
_FIGI: Final = re.compile(r"BBG[0-9BCDFGHJKLMNPQRSTVWXYZ]{8}[0-9]")
_INDICES: Final = frozenset({"SPX", "NDX", "RUT", "VIX", "DJX", "OEX", "XEO", "XSP", "VXN"})
_CLASSES: Final = "ABCKV"
"""Letters of share classes at US exchanges; others behind a sign are preferred series or exchanges."""


_HELD: Final = "only shares, funds and listed options of US exchanges; leave the row out"


@dataclass(frozen=True)
class Spelling:
    """One symbol as it is kept, or why it is refused; `note` is told of what is kept."""

    symbol: str | None
    note: str = ""
    problem: str = ""


def plain_symbol(written: str) -> str:
    """A symbol as settings, files of prices and commands write it: `brk.b` is `BRK-B`."""
    return written.strip().upper().replace(".", "-")


def spell(written: str, known: Collection[str] = ()) -> Spelling:
    """The project's spelling of a stock, fund or index.

    :param written: as in the file; small letters count in `BACpL` alone.
    :param known: symbols with prices: one that is among them as it is written is kept so.
    """
    raw = " ".join(written.split())
    text = raw.upper()
    if text.startswith("^") or text in _INDICES:
        return Spelling(None, problem=f"{text} is an index, which nobody can hold; write the fund on it")
    if (plain := text.replace(".", "-")) in known:
        return Spelling(plain)
    if found := _PREFERRED_AS_WRITTEN.fullmatch(raw):
        return _read_as(text, f"{found[1]}-P{found[2]}")
    for read in (_numbered, _listed, _quoted, _classed, _special):
        if (result := read(text, known)) is not None:
            return result
    if not _SYMBOL.fullmatch(text):
        return Spelling(None, problem=_nonsense(text))
    if text.isdigit():
        return Spelling(text, note="has no letters, as no US symbol; correct it if it is a listing elsewhere")
    return Spelling(text)


def _read_as(text: str, symbol: str) -> Spelling:
    return Spelling(symbol, "" if text == symbol else f"read as {symbol}")


def _elsewhere(text: str, place: str, otherwise: str = "") -> Spelling:
    return Spelling(None, problem=f"{text} is {listings.elsewhere(place)}{otherwise}")


def _listed(text: str, known: Collection[str]) -> Spelling | None:
    """A symbol with an exchange: `LON:VOD`, `VOD LN Equity`, `VOD.L`, `AAPL.US`."""
    if found := _VENUE.fullmatch(text):
        return _at(text, found[2], found[1], listings.VENUES, listings.US_VENUES, known)
    found = _BLOOMBERG.fullmatch(text)
    if found and (found[3] or found[2] in listings.BLOOMBERG or found[2] == "US"):
        return _at(text, found[1], found[2], listings.BLOOMBERG, listings.BLOOMBERG_US, known)
    found = _SUFFIXED.fullmatch(text)
    if not found:
        return None
    base, sign, suffix = found.groups()
    if _special(text, known) and not (sign == "." and suffix in listings.SUFFIXES and base.isalnum()):
        return None
    if sign == "." and suffix in listings.US_SUFFIXES:
        kept = spell(base, known)
        return kept if kept.symbol is None else _read_as(text, kept.symbol)
    if suffix in listings.SUFFIXES and (sign == "." or len(suffix) > 1):
        return _elsewhere(text, listings.SUFFIXES[suffix], _other_meaning(base, suffix))
    return None


def _at(
    text: str, base: str, code: str, places: Mapping[str, str], home: Collection[str], known: Collection[str]
) -> Spelling:
    if code in home:
        kept = spell(base, known)
        return kept if kept.symbol is None else _read_as(text, kept.symbol)
    if code in places:
        return _elsewhere(text, places[code])
    return Spelling(None, problem=f"{code} is not an exchange that is known; write the symbol alone")


def _other_meaning(base: str, suffix: str) -> str:
    if suffix == "V":
        return f"; a class of shares is written {base}-{suffix}"
    if len(suffix) == 1:
        return f"; a preferred share of series {suffix} is written {base}-P{suffix}"
    return f"; a preferred share is written {base}-{suffix}" if suffix == "PA" else ""


def _quoted(text: str, known: Collection[str]) -> Spelling | None:  # noqa: ARG001 (as the other readings)
    """Pairs and futures: a price in another currency, or of a contract of unknown size."""
    if found := _QUOTED_IN.fullmatch(text):
        return Spelling(None, problem=f"{text} is quoted in {found[1] or found[2]}; only prices in USD")
    if text.endswith("=F"):
        return Spelling(None, problem=f"{text} is a future, whose contract size is not known; leave it out")
    if text.endswith("=X"):
        return Spelling(None, problem=f"{text} is a pair of currencies; {_HELD}")
    if _CRYPTO.fullmatch(text):
        return Spelling(None, problem=f"{text} is a cryptocurrency, which trades every day; {_HELD}")
    return None


def _numbered(text: str, known: Collection[str]) -> Spelling | None:  # noqa: ARG001
    """Numbers of securities: CUSIP (ANSI X9.6) with its check digit, FIGI."""
    what = "a FIGI" if _FIGI.fullmatch(text) else "a CUSIP" if _is_cusip(text) else ""
    return (
        Spelling(None, problem=f"{what}, not a symbol; write the ticker of the US listing") if what else None
    )


def _is_cusip(text: str) -> bool:
    """Whether the last digit is the check digit of the eight before it."""
    if not _CUSIP.fullmatch(text):
        return False
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"
    doubled = [signs.index(sign) * (1 + place % 2) for place, sign in enumerate(text[:8])]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(text[8])


def _classed(text: str, known: Collection[str]) -> Spelling | None:  # noqa: ARG001
    """A base and one letter: a class of shares."""
    found = _CLASS.fullmatch(text)
    if not found or found[3] == "U":
        return None
    base, sign, letter = found.groups()
    if sign == " " and len(base) == 1:
        return Spelling(None, problem=_nonsense(text))
    if letter in _CLASSES:
        return Spelling(f"{base}-{letter}")
    if letter == "P":
        return _read_as(text, f"{base}-P")
    return Spelling(
        None,
        problem=f"{text} is not a class of shares ({', '.join(_CLASSES)}): a preferred share of series "
        f"{letter} is written {base}-P{letter}; a listing outside of the US is not supported",
    )


def _special(text: str, known: Collection[str]) -> Spelling | None:  # noqa: ARG001
    """Preferred shares, warrants and units."""
    if found := _WARRANT.fullmatch(text):
        return _read_as(text, f"{found[1]}-WT{found[2] or ''}")
    if found := _UNIT.fullmatch(text):
        return _read_as(text, f"{found[1]}-UN")
    if found := _PREFERRED.fullmatch(text):
        series = next((letter for letter in found.groups()[1:] if letter), "")
        return _read_as(text, f"{found[1]}-P{series}")
    return None


def _nonsense(text: str) -> str:
    if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}[0-9]", text):
        return "an ISIN, not a symbol; write the ticker of the US listing"
    return "not a symbol; write it like AAPL, BRK-B or AAPL240119C00150000"
