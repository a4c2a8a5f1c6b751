"""Doubt: what is fetched is held against what is stored, and what cannot be believed is kept out.

Here the rows that a judgement needs are brought together, and what follows from it is told to the warehouse;
the rules are in `sigmasight_core.market.plausibility`. A judgement sees stored rows and those that are about
to be published, never later ones of the source: a date is judged by what is known when it is computed. What
comes later judges it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import structlog

from sigmasight_core import calendar
from sigmasight_core.arrays.found import found_in
from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_core.market.plausibility import standing
from sigmasight_core.market.plausibility.actions import judged_splits
from sigmasight_core.market.plausibility.judge import ACTIONS, CLOSE, PRICES, Judged, judge
from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    DoubtfulRows,
    Table,
    validate,
)
from sigmasight_dagster.engine.second_source import no_others, second_source
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import Exchange, Findings, LearnedActions

BEFORE = pd.Timedelta(days=110)
AFTER = pd.Timedelta(days=24)
"""Calendar days around what is judged that hold its neighbours: Limits.HISTORY_SESSIONS and two runs."""
NEAR = pd.Timedelta(days=9)
"""Calendar days before and after the published dates that are judged again with them: one run."""

_CELLS = ["date", "symbol"]
_log = structlog.get_logger(__name__)


def limits_of(platform: Platform) -> Limits:
    """The thresholds as they are set."""
    settings = platform.settings
    return replace(
        Limits(),
        print_factor=settings.doubtful_print_factor,
        jump_factor=settings.doubtful_jump_factor,
        dividend_share=settings.doubtful_dividend_share,
    )


def screen(
    platform: Platform, model: type[Table], rows: pd.DataFrame, dates: pd.DatetimeIndex
) -> tuple[pd.DataFrame, Findings]:
    """Rows of DailyPrices or CorporateActions without what is in doubt, and what else the judgement changes.

    :param rows: as their source gives them, all that there are of the dates.
    :param dates: sorted sessions that are about to be published.
    """
    nothing = Findings(DoubtfulRows.empty())
    if platform.settings.doubtful_rows == "off":
        return rows, nothing
    known = platform.warehouse.doubts().drop(columns="computed_at")
    names = set(rows["symbol"])
    if model is CorporateActions:
        names |= set(known.loc[known["state"] == "open", "symbol"])
    if not names:
        return rows, nothing
    known = known[known["symbol"].isin(names)].reset_index(drop=True)
    far = (known["state"] == "open") & (known["table_name"] == PRICES)
    case = _gather(platform, sorted(names), known, known[far], dates, {model: rows})
    findings, used = _decide(platform, case)
    published = used[model][used[model]["date"].isin(dates)]
    return validate(model, published), findings


def rejudge(platform: Platform, decided: pd.DataFrame) -> Findings:
    """What follows when a user settles doubts: rows that come back or go, and doubts that fall with them.

    :param decided: versions (rows of DoubtfulRows) that are not stored yet; they are in the result.
    """
    symbols = sorted(decided["symbol"].unique())
    before = platform.warehouse.doubts(symbols).drop(columns="computed_at")
    known = standing.latest(pd.concat([before, decided], ignore_index=True))
    concerned = known[(known["state"] == "open") | found_in(known, decided, standing.KEYS)]
    case = _gather(platform, symbols, known, concerned, pd.DatetimeIndex([]), {})
    findings, _ = _decide(platform, case)
    made = [piece for piece in (decided, findings.versions) if len(piece)]
    return Findings(pd.concat(made, ignore_index=True), findings.exchanges)


def learned(platform: Platform, told: LearnedActions) -> tuple[LearnedActions, Findings]:
    """Actions of other dates as what they are, and the doubts about them; no closes are asked."""
    rows, nothing = told.rows.reset_index(drop=True), Findings(DoubtfulRows.empty())
    if platform.settings.doubtful_rows == "off" or rows.empty:
        return told, nothing
    ratio = rows["amount"].where(rows["kind"] == "split").to_numpy(dtype=float)
    none = np.full(len(rows), np.nan)
    form = judged_splits(ratio=ratio, jump=none, sigma=none, confirmed=np.zeros(len(rows), dtype=bool))
    known = platform.warehouse.doubts(sorted(rows["symbol"].unique())).drop(columns="computed_at")
    true = known[standing.still_true(known, standing.given_values(DailyPrices.empty(), rows))]
    named = rows.assign(table_name=ACTIONS, value=rows["amount"], held_against=np.nan, reason=form["reason"])
    odd = named[(form["kind"] == "distribution") & ~found_in(named, true, standing.KEYS)]
    made = odd.assign(state="open", settled_by=standing.CHECKS, version=1)
    made = standing.with_given_rows(made, prices=DailyPrices.empty(), actions=rows)
    stands = pd.concat([true, made], ignore_index=True)
    used = standing.used_actions(rows, form["kind"].where(rows["kind"] == "split", rows["kind"]), stands)
    return replace(told, rows=validate(CorporateActions, used)), Findings(made)


@dataclass(frozen=True)
class _Case:
    """Everything that one judgement is about.

    :ivar known: latest versions of the doubts about its symbols.
    :ivar given: rows as their source gave them, by model, with their surroundings.
    :ivar stored: the stored ones among them that stay in their partitions, as they are stored.
    :ivar fresh: dates of a model that are published as a whole.
    :ivar cells: CELL of what is judged.
    """

    known: pd.DataFrame
    given: Mapping[type[Table], pd.DataFrame]
    stored: Mapping[type[Table], pd.DataFrame]
    fresh: Mapping[type[Table], pd.DatetimeIndex]
    cells: pd.DataFrame
    limits: Limits


def _gather(
    platform: Platform,
    names: list[str],
    known: pd.DataFrame,
    concerned: pd.DataFrame,
    dates: pd.DatetimeIndex,
    new: Mapping[type[Table], pd.DataFrame],
) -> _Case:
    """:param concerned: doubts that are judged again wherever they are.
    :param new: rows that replace all those of their model on the dates."""
    given, stored = {}, {}
    for model in standing.MODELS.values():
        old = _around(platform, model, names, concerned, dates)
        stored[model] = old[~old["date"].isin(dates)] if model in new else old
        pieces = [stored[model], *([new[model]] if model in new else [])]
        gone = concerned[(concerned["state"] == "confirmed") & (concerned["table_name"] == ACTIONS)]
        if model is CorporateActions and model not in new and len(gone):
            back = standing.given_rows(model, gone)
            there = standing.called(pd.concat(pieces))
            pieces.append(back[~found_in(back, there, [*_CELLS, "kind"])])
        every = pd.concat([piece for piece in pieces if len(piece)] or pieces[:1], ignore_index=True)
        given[model] = standing.as_given(model, every, known)
    fresh = dict.fromkeys(new, dates)
    return _Case(known, given, stored, fresh, _judged_cells(given, concerned, dates), limits_of(platform))


def _around(
    platform: Platform, model: type[Table], names: list[str], concerned: pd.DataFrame, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Stored rows around the dates, and those of older concerned doubts with all that came since."""
    read, found = platform.warehouse.read, []
    since = concerned["date"].min() if len(concerned) else dates[0]
    last = max(dates[-1] if len(dates) else since, concerned["date"].max() if len(concerned) else since)
    first, last = (
        min(max(day, calendar.FIRST_DATE), calendar.LAST_DATE) for day in (since - BEFORE, last + AFTER)
    )
    if len(dates):
        first = max(dates[0] - BEFORE, calendar.FIRST_DATE)
        far = concerned[concerned["date"] - BEFORE < first]
        if len(far):
            begin = max(far["date"].min() - BEFORE, calendar.FIRST_DATE)
            found.append(
                read(model, (begin, first - pd.Timedelta(days=1)), symbols=sorted(set(far["symbol"])))
            )
    found.append(read(model, (first, last), symbols=names))
    return pd.concat([piece for piece in found if len(piece)] or found[:1], ignore_index=True)


