"""What is wrong in a broker's file is refused with line, column, value and reason; the rest is still read."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.brokers.detect import detect
from sigmasight_core.brokers.history import Facts, read_history
from sigmasight_core.errors import InputError
from sigmasight_dagster_tests.core.brokers.reading import (
    TODAY,
    changed,
    example,
    held,
    presets,
    read,
    reason,
    refusals,
)

BUY = '"10/05/2022","Buy","MSFT","MICROSOFT CORP","40","$249.20","","-$9,968.00"\n'
SALE = '"11/29/2022","Sell","AAPL","APPLE INC","40","$141.17","$0.05","$5,646.75"\n'


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        (
            "trading212",
            "KO,Coca-Cola,40.0000000000,56.25,USD",
            "KO,Coca-Cola,40.0000000000,56.25,GBP",
            "two currencies in one file: USD (line 2, 3, 4 and more), GBP (line 3)",
        ),
        (
            "ibkr_flex",
            '"910000004","DETAIL"',
            '"910000004","DETAIL"\n"U0000001","EUR","1","","","X","20221206","5","Dividends","1","DETAIL"',
            "EUR (line 17)",
        ),
        ("degiro", '14,000.00",USD,"14,000.00",\n', '14,000.00",EUR,"14,000.00",\n', ""),
        ("degiro_nl", ",USD,", ",EUR,", "another currency than USD: EUR (line 2, 3, 4 and more)"),
        (
            "vanguard",
            "10000001,2022-12-14",
            "10000002,2022-12-14",
            "two accounts in one file: 10000001 (line 7, 9, 10 and more), 10000002 (line 14)",
        ),
    ],
)
def test_a_file_of_two_kinds_is_refused_as_a_whole(name: str, old: str, new: str, named: str) -> None:
    text = changed(name, (old, new))
    if not named:
        assert read(text, name).errors.empty  # the currency of a balance, which is not used
        return
    with pytest.raises(InputError) as refused:
        read(text, name)
    assert named in str(refused.value)
    assert "Nothing is imported" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "old", "new", "refused", "why"),
    [
        (
            "schwab",
            "$5,646.75",
            "$5,656.75",
            (6, "Amount", "$5,656.75"),
            "not quantity x price and fees, which make 5,646.75 (differs by 10.00)",
        ),
        (
            "schwab",
            "-$9,968.00",
            "$9,968.00",
            (12, "Amount", "$9,968.00"),
            "bought, and the amount has the other sign",
        ),
        (
            "schwab",
            '"Buy","MSFT"',
            '"Gift","MSFT"',
            (12, "Action", "Gift"),
            "no rule of table transactions says what",
        ),
        (
            "schwab",
            '"40","$249.20"',
            '"-40","$249.20"',
            (12, "Quantity", "-40"),
            "bought, and the quantity is negative",
        ),
        (
            "schwab",
            '"$249.20"',
            '"249,20"',
            (12, "Price", "249,20"),
            "not a number as the preset writes them, 1,234.50",
        ),
        (
            "schwab",
            '"$249.20"',
            '"€249.20"',
            (12, "Price", "€249.20"),
            "not a number as the preset writes them",
        ),
        ("schwab", '"$249.20"', '""', (12, "Price", ""), "a trade without a price"),
        (
            "schwab",
            '"10/05/2022"',
            '"2022-10-05"',
            (12, "Date", "2022-10-05"),
            "not a date as the preset writes them",
        ),
        (
            "schwab",
            '"10/05/2022"',
            '"02/30/2022"',
            (12, "Date", "02/30/2022"),
            "not a date as the preset writes them",
        ),
        ("schwab", '"10/05/2022"', '"10/05/2032"', (12, "Date", "10/05/2032"), "in the future of 2022-12-28"),
        ("schwab", '"MSFT","MICROSOFT', '"","MICROSOFT', (12, "Symbol", ""), "the ticker is missing"),
        ("schwab", '"MSFT","MICROSOFT', '"VOD.L","MICROSOFT', (12, "Symbol", "VOD.L"), "London"),
        (
            "schwab",
            'AAPL 12/16/2022 150.00 C","CALL APPLE INC $150 EXP 12/16/22","2","$3',
            'AAPL 13/16/2022 150.00 C","CALL APPLE INC $150 EXP 12/16/22","2","$3',
            (11, "Symbol", "AAPL 13/16/2022 150.00 C"),
            "not an option that can be read: 16 13 2022 is not a date",
        ),
        (
            "schwab",
            '"10/11/2022","Buy to Open"',
            '"12/19/2022","Buy to Open"',
            (11, "Date", "12/19/2022"),
            "after the option's expiry",
        ),
        ("schwab", '"-$25.00"', '""', (4, "Amount", ""), "no amount"),
        ("schwab", '"$50,000.00"', '""', (14, "Amount", ""), "says whether it is deposit or withdrawal"),
        ("vanguard", "-8118.50,0.0,CASH", "-8118.50,12.5,CASH", (9, "Accrued Interest", "12.5"), "bonds"),
        (
            "ibkr_flex",
            '"OPT","JNJ   221216C00185000","JNJ 16DEC22 185 C","20221101"',
            '"FUT","JNJ   221216C00185000","JNJ 16DEC22 185 C","20221101"',
            (6, "AssetClass", "FUT"),
            "only shares",
        ),
        ("ibkr_flex", '"1.15","100"', '"1.15","10"', (6, "Multiplier", "10"), "not the 100 of this symbol"),
        (
            "ibkr_flex",
            '"20221005","50","163.05","1","0","-1","USD","-8153.5","BUY","O"',
            '"20221005","50","163.05","1","0","-1","USD","-8153.5","BUY","C;O"',
            (4, "LevelOfDetail", "EXECUTION"),
            "closes a position and opens the opposite one",
        ),
        (
            "trading212",
            "1.00000000,,,2250.00",
            "0.91000000,,,2250.00",
            (3, "Exchange rate", "0.91000000"),
            "another currency",
        ),
        (
            "degiro",
            "US5949181045,Buy 30",
            "US0000000000,Buy 30",
            (8, "ISIN", "US0000000000"),
            "an ISIN, not a symbol",
        ),
        (
            "ibkr_activity",
            "Codes,Header",
            "Forex Swaps,Header",
            (34, "", "Forex Swaps,Header,Code,Meaning"),
            "table 'Forex Swaps' is not known",
        ),
        (
            "etrade",
            "All Transactions Activity Types",
            "Something else",
            (1, "", "Something else"),
            "before the header",
        ),
    ],
)
def test_a_row_is_refused_with_its_reason(
    name: str, old: str, new: str, refused: tuple[int, str, str], why: str
) -> None:
    history = read(changed(name, (old, new)), name)
    assert refused in refusals(history)
    assert {line for line, _, _ in refusals(history)} == {refused[0]}
    assert why in reason(history, refused[0])
    assert refused[0] not in set(history.transactions["source_line"])
    assert len(history.transactions) > 5


def test_a_preset_that_is_told_another_form_reads_it() -> None:
    """The same export with a decimal comma and trailing minus, by a preset that says so."""
    text = changed("degiro_nl", ('"-2.161,50"', '"2.161,50-"'))
    assert refusals(read(text, "degiro_nl")) == [(7, "Mutatie (2)", "2.161,50-")]


def test_numbers_of_another_locale_are_not_read_as_if_they_were_of_this_one() -> None:
    """1.234 is 1234 there and 1.234 here: quantity x price does not make the amount."""
    text = changed("degiro", ('"-7,375.52"', '"-7.375,52"'))
    assert refusals(read(text, "degiro")) == [(8, "Change (2)", "-7.375,52")]


def test_a_row_that_is_there_twice_counts_once() -> None:
    once, twice = read(example("schwab"), "schwab"), read(changed("schwab", (BUY, BUY + BUY)), "schwab")
    assert twice.errors.empty
    assert held(twice) == held(once)
    assert twice.transactions["amount"].sum() == once.transactions["amount"].sum()
    assert reason(twice, 13) == "the same as line 12: counted once (two trades: --repeats each)"
    assert twice.warnings["line"].tolist() == [13]
    facts = Facts(TODAY, repeats="each")
    each = read_history(changed("schwab", (BUY, BUY + BUY)), "file.csv", "book", presets()["schwab"], facts)
    assert held(each)["MSFT"] == held(once)["MSFT"] + 40
    assert each.warnings.empty


def test_the_same_id_counts_once_and_with_something_else_is_refused() -> None:
    row = next(line for line in example("ibkr_flex").splitlines(keepends=True) if "MARKET DATA FEE" in line)
    history = read(changed("ibkr_flex", (row, row + row)), "ibkr_flex")
    assert history.errors.empty
    assert "counted once" in reason(history, 18)
    assert history.transactions["amount"].sum() == pytest.approx(39334.68)
    other = row.replace("-4.5", "-4.6")
    history = read(changed("ibkr_flex", (row, row + other)), "ibkr_flex")
    assert [(line, value) for line, _, value in refusals(history)] == [(18, "910000005")]
    assert "the id of line 17, which says something else" in reason(history, 18)


def test_a_cancelled_row_and_its_cancellation_both_go() -> None:
    bought = '"10/06/2022","Buy","JPM","JPMORGAN","10","$110.00","","-$1,100.00"\n'
    back = '"10/07/2022","Cancel Buy","JPM","JPMORGAN","10","$110.00","","$1,100.00"\n'
    history = read(changed("schwab", (BUY, back + bought + BUY)), "schwab")
    assert history.errors.empty
    assert held(history) == {"AAPL": 60, "MSFT": 40}
    assert reason(history, 12) == "takes back line 13: neither counts"
    assert reason(history, 13) == "taken back by line 12"
    assert sorted(history.warnings["line"]) == [12, 13]


def test_one_of_two_equal_purchases_is_taken_back() -> None:
    bought = '"10/06/2022","Buy","JPM","JPMORGAN","10","$110.00","","-$1,100.00"\n'
    other = bought.replace("10/06", "10/10")
    back = '"10/07/2022","Cancel Buy","JPM","JPMORGAN","10","$110.00","","$1,100.00"\n'
    history = read(changed("schwab", (BUY, other + back + bought + BUY)), "schwab")
    assert held(history)["JPM"] == 10


def test_a_cancellation_of_nothing_is_refused() -> None:
    back = '"10/07/2022","Cancel Buy","JPM","JPMORGAN","10","$110.00","","$1,100.00"\n'
    history = read(changed("schwab", (BUY, back + BUY)), "schwab")
    assert [line for line, _, _ in refusals(history)] == [12]
    assert "takes back a buy that is not in the file" in reason(history, 12)


@pytest.mark.parametrize("name", ["schwab", "vanguard", "ibkr_flex", "robinhood"])
def test_the_order_of_the_lines_does_not_matter(name: str) -> None:
    """Rows of one kind, turned round within their table."""
    once = read(example(name), name)
    explained = once.explained
    lines = example(name).splitlines(keepends=True)
    trades = [line - 1 for line in explained[explained["kind"].isin(("buy", "sell"))]["line"]]
    if name == "robinhood":
        trades = [at for at in trades if lines[at].count('"') % 2 == 0]
    swapped = lines.copy()
    for at, other in zip(trades, reversed(trades), strict=True):
        swapped[at] = lines[other]
    again = read("".join(swapped), name)
    columns = ["date", "kind", "symbol", "quantity", "price", "fees", "amount"]
    order = ["date", "kind", "symbol", "amount"]
    pd.testing.assert_frame_equal(
        again.transactions[columns].sort_values(order, ignore_index=True),
        once.transactions[columns].sort_values(order, ignore_index=True),
    )


def test_a_transfer_without_a_price_waits_for_the_close_and_says_so() -> None:
    row = '"10/06/2022","Security Transfer","JPM","JPMORGAN","25","","",""\n'
    out = '"10/10/2022","Journaled Shares","JPM","JPMORGAN","-5","","","-$560.00"\n'
    history = read(changed("schwab", (BUY, out + row + BUY)), "schwab")
    moved = history.transactions[history.transactions["symbol"] == "JPM"]
    assert moved["kind"].tolist() == ["transfer_in", "transfer_out"]
    assert moved["quantity"].tolist() == [25, 5]
    np.testing.assert_array_equal(moved["price"], [np.nan, 112])
    assert moved["amount"].tolist() == [0, 0]
    assert reason(history, 13) == "no price: the close of the day is its cost"
    assert reason(history, 12) == "price from the value of the transfer"
    assert held(history)["JPM"] == 20


def test_an_expiry_with_cash_is_priced_by_it() -> None:
    history = read(
        changed("schwab", ('EXP 12/16/22","2","","",""', 'EXP 12/16/22","2","","","$840.00"')), "schwab"
    )
    last = history.transactions.iloc[-1]
    assert (last["kind"], last["price"], last["amount"], last["fees"]) == ("expiry", 4.2, 840, 0)


def test_a_fee_of_an_expiry_is_paid() -> None:
    old, new = '270 C,"2022-12-16, 16:20:00",4,0,0,0,0,', '270 C,"2022-12-16, 16:20:00",4,0,0,0,-1.5,'
    rows = read(changed("ibkr_activity", (old, new)), "ibkr_activity").transactions
    last = rows[rows["kind"] == "expiry"].iloc[0]
    assert (last["price"], last["fees"], last["amount"]) == (0, 1.5, -1.5)


def test_an_exercise_that_pays_by_itself_is_refused() -> None:
    text = changed(
        "schwab",
        ('"Expired"', '"Exchange or Exercise"'),
        ('12/16/22","2","","",""', '12/16/22","2","","","$840.00"'),
    )
    history = read(text, "schwab")
    assert refusals(history) == [(3, "Amount", "$840.00")]
    assert "moves no cash of its own" in reason(history, 3)


def test_rows_below_a_header_that_cannot_be_read_are_refused() -> None:
    text = changed("ibkr_activity", ("Fees,Header,Subtitle,Currency,Date", "Fees,Header,Subtitle,Ccy,Date"))
    history = read(text, "ibkr_activity")
    assert [line for line, _, _ in refusals(history)] == [28, 29, 30]
    assert "the header of table Fees lacks Currency" in reason(history, 28)
    assert "without a header that can be read" in reason(history, 29)


def test_assigned_shares_are_bought_at_the_strike() -> None:
    assigned = (
        '"10/24/2022 as of 10/21/2022","Assigned","MSFT 10/21/2022 230.00 P","PUT","1","","",""\n'
        '"10/24/2022 as of 10/21/2022","Buy","MSFT","MICROSOFT CORP","100","$230.00","","-$23,000.00"\n'
    )
    closed = next(line for line in example("schwab").splitlines(keepends=True) if "Buy to Close" in line)
    history = read(changed("schwab", (closed, assigned)), "schwab")
    assert history.errors.empty
    rows = history.transactions[history.transactions["date"] == "2022-10-21"]
    assert sorted(zip(rows["kind"], rows["quantity"], rows["price"], rows["amount"], strict=True)) == [
        ("assignment", 1, 0, 0),
        ("buy", 100, 230, -23000),
    ]
    assert held(history)["MSFT"] == 140


def test_a_column_that_can_change_the_meaning_is_not_ignored() -> None:
    lines = example("schwab").splitlines()
    with_rate = [f'{line},"{"Exchange Rate" if line.startswith(chr(34) + "Date") else ""}"' for line in lines]
    assert read("\n".join(with_rate), "schwab").errors.empty  # it says nothing
    said = "\n".join(
        line.removesuffix('""') + '"0.9"' if '"Buy","MSFT"' in line else line for line in with_rate
    )
    history = read(said, "schwab")
    assert refusals(history) == [(12, "Exchange Rate", "0.9")]
    assert "can change what the row means" in reason(history, 12)


def test_a_column_that_cannot_is_told_once() -> None:
    lines = example("schwab").splitlines()
    text = "\n".join(
        f'{line},"{"Advisor" if line.startswith(chr(34) + "Date") else "A. N."}"' for line in lines
    )
    history = read(text, "schwab")
    assert history.errors.empty
    assert history.warnings[["line", "column"]].to_numpy().tolist() == [[2, "Advisor"]]


@pytest.mark.parametrize(
    ("name", "old", "new", "missing"),
    [
        ("schwab", '"Fees & Comm"', '"Fee"', "the header of table transactions lacks Fees & Comm"),
        ("trading212", "Price / share,", "Price,", "the header of table history lacks Price / share"),
        ("vanguard", "Net Amount", "Amount", "lacks Net Amount"),
    ],
)
def test_a_file_without_a_needed_column_is_refused(name: str, old: str, new: str, missing: str) -> None:
    text = changed(name, (old, new))
    if name == "vanguard":
        text = text[text.index("Account Number,Trade Date") :]
    with pytest.raises(InputError, match="not a file of preset") as refused:
        read(text, name)
    assert missing in str(refused.value)


def test_a_file_of_no_format_says_what_was_looked_for() -> None:
    with pytest.raises(InputError) as refused:
        detect(b"when,what\n2022-10-03,something\n", "strange.csv", presets())
    message = str(refused.value)
    assert message.startswith(
        "strange.csv: no format that is known has these columns; say which it is with --format"
    )
    assert all(name in message for name in presets())
    assert "schwab (Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount)" in message


def test_a_file_of_two_presets_is_not_guessed() -> None:
    twin = presets() | {"twin": presets()["schwab"]}
    with pytest.raises(InputError, match="the file is as well of schwab as of twin; say which with --format"):
        detect(example("schwab").encode(), "file.csv", twin)


@pytest.mark.parametrize(
    "header",
    ["ticker,quantity,entry_price,entry_date", "Symbol;Qty;Price;Trade Date", "ticker,quantity,price", ""],
)
def test_a_list_of_positions_is_told_also_where_it_lacks_something(header: str) -> None:
    assert detect(f"{header}\nAAPL,1,2,3\n" if header else "", "file.csv", presets()) == "positions"


def test_symbols_without_prices_are_refused_where_they_are_known() -> None:
    facts = Facts(TODAY, known_symbols={"AAPL"})
    history = read_history(example("schwab"), "file.csv", "book", presets()["schwab"], facts)
    assert {line for line, _, _ in refusals(history)} == {9, 10, 12}
    assert "unknown symbol MSFT" in reason(history, 12)


def test_a_renamed_symbol_is_read_under_its_new_name() -> None:
    text = changed("schwab", ('"MSFT","MICROSOFT', '"FB","META'), ('"10/05/2022"', '"03/02/2022"'))
    history = read(text, "schwab")
    assert history.transactions.iloc[0]["symbol"] == "META"
    assert "Facebook became Meta Platforms" in reason(history, 12)


def test_cents_beyond_quantity_x_price_are_fees_and_more_is_not() -> None:
    """Robinhood says no fees: 0.08 for two contracts may be some, 8.00 may not."""
    history = read(changed("robinhood", ("($470.08)", "($478.00)")), "robinhood")
    assert refusals(history) == [(7, "Amount", "($478.00)")]
    history = read(changed("robinhood", ("($470.08)", "($469.92)")), "robinhood")
    assert history.errors.empty
    assert history.warnings[["line", "column", "value"]].to_numpy().tolist() == [[7, "Amount", "($469.92)"]]
    assert reason(history, 7).startswith("0.08 beside quantity x price and fees: no more than the rounding")


ROUND = (
    '"10/06/2022","Buy","JPM","JPMORGAN","5","$112.00","","-$560.00"\n',
    '"10/06/2022","Sell","JPM","JPMORGAN","10","$111.00","","$1,110.00"\n',
    '"10/06/2022","Buy","JPM","JPMORGAN","10","$110.00","","-$1,100.00"\n',
)


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_a_day_follows_that_of_the_days(turned: bool) -> None:
    """The rows of Schwab are newest first; one booked late (`as of`) does not turn them round."""
    text = changed("schwab", (BUY, "".join(ROUND) + BUY))
    if turned:
        lines = text.splitlines(keepends=True)
        text = "".join([*lines[:2], *reversed(lines[2:-1]), lines[-1]])
    history = read(text, "schwab")
    assert history.errors.empty
    rows = history.transactions[history.transactions["symbol"] == "JPM"]
    assert rows["price"].tolist() == [110, 111, 112]
    assert history.warnings.empty


def test_a_day_alone_is_read_in_the_order_of_the_lines_and_told() -> None:
    header = example("schwab").splitlines(keepends=True)[1]
    history = read(header + "".join(ROUND), "schwab")
    assert history.transactions["price"].tolist() == [112, 111, 110]
    assert history.warnings[["line", "column", "value"]].to_numpy().tolist() == [[2, "date", "2022-10-06"]]
    assert "read in the order of the lines" in reason(history, 2)
