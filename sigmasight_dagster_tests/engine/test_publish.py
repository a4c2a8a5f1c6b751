"""Publishing: a run publishes every one of its partitions, or none and says why."""

from collections.abc import Sequence
from dataclasses import replace

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import SigmaSightError
from sigmasight_core.tables import (
    CorrelationSummary,
    FactorExposures,
    PositionFactorExposures,
    RejectedRows,
    TreasuryYields,
)
from sigmasight_dagster.engine.attempts import refuse_open_sessions
from sigmasight_dagster.engine.declaration import Gate, GateResult, risk_asset
from sigmasight_dagster.engine.publish import CONTRACT_CHECK
from sigmasight_dagster.runs import isolate
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster_tests.support.house import DATES, NAMES, House, exposures, partition_keys, yields

BAD_DATE = DATES[2]


def gate(*, passed: bool, blocking: bool, rows: Sequence[int] = (), inconclusive: bool = False) -> Gate:
    outcome = GateResult(passed, {"number": 7}, rows, inconclusive)
    return Gate(
        "rows_are_plausible", "A test's gate", TreasuryYields, lambda rows: outcome, blocking=blocking
    )


def without_yield_on_bad_date(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(yield_percent=rows["yield_percent"].where(rows["date"] != BAD_DATE))


class TestAPassingRun:
    def test_publishes_rows_with_their_audit(self, house: House) -> None:
        outcome = house.run(yields())
        assert outcome.succeeded, outcome.error
        assert house.published(TreasuryYields) == partition_keys(DATES)
        rows = house.platform.warehouse.read(TreasuryYields)
        assert rows["yield_percent"].tolist() == [12, 13, 14, 15, 16]
        assert len(house.platform.warehouse.published(TreasuryYields, run_id=outcome.run_id)) == len(DATES)

    def test_shows_every_partition_as_materialised_and_the_check_as_passed(self, house: House) -> None:
        outcome = house.run(exposures(), names=NAMES)
        assert outcome.succeeded, outcome.error
        keys = partition_keys(DATES, NAMES)
        assert house.published(FactorExposures) == keys
        assert house.status(FactorExposures, exposures()) == dict.fromkeys(keys, "MATERIALIZED")
        assert house.check(FactorExposures, CONTRACT_CHECK).passed

    def test_publishes_partitions_without_rows(self, house: House) -> None:
        assert house.run(yields(lambda rows: rows[rows["date"] != BAD_DATE])).succeeded
        assert house.published(TreasuryYields) == partition_keys(DATES)
        assert BAD_DATE not in set(house.platform.warehouse.read(TreasuryYields)["date"])

    def test_replaces_what_an_earlier_run_published(self, house: House) -> None:
        assert house.run(yields()).succeeded
        assert house.run(yields(lambda rows: rows.assign(yield_percent=1.0)), dates=DATES[:2]).succeeded
        assert house.platform.warehouse.read(TreasuryYields)["yield_percent"].tolist() == [1, 1, 14, 15, 16]

    @pytest.mark.parametrize(
        "verdict",
        [
            gate(passed=False, blocking=False),
            gate(passed=False, blocking=True, inconclusive=True),
        ],
        ids=["soft", "inconclusive"],
    )
    def test_warns_of_a_gate_that_does_not_block(self, house: House, verdict: Gate) -> None:
        assert house.run(yields(gates=[verdict])).succeeded
        assert house.published(TreasuryYields) == partition_keys(DATES)
        found = house.check(TreasuryYields, verdict.name)
        assert not found.passed
        assert found.severity.value == "WARN"
        assert found.metadata["number"].value == 7
        assert house.check(TreasuryYields, CONTRACT_CHECK).passed


class TestARefusedRun:
    @pytest.mark.parametrize("index", ["from zero", "with holes"])
    def test_a_row_that_breaks_its_contract(self, house: House, index: str) -> None:
        def broken(rows: pd.DataFrame) -> pd.DataFrame:
            changed = rows.assign(series=rows["series"].where(rows["date"] != BAD_DATE, "5Y"))
            return changed if index == "from zero" else changed.set_axis(range(100, 95, -1))

        outcome = house.run(yields(broken))
        self.assert_refused(house, outcome.error, outcome.bad_partitions, CONTRACT_CHECK)
        rejected = house.platform.warehouse.read(RejectedRows)
        assert rejected["run_id"].tolist() == [outcome.run_id]
        assert rejected.iloc[0][["table_name", "column_name", "offending_value"]].tolist() == [
            "treasury_yields",
            "series",
            "5Y",
        ]

    def test_a_null_that_nobody_explains(self, house: House) -> None:
        outcome = house.run(yields(without_yield_on_bad_date))
        self.assert_refused(house, outcome.error, outcome.bad_partitions, CONTRACT_CHECK)
        assert house.platform.warehouse.read(RejectedRows)["column_name"].tolist() == ["yield_percent"]

    def test_a_blocking_gate_that_fails(self, house: House) -> None:
        failing = gate(passed=False, blocking=True, rows=[2])
        outcome = house.run(yields(gates=[failing]))
        self.assert_refused(house, outcome.error, outcome.bad_partitions, failing.name)
        rejected = house.platform.warehouse.read(RejectedRows)
        assert rejected["check_name"].tolist() == [failing.name]
        assert rejected["row_number"].tolist() == [2]

    @pytest.mark.parametrize("blocking", [True, False])
    def test_a_gate_that_raises_could_not_be_judged(self, house: House, blocking: bool) -> None:
        def broken(rows: pd.DataFrame) -> GateResult:
            raise ZeroDivisionError("by hand")

        raising = Gate("rows_are_plausible", "A test's gate", TreasuryYields, broken, blocking=blocking)
        outcome = house.run(yields(gates=[raising]))
        assert "could_not_be_judged': 'ZeroDivisionError: by hand'" in outcome.error
        assert house.published(TreasuryYields) == set()
        found = house.check(TreasuryYields, raising.name)
        assert (found.passed, found.severity.value) == (False, "ERROR")
        assert house.platform.warehouse.read(RejectedRows).empty

    def assert_refused(self, house: House, error: str, bad: Sequence[str], check: str) -> None:
        assert "treasury_yields" in error
        assert f"1 of {len(DATES)} partitions are bad" in error
        assert set(bad) == {f"{BAD_DATE:%Y-%m-%d}"}
        assert house.published(TreasuryYields) == set()
        assert house.platform.warehouse.read(TreasuryYields).empty
        assert house.status(TreasuryYields, yields()) == dict.fromkeys(partition_keys(DATES), "FAILED")
        found = house.check(TreasuryYields, check)
        assert not found.passed
        assert found.severity.value == "ERROR"
        assert found.metadata["bad_partitions"].value == [f"{BAD_DATE:%Y-%m-%d}"]

    def test_keeps_what_was_published_before(self, house: House) -> None:
        assert house.run(yields()).succeeded
        before = house.platform.warehouse.read(TreasuryYields)
        assert house.run(yields(without_yield_on_bad_date)).failed
        pd.testing.assert_frame_equal(house.platform.warehouse.read(TreasuryYields), before)

    def test_names_bad_portfolios_with_their_dates(self, house: House) -> None:
        def broken(rows: pd.DataFrame) -> pd.DataFrame:
            return rows.assign(n_positions=np.where(rows["portfolio"] == "b", -1, 1))

        outcome = house.run(exposures(broken), names=NAMES)
        assert set(outcome.bad_partitions) == partition_keys(DATES, ["b"])
        assert house.published(FactorExposures) == set()
        assert set(house.status(FactorExposures, exposures()).values()) == {"FAILED"}

    def test_one_bad_table_of_two_holds_back_both(self, house: House) -> None:
        @risk_asset(FactorExposures, CorrelationSummary, group="portfolio_risk")
        def both(batch: object) -> tuple[pd.DataFrame, pd.DataFrame]:
            good = exposures().compute(batch)  # type: ignore[arg-type]
            return good, good

        outcome = house.run(both, names=NAMES)
        assert "correlation_summary" in outcome.error
        assert house.published(FactorExposures) == house.published(CorrelationSummary) == set()

    @pytest.mark.parametrize("kind", [SigmaSightError, ValueError])
    def test_an_error_in_the_calculation(self, house: House, kind: type[Exception]) -> None:
        def fail(rows: pd.DataFrame) -> pd.DataFrame:
            raise kind("the prices of ZZZ are not numbers: mend them")

        outcome = house.run(yields(fail))
        assert outcome.failed
        assert "the prices of ZZZ are not numbers: mend them" in outcome.error
        assert outcome.failed_assets == ("treasury_yields",)
        assert house.published(TreasuryYields) == set()
        assert set(house.status(TreasuryYields, yields()).values()) == {"FAILED"}

    def test_an_empty_selection(self, house: House) -> None:
        outcome = house.run(yields(), dates=DATES[::-1])
        assert outcome.failed
        assert "end-points" in outcome.error
        assert house.published(TreasuryYields) == set()

    def test_a_session_that_has_not_closed(self, house: House) -> None:
        future = pd.DatetimeIndex(["2034-12-28", "2034-12-29"])
        outcome = house.run(yields(), dates=future)
        assert "the session of 2034-12-29 has not closed" in outcome.error
        assert house.published(TreasuryYields) == set()

    def test_an_upstream_that_was_never_published(self, house: House) -> None:
        assert house.run(yields(), dates=DATES[:3]).succeeded
        outcome = house.run(exposures(inputs=[TreasuryYields]), names=NAMES)
        assert "treasury_yields: 2 of 5 partitions never published (2022-12-15, 2022-12-16)" in outcome.error
        assert "sigmasight backfill --start 2022-12-15 --end 2022-12-16" in outcome.error
        assert set(outcome.bad_partitions) == partition_keys(DATES[3:], NAMES)
        assert house.published(FactorExposures) == set()

    def test_an_upstream_of_some_portfolios_only(self, house: House) -> None:
        rows = pd.DataFrame(columns=list(PositionFactorExposures.to_schema().columns))
        earlier = AuditStamp.now("earlier")
        house.platform.warehouse.replace(PositionFactorExposures, rows, DATES, ["a"], earlier)
        outcome = house.run(exposures(inputs=[PositionFactorExposures]), names=NAMES)
        assert set(outcome.bad_partitions) == partition_keys(DATES, ["b", "c"])

    def test_a_read_that_was_not_declared(self, house: House) -> None:
        @risk_asset(FactorExposures, group="portfolio_risk")
        def factor_exposures(batch: object) -> pd.DataFrame:
            return batch.read(TreasuryYields)  # type: ignore[attr-defined]

        outcome = house.run(factor_exposures, names=NAMES)
        assert "factor_exposures reads treasury_yields without declaring it in `inputs`" in outcome.error
        assert house.published(FactorExposures) == set()


def test_a_failed_asset_stops_what_is_downstream_of_it_only(house: House) -> None:
    @risk_asset(PositionFactorExposures, group="portfolio_risk")
    def position_factor_exposures(batch: object) -> pd.DataFrame:
        raise SigmaSightError("no betas: compute them")

    @risk_asset(CorrelationSummary, group="portfolio_risk")
    def correlation_summary(batch: object) -> pd.DataFrame:
        return pd.DataFrame(columns=list(CorrelationSummary.to_schema().columns))

    downstream = exposures(inputs=[PositionFactorExposures])
    outcome = house.run(position_factor_exposures, correlation_summary, downstream, names=NAMES)
    assert outcome.failed_assets == ("position_factor_exposures",)
    assert house.published(CorrelationSummary) == partition_keys(DATES, NAMES)
    assert house.published(FactorExposures) == set()


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        ("2022-12-16 20:59:59", False),
        ("2022-12-16 21:00:00", True),
        ("2022-12-17 00:00:00", True),
    ],
)
def test_a_session_is_open_until_its_close_in_new_york(now: str, closed: bool) -> None:
    parts = [(DATES, ("a",))]
    if closed:
        assert refuse_open_sessions(parts, pd.Timestamp(now, tz="UTC")) is None
    else:
        with pytest.raises(SigmaSightError, match="2022-12-16 has not closed: it closes at 2022-12-16 21:00"):
            refuse_open_sessions(parts, pd.Timestamp(now, tz="UTC"))