def _judged_cells(
    given: Mapping[type[Table], pd.DataFrame], concerned: pd.DataFrame, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    pieces = [concerned[standing.CELL]]
    for name, model in standing.MODELS.items():
        rows = given[model]
        if len(dates):
            rows = rows[rows["date"].between(dates[0] - NEAR, dates[-1] + NEAR)]
            pieces.append(rows[_CELLS].assign(table_name=name)[standing.CELL])
    return pd.concat(pieces, ignore_index=True).drop_duplicates()


def _decide(platform: Platform, case: _Case) -> tuple[Findings, dict[type[Table], pd.DataFrame]]:
    """The findings, and all rows of the case as they are to be used."""
    prices, actions = case.given[DailyPrices], case.given[CorporateActions]
    every = standing.given_values(prices, actions)
    true = case.known[standing.still_true(case.known, every)]
    values = every[found_in(every, case.cells, standing.CELL)]
    now = case.known[found_in(case.known, case.cells, standing.CELL)]
    judged = _judge(case, true)
    found = judged.doubts[found_in(judged.doubts, case.cells, standing.CELL)]
    late = _late_splits(platform, case, found)
    if len(late):
        return _decide(platform, _with_actions(case, late))
    agreed, (others, second) = found.iloc[:0], second_source(platform, found)
    if len(others):
        agreed, judged = found, _judge(case, true, others)
        found = judged.doubts[found_in(judged.doubts, case.cells, standing.CELL)]
    made = standing.new_versions(found=found, agreed=agreed, standing=now, values=values, second=second)
    made = standing.with_given_rows(made, prices=prices, actions=actions)
    _tell(made)
    stands = standing.latest(pd.concat([true, made], ignore_index=True))
    kinds = judged.kinds.reindex(range(len(actions))).fillna("split").set_axis(actions.index)
    used = {
        DailyPrices: standing.used_prices(prices, stands),
        CorporateActions: standing.used_actions(actions, kinds, stands),
    }
    return Findings(made, [_exchange(case, model, rows) for model, rows in used.items()]), used


def _judge(case: _Case, true: pd.DataFrame, others: pd.DataFrame | None = None) -> Judged:
    """What `judge` finds; rejected values are not there for it."""
    actions = case.given[CorporateActions]
    rejected = true[true["state"] == "rejected"]
    out = found_in(standing.called(actions), rejected, [*_CELLS, "kind"])
    return judge(
        prices=standing.used_prices(case.given[DailyPrices], rejected),
        actions=actions[~out],
        confirmed=true[true["state"] == "confirmed"],
        others=no_others() if others is None else others,
        limits=case.limits,
    )


def _exchange(case: _Case, model: type[Table], used: pd.DataFrame) -> Exchange:
    """Stored rows that are judged, and are to be other ones."""
    name = next(table for table, known in standing.MODELS.items() if known is model)
    stored = case.stored[model]
    cells = case.cells[case.cells["table_name"] == name]
    old = stored[found_in(stored, cells, _CELLS)]
    mine = used[found_in(used, cells, _CELLS)]
    mine = mine[~mine["date"].isin(case.fresh.get(model, pd.DatetimeIndex([])))]
    mine = mine.astype(old.dtypes.to_dict())[list(old.columns)]
    both = pd.concat([old, mine], ignore_index=True)
    other = ~both.duplicated(keep=False)
    differing = both.loc[other, _CELLS].drop_duplicates()
    chosen = (rows[found_in(rows, differing, _CELLS)] for rows in (old, mine))
    return Exchange(model, *chosen)


def _late_splits(platform: Platform, case: _Case, found: pd.DataFrame) -> pd.DataFrame:
    """Splits of symbols with a close in doubt that the source tells, and that are not stored: rows to store.

    They were not asked for, or came after the prices. Rejected ones, and those of dates whose actions are
    just being published, are left out.
    """
    closes, none = found[found["kind"] == CLOSE], case.given[CorporateActions].iloc[:0]
    if closes.empty:
        return none
    names, first, last = sorted(closes["symbol"].unique()), closes["date"].min(), closes["date"].max()
    try:
        told = platform.market_data.corporate_actions(names, first, last)
    except (SourceError, TransientError, InputError) as error:
        _log.warning("corporate actions of doubtful prices cannot be asked for", error=str(error))
        return none
    keys = [*_CELLS, "kind"]
    rejected = case.known[(case.known["table_name"] == ACTIONS) & (case.known["state"] == "rejected")]
    stored = standing.called(case.given[CorporateActions])
    there = pd.concat([stored[keys], rejected[keys]])
    fresh = told["date"].isin(case.fresh.get(CorporateActions, pd.DatetimeIndex([])))
    return told[(told["kind"] == "split") & ~found_in(told, there, keys) & ~fresh]


def _with_actions(case: _Case, late: pd.DataFrame) -> _Case:
    both = [piece for piece in (case.given[CorporateActions], late) if len(piece)]
    given = dict(case.given) | {CorporateActions: pd.concat(both, ignore_index=True)}
    cells = pd.concat([case.cells, late[_CELLS].assign(table_name=ACTIONS)[standing.CELL]])
    return replace(case, given=given, cells=cells.drop_duplicates())


def _tell(made: pd.DataFrame) -> None:
    for row in made.head(20).itertuples():
        _log.warning(
            f"doubt {row.state}",
            symbol=row.symbol,
            date=f"{row.date:%Y-%m-%d}",
            kind=row.kind,
            value=row.value,
            reason=row.reason,
        )
