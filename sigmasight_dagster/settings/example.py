"""`.env.example`: every setting with what it is, what it may be and its default, from the declarations."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.forms import example, form, info, variable
from sigmasight_dagster.settings.places import project_root

HEAD: Final = """\
# Settings of SigmaSight. Copy this file to .env and take away the '#' before what you set.
# Environment variables win over .env, and .env over sigmasight.toml. A .env with secrets is not to be shared.
"""
WIDTH: Final = 100


def env_example() -> str:
    """Every setting as a comment: its topic, description, form, and its default or an example."""
    return "\n".join([HEAD, *(line for topic in topics() for line in _topic(topic))])


def topics() -> list[type[BaseSettings]]:
    """The classes that declare settings, in the order of the page."""
    return [Settings, *(topic for topic in Settings.__mro__[1:] if _declares(topic))]


def title(topic: type[BaseSettings]) -> str:
    """What a topic is about."""
    return (topic.__doc__ or "").strip().splitlines()[0].rstrip(".")


def names_of(topic: type[BaseSettings]) -> list[str]:
    """Its settings."""
    return [name for name in topic.__annotations__ if name in Settings.model_fields]


def _declares(topic: type) -> bool:
    return issubclass(topic, BaseSettings) and topic is not BaseSettings


def _topic(topic: type[BaseSettings]) -> Iterator[str]:
    yield from (f"# ===== {title(topic)} =====", "")
    for name in names_of(topic):
        yield from _setting(name)


def _setting(name: str) -> Iterator[str]:
    default = info(Settings, name).get_default(call_default_factory=True)
    kept = written(default)
    known = "Not set; for example:" if kept is None else "Default:"
    words = form(Settings, name)
    for line in (info(Settings, name).description or "", f"{words[0].upper()}{words[1:]}. {known}"):
        yield from textwrap.wrap(line, WIDTH, initial_indent="# ", subsequent_indent="#   ")
    yield f"#{variable(Settings, name)}={example(Settings, name) if kept is None else kept}"
    yield ""


def written(default: Any) -> str | None:
    """A default as `.env` writes it; None where nothing is the default."""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, Path):
        root = project_root()
        return str(default.relative_to(root) if default.is_relative_to(root) else default)
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default) or None
    if isinstance(default, str | int | float):
        return str(default) or None
    return json.dumps(default) if isinstance(default, dict | list) and default else None
