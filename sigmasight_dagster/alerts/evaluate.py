"""Evaluating the alert rules on what was published, and telling what is in the outbox."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pandas as pd

from sigmasight_core.alerts import evaluation
from sigmasight_core.alerts.rules import RUN_FAILED, AlertRule, AlertRules, alert_tables, parse_alert_rules
from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, primary_key, table_name
from sigmasight_dagster.alerts import notify
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.warehouse.stores.alerts import DELIVERED, FAILED, PENDING

ADDED: Final = "rules added through the API"
_PARTITIONS_PER_READ = 25_000
_GIVE_UP_AFTER = 1
"""Batches that a destination may refuse for a passing reason on one tick."""


@dataclass
class Report:
    """What one tick did."""

    cursor: str
    told: int = 0
    delivered: int = 0
    problems: list[str] = field(default_factory=list)


def load_rules(settings: Settings) -> AlertRules:
    """The rules of the setting `alert_rules`; none without the setting.

    :raises InputError: if the file as a whole cannot be read.
    """
    return AlertRules() if settings.alert_rules is None else _parse(settings.alert_rules)[0]


def _parse(path: Path) -> tuple[AlertRules, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"{path}: {reason}: set SIGMASIGHT_ALERT_RULES to a file of alert rules") from None
    return parse_alert_rules(text, str(path)), blake2b(text.encode(), digest_size=8).hexdigest()


def added_rules(platform: Platform) -> tuple[AlertRules, str]:
    """The rules that were added through the API, and a digest of them; '' = there are none."""
    rows = platform.warehouse.added_alert_rules()
    if rows.empty:
        return AlertRules(), ""
    text = f'{{"rules": [{", ".join(rows["definition"])}]}}'
    return parse_alert_rules(text, ADDED), blake2b(text.encode(), digest_size=8).hexdigest()


def _every_rule(platform: Platform) -> tuple[AlertRules, str]:
    """The rules of the file and those that were added; of two with one id that of the file counts."""
    path = platform.settings.alert_rules
    rules, digest = (AlertRules(), "") if path is None else _parse(path)
    added, more = added_rules(platform)
    known = {rule.rule_id for rule in rules.rules}
    clashes = [rule.rule_id for rule in added.rules if rule.rule_id in known]
    problems = [f"{ADDED}: rule {name}: the file has one of that id, which counts" for name in clashes]
    others = tuple(rule for rule in added.rules if rule.rule_id not in known)
    both = replace(
        rules, rules=(*rules.rules, *others), problems=(*rules.problems, *added.problems, *problems)
    )
    return both, f"{digest}+{more}" if more else digest


def evaluate(platform: Platform, cursor: str | None, stamp: AuditStamp) -> Report:
    """Evaluate the rules on what was published since the cursor, and store what changes.

    With no cursor, or when the rules have changed, the newest date of each portfolio is evaluated too. A file
    that cannot be read leaves the cursor where it is: nothing is passed over. Evaluating again changes
    nothing, so that a tick that was killed is simply repeated.
    """
    try:
        rules, digest = _every_rule(platform)
    except InputError as error:
        return Report(cursor or "", problems=str(error).splitlines())
    if not digest:
        return Report(cursor or "")
    known = json.loads(cursor) if cursor else {}
    since = known.get("snapshot")
    warehouse = platform.warehouse
    names = sorted({table_name(rule.model) for rule in rules.rules})
    published = warehouse.published_since(names, since or 0)
    partitions = published.partitions if since is not None else published.partitions[:0]
    if known.get("rules") != digest:
        partitions = pd.concat([warehouse.latest_published(names), partitions]).drop_duplicates()
    report = Report(
        json.dumps({"snapshot": published.snapshot, "rules": digest}), problems=list(rules.problems)
    )
    destinations = {rule.rule_id: rule.destinations for rule in rules.rules}
    for evaluated in _evaluations(platform, rules, partitions):
        report.told += len(warehouse.save_alerts(evaluated, destinations, stamp))
    return report


def _evaluations(platform: Platform, rules: AlertRules, partitions: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Alert rows, a bounded number of partitions of one table at a time."""
    comparison = platform.warehouse.comparison_scenarios()
    for name, model in alert_tables().items():
        watching = [rule for rule in rules.rules if rule.model is model]
        chosen = (
            partitions[partitions["table_name"] == name].sort_values("date") if watching else partitions[:0]
        )
        for start in range(0, len(chosen), _PARTITIONS_PER_READ):
            part = chosen.iloc[start : start + _PARTITIONS_PER_READ]
            rows = platform.warehouse.read(
                model,
                pd.DatetimeIndex(part["date"].unique()),
                sorted(part["portfolio"].unique()),
                _columns(model, watching),
            )
            found = [
                evaluation.evaluate(rule, partitions=part, rows=_watched(rule, rows, comparison))
                for rule in watching
            ]
            yield pd.concat(found, ignore_index=True)


def _watched(rule: AlertRule, rows: pd.DataFrame, comparison: set[str]) -> pd.DataFrame:
    """The rows without scenarios that are kept for comparison alone, unless the rule names its scenario."""
    return rows[~rows["scenario"].isin(comparison)] if "scenario" in rule.free_keys else rows


def _columns(model: type[Table], rules: list[AlertRule]) -> list[str]:
    status = [name for name in ("status",) if name in model.to_schema().columns]
    return list(dict.fromkeys([*primary_key(model), *(rule.column for rule in rules), *status]))


def deliver(platform: Platform, report: Report, log: logging.Logger, stamp: AuditStamp) -> None:
    """Tell what is in the outbox and record every outcome; what failed in passing stays in it."""
    waiting = platform.warehouse.pending_alerts()
    for destination, rows in waiting.groupby("destination", sort=True):
        failures = 0
        for start in range(0, len(rows), notify.BATCH):
            if failures >= _GIVE_UP_AFTER:
                break
            batch = rows.iloc[start : start + notify.BATCH]
            outcome = notify.deliver(str(destination), batch, platform.settings, log)
            failed = FAILED if outcome.permanent else PENDING
            tried = batch.assign(
                delivery=failed if outcome.error else DELIVERED,
                attempts=batch["attempts"] + 1,
                last_error=outcome.error,
            )
            platform.warehouse.record_deliveries(tried, stamp)
            failures += bool(outcome.error)
            report.delivered += 0 if outcome.error else len(batch)
            if outcome.error:
                what = "given up" if outcome.permanent else "tried again on the next tick"
                report.problems.append(f"{len(rows)} alerts not told: {outcome.error}: {what}")


def save_failed_runs(platform: Platform, failed: pd.DataFrame, stamp: AuditStamp) -> int:
    """Store failed runs (rows of `Alerts`) and put them into the outbox; those stored before are left alone.

    :returns: number of new ones.
    """
    try:
        rules = load_rules(platform.settings)
    except InputError:
        rules = AlertRules()
    rows = failed.assign(severity=rules.run_failed_severity)
    return len(platform.warehouse.save_alerts(rows, {RUN_FAILED: rules.run_failed_destinations}, stamp))
