"""Compute, validate, then publish or fail: nothing is stored that did not pass its gates.

A run with a row that breaks its table's contract, or with a failed blocking gate, publishes nothing:
the failed check is recorded, the offending rows go to `rejected_rows`, and the run fails with the list
of bad partitions as structured metadata.
"""

import datetime as dt
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic

import dagster as dg
import pandas as pd
from dagster._core.errors import DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo

from sigmasight_core.errors import DataQualityError, LedgerError, NoDataError, SigmaSightError
from sigmasight_core.tables import Grain, Table, grain, table_name, validate
from sigmasight_dagster import story
from sigmasight_dagster.engine import attempts, doubts
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Gate, GateResult, RiskAsset, not_judged
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.partitions.keys import Rectangle
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.server import room
from sigmasight_dagster.tags import GOES_ON_TAG, REFETCH_TAG, REPORTS_TAG
from sigmasight_dagster.warehouse import (
    AuditStamp,
    Basis,
    Findings,
    LearnedActions,
    Replacement,
    UpstreamNotPublished,
)

CONTRACT_CHECK = "rows_meet_the_contract"
BAD_PARTITIONS = "bad_partitions"
CODE_VERSION = version("sigmasight")

Results = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


@dataclass(frozen=True)
class Problem:
    """Rows of one table that must not be published, and the check that says so."""

    model: type[Table]
    check: str
    message: str
    failures: pd.DataFrame
    partitions: tuple[str, ...]


@dataclass
class Computed:
    """What one attempt has computed, and from what."""

    stamp: AuditStamp
    basis: Basis = field(default_factory=Basis)
    frames: dict[type[Table], pd.DataFrame] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    outcomes: list[tuple[Gate, GateResult]] = field(default_factory=list)
    learned: list[LearnedActions] = field(default_factory=list)
    configured: dict[type[Table], pd.DataFrame] = field(default_factory=dict)


def run(asset: RiskAsset, context: dg.AssetExecutionContext, first_date: pd.Timestamp) -> Results:
    """Compute and publish every partition of a run: the body of each Dagster asset."""
    platform: Platform = context.resources.platform
    every = sorted(map(str, context.partition_keys))  # once: Dagster lists them anew at each question
    parts = keys.rectangles(every)
    if not parts:
        raise dg.Failure(
            f"{asset.name}: the run selects no partition; check the order of its range's end-points"
        )
    begun = monotonic()
    attempts.stop_if_canceled(context)
    try:
        room.require(platform.settings)
        attempts.refuse_open_sessions(parts, pd.Timestamp(dt.datetime.now(dt.UTC)))
        results = attempts.until_current(context, lambda: _attempt(asset, context, parts, first_date))
    except room.DiskAlmostFull as error:
        # Of every partition: to try each portfolio by itself would take more room.
        raise _failure(asset, str(error), every, parts, counted=False) from error
    except SigmaSightError as error:
        attempts.retry_later(context, error)
        raise _failure(asset, str(error), unavailable_partitions(error, parts), parts) from error
    if results.problems:
        yield from _refuse(asset, platform, results, parts)
    for model, frame in results.frames.items():
        told = asset.stories.get(model, story.Story())
        metadata = story.of_partitions(context, every, model, results.frames, monotonic() - begun, told)
        yield from story.materialized(context, table_name(model), metadata)
        yield from _passed(model, frame, results.outcomes)


def _attempt(
    asset: RiskAsset, context: dg.AssetExecutionContext, parts: Sequence[Rectangle], first_date: pd.Timestamp
) -> Computed:
    """Compute, and store what has no problem. :raises InputsChanged: when it has to be computed again."""
    platform: Platform = context.resources.platform
    stamp = AuditStamp.now(context.run.run_id, platform.made_with)
    made = Computed(stamp)
    with attempts.of_what_stays(platform.warehouse, made.basis):
        _compute(made, asset, platform, parts, first_date, context.run.tags)
        if not made.problems:
            findings = _judge(asset, platform, parts, made.frames)
            _pass_gates(made, asset, context)
    if made.problems:
        platform.warehouse.require_current(made.basis)
        return made
    attempts.stop_if_canceled(context)
    room.require(platform.settings)
    platform.warehouse.publish(list(_replacements(made, parts, findings)), stamp, made.basis)
    for model, rows in made.configured.items():
        platform.warehouse.keep_configured(model, rows, stamp)
    for item in made.learned:
        known, doubted = doubts.learned(platform, item)
        platform.warehouse.learn_actions(known, stamp)
        platform.warehouse.settle(doubted, stamp)
    return made


