"""`sigmasight mcp`: the server for language-model agents, over stdio or HTTP."""

from typing import Final

import anyio
import click
import uvicorn

from sigmasight_dagster import logs
from sigmasight_dagster.agents.http import PATH, http_app
from sigmasight_dagster.agents.server import make_server
from sigmasight_dagster.agents.services import Services
from sigmasight_dagster.auth.tokens import signing_secret
from sigmasight_dagster.commands.arguments import some_portfolios
from sigmasight_dagster.commands.servers.ports import refuse_taken_port
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.errors import unknown_portfolio

HOST: Final = "127.0.0.1"
PORT: Final = 8001


@click.command()
@some_portfolios
@click.option(
    "--http", "by_http", is_flag=True, help="Serve HTTP, with the access tokens of sigmasight serve."
)
@click.option("--host", metavar="ADDRESS", help=f"With --http: address to listen on; default: {HOST}.")
@click.option("--port", type=click.IntRange(1, 65535), help=f"With --http: port; default: {PORT}.")
def mcp(names: tuple[str, ...], by_http: bool, host: str | None, port: int | None) -> None:
    """Serve language-model agents over MCP (docs/agents.md): stored results, read only.

    By default over standard input and output, for a program on this machine that starts it.
    """
    if by_http and names:
        raise click.UsageError("portfolios are for stdio: with --http each token has its user's")
    if not by_http and (host or port):
        raise click.UsageError("--host and --port need --http")
    settings = Settings()
    if by_http:
        refuse_taken_port(host or HOST, port or PORT)
    url = asset_database_url(settings)
    _prepare(url, names)
    if not by_http:
        anyio.run(_stdio, Services.of_local_user(settings, url, names))
        return
    logs.configure("INFO")
    use = Services.of_token_users(settings, url, signing_secret(settings))
    click.echo(f"MCP: http://{host or HOST}:{port or PORT}{PATH} (Ctrl-C stops it)", err=True)
    anyio.run(_http, use, host or HOST, port or PORT)


async def _stdio(use: Services) -> None:
    async with use.opened():
        await make_server(use).run_stdio_async()


async def _http(use: Services, host: str, port: int) -> None:
    app = http_app(make_server(use), host)
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, server_header=False)
    async with use.opened():
        await uvicorn.Server(config).serve()


def _prepare(url: str, names: tuple[str, ...]) -> None:
    """An up-to-date layout. :raises InputError: when a portfolio is not registered."""
    warehouse = Warehouse(url)
    warehouse.migrate()
    known = warehouse.portfolio_names()
    warehouse.close()
    for name in names:
        if name not in known:
            raise unknown_portfolio(name, known)
