"""Alerts: what was published since a moment, the table of alerts, and its outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sigmasight_core.alerts.evaluation import KEYS, OPEN, changes
from sigmasight_core.tables import (
    AlertDeliveries,
    AlertRuleRows,
    Alerts,
    Portfolios,
    Publications,
    Table,
    primary_key,
    table_name,
    validate,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import columns
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import literal, lock_key, on_dates, one_of, quoted, where
from sigmasight_dagster.warehouse.tables import copy_in, fetch

DELIVERED, FAILED, PENDING = "delivered", "failed", "pending"

_LOCK = lock_key("alerts")
_SLOT = 2**32
_PUBLISHED = quoted(SCHEMA, table_name(Publications))


@dataclass(frozen=True)
class Published:
    """Publications since a snapshot of the database.

    :param partitions: table_name, portfolio, date.
    :param snapshot: what the next call passes as `since`.
    """

    partitions: pd.DataFrame
    snapshot: int


class AlertStore(Reader):
    """Alerts, their outbox, and what was published since they were evaluated last."""

    def published_since(self, tables: Sequence[str], since: int) -> Published:
        """Partitions of these tables whose publication was committed after a snapshot, whenever it began.

        No clock is compared: a run that began before the snapshot and committed after it is not missed.
        Rows of transactions that were running at the snapshot, or very old ones, may come twice.

        :param since: the snapshot of an earlier call; 0, or that of another database: every publication.
        """
        of_tables = where([one_of("table_name", tables)])
        age = f"((xmin::text::bigint - {since % _SLOT} + {_SLOT}) % {_SLOT})"
        snapshot = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        rows = self._database.query(
            f"SELECT p.table_name, p.portfolio, p.date, s.snapshot FROM (SELECT {snapshot} AS snapshot) AS s "
            f"LEFT JOIN (SELECT *, {age} AS age FROM {_PUBLISHED}{of_tables}) AS p "
            f"ON p.age < {_SLOT // 2} OR s.snapshot < {since} ORDER BY p.table_name, p.portfolio, p.date"
        )
        found = rows["snapshot"][0].as_py()
        partitions = from_arrow(Publications, rows.drop_columns(["snapshot"])).dropna()
        return Published(partitions.reset_index(drop=True), found)

    def latest_published(self, tables: Sequence[str]) -> pd.DataFrame:
        """The newest publication of each table and registered portfolio: table_name, portfolio, date.

        Of market tables the portfolio is ''.
        """
        registry = quoted(SCHEMA, table_name(Portfolios))
        registered = f"(portfolio = '' OR portfolio IN (SELECT portfolio FROM {registry}))"
        condition = where([one_of("table_name", tables), registered])
        return from_arrow(
            Publications,
            self._database.query(
                f"SELECT table_name, portfolio, max(date) AS date FROM {_PUBLISHED}{condition} "
                "GROUP BY table_name, portfolio ORDER BY table_name, portfolio"
            ),
        )

    def added_alert_rules(self) -> pd.DataFrame:
        """Rules that were added through the API, by id: rows of `AlertRuleRows`."""
        return self._chosen(AlertRuleRows, [])

    def known_alerts(self, rules: Sequence[str], dates: pd.DatetimeIndex | None) -> pd.DataFrame:
        """Rows of `Alerts` of rules on some dates; None = those that have not ended, of every date."""
        if not rules:
            return self._chosen(Alerts, ["false"])
        when = one_of("state", OPEN) if dates is None else on_dates(dates)
        return self._chosen(Alerts, [one_of("rule", rules), when])

    def save_alerts(
        self, evaluated: pd.DataFrame, destinations: Mapping[str, Sequence[str]], stamp: AuditStamp
    ) -> pd.DataFrame:
        """Store what an evaluation changes and put into the outbox what is to be told, in one transaction.

        :param evaluated: rows of `Alerts`. :param destinations: by rule.
        :returns: the alerts that are to be told. :raises DataQualityError: if the rows break their row model.
        """
        checked = validate(Alerts, evaluated.drop_duplicates(KEYS, keep="last"))
        if checked.empty:
            return checked
        with self._database.transaction(_LOCK) as cursor:
            stored = fetch(cursor, Alerts, _select(Alerts, [_keyed(Alerts, checked)]))
            written, told = changes(stored=stored, evaluated=checked)
            _replace(cursor, Alerts, written, stamp)
            _replace(cursor, AlertDeliveries, _outbox(told, destinations), stamp)
        return told

    def pending_alerts(self) -> pd.DataFrame:
        """The outbox: rows of `AlertDeliveries` that are pending, with the columns of their alerts."""
        to_tell = self._chosen(AlertDeliveries, [f"delivery = {literal(PENDING)}"])
        if to_tell.empty:
            return to_tell.merge(self._chosen(Alerts, ["false"]), on=KEYS)
        return to_tell.merge(self._chosen(Alerts, [_keyed(Alerts, to_tell)]), on=KEYS)

    def record_deliveries(self, tried: pd.DataFrame, stamp: AuditStamp) -> None:
        """Store the outcome of attempts: `AlertDeliveries` rows with delivery, attempts and last_error.

        An alert whose state has changed meanwhile stays pending: its new state is still to be told.
        """
        if tried.empty:
            return
        wanted = validate(AlertDeliveries, tried[list(columns(AlertDeliveries))])
        keys = primary_key(AlertDeliveries)
        with self._database.transaction(_LOCK) as cursor:
            current = fetch(
                cursor, AlertDeliveries, _select(AlertDeliveries, [_keyed(AlertDeliveries, wanted)])
            )
            same = wanted.merge(current[[*keys, "alert_state"]], on=[*keys, "alert_state"])
            _replace(cursor, AlertDeliveries, same, stamp)

    def _chosen(self, model: type[Table], conditions: Sequence[str]) -> pd.DataFrame:
        return from_arrow(model, self._database.query(_select(model, conditions)))


def _outbox(told: pd.DataFrame, destinations: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    rows = told[[*KEYS, "state"]].rename(columns={"state": "alert_state"})
    rows = rows.assign(destination=rows["rule"].map(lambda rule: list(destinations.get(rule, ()))))
    rows = rows.explode("destination", ignore_index=True).dropna(subset="destination")
    return validate(AlertDeliveries, rows.assign(delivery=PENDING, attempts=0, last_error=""))


def _replace(cursor: object, model: type[Table], rows: pd.DataFrame, stamp: AuditStamp) -> None:
    if len(rows):
        table = quoted(SCHEMA, table_name(model))
        cursor.execute(f"DELETE FROM {table}{where([_keyed(model, rows)])}")  # type: ignore[attr-defined]
        copy_in(cursor, model, to_arrow(model, rows, stamp))


def _select(model: type[Table], conditions: Sequence[str]) -> str:
    chosen = ", ".join(map(quoted, columns(model)))
    order = ", ".join(map(quoted, primary_key(model)))
    return f"SELECT {chosen} FROM {quoted(SCHEMA, table_name(model))}{where(conditions)} ORDER BY {order}"


def _keyed(model: type[Table], rows: pd.DataFrame) -> str:
    """Condition: the row has one of these keys."""
    keys = primary_key(model)
    days = rows.assign(date=rows["date"].dt.strftime("%Y-%m-%d"))
    types = {"date": "date"}
    arrays = [
        f"ARRAY[{', '.join(literal(value) for value in days[name])}]::{types.get(name, 'text')}[]"
        for name in keys
    ]
    names = ", ".join(map(quoted, keys))
    return f"({names}) IN (SELECT * FROM unnest({', '.join(arrays)}))"
