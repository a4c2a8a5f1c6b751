"""Where a project lies: the checkout, or the folder that `sigmasight init` made one."""

import os
from pathlib import Path
from typing import Final

from sigmasight_core.errors import InputError

PACKAGE: Final = Path(__file__).resolve().parents[1]
WORKSPACE: Final = "workspace.yaml"
INSTANCE: Final = "dagster.yaml"


def is_checkout() -> bool:
    """Whether the package lies in its repository, and not among installed packages."""
    return all((PACKAGE.parent / name).exists() for name in ("pyproject.toml", WORKSPACE, INSTANCE))


def project_files() -> Path:
    """Where `dagster.yaml`, `workspace.yaml` and `examples` come from: the checkout, or the wheel's copy."""
    return PACKAGE.parent if is_checkout() else PACKAGE / "project_files"


def project_root() -> Path:
    """The checkout; of an installed package the nearest folder with a project, or else the working directory.

    The nearest one is the working directory or one above it.
    """
    if is_checkout():
        return PACKAGE.parent
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if _holds_project(folder)), here)


def dagster_home() -> Path:
    """DAGSTER_HOME, which becomes the project's folder where it is not set.

    :raises InputError: when it has no `dagster.yaml`: Dagster would keep its runs in SQLite files.
    """
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(project_root())))
    if not (home / INSTANCE).exists():
        raise InputError(
            f"{home} has no {INSTANCE}, so it is no project: go to the folder of yours, or make one here: "
            "sigmasight init"
        )
    return home


def _holds_project(folder: Path) -> bool:
    try:
        return "sigmasight_dagster" in (folder / WORKSPACE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
