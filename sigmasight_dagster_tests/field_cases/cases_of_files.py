"""Portfolio files: every case of them from the field, and more of its kind, with what is right."""

from typing import Any, Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import DataEnd
from sigmasight_dagster_tests.field_cases.reading import HEADER, Case, parse
from sigmasight_dagster_tests.field_cases.test_entry_prices import doubts

LOTS: Final = f"{HEADER}\n"
SAMPLE: Final = DataEnd(
    pd.Timestamp("2022-12-28"), "the sample's data end on 2022-12-28", "choose another provider"
)
TRADES: Final = "this is a list of transactions"
ADJUSTED: Final = "adjusted contract, deliverable not known"


def read(text: str) -> dict[str, Any]:
    """A portfolio file, on the sample's data where its lots are later than they."""
    try:
        parsed = parse(text, end=SAMPLE if "2024-" in text and "SPX" not in text else None)
    except InputError as error:
        return {"refused": str(error)}
    rows = parsed.positions
    return {
        "symbols": rows["symbol"].tolist(),
        "quantities": rows["quantity"].tolist(),
        "prices": rows["entry_price"].tolist(),
        "underlyings": rows["underlying"].tolist(),
        "entries": rows["entry_date"].dt.strftime("%Y-%m-%d").tolist(),
        "ids": rows["position_id"].tolist(),
        "lines": parsed.errors["line"].tolist(),
        "refused": " ".join(parsed.errors["reason"]),
        "said": " ".join(parsed.warnings["reason"]),
    }


def doubted(row: str) -> dict[str, Any]:
    """A lot held against the stored closes of its day."""
    found = doubts(row)
    return {"said": " ".join(found["reason"]), "columns": found["column"].tolist()}


