"""`sigmasight alerts`: the rules of alerts, their mistakes, what fired, and what rules would say now."""

from pathlib import Path
from typing import Any, Final

import click
import pandas as pd

from sigmasight_core.alerts.evaluation import CLEARED, COLUMNS, OPEN
from sigmasight_core.alerts.rules import AlertRule, AlertRules
from sigmasight_core.tables import Alerts
from sigmasight_dagster.alerts import evaluate, loading
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import table, wrapped

FILE: Final = click.argument("file", required=False, type=click.Path(path_type=Path))


@click.group()
def alerts() -> None:
    """Alerts: list what fired and the rules, check a file of rules, and try what it would say now."""


@alerts.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were cleared too.")
@AS_JSON
def list_alerts(every: bool, as_json: bool) -> None:
    """List the alerts that have not ended, the newest first."""
    rows = Project.open().platform.warehouse.read(Alerts)
    rows = rows if every else rows[rows["state"].isin(OPEN)]
    rows = rows.sort_values(["date", "rule", "portfolio", "subject"], ascending=[False, True, True, True])
    _print(rows, as_json, "No alert is firing." if not every else "No rule has fired.")


@alerts.command()
@FILE
@AS_JSON
def rules(file: Path | None, as_json: bool) -> None:
    """List the rules of FILE, by default of the setting alert_rules and of the API, and the mistakes."""
    project = Project.open()
    found, own = _rules(project, file)
    shown = [_told(rule, "file" if rule.rule_id in own else "API") for rule in found.rules]
    if as_json:
        print_json({"rules": shown, "problems": list(found.problems)})
    else:
        click.echo(f"{len(shown)} rules")
        columns = [("rule", 0), ("severity", 0), ("source", 0), ("told", 0)]
        click.echo("\n".join(table([_row(row) for row in shown], columns, below="watches")))
    _end(found)


@alerts.command("try")
@FILE
@AS_JSON
def try_rules(file: Path | None, as_json: bool) -> None:
    """Say what the rules of FILE, by default all, say of the newest dates; nothing is stored or told."""
    project = Project.open()
    found, _ = _rules(project, file)
    rows = evaluate.newest(project.platform, project.instance, found)
    rows = rows[rows["state"] != CLEARED]
    _print(rows, as_json, f"{len(found.rules)} rules: none would fire.")
    _end(found)


def _rules(project: Project, file: Path | None) -> tuple[AlertRules, set[str]]:
    """The rules, and the ids of those that are in a file. :raises InputError: if it cannot be read."""
    if file is not None:
        found = loading.read_rules(file)
        return found, {rule.rule_id for rule in found.rules}
    own = loading.load_rules(project.settings)
    return loading.every_rule(project.platform)[0], {rule.rule_id for rule in own.rules}


def _told(rule: AlertRule, source: str) -> dict[str, Any]:
    return {**rule.definition(), "source": source}


def _row(rule: dict[str, Any]) -> dict[str, Any]:
    """A line of the table: what the rule watches in words."""
    selected = ", ".join(f"{name}={wanted}" for name, wanted in rule["select"].items())
    which = f" [{selected}]" if selected else ""
    names = f" of {', '.join(rule['portfolio'])}" if rule["portfolio"] else ""
    limit = f"{rule['comparison']} {rule['threshold']:g}"
    each = ", each row" if rule["each_row"] else ""
    watches = f"{rule['table']}.{rule['column']}{which}{names} {limit}{each}"
    told = ", ".join(rule["destinations"])
    return {"rule": rule["id"], **rule, "told": told, "watches": watches}


def _print(rows: pd.DataFrame, as_json: bool, nothing: str) -> None:
    if as_json:
        print_json(rows[COLUMNS])
        return
    told = [f"{row.severity} {row.state} {row.rule}: {row.message}" for row in rows.itertuples()]
    click.echo("\n".join(line for text in told for line in wrapped(text, "", "  ")) or nothing)


def _end(found: AlertRules) -> None:
    """Exit with 1 where there are mistakes, which are told."""
    for problem in found.problems:
        click.echo(problem, err=True)
    if found.problems:
        raise click.exceptions.Exit(1)
