"""OCC symbols: both spellings, odd roots, refusals with a reason."""

import string

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.options.occ import format_occ, occ_error, parse_occ


def parse_one(symbol):
    return parse_occ(pd.Series([symbol])).iloc[0]


@pytest.mark.parametrize(
    ("symbol", "root", "expiry", "is_call", "strike"),
    [
        ("AAPL240119C00150000", "AAPL", "2024-01-19", True, 150.0),
        ("AAPL  240119C00150000", "AAPL", "2024-01-19", True, 150.0),
        ("SPX   141122P00019500", "SPX", "2014-11-22", False, 19.5),  # the OSI symbology guide's example
        ("LAMR  150117C00052500", "LAMR", "2015-01-17", True, 52.5),
        ("BRKB260116P00450000", "BRKB", "2026-01-16", False, 450.0),
        ("SPXW240229P05000000", "SPXW", "2024-02-29", False, 5000.0),
        ("AAPL1240119C00150000", "AAPL1", "2024-01-19", True, 150.0),
        ("F240119C00012350", "F", "2024-01-19", True, 12.35),
        (" googl250117c00175500 ", "GOOGL", "2025-01-17", True, 175.5),
    ],
)
def test_valid_symbols(symbol, root, expiry, is_call, strike):
    row = parse_one(symbol)
    assert (row["root"], row["expiry_date"], row["is_call"], row["strike"]) == (
        root,
        pd.Timestamp(expiry),
        is_call,
        strike,
    )
    assert row["compact"] == symbol.replace(" ", "").upper()
    assert occ_error(symbol) is None


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("AAPL240231C00150000", "2024-02-31 is not a date"),
        ("AAPL230229C00150000", "2023-02-29 is not a date"),
        ("AAPL241319C00150000", "2024-13-19 is not a date"),
        ("AAPL240119C00000000", "strike is zero"),
        ("AAPL240119X00150000", "type is 'X'"),
        ("AAPL240119C150", "does not have 8 digits"),
        ("AAPL240119C150.5", "does not have 8 digits"),
        ("BRK.B240119C00150000", "root 'BRK.B'"),
        ("TOOLONG240119C00150000", "root 'TOOLONG'"),
        ("240119C00150000", "root is missing"),
        ("AAPL240119 C00150000", "spaces"),
    ],
)
def test_option_like_but_invalid(symbol, reason):
    assert reason in occ_error(symbol)
    assert parse_one(symbol).isna().all()


@pytest.mark.parametrize("symbol", ["AAPL", "BRK-B", "SP500", "VTSAX", "", "2330", "CASH", "ÄPFEL"])
def test_other_symbols_are_not_options(symbol):
    assert occ_error(symbol) is None
    assert parse_one(symbol).isna().all()


def test_unicode_digits_are_not_digits():
    assert parse_one("AAPL24\u0660119C00150000").isna().all()


def test_many_symbols_keep_their_index_and_dtypes():
    symbols = pd.Series(
        ["AAPL240119C00150000", None, "AAPL", "AAPL  240119C00150000"], index=[7, 3, 3, 1], dtype="str"
    )
    parsed = parse_occ(symbols)
    assert parsed.index.tolist() == [7, 3, 3, 1]
    assert parsed["compact"].isna().tolist() == [False, True, True, False]
    assert parsed["compact"].iloc[0] == parsed["compact"].iloc[3]
    assert parsed["root"].notna().tolist() == [True, False, False, True]
    expected = {"root": "str", "expiry_date": "datetime64[ns]", "is_call": "boolean", "strike": "float64"}
    for frame in (parsed, parse_occ(symbols.iloc[:0]), parse_occ(symbols.iloc[1:2])):
        assert frame.dtypes.astype(str).to_dict() == {**expected, "compact": "str"}


@settings(deadline=None, derandomize=True)
@given(
    st.text(string.ascii_uppercase, min_size=1, max_size=6),
    st.dates(pd.Timestamp("2000-01-01").date(), pd.Timestamp("2099-12-31").date()),
    st.booleans(),
    st.integers(1, 99_999_999),
)
def test_round_trip(root, expiry, is_call, thousandths):
    symbol = format_occ(root, expiry, is_call, thousandths / 1000)
    row = parse_one(symbol)
    assert (row["root"], row["expiry_date"].date(), row["is_call"]) == (root, expiry, is_call)
    assert row["strike"] == thousandths / 1000
    assert row["compact"] == symbol
    padded = root.ljust(6) + symbol[len(root) :]
    assert len(padded) == 21
    assert parse_one(padded)["compact"] == symbol


def test_format():
    assert format_occ("aapl", "2024-01-19", True, 150) == "AAPL240119C00150000"
    assert format_occ("SPY", pd.Timestamp("2024-12-31"), False, 612.5) == "SPY241231P00612500"


@pytest.mark.parametrize(
    ("root", "expiry", "strike", "message"),
    [
        ("BRK.B", "2024-01-19", 150, "root 'BRK.B'"),
        ("AAPL", "2024-02-31", 150, "expiry '2024-02-31'"),
        ("AAPL", "1999-02-01", 150, "expiry '1999-02-01'"),
        ("AAPL", "2024-01-19", 0, "strike 0"),
        ("AAPL", "2024-01-19", 0.0004, "strike 0.0004"),
        ("AAPL", "2024-01-19", 150.12345, "strike 150.12345"),
        ("AAPL", "2024-01-19", 100_000, "strike 100000"),
        ("AAPL", "2024-01-19", float("nan"), "strike nan"),
    ],
)
def test_format_refuses(root, expiry, strike, message):
    with pytest.raises(InputError, match=message):
        format_occ(root, expiry, True, strike)
