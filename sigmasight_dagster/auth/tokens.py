"""Access tokens: JWTs of 15 minutes that name the user and the login, signed with the project's secret."""

import os
import secrets
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import jwt

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings import Settings

ACCESS_SECONDS: Final = 15 * 60
SHORTEST_SECRET: Final = 32
_ALGORITHM: Final = "HS256"
_CLAIMS: Final = ["sub", "sid", "iat", "exp"]
_MOST_KNOWN: Final = 4096
"""Verified tokens that are kept; beyond them, which came longest ago is forgotten."""


class AccessTokens:
    """:param secret: at least 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: OrderedDict[str, tuple[str, str, float]] = OrderedDict()

    def make(self, email: str, family: str) -> str:
        now = datetime.now(UTC)
        claims = {"sub": email, "sid": family, "iat": now, "exp": now + timedelta(seconds=ACCESS_SECONDS)}
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def read(self, token: str) -> tuple[str, str] | None:
        """The user's address and the login of a token; None where it is forged, expired or none at all.

        The signature is verified once, the time each time.
        """
        if (found := self._known.get(token)) and found[2] > time.time():
            return found[:2]
        try:
            claims = jwt.decode(token, self._secret, [_ALGORITHM], options={"require": _CLAIMS})
        except jwt.InvalidTokenError:
            return None
        found = str(claims["sub"]), str(claims["sid"]), float(claims["exp"])
        self._known[token] = found
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return found[:2]


def signing_secret(settings: Settings) -> bytes:
    """The setting, or what is kept in the state directory: made there once, for its owner alone to read.

    :raises InputError: when it cannot be kept or read, or is too short.
    """
    if settings.api_secret is not None:
        secret = settings.api_secret.get_secret_value().encode()
        if len(secret) < SHORTEST_SECRET:
            raise InputError(
                f"SIGMASIGHT_API_SECRET: {len(secret)} characters; take {SHORTEST_SECRET} or more"
            )
        return secret
    file = settings.home / "api_secret"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        _keep(file)
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; set SIGMASIGHT_API_SECRET instead") from None


def _keep(file: Path) -> None:
    """Make the file where it is missing, whole: of two that start at once, one makes it."""
    if file.exists():
        return
    made = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(secrets.token_urlsafe(48).encode())
    try:
        os.link(made, file)
    except FileExistsError:
        pass
    finally:
        made.unlink()
