"""`sigmasight serve`: the API, until Ctrl-C."""

import sys
from contextlib import suppress
from threading import Event
from types import FrameType
from typing import Final

import click
import uvicorn

from sigmasight_dagster import logs
from sigmasight_dagster.api.app import create_app
from sigmasight_dagster.auth.tokens import signing_secret
from sigmasight_dagster.commands.servers.ports import refuse_taken_port
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than proxies and clients keep an idle connection: on one that just closes nobody is answered."""
STOP_SECONDS: Final = 15
"""For answers that are under way when the server ends."""


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on; default: the setting, 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; default: the setting, 8000.")
def serve(host: str | None, port: int | None) -> None:
    """Serve the API (docs/api.md) until Ctrl-C.

    Its page is /api/v1/docs. Users are added by sigmasight users add.
    """
    settings = Settings()
    where, at = host or settings.api_host, port or settings.api_port
    refuse_taken_port(where, at)
    url = asset_database_url(settings)
    warehouse = Warehouse(url)
    warehouse.migrate()
    warehouse.close()
    logs.configure("INFO")
    app = create_app(settings, url, signing_secret(settings))
    base = f"http://{where}:{at}/api/v1"
    click.echo(f"API: {base}, its page: {base}/docs (Ctrl-C stops it)")
    click.echo(f"A first request: curl {base}/system/health")
    click.echo("Users: sigmasight users add EMAIL --portfolio NAME, or for the demo's: users add --demo")
    sys.stdout.flush()
    config = uvicorn.Config(
        app,
        host=where,
        port=at,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _Server(config, app.state.services.stopping)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


class _Server(uvicorn.Server):
    """Tells the app at once that it ends: uvicorn does when all answers, and what follows them, are done."""

    def __init__(self, config: uvicorn.Config, stopping: Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)
