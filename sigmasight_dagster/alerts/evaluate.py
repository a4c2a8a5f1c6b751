"""Evaluating the alert rules on what was published and how things stand, and telling what the outbox has."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dagster as dg
import pandas as pd

from sigmasight_core.alerts import evaluation
from sigmasight_core.alerts.rules import RUN_FAILED, AlertRule, AlertRules
from sigmasight_core.alerts.watched import CheckOutcomes, alert_tables, is_standing
from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    DailyPrices,
    Grain,
    PositionValues,
    Table,
    columns_by_role,
    grain,
    primary_key,
    table_name,
)
from sigmasight_dagster.alerts import notify, outcomes
from sigmasight_dagster.alerts.loading import every_rule, load_rules
from sigmasight_dagster.checks import coverage
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.warehouse.stores.alerts import DELIVERED, FAILED, PENDING

_PER_READ: Final = {Grain.DATE: 250, Grain.DATE_PORTFOLIO: 25_000}
"""Partitions; those of market data have hundreds of rows."""
_CHANGE_COVERAGE: Final = (DailyPrices, PositionValues)
"""Tables with whose publication the coverage may be another."""
_GIVE_UP_AFTER = 1
"""Batches that a destination may refuse for a passing reason on one tick."""


@dataclass
class Report:
    """What one tick did."""

    cursor: str
    told: int = 0
    delivered: int = 0
    problems: list[str] = field(default_factory=list)


def evaluate(
    platform: Platform, instance: dg.DagsterInstance, cursor: str | None, stamp: AuditStamp
) -> Report:
    """Evaluate the rules on what was published since the cursor, and store what changes.

    With no cursor, or when the rules have changed, the newest date of each portfolio and market table is
    evaluated too. So are the coverage and the last outcome of each check; else the coverage when prices or
    positions were published, and checks that have had an outcome. A file that cannot be read leaves the
    cursor where it is: nothing is passed over. Evaluating again changes nothing, so that a tick that was
    killed is simply repeated.
    """
    try:
        rules, digest = every_rule(platform)
    except InputError as error:
        return Report(cursor or "", problems=str(error).splitlines())
    if not digest:
        return Report(cursor or "")
    known = json.loads(cursor) if cursor else {}
    tick = _Tick(platform, instance, rules, known, known.get("rules") != digest)
    report = Report("", problems=list(rules.problems))
    destinations = {rule.rule_id: rule.destinations for rule in rules.rules}
    for evaluated in tick.evaluations():
        report.told += len(platform.warehouse.save_alerts(evaluated, destinations, stamp))
    report.cursor = json.dumps({**tick.reached, "rules": digest})
    return report


def newest(platform: Platform, instance: dg.DagsterInstance, rules: AlertRules) -> pd.DataFrame:
    """What rules say of the newest dates, of the coverage and of the checks: rows of `Alerts`, not stored.

    What is within the limit is among them where a rule has one alert for it.
    """
    made = list(_Tick(platform, instance, rules, {}, True).evaluations())
    empty = pd.DataFrame(columns=evaluation.COLUMNS)
    return pd.concat(made, ignore_index=True) if made else empty


class _Tick:
    """One evaluation of some rules.

    :param known: what the last one has reached. :param anew: the rules have changed since.
    :ivar reached: what the next one begins at.
    """

    def __init__(
        self,
        platform: Platform,
        instance: dg.DagsterInstance,
        rules: AlertRules,
        known: dict[str, Any],
        anew: bool,
    ) -> None:
        self._warehouse, self._platform, self._instance = platform.warehouse, platform, instance
        self._rules, self._known, self._anew = rules.rules, known, anew
        self.reached: dict[str, Any] = {}

    def evaluations(self) -> Iterator[pd.DataFrame]:
        """Alert rows, a bounded number of partitions of one table at a time."""
        models = {rule.model for rule in self._rules}
        by_coverage = any(is_standing(model) and model is not CheckOutcomes for model in models)
        wanted = {*models, *(_CHANGE_COVERAGE if by_coverage else ())}
        partitions = self._partitions(sorted(table_name(model) for model in wanted))
        for model in alert_tables().values():
            if model in models and not is_standing(model):
                yield from self._of_table(model, partitions)
        if by_coverage and (self._anew or _changes_coverage(partitions)):
            yield from self._of_coverage()
        if CheckOutcomes in models:
            yield from self._of_checks()

    def _partitions(self, names: Sequence[str]) -> pd.DataFrame:
        """Publications that are to be evaluated: table_name, portfolio, date."""
        since = self._known.get("snapshot")
        published = self._warehouse.published_since(names, since or 0)
        self.reached["snapshot"] = published.snapshot
        partitions = published.partitions if since is not None else published.partitions[:0]
        if not self._anew:
            return partitions
        return pd.concat([self._warehouse.latest_published(names), partitions]).drop_duplicates()

    def _watching(self, model: type[Table]) -> list[AlertRule]:
        return [rule for rule in self._rules if rule.model is model]

    def _of_table(self, model: type[Table], partitions: pd.DataFrame) -> Iterator[pd.DataFrame]:
        watching, by = self._watching(model), grain(model)
        each = [rule.rule_id for rule in watching if rule.each_row]
        comparison = self._warehouse.comparison_scenarios() if "scenario" in primary_key(model) else set()
        chosen = partitions[partitions["table_name"] == table_name(model)].sort_values("date")
        for start in range(0, len(chosen), _PER_READ[by]):
            part = chosen.iloc[start : start + _PER_READ[by]]
            dates = pd.DatetimeIndex(part["date"].unique())
            names = sorted(part["portfolio"].unique()) if by is Grain.DATE_PORTFOLIO else None
            columns, symbols = _columns(model, watching), _symbols(watching)
            rows = self._warehouse.read(model, dates, names, columns, symbols)
            alerts = self._warehouse.known_alerts(each, dates)
            found = [
                evaluation.evaluate(
                    rule,
                    partitions=part,
                    rows=_watched(rule, rows, comparison),
                    known=alerts[alerts["rule"] == rule.rule_id],
                )
                for rule in watching
            ]
            yield pd.concat(found, ignore_index=True)

    def _of_coverage(self) -> Iterator[pd.DataFrame]:
        found = coverage.watched(self._platform)
        if found is None:
            return
        latest, frames = found
        for model, rows in frames.items():
            watching = self._watching(model)
            alerts = self._warehouse.known_alerts([rule.rule_id for rule in watching], None)
            now, by = alerts.assign(date=latest), list(grain(model).value)
            for rule in watching:
                mine = now[now["rule"] == rule.rule_id]
                partitions = pd.concat([rows[by], mine[by]])
                evaluated = evaluation.evaluate(rule, partitions=partitions, rows=rows, known=mine)
                yield evaluation.continued(evaluated, alerts)

    def _of_checks(self) -> Iterator[pd.DataFrame]:
        watching = self._watching(CheckOutcomes)
        reached = None if self._anew else self._known.get("checks")
        if reached is None:
            found = outcomes.latest(self._instance)
        else:
            found = outcomes.since(self._instance, reached)
        self.reached["checks"] = found.cursor
        alerts = self._warehouse.known_alerts([rule.rule_id for rule in watching], None)
        rows = outcomes.watched(found, alerts)
        for rule in watching:
            evaluated = evaluation.evaluate(rule, partitions=rows, rows=rows)
            yield evaluation.continued(evaluated, alerts)


def _changes_coverage(partitions: pd.DataFrame) -> bool:
    return bool(partitions["table_name"].isin(map(table_name, _CHANGE_COVERAGE)).any())


def _watched(rule: AlertRule, rows: pd.DataFrame, comparison: set[str]) -> pd.DataFrame:
    """The rows without scenarios that are kept for comparison alone, unless the rule names its scenario."""
    return rows[~rows["scenario"].isin(comparison)] if "scenario" in rule.free_keys else rows


def _columns(model: type[Table], rules: Sequence[AlertRule]) -> list[str]:
    status = [name for name in columns_by_role(model, "label") if name == "status"]
    return list(dict.fromkeys([*primary_key(model), *(rule.column for rule in rules), *status]))


def _symbols(rules: Sequence[AlertRule]) -> list[str] | None:
    """The symbols that the rules name; None where one of them names none."""
    named = [dict(rule.select).get("symbol") for rule in rules]
    return None if None in named else sorted(filter(None, set(named)))


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
