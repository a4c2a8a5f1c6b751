"""Alerts: results beyond the limits of the alert rules, failed runs, and telling them.

Both sensors look at what is stored, not at events: a tick that was missed or killed is made up for.
"""

import datetime as dt

import dagster as dg
import pandas as pd

from sigmasight_core.alerts.evaluation import failed_run
from sigmasight_dagster.alerts import evaluate
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.runs import execute, recovery
from sigmasight_dagster.tags import LAUNCHER_TAG
from sigmasight_dagster.warehouse import AuditStamp

_FIRST_LOOK_BACK = dt.timedelta(days=1)
_OVERLAP = dt.timedelta(minutes=1)
_REASON_CHARACTERS = 2_000


def build() -> list[dg.SensorDefinition]:
    """The sensors."""
    return [_alerts(), _failed_runs()]


def _alerts() -> dg.SensorDefinition:
    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"platform"},
        description=(
            "Evaluates the alert rules (setting alert_rules, and those added through the API) on what was "
            "published since the last tick, on the coverage and on the outcomes of checks, once for each "
            "rule, portfolio and date, into the table alerts; tells what is in its outbox by log, e-mail and "
            "webhook, again on the next tick when that fails."
        ),
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        platform, stamp = context.resources.platform, AuditStamp.now("sensor alerts")
        report = evaluate.evaluate(platform, context.instance, context.cursor, stamp)
        evaluate.deliver(platform, report, context.log, stamp)
        for problem in report.problems:
            context.log.warning(problem)
        said = f"{report.told} alerts to tell, {report.delivered} deliveries"
        return dg.SensorResult(skip_reason="; ".join([said, *report.problems]), cursor=report.cursor or None)

    return alerts


def _failed_runs() -> dg.SensorDefinition:
    @dg.sensor(
        name="alert_failed_runs",
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"platform"},
        description=(
            "Each failed run, of commands too, becomes a row of the table alerts (rule run_failed) with its "
            "assets, reason and bad partitions; the sensor alerts tells it."
        ),
    )
    def alert_failed_runs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = dt.datetime.now(dt.UTC)
        since = dt.datetime.fromisoformat(context.cursor) if context.cursor else now - _FIRST_LOOK_BACK
        records = context.instance.get_run_records(
            filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since - _OVERLAP)
        )
        new = 0
        if records:
            rows = [_row(context.instance, record) for record in records]
            stamp = AuditStamp.now("sensor alert_failed_runs")
            new = evaluate.save_failed_runs(
                context.resources.platform, pd.concat(rows, ignore_index=True), stamp
            )
        latest = max((_utc(record.update_timestamp) for record in records), default=since)
        return dg.SensorResult(skip_reason=f"{new} failed runs", cursor=max(latest, since).isoformat())

    return alert_failed_runs


def _row(instance: dg.DagsterInstance, record: dg.RunRecord) -> pd.DataFrame:
    """A failed run as a row of the table of alerts."""
    run = record.dagster_run
    logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    failures = [entry.dagster_event for entry in logs if entry.dagster_event]
    rectangle = recovery.layer_run(run, RISK_ASSETS, instance.get_dynamic_partitions("portfolio"))
    outcome = execute.failed_outcome(rectangle, run.run_id, failures)  # type: ignore[arg-type]
    bad = outcome.bad_partitions or tuple(sorted(rectangle.partition_keys) if rectangle else ())
    launched = " (by a command)" if LAUNCHER_TAG in run.tags else ""
    return failed_run(
        run.run_id,
        outcome.failed_assets,
        " ".join(outcome.error.split())[:_REASON_CHARACTERS] + launched,
        bad,
        "critical",
        pd.Timestamp(_utc(record.update_timestamp)).tz_localize(None).normalize(),
    )


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
