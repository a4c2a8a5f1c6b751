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
With `each_row: true` each row beyond it has an alert of its own; of market tables, of the coverage of symbols
and of checks that is always so, and their rules name no portfolio. See `watched` for what there is to watch.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from sigmasight_core import yaml_nodes
from sigmasight_core.alerts.watched import (
    CheckOutcomes,
    alert_tables,
    allowed_values,
    is_of_portfolios,
    numeric_columns,
    selectable,
)
from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, table_name
from sigmasight_core.tables.alerts import DESTINATIONS, SEVERITIES
from sigmasight_core.yaml_nodes import Complaints

COMPARISONS: Final = ("<", "<=", ">", ">=", "abs>")
EVERY_PORTFOLIO: Final = "*"
RUN_FAILED: Final = "run_failed"
"""Rule of failed runs in the table of alerts."""

_BEYOND_ASCII = re.compile(r"[^\x20-\x7e]")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_FIELDS = ("id", "table", "column", "comparison", "threshold", "severity", "destinations")
_OPTIONAL = ("select", "portfolio", "each_row")

Checks = Mapping[str, Collection[str]]
"""Assets by the name of the check that they have."""


@dataclass(frozen=True)
class AlertRule:
    """One limit on one column of one table, or of what is worked out for the rules.

    :param select: value by key column, of some or all of the keys after date and portfolio.
    :param portfolios: names; None = every one, or a table without portfolios.
    :param each_row: each row has an alert of its own, not the farthest of a portfolio alone.
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
    each_row: bool = False

    @property
    def free_keys(self) -> list[str]:
        """Keys of the table that the rule leaves open: any row may fire it."""
        return [name for name in selectable(self.model) if name not in dict(self.select)]

    def definition(self) -> dict[str, Any]:
        """The rule as in a file of rules; portfolio: [] = every one, or a table without portfolios."""
        return {
            "id": self.rule_id,
            "table": table_name(self.model),
            "column": self.column,
            "comparison": self.comparison,
            "threshold": self.threshold,
            "severity": self.severity,
            "destinations": list(self.destinations),
            "select": dict(self.select),
            "portfolio": list(self.portfolios or ()),
            "each_row": self.each_row and is_of_portfolios(self.model),
        }


@dataclass(frozen=True)
class AlertRules:
    """The usable rules of a file, whom failed runs are told to, and what is wrong with the rest."""

    rules: tuple[AlertRule, ...] = ()
    run_failed_severity: str = "critical"
    run_failed_destinations: tuple[str, ...] = ("log",)
    problems: tuple[str, ...] = ()


def parse_alert_rules(text: str, source: str, checks: Checks | None = None) -> AlertRules:
    """Read a file of rules.

    :param source: name of the file, for messages. :param checks: those that there are; None = not known.
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
        rule = _rule(node, f"rules[{number}]", complaints, rules, checks or {})
        whole.lines += complaints.lines
        if rule:
            rules[rule.rule_id] = rule
    severity, destinations = _run_failed(root.get(RUN_FAILED), whole)
    return AlertRules(tuple(rules.values()), severity, destinations, tuple(whole.lines))


def as_yaml(definitions: Sequence[Mapping[str, Any]]) -> str:
    """Rules that are JSON objects as the text of a file, of one line.

    YAML takes the two halves by which JSON escapes a character beyond 16 bits for two characters.
    """
    text = json.dumps({"rules": list(definitions)}, ensure_ascii=False)
    return _BEYOND_ASCII.sub(lambda found: f"\\U{ord(found[0]):08x}", text)


def _rule(
    node: yaml.Node, path: str, complaints: Complaints, known: Mapping[str, AlertRule], checks: Checks
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
    if model is CheckOutcomes:
        _check(fields.get("select"), dict(select), f"{path}.select", complaints, checks)
    portfolios = _portfolios(fields.get("portfolio"), f"{path}.portfolio", complaints)
    each_row = yaml_nodes.choice(fields.get("each_row"), f"{path}.each_row", complaints, ("true", "false"))
    if model is not None and not is_of_portfolios(model):
        _refuse(fields, path, complaints, name)
    severity = yaml_nodes.choice(fields.get("severity"), f"{path}.severity", complaints, SEVERITIES)
    destinations = _words(fields.get("destinations"), f"{path}.destinations", complaints, DESTINATIONS)
    if complaints.lines or model is None or threshold is None:
        return None
    each = each_row == "true" or not is_of_portfolios(model)
    return AlertRule(
        rule_id, model, column, select, comparison, threshold, portfolios, severity, destinations, each
    )


def _refuse(fields: Mapping[str, yaml.Node], path: str, complaints: Complaints, table: str) -> None:
    """Note what only a rule on a table of portfolios may say."""
    for name in ("portfolio", "each_row"):
        if name in fields:
            problem = f"{table} has no portfolios, and each of its rows an alert of its own; leave it out"
            complaints.add(fields[name], f"{path}.{name}", problem)


def _check(
    node: yaml.Node | None, chosen: Mapping[str, str], path: str, complaints: Complaints, checks: Checks
) -> None:
    """Note a check that there is not, or that the chosen asset has not."""
    if node is None or not checks:
        return
    name, asset = chosen.get("check_name"), chosen.get("asset")
    having = sorted(check for check, assets in checks.items() if asset is None or asset in assets)
    if not having:
        complaints.add(node, f"{path}.asset", f"{asset} has no check; choose another asset")
    elif name is not None and name not in having:
        complaints.add(node, f"{path}.check_name", f"unknown value '{name}'; use {', '.join(having)}")


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
    keys = selectable(model)
    chosen = []
    for name, key, child in yaml_nodes.pairs(node, path, complaints):
        if name not in keys:
            complaints.add(
                key,
                f"{path}.{name}",
                f"{table_name(model)} has no such key; use {', '.join(keys) or 'no select'}",
            )
            continue
        allowed = allowed_values(model, name)
        read: Any = yaml_nodes.choice(child, f"{path}.{name}", complaints, allowed) if allowed else None
        chosen.append((name, read or yaml_nodes.text(child, f"{path}.{name}", complaints)))
    return tuple(chosen)


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