def _pass_gates(made: Computed, asset: RiskAsset, context: dg.AssetExecutionContext) -> None:
    """Outcomes of the gates; one that raises, blocking or not, has a problem: it could not be judged."""
    for gate in asset.gates:
        try:
            outcome = gate.evaluate(made.frames[gate.model])
        except Exception as error:  # whatever it is: nobody knows whether the rows are right
            context.log.error("".join(traceback.format_exception(error)))
            outcome = GateResult(False, not_judged(error))
            made.problems.append(_gate_problem(gate, outcome, made.frames))
            continue
        made.outcomes.append((gate, outcome))
        if gate.blocking and not outcome.passed and not outcome.inconclusive:
            made.problems.append(_gate_problem(gate, outcome, made.frames))


def _compute(
    made: Computed,
    asset: RiskAsset,
    platform: Platform,
    parts: Sequence[Rectangle],
    first_date: pd.Timestamp,
    tags: Mapping[str, str],
) -> None:
    pieces: dict[type[Table], list[pd.DataFrame]] = {model: [] for model in asset.tables}
    refetch, reports, goes_on = (tag in tags for tag in (REFETCH_TAG, REPORTS_TAG, GOES_ON_TAG))
    for dates, portfolios in parts:
        batch = Batch(asset, platform, dates, portfolios, first_date, refetch, reports, made.basis, goes_on)
        computed = asset.compute(batch)
        made.learned += [batch.learned] if batch.learned is not None else []
        made.configured |= batch.configured
        for model, frame in zip(asset.tables, _as_tuple(computed), strict=True):
            pieces[model].append(frame)
    for model, computed_pieces in pieces.items():
        frame = (
            pd.concat(computed_pieces, ignore_index=True) if len(computed_pieces) > 1 else computed_pieces[0]
        )
        try:
            made.frames[model] = validate(model, frame)
        except DataQualityError as error:
            made.problems.append(_contract_problem(model, frame, error))


def _judge(
    asset: RiskAsset,
    platform: Platform,
    parts: Sequence[Rectangle],
    frames: dict[type[Table], pd.DataFrame],
) -> dict[type[Table], Findings]:
    """Keep what is in doubt out of the frames; the doubts by model."""
    found = {}
    if asset.judged:
        dates = pd.DatetimeIndex(sorted({date for part, _ in parts for date in part}))
        for model in asset.tables:
            frames[model], found[model] = doubts.screen(platform, model, frames[model], dates)
    return found


def _as_tuple(computed: pd.DataFrame | tuple[pd.DataFrame, ...]) -> tuple[pd.DataFrame, ...]:
    return computed if isinstance(computed, tuple) else (computed,)


def _contract_problem(model: type[Table], frame: pd.DataFrame, error: DataQualityError) -> Problem:
    failures: pd.DataFrame = error.failures  # type: ignore[attr-defined]
    rows = pd.to_numeric(failures["row"], errors="coerce").dropna().astype(int).unique()
    return Problem(model, CONTRACT_CHECK, str(error), failures, _partition_keys(model, frame, list(rows)))


def _gate_problem(gate: Gate, outcome: GateResult, frames: dict[type[Table], pd.DataFrame]) -> Problem:
    frame = frames[gate.model]
    failures = pd.DataFrame(
        {"row": list(outcome.rows), "column": "", "check": gate.name, "value": str(outcome.metadata)}
    )
    message = f"{table_name(gate.model)}: {gate.name} failed: {outcome.metadata}"
    return Problem(gate.model, gate.name, message, failures, _partition_keys(gate.model, frame, outcome.rows))


