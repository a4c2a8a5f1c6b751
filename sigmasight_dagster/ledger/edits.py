"""Edits of a registered portfolio: one position or the cash, through the import's own rules and history."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.edits import csv_row, edited, fields_of, find, with_tags
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_dagster import session_dates
from sigmasight_dagster.runs.workspace import Workspace, utc_now


@dataclass(frozen=True)
class Edit:
    """What an edit did.

    :param result: 'replaced', or 'unchanged'.
    :param position_id: of the position as it is now.
    :param warnings: of the import's rules.
    """

    result: str
    position_id: str
    warnings: pd.DataFrame


class Ledger:
    """One registered portfolio, as it was when it was opened; `command` is what the history says."""

    def __init__(self, workspace: Workspace, name: str, command: str):
        """:raises InputError: when the portfolio is not registered."""
        (self.name,) = workspace.chosen([name])
        self._workspace, self._command = workspace, command
        registry = workspace.platform.warehouse.portfolios()
        self._registered = registry[registry["portfolio"] == name].iloc[0]
        self.positions = workspace.platform.warehouse.positions([name])

    def add(self, fields: Mapping[str, str], allow_unpriced: bool) -> Edit:
        """Add a position.

        :param fields: of a portfolio CSV. :param allow_unpriced: as of an import.
        :raises InputError: for what is wrong with it; then nothing is stored.
        """
        text = csv_row(fields).encode()
        parsed = self._workspace.parse_portfolio(text, self.name, "command line", allow_unpriced)
        return self._save(None, parsed)

    def change(self, position_id: str, fields: Mapping[str, str]) -> Edit:
        """Change fields of a position; its symbol stays. Raises as `add` does."""
        old = find(self.positions, position_id)
        text = csv_row({**fields_of(old), **fields})
        _, last = session_dates.bounds(self._workspace.settings, utc_now())
        parsed = parse_portfolio_csv(text, self.name, "command line", last, {old["underlying"]})
        return self._save(old["position_id"], parsed)

    def tag(self, position_id: str, tags: tuple[str, ...], remove: bool) -> Edit:
        """Add tags to a position, or remove them."""
        old = find(self.positions, position_id)
        return self.change(position_id, {"tags": with_tags(old["tags"], tags, remove)})

    def set_cash(self, cash: float) -> str:
        """Set the cash balance. :raises InputError: when it is not a finite number."""
        if not np.isfinite(cash):
            raise InputError(f"cash {cash}: not a finite number; give the balance in USD")
        return self._store(self.positions, cash)

    def _save(self, old_id: str | None, parsed: ParsedPortfolio) -> Edit:
        positions = edited(self.positions, old_id, parsed)
        result = self._store(positions, float(self._registered["cash"]))
        return Edit(result, parsed.positions["position_id"].iloc[0], parsed.warnings)

    def _store(self, positions: pd.DataFrame, cash: float) -> str:
        return self._workspace.save_portfolio(
            self.name,
            cash,
            str(self._registered["source"]),
            positions,
            replace=True,
            command=self._command,
            expected=self.positions,
        )
