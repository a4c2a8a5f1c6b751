"""The inbox: lists of positions and histories that are dropped there are imported, computed, and put away.

A file goes through its steps one tick at a time: seen (and unchanged on the next tick: nobody is writing
it), imported, requested (its first run), put away. Each step can be repeated, so that a kill between any
two of them loses nothing and imports nothing twice. Bad files are put aside with a report.
"""

import json
import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import DataQualityError, InputError, SigmaSightError
from sigmasight_core.tables import Grain
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.ledger import files, histories
from sigmasight_dagster.ledger.accounts import Account, ListedAccount, Stated, account_of, listed
from sigmasight_dagster.ledger.files import shown
from sigmasight_dagster.ledger.statements import doubts
from sigmasight_dagster.ledger.wanted import Wanted, together
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings

IMPORTED, REJECTED = "imported", "rejected"
MOST_SECONDS = 30.0
"""A tick may take 60 (Dagster's own limit): one that takes longer has done nothing, by its cursor."""
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", "~")
"""Ends of the names of files that are still being written."""

_SEEN, _REQUESTED = "seen", "requested"
_RUN_KEY_TAG = "dagster/run_key"


@dataclass
class Tick:
    """What one look into the inbox did."""

    cursor: str = "{}"
    wanted: list[Wanted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def directory(settings: Settings) -> Path:
    """The inbox; created on first use, with its subdirectories.

    :raises InputError: when one of these is a symbolic link, by which files would be moved anywhere.
    """
    inbox = settings.inbox_dir or settings.home / "inbox"
    for folder in (inbox / IMPORTED, inbox / REJECTED):
        if folder.is_symlink():
            raise InputError(f"{folder} is a symbolic link, which is not followed: make it a folder")
        folder.mkdir(parents=True, exist_ok=True)
    return inbox


def look(workspace: Workspace, cursor: str | None, now: pd.Timestamp, seconds: float = MOST_SECONDS) -> Tick:
    """Take every file in the inbox one step further, as far as the time goes; the others on the next tick.

    :param cursor: of the tick before. :param now: UTC, for the names of what is put away.
    :param seconds: after so many no further file is begun.
    :raises SigmaSightError: when the warehouse or the market data cannot be used: no file is at fault.
    """
    inbox, before = directory(workspace.settings), json.loads(cursor or "{}")
    tick = Tick()
    after: dict[str, Any] = {}
    files = _files(inbox)
    if any(before.get(file.name) for file in files):
        workspace.platform.warehouse.portfolios()
        workspace.platform.market_data.symbols()
    begun = time.monotonic()
    for number, file in enumerate(files):
        if number and time.monotonic() - begun > seconds:
            left = files[number:]
            after |= {other.name: before[other.name] for other in left if before.get(other.name)}
            tick.notes.append(f"{len(left):,} more files wait for the next tick")
            break
        try:
            state = _Step(workspace, file, now, tick).take(before.get(file.name))
        except FileNotFoundError:
            tick.notes.append(f"{shown(file.name)}: gone before it was read")
        except (SigmaSightError, OSError) as error:
            state = before.get(file.name)
            tick.problems.append(f"{shown(file.name)}: left in the inbox: {error}")
            after[file.name] = state
        else:
            after |= {file.name: state} if state else {}
    if len(tick.wanted) > 1:
        order, most = workspace.portfolio_order(), workspace.settings.chunk_partitions
        tick.wanted = together(tick.wanted, order, most)
    tick.cursor = json.dumps(after)
    return tick


def _files(inbox: Path) -> list[Path]:
    """What is to be looked at: not directories, hidden files, or names of files that are being written."""
    with os.scandir(inbox) as entries:
        names = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    return [
        inbox / name for name in sorted(names) if name[0] != "." and not name.lower().endswith(UNFINISHED)
    ]


class _Step:
    """One file on one tick."""

    def __init__(self, workspace: Workspace, file: Path, now: pd.Timestamp, tick: Tick):
        self.workspace, self.file, self.now, self.tick = workspace, file, now, tick
        self.shown = Path(shown(file.name))

    def take(self, state: dict[str, Any] | None) -> dict[str, Any] | None:
        """The file's state after this tick; None when it was put away."""
        found = _fingerprint(self.file)
        if state is None or state["fingerprint"] != found:
            self._note("waits until it no longer changes")
            return {"fingerprint": found, "step": _SEEN, "asked": []}
        steps: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            _SEEN: self._import,
            IMPORTED: self._request,
            _REQUESTED: self._put_away,
        }
        return steps[state["step"]](state)

    def _import(self, state: dict[str, Any]) -> dict[str, Any] | None:
        try:
            result, positions = self._save(state)
        except (InputError, DataQualityError) as error:
            self._reject(str(error).splitlines())
            return None
        if positions is None:
            return None
        said = {
            "created": "portfolio created",
            "replaced": "portfolio replaced; results that its changes concern no longer count as published",
            "unchanged": "the portfolio has these positions already: not imported again",
        }[result]
        self._note(f"{positions} positions: {said}")
        return self._request({**state, "step": IMPORTED})

    def _save(self, state: dict[str, Any]) -> tuple[str, int | None]:
        """Import the file: what became of the portfolio, and its positions; None when it was rejected."""
        name, workspace = portfolio_name(self.file), self.workspace
        text = files.read(self.file)
        if _fingerprint(self.file) != state["fingerprint"]:
            raise OSError("it changed while it was read; read again on the next tick")
        preset = histories.chosen(workspace.settings, text, self.file.name, histories.AUTO, None)
        account = self._listed(name, text) if preset is None else self._of_history(name, text, preset)
        if account is None:
            return "", None
        source = self.file.name
        result = account.save(workspace, replace=True, command=f"inbox {source}")
        self.tick.notes += [f"{source}: warning: balance: {line}" for line in doubts(workspace, name)]
        return result, len(account.lots)

    def _listed(self, name: str, text: bytes) -> ListedAccount | None:
        parsed = files.parse(
            self.workspace,
            text,
            name,
            self.file.name,
            allow_unpriced=False,
            shares_of=self.workspace.settings.inbox_shares_of,
            cure="SIGMASIGHT_INBOX_SHARES_OF=",
        )
        if not self._good(parsed.warnings, parsed.errors, parsed.positions):
            return None
        return listed(self.workspace, name, self.file.name, parsed.positions, Stated())

    def _of_history(self, name: str, text: bytes, preset: Preset) -> Account | None:
        """As the import reads it; a sale of more than is held is refused."""
        source, platform = self.file.name, self.workspace.platform
        history = histories.parse(platform, text, name, source, preset, histories.Reading())
        warnings = histories.warnings_of(self.workspace, history)
        if not self._good(warnings, history.errors, history.transactions):
            return None
        self._note(f"{len(history.transactions)} transactions, read by preset {preset.name}")
        return account_of(self.workspace, name, source, history.transactions)

    def _good(self, warnings: pd.DataFrame, errors: pd.DataFrame, rows: pd.DataFrame) -> bool:
        """Note what is odd; with a bad row, or without a good one, the file is rejected."""
        self.tick.notes += [f"{self.file.name}: warning: {line}" for line in _lines(warnings)]
        if len(errors) or rows.empty:
            self._reject(_lines(errors) or ["no good row"])
            return False
        return True

    def _request(self, state: dict[str, Any]) -> dict[str, Any]:
        """Ask for the first run; before it, layer by layer, for market history that it needs."""
        if self._running(state["asked"]):
            return state
        base = f"{self.file.stem}:{state['fingerprint']}"
        runs = _first_runs(self.workspace, portfolio_name(self.file))
        keyed = [Wanted(run, _run_key(base, run)) for run in runs]
        history = [item for item in keyed if not item.run.portfolios and item.run_key not in state["asked"]]
        if history:
            layer = [item for item in history if item.run.assets == history[0].run.assets]
            self.tick.wanted += layer
            self._note(f"its first run needs market history: {len(layer)} runs requested")
            return {**state, "asked": [*state["asked"], *(item.run_key for item in layer)]}
        wanted = [item for item in keyed if item.run.portfolios]
        self.tick.wanted += wanted
        dates = ", ".join(f"{item.run.dates[0]:%Y-%m-%d}" for item in wanted)
        self._note(
            f"first run requested: {dates}" if wanted else "no run requested: nothing is to be computed"
        )
        return {**state, "step": _REQUESTED}

    def _running(self, run_keys: list[str]) -> bool:
        if not run_keys:
            return False
        runs = self.workspace.instance.get_runs(filters=dg.RunsFilter(tags={_RUN_KEY_TAG: run_keys}))
        return any(not run.is_finished for run in runs)

    def _put_away(self, state: dict[str, Any]) -> None:  # noqa: ARG002 (as the other steps)
        target = self.file.parent / IMPORTED / self._stamped()
        self.file.rename(target)
        self._note(f"moved to {IMPORTED}/{target.name}")

    def _reject(self, lines: list[str]) -> None:
        """Put the file aside. Its report is there first: no rejected file is without one."""
        target = self.file.parent / REJECTED / self._stamped()
        report = target.with_name(f"{target.stem}.report.txt")
        text = [f"{self.shown}: nothing imported; mend it and drop it again:", *lines]
        report.write_text("\n".join(text) + "\n", encoding="utf-8")
        self.file.rename(target)
        self.tick.problems.append(f"{self.shown}: rejected: {lines[0]}; all of it: {REJECTED}/{report.name}")

    def _stamped(self) -> str:
        return f"{self.shown.stem}.{self.now:%Y%m%dT%H%M%S%fZ}{self.shown.suffix}"

    def _note(self, text: str) -> None:
        self.tick.notes.append(f"{self.shown}: {text}")


