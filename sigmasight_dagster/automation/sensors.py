"""Sensors: what happens by itself after a run, a file or a correction. One file a topic."""

import dagster as dg

from sigmasight_dagster.automation import alerts, inbox, market_to_portfolio
from sigmasight_dagster.automation import isolate_failures as isolation
from sigmasight_dagster.automation import rerun_stale as corrections
from sigmasight_dagster.settings import Settings


def build(settings: Settings) -> list[dg.SensorDefinition]:
    """Sensors for one set of settings."""
    return [
        market_to_portfolio.build(settings),
        isolation.build(),
        corrections.build(),
        inbox.build(settings),
        *alerts.build(),
    ]
