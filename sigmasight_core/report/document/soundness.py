"""What must hold of a report before it is stored."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sigmasight_core.report.document.model import Engine, ReportBase
from sigmasight_core.report.document.sources import CALCULATIONS

CENT: Final = 0.01


def problems(report: ReportBase) -> list[str]:
    """What is wrong with a report, one line each; none = it may be stored."""
    name = f"{report.metadata.portfolio} on {report.metadata.report_date}"
    return [f"{name}: {problem}" for problem in _problems(report)]


def _problems(report: ReportBase) -> Iterator[str]:
    yield from _counts(report)
    yield from _factors(report)
    yield from _losses(report)
    yield from _sections(report)


def _counts(report: ReportBase) -> Iterator[str]:
    """Counts by kind add up, and are those of the snapshot."""
    found = report.positions_summary
    if found.long + found.short != found.total or sum(found.by_type.values()) != found.total:
        yield f"{found.long} long, {found.short} short and {found.by_type} are not {found.total} positions"
    if found.total + found.ended != len(report.positions):
        yield f"{found.total} held and {found.ended} ended are not {len(report.positions)} positions"
    for row in report.rows("portfolio_snapshots"):
        counted = (row["n_positions"], row["n_long"], row["n_short"], row["n_options"])
        if counted != (found.total, found.long, found.short, found.options):
            yield f"the snapshot counts {counted}, the positions {found}"


def _factors(report: ReportBase) -> Iterator[str]:
    """No factor twice."""
    counts = Counter(row["factor"] for row in report.rows("factor_exposures"))
    yield from (f"factor {factor} is there {count} times" for factor, count in counts.items() if count > 1)


def _losses(report: ReportBase) -> Iterator[str]:
    """Who holds neither shorts nor options cannot lose more than all that is held."""
    if report.positions_summary.short or report.positions_summary.options:
        return
    gross = next((row["gross_exposure"] for row in report.rows("portfolio_snapshots")), None)
    for row in report.rows("stress_results"):
        for column in ("direct_pnl", "correlated_pnl"):
            if gross is not None and row[column] is not None and float(row[column]) < -float(gross) - CENT:
                yield f"{row['scenario']}: {column} {row[column]} is more than the gross exposure {gross}"


def _sections(report: ReportBase) -> Iterator[str]:
    """A section is there exactly when its availability says so."""
    for name in CALCULATIONS:
        engine: Engine = report.engine(name)
        data = getattr(engine, "data", None)
        if engine.available != (data is not None):
            yield f"{name}: available is {engine.available}, its data are {'there' if data else 'missing'}"
        if engine.available and not engine.count:
            yield f"{name}: available without a row"
