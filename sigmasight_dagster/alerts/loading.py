"""Rules of alerts: those of the file, and those that were added through the API."""

import json
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from sigmasight_core.alerts.rules import AlertRules, as_yaml, parse_alert_rules
from sigmasight_core.errors import InputError
from sigmasight_dagster.alerts.outcomes import known_checks
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings

ADDED: Final = "rules added through the API"


def load_rules(settings: Settings) -> AlertRules:
    """The rules of the setting `alert_rules`; none without the setting.

    :raises InputError: if the file as a whole cannot be read.
    """
    return AlertRules() if settings.alert_rules is None else read_rules(settings.alert_rules)


def read_rules(path: Path) -> AlertRules:
    """The rules of a file. :raises InputError: if the file as a whole cannot be read."""
    return _read(path)[0]


def parse(text: str, source: str) -> AlertRules:
    """`parse_alert_rules` with the project's checks."""
    return parse_alert_rules(text, source, known_checks())


def _read(path: Path) -> tuple[AlertRules, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(
            f"{path}: {reason}: name a file of alert rules (SIGMASIGHT_ALERT_RULES, or FILE)"
        ) from None
    return parse(text, str(path)), blake2b(text.encode(), digest_size=8).hexdigest()


def added_rules(platform: Platform) -> tuple[AlertRules, str]:
    """The rules that were added through the API, and a digest of them; '' = there are none."""
    rows = platform.warehouse.added_alert_rules()
    if rows.empty:
        return AlertRules(), ""
    text = as_yaml(list(map(json.loads, rows["definition"])))
    return parse(text, ADDED), blake2b(text.encode(), digest_size=8).hexdigest()


def every_rule(platform: Platform) -> tuple[AlertRules, str]:
    """Both, and a digest of them; '' = there are none. Of two rules with one id that of the file counts.

    :raises InputError: if the file as a whole cannot be read.
    """
    path = platform.settings.alert_rules
    rules, digest = (AlertRules(), "") if path is None else _read(path)
    added, more = added_rules(platform)
    known = {rule.rule_id for rule in rules.rules}
    clashes = [rule.rule_id for rule in added.rules if rule.rule_id in known]
    problems = [f"{ADDED}: rule {name}: the file has one of that id, which counts" for name in clashes]
    others = tuple(rule for rule in added.rules if rule.rule_id not in known)
    both = replace(
        rules, rules=(*rules.rules, *others), problems=(*rules.problems, *added.problems, *problems)
    )
    return both, f"{digest}+{more}" if more else digest
