"""Portfolio CSV: the demo portfolios, every accepted spelling, and every refusal with its line and reason."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_rows import MAX_ROWS
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.tables import Positions, validate

HEADER = "ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price"
AS_OF = pd.Timestamp("2024-06-28")

HEDGE_FUND = """ticker,quantity,entry_price,entry_date,tags
NVDA,800,700.00,2024-01-05,long_momentum
BRK-B,600,440.00,2024-01-16,long_momentum
NFLX,-600,490.00,2024-01-25,short_value_traps
SPY250919C00460000,200,7.00,2024-01-10,options_overlay
VIX250716C00025000,300,2.50,2024-01-16,options_overlay
AAPL250815P00200000,-100,4.50,2024-01-22,options_overlay
"""


def parse(text: str | bytes, known: set[str] | None = None) -> ParsedPortfolio:
    parsed = parse_portfolio_csv(text, "book", "book.csv", AS_OF, known)
    validate(Positions, parsed.positions)
    return parsed


def parse_row(row: str, known: set[str] | None = None) -> ParsedPortfolio:
    return parse(f"{HEADER}\n{row}\n", known)


def refusal(row: str, known: set[str] | None = None) -> tuple[str, str]:
    """Column and reason of the one error of a row, which is on line 2 and makes no position."""
    parsed = parse_row(row, known)
    assert len(parsed.positions) == 0
    assert parsed.errors["line"].tolist() == [2]
    return parsed.errors["column"].item(), parsed.errors["reason"].item()


class TestPositions:
    def test_the_demo_hedge_fund(self) -> None:
        parsed = parse(HEDGE_FUND)
        assert len(parsed.errors) == len(parsed.warnings) == 0
        rows = parsed.positions
        assert rows["position_type"].tolist() == ["LONG", "LONG", "SHORT", "LC", "LC", "SP"]
        assert rows["underlying"].tolist() == ["NVDA", "BRK-B", "NFLX", "SPY", "VIX", "AAPL"]
        assert rows["multiplier"].tolist() == [1, 1, 1, 100, 100, 100]
        assert rows["strike"].tolist()[3:] == [460.0, 25.0, 200.0]
        assert rows["expiry_date"].tolist()[3:] == [
            pd.Timestamp(d) for d in ("2025-09-19", "2025-07-16", "2025-08-15")
        ]
        assert rows["expiry_date"].isna().tolist() == [True] * 3 + [False] * 3
        assert rows["position_id"].tolist()[3] == "SPY250919C00460000@2024-01-10"
        assert (rows["portfolio"] == "book").all()
        assert rows["quantity"].tolist() == [800, 600, -600, 200, 300, -100]

    def test_other_spellings_and_any_order(self) -> None:
        header = "\ufeffStrategy,Trade Date, QTY ,PRICE,Symbol,broker,Tags"
        text = header + '\r\nmomentum,2024-01-05,1e2,.5,brk.b,x,"a, b"\r\n'
        for data in (text, text.encode()):
            row = parse(data).positions.iloc[0]
            assert row["symbol"] == "BRK-B"
            assert (row["quantity"], row["entry_price"]) == (100.0, 0.5)
            assert row["tags"] == "a,b,momentum"

    def test_a_padded_option_symbol_is_stored_compact(self) -> None:
        row = parse_row("AAPL  240719P00150000,-2,1.5,2024-01-05,,,").positions.iloc[0]
        assert (row["symbol"], row["position_type"]) == ("AAPL240719P00150000", "SP")

    def test_an_exit(self) -> None:
        row = parse_row("AAPL,10,180,2024-01-05,,2024-02-05,190.5").positions.iloc[0]
        assert (row["exit_date"], row["exit_price"]) == (pd.Timestamp("2024-02-05"), 190.5)

    def test_a_worthless_exit_and_a_same_day_exit_are_exits(self) -> None:
        row = parse_row("AAPL240719P00150000,1,2,2024-01-05,,2024-01-05,0").positions.iloc[0]
        assert (row["exit_date"], row["exit_price"]) == (row["entry_date"], 0.0)

    def test_without_optional_columns(self) -> None:
        row = parse("ticker,quantity,entry_price,entry_date\nAAPL,1,2,2024-01-05").positions.iloc[0]
        assert row["tags"] == ""
        assert pd.isna(row["notes"])
        assert np.isnan(row["exit_price"])

    def test_blank_lines_do_not_count(self) -> None:
        parsed = parse(f"\n{HEADER}\n\n ,,,,,,\nAAPL,1,2,2024-01-05,,,\n\nMSFT,x,2,2024-01-05,,,\n")
        assert len(parsed.positions) == 1
        assert parsed.errors["line"].tolist() == [7]

    def test_an_occ_root_without_hyphen_finds_its_underlying(self) -> None:
        parsed = parse_row("BRKB240719P00300000,1,2,2024-01-05,,,", {"BRK-B", "AAPL"})
        assert parsed.positions["underlying"].item() == "BRK-B"


class TestWarnings:
    @pytest.mark.parametrize(
        ("day", "session", "why"),
        [("2024-01-06", "2024-01-08", "weekend"), ("2024-03-29", "2024-04-01", "NYSE holiday (Good Friday)")],
    )
    def test_a_non_session_moves_to_the_next_session(self, day: str, session: str, why: str) -> None:
        parsed = parse_row(f"AAPL,1,2,{day},,,")
        assert parsed.positions["position_id"].item() == f"AAPL@{session}"
        assert parsed.warnings.iloc[0].tolist() == [
            2,
            "entry_date",
            day,
            f"not a session ({why}): moved to {session}",
        ]

    def test_an_exit_moves_too(self) -> None:
        parsed = parse_row("AAPL,1,2,2024-01-05,,2024-01-14,3")
        assert parsed.positions["exit_date"].item() == pd.Timestamp("2024-01-16")
        assert parsed.warnings["column"].tolist() == ["exit_date"]

    def test_fractional_contracts(self) -> None:
        parsed = parse_row("AAPL240719P00150000,1.5,2,2024-01-05,,,")
        assert parsed.positions["quantity"].item() == 1.5
        assert "whole number" in parsed.warnings["reason"].item()

    def test_refused_rows_have_no_warnings(self) -> None:
        assert len(parse_row("AAPL,0,2,2024-01-06,,,").warnings) == 0

    def test_lots_of_one_day_are_kept_also_after_a_move(self) -> None:
        parsed = parse(f"{HEADER}\nAAPL,1,2,2024-01-06,,,\nAAPL,1,2,2024-01-08,,,\nAAPL,1,2,2024-01-09,,,\n")
        assert parsed.errors.empty
        assert parsed.positions["position_id"].tolist() == [
            "AAPL@2024-01-08",
            "AAPL@2024-01-08#2",
            "AAPL@2024-01-09",
        ]
        assert parsed.lines.tolist() == [2, 3, 4]
        same = parsed.warnings[parsed.warnings["column"] == "ticker"].iloc[0]
        assert same.tolist()[:3] == [3, "ticker", "AAPL"]
        assert "the same lot as in line 2" in same["reason"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("row", "column", "reason"),
        [
            (",1,2,2024-01-05,,,", "ticker", "missing"),
            ("A B,1,2,2024-01-05,,,", "ticker", "not a symbol"),
            ("=HYPERLINK(0),1,2,2024-01-05,,,", "ticker", "not a symbol"),
            ("AAPL240231C00150000,1,2,2024-01-05,,,", "ticker", "2024-02-31 is not a date"),
            ("AAPL240119C00000000,1,2,2024-01-05,,,", "ticker", "strike is zero"),
            ("AAPL240119C00150000,1,2,2024-01-22,,,", "ticker", "expired on 2024-01-19, before its entry"),
            ("AAPL,,2,2024-01-05,,,", "quantity", "missing"),
            ("AAPL,0,2,2024-01-05,,,", "quantity", "zero"),
            ('AAPL,"1,000",2,2024-01-05,,,', "quantity", "write 1234.5 instead of 1,234.5"),
            ("AAPL,1'000,2,2024-01-05,,,", "quantity", "thousands separator"),
            ("AAPL,ten,2,2024-01-05,,,", "quantity", "not a number"),
            ("AAPL,(10),2,2024-01-05,,,", "quantity", "negative as -1234.5"),
            ("AAPL,nan,2,2024-01-05,,,", "quantity", "not a finite number"),
            ("AAPL,-inf,2,2024-01-05,,,", "quantity", "not a finite number"),
            ("AAPL,1_000,2,2024-01-05,,,", "quantity", "not a number"),
            ("AAPL,1e999,2,2024-01-05,,,", "quantity", "not finite"),
            ("AAPL,10,-1e-300,2024-01-05,,,", "entry_price", "closer to 0 than 1e-12"),
            ("AAPL,1,$150.25,2024-01-05,,,", "entry_price", "write 150.25 instead of $150.25"),
            ("AAPL,1,-5,2024-01-05,,,", "entry_price", "not positive"),
            ("AAPL,1,2,,,,", "entry_date", "missing"),
            ("AAPL,1,2,01/05/2024,,,", "entry_date", "YYYY-MM-DD"),
            ("AAPL,1,2,2024-1-5,,,", "entry_date", "YYYY-MM-DD"),
            ("AAPL,1,2,2024-02-30,,,", "entry_date", "no such date"),
            ("AAPL,1,2,2024-07-01,,,", "entry_date", "in the future of 2024-06-28"),
            ("AAPL,1,2,1022-06-27,,,", "entry_date", "a year that cannot be"),
            ("AAPL,1,2,2024-01-05,,2024-01-04,3", "exit_date", "before the entry"),
            ("AAPL,1,2,2024-01-05,,2024-07-01,3", "exit_date", "in the future"),
            ("AAPL,1,2,2024-01-05,,2024-02-05,", "exit_price", "exit_date without exit_price"),
            ("AAPL,1,2,2024-01-05,,,3", "exit_date", "exit_price without exit_date"),
            ("AAPL,1,2,2024-01-05,,2024-02-05,-3", "exit_price", "negative"),
            ("AAPL240119C00150000,1,2,2024-01-05,,2024-01-22,3", "exit_date", "after the option's expiry"),
            ("AAPL,1,2,2024-01-05,a-b,,", "tags", "'a-b' is not a tag"),
            ("AAPL,1,2,2024-01-05,abcdefghijklmnopqrstu,,", "tags", "at most 20"),
            ("AAPL,1,2,2024-01-05", "", "too few fields: 4 instead of 7"),
            ("AAPL,1,000,2,2024-01-05,,,", "", "too many fields: 8 instead of 7"),
            ('AAPL,1,2,2024-01-05,"a,b,,', "", "quotes are not balanced"),
        ],
    )
    def test_a_bad_row(self, row: str, column: str, reason: str) -> None:
        found = refusal(row)
        assert found[0] == column
        assert reason in found[1]

    @pytest.mark.parametrize(
        ("written", "reason"),
        [
            ("x" * 501, "longer than 500 characters"),
            ("a\x07b", "a control character"),
            ("a\u202eb", "a control character"),
        ],
    )
    def test_notes_that_are_refused(self, written: str, reason: str) -> None:
        errors = parse(f"{HEADER},notes\nAAPL,1,2,2024-01-05,,,,{written}\n").errors
        assert errors["column"].tolist() == ["notes"]
        assert reason in errors["reason"].iloc[0]

    def test_notes_are_one_line_of_anything_else(self) -> None:
        typed = '"said ""<b>=1+1</b>"",\n\n\tthen\u00a0sold"'
        row = parse(f"{HEADER},notes\nAAPL,1,2,2024-01-05,,,,{typed}\n").positions.iloc[0]
        assert row["notes"] == 'said "<b>=1+1</b>", then sold'

    def test_unknown_symbols(self) -> None:
        known = {"AAPL", "BRK-B"}
        assert refusal("ZZZZ,1,2,2024-01-05,,,", known)[1].startswith("unknown symbol ZZZZ; cure: ")
        option = refusal("ZZZZ240719C00150000,1,2,2024-01-05,,,", known)[1]
        assert option.startswith("unknown underlying ZZZZ; cure: ")
        assert len(parse_row("BRK.B,1,2,2024-01-05,,,", known).positions) == 1

    def test_every_fault_of_a_row_and_every_row_is_listed(self) -> None:
        parsed = parse(f"{HEADER}\nAAPL,0,-1,x,,,\nMSFT,1,2,2024-01-05,,,\nGE,y,2,2024-01-05,,,\n")
        assert parsed.errors[["line", "column"]].values.tolist() == [
            [2, "quantity"],
            [2, "entry_price"],
            [2, "entry_date"],
            [4, "quantity"],
        ]
        assert parsed.positions["symbol"].tolist() == ["MSFT"]


class TestFiles:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            ("", "empty"),
            (" \n,,\n", "empty"),
            (HEADER, "no position"),
            ("ticker,qty\nAAPL,1", "missing columns: entry_price, entry_date"),
            ("ticker;quantity;entry_price;entry_date\nAAPL;1;2;2024-01-05", "separate the columns by commas"),
            ("ticker,symbol,qty,price,entry_date\nA,A,1,2,2024-01-05", "ticker and symbol mean the same"),
            ('"ticker,qty\nAAPL,1', "header row: quotes"),
            (HEADER.encode("utf-16"), "not UTF-8"),
            (b"ticker,quantity,entry_price,entry_date,tags\nAAPL,1,2,2024-01-05,caf\xe9", "not UTF-8"),
            (HEADER + "\nA" * (MAX_ROWS + 1), "more than 10,000"),
            (" " * 10_000_001, "more than 10,000,000"),
        ],
    )
    def test_an_unreadable_file_is_named(self, data: str | bytes, reason: str) -> None:
        with pytest.raises(InputError, match=r"^book\.csv: ") as error:
            parse(data)
        assert reason in str(error.value)

    def test_ten_thousand_rows(self) -> None:
        rows = "\n".join(f"S{n},1,2,2024-01-05,,," for n in range(MAX_ROWS))
        assert len(parse(f"{HEADER}\n{rows}").positions) == MAX_ROWS
