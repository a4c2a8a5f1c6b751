"""Which executor the settings choose, and what its steps carry. Nothing here needs a broker or a cluster."""

import subprocess
import sys
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.definitions import build_definitions
from sigmasight_dagster.executors import choice, deliveries
from sigmasight_dagster.executors.queues import QUEUE_TAG, queues
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.conftest import REPOSITORY

CANARY = "canary-in-the-broker-url"
BROKER = SecretStr(f"pyamqp://user:{CANARY}@127.0.0.1:1//")


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def queues_of_steps(chosen: Settings) -> dict[str, str | None]:
    job = build_definitions(chosen).resolve_implicit_global_asset_job_def()
    return {node.name: node.tags.get(QUEUE_TAG) for node in job.nodes}


def test_in_process_is_the_default_and_imports_no_engine() -> None:
    assert choice.build(settings()) is dg.in_process_executor
    engines = "print([name for name in sys.modules if name in ('celery', 'kubernetes')])"
    code = f"import sigmasight_dagster.definitions, sys; {engines}"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert found.stdout.strip() == "[]", found.stderr


@pytest.mark.parametrize("extra", ["celery", "k8s"])
def test_a_missing_package_is_one_line_with_its_cure(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf"pip install 'sigmasight\[{extra}\]'") as raised:
        choice.build(settings(executor=extra, celery_broker_url=BROKER))
    assert "\n" not in str(raised.value)


def test_steps_wait_in_the_queue_of_their_group() -> None:
    found = queues_of_steps(settings())
    assert found["factor_betas"] == found["daily_prices"] == "market"
    assert found["stress_results"] == found["position_values"] == "portfolio"
    moved = settings(queues={"portfolio_risk": "heavy"})
    assert queues_of_steps(moved)["stress_results"] == "heavy"
    assert queues_of_steps(moved)["position_values"] == "portfolio"
    assert queues(moved) == ["dagster", "heavy", "market", "portfolio"]


def test_celery_has_no_configuration_that_a_secret_could_be_in() -> None:
    pytest.importorskip("dagster_celery")
    chosen = settings(executor="celery", celery_broker_url=BROKER)
    job = build_definitions(chosen).resolve_implicit_global_asset_job_def()
    assert job.executor_def.name == "celery"
    assert CANARY not in dg.serialize_value(job.get_job_snapshot())
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"execution": {"config": {"broker": "x"}}})
    assert CANARY not in repr(chosen)


def test_celery_without_a_broker_names_the_setting() -> None:
    pytest.importorskip("dagster_celery")
    with pytest.raises(InputError, match="SIGMASIGHT_CELERY_BROKER_URL"):
        choice.build(settings(executor="celery"))


def test_celery_acknowledges_late_one_at_a_time() -> None:
    pytest.importorskip("dagster_celery")
    from sigmasight_dagster.executors import celery_app

    app = celery_app.make(settings(executor="celery", celery_broker_url=BROKER))
    task = app.tasks["execute_plan"]
    assert (task.acks_late, task.reject_on_worker_lost) == (True, True)
    assert app.conf.worker_prefetch_multiplier == 1


def test_kubernetes_limits_steps_by_queue() -> None:
    pytest.importorskip("dagster_k8s")
    chosen = settings(executor="k8s", k8s_queue_limits={"market": 1, "portfolio": 4})
    job = build_definitions(chosen).resolve_implicit_global_asset_job_def()
    assert job.executor_def.name == "k8s"
    dg.validate_run_config(job, {})
    made = job.executor_def.executor_creation_fn
    assert made is not None
    limits = job.executor_def.apply_config_mapping({"config": {}}).value["config"]["tag_concurrency_limits"]
    assert [(limit["value"], limit["limit"]) for limit in limits] == [("market", 1), ("portfolio", 4)]
    assert {limit["key"] for limit in limits} == {QUEUE_TAG}


def started(instance: dg.DagsterInstance, end: str | None, times: int = 1) -> str:
    """A run whose log says that its step began `times` times and then ended so."""

    @dg.job
    def one() -> None:
        step()

    run = instance.create_run_for_job(one)
    kinds = [dg.DagsterEventType.STEP_START] * times + ([dg.DagsterEventType(end)] if end else [])
    for kind in kinds:
        event = dg.DagsterEvent(
            event_type_value=kind.value,
            job_name=run.job_name,
            step_key="step",
            event_specific_data=step_data(kind),
        )
        instance.report_dagster_event(event, run.run_id)
    return run.run_id


def step_data(kind: dg.DagsterEventType) -> Any:
    from dagster._core.execution.plan.objects import StepSuccessData

    return StepSuccessData(duration_ms=1.0) if kind is dg.DagsterEventType.STEP_SUCCESS else None


@dg.op
def step() -> None:
    pass


def test_a_step_that_is_delivered_again_is_executed_once_to_its_end() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        lost = started(instance, end=None)
        done = started(instance, end="STEP_SUCCESS")
        assert deliveries.answer(instance, lost, "step", 0, again=False) is None
        assert deliveries.answer(instance, lost, "step", 0, again=True) is None
        answer = deliveries.answer(instance, done, "step", 0, again=True)
        assert answer is not None
        assert [dg.deserialize_value(text).event_type_value for text in answer] == [
            "STEP_START",
            "STEP_SUCCESS",
        ]


def test_a_step_of_a_run_that_is_over_is_not_executed() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = started(instance, end=None)
        instance.report_run_failed(instance.get_run_by_id(run_id))
        assert deliveries.answer(instance, run_id, "step", 0, again=False) is not None
        assert deliveries.answer(instance, "unknown", "step", 0, again=False) == []


def test_a_step_that_kills_every_worker_is_given_up() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = started(instance, end=None, times=deliveries.MAX_STARTS)
        with pytest.raises(SigmaSightError, match="out-of-memory"):
            deliveries.answer(instance, run_id, "step", 0, again=True)
