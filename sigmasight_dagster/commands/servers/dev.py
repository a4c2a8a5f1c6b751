"""`sigmasight dev`: Dagster's webserver and daemon on the project's instance."""

import os
import socket
import sys
from pathlib import Path

import click

from sigmasight_dagster.server.processes import heed_interrupt
from sigmasight_dagster.server.urls import asset_database_url, dagster_database_url
from sigmasight_dagster.settings import Settings, project_root


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the UI.")
def dev(port: int, host: str) -> None:
    """Open the Dagster UI (webserver and daemon) until Ctrl-C."""
    settings = Settings()
    _refuse_taken_port(host, port)
    dagster_database_url(settings)
    asset_database_url(settings)
    root = project_root()
    os.environ.setdefault("DAGSTER_HOME", str(root))
    click.echo(
        f"Dagster UI: http://{host}:{port} (Ctrl-C stops it; the database goes on: sigmasight db stop)"
    )
    sys.stdout.flush()
    heed_interrupt()
    dagster = Path(sys.executable).parent / "dagster"
    arguments = [str(dagster), "dev", "-w", str(root / "workspace.yaml"), "-h", host, "-p", str(port)]
    os.execv(dagster, arguments)


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} of {host}: {error.strerror}: choose another with --port"
            ) from None
