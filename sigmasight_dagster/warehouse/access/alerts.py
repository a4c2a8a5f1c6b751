"""Alerts as users of the API see them: which there are, who has seen them, and rules that users added."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sigmasight_core.tables import Alerts, table_name
from sigmasight_core.tables.access.managed import AlertAcknowledgements, AlertRuleRows
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

ALERTS, SEEN, RULES = (
    quoted(SCHEMA, table_name(model)) for model in (Alerts, AlertAcknowledgements, AlertRuleRows)
)
MOST_RULES: Final = 100
"""Of one user."""
_KEYS: Final = ("rule", "portfolio", "date", "failed_run", "state", "subject")
_ID: Final = (
    "md5(concat_ws('/', a.rule, a.portfolio, a.date::date, a.failed_run, nullif(a.subject, ''), a.state))"
)
_PLACE: Final = ("after_date", "after_rule", "after_portfolio", "after_run", "after_subject")
_COLUMNS: Final = (
    *_KEYS,
    "table_name",
    "item",
    "measure",
    "value",
    "comparison",
    "threshold",
    "severity",
    "message",
)
_JOINED: Final = f"{ALERTS} AS a LEFT JOIN {SEEN} AS k USING ({', '.join(_KEYS)})"


@dataclass(frozen=True)
class Chosen:
    """Which alerts.

    :param portfolios: whose; '' = of several portfolios or of none, '*' = everybody's.
    :param after: date, rule, portfolio, failed run, subject of the last one before; () = from the first on.
    """

    portfolios: Sequence[str]
    states: Sequence[str]
    severities: Sequence[str]
    since: dt.date | None
    only_new: bool
    limit: int
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddedRule:
    """A rule, as in a file of rules, and who added it when."""

    definition: dict[str, Any]
    email: str
    added_at: dt.datetime


class AlertDesk:
    """Each method is one statement or one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def alerts(self, chosen: Chosen) -> list[dict[str, Any]]:
        """alert_id, the columns of `Alerts`, acknowledged_by, acknowledged_at; the newest date first."""
        names = ("alert_id", *_COLUMNS, "acknowledged_by", "acknowledged_at")
        shown = ", ".join(f"a.{name}" if name != "date" else "a.date::date" for name in _COLUMNS)
        rows = await self._pool.rows(
            f"SELECT {_ID}, {shown}, k.email, k.acknowledged_at FROM {_JOINED} "
            "WHERE a.portfolio = ANY(%(portfolios)s) "
            "AND (cardinality(%(states)s::text[]) = 0 OR a.state = ANY(%(states)s)) "
            "AND (cardinality(%(severities)s::text[]) = 0 OR a.severity = ANY(%(severities)s)) "
            "AND (%(since)s::date IS NULL OR a.date >= %(since)s::date) "
            "AND (NOT %(only_new)s OR k.email IS NULL) "
            "AND (%(after_date)s::date IS NULL OR a.date < %(after_date)s::date OR (a.date = "
            "%(after_date)s::date AND (a.rule, a.portfolio, a.failed_run, a.subject) > "
            "(%(after_rule)s::text, %(after_portfolio)s::text, %(after_run)s::text, "
            "%(after_subject)s::text))) "
            "ORDER BY a.date DESC, a.rule, a.portfolio, a.failed_run, a.subject LIMIT %(limit)s",
            {
                "portfolios": list(chosen.portfolios),
                "states": list(chosen.states),
                "severities": list(chosen.severities),
                "since": chosen.since,
                "only_new": chosen.only_new,
                "limit": chosen.limit,
                **dict(zip(_PLACE, chosen.after or [None] * len(_PLACE), strict=True)),
            },
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def acknowledge(self, alert_id: str, portfolios: Sequence[str], email: str, by: str) -> bool:
        """Note that a user has seen an alert; whoever was first stays. Whether there is such an alert."""
        keys = ", ".join(f"a.{name}" for name in _KEYS)
        given = {"id": alert_id, "portfolios": list(portfolios), "email": email, **audit(by)}
        async with self._pool.transaction() as connection:
            found = await connection.execute(
                f"INSERT INTO {SEEN} ({', '.join(_KEYS)}, email, acknowledged_at, {AUDIT}) "
                f"SELECT {keys}, %(email)s, now(), {AUDIT_VALUES} FROM {ALERTS} AS a "
                f"WHERE {_ID} = %(id)s AND a.portfolio = ANY(%(portfolios)s) "
                f"ON CONFLICT ({', '.join(_KEYS)}) DO UPDATE SET email = {SEEN}.email RETURNING 1",
                given,
            )
            return bool(found.rowcount)

    async def rules(self) -> list[AddedRule]:
        """Those that users added, by id."""
        rows = await self._pool.rows(f"SELECT definition, email, added_at FROM {RULES} ORDER BY rule")
        return [AddedRule(json.loads(row[0]), row[1], row[2]) for row in rows]

    async def add_rule(self, definition: dict[str, Any], email: str, by: str) -> bool:
        """Add a rule; False where there is one of its id, or the user has as many as may be."""
        async with self._pool.transaction() as connection:
            added = await connection.execute(
                f"INSERT INTO {RULES} (rule, definition, email, added_at, {AUDIT}) "
                f"SELECT %(rule)s, %(definition)s, %(email)s, now(), {AUDIT_VALUES} "
                f"WHERE (SELECT count(*) FROM {RULES} WHERE email = %(email)s) < %(most)s "
                "ON CONFLICT DO NOTHING",
                {
                    "rule": definition["id"],
                    "definition": json.dumps(definition),
                    "email": email,
                    "most": MOST_RULES,
                    **audit(by),
                },
            )
            return bool(added.rowcount)

    async def remove_rule(self, rule: str, email: str | None) -> bool:
        """Remove a rule of a user's, None = of anybody's; whether there was one."""
        async with self._pool.transaction() as connection:
            gone = await connection.execute(
                f"DELETE FROM {RULES} WHERE rule = %(rule)s AND email = coalesce(%(email)s::text, email)",
                {"rule": rule, "email": email},
            )
            return bool(gone.rowcount)
