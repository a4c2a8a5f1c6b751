"""What market data and estimates are made with besides what is stored: code, settings and local files.

A fingerprint of it is published with each partition by date; another one of now would make another partition.
A setting that is not named below counts: at worst what is as it would be is computed again.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final, get_args

from pydantic import SecretStr

from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.alerting import AlertSettings
from sigmasight_dagster.settings.api import ApiSettings
from sigmasight_dagster.settings.execution import ExecutionSettings
from sigmasight_dagster.settings.places import PACKAGE

CODE: Final = ("assets", "engine", "gates", "partitions", "providers")
"""Rooms that market data and estimates come from, beside the core."""
PLACES: Final = frozenset(
    [
        "home",
        "database_url",
        "dagster_postgres_url",
        "secrets_dir",
        "db_port",
        "presets_dir",
        "export_dir",
        "report_dir",
        "inbox_dir",
        "files_dir",
        "marks_file",
        "scenario_files",
        "yahoo_url",
        "fred_url",
        "polygon_url",
        "fmp_url",
    ]
)
"""Where something lies. What the first two files of market data hold counts, by their size and time."""
NOT_OF_THE_MARKET: Final = frozenset(
    [
        "end_date",
        "liquidation_share",
        "preview_partitions",
        "plot_partitions",
        "daily_minutes_after_close",
        "correlations",
        "inbox_shares_of",
        "polygon_plan",
        "fmp_plan",
        "source_timeout_seconds",
        "refresh_sessions",
        "symbol_changes",
        "cash_interest_spread",
        "cash_borrow_spread",
        "statement_tolerance",
    ]
)
LENGTH: Final = 12


def fingerprint(settings: Settings) -> str:
    """The fingerprint for these settings; nothing of a secret is in it."""
    left_out = PLACES | NOT_OF_THE_MARKET
    for topic in (AlertSettings, ApiSettings, ExecutionSettings):
        left_out |= topic.model_fields.keys()
    given = settings.model_dump(mode="json", exclude=set(left_out) | _secrets())
    made = sha256(json.dumps([version("sigmasight"), given], sort_keys=True).encode())
    for text in (*_code(), *_local_files(settings)):
        made.update(text)
    return made.hexdigest()[:LENGTH]


def _secrets() -> set[str]:
    """Names of fields of secrets, set or not."""
    kinds = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {name for name, kind in kinds.items() if SecretStr in (kind, *get_args(kind))}


def _code() -> Iterator[bytes]:
    """The files that compute: what an editable installation calls its version says nothing of them."""
    for room in (PACKAGE.parent / "sigmasight_core", *(PACKAGE / name for name in CODE)):
        for path in sorted(room.rglob("*")):
            if path.is_file() and path.parent.name != "__pycache__":
                yield f"{path.relative_to(PACKAGE.parent)}\n".encode()
                yield path.read_bytes()


def _local_files(settings: Settings) -> Iterator[bytes]:
    for place in (settings.files_dir, settings.marks_file):
        if place is not None:
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                yield _state(path, place)


def _state(path: Path, place: Path) -> bytes:
    try:
        found = path.stat()
    except OSError:  # what cannot be read is told by who needs it
        return f"{path.name} cannot be read".encode()
    return f"{path.relative_to(place)} {found.st_size} {found.st_mtime_ns}\n".encode()
