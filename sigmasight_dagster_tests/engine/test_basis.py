"""What is computed from something that changes meanwhile is computed again, never stored."""

import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from campaigns.points import POINTS, held, waited
from sigmasight_core.errors import LedgerError
from sigmasight_core.tables import (
    CorrelationSummary,
    FactorExposures,
    Portfolios,
    Positions,
    PositionValues,
    TreasuryYields,
)
from sigmasight_dagster.engine.declaration import RiskAsset, risk_asset
from sigmasight_dagster.warehouse import AuditStamp, Basis, InputsChanged, Replacement
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import DATES, House, yields

STAMP = AuditStamp.now("test")
ROW = {"factor": "market", "std_error": 0.1, "exposure_usd": 5.0, "n_positions": 1, "status": "ok"}


def hold(house: House, quantity: float, replace: bool = True) -> None:
    """The ledger of portfolio a: that many shares."""
    rows = pd.DataFrame(
        {
            "portfolio": ["a"],
            "position_id": "AAPL@2022-11-03",
            "symbol": "AAPL",
            "underlying": "AAPL",
            "position_type": "LONG",
            "quantity": quantity,
            "multiplier": 1,
            "entry_price": 100.0,
            "entry_date": pd.Timestamp("2022-11-03"),
            **{"exit_price": None, "exit_date": pd.NaT, "expiry_date": pd.NaT, "strike": None},
            "tags": "",
            "notes": "",
        }
    )
    registration = {"portfolio": "a", "cash": 5.0, "source": "x.csv"}
    house.platform.warehouse.save_portfolio(registration, rows, AuditStamp.now("test"), replace)


def of_the_ledger(meanwhile: Callable[[int], None]) -> RiskAsset:
    """An asset whose beta is the quantity held; `meanwhile` is called after it is read, with how often."""
    calls = []

    @risk_asset(FactorExposures, inputs=[Portfolios, Positions], group="portfolio_risk")
    def factor_exposures(batch: Any) -> pd.DataFrame:
        held = batch.positions["quantity"].sum()
        calls.append(held)
        meanwhile(len(calls))
        return batch.partitions.assign(beta=held, **ROW)

    return factor_exposures


def betas(house: House) -> set[float]:
    """Of the published partitions; there are as many as dates."""
    assert len(house.platform.warehouse.published(FactorExposures)) == len(DATES)
    return set(house.platform.warehouse.read(FactorExposures)["beta"])


def test_a_ledger_that_is_replaced_while_results_are_computed_is_the_one_that_counts(house: House) -> None:
    hold(house, 10)
    asset = of_the_ledger(lambda n: hold(house, 777) if n == 1 else None)
    outcome = house.run(asset, names=["a"])
    assert outcome.succeeded, outcome.error
    assert betas(house) == {777.0}


def test_an_error_over_a_ledger_that_is_replaced_meanwhile_is_none(house: House) -> None:
    """Results of the old ledger beside positions of the new one failed the run."""
    hold(house, 10)

    def meanwhile(n: int) -> None:
        if n == 1:
            hold(house, 777)
            raise LedgerError("position AAPL@2022-11-03 of portfolio a has a value but is not in the ledger")

    outcome = house.run(of_the_ledger(meanwhile), names=["a"])
    assert outcome.succeeded, outcome.error
    assert betas(house) == {777.0}


def test_a_portfolio_that_nobody_imported_is_refused_by_name(house: House) -> None:
    hold(house, 10)
    outcome = house.run(of_the_ledger(lambda n: None), names=["a", "b"])
    assert outcome.failed
    assert "5 of 10 partitions are bad: unknown portfolio 'b'; registered: a; import it" in outcome.error
    assert house.published(FactorExposures) == set()


def test_a_ledger_that_never_stands_still_fails_the_run_and_stores_nothing(house: House) -> None:
    hold(house, 10)
    outcome = house.run(of_the_ledger(lambda n: hold(house, 10 + n)), names=["a"])
    assert outcome.failed
    assert "the ledger: changed by another command while results were computed from it" in outcome.error
    assert house.platform.warehouse.published(FactorExposures).empty


