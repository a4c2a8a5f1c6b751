"""Where the rows of an answer come from: a view, its key, and whose dates count."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Grain,
    Publications,
    Table,
    facts,
    grain,
    primary_key,
)
from sigmasight_dagster.warehouse.layout.schema import columns, kind
from sigmasight_dagster.warehouse.layout.view import View, named, rows_of, same

Scope = Literal["portfolio", "market", "none"]
"""portfolio: rows of one portfolio on its published dates; market: of dates alone; none: without dates."""

_COMPUTED_KINDS: Final = {"rank": "int", "worst_scenario": "text", "dimension": "text"}
_CELL: Final = re.compile(r"\w+\.\w+")


@dataclass(frozen=True, eq=False)  # one is itself alone, so that statements are kept by it
class Source:
    """Rows of one answer.

    :param view: its `newest_of` is the table whose published dates count. :param key: tells its rows apart.
    :param always: a condition on the rows `v`. :param switches: more of them, by the flag that lifts each.
    """

    view: View
    key: tuple[str, ...]
    scope: Scope
    always: str = ""
    switches: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of each column (`layout.schema.kind`), by name."""
        return {name: self._kind(name, what) for name, what in self.view.columns.items()}

    @cached_property
    def models(self) -> tuple[type[Table], ...]:
        """Tables that the rows are made of."""
        text = " ".join([self.view.select("day"), self.always, *self.switches.values()])
        every = (*TABLES, *OPERATIONS_TABLES)
        return tuple(model for model in every if model is not Publications and named(model) in text)

    @property
    def on_or_before(self) -> bool:
        """Whether a date asks for the newest rows up to it: of what is not computed every day."""
        return self.view.newest_of is not None and facts(self.view.newest_of).weekly

    def _kind(self, name: str, what: str) -> str:
        alias, _, column = what.partition(".")
        if what in ("d.date", "d.portfolio"):
            return "date" if column == "date" else "text"
        model = self.view.tables.get(alias) if _CELL.fullmatch(what) else None
        if model is not None and column in columns(model):
            return kind(column, columns(model)[column])
        return "text" if name.endswith("status") else _COMPUTED_KINDS.get(name, "float")


def table(model: type[Table], *, always: str = "", switches: Mapping[str, str] | None = None) -> Source:
    """Every column of a table."""
    known = list(columns(model))
    by = grain(model)
    key = tuple(name for name in primary_key(model) if name != "portfolio")
    if by is Grain.DATE_PORTFOLIO:
        rest = [name for name in known if name not in by.value]
        return Source(rows_of(model, *rest), key, "portfolio", always, switches or {})
    if by is Grain.DATE:
        rest = [name for name in known if name != "date"]
        source = f"JOIN {named(model)} AS t ON t.date = d.date"
        view = View(named(model), "", model, {"t": model}, {"date": "d.date"} | same("t", *rest), source)
        return Source(view, key, "market", always, switches or {})
    view = View(named(model), "", None, {"t": model}, same("t", *known), f"{named(model)} AS t")
    return Source(view, key, "none", always, switches or {})


def labels(source: Source) -> list[str]:
    """Text columns of the key, but the portfolio."""
    return [name for name in source.key if source.kinds[name] == "text"]