CASES: Final[list[Case]] = [
    Case(
        "01",
        read,
        f"{HEADER},Action\nKO,10,60,2022-03-01,Buy\nKO,4,61,2022-06-01,Sell\n",
        {"refused": TRADES},
    ),
    Case(
        "01",
        read,
        "Buy/Sell,Symbol,Qty,Price,Trade Date\nSell Short,XOM,40,83,2022-04-01\nBuy,KO,1,60,2022-04-04\n",
        {"refused": TRADES},
    ),
    Case("01", read, f"{HEADER},Side\nXOM,40,83,2022-04-01,Short\n", {"quantities": [-40.0]}),
    Case("01", read, f"{HEADER},Currency\nXOM,40,83,2022-04-01,GBP\n", {"symbols": [], "refused": "not USD"}),
    Case(
        "04",
        doubted,
        "AAA,40,75.2,2020-01-02",
        {"said": r"a quarter of AAA's close.*split 4:1.*--shares-of today"},
    ),
    Case("04", doubted, "CCC,100,4.1,2019-01-02", {"said": r"half of CCC's close.*split 2:1 on 2020-03-02"}),
    Case("04", doubted, "BBB,9,450,2020-01-02", {"said": "total cost of the lot"}),
    Case("04", doubted, "BBB,9,51,2020-01-02", {"columns": []}),
    Case(
        "08",
        read,
        LOTS + "FB,500,40.1,2025-10-06\nSQ,9,25,2026-02-02\n",
        {"symbols": ["FB", "SQ"], "said": "somebody else's"},
    ),
    Case("08", read, LOTS + "FB,5,200,2021-10-06\n", {"symbols": ["META"], "said": "imported as"}),
    Case(
        "08",
        read,
        LOTS + "SQ230616C00070000,1,4,2023-01-04\n",
        {"symbols": ["XYZ230616C00070000"], "underlyings": ["XYZ"]},
    ),
    Case("09", read, LOTS + "SPXW240119C04700000,1,55,2023-12-08\n", {"underlyings": ["SPX"]}),
    Case("09", read, LOTS + "ndxp240119p16500000,-1,80,2023-12-08\n", {"underlyings": ["NDX"]}),
    Case("09", read, LOTS + "VIXW  230117C00015000,2,1,2022-12-08\n", {"underlyings": ["VIX"]}),
    Case("11", read, LOTS + "SDS1220204C00003000,10,1.2,2022-01-20\n", {"symbols": [], "refused": ADJUSTED}),
    Case("11", read, LOTS + "GE1  230120P00080000,-3,2,2022-01-20\n", {"symbols": [], "refused": ADJUSTED}),
    Case("11", read, LOTS + "aapl7230120c00150000,1,2,2022-01-20\n", {"symbols": [], "refused": ADJUSTED}),
    Case(
        "18",
        read,
        f"{HEADER}\nKO,10,60,2022-03-01,\nJPM,5,139,2022-03-01,\n",
        {"symbols": ["KO", "JPM"], "lines": []},
    ),
    Case("18", read, f"{HEADER},,\nKO,10,60,2022-03-01\n,,,,,\n", {"symbols": ["KO"], "lines": []}),
    Case("18", read, f"\ufeff{HEADER},\r\nKO,10,60,2022-03-01,\r\n", {"symbols": ["KO"], "lines": []}),
    Case("19", read, LOTS + "KO,3,0,2022-03-01\n", {"prices": [0.0]}),
    Case("19", read, LOTS + "KO,3,0.000,2022-03-01\n", {"prices": [0.0]}),
    Case("19", read, LOTS + "KO,-3,0.0,2022-03-01\n", {"prices": [0.0], "quantities": [-3.0]}),
    Case("20", read, LOTS + "KO,100,60,2022-03-01\nKO,50,61,2022-03-01\n", {"quantities": [100.0, 50.0]}),
    Case("20", read, LOTS + "BRK.B,1,300,2022-03-01\nBRK/B,2,301,2022-03-01\n", {"quantities": [1.0, 2.0]}),
    Case(
        "20",
        read,
        LOTS + "KO,1,60,2022-02-26\nKO,2,60,2022-02-28\nKO,3,60,2022-02-28\n",
        {"quantities": [1.0, 2.0, 3.0]},
    ),
    Case(
        "21",
        read,
        f'{HEADER},notes\nKO,1,60,2022-03-01,"two\nfills"\nJPM,x,9,2022-03-01,y\n',
        {"symbols": ["KO"], "lines": [4]},
    ),
    Case(
        "21",
        read,
        f'{HEADER},notes\r\nKO,1,60,2022-03-01,"a\r\n\r\nb"\r\nJPM,1,9,2022-03-01,y\r\n',
        {"symbols": ["KO", "JPM"], "lines": []},
    ),
    Case(
        "21",
        read,
        f'notes,{HEADER}\n"said ""x"",\nthen",KO,1,60,2022-03-01\n',
        {"symbols": ["KO"], "lines": []},
    ),
    Case("22", read, LOTS + "KO,100,3.1,1986-05-12\n", {"entries": ["1986-05-12"]}),
    Case("22", read, LOTS + "IBM,1,300,1968-06-03\n", {"entries": ["1968-06-03"]}),
    Case("22", read, LOTS + "KO,1,3,1987-10-17\n", {"entries": ["1987-10-19"]}),
    Case("22", read, LOTS + "KO,1,3,0987-10-17\n", {"symbols": [], "lines": [2]}),
    Case("45", read, LOTS + "BRK/B,1,300,2022-03-01\nBF B,1,60,2022-03-01\n", {"symbols": ["BRK-B", "BF-B"]}),
    Case(
        "45",
        read,
        LOTS + "BAC.PR.L,1,1200,2022-03-01\nACHR.WS,1,1,2022-03-01\n",
        {"symbols": ["BAC-PL", "ACHR-WT"]},
    ),
    Case("45", read, LOTS + "VOD.L,1,1,2022-03-03\n", {"symbols": [], "refused": "London"}),
    Case("45", read, LOTS + "RY.TO,1,1,2022-03-03\n", {"symbols": [], "refused": "Toronto"}),
    Case(
        "49",
        read,
        LOTS + "KO,10,60,2024-03-15\n",
        {"refused": "the sample's data end on 2022-12-28: choose another provider"},
    ),
    Case(
        "49", read, LOTS + "KO,10,60,2023-01-03\nJPM,1,1,2024-02-01\n", {"refused": "choose another provider"}
    ),
    Case("49", read, LOTS + "KO,10,60,2026-07-15\n", {"refused": "in the future of 2026-06-01"}),
]
