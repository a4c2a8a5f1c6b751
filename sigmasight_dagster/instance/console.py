"""Dagster's console logger, made quiet."""

import logging
import sys

import dagster as dg


@dg.logger(
    config_schema={"log_level": dg.Field(str, default_value="WARNING", description="Least level shown")},
    description="Quiet console: a range run's thousands of events stay in Dagster's event log",
)
def console_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """Dagster's console logger at WARNING by default."""
    logger = logging.Logger("sigmasight.run", level=context.logger_config["log_level"].upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger
