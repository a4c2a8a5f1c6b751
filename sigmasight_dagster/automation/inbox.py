"""Files in the inbox: imported, their first run requested, put away."""

import dagster as dg
import pandas as pd

from sigmasight_dagster.automation import jobs, run_requests
from sigmasight_dagster.ledger.inbox import look
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one set of settings."""

    @dg.sensor(
        name="inbox",
        jobs=jobs.JOBS,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"platform"},
        description=(
            f"Portfolio CSVs dropped into {settings.inbox_dir or 'inbox in the state directory'}: NAME.csv "
            "is imported as portfolio NAME, its first run is requested, and the file is moved to imported/; "
            "a bad file to rejected/, with a report of every bad row."
        ),
    )
    def inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        workspace = Workspace(settings, context.resources.platform, context.instance)
        tick = look(workspace, context.cursor, pd.Timestamp.now(tz="UTC"))
        for note in tick.notes:
            context.log.info(note)
        for problem in tick.problems:
            context.log.warning(problem)
        requests = [run_requests.of_run(item.run, item.run_key) for item in tick.wanted]
        skip = None if requests else "; ".join([*tick.problems, *tick.notes]) or "the inbox is empty"
        return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=tick.cursor)

    return inbox