def portfolio_name(file: Path) -> str:
    """The portfolio of a file: its name without .csv. :raises InputError: when it cannot be one."""
    name, stem = shown(file.name), shown(file.stem)
    if not stat.S_ISREG(file.lstat().st_mode):
        raise InputError(f"{name}: not a regular file: drop the CSV itself")
    if file.suffix.lower() != ".csv":
        raise InputError(f"{name}: not a .csv: name it NAME.csv, where NAME is the portfolio")
    if not re.fullmatch(PORTFOLIO_NAME_PATTERN, file.stem):
        raise InputError(
            f"{name}: portfolio name '{stem}' must match {PORTFOLIO_NAME_PATTERN}: rename the file"
        )
    return file.stem


def _fingerprint(file: Path) -> str:
    """Changes whenever the file does."""
    found = file.lstat()
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _lines(rows: pd.DataFrame) -> list[str]:
    return [
        f"line {row.line!s}, column {row.column or '(whole row)'!s}, value {row.value!r}: {row.reason!s}"
        for row in rows.itertuples()
    ]


def _run_key(base: str, run: RangeRun) -> str:
    return f"{base}:{run.assets[0].name}:{run.dates[0]:%Y-%m-%d}:{run.dates[-1]:%Y-%m-%d}"


def _first_runs(workspace: Workspace, name: str) -> list[RangeRun]:
    """Unpublished runs that compute a portfolio on the last date that has market data; none without."""
    dates: pd.DatetimeIndex | None = None
    for model in (model for asset in RISK_ASSETS if asset.grain is Grain.DATE for model in asset.tables):
        found = pd.DatetimeIndex(workspace.platform.warehouse.published(model)["date"])
        dates = found if dates is None else dates.intersection(found)
    if dates is None or dates.empty:
        return []
    return workspace.unpublished(workspace.plan(pd.DatetimeIndex([dates.max()]), [name]))
