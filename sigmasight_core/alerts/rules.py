"""Alert rules: a YAML file to validated rules, and a complaint with file, line and key for every mistake.

A rule with a mistake is left out; the others are used. The file::

    rules:
      - id: var_limit
        table: risk_measures
        select: {measure: var_99_usd}     # the table's keys after date and portfolio
        column: value
        comparison: ">"                   # <, <=, >, >=, abs>; in quotes, for YAML's sake
        threshold: 50000
        portfolio: [hedge_fund]           # a name or a list; left out or "*" = every portfolio
        severity: warning                 # info, warning, critical
        destinations: [log, email]        # log, email, webhook
    run_failed:                           # optional: whom failed runs are told to
      severity: critical
      destinations: [log, email]

A key of the table that `select` leaves out means any row: the one that is farthest beyond the limit counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from sigmasight_core import yaml_nodes
from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import InputError
from sigmasight_core.tables import TABLES, Grain, Table, columns_by_role, grain, primary_key, table_name
from sigmasight_core.tables.alerts import DESTINATIONS, SEVERITIES
from sigmasight_core.yaml_nodes import Complaints

COMPARISONS: Final = ("<", "<=", ">", ">=", "abs>")
EVERY_PORTFOLIO: Final = "*"
RUN_FAILED: Final = "run_failed"
"""Rule of failed runs in the table of alerts."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_FIELDS = ("id", "table", "column", "comparison", "threshold", "severity", "destinations")
_OPTIONAL = ("select", "portfolio")


@dataclass(frozen=True)
class AlertRule:
    """One limit on one column of one portfolio table.

    :param select: value by key column, of some or all of the keys after date and portfolio.
    :param portfolios: names; None = every one.
    """

    rule_id: str
    model: type[Table]
    column: str
    select: tuple[tuple[str, str], ...]
    comparison: str
    threshold: float
    portfolios: tuple[str, ...] | None
    severity: str
    destinations: tuple[str, ...]

    @property
    def free_keys(self) -> list[str]:
        """Keys of the table that the rule leaves open: any row of the portfolio may fire it."""
        return [name for name in primary_key(self.model)[2:] if name not in dict(self.select)]


@dataclass(frozen=True)
class AlertRules:
    """The usable rules of a file, whom failed runs are told to, and what is wrong with the rest."""

    rules: tuple[AlertRule, ...] = ()
    run_failed_severity: str = "critical"
    run_failed_destinations: tuple[str, ...] = ("log",)
    problems: tuple[str, ...] = ()


@cache
def alert_tables() -> Mapping[str, type[Table]]:
    """Tables that a rule may watch: those by date and portfolio."""
    return {table_name(model): model for model in TABLES if grain(model) is Grain.DATE_PORTFOLIO}


@cache
def numeric_columns(model: type[Table]) -> tuple[str, ...]:
    """Value columns of a table that are numbers."""
    columns = model.to_schema().columns
    numeric = ("float", "int", "Int")
    return tuple(
        name for name in columns_by_role(model, "value") if str(columns[name].dtype).startswith(numeric)
    )


def parse_alert_rules(text: str, source: str) -> AlertRules:
    """Read a file of rules.

    :param source: name of the file, for messages.
    :returns: the usable rules; `problems` has one line, "file:line: key: problem; cure", for each mistake.
    :raises InputError: if the file as a whole cannot be read: not YAML, empty, no list of rules.
    """
    whole = Complaints(source)
    root = yaml_nodes.mapping(
        yaml_nodes.compose(text, source, "rules"), "", whole, required=("rules",), optional=(RUN_FAILED,)
    )
    nodes = yaml_nodes.items(root["rules"], "rules", whole) if "rules" in root else []
    if not nodes:
        raise InputError("\n".join(whole.lines))
    rules: dict[str, AlertRule] = {}
    for number, node in enumerate(nodes):
        complaints = Complaints(source)
        rule = _rule(node, f"rules[{number}]", complaints, rules)
        whole.lines += complaints.lines
        if rule:
            rules[rule.rule_id] = rule
    severity, destinations = _run_failed(root.get(RUN_FAILED), whole)
    return AlertRules(tuple(rules.values()), severity, destinations, tuple(whole.lines))


