"""A standing check that raises has an outcome too: that it could not be judged. Its run fails, as before."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from sigmasight_dagster.engine.declaration import not_judged


def judged(check: Callable[[dg.AssetCheckExecutionContext], Any]) -> Callable[..., Any]:
    """What stands between `@dg.asset_check`, or `@dg.multi_asset_check`, and the function that judges.

    Without it the last outcome stays the one that counts: a check that passed once, and raises ever since,
    is shown as passed.
    """

    def outcomes(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        try:
            found = check(context)
            results = [found] if isinstance(found, dg.AssetCheckResult) else list(found)
        except Exception as error:
            for key in sorted(context.selected_asset_check_keys):
                yield dg.AssetCheckResult(
                    passed=False,
                    asset_key=key.asset_key,
                    check_name=key.name,
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata=not_judged(error),
                )
            raise
        yield from results

    outcomes.__name__, outcomes.__doc__ = check.__name__, check.__doc__
    return outcomes
