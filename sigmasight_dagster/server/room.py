"""Room on the disk of the state directory: what is stored stops before there is none.

A full disk ends the embedded server, and Dagster cannot write down why a run has failed. An external server
has a disk of its own, which nobody sees from here: it refuses by itself, and says so.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings import Settings

MB: Final = 2**20


class DiskAlmostFull(InputError):
    """Nothing more is stored until there is room."""


def places(settings: Settings) -> Iterator[tuple[Path, float]]:
    """Folders that grow and MB that are free there: the state directory, and the server's data."""
    for folder in (settings.home, settings.home / "postgres"):
        if folder.exists():
            yield folder.resolve(), shutil.disk_usage(folder).free / MB


def require(settings: Settings) -> None:
    """:raises DiskAlmostFull: where less is free than `min_free_mb`; names the folder and the cure."""
    if not settings.min_free_mb:
        return
    for folder, free in places(settings):
        if free < settings.min_free_mb:
            raise DiskAlmostFull(
                f"the disk of {folder} is almost full: {free:,.0f} MB are free, and "
                f"{settings.min_free_mb:,} MB have to be (SIGMASIGHT_MIN_FREE_MB), so nothing is stored: "
                "make room there (`sigmasight retention --dry-run` says what may go), then type the same "
                "command again"
            )
