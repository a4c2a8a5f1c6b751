"""What exports of real brokers hold beside trades: each row is read, ignored or refused with a reason.

The rows have the public shape of each export; their values are our own.
"""

# ruff: noqa: E501 (lines of exports)

from typing import Final

import pytest

from sigmasight_core.brokers.explained import REFUSED
from sigmasight_core.brokers.history import History
from sigmasight_core.brokers.layout import IGNORED, NOT_READ
from sigmasight_dagster_tests.core.brokers.reading import held, read, reason

SCHWAB: Final = """\
"Transactions  for account Individual ...123 as of 12/28/2022 16:30:00 ET"
"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"12/27/2022","Margin Interest","","MARGIN INTEREST","","","","-$12.34"
"12/23/2022","Reinvest Shares","AAPL","APPLE ""INC""
on two lines","0.1742","$131.86","","-$22.97"
"12/23/2022","Reinvest Dividend","AAPL","APPLE INC","","","","$22.97"
"12/21/2022","ADR Mgmt Fee","BABA","ALIBABA ADR FEE","","","","-$1.50"
"12/20/2022","Foreign Tax Paid","BABA","ALIBABA","","","","-$2.00"
"12/19/2022 as of 12/16/2022","Expired","SPY 12/16/2022 380.00 P","PUT $380 EXP 12/16/22","-2","","",""
"12/19/2022 as of 12/16/2022","Assigned","SPY 12/16/2022 390.00 P","PUT $390 EXP 12/16/22","1","","",""
"12/19/2022","Buy","SPY","SPDR S&P 500","100","$390.00","","-$39,000.00"

"12/15/2022","Journaled Shares","GOOG","ALPHABET","10","","",""
"12/13/2022","Wire Funds Received","","WIRED","","","","$70,000.00"
"12/12/2022","Stock Split","TSLA","TESLA","200","","",""
"12/09/2022","Cash In Lieu","GE","GE","","","","$12.00"
"12/09/2022","Stock Merger","TWTR","TWITTER","-10","","",""
"12/08/2022","Buy","912828YK0","US TREASURY 1.375%","1000","$99.00","","-$990.00"
"12/07/2022","Mystery","META","META","12","","",""
"12/06/2022","Sell to Open","SPY 12/16/2022 380.00 P","PUT","2","$1.40","$1.32","$278.68"
"12/06/2022","Sell to Open","SPY 12/16/2022 390.00 P","PUT","1","$4.40","$0.66","$439.34"
"12/05/2022","Buy","BRK/B","BERKSHIRE B","1","$300.00","","-$300.00"
"12/05/2022","Buy","F","FORD","10","$0.00","","$0.00"
"Transactions Total","","","","","","","$30,414.18"
"""
FIDELITY: Final = """\


Run Date,Action,Symbol,Description,Type,Quantity,Price ($),Commission ($),Fees ($),Accrued Interest ($),Amount ($),Settlement Date
 12/27/2022, YOU BOUGHT PROSPECTUS UNDER SEPARATE COVER (VTI) (Cash), VTI, VANGUARD,Cash,1.5,191.00,,,,-286.50,12/29/2022
 12/27/2022, REINVESTMENT as of 12/23/2022 FIDELITY GOVERNMENT (SPAXX) (Cash), SPAXX, MONEY MARKET,Cash,1.11,1,,,,-1.11,
 12/23/2022, FOREIGN TAX PAID NOVO-NORDISK ADR (NVO) (Cash), NVO, NOVO,Cash,,,,,,-3.11,
 12/22/2022, MARGIN INTEREST @ 11.82500% AVG BAL $15 (Margin),, No Description,Margin,,,,,,-0.11,
 12/22/2022, ASSIGNED as of 12/16/2022 PUT (SPY) DEC 16 22 $390 (100 SHS) (Margin), -SPY221216P390, PUT,Margin,1,,,,,,
 12/06/2022, YOU SOLD OPENING TRANSACTION PUT (SPY) DEC 16 22 $390 (Margin), -SPY221216P390, PUT,Margin,-1,4.40,0.65,0.04,,439.31,
 12/06/2022, DISTRIBUTION AMAZON.COM INC (AMZN) (Cash), AMZN, AMAZON,Cash,95,,,,,,
 12/06/2022, MERGER MER FROM 90184L102 (TWTR) (Cash), TWTR, TWTR,Cash,-10,,,,,542,
 12/06/2022, IN LIEU OF FRX SHARE LEU PAYOUT GE (GE) (Cash), GE, GE,Cash,,,,,,12,
 12/05/2022, JOURNALED JNL VS A/C TYPES (AAPL) (Margin), AAPL, APPLE,Margin,10,,,,,,
 12/05/2022, DEBIT CARD PURCHASE SHOP (Cash),, No Description,Cash,,,,,,-10,
 12/05/2022, TRANSFERRED FROM VS X12-345678-1 (AAPL) (Cash), AAPL, APPLE,Cash,10,,,,,1410,

"The data and information in this spreadsheet is an example."

Date downloaded 12/28/2022 4:45 pm
"""
ETRADE: Final = """\
All Transactions Activity Types

Total:,-1.00

Activity/Trade Date,Transaction Date,Settlement Date,Activity Type,Description,Symbol,Cusip,Quantity #,Price $,Amount $,Commission,Category,Note
12/23/22,12/23/22,12/23/22,Dividend,APPLE INC DIVIDEND REINVESTED,AAPL,--,0.1,130.0,-13.0,0.0,--,--
12/23/22,12/23/22,12/23/22,Dividend,APPLE INC,AAPL,--,,,13.0,0.0,--,--
12/22/22,12/22/22,12/22/22,Stock Split,TESLA,TSLA,--,20,,0,0.0,--,--
12/22/22,12/22/22,12/22/22,Stock Merger,TWITTER,TWTR,--,-20,,0,0.0,--,--
"E*TRADE Securities LLC, an example",,,,,,,,,,,,
"""
DEGIRO: Final = """\
Date,Time,Value date,Product,ISIN,Description,FX,Change,,Balance,,Order Id
20-12-2022,15:40,20-12-2022,MICROSOFT,US5949181045,"Buy 1,030 MICROSOFT@245.8507 USD (US5949181045)",,USD,"-253,226.22",USD,1.00,0000-
,,,,,,,,,,,0001
19-12-2022,08:10,19-12-2022,NVIDIA,US67066G1040,STOCK SPLIT: Buy 40 NVIDIA@120 USD (US67066G1040),,USD,"-4,800.00",USD,1.00,
16-12-2022,08:10,16-12-2022,VODAFONE,US92857W3088,ADR/GDR Pass-Through Fee,,USD,-0.20,USD,1.00,
16-12-2022,08:10,16-12-2022,,,Flatex Interest Income,,USD,0.20,USD,1.00,
"""
READ: Final = {
    "schwab": (
        SCHWAB,
        "interest buy dividend fee tax expiry assignment buy transfer_in deposit ignored dividend "
        "refused refused refused short short buy buy",
    ),
    "fidelity": (
        FIDELITY,
        "buy ignored tax interest assignment short refused refused dividend ignored withdrawal transfer_in",
    ),
    "etrade": (ETRADE, "buy dividend ignored refused"),
    "degiro": (DEGIRO, "buy ignored refused fee interest"),
}


