"""A broker's history as the command line reads it: which format it is of, and its transactions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from sigmasight_core.brokers.detect import POSITIONS, detect
from sigmasight_core.brokers.history import Facts, History, read_history
from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.brokers.repeats import Repeats
from sigmasight_core.errors import InputError
from sigmasight_dagster import session_dates
from sigmasight_dagster.ledger import beyond
from sigmasight_dagster.ledger.files import corporate_actions
from sigmasight_dagster.ledger.presets import preset_of, presets
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import Workspace, utc_now
from sigmasight_dagster.settings import Settings

AUTO: Final = "auto"
_NEAR: Final = pd.Timedelta(days=7)
_UNKNOWN: Final = (
    "the market data know no split of it within a week of that day: quantities from then on are wrong; add "
    "the split to the market data, and import again"
)


@dataclass(frozen=True)
class Reading:
    """How to read a history.

    :param allow_unpriced: accept symbols that the provider has no prices for.
    :param repeats: whether a row that is there twice in the same words counts once or each time.
    """

    allow_unpriced: bool = False
    repeats: Repeats = "once"


def chosen(settings: Settings, text: bytes, source: str, form: str, file: Path | None) -> Preset | None:
    """The preset to read a file by; None for a list of positions.

    :param form: AUTO, POSITIONS or the name of a preset. :param file: a preset by its path, which is used.
    :raises InputError: for a format that is not known, or a file that is of none or of several.
    """
    known = presets(settings)
    if file is not None:
        if form != AUTO:
            raise InputError("--format and --preset both say how to read the file; give one of them")
        return preset_of(file, known)
    name = detect(text, source, known) if form == AUTO else form
    if name == POSITIONS:
        return None
    if name not in known:
        raise InputError(f"--format {name}: not a format; use {', '.join((AUTO, POSITIONS, *known))}")
    return known[name]


def warnings_of(workspace: Workspace, history: History) -> pd.DataFrame:
    """The warnings of a history, and one for each split that it has and the market data do not know."""
    rows = history.splits
    if rows.empty:
        return history.warnings
    names, since = sorted(rows["symbol"].unique()), rows["date"].min() - _NEAR
    known = corporate_actions(workspace, names, since)
    known = known.loc[known["kind"] == "split", ["symbol", "date"]].rename(columns={"date": "ex_date"})
    both = rows.merge(known, on="symbol")
    found = both.loc[(both["date"] - both["ex_date"]).abs() <= _NEAR, "line"]
    lost = rows[~rows["line"].isin(found)]
    said = lost[["line"]].assign(column="split", value=lost["symbol"], reason=_UNKNOWN)
    return pd.concat([part for part in (history.warnings, said) if len(part)] or [history.warnings])


def parse(platform: Platform, text: bytes, name: str, source: str, preset: Preset, how: Reading) -> History:
    """What a history says, as of the last closed session.

    :param name: the portfolio. :param source: name of the file. :param how: as the caller was asked to.
    :raises InputError: when the file as a whole cannot be read.
    """
    known = None if how.allow_unpriced else platform.market_data.symbols()
    closed = session_dates.last_closed_session(utc_now())
    facts = Facts(closed, known, platform.settings.symbol_changes, how.repeats)
    history = read_history(text, source, name, preset, facts)
    return replace(history, errors=beyond.cured(history.errors, platform.settings))