def test_the_ledger_of_another_portfolio_is_no_reason(house: House) -> None:
    hold(house, 10)
    calls: list[int] = []

    def other(n: int) -> None:
        calls.append(n)
        no_positions = house.platform.warehouse.positions(["nobody"])
        registration = {"portfolio": f"b{n}", "cash": 1.0, "source": "x.csv"}
        house.platform.warehouse.save_portfolio(registration, no_positions, STAMP)

    assert house.run(of_the_ledger(other), names=["a"]).succeeded
    assert calls == [1]


@pytest.mark.parametrize("change", ["again", "corrected", "taken back"])
def test_an_input_that_is_published_again_meanwhile_is_read_again(house: House, change: str) -> None:
    warehouse = house.platform.warehouse
    assert house.run(yields()).succeeded
    read: list[float] = []

    @risk_asset(CorrelationSummary, inputs=[TreasuryYields], group="portfolio_risk")
    def correlation_summary(batch: Any) -> pd.DataFrame:
        rows = batch.read(TreasuryYields)
        read.append(rows["yield_percent"].iloc[0])
        if len(read) == 1 and change == "taken back":
            url = house.platform.settings.database_url
            execute(str(url), "DELETE FROM sigmasight.publications WHERE table_name = 'treasury_yields'")
        elif len(read) == 1:
            percent = rows["yield_percent"] + (1.0 if change == "corrected" else 0.0)
            warehouse.replace(TreasuryYields, rows.assign(yield_percent=percent), DATES, None, STAMP)
        return warehouse.read(CorrelationSummary)

    outcome = house.run(correlation_summary, names=["a"])
    if change == "taken back":
        assert outcome.failed
        assert "treasury_yields: 5 of 5 partitions never published" in outcome.error
        assert warehouse.published(CorrelationSummary).empty
    else:
        assert outcome.succeeded, outcome.error
        assert read == [12.0, 13.0 if change == "corrected" else 12.0]


def test_tables_of_an_asset_are_stored_together_or_not_at_all(house: House) -> None:
    warehouse, basis = house.platform.warehouse, Basis()
    assert house.run(yields()).succeeded
    warehouse.note_partitions(basis, TreasuryYields, (DATES[0], DATES[-1]), None)
    rows = warehouse.read(TreasuryYields)
    both = [
        Replacement.of(TreasuryYields, rows.assign(yield_percent=1.0), DATES, None),
        Replacement.of(PositionValues, warehouse.read(PositionValues), DATES, ["a"]),
    ]
    warehouse.require_current(basis)
    warehouse.replace(TreasuryYields, rows[rows["date"] == DATES[0]], DATES[:1], None, STAMP)
    with pytest.raises(InputsChanged, match="treasury_yields: changed by another command"):
        warehouse.require_current(basis)
    with pytest.raises(InputsChanged, match="treasury_yields: changed by another command"):
        warehouse.publish(both, STAMP, basis)
    pd.testing.assert_frame_equal(warehouse.read(TreasuryYields), rows)
    assert warehouse.published(PositionValues).empty


STORING = ("positions", "check", "copy_in")


def test_an_import_at_any_point_leaves_no_results_of_the_former_ledger(house: House) -> None:
    """An import that begins there, and has ended or waits for the run's locks when the run goes on."""
    url = str(house.platform.settings.database_url)
    for point in [each for each in POINTS if each.name in STORING]:
        hold(house, 10)
        importer = threading.Thread(target=hold, args=[house, 777])

        def act(importer: threading.Thread = importer) -> None:
            importer.start()
            assert waited(importer, url)

        with held(POINTS, act, (point, 1)) as passed:
            outcome = house.run(of_the_ledger(lambda n: None), names=["a"], dates=DATES[:1])
        importer.join(30)
        assert passed.acted, point.said
        assert outcome.succeeded, (point.said, outcome.error)
        rows = house.platform.warehouse.read(FactorExposures)
        published = house.platform.warehouse.published(FactorExposures)
        # stored before the import: taken back by it; stored after it: of the new ledger
        assert published.empty or set(rows["beta"]) == {777.0}, point.said