def _rule(
    node: yaml.Node, path: str, complaints: Complaints, known: Mapping[str, AlertRule]
) -> AlertRule | None:
    fields = yaml_nodes.mapping(node, path, complaints, required=_FIELDS, optional=_OPTIONAL)
    rule_id = _identifier(fields.get("id"), f"{path}.id", complaints, known)
    tables = alert_tables()
    name = yaml_nodes.choice(fields.get("table"), f"{path}.table", complaints, tables)
    model = tables.get(name)
    column = _column(fields.get("column"), f"{path}.column", complaints, model)
    select = _select(fields.get("select"), f"{path}.select", complaints, model)
    comparison = _comparison(fields.get("comparison"), f"{path}.comparison", complaints)
    threshold = yaml_nodes.number(fields.get("threshold"), f"{path}.threshold", complaints)
    portfolios = _portfolios(fields.get("portfolio"), f"{path}.portfolio", complaints)
    severity = yaml_nodes.choice(fields.get("severity"), f"{path}.severity", complaints, SEVERITIES)
    destinations = _words(fields.get("destinations"), f"{path}.destinations", complaints, DESTINATIONS)
    if complaints.lines or model is None or threshold is None:
        return None
    return AlertRule(
        rule_id, model, column, select, comparison, threshold, portfolios, severity, destinations
    )


def _identifier(
    node: yaml.Node | None, path: str, complaints: Complaints, known: Mapping[str, AlertRule]
) -> str:
    word = yaml_nodes.text(node, path, complaints)
    if node is None or not word:
        return ""
    if not _ID.fullmatch(word):
        complaints.add(node, path, f"'{word}' is not an id; use up to 63 of a-z, 0-9, '_', '-'")
    elif word == RUN_FAILED:
        complaints.add(node, path, f"'{word}' is the rule of failed runs; choose another id")
    elif word in known:
        complaints.add(node, path, f"'{word}' is the id of a rule above; choose another")
    return word


def _column(node: yaml.Node | None, path: str, complaints: Complaints, model: type[Table] | None) -> str:
    if model is None:
        return yaml_nodes.text(node, path, complaints)
    return yaml_nodes.choice(node, path, complaints, numeric_columns(model))


def _comparison(node: yaml.Node | None, path: str, complaints: Complaints) -> str:
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        complaints.add(node, path, "an unquoted '>' begins a text block in YAML; write it in quotes: \">\"")
        return ""
    return yaml_nodes.choice(node, path, complaints, COMPARISONS)


def _select(
    node: yaml.Node | None, path: str, complaints: Complaints, model: type[Table] | None
) -> tuple[tuple[str, str], ...]:
    if node is None or model is None:
        return ()
    keys = primary_key(model)[2:]
    chosen = []
    for name, key, child in yaml_nodes.pairs(node, path, complaints):
        if name not in keys:
            complaints.add(
                key,
                f"{path}.{name}",
                f"{table_name(model)} has no such key; use {', '.join(keys) or 'no select'}",
            )
            continue
        allowed = _allowed(model, name)
        read: Any = yaml_nodes.choice(child, f"{path}.{name}", complaints, allowed) if allowed else None
        chosen.append((name, read or yaml_nodes.text(child, f"{path}.{name}", complaints)))
    return tuple(chosen)


def _allowed(model: type[Table], name: str) -> tuple[str, ...]:
    """Values that a key column may have; empty = any."""
    for check in model.to_schema().columns[name].checks:
        if "allowed_values" in check.statistics:
            return tuple(map(str, check.statistics["allowed_values"]))
    return ()


def _portfolios(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[str, ...] | None:
    if node is None:
        return None
    nodes = yaml_nodes.items(node, path, complaints) if isinstance(node, yaml.SequenceNode) else [node]
    names = [(child, yaml_nodes.text(child, path, complaints)) for child in nodes]
    if [name for _, name in names] == [EVERY_PORTFOLIO]:
        return None
    for child, name in names:
        if name and not re.fullmatch(PORTFOLIO_NAME_PATTERN, name):
            complaints.add(
                child, path, f"'{name}' is not a portfolio's name; use names, or \"*\" alone for all"
            )
    return tuple(name for _, name in names)


def _words(
    node: yaml.Node | None, path: str, complaints: Complaints, allowed: tuple[str, ...]
) -> tuple[str, ...]:
    if node is None:
        return ()
    words = [
        yaml_nodes.choice(item, path, complaints, allowed)
        for item in yaml_nodes.items(node, path, complaints)
    ]
    return tuple(dict.fromkeys(filter(None, words)))


def _run_failed(node: yaml.Node | None, complaints: Complaints) -> tuple[str, tuple[str, ...]]:
    """Severity and destinations of failed runs; what is missing or wrong is the default."""
    default = AlertRules()
    if node is None:
        return default.run_failed_severity, default.run_failed_destinations
    fields = yaml_nodes.mapping(
        node, RUN_FAILED, complaints, required=(), optional=("severity", "destinations")
    )
    severity = yaml_nodes.choice(fields.get("severity"), f"{RUN_FAILED}.severity", complaints, SEVERITIES)
    words = _words(fields.get("destinations"), f"{RUN_FAILED}.destinations", complaints, DESTINATIONS)
    return severity or default.run_failed_severity, words or default.run_failed_destinations
