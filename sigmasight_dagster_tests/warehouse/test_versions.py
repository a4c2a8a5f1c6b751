"""Reads as of a moment: after every replacement, each earlier state of a source table is still readable."""

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.tables import CorporateActions, DailyPrices, SupersededRows, TreasuryYields, validate
from sigmasight_dagster.warehouse import Warehouse, corrections
from sigmasight_dagster_tests.support.stored_rows import DATES, random_rows, sql, stamp


@pytest.fixture
def warehouse(database_url: str) -> Warehouse:
    made = Warehouse(database_url)
    made.migrate()
    return made


def prices(seed: int, n_symbols: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([DATES, [f"S{n}" for n in range(n_symbols)]], names=["date", "symbol"])
    frame = index.to_frame(index=False).astype({"symbol": "str"})
    close = rng.uniform(1, 1000, len(frame)) / 3
    return validate(
        DailyPrices,
        frame.assign(
            open=close, high=np.nan, low=close, close=close, adjusted_close=close / 7, volume=1e6
        ).assign(price_date=pd.Timestamp("NaT"), source='it\'s a "test"\\', status="no high"),
    )


def moment() -> pd.Timestamp:
    """Now, apart from what was written before and what will be written after."""
    time.sleep(0.01)
    now = pd.Timestamp.now(tz="UTC")
    time.sleep(0.01)
    return now


def test_every_earlier_state_is_still_readable_to_the_bit(warehouse: Warehouse) -> None:
    rng = np.random.default_rng(2)
    states = [(moment(), prices(0).iloc[:0])]
    rows = prices(0)
    for step in range(6):
        warehouse.replace(DailyPrices, rows, DATES, None, stamp(f"run {step}"))
        states.append((moment(), rows))
        changed = rows["symbol"].isin(rng.choice(["S0", "S1", "S2", "S3"], 2)).to_numpy()
        close = rows["close"].where(~changed, rows["close"] * 1.01)
        rows = rows.assign(close=close)[rng.random(len(rows)) > 0.2 * (step % 2)]
        rows = pd.concat([rows, prices(step)]).drop_duplicates(["date", "symbol"]) if step % 3 == 2 else rows
        rows = validate(DailyPrices, rows)
    for known_at, state in states:
        pd.testing.assert_frame_equal(warehouse.read_as_of(DailyPrices, known_at), state, check_exact=True)
    for known_at, state in states:
        found = warehouse.read_as_of(DailyPrices, known_at, DATES[1:2])
        expected = state[state["date"] == DATES[1]].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_partition_is_unknown_before_it_was_first_published(warehouse: Warehouse) -> None:
    before = moment()
    warehouse.replace(DailyPrices, prices(0), DATES, None, stamp())
    after = moment()
    warehouse.replace(DailyPrices, prices(0).assign(close=5.0), DATES, None, stamp())
    assert warehouse.read_as_of(DailyPrices, before).empty
    pd.testing.assert_frame_equal(warehouse.read_as_of(DailyPrices, after), prices(0))


def test_the_same_rows_again_are_no_version(warehouse: Warehouse) -> None:
    for _ in range(3):
        warehouse.replace(DailyPrices, prices(0), DATES, None, stamp())
    assert len(warehouse.read(SupersededRows)) == len(DATES), "one marker a date: it was absent before"


@pytest.mark.parametrize("change", ["nothing", "values", "order", "fewer", "more"])
def test_rows_differ_that_have_no_equal_on_the_other_side(change: str) -> None:
    stored, rng = prices(0, n_symbols=30), np.random.default_rng(4)
    given = {
        "nothing": stored.copy(),
        "values": stored.assign(close=stored["close"].where(rng.random(len(stored)) > 0.1, np.nan)),
        "order": stored.sample(frac=1, random_state=1),
        "fewer": stored[stored["symbol"] != "S7"].assign(high=1.0),
        "more": pd.concat([stored, prices(0, n_symbols=31).query("symbol == 'S30'")]),
    }[change]
    found = corrections._differing(stored, given)
    both = pd.concat([stored, given], ignore_index=True)
    pd.testing.assert_frame_equal(found, both.drop_duplicates(keep=False))
    assert found.empty == (change in ("nothing", "order"))


def test_keys_of_several_columns_and_of_series(warehouse: Warehouse) -> None:
    actions = validate(
        CorporateActions,
        pd.DataFrame({"date": DATES[:1].repeat(2), "symbol": "A", "kind": ["split", "dividend"]}).assign(
            amount=[4.0, 0.1], source="test", status="ok"
        ),
    )
    yields = validate(
        TreasuryYields,
        pd.DataFrame({"date": DATES[:1].repeat(2), "series": ["2Y", "10Y"]}).assign(
            yield_percent=[1.0, 2.0], source="test", status="ok"
        ),
    )
    for model, rows, column in (
        (CorporateActions, actions, "amount"),
        (TreasuryYields, yields, "yield_percent"),
    ):
        warehouse.replace(model, rows, DATES[:1], None, stamp())
        known_at = moment()
        warehouse.replace(model, rows.assign(**{column: 9.0}).iloc[:1], DATES[:1], None, stamp())
        pd.testing.assert_frame_equal(warehouse.read_as_of(model, known_at), rows)


def test_a_result_table_has_no_versions(warehouse: Warehouse) -> None:
    from sigmasight_core.tables import RealizedVolatility

    for seed in range(2):
        rows = random_rows(RealizedVolatility, seed=seed)
        warehouse.replace(RealizedVolatility, rows, DATES, None, stamp())
    assert warehouse.read(SupersededRows).empty


WRITER = """
import sys
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.stored_rows import DATES, stamp
from sigmasight_dagster_tests.warehouse.test_versions import prices
warehouse = Warehouse(sys.argv[1])
for seed in range(1, 10_000):
    warehouse.replace(DailyPrices, prices(seed), DATES, None, stamp(f"run {seed}"))
    print(seed, flush=True)
"""


def test_a_killed_writer_leaves_rows_and_versions_of_one_moment(
    warehouse: Warehouse, database_url: str
) -> None:
    warehouse.replace(DailyPrices, prices(0), DATES, None, stamp())
    known_at = moment()
    with subprocess.Popen([sys.executable, "-c", WRITER, database_url], stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        writer.stdout.readline()
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    pd.testing.assert_frame_equal(warehouse.read_as_of(DailyPrices, known_at), prices(0), check_exact=True)
    done = sql(database_url, "SELECT DISTINCT run_id FROM sigmasight.daily_prices")
    assert len(done) == 1
    seed = int(done[0][0].removeprefix("run "))
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), prices(seed), check_exact=True)
    replaced = sql(database_url, "SELECT count(DISTINCT known_until) FROM sigmasight.superseded_rows")[0][0]
    assert replaced == seed + 1