def test_a_half_day_closes_early() -> None:
    parts = [(pd.DatetimeIndex(["2022-11-25"]), ())]
    with pytest.raises(SigmaSightError, match="18:00 UTC"):
        refuse_open_sessions(parts, pd.Timestamp("2022-11-25 17:59", tz="UTC"))
    refuse_open_sessions(parts, pd.Timestamp("2022-11-25 18:00", tz="UTC"))


def test_any_set_of_keys_is_published_as_its_rectangles(house: House) -> None:
    keys = ["2022-12-12|a", "2022-12-13|a", "2022-12-12|b", "2022-12-15|c"]
    odd = replace(house, portfolio_dates=dg.StaticPartitionsDefinition(keys))
    calls: list[tuple[int, tuple[str, ...]]] = []

    def counted(rows: pd.DataFrame) -> pd.DataFrame:
        calls.append((rows["date"].nunique(), tuple(rows["portfolio"].unique())))
        return rows

    outcome = odd.run(exposures(counted), dates=DATES[:4], names=["a", "c"])
    assert outcome.succeeded, outcome.error
    assert sorted(calls) == [(1, ("a",)), (1, ("a", "b")), (1, ("c",))]
    assert house.published(FactorExposures) == set(keys)
    rows = house.platform.warehouse.read(FactorExposures)
    assert sorted(rows["date"].dt.strftime("%Y-%m-%d") + "|" + rows["portfolio"]) == sorted(keys)


def test_nothing_is_published_while_the_disk_is_almost_full_and_the_next_run_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    asset = exposures(lambda rows: computed.append(len(rows)) or rows)
    little = house.platform.settings.model_copy(update={"min_free_mb": 10**9})
    with monkeypatch.context() as patch:
        patch.setattr(house.platform, "settings", little)
        outcome = house.run(asset, names=NAMES)
    assert outcome.failed
    for word in (str(little.home), "MB are free", "SIGMASIGHT_MIN_FREE_MB", "sigmasight retention --dry-run"):
        assert word in outcome.error
    assert "are bad" not in outcome.error
    assert (computed, house.published(FactorExposures)) == ([], set())
    assert isolate.retries(outcome) == [], "more runs would take more room"
    assert house.run(asset, names=NAMES).succeeded
    assert house.published(FactorExposures) == partition_keys(DATES, NAMES)
