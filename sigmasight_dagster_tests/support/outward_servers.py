"""The API and the agents' server as real ones, in threads of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import uvicorn

from sigmasight_dagster.agents.http import http_app
from sigmasight_dagster.agents.server import make_server
from sigmasight_dagster.agents.services import Services
from sigmasight_dagster.api.app import create_app
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.support.api_house import SECRET
from sigmasight_dagster_tests.support.dev_server import free_port

START_SECONDS = 30


@dataclass(frozen=True)
class Outward:
    """Where they listen."""

    api: str
    mcp: str


@contextmanager
def outward_servers(url: str, home: Path) -> Iterator[Outward]:
    """Both servers on a database, until the end."""
    settings = Settings(home=home, api_requests_per_minute=0)
    use = Services.of_token_users(settings, url, SECRET)
    with (
        _served(create_app(settings, url, SECRET)) as api,
        _served(http_app(make_server(use), "127.0.0.1"), use) as mcp,
    ):
        yield Outward(api, mcp)


@contextmanager
def _served(app: Any, use: Services | None = None) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))

    async def serve() -> None:
        if use is None:
            await server.serve()
            return
        async with use.opened():
            await server.serve()

    thread = threading.Thread(target=anyio.run, args=(serve,))
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
