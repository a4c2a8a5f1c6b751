"""`sigmasight dev`: Dagster's webserver and daemon on the project's instance."""

import os
import sys

import click

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster.commands.servers.dagster_process import DagsterProcess
from sigmasight_dagster.commands.servers.ports import refuse_taken_port
from sigmasight_dagster.server.urls import asset_database_url, dagster_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.places import WORKSPACE, dagster_home, project_root
from sigmasight_dagster.warehouse import Warehouse


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the UI.")
def dev(port: int, host: str) -> None:
    """Open the Dagster UI (webserver and daemon) until Ctrl-C.

    Says when it is ready. What Dagster says goes to ui.log in the state directory. It has no login: it
    answers who asks for this machine, the name of --host, or one of SIGMASIGHT_UI_HOSTS, and no other page.
    """
    settings = Settings()
    refuse_taken_port(host, port)
    dagster_home()
    dagster_database_url(settings)
    warehouse = Warehouse(asset_database_url(settings))
    warehouse.migrate()  # sensors read its tables from the start
    warehouse.close()
    root = project_root()
    os.chdir(root)
    arguments = ["-w", str(root / WORKSPACE), "-h", host, "-p", str(port)]
    url = f"http://{host}:{port}"
    hosts = {"SIGMASIGHT_UI_HOSTS": ",".join((*settings.ui_hosts, host))}
    with DagsterProcess(arguments, settings.home / "ui.log", hosts) as dagster:
        if dagster.wait_until_it_answers(f"{url}/server_info"):
            if not dagster.refuses_strangers(f"{url}/server_info"):
                raise SigmaSightError(
                    "the UI answers anybody, so it is stopped: this Dagster is not supported"
                )
            click.echo(f"Dagster UI: {url} (Ctrl-C stops it; the database goes on: sigmasight db stop)")
            sys.stdout.flush()
            dagster.wait()
    if dagster.ended_by_itself:
        raise SigmaSightError(f"Dagster ended by itself: {dagster.last_words()} (log: {dagster.log})")
