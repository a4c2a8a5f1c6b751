"""A standing check that raises: its last outcome is not the one of before."""

from pathlib import Path
from typing import Any

import dagster as dg

from sigmasight_core.alerts.watched import FAILED, PASSED
from sigmasight_dagster.alerts import outcomes
from sigmasight_dagster.checks.judged import judged
from sigmasight_dagster.checks.standing import STANDING_CHECKS

ASSET = "treasury_yields"


def test_the_outcome_of_a_check_that_raises(tmp_path: Path) -> None:
    raising: list[bool] = []

    @dg.asset_check(asset=ASSET)
    @judged
    def single(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        if raising:
            raise ZeroDivisionError("a snapshot\nwithout a value")
        return dg.AssetCheckResult(passed=True)

    @dg.multi_asset_check(name="both", specs=[dg.AssetCheckSpec(f"both_{n}", asset=ASSET) for n in (1, 2)])
    @judged
    def both(context: dg.AssetCheckExecutionContext) -> Any:
        for n in (1, 2):
            if raising and n == 2:
                raise ZeroDivisionError("the second")
            yield dg.AssetCheckResult(passed=True, asset_key=ASSET, check_name=f"both_{n}")

    job = dg.Definitions(
        assets=[dg.AssetSpec(ASSET)],
        asset_checks=[single, both],
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks())],
    ).resolve_job_def("checks")
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        assert job.execute_in_process(instance=instance).success
        first = outcomes.since(instance, 0)
        assert set(first.rows["outcome"]) == {PASSED}
        raising.append(True)
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
        rows = outcomes.since(instance, 0).rows.drop_duplicates("check_name", keep="last")
    told = rows.set_index("check_name")[["outcome", "detail"]].T.to_dict("list")
    second = [FAILED, "could_not_be_judged ZeroDivisionError: the second"]
    assert told == {
        "single": [FAILED, "could_not_be_judged ZeroDivisionError: a snapshot without a value"],
        "both_1": second,
        "both_2": second,
    }


def test_every_standing_check_is_judged() -> None:

    functions = [check.op.compute_fn.decorated_fn for check in STANDING_CHECKS]
    assert {function.__qualname__ for function in functions} == {"judged.<locals>.outcomes"}
