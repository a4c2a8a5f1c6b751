"""Events of the partitions of a run that leaves them to us: Dagster's own, stored by template.

Dagster makes no planned and no materialization events of a run with a certain tag, which it has for runs
whose assets somebody else reports. Commands give it to the runs that they execute, and what Dagster would
have stored is stored here: the same events, but for a moment that those of an asset share.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dagster as dg
from dagster import DagsterInstance
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan import execute_step
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.tags import EXTERNALLY_MANAGED_ASSETS_TAG
from dagster._utils.warnings import disable_dagster_warnings

from sigmasight_dagster.instance.event_template import Metadata, MetadataText, PartitionEvents, marked
from sigmasight_dagster.instance.storage import BulkEventLogStorage

MOST_RECENT: Final = 20


def tags(instance: DagsterInstance) -> dict[str, str]:
    """The tags of a run whose events are stored here; none where Dagster has to store them itself."""
    storage = instance.event_log_storage
    able = isinstance(storage, BulkEventLogStorage) and storage.by_template
    return {EXTERNALLY_MANAGED_ASSETS_TAG: "true"} if able else {}


def ours(run: dg.DagsterRun) -> bool:
    """Whether the events of a run's partitions are stored here, not by Dagster."""
    return EXTERNALLY_MANAGED_ASSETS_TAG in run.tags


def plan(instance: DagsterInstance, run: dg.DagsterRun, job: dg.JobDefinition) -> None:
    """Store what Dagster stores of a run that it creates: which partitions and checks it is to make.

    :param job: that of the run, or one with more assets.
    """
    planned = _Planned(run, job)
    assets, checks = [], []
    for step_key, made in _outputs(instance, run):
        if made.asset_key and (keys := sorted(planned.subset(made.asset_key).get_partition_keys())):
            bare = planned.asset(made.asset_key, step_key, marked(keys[0]))
            last = planned.asset(made.asset_key, step_key, keys[-1])
            assets.append((made.asset_key.to_db_string(), PartitionEvents(bare, last, keys)))
        if made.asset_check_key:
            event = planned.check(made.asset_check_key, step_key)
            checks.append((made.asset_check_key.to_db_string(), event))
    # In the order of their names, as Dagster: two runs that lock rows of assets cannot wait for each other.
    _storage(instance).store_partition_events([events for _, events in sorted(assets, key=_name)])
    for _, event in sorted(checks, key=_name):
        instance.report_dagster_event(event, run.run_id, logging.DEBUG)


def materialize(context: dg.AssetExecutionContext, name: str, told: Mapping[str, Metadata]) -> None:
    """Store the materializations of an asset, as Dagster does when a step has given an output.

    :param told: metadata of each partition of the run.
    """
    step, keys = _Unlogged(context.get_step_execution_context()), sorted(told)
    first, final = (_typed(key, context.assets_def.partitions_def) for key in (keys[0], keys[-1]))
    with disable_dagster_warnings():
        bare, last = execute_step._get_output_asset_events(
            dg.AssetKey(name),
            [marked(first), final],
            dg.Output(None),
            None,  # type: ignore[arg-type] # the output's definition, which it does not look at
            {},
            step,  # type: ignore[arg-type]
            AssetExecutionType.MATERIALIZATION,
        )
        whole, text = last.with_metadata(told[final]), MetadataText()
    events = PartitionEvents(step.logged(bare), step.logged(whole), keys, lambda key: text.of(told[key]))
    _storage(context.instance).store_partition_events([events])


def recent(instance: DagsterInstance) -> list[dg.DagsterRun]:
    """The latest runs whose events we store that have failed, or were canceled, the newest first."""
    ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    chosen = dg.RunsFilter(statuses=ended, tags={EXTERNALLY_MANAGED_ASSETS_TAG: "true"})
    return list(instance.get_runs(filters=chosen, limit=MOST_RECENT))


def report(
    instance: DagsterInstance, run: dg.DagsterRun | None, made: Sequence[dg.AssetMaterialization]
) -> None:
    """Store materializations of a run that has ended without them, or of no run."""
    run_id, job_name = (run.run_id, run.job_name) if run else (RUNLESS_RUN_ID, RUNLESS_JOB_NAME)
    events = [
        DagsterEvent(
            dg.DagsterEventType.ASSET_MATERIALIZATION.value,
            job_name,
            event_specific_data=StepMaterializationData(each),
            message=f"Materialized value {each.label}.",
        )
        for each in made
    ]
    moment = time.time()
    entries = [
        EventLogEntry(
            None, logging.DEBUG, event.message or "", run_id, moment, None, job_name, dagster_event=event
        )
        for event in events
    ]
    instance.event_log_storage.store_event_batch(entries)


@dataclass
class _Planned:
    """Planned events of a run, of one moment."""

    run: dg.DagsterRun
    job: dg.JobDefinition
    moment: float = field(default_factory=time.time)
    subsets: dict[Any, Any] = field(default_factory=dict)

    def subset(self, key: dg.AssetKey | dg.AssetCheckKey) -> Any:
        """The run's partitions of an asset or a check."""
        definition = self.job.asset_layer.asset_graph.get(key).partitions_def
        if definition not in self.subsets:
            self.subsets[definition] = self.run.get_resolved_partitions_subset_for_events(definition)
        return self.subsets[definition]

    def asset(self, key: dg.AssetKey, step_key: str, partition: str) -> EventLogEntry:
        data = AssetMaterializationPlannedData(key, partition)
        event = DagsterEvent.build_asset_materialization_planned_event(self.run.job_name, step_key, data)
        return _entry(event, self.run, self.moment, "")

    def check(self, key: dg.AssetCheckKey, step_key: str) -> DagsterEvent:
        job, asset = self.run.job_name, key.asset_key.to_string()
        planned = AssetCheckEvaluationPlanned(
            asset_key=key.asset_key, check_name=key.name, partitions_subset=self.subset(key)
        )
        return DagsterEvent(
            dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
            job,
            message=f"{job} intends to execute asset check {key.name} on asset {asset}",
            event_specific_data=planned,
            step_key=step_key,
        )


class _Unlogged:
    """A step's context whose events are kept, not logged: Dagster logs each event that it makes of a step."""

    def __init__(self, step: Any) -> None:
        self._step, self._moment = step, time.time()
        self.log = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def log_dagster_event(self, msg: str, dagster_event: DagsterEvent, **_: Any) -> None:
        self._last = _entry(dagster_event, self._step.dagster_run, self._moment, msg)

    def logged(self, made: Any) -> EventLogEntry:
        DagsterEvent.asset_materialization(self, made)  # type: ignore[arg-type]
        return self._last


def _outputs(instance: DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[str, Any]]:
    """Step and properties of every output of a run's plan."""
    snapshot = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id or "")
    for step in snapshot.steps:
        for output in step.outputs if step.key in snapshot.step_keys_to_execute else ():
            yield step.key, output.properties


def _entry(event: DagsterEvent, run: dg.DagsterRun, moment: float, message: str) -> EventLogEntry:
    return EventLogEntry(
        None, logging.DEBUG, message, run.run_id, moment, event.step_key, run.job_name, dagster_event=event
    )


def _typed(key: str, definition: dg.PartitionsDefinition | None) -> str:
    """A key as Dagster has it: one of several dimensions knows them."""
    return (
        definition.get_partition_key_from_str(key)
        if isinstance(definition, dg.MultiPartitionsDefinition)
        else key
    )


def _name(named: tuple[str, Any]) -> str:
    return named[0]


def _storage(instance: DagsterInstance) -> BulkEventLogStorage:
    storage = instance.event_log_storage
    if not isinstance(storage, BulkEventLogStorage):
        raise TypeError(
            f"the run's tag {EXTERNALLY_MANAGED_ASSETS_TAG} leaves its events to SigmaSight's event storage, "
            f"but this process has {type(storage).__name__}: start the run anew by a command"
        )
    return storage
