"""A setting in a wrong form, in one line: the variable, what it may be, an example."""

import datetime as dt
import re
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsError

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
    "cash_interest_spread": "0.005",
    "cash_borrow_spread": "0.015",
    "dividend_yields": '{"KO": 0.031}',
    "symbol_changes": '{"FB": "META"}',
    "extra_closures": '["2025-01-09"]',
    "factor_proxies": '{"market": "SPY"}',
    "queues": '{"risk": "portfolio"}',
    "k8s_queue_limits": '{"portfolio": 4}',
}


def one_line(settings: type[BaseSettings], error: ValidationError | SettingsError) -> str:
    """The first thing that is wrong, with the cure; a secret is never shown."""
    if isinstance(error, SettingsError):
        found = re.search(r'field "(\w+)"', str(error))
        name = found.group(1) if found else ""
        return f"{_variable(settings, name)}: cannot be read; {_cure(settings, name)}"
    first = error.errors(include_url=False)[0]
    name, *inner = map(str, first["loc"]) if first["loc"] else ("",)
    name = _field(settings, name)
    said = "" if "Secret" in str(_info(settings, name).annotation) else f"{first['input']!r} "
    inside = f"{'.'.join(inner)}: " if inner else ""
    problem = _problem(str(first["msg"]))
    return f"{_variable(settings, name)}: {inside}{said}is wrong ({problem}); {_cure(settings, name)}"


def _problem(words: str) -> str:
    return words.replace("Input should be", "it should be").removeprefix("Value error, ").splitlines()[0]


def _field(settings: type[BaseSettings], place: str) -> str:
    """Name of the field of a place in an error, which is its alias where it has one."""
    aliases = {str(info.validation_alias): name for name, info in settings.model_fields.items()}
    return aliases.get(place, place)


def _info(settings: type[BaseSettings], name: str) -> FieldInfo:
    return settings.model_fields.get(name, FieldInfo(annotation=str))


def _variable(settings: type[BaseSettings], name: str) -> str:
    alias = _info(settings, name).validation_alias
    return str(alias) if alias else f"{settings.model_config['env_prefix']}{name}".upper()


def _cure(settings: type[BaseSettings], name: str) -> str:
    info = _info(settings, name)
    form, example = _form(info.annotation)
    text = " ".join([form, *_bounds(info)])
    return f"give {text}, as {_variable(settings, name)}={_OWN_EXAMPLES.get(name, example)}"


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
        inner, example = _form(values[0])
        return f"a comma-separated list, each {inner}", example
    if values:
        return _form(values[0])
    return next(((words, text) for of, words, text in _EXAMPLES if kind is of), ("a value", "..."))
