"""Captured output of steps, and what ticks have logged: files that no run is there for any more."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager


def retire(instance: dg.DagsterInstance, before: dt.datetime, *, dry_run: bool) -> pd.DataFrame:
    """Delete files of captured output that were last written before a moment, of runs that are gone or go.

    :returns: one row: what, n_rows (files), n_bytes. Where output is not kept in files here, of no file.
    """
    manager = instance.compute_log_manager
    files: list[Path] = []
    if isinstance(manager, LocalComputeLogManager):
        files = list(_old_files(instance, Path(manager._base_dir), before))
    found = {
        "what": "captured output",
        "n_rows": len(files),
        "n_bytes": sum(file.stat().st_size for file in files),
    }
    if not dry_run:
        for file in files:
            file.unlink(missing_ok=True)
            _drop_empty(file.parent, Path(manager._base_dir))  # type: ignore[attr-defined]
    return pd.DataFrame([found])


def _old_files(instance: dg.DagsterInstance, base: Path, before: dt.datetime) -> Iterator[Path]:
    """Old files, folder by folder of a run; the folders of runs that have not ended are left out."""
    for folder in sorted(path for path in base.iterdir() if path.is_dir()) if base.is_dir() else ():
        old = [file for file in sorted(folder.rglob("*")) if file.is_file() and _written(file) < before]
        run = instance.get_run_by_id(folder.name) if old else None
        if run is None or run.is_finished:
            yield from old


def _written(file: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)


def _drop_empty(folder: Path, base: Path) -> None:
    while folder != base and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
