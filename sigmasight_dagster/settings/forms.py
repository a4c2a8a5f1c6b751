"""What each setting may be, in words, and an example: from its declaration."""

import datetime as dt
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

_EXAMPLES: Final[tuple[tuple[type, str, str], ...]] = (
    (bool, "true or false", "true"),
    (int, "a whole number", "5"),
    (float, "a number", "0.04"),
    (dt.date, "a date YYYY-MM-DD", "2024-01-31"),
    (Path, "a path", "/data/prices"),
    (SecretStr, "text", "..."),
    (str, "text", "..."),
)
_OWN_EXAMPLES: Final = {
    "database_url": "postgresql://USER:PASSWORD@HOST:5432/sigmasight",
    "dagster_postgres_url": "postgresql://USER:PASSWORD@HOST:5432/dagster",
    "celery_broker_url": "pyamqp://USER:PASSWORD@HOST:5672//",
    "yahoo_url": "https://HOST",
    "fred_url": "https://HOST",
    "polygon_url": "https://HOST",
    "fmp_url": "https://HOST",
    "smtp_host": "smtp.example.com",
    "smtp_to": "risk@example.com",
    "webhook_url": "https://HOST/PATH",
    "marks_file": "marks.csv",
    "files_dir": "examples/prices",
    "alert_rules": "alerts.yaml",
    "export_dir": "exports",
    "report_dir": "reports",
    "inbox_dir": "inbox",
    "presets_dir": "presets",
    "scenario_files": "scenarios.yaml",
    "secrets_dir": "/etc",
    "db_port": "5433",
    "factor_model": '{"window": 504}',
    "cash_interest_spread": "0.005",
    "cash_borrow_spread": "0.015",
    "dividend_yields": '{"KO": 0.031}',
    "symbol_changes": '{"FB": "META"}',
    "extra_closures": '["2025-01-09"]',
    "factor_proxies": '{"market": "SPY"}',
    "queues": '{"risk": "portfolio"}',
    "k8s_queue_limits": '{"portfolio": 4}',
}


def info(settings: type[BaseSettings], name: str) -> FieldInfo:
    """The declaration of a setting; text where there is none of that name."""
    return settings.model_fields.get(name, FieldInfo(annotation=str))


def variable(settings: type[BaseSettings], name: str) -> str:
    """The environment variable of a setting."""
    alias = info(settings, name).validation_alias
    return str(alias) if alias else f"{settings.model_config['env_prefix']}{name}".upper()


def form(settings: type[BaseSettings], name: str) -> str:
    """What a value may be, with its bounds."""
    words, _ = _form(info(settings, name).annotation)
    return " ".join([words, *_bounds(info(settings, name))])


def example(settings: type[BaseSettings], name: str) -> str:
    """A value as it is written."""
    return _OWN_EXAMPLES.get(name) or _form(info(settings, name).annotation)[1]


def _bounds(info: FieldInfo) -> list[str]:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    found = [(word, getattr(part, at, None)) for part in info.metadata for at, word in words.items()]
    return [f"{word} {value:g}" for word, value in found if value is not None]


def _form(kind: Any) -> tuple[str, str]:
    """What a value may be, in words, and an example."""
    values = [value for value in get_args(kind) if value is not type(None)]
    if values and all(isinstance(value, str) for value in values):
        return "one of " + ", ".join(values), values[0]
    if get_origin(kind) is dict:
        return "a JSON object by name", "{}"
    if get_origin(kind) is list:
        inner, _ = _form(get_args(kind)[0])
        return f"a JSON list, each {inner}", "[]"
    if get_origin(kind) is tuple:
        inner, text = _form(values[0])
        return f"a comma-separated list, each {inner}", text
    if values:
        return _form(values[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "a JSON object", "{}"
    return next(((words, text) for of, words, text in _EXAMPLES if kind is of), ("a value", "..."))
