"""Outcomes of checks, as Dagster's event log has them: what rules on `check_outcomes` watch.

The event log is the one place where every check leaves its outcome: gates before a publication, standing
checks, and what sensors report. `rejected_rows` and `doubtful_rows` are the details of some of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import dagster as dg
import pandas as pd
from dagster._core.events.log import EventLogEntry

from sigmasight_core.alerts.watched import FAILED, PASSED, WARNED, CheckOutcomes
from sigmasight_core.tables import table_name, validate
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.checks import late_data
from sigmasight_dagster.checks.standing import STANDING_CHECKS
from sigmasight_dagster.engine.publish import CONTRACT_CHECK
from sigmasight_dagster.partitions.dates import TIMEZONE
from sigmasight_dagster.runs.recovery import selected_partitions

_OVERLAP: Final = 1_000
"""Events before the cursor that are read again: those of a slower transaction may come into the log late."""
_MOST_EVENTS: Final = 10_000
"""On one tick; the next goes on."""
_DETAIL_CHARACTERS: Final = 500
_KEYS: Final = ["portfolio", "asset", "check_name"]


@dataclass(frozen=True)
class Outcomes:
    """Evaluations of checks, in the order of the log.

    :param rows: columns of CheckOutcomes, `whole` (the outcome says how things are everywhere, whatever the
        run was of) and `covers` (portfolios of the run). :param cursor: the last event, where `since` begins.
    """

    rows: pd.DataFrame
    cursor: int


@cache
def known_checks() -> Mapping[str, frozenset[str]]:
    """Assets by name of the check that they have."""
    gates = [(gate.name, table_name(gate.model)) for asset in RISK_ASSETS for gate in asset.gates]
    contract = [(CONTRACT_CHECK, name) for asset in RISK_ASSETS for name in asset.table_names]
    standing = [
        (key.name, key.asset_key.to_user_string()) for check in STANDING_CHECKS for key in check.check_keys
    ]
    pairs = pd.DataFrame([*gates, *contract, *standing], columns=["check_name", "asset"])
    return {str(name): frozenset(group) for name, group in pairs.groupby("check_name")["asset"]}


def latest(instance: dg.DagsterInstance) -> Outcomes:
    """The last outcome of each check, for rules that have just been written."""
    newest = _evaluations(instance, limit=1)
    keys = [
        dg.AssetCheckKey(dg.AssetKey(asset), name)
        for name, assets in known_checks().items()
        for asset in assets
    ]
    records = instance.event_log_storage.get_asset_check_summary_records(keys).values()
    last = [found for record in records if (found := record.last_completed_check_execution_record)]
    entries = [record.event for record in sorted(last, key=lambda found: found.id) if record.event]
    return Outcomes(_rows(instance, entries), newest[0].storage_id if newest else 0)


def since(instance: dg.DagsterInstance, cursor: int) -> Outcomes:
    """Outcomes since a cursor; some of those before it come again."""
    begin = max(0, cursor - _OVERLAP)
    records = _evaluations(instance, after_cursor=begin, ascending=True, limit=_MOST_EVENTS)
    last = max((record.storage_id for record in records), default=cursor)
    return Outcomes(_rows(instance, [record.event_log_entry for record in records]), max(cursor, last))


def watched(found: Outcomes, alerts: pd.DataFrame) -> pd.DataFrame:
    """The last outcome of each check, of each portfolio whose it is: rows of `CheckOutcomes`.

    What passed for several portfolios, or for all, has passed for those that have an alert too. So has what
    is not said any more by an outcome that is the whole truth.

    :param alerts: rows of `tables.Alerts` that have not ended.
    """
    rows = found.rows.reset_index(names="order")
    named = pd.concat([alerts["portfolio"], rows["portfolio"]]).astype("str").unique()
    names = pd.DataFrame({"_alerted": named})
    parts = rows[~rows["whole"] & (rows["outcome"] == PASSED)].explode("covers")
    ended = pd.concat(
        [
            rows[rows["whole"]].merge(names, how="cross"),
            parts.merge(names, left_on="covers", right_on="_alerted"),
        ]
    )
    ended = ended[ended["_alerted"] != ended["portfolio"]]
    ended = ended.assign(portfolio=ended["_alerted"], outcome=PASSED, detail="")
    every = pd.concat([rows, ended[rows.columns]]).sort_values("order", kind="stable")
    last = every.drop_duplicates(_KEYS, keep="last")
    return validate(CheckOutcomes, last[list(CheckOutcomes.to_schema().columns)])


def _evaluations(instance: dg.DagsterInstance, **how: Any) -> Sequence[dg.EventLogRecord]:
    wanted = dg.EventRecordsFilter(
        event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=how.pop("after_cursor", None)
    )
    return instance.event_log_storage.get_event_records(wanted, **how)


def _rows(instance: dg.DagsterInstance, entries: Iterable[EventLogEntry]) -> pd.DataFrame:
    entries = list(entries)
    run_ids = {entry.run_id for entry in entries if entry.run_id}
    runs = instance.get_runs(dg.RunsFilter(run_ids=sorted(run_ids))) if run_ids else []
    order = instance.get_dynamic_partitions("portfolio")
    of_run = {run.run_id: selected[1] for run in runs if (selected := selected_partitions(run, order))}
    columns = [*CheckOutcomes.to_schema().columns, "whole", "covers"]
    rows = [_row(entry, of_run.get(entry.run_id, ())) for entry in entries]
    return pd.DataFrame(rows, columns=columns).astype({"whole": bool})


def _row(entry: EventLogEntry, portfolios: tuple[str, ...]) -> dict[str, Any]:
    evaluation: Any = entry.get_dagster_event().event_specific_data
    when = pd.Timestamp(entry.timestamp, unit="s", tz="UTC").tz_convert(TIMEZONE)
    told = {name: data.value for name, data in evaluation.metadata.items()}
    whole = not portfolios or evaluation.check_name == late_data.NAME
    if evaluation.check_name == late_data.NAME:
        portfolios = tuple(str(told.get("portfolios", "")).split(", "))
    bad = WARNED if evaluation.severity is dg.AssetCheckSeverity.WARN else FAILED
    return {
        "date": when.tz_localize(None).normalize(),
        "portfolio": portfolios[0] if len(portfolios) == 1 else "",
        "asset": evaluation.asset_key.to_user_string(),
        "check_name": evaluation.check_name,
        "outcome": PASSED if evaluation.passed else bad,
        "detail": "" if evaluation.passed else _detail(told),
        "whole": whole,
        "covers": portfolios,
    }


def _detail(told: Mapping[str, Any]) -> str:
    """Metadata of a check in words; without lists and tables."""
    plain = [
        f"{name} {said}" for name, said in told.items() if isinstance(said, str | int | float) and said != ""
    ]
    return "; ".join(plain)[:_DETAIL_CHARACTERS]
