"""The app: every route under /api/v1, in its frame."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from sigmasight_dagster.api import errors
from sigmasight_dagster.api.errors import ProblemDetails, WrongField
from sigmasight_dagster.api.frame import REQUEST_ID, Frame
from sigmasight_dagster.api.routes import routers
from sigmasight_dagster.api.services import Services
from sigmasight_dagster.api.workspaces import OpenInstance, project_instance
from sigmasight_dagster.settings import Settings

BASE: Final = "/api/v1"
_ABOUT: Final = """\
Portfolio risk as it is stored: every number of an answer is a cell of a table, of published results only.
NULL is `null`, and the row's `status` says why. Dates are trading dates; moments are UTC.
"""
_EXPOSED: Final = ("ETag", "Link", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After")


def create_app(
    settings: Settings, url: str, secret: bytes, instance: OpenInstance = project_instance
) -> FastAPI:
    """:param url: libpq's, of the asset database. :param secret: what access tokens are signed with."""
    services = Services.make(settings, url, secret, instance)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.pool.open()
        yield
        await services.pool.close()
        services.warehouse.close()
        services.answers.close()

    app = FastAPI(
        title="SigmaSight",
        version=version("sigmasight"),
        description=_ABOUT,
        openapi_url=f"{BASE}/openapi.json",
        docs_url=f"{BASE}/docs",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    errors.install(app)
    for router in routers():
        app.include_router(router, prefix=BASE)
    # rows become a fourth to an eighth of their size; at level 5 hardly less, in twice the time
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(Frame, largest_body=int(settings.api_max_body_mb * 1e6))
    if settings.api_cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.api_cors_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", REQUEST_ID],
            expose_headers=[*_EXPOSED, REQUEST_ID],
        )
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


def _schema(app: FastAPI) -> dict[str, Any]:
    """OpenAPI, with our errors in place of the framework's."""
    if not app.openapi_schema:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for model in (WrongField, ProblemDetails):
            shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
            shape.pop("$defs", None)
            schemas[model.__name__] = shape
        app.openapi_schema = made
    return app.openapi_schema
