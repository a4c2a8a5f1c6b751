"""Dagster's webserver behind `web_guard`; its options are Dagster's.

`python -m sigmasight_dagster.instance.webserver -h 127.0.0.1 -p 3000 -w workspace.yaml`
"""

from typing import Any

from dagster_webserver import cli
from starlette.types import ASGIApp

from sigmasight_dagster.instance.web_guard import WebGuard
from sigmasight_dagster.settings import Settings


def main() -> None:
    """Serve until it is ended, as `dagster-webserver` does."""
    make = cli.create_app_from_workspace_process_context
    hosts = Settings().ui_hosts

    def guarded(*arguments: Any, **named: Any) -> ASGIApp:
        return WebGuard(make(*arguments, **named), hosts)

    cli.create_app_from_workspace_process_context = guarded  # type: ignore[assignment]
    cli.main()


if __name__ == "__main__":
    main()
