"""What changed in the contract that can break a program which reads: a new version has to say so."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

Named = Mapping[str, Mapping[str, Any]]


def refusals(stored: str, made: Mapping[str, Any]) -> list[str]:
    """Why a contract may not take the place of the stored one; nothing where it may.

    :param stored: the YAML of the last one.
    :param made: the new one as plain data.
    """
    try:
        earlier = yaml.load(stored, Loader=yaml.CSafeLoader)
        before, now = Version(earlier["version"]), Version(made["version"])
    except (yaml.YAMLError, InvalidVersion, TypeError, KeyError):
        return ["it is not readable as a contract: take it from the last commit"]
    if now < before:
        return [f"version {now} is before {before}"]
    return [] if now.major > before.major else list(breaking(earlier, made))


def breaking(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Tables, views and columns that went, or mean something else; what is new breaks nobody."""
    ours = _named(now["schema"])
    for name, table in _named(before["schema"]).items():
        if name not in ours:
            yield f"{table['physicalType']} {name} is gone"
        else:
            yield from _columns(name, _named(table["properties"]), _named(ours[name]["properties"]))


def _columns(table: str, before: Named, now: Named) -> Iterator[str]:
    for name, column in before.items():
        if name not in now:
            yield f"{table}.{name} is gone"
        else:
            yield from (f"{table}.{name}: {change}" for change in _changes(column, now[name]))
    keys = [
        [name for name, column in columns.items() if column.get("primaryKey")] for columns in (before, now)
    ]
    if keys[0] != keys[1]:
        yield f"{table}: its key was ({', '.join(keys[0])}) and is ({', '.join(keys[1])})"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for what in ("logicalType", "physicalType"):
        if what in before and before[what] != now.get(what):
            yield f"its {what} was {before[what]} and is {now.get(what)}"
            break
    if _unit(before) != _unit(now):
        yield f"its unit was '{_unit(before)}' and is '{_unit(now)}'"
    if before.get("required") and not now.get("required"):
        yield "it may be NULL now"
    was, may = _values(before), _values(now)
    if was and may is not None and not set(was) <= set(may):
        yield f"it can no longer be {', '.join(value for value in was if value not in may)}"


def _named(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in items}


def _unit(column: Mapping[str, Any]) -> str:
    return next(
        (said["value"] for said in column.get("customProperties", ()) if said["property"] == "unit"), ""
    )


def _values(column: Mapping[str, Any]) -> list[str] | None:
    """The enumeration; None = any value."""
    return next(
        (rule["arguments"]["validValues"] for rule in column.get("quality", ()) if "arguments" in rule), None
    )