def kinds(history: History) -> list[str]:
    rows = history.explained[history.explained["kind"] != NOT_READ]
    assert set(rows["kind"]) >= {IGNORED, REFUSED}
    return rows["kind"].tolist()


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("name", READ)
def test_every_row_is_what_it_is(name: str, windows: bool) -> None:
    text, expected = READ[name]
    history = read("\ufeff" + text.replace("\n", "\r\n") if windows else text, name)
    assert kinds(history) == expected.split()


def test_what_is_done_with_rows_that_are_odd() -> None:
    history = read(SCHWAB, "schwab")
    assert held(history)["SPY"] == 100
    assert history.transactions.loc[history.transactions["kind"] == "assignment", "date"].astype(
        "str"
    ).tolist() == ["2022-12-16"]
    said = {int(line): reason(history, line) for line in (15, 17, 19, 23)}
    assert said[15] == "splits come with the market data"
    assert said[17].startswith("what came of it is not known; write it in the form transactions")
    assert said[19].startswith("no rule of table transactions says what 'Mystery' is; add one to a preset")
    assert said[23] == "bought or sold for nothing: the price is 0"
    (split,) = history.splits.to_dict("records")
    assert (split["line"], split["symbol"], f"{split['date']:%Y-%m-%d}") == (15, "TSLA", "2022-12-12")


OWN: Final = "date,kind,symbol,quantity,price,fees,amount\n2022-12-05,deposit,,,,,1000\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2022-12-05,fee,,,,,5", "a fee that is received; what is paid is negative"),
        ("2022-12-05,tax,AAPL,,,,5", "a tax that is received; what is paid is negative"),
        (
            "2022-12-05,dividend,AAPL,0.1,130,,-13",
            "a dividend that buys shares; write it as the dividend and a buy",
        ),
        ("2022-12-05,withdrawal,,,,,500", "a withdrawal with the other sign; correct one of them"),
        (
            "2022-12-05,buy,AAPL,10,140,1,-1405",
            "not quantity x price and fees, which make -1,401.00 (differs by 4.00)",
        ),
        (
            "2022-12-05,buy,AAPL,10,140,1,(1401)",
            "not a number as the preset writes them, 1234.50 or -1234.50",
        ),
        ("2022-12-05,buy,AAPL,10,140,1,1401-", "not a number as the preset writes them, 1234.50 or -1234.50"),
        (
            "2022-12-05,buy,AAPL,10,$140,1,-1401",
            "not a number as the preset writes them, 1234.50 or -1234.50",
        ),
        (
            '2022-12-05,buy,AAPL,"1,000",140,1,-140001',
            "not a number as the preset writes them, 1234.50 or -1234.50",
        ),
        ("2022-12-05,expiry,AAPL,1,,,", "ends like an option, and is none; correct the symbol"),
    ],
)
def test_a_row_of_ones_own_that_cannot_be_meant(row: str, said: str) -> None:
    history = read(f"{OWN}{row}\n", "transactions")
    assert said in reason(history, 3)
    told = history.warnings if "received" in said else history.errors
    assert told["line"].tolist() == [3]


def test_a_column_that_is_there_twice_with_two_values_is_refused() -> None:
    twice = "date,kind,symbol,quantity,price,amount,amount\n2022-12-05,buy,AAPL,1,140,-140,{}\n"
    assert read(twice.format("-140"), "transactions").errors.empty
    history = read(twice.format("-150"), "transactions")
    assert history.errors[["line", "column", "value"]].to_numpy().tolist() == [[2, "amount (2)", "-150"]]
    assert reason(history, 2) == "the column is there twice, with two values; remove one of them"


def test_one_reason_of_several_columns_is_said_once() -> None:
    text = (
        "date,kind,symbol,quantity,price,amount,side,leverage rate\n2022-12-05,buy,AAPL,1,140,-140,short,2\n"
    )
    assert reason(read(text, "transactions"), 2).startswith(
        "side, leverage rate: this column can change what"
    )
