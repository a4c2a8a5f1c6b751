"""The project as changes and jobs need it: settings, ledger, Dagster's instance; opened when first asked for.

Everything here blocks: routes that use it are `def`, or go through a thread.
"""

from collections.abc import Callable
from threading import Lock

import dagster as dg

from sigmasight_dagster.code_location import build_definitions
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.places import dagster_home
from sigmasight_dagster.warehouse import Warehouse

OpenInstance = Callable[[], dg.DagsterInstance]


def project_instance() -> dg.DagsterInstance:
    """Dagster's instance of the project. :raises InputError: when there is no project here."""
    dagster_home()
    return dg.DagsterInstance.get()


class Workspaces:
    """One workspace and its definitions, for every request."""

    def __init__(self, settings: Settings, warehouse: Warehouse, instance: OpenInstance) -> None:
        self._settings, self._warehouse, self._instance = settings, warehouse, instance
        self._lock = Lock()
        self._opened: Workspace | None = None
        self._definitions: dg.Definitions | None = None

    def open(self) -> Workspace:
        """The workspace."""
        with self._lock:
            if self._opened is None:
                platform = Platform(self._settings)
                platform.warehouse = self._warehouse
                self._opened = Workspace(self._settings, platform, self._instance())
            return self._opened

    def definitions(self) -> dg.Definitions:
        """What runs are made of; building it takes a second."""
        with self._lock:
            if self._definitions is None:
                self._definitions = build_definitions(self._settings)
            return self._definitions

    def forget_definitions(self) -> None:
        """Build them anew when they are asked for next: their partitions begin earlier now."""
        with self._lock:
            self._definitions = None
