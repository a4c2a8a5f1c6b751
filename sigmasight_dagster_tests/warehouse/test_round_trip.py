"""What is written is what is read, whatever the values."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    TABLES,
    CorporateActions,
    DailyPrices,
    Grain,
    PositionGreeks,
    Positions,
    PositionValues,
    RejectedRows,
    Table,
    TreasuryYields,
    grain,
    table_name,
    validate,
)
from sigmasight_dagster.warehouse import Basis, Warehouse, WarehouseError
from sigmasight_dagster.warehouse.sql import literal
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp

PARTITIONED = [model for model in TABLES if grain(model) is not Grain.UNPARTITIONED]


def portfolios_of(model: type[Table]) -> tuple[str, ...] | None:
    return PORTFOLIOS if grain(model) is Grain.DATE_PORTFOLIO else None


@pytest.mark.parametrize("model", PARTITIONED, ids=table_name)
def test_every_table(shared_url: str, model: type[Table]) -> None:
    frame = random_rows(model)
    warehouse = Warehouse(shared_url)
    assert warehouse.replace(model, frame, DATES, portfolios_of(model), stamp()) == len(frame)
    read = warehouse.read(model)
    said = warehouse.note_partitions(Basis(), model, (DATES[0], DATES[-1]), portfolios_of(model))
    handed_on = warehouse.fresh(model, said, DATES, portfolios_of(model))
    warehouse.close()
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
    assert handed_on is not None
    pd.testing.assert_frame_equal(handed_on, frame, check_exact=True)
    columns = "SELECT DISTINCT run_id, code_version, computed_at"
    (audit,) = sql(shared_url, f"{columns} FROM sigmasight.{table_name(model)}")
    assert audit == ("run", "1.2.3", pd.Timestamp("2024-05-06 07:08:09.123456", tz="UTC"))


@pytest.mark.parametrize("model", TABLES, ids=table_name)
def test_an_empty_table_has_the_dtypes_of_its_model(catalogue: str, model: type[Table]) -> None:
    warehouse = Warehouse(catalogue)
    read = warehouse.read(model)
    warehouse.close()
    empty = pd.DataFrame({name: [] for name in model.to_schema().columns})
    pd.testing.assert_frame_equal(read, validate(model, empty))


def test_missing_values_are_null(url: str, warehouse: Warehouse) -> None:
    frame = random_rows(PositionGreeks).assign(strike=float("nan"), days_to_expiry=pd.NA)
    warehouse.replace(PositionGreeks, frame.astype({"days_to_expiry": "Int64"}), DATES, PORTFOLIOS, stamp())
    counted = sql(
        url, "SELECT count(*), count(strike), count(days_to_expiry) FROM sigmasight.position_greeks"
    )
    assert counted == [(len(frame), 0, 0)]


def test_column_order_and_row_order_of_the_frame_do_not_matter(warehouse: Warehouse) -> None:
    frame = random_rows(PositionValues)
    shuffled = frame.sample(frac=1, random_state=1)[sorted(frame.columns)]
    warehouse.replace(PositionValues, shuffled, DATES[::-1], PORTFOLIOS[::-1], stamp())
    pd.testing.assert_frame_equal(warehouse.read(PositionValues), frame)


def test_filters(warehouse: Warehouse) -> None:
    frame = random_rows(PositionValues)
    warehouse.replace(PositionValues, frame, DATES, PORTFOLIOS, stamp())
    symbols = list(frame["symbol"].unique()[:3])
    chosen = frame[
        frame["date"].isin(DATES[[0, 2]])
        & frame["portfolio"].isin(["a", "c_2"])
        & frame["symbol"].isin(symbols)
    ]
    read = warehouse.read(
        PositionValues, DATES[[2, 0]], ["c_2", "a"], columns=["weight", "date", "symbol"], symbols=symbols
    )
    pd.testing.assert_frame_equal(read, chosen[["weight", "date", "symbol"]].reset_index(drop=True))
    between = warehouse.read(PositionValues, dates=(DATES[1], DATES[2]))
    pd.testing.assert_frame_equal(
        between, frame[frame["date"].between(DATES[1], DATES[2])].reset_index(drop=True)
    )
    assert len(warehouse.read(PositionValues, dates=[DATES[1], DATES[3]])) == len(frame) / 2
    assert warehouse.read(PositionValues, dates=[]).empty
    assert warehouse.read(PositionValues, portfolios=[]).empty
    assert warehouse.read(PositionValues, symbols=["none such"]).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"model": DailyPrices, "columns": ["date", "beta"]},
            "daily_prices: no column beta; it has date, symbol",
        ),
        ({"model": DailyPrices, "portfolios": ["a"]}, "daily_prices: no column portfolio"),
        ({"model": TreasuryYields, "symbols": ["IBM"]}, "treasury_yields: no column symbol"),
        (
            {"model": DailyPrices, "dates": (DATES[1], DATES[0])},
            "2024-02-29 to 2019-12-31: the end is before",
        ),
        ({"model": DailyPrices, "symbols": ["A\0B"]}, "NUL"),
    ],
)
def test_refused_reads(warehouse: Warehouse, arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        warehouse.read(**arguments)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=8),
    floats=st.lists(st.floats(allow_nan=False), min_size=8, max_size=8),
)
def test_any_text_and_any_float(warehouse: Warehouse, texts: list[str], floats: list[float]) -> None:
    texts = sorted(set(texts))
    frame = pd.DataFrame(
        {
            "date": DATES[0],
            "symbol": pd.Series(texts, dtype="str"),
            "kind": "split",
            "amount": floats[: len(texts)],
            "source": pd.Series(texts, dtype="str"),
            "status": "ok",
        }
    ).astype({"kind": "str", "status": "str"})
    warehouse.replace(CorporateActions, frame, DATES[:1], None, stamp())
    pd.testing.assert_frame_equal(warehouse.read(CorporateActions), frame, check_exact=True)
    read = warehouse.read(CorporateActions, symbols=texts[:1], columns=["symbol"])
    assert list(read["symbol"]) == texts[:1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_literal_is_its_text(warehouse: Warehouse, text: str) -> None:
    assert warehouse._database.query(f"SELECT {literal(text)} AS x")["x"][0].as_py() == text


def test_rejected_rows_of_several_calls(warehouse: Warehouse) -> None:
    failures = pd.DataFrame(
        {
            "row": [3.0, float("nan")],
            "column": ["close", None],
            "check": ["gt(0)", "x"],
            "value": ["-1", "a\0b"],
        }
    )
    assert warehouse.reject("daily_prices", "r1", failures) == 2
    assert warehouse.reject("daily_prices", "r1", failures.iloc[:1]) == 1
    assert warehouse.reject("daily_prices", "r2", failures.iloc[:0]) == 0
    read = warehouse.read(RejectedRows)
    assert list(read["rejection"]) == [1, 2, 3]
    assert list(read["row_number"].isna()) == [False, True, False]
    assert list(read["column_name"]) == ["close", "", "close"]
    assert list(read["offending_value"]) == ["-1", "a\\0b", "-1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"close": "high"}, "daily_prices.close: "),
        ({"date": pd.Timestamp("2024-02-29 12:00")}, "outside of the partitions"),
        ({"surplus": 1}, "daily_prices: missing or surplus columns surplus"),
        ({"status": None}, 'null value in column "status"'),
        ({"source": "a\0b"}, "invalid byte sequence"),
        ({"symbol": "same"}, "duplicate key value violates unique constraint"),
    ],
)
def test_refused_rows_store_nothing(warehouse: Warehouse, change: dict, message: str) -> None:
    frame = random_rows(DailyPrices)
    warehouse.replace(DailyPrices, frame, DATES, None, stamp("first"))
    with pytest.raises(WarehouseError, match=message) as caught:
        warehouse.replace(DailyPrices, frame.assign(**change), DATES, None, stamp("second"))
    assert "\n" not in str(caught.value)
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), frame)
    assert warehouse.count_published("first") == len(DATES)


def test_the_ledger_has_no_partitions(warehouse: Warehouse) -> None:
    with pytest.raises(InputError, match="positions: this table has no partitions; use save_portfolio"):
        warehouse.replace(Positions, random_rows(Positions), DATES, None, stamp())
