"""/auth: logging in and out, and adding users."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.tables.access.users import ROLES
from sigmasight_dagster.api.callers import Admin, Reader, count
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import PLAIN, Body
from sigmasight_dagster.auth.passwords import LONGEST, SHORTEST
from sigmasight_dagster.auth.tokens import ACCESS_SECONDS
from sigmasight_dagster.warehouse.access.sessions import Session
from sigmasight_dagster.warehouse.access.users import UserExists

router = APIRouter(prefix="/auth", tags=["auth"])

LOGINS_PER_MINUTE: Final = 10
"""Of one address for one user."""

_EMAIL = r"^[^@\s\x00]+@[^@\s\x00]+$"
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=3, max_length=320, pattern=_EMAIL),
    Field(examples=["ana@example.com"]),
]
Password = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST, pattern=PLAIN, examples=["correct horse battery"]),
]
Token = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]


class Login(Body):
    """Who logs in."""

    email: Email
    password: Password


class Refresh(Body):
    """A refresh token, of the last login or refresh."""

    refresh_token: Token


class Tokens(BaseModel):
    """An access token for the next minutes, and a refresh token for one exchange."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(default=ACCESS_SECONDS, description="Seconds", examples=[ACCESS_SECONDS])


class Me(BaseModel):
    """The user of a token."""

    email: str = Field(examples=["ana@example.com"])
    role: str = Field(examples=["reader"], json_schema_extra={"enum": list(ROLES)})
    portfolios: list[str] = Field(description="That the user may see", examples=[["individual"]])


class NewUser(Body):
    """A user to be added."""

    email: Email
    password: Annotated[Password, Field(min_length=SHORTEST)]
    role: Literal["reader", "editor", "admin"] = "reader"
    portfolios: list[Annotated[str, Field(pattern=PORTFOLIO_NAME_PATTERN)]] = Field(
        default_factory=list, max_length=1000, examples=[["individual"]]
    )


def _answer(use: Services, session: Session) -> Tokens:
    made = use.tokens.make(session.email, session.family)
    return Tokens(access_token=made, refresh_token=session.refresh_token)


def _count_client(request: Request, use: Services, who: str = "", per_minute: int | None = None) -> None:
    host = request.client.host if request.client else ""
    count(request, use.limits.ask(f"{host} {who}", per_minute))


@router.post("/login", summary="Log in", responses=described(400, 401, 413, 422, 429, 503))
async def login(body: Login, request: Request, use: Use) -> Tokens:
    """Exchange an address and a password for tokens."""
    request.state.email = body.email
    _count_client(request, use)
    _count_client(request, use, body.email, LOGINS_PER_MINUTE)
    stored = await use.users.password_hash(body.email)
    if not await use.passwords.right(body.password, stored):
        raise Problem(401, "address or password is wrong", "wrong_credentials")
    return _answer(use, await use.sessions.begin(body.email, request.state.request_id))


@router.post("/refresh", summary="Get new tokens", responses=described(400, 401, 413, 422, 429, 503))
async def refresh(body: Refresh, request: Request, use: Use) -> Tokens:
    """Exchange a refresh token, once. One that comes again ends the login: one of the two stole it."""
    _count_client(request, use)
    session = await use.sessions.refresh(body.refresh_token, request.state.request_id)
    if session == "unknown":
        raise Problem(401, "the refresh token is not valid any more: log in", "refresh_token_unknown")
    if session == "replayed":
        said = "the refresh token was used before: its login has been ended, log in again"
        raise Problem(401, said, "refresh_token_replayed")
    request.state.email = session.email
    return _answer(use, session)


@router.post("/logout", status_code=204, summary="Log out", responses=described(400, 413, 422, 429, 503))
async def logout(body: Refresh, request: Request, use: Use) -> None:
    """End the login of a refresh token with all of its tokens; nothing where it has ended."""
    _count_client(request, use)
    await use.sessions.end(body.refresh_token)


@router.get("/me", summary="Who the token is of", responses=described(401, 429, 503))
async def me(user: Reader) -> Me:
    """The user, their role, and which portfolios they may see."""
    return Me(email=user.email, role=user.role, portfolios=list(user.portfolios))


@router.post(
    "/register",
    status_code=201,
    summary="Add a user (admin)",
    responses=described(400, 401, 403, 409, 413, 422, 429, 503),
)
async def register(body: NewUser, _: Admin, request: Request, use: Use) -> Me:
    """Add a user with a role and portfolios."""
    password_hash = await use.passwords.hashed(body.password)
    try:
        await use.users.add(body.email, password_hash, body.role, body.portfolios, request.state.request_id)
    except UserExists as error:
        raise Problem(409, str(error)) from None
    return Me(email=body.email, role=body.role, portfolios=sorted(set(body.portfolios)))