def _partition_keys(model: type[Table], frame: pd.DataFrame, rows: Sequence[int]) -> tuple[str, ...]:
    bad = frame.iloc[list(rows)]
    named = bad[list(grain(model).value)].assign(date=pd.to_datetime(bad["date"], errors="coerce"))
    return tuple(sorted(keys.of_frame(named).dropna().unique()))


def _refuse(
    asset: RiskAsset, platform: Platform, made: Computed, parts: Sequence[Rectangle]
) -> Iterator[dg.AssetCheckResult]:
    for problem in made.problems:
        platform.warehouse.reject(table_name(problem.model), made.stamp.run_id, problem.failures)
        yield dg.AssetCheckResult(
            passed=False,
            asset_key=table_name(problem.model),
            check_name=problem.check,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "reason": problem.message,
                BAD_PARTITIONS: dg.MetadataValue.json(list(problem.partitions)),
            },
        )
    bad = sorted({key for problem in made.problems for key in problem.partitions})
    raise _failure(asset, made.problems[0].message, bad, parts)


class _ShownAsSaid(DagsterUserCodeProcessError):
    """Dagster shows the error of such an exception as it stands, and not the frames that raised it."""

    def __init__(self, description: str) -> None:
        words = SerializableErrorInfo(f"{description}\n", stack=[], cls_name="Failure")
        super().__init__(description, user_code_process_error_infos=[words])


class Refused(dg.Failure, _ShownAsSaid):
    """A failure that says why in words: the frames of our own code would hide them."""


def _failure(
    asset: RiskAsset, reason: str, bad: Sequence[str], parts: Sequence[Rectangle], *, counted: bool = True
) -> dg.Failure:
    total = sum(len(dates) * max(len(portfolios), 1) for dates, portfolios in parts)
    count = f"{len(bad)} of {total} partitions are bad: " if bad and counted else ""
    return Refused(
        f"{asset.name}: nothing published; {count}{reason}",
        metadata={BAD_PARTITIONS: dg.MetadataValue.json(list(bad)), "reason": reason},
        allow_retries=False,
    )


def unavailable_partitions(error: SigmaSightError, parts: Sequence[Rectangle]) -> list[str]:
    """Partitions of the run that an error says cannot be computed; none when it does not say."""
    if isinstance(error, NoDataError):
        missing = pd.DataFrame({"date": list(error.dates), "portfolio": ""})
    elif isinstance(error, UpstreamNotPublished):
        missing = error.missing
    elif isinstance(error, LedgerError):
        missing = pd.DataFrame({"date": pd.NaT, "portfolio": list(error.portfolios)})
    else:
        return []
    return keys.of_matches(parts, missing)


def _replacements(
    made: Computed, parts: Sequence[Rectangle], findings: Mapping[type[Table], Findings]
) -> Iterator[Replacement]:
    for model, frame in made.frames.items():
        by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
        for number, (dates, portfolios) in enumerate(parts):
            rows = frame
            if len(parts) > 1:
                chosen = frame["date"].isin(dates)
                rows = frame[chosen & frame["portfolio"].isin(portfolios)] if by_portfolio else frame[chosen]
            found = None if number else findings.get(model)
            yield Replacement.of(model, rows, dates, portfolios if by_portfolio else None, found)


def _passed(
    model: type[Table],
    frame: pd.DataFrame,
    outcomes: Sequence[tuple[Gate, GateResult]],
) -> Iterator[dg.AssetCheckResult]:
    yield dg.AssetCheckResult(
        passed=True,
        asset_key=table_name(model),
        check_name=CONTRACT_CHECK,
        metadata={"rows": len(frame)},
    )
    for gate, outcome in outcomes:
        if gate.model is model:
            yield dg.AssetCheckResult(
                passed=outcome.passed,
                asset_key=table_name(model),
                check_name=gate.name,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=outcome.metadata,
            )
