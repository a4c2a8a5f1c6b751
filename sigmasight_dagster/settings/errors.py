"""A setting in a wrong form, in one line: the variable, what it may be, an example."""

import re

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from sigmasight_dagster.settings.forms import example, form, info, variable


def one_line(settings: type[BaseSettings], error: ValidationError | SettingsError) -> str:
    """The first thing that is wrong, with the cure; a secret is never shown."""
    if isinstance(error, SettingsError):
        found = re.search(r'field "(\w+)"', str(error))
        name = found.group(1) if found else ""
        return f"{variable(settings, name)}: cannot be read; {_cure(settings, name)}"
    first = error.errors(include_url=False)[0]
    name, *inner = map(str, first["loc"]) if first["loc"] else ("",)
    name = _field(settings, name)
    said = "" if "Secret" in str(info(settings, name).annotation) else f"{first['input']!r} "
    inside = f"{'.'.join(inner)}: " if inner else ""
    problem = _problem(str(first["msg"]))
    return f"{variable(settings, name)}: {inside}{said}is wrong ({problem}); {_cure(settings, name)}"


def _problem(words: str) -> str:
    return words.replace("Input should be", "it should be").removeprefix("Value error, ").splitlines()[0]


def _field(settings: type[BaseSettings], place: str) -> str:
    """Name of the field of a place in an error, which is its alias where it has one."""
    aliases = {str(info.validation_alias): name for name, info in settings.model_fields.items()}
    return aliases.get(place, place)


def _cure(settings: type[BaseSettings], name: str) -> str:
    return f"give {form(settings, name)}, as {variable(settings, name)}={example(settings, name)}"
