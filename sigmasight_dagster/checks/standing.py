"""Every standing check, for the definitions and the job that evaluates them."""

from typing import Any, Final

from sigmasight_dagster.checks.betas import betas_agree_with_statsmodels
from sigmasight_dagster.checks.completeness import COMPLETENESS_CHECKS
from sigmasight_dagster.checks.damage import nothing_was_changed_by_hand
from sigmasight_dagster.checks.late_data import no_input_has_changed_since
from sigmasight_dagster.checks.totals import TOTALS_CHECKS

STANDING_CHECKS: Final[list[Any]] = [
    betas_agree_with_statsmodels,
    *TOTALS_CHECKS,
    *COMPLETENESS_CHECKS,
    nothing_was_changed_by_hand,
    no_input_has_changed_since,
]
