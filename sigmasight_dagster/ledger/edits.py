"""Edits of a registered portfolio: one position or the cash, through the import's own rules and history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.account.positions_file import statement, with_statement
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_fields import refuse_bad_tag
from sigmasight_core.ledger.edits import csv_row, edited, fields_of, find, with_tags
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster import session_dates
from sigmasight_dagster.ledger import files
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
        self.workspace, self._command = workspace, command
        registry = workspace.platform.warehouse.portfolios()
        self._registered = registry[registry["portfolio"] == name].iloc[0]
        self.positions = workspace.platform.warehouse.positions([name])

    def add(self, fields: Mapping[str, str], allow_unpriced: bool, shares_of: SharesOf = "entry") -> Edit:
        """Add a position; a second lot of a symbol and day beside the first.

        :param fields: of a portfolio CSV. :param allow_unpriced: and `shares_of`: as of an import.
        :raises InputError: for what is wrong with it; then nothing is stored.
        """
        text = csv_row(fields).encode()
        parsed = files.parse(
            self.workspace,
            text,
            self.name,
            "command line",
            allow_unpriced=allow_unpriced,
            shares_of=shares_of,
        )
        return self._save(None, parsed)

    def change(self, position_id: str, fields: Mapping[str, str]) -> Edit:
        """Change fields of a position; its symbol stays. Raises as `add` does."""
        old = find(self.positions, position_id)
        text = csv_row({**fields_of(old), **fields})
        last = session_dates.last_closed_session(utc_now())
        end = files.data_end(self.workspace, last)
        known = {old["underlying"]}
        parsed = parse_portfolio_csv(text, self.name, "command line", last, known, data_end=end)
        if set(fields) - {"tags", "notes"}:
            cure = "add it again with sigmasight position add --shares-of"
            parsed = files.with_doubts(self.workspace, parsed, cure=cure)
        return self._save(old["position_id"], parsed)

    def remove(self, position_id: str) -> Edit:
        """Remove a position, as if it had never been entered.

        :raises InputError: when there is none, or it is the last: a portfolio is removed as a whole.
        """
        old = find(self.positions, position_id)
        left = self.positions[self.positions["position_id"] != old["position_id"]]
        if left.empty:
            raise InputError(
                f"{old['position_id']} is the only position; remove the portfolio: "
                f"sigmasight remove {self.name}"
            )
        result = self._store(left.reset_index(drop=True), float(self._registered["cash"]))
        return Edit(
            result, str(old["position_id"]), pd.DataFrame(columns=["row", "column", "value", "reason"])
        )

    def tag(self, position_id: str, tags: tuple[str, ...], remove: bool) -> Edit:
        """Add tags to a position, or remove them."""
        old = find(self.positions, position_id)
        return self.change(position_id, {"tags": with_tags(old["tags"], tags, remove)})

    def tag_all(self, tag: str, position_ids: Sequence[str]) -> str:
        """Add a tag to some positions, in one change: 'replaced' or 'unchanged'.

        :raises InputError: when it is not a tag, or there is no such position.
        """
        wanted = [str(find(self.positions, name)["position_id"]) for name in position_ids]
        refuse_bad_tag(tag)
        chosen = self.positions["position_id"].isin(wanted)
        return self._with_tags({text: with_tags(text, [tag], False) for text in self.tags_of(chosen)}, chosen)

    def untag_all(self, tag: str) -> str:
        """Remove a tag from every position, in one change. :raises InputError: when none has it."""
        chosen = self.positions["tags"].str.split(",").map(lambda names: tag in names).astype(bool)
        if not chosen.any():
            raise InputError(f"portfolio {self.name}: no position has such a tag")
        return self._with_tags({text: with_tags(text, [tag], True) for text in self.tags_of(chosen)}, chosen)

    def tags_of(self, chosen: "pd.Series[bool]") -> list[str]:
        """The texts of tags that the chosen positions have."""
        return list(self.positions.loc[chosen, "tags"].unique())

    def _with_tags(self, texts: Mapping[str, str], chosen: "pd.Series[bool]") -> str:
        changed = self.positions["tags"].mask(chosen, self.positions["tags"].map(texts))
        return self._store(self.positions.assign(tags=changed), float(self._registered["cash"]))

    def set_cash(self, cash: float, date: str | None = None) -> str:
        """State the cash balance, at the close of a session or of the last entry date.

        :raises InputError: when it is not a finite number, or the date not a session that has closed.
        """
        if not np.isfinite(cash):
            raise InputError(f"cash {cash}: not a finite number; give the balance in USD")
        if date is None:
            return self._store(self.positions, cash)
        day = session_dates.trading_date(date, self.workspace.settings, utc_now())
        rows = self.workspace.platform.warehouse.account(self.name)
        stated = statement(self.name, day, cash, self._command)
        return self._store(self.positions, float(self._registered["cash"]), with_statement(rows, stated))

    def set_benchmark(self, symbol: str) -> str:
        """Hold the returns against another symbol, one that has prices."""
        return self._store(self.positions, float(self._registered["cash"]), benchmark=symbol)

    def _save(self, old_id: str | None, parsed: ParsedPortfolio) -> Edit:
        positions = edited(self.positions, old_id, parsed)
        position_id = positions["position_id"].iloc[-1]
        same_day = positions["position_id"].str.partition("#")[0] == position_id.partition("#")[0]
        result = self._store(positions, float(self._registered["cash"]))
        warnings = parsed.warnings
        if old_id is None and same_day.sum() > 1:
            among = ", ".join(positions["position_id"][same_day].iloc[:-1])
            said = f"there are other lots of that day: {among}; all are kept"
            warnings = pd.concat(
                [warnings, pd.DataFrame([[2, "ticker", position_id, said]], columns=warnings.columns)]
            )
        return Edit(result, position_id, warnings)

    def _store(
        self,
        positions: pd.DataFrame,
        cash: float,
        transactions: pd.DataFrame | None = None,
        benchmark: str | None = None,
    ) -> str:
        return self.workspace.save_portfolio(
            self.name,
            cash,
            str(self._registered["source"]),
            positions,
            replace=True,
            command=self._command,
            expected=self.positions,
            transactions=transactions,
            terms={"benchmark": benchmark},
        )
